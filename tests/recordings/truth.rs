//! The hand labels of the real recordings: labels.yaml and sources.yaml.

use bellbuoy_core::object::Entity;
use bellbuoy_core::severity::Severity;
use bellbuoy_wire::labels::{Expected, Failure, Label};
use serde::Deserialize;

/// What a recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Failure,
    Healthy,
    NotVisible,
}

/// A labelled recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Labelled {
    pub(crate) recording: String,
    #[serde(default)]
    pub(crate) case: String,
    pub(crate) files: Vec<String>,
    pub(crate) sources: Vec<String>,
    #[serde(rename = "clock")]
    pub(crate) _clock: String,
    pub(crate) verdict: Verdict,
    #[serde(default = "yes")]
    pub(crate) scored: bool,
    #[serde(default)]
    pub(crate) failures: Vec<Fault>,
    #[serde(default)]
    tolerated: Vec<Tolerated>,
    #[serde(rename = "why")]
    _why: String,
}

/// A failure in a recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    entity: Named,
    signal: String,
    #[serde(default)]
    signals: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    accept: Vec<Named>,
    #[serde(default)]
    symptoms: Vec<Named>,
    #[serde(default = "one")]
    pub(crate) at_most: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tolerated {
    #[serde(default)]
    entity: Option<Named>,
    #[serde(default)]
    signal: String,
    worst: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    kind: String,
    #[serde(default)]
    namespace: String,
    /// A cluster has the name that the replay gives it.
    #[serde(default = "the_cluster")]
    name: String,
    #[serde(default, rename = "signal")]
    _signal: String,
}

/// What can be replayed of one source alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alone {
    pub(crate) source: String,
    pub(crate) replays: Vec<Replay>,
}

/// One replay of one source alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    pub(crate) recording: String,
    #[serde(default)]
    pub(crate) case: String,
    pub(crate) files: Vec<String>,
    /// Where in the file the content starts.
    #[serde(default)]
    pub(crate) at: String,
    pub(crate) verdict: Verdict,
    #[serde(default = "yes")]
    pub(crate) scored: bool,
}

fn yes() -> bool {
    true
}

fn the_cluster() -> String {
    "cluster".to_owned()
}

fn one() -> usize {
    1
}

/// All labels.
pub(crate) fn labelled() -> Vec<Labelled> {
    serde_saphyr::from_str(include_str!("labels.yaml")).unwrap()
}

/// What each source holds when it is the only one.
pub(crate) fn alone() -> Vec<Alone> {
    serde_saphyr::from_str(include_str!("sources.yaml")).unwrap()
}

impl Labelled {
    /// The name to tell it by.
    pub(crate) fn name(&self) -> String {
        name(&self.recording, &self.case)
    }

    /// Names of what fails, that a person chose.
    pub(crate) fn names(&self) -> Vec<&str> {
        let named = self.failures.iter().map(|fault| &fault.entity);
        named.map(|named| named.name.as_str()).filter(|name| name.len() > 3).collect()
    }

    /// The failures that one of these sources holds, as labels of the score; healthy where there is none.
    pub(crate) fn labels(&self, sources: &[&str]) -> Vec<Label> {
        let held = self.failures.iter().filter(|fault| {
            let of = if fault.sources.is_empty() { &self.sources } else { &fault.sources };
            of.iter().any(|source| sources.contains(&source.as_str()))
        });
        let labels: Vec<_> = held.map(Fault::label).collect();
        if labels.is_empty() { vec![Label::healthy()] } else { labels }
    }

    /// Whether an incident is neither a detection nor a false alarm.
    pub(crate) fn tolerates(&self, entity: &Entity, signal: &str, severity: Severity) -> bool {
        let names = |named: &Named| named.entity() == *entity;
        let tolerated = self.tolerated.iter().any(|one| {
            let worst = Severity::ALL.into_iter().find(|severity| severity.to_string() == one.worst).unwrap();
            let is_signal = one.signal.is_empty()
                // An alert goes by the name of what its own name ends in, where the catalogue knows that.
                || one.signal.ends_with(signal) || one.signal == signal || signal.starts_with(&format!("{}/", one.signal));
            one.entity.as_ref().is_none_or(names) && is_signal && severity >= worst
        });
        tolerated
            || self
                .failures
                .iter()
                .flat_map(|fault| &fault.symptoms)
                .any(|named| names(named) && severity == Severity::P5)
    }
}

/// The name of a recording, or of a case of it.
pub(crate) fn name(recording: &str, case: &str) -> String {
    if case.is_empty() { recording.to_owned() } else { format!("{recording} ({case})") }
}

impl Fault {
    fn label(&self) -> Label {
        let signals = std::iter::once(&self.signal).chain(&self.signals).map(|signal| signal.as_str().into()).collect();
        let accept = self.accept.iter().map(Named::entity).collect();
        let failure = Failure { entity: self.entity.entity(), accept, signals };
        Label { expected: Expected::Failure(failure), ..Label::healthy() }
    }
}

impl Named {
    fn entity(&self) -> Entity {
        Entity::new(&self.kind, &self.namespace, &self.name)
    }
}
