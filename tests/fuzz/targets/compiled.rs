//! The correlator with rule sets that are compiled once, because that takes longer than most inputs.

use bellbuoy_core::Text;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::{Limits, Match, RuleSet};
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::task::Task;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_correlate::{Correlate, Tables};
use bellbuoy_wire::rules::Config;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// Limits that a few facts reach.
pub(crate) const TIGHT: Limits = Limits {
    objects_max: 6,
    episodes_max: 4,
    ended_incidents_max: 2,
    members_shown: 2,
    timeline_max: 3,
    reopen_within: Span::from_secs(60),
    update_every: Span::from_secs(5),
    infer_from: 2,
};

/// The least that any document can say: nothing remembered, nothing shown.
pub(crate) const NOTHING: Limits = Limits {
    objects_max: 0,
    episodes_max: 0,
    ended_incidents_max: 0,
    members_shown: 0,
    timeline_max: 0,
    reopen_within: Span::ZERO,
    update_every: Span::ZERO,
    infer_from: 0,
};

/// Signals of events, containers, conditions and alerts that the stories of the correlator tell of.
const TOLD_OF: [&str; 22] = [
    "Alert",
    "CrashLoopBackOff",
    "Evicted",
    "FailedCreate",
    "FailedCreate/QuotaExceeded",
    "FailedCreate/ServiceAccountMissing",
    "FailedMount",
    "FailedMount/NotFound",
    "FailedScheduling",
    "FailedScheduling/VolumeUnbound",
    "ImagePullBackOff",
    "ImagePullBackOff/NotFound",
    "JobFailed",
    "NodeNotReady",
    "NodePressure",
    "OOMKilled",
    "RegistryFailing",
    "RolloutStalled",
    "ServiceWithoutEndpoints",
    "StartError",
    "TaintManagerEviction",
    "Unhealthy",
];

/// Some of the rule set that comes with Bellbuoy, under these limits: what the stories tell of, all signs, the causes
/// between them, and two components. Every restore and every activation compiles a rule set, and the whole one is large.
pub(crate) fn some_rules(limits: Limits) -> RuleSet {
    let mut rules = Config::default().rule_set();
    rules.catalogue.retain(|rule| {
        TOLD_OF.contains(&&*rule.code) || rule.matches.iter().any(|form| matches!(form, Match::State { .. }))
    });
    let known: BTreeSet<_> = rules.catalogue.iter().map(|rule| rule.code.clone()).collect();
    rules.causality.retain(|rule| {
        let is_known = |codes: &[Text]| codes.iter().any(|code| known.contains(code));
        is_known(&rule.causes) && is_known(&rule.effects)
    });
    rules.components.retain(|component| matches!(&*component.name, "dns" | "kube-scheduler"));
    RuleSet { limits, ..rules }
}

static WHOLE: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(Arc::new(Config::default().rule_set())));
static AMPLY: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(Arc::new(some_rules(Limits::default()))));
static TIGHTLY: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(Arc::new(some_rules(TIGHT))));
static HARDLY: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(Arc::new(some_rules(NOTHING))));

/// The rules that a task begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// Those that come with Bellbuoy.
    Whole,
    /// Some of them.
    Ample,
    /// Some of them, with the limits [`TIGHT`].
    Tight,
    /// Some of them, with the limits [`NOTHING`].
    Nothing,
}

impl Under {
    /// The limits.
    pub(crate) fn limits(self) -> Limits {
        match self {
            Under::Whole | Under::Ample => Limits::default(),
            Under::Tight => TIGHT,
            Under::Nothing => NOTHING,
        }
    }
}

/// The correlator, borrowed from its static.
pub(crate) struct Compiled(&'static Correlate);

/// A task of the correlator that has seen nothing.
pub(crate) fn task(under: Under) -> Task<Compiled> {
    Task::new(Compiled(match under {
        Under::Whole => &WHOLE,
        Under::Ample => &AMPLY,
        Under::Tight => &TIGHTLY,
        Under::Nothing => &HARDLY,
    }))
}

impl Stage for Compiled {
    const NAME: &'static str = Correlate::NAME;
    const STATE_FORMAT: u16 = Correlate::STATE_FORMAT;
    const LATENESS: Span = Correlate::LATENESS;
    const FORWARDS: bool = Correlate::FORWARDS;
    type In = Fact;
    type Out = Incident;
    type State = Tables;

    fn on_record(&self, state: &mut Tables, record: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        self.0.on_record(state, record, ctx);
    }

    fn on_time(&self, state: &mut Tables, now: Time, ctx: &mut Ctx<'_, Incident>) {
        self.0.on_time(state, now, ctx);
    }
}
