//! A rule set: everything beside the journal that can influence a decision, named by the hash of its document.

use crate::Text;
use crate::severity::Severity;
use crate::time::Span;
use borsh::{BorshDeserialize, BorshSerialize};

/// All rules of all stages. Its name is the hash of its canonical document, which `wire` writes: a field that is added
/// here later does not rename the rule sets of old journals.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct RuleSet {
    /// Fact → signal.
    pub catalogue: Vec<SignalRule>,
    /// Cause → effect.
    pub causality: Vec<CausalityRule>,
    /// Parts of the cluster that everything else leans on.
    pub components: Vec<ComponentRule>,
    /// Team that owns an incident; the first rule that matches decides.
    pub owners: Vec<OwnerRule>,
    /// The team for what no owner rule matches.
    pub default_owner: Text,
    /// How incidents become pages.
    pub policy: Policy,
    /// Limits and waiting times.
    pub limits: Limits,
}

impl RuleSet {
    /// The signal of that code.
    pub fn signal(&self, code: &str) -> Option<&SignalRule> {
        self.catalogue.iter().find(|rule| &*rule.code == code)
    }
}

/// A signal: what a fact means.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct SignalRule {
    /// Its name in the field: `CrashLoopBackOff`, `NodeNotReady`, …
    pub code: Text,
    /// The area of an estate (`DESIGN` §9) that it speaks of.
    pub area: Text,
    /// What it says of an entity, to finish the sentence "Deployment shop/cart …".
    pub says: Text,
    /// Whether it is a cause by itself, a symptom of something else, or either.
    pub role: Role,
    /// Whether it can heal by itself.
    pub class: Class,
    /// Its own weight.
    pub severity: Severity,
    /// Where to read what to do.
    pub runbook: Text,
    /// How long it must have lasted before an incident opens.
    pub grace: Span,
    /// How many reports open an incident before `grace` is over; 0: none do.
    pub repeats: u32,
    /// How long the healthy state must have lasted before the episode ends.
    pub heals_after: Span,
    /// Event reasons on the same object that speak of recovery.
    pub healed_by: Vec<Text>,
    /// How long a live source must have been quiet before the episode of an object that no state source covers ends;
    /// zero: quiet does not end it.
    pub quiet: Span,
    /// How often the emitter of its Events repeats it at least while it goes on; zero: at least as often as `quiet`. An
    /// Event that was repeated more rarely tells of several troubles, and not of one that has lasted from the first.
    pub every: Span,
    /// What matches; any of them.
    pub matches: Vec<Match>,
}

/// Whether a signal is a cause by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Role {
    /// It names what is wrong.
    Cause,
    /// It follows from something else, mostly.
    #[default]
    Symptom,
    /// Either.
    Both,
}

/// Whether a signal can heal by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Class {
    /// It cannot heal without a change: an unknown image, a missing key, a full quota.
    Fixed,
    /// It may heal when something else comes up.
    #[default]
    Converging,
    /// It is meant: a drain, a scale-down. Never opens an incident by itself.
    Planned,
}

/// What a signal looks like in a fact. Empty fields match anything; patterns are regular expressions.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub enum Match {
    /// A Kubernetes Event.
    Event {
        /// Kind of the object.
        kind: Text,
        /// The reason.
        reason: Text,
        /// The component; a prefix of it suffices.
        component: Text,
        /// A pattern in the message.
        pattern: Text,
    },
    /// A waiting container of a pod.
    Waiting {
        /// The reason.
        reason: Text,
        /// A pattern in the message.
        pattern: Text,
    },
    /// A container of a pod that has ended, now or before its present run.
    Terminated {
        /// The reason.
        reason: Text,
        /// The exit code: `137`, or `!0` for any but that; empty for any.
        exit_code: Text,
        /// A pattern in the message.
        pattern: Text,
    },
    /// A condition in an object's status.
    Condition {
        /// Kind of the object.
        kind: Text,
        /// Type of the condition.
        condition: Text,
        /// Its status: `False`, `Unknown`; `!True` for either.
        status: Text,
        /// Its reason.
        reason: Text,
        /// A pattern in its message.
        pattern: Text,
    },
    /// `status.phase` and `status.reason` of an object.
    Phase {
        /// Kind of the object.
        kind: Text,
        /// The phase.
        phase: Text,
        /// The reason.
        reason: Text,
        /// A pattern in its message.
        pattern: Text,
    },
    /// A sign that Bellbuoy finds in an object's state, or in two objects beside each other.
    State {
        /// One of [`crate::sign::ALL`].
        sign: Text,
        /// Kind of the object.
        kind: Text,
        /// A pattern in the message that tells of it.
        pattern: Text,
    },
    /// A firing alert.
    Alert {
        /// A pattern for the whole alert name.
        name: Text,
    },
}

