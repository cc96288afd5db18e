//! The canonical document of a rule set: JSON in one order, without blanks.
//!
//! It travels in the journal and in the topic `rules`. Two equal rule sets have one document, byte for byte, and a
//! document read back is the rule set that was written. A rule set is written in the oldest format that can say it, and
//! fields that came with a later format are left out where they are empty: so the rule sets of old journals keep their
//! documents, and with them their names.

use bellbuoy_core::Text;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::rules as domain;
use bellbuoy_core::severity;
use bellbuoy_core::sign::NO_READY_ENDPOINTS;
use bellbuoy_core::time::Span;
use serde::{Deserialize, Serialize};

/// The newest version of the document. Newer ones are refused: what this version does not know could decide. Format 2
/// brought components, signs, exit codes, and the relations and patterns of the full causality.
pub const DOCUMENT_FORMAT: u32 = 2;

/// A document is no rule set.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is not the JSON of a rule set.
    #[error("expected the JSON document of a rule set: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A newer version of Bellbuoy wrote it.
    #[error("rule set document of format {found}, expected {DOCUMENT_FORMAT} or older: written by a newer version?")]
    Format {
        /// The format that the document names.
        found: u32,
    },
}

/// The name of a rule set: the hash of its canonical document.
pub fn hash(rules: &domain::RuleSet) -> FactId {
    FactId::of_text(&to_document(rules))
}

/// The canonical document of a rule set.
pub fn to_document(rules: &domain::RuleSet) -> String {
    let document = Document { format: format_of(rules), rules: RuleSet::of(rules) };
    // Fails only for maps with keys that are not text, and for writers that fail: here are neither.
    serde_json::to_string(&document).unwrap_or_default()
}

/// Reads a document back.
///
/// # Errors
/// [`RulesError`] when it is not a rule set, or one of a newer version.
pub fn from_document(document: &str) -> Result<domain::RuleSet, RulesError> {
    // The format first: a newer document may well hold what this version cannot read.
    let Format { format } = serde_json::from_str(document)?;
    if format > DOCUMENT_FORMAT {
        return Err(RulesError::Format { found: format });
    }
    let document: Document = serde_json::from_str(document)?;
    Ok(document.rules.to_domain())
}

/// The oldest format that can say a rule set.
fn format_of(rules: &domain::RuleSet) -> u32 {
    use domain::{Match, Relation};
    let is_old_match = |one: &Match| match one {
        Match::State { .. } => is_no_ready_endpoints(one),
        Match::Terminated { exit_code, .. } => exit_code.is_empty(),
        _ => true,
    };
    let is_old_edge = |edge: &domain::CausalityRule| {
        let is_new = matches!(
            edge.relation,
            Relation::Referrer
                | Relation::Call
                | Relation::NodeAgent
                | Relation::Cluster
                | Relation::SomeNode
                | Relation::Within
                | Relation::Sidecar
        );
        edge.components.is_empty() && edge.pattern.is_empty() && edge.infer_from == 0 && !is_new
    };
    let is_old = rules.components.is_empty()
        && rules.causality.iter().all(is_old_edge)
        && rules.catalogue.iter().all(|signal| signal.every == Span::ZERO && signal.matches.iter().all(is_old_match));
    if is_old { 1 } else { DOCUMENT_FORMAT }
}

fn is_none_asked(owners: &u32) -> bool {
    *owners == 0
}

fn is_zero(span: &i64) -> bool {
    *span == 0
}

/// The one sign that format 1 knew, under a name of its own.
fn is_no_ready_endpoints(one: &domain::Match) -> bool {
    matches!(one, domain::Match::State { sign, kind, pattern }
        if &**sign == NO_READY_ENDPOINTS && &**kind == "Service" && pattern.is_empty())
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    rules: RuleSet,
}

/// A serde type and the domain type that it stands for.
trait Twin<D> {
    fn of(domain: &D) -> Self;
    fn to_domain(self) -> D;
}

macro_rules! same {
    ($($type:ty),*) => { $(
        impl Twin<$type> for $type {
            fn of(domain: &$type) -> Self { *domain }
            fn to_domain(self) -> $type { self }
        }
    )* };
}
same!(bool, i32, u32);

impl Twin<Text> for String {
    fn of(domain: &Text) -> Self {
        domain.to_string()
    }
    fn to_domain(self) -> Text {
        self.into()
    }
}

/// Whole microseconds, as the domain counts.
impl Twin<Span> for i64 {
    fn of(domain: &Span) -> Self {
        domain.0
    }
    fn to_domain(self) -> Span {
        Span(self)
    }
}

impl<T: Twin<D>, D> Twin<Vec<D>> for Vec<T> {
    fn of(domain: &Vec<D>) -> Self {
        domain.iter().map(T::of).collect()
    }
    fn to_domain(self) -> Vec<D> {
        self.into_iter().map(T::to_domain).collect()
    }
}

/// Declares the twin of a struct; a field that the domain gains or loses does not compile here.
macro_rules! twin_struct {
    ($name:ident, $domain:path { $($(#[$attr:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name { $($(#[$attr])* $field: $type,)* }

        impl Twin<$domain> for $name {
            fn of(domain: &$domain) -> Self {
                let $domain { $($field,)* } = domain;
                Self { $($field: Twin::of($field),)* }
            }
            fn to_domain(self) -> $domain {
                let Self { $($field,)* } = self;
                $domain { $($field: Twin::to_domain($field),)* }
            }
        }
    };
}

/// Declares the twin of an enum of words.
macro_rules! twin_enum {
    ($name:ident, $domain:path { $($variant:ident,)* }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        enum $name { $($variant,)* }

        impl Twin<$domain> for $name {
            fn of(domain: &$domain) -> Self {
                use $domain as D;
                match domain { $(D::$variant => Self::$variant,)* }
            }
            fn to_domain(self) -> $domain {
                use $domain as D;
                match self { $(Self::$variant => D::$variant,)* }
            }
        }
    };
}

twin_struct! { RuleSet, domain::RuleSet {
    catalogue: Vec<SignalRule>,
    causality: Vec<CausalityRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    components: Vec<ComponentRule>,
    owners: Vec<OwnerRule>,
    default_owner: String,
    policy: Policy,
    limits: Limits,
} }

twin_struct! { SignalRule, domain::SignalRule {
    code: String,
    area: String,
    says: String,
    role: Role,
    class: Class,
    severity: Severity,
    runbook: String,
    #[serde(rename = "grace_us")]
    grace: i64,
    repeats: u32,
    #[serde(rename = "heals_after_us")]
    heals_after: i64,
    healed_by: Vec<String>,
    #[serde(rename = "quiet_us")]
    quiet: i64,
    #[serde(rename = "every_us", default, skip_serializing_if = "is_zero")]
    every: i64,
    matches: Vec<Match>,
} }

twin_enum! { Role, domain::Role { Cause, Symptom, Both, } }
twin_enum! { Class, domain::Class { Fixed, Converging, Planned, } }
twin_enum! { Severity, severity::Severity { P1, P2, P3, P4, P5, } }

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Match {
    Event {
        kind: String,
        reason: String,
        component: String,
        pattern: String,
    },
    Waiting {
        reason: String,
        pattern: String,
    },
    Terminated {
        reason: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        exit_code: String,
        pattern: String,
    },
    Condition {
        kind: String,
        condition: String,
        status: String,
        reason: String,
        pattern: String,
    },
    Phase {
        kind: String,
        phase: String,
        reason: String,
        pattern: String,
    },
    NoReadyEndpoints,
    State {
        sign: String,
        kind: String,
        pattern: String,
    },
    Alert {
        name: String,
    },
}

/// Converts each named field of a variant.
macro_rules! fields {
    ($value:expr, $from:ident => $to:ident { $($variant:ident { $($field:ident),* },)* } $($more:tt)*) => {
        match $value {
            $($more)*
            $($from::$variant { $($field),* } => $to::$variant { $($field: fields!(@$from $field)),* },)*
        }
    };
    (@D $field:ident) => { Twin::of($field) };
    (@Match $field:ident) => { $field.to_domain() };
}

use domain::Match as D;

impl Twin<D> for Match {
    fn of(one: &D) -> Self {
        fields! { one, D => Match {
            Event { kind, reason, component, pattern },
            Waiting { reason, pattern },
            Terminated { reason, exit_code, pattern },
            Condition { kind, condition, status, reason, pattern },
            Phase { kind, phase, reason, pattern },
            State { sign, kind, pattern },
            Alert { name },
        } _ if is_no_ready_endpoints(one) => Match::NoReadyEndpoints, }
    }

    fn to_domain(self) -> D {
        fields! { self, Match => D {
            Event { kind, reason, component, pattern },
            Waiting { reason, pattern },
            Terminated { reason, exit_code, pattern },
            Condition { kind, condition, status, reason, pattern },
            Phase { kind, phase, reason, pattern },
            State { sign, kind, pattern },
            Alert { name },
        } Match::NoReadyEndpoints => {
            D::State { sign: NO_READY_ENDPOINTS.into(), kind: "Service".into(), pattern: "".into() }
        } }
    }
}

twin_struct! { CausalityRule, domain::CausalityRule {
    name: String,
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    components: Vec<String>,
    effects: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pattern: String,
    relation: Relation,
    #[serde(rename = "delay_max_us")]
    delay_max: i64,
    #[serde(rename = "lead_max_us")]
    lead_max: i64,
    strength: i32,
    infer: bool,
    #[serde(default, skip_serializing_if = "is_none_asked")]
    infer_from: u32,
    says: String,
} }

twin_enum! { Relation, domain::Relation { Same, Node, ServiceBackend, Image, Registry, Namespace, Reference,
    Referrer, Call, NodeAgent, Cluster, SomeNode, Within, Sidecar,
} }

twin_struct! { ComponentRule, domain::ComponentRule {
    name: String,
    area: String,
    severity: Severity,
    kinds: Vec<String>,
    namespace: String,
    names: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sidecars: String,
} }

twin_struct! { OwnerRule, domain::OwnerRule {
    name: String,
    area: String,
    namespace: String,
    kind: String,
    signal: String,
    owner: String,
} }

twin_struct! { Policy, domain::Policy {
    name: String,
    page_from: Severity,
    #[serde(rename = "settle_us")]
    settle: i64,
    tiers: Vec<Tier>,
} }

twin_struct! { Tier, domain::Tier {
    receiver: String,
    channel: String,
    #[serde(rename = "ack_timeout_us")]
    ack_timeout: i64,
} }

twin_struct! { Limits, domain::Limits {
    objects_max: u32,
    episodes_max: u32,
    ended_incidents_max: u32,
    members_shown: u32,
    timeline_max: u32,
    #[serde(rename = "reopen_within_us")]
    reopen_within: i64,
    #[serde(rename = "update_every_us")]
    update_every: i64,
    infer_from: u32,
} }

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Text> {
        any::<String>().prop_map(Text::from)
    }

    fn span() -> impl Strategy<Value = Span> {
        any::<i64>().prop_map(Span)
    }

    fn texts() -> impl Strategy<Value = Vec<Text>> {
        proptest::collection::vec(text(), 0..3)
    }

    fn severity() -> impl Strategy<Value = severity::Severity> {
        proptest::sample::select(&severity::Severity::ALL[..])
    }

    fn relation() -> impl Strategy<Value = domain::Relation> {
        use domain::Relation::*;
        proptest::sample::select(vec![
            Same,
            Node,
            ServiceBackend,
            Image,
            Registry,
            Namespace,
            Reference,
            Referrer,
            Call,
            NodeAgent,
            Cluster,
            SomeNode,
            Within,
            Sidecar,
        ])
    }

    fn one_match() -> impl Strategy<Value = domain::Match> {
        use domain::Match;
        let four = || (text(), text(), text(), text());
        prop_oneof![
            four().prop_map(|(kind, reason, component, pattern)| Match::Event { kind, reason, component, pattern }),
            (text(), text()).prop_map(|(reason, pattern)| Match::Waiting { reason, pattern }),
            (text(), text(), text()).prop_map(|(reason, exit_code, pattern)| Match::Terminated {
                reason,
                exit_code,
                pattern
            }),
            (four(), text()).prop_map(|((kind, condition, status, reason), pattern)| Match::Condition {
                kind,
                condition,
                status,
                reason,
                pattern
            }),
            four().prop_map(|(kind, phase, reason, pattern)| Match::Phase { kind, phase, reason, pattern }),
            (text(), text(), text()).prop_map(|(sign, kind, pattern)| Match::State { sign, kind, pattern }),
            text().prop_map(|name| Match::Alert { name }),
        ]
    }

    fn signal() -> impl Strategy<Value = domain::SignalRule> {
        use domain::{Class, Role, SignalRule};
        let names = (text(), text(), text(), text());
        let role = proptest::sample::select(vec![Role::Cause, Role::Symptom, Role::Both]);
        let class = proptest::sample::select(vec![Class::Fixed, Class::Converging, Class::Planned]);
        let times = (span(), any::<u32>(), span(), texts(), (span(), span()));
        let matches = proptest::collection::vec(one_match(), 0..4);
        (names, role, class, severity(), times, matches).prop_map(
            |((code, area, says, runbook), role, class, severity, times, matches)| {
                let (grace, repeats, heals_after, healed_by, (quiet, every)) = times;
                SignalRule {
                    code,
                    area,
                    says,
                    role,
                    class,
                    severity,
                    runbook,
                    grace,
                    repeats,
                    heals_after,
                    healed_by,
                    quiet,
                    every,
                    matches,
                }
            },
        )
    }

    fn causality() -> impl Strategy<Value = domain::CausalityRule> {
        let whom = (texts(), texts(), text());
        (text(), texts(), whom, relation(), span(), span(), any::<i32>(), any::<(bool, u32)>(), text()).prop_map(
            |(name, causes, whom, relation, delay_max, lead_max, strength, (infer, infer_from), says)| {
                domain::CausalityRule {
                    name,
                    causes,
                    components: whom.0,
                    effects: whom.1,
                    pattern: whom.2,
                    relation,
                    delay_max,
                    lead_max,
                    strength,
                    infer,
                    infer_from,
                    says,
                }
            },
        )
    }

    fn component() -> impl Strategy<Value = domain::ComponentRule> {
        (text(), text(), severity(), texts(), text(), text(), text()).prop_map(
            |(name, area, severity, kinds, namespace, names, sidecars)| domain::ComponentRule {
                name,
                area,
                severity,
                kinds,
                namespace,
                names,
                sidecars,
            },
        )
    }

    fn owner() -> impl Strategy<Value = domain::OwnerRule> {
        (text(), text(), text(), text(), text(), text()).prop_map(|(name, area, namespace, kind, signal, owner)| {
            domain::OwnerRule { name, area, namespace, kind, signal, owner }
        })
    }

    fn policy() -> impl Strategy<Value = domain::Policy> {
        let tier = (text(), text(), span()).prop_map(|(receiver, channel, ack_timeout)| domain::Tier {
            receiver,
            channel,
            ack_timeout,
        });
        (text(), severity(), span(), proptest::collection::vec(tier, 0..3))
            .prop_map(|(name, page_from, settle, tiers)| domain::Policy { name, page_from, settle, tiers })
    }

    fn limits() -> impl Strategy<Value = domain::Limits> {
        (any::<[u32; 6]>(), span(), span()).prop_map(|(counts, reopen_within, update_every)| {
            let [objects_max, episodes_max, ended_incidents_max, members_shown, timeline_max, infer_from] = counts;
            domain::Limits {
                objects_max,
                episodes_max,
                ended_incidents_max,
                members_shown,
                timeline_max,
                reopen_within,
                update_every,
                infer_from,
            }
        })
    }

    fn rule_set() -> impl Strategy<Value = domain::RuleSet> {
        let several = (
            proptest::collection::vec(signal(), 0..4),
            proptest::collection::vec(causality(), 0..4),
            proptest::collection::vec(component(), 0..4),
            proptest::collection::vec(owner(), 0..4),
        );
        (several, text(), policy(), limits()).prop_map(
            |((catalogue, causality, components, owners), default_owner, policy, limits)| domain::RuleSet {
                catalogue,
                causality,
                components,
                owners,
                default_owner,
                policy,
                limits,
            },
        )
    }

    proptest! {
        #[test]
        fn a_document_read_back_is_the_rule_set_that_was_written(rules in rule_set()) {
            let document = to_document(&rules);
            let read = from_document(&document).unwrap();
            prop_assert_eq!(&read, &rules);
            prop_assert_eq!(to_document(&read), to_document(&rules));
            prop_assert_eq!(to_document(&read), document);
        }
    }

    #[test]
    fn the_document_is_pinned() {
        let signal = domain::SignalRule {
            code: "NodeNotReady".into(),
            severity: severity::Severity::P2,
            grace: Span::from_secs(30),
            matches: vec![
                domain::Match::State { sign: "cordoned".into(), kind: "Node".into(), pattern: "".into() },
                domain::Match::Alert { name: "Down".into() },
            ],
            ..Default::default()
        };
        let rules = domain::RuleSet { catalogue: vec![signal], ..Default::default() };
        let expected = concat!(
            r#"{"format":2,"rules":{"catalogue":[{"code":"NodeNotReady","area":"","says":"","role":"symptom","#,
            r#""class":"converging","severity":"p2","runbook":"","grace_us":30000000,"repeats":0,"heals_after_us":0,"#,
            r#""healed_by":[],"quiet_us":0,"matches":[{"state":{"sign":"cordoned","kind":"Node","pattern":""}},"#,
            r#"{"alert":{"name":"Down"}}]}],"causality":[],"owners":[],"default_owner":"","policy":{"name":"","page_from":"p5","settle_us":0,"tiers":[]},"#,
            r#""limits":{"objects_max":500000,"episodes_max":100000,"ended_incidents_max":1000,"members_shown":100,"#,
            r#""timeline_max":50,"reopen_within_us":1800000000,"update_every_us":1000000,"infer_from":3}}}"#,
        );
        assert_eq!(to_document(&rules), expected);
    }

    #[test]
    fn documents_of_format_1_are_read_and_written_again_as_they_were() {
        let document = concat!(
            r#"{"format":1,"rules":{"catalogue":[{"code":"A","area":"b","says":"c","role":"cause","class":"fixed","#,
            r#""severity":"p1","runbook":"","grace_us":0,"repeats":0,"heals_after_us":0,"healed_by":[],"quiet_us":0,"#,
            r#""matches":[{"terminated":{"reason":"Error","pattern":"x"}},"no_ready_endpoints"]}],"causality":["#,
            r#"{"name":"e","causes":["A"],"effects":["A"],"relation":"node","delay_max_us":1,"lead_max_us":2,"#,
            r#""strength":3,"infer":false,"says":"so"}],"owners":[],"default_owner":"","policy":{"name":"","#,
            r#""page_from":"p5","settle_us":0,"tiers":[]},"limits":{"objects_max":1,"episodes_max":2,"#,
            r#""ended_incidents_max":3,"members_shown":4,"timeline_max":5,"reopen_within_us":6,"update_every_us":7,"#,
            r#""infer_from":8}}}"#,
        );
        let rules = from_document(document).unwrap();
        let signs: Vec<_> = rules.catalogue[0].matches.iter().filter(|one| is_no_ready_endpoints(one)).collect();
        assert_eq!(signs.len(), 1);
        assert!(rules.components.is_empty() && rules.causality[0].pattern.is_empty());
        assert_eq!(to_document(&rules), document);
        assert_eq!(hash(&rules), FactId::of_text(document));
    }

    #[test]
    fn what_an_old_version_cannot_say_is_written_in_the_new_format() {
        let check = |change: fn(&mut domain::RuleSet)| {
            let signal = domain::SignalRule::default();
            let edge = domain::CausalityRule::default();
            let mut rules =
                domain::RuleSet { catalogue: vec![signal], causality: vec![edge], ..domain::RuleSet::default() };
            assert!(to_document(&rules).starts_with(r#"{"format":1,"#));
            change(&mut rules);
            assert!(to_document(&rules).starts_with(r#"{"format":2,"#), "{rules:?}");
        };
        check(|rules| rules.components.push(domain::ComponentRule::default()));
        check(|rules| rules.causality[0].pattern = "x".into());
        check(|rules| rules.causality[0].components.push("dns".into()));
        check(|rules| rules.causality[0].relation = domain::Relation::Cluster);
        check(|rules| {
            let (reason, pattern) = ("Error".into(), "".into());
            rules.catalogue[0].matches.push(D::Terminated { reason, exit_code: "137".into(), pattern });
        });
        check(|rules| {
            let (kind, pattern) = ("Node".into(), "".into());
            rules.catalogue[0].matches.push(D::State { sign: "cordoned".into(), kind, pattern });
        });
    }

    #[test]
    fn what_is_no_rule_set_of_this_version_is_refused() {
        let check = |document: &str, expect: &str| {
            let error = from_document(document).unwrap_err().to_string();
            assert!(error.contains(expect), "{document}: {error}");
        };
        check("", "EOF");
        check("{}", "missing field `format`");
        check(r#"{"format":3,"rules":{"novel":1}}"#, "format 3, expected 2 or older");
        check(r#"{"format":1,"rules":{"catalogue":[]}}"#, "missing field `causality`");
        let document = to_document(&domain::RuleSet::default());
        check(&document.replace("\"owners\"", "\"owner\""), "unknown field `owner`");
        check(&document.replace("\"p5\"", "\"p6\""), "unknown variant `p6`");
    }
}