/// A causal edge between signals, and how the two entities must hang together.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct CausalityRule {
    /// Its name.
    pub name: Text,
    /// Signals that cause.
    pub causes: Vec<Text>,
    /// Components on which the causes must be; empty: anything may be the cause.
    pub components: Vec<Text>,
    /// Signals that follow.
    pub effects: Vec<Text>,
    /// A pattern in the effect's message; empty: whatever it says.
    pub pattern: Text,
    /// How the entities hang together.
    pub relation: Relation,
    /// The effect shows at most so long after the cause.
    pub delay_max: Span,
    /// How far the cause may seem to come after the effect: emitters round, and sources report at their own pace.
    pub lead_max: Span,
    /// What the edge is worth; the better edge wins.
    pub strength: i32,
    /// Whether the cause may be inferred: when enough owners show an effect through one shared thing and most of what
    /// uses that thing shows it, an episode of the first cause signal is opened on the thing itself.
    pub infer: bool,
    /// Owners that must show an effect before the cause is inferred; zero: [`Limits::infer_from`] of them. One is enough
    /// where what shows the effect can never be at fault itself: a node's range of addresses, its devices, its disk.
    pub infer_from: u32,
    /// The sentence, from the cause's side: "pods of a dead node are lost with it".
    pub says: Text,
}

/// How two entities hang together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Relation {
    /// They are the same.
    #[default]
    Same,
    /// The effect's pods run, or ran, on the cause's node.
    Node,
    /// The cause's pods are the backends of the effect's Service.
    ServiceBackend,
    /// The effect's pods want the cause's image.
    Image,
    /// The effect's image comes from the cause's registry.
    Registry,
    /// Both are in the cause's namespace, and the effect's message names it or its quota.
    Namespace,
    /// The effect needs the cause: a config map, a secret, a claim, a service account, a volume.
    Reference,
    /// The cause needs the effect: a claim waits for the pod that is to use it.
    Referrer,
    /// The effect's pods call the Service that is the cause, or whose backends are.
    Call,
    /// A pod of the cause runs, or should run, on a node of the effect's pods: agents of a node.
    NodeAgent,
    /// Anything in the cluster may follow, because everything leans on the cause.
    Cluster,
    /// The effect's pods run on a node that nobody has told of: it may be the cause's.
    SomeNode,
    /// The effect is the namespace that the cause is in.
    Within,
    /// The effect's pods run a sidecar of the component that is the cause.
    Sidecar,
}

/// A part of the cluster that everything else leans on: DNS, the network, the control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ComponentRule {
    /// Its name: `dns`, `cni`, `kube-scheduler`, …
    pub name: Text,
    /// The area that trouble with it belongs to.
    pub area: Text,
    /// The severity that trouble with it has at least.
    pub severity: Severity,
    /// Kinds of its objects; none: any.
    pub kinds: Vec<Text>,
    /// A pattern for the whole namespace; empty: any.
    pub namespace: Text,
    /// A pattern for the whole name.
    pub names: Text,
    /// A pattern for an image, without its tag, that pods run because they are users of it; empty: none.
    pub sidecars: Text,
}

/// Which team owns an incident. Empty fields match anything.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct OwnerRule {
    /// Its name.
    pub name: Text,
    /// Area of the cause's signal.
    pub area: Text,
    /// Namespace of the cause's entity, with `*` at its end for a prefix.
    pub namespace: Text,
    /// Kind of the cause's entity.
    pub kind: Text,
    /// Code of the cause's signal.
    pub signal: Text,
    /// The team.
    pub owner: Text,
}

/// How incidents become pages.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// Its name.
    pub name: Text,
    /// The mildest severity that pages.
    pub page_from: Severity,
    /// How long an incident is left to find its cause before the first page goes out.
    pub settle: Span,
    /// Who is told, tier after tier.
    pub tiers: Vec<Tier>,
}

/// One tier of a policy.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Tier {
    /// The receiver; `owner` stands for the incident's owner.
    pub receiver: Text,
    /// The channel.
    pub channel: Text,
    /// How long to wait for an acknowledgement before the next tier is told.
    pub ack_timeout: Span,
}

/// Limits of state, and waiting times. Part of the rule set, because what falls out at a limit decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Limits {
    /// Objects remembered per scope. At the limit the one not heard of for longest, without open episodes, is forgotten.
    pub objects_max: u32,
    /// Episodes open per scope. At the limit further ones are counted and rejected to the dead letters.
    pub episodes_max: u32,
    /// Ended incidents remembered per scope, for reopening and late facts. At the limit the oldest is forgotten.
    pub ended_incidents_max: u32,
    /// Members shown in a record of an incident; all are counted.
    pub members_shown: u32,
    /// Timeline entries kept; the newest stay.
    pub timeline_max: u32,
    /// How long an ended incident takes late facts and recurrences in.
    pub reopen_within: Span,
    /// Records of one incident are at least so far apart, unless it opens, changes its cause, merges or ends.
    pub update_every: Span,
    /// How many owners must show one signal through one shared thing before that thing is inferred as the cause.
    pub infer_from: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects_max: 500_000,
            episodes_max: 100_000,
            ended_incidents_max: 1_000,
            members_shown: 100,
            timeline_max: 50,
            reopen_within: Span::from_secs(1_800),
            update_every: Span::from_secs(1),
            infer_from: 3,
        }
    }
}
