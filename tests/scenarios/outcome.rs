//! What the product says of a recording, and how right it is.

use crate::cluster::recording::Line;
use crate::scenario::Truth;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Incident, IncidentId, Stamped, Status};
use bellbuoy_core::object::{Entity, Scope};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::triage::Triaged;
use bellbuoy_local::recording::{Options, Recording};
use bellbuoy_tests::fold::{Decided, decide};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// What was said of one failure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// An incident above P5 names what is at fault among its causes or members.
    pub detected: bool,
    /// Its first cause is what is at fault.
    pub first: bool,
    /// And the signal says what is wrong with it.
    pub named: bool,
    /// Incidents above P5 of the failure, that are not part of another one.
    pub incidents: usize,
    /// Incidents above P5 of what does not suffer.
    pub false_alarms: usize,
    /// Seconds from the failure to the first such incident.
    pub delay_secs: Option<i64>,
    /// Pieces that the reader rejected: each is a fault of the generator or of a decoder.
    pub rejected: u64,
    /// The entity and signal of the first cause of the main incident.
    pub verdict: String,
    /// All that was said.
    pub told: String,
}

/// An incident with the worst severity that it ever had.
struct Said<'d> {
    worst: Severity,
    last: &'d Triaged,
}

/// The cluster of everything that is judged.
const CLUSTER: &str = "cluster";

/// Reads lines as a user's recording of a cluster, with the product's own reader.
fn read(lines: &[Line], cluster: &str) -> (Vec<Fact>, u64) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    {
        let mut writer = std::io::BufWriter::new(&mut file);
        for line in lines {
            writeln!(writer, "{}", line.text).unwrap();
        }
    }
    let options = Options { cluster: cluster.to_owned(), ..Options::default() };
    let recording = Recording::open(&[PathBuf::from(file.path())], &options, &mut |_| {}).unwrap();
    let rejected: u64 = recording.report().rejected.values().sum();
    for rejection in recording.report().rejections.iter().take(5) {
        eprintln!("rejected: {rejection:?}");
    }
    (recording.facts().unwrap().map(Result::unwrap).collect(), rejected)
}

/// The incidents that are not part of others, the worst and earliest first.
fn said(decided: &Decided) -> Vec<Said<'_>> {
    let ours = |record: &&Stamped<Incident>| record.scope == Scope::cluster(CLUSTER);
    let ids = decided.records.iter().filter(ours).filter_map(|record| match &record.flow {
        Flow::Item(incident) => Some(incident.id),
        _ => None,
    });
    let ours: BTreeSet<IncidentId> = ids.collect();
    let mut all: BTreeMap<IncidentId, Said<'_>> = BTreeMap::new();
    for record in decided.triaged.iter().filter(|record| ours.contains(&record.incident.id)) {
        let said = all.entry(record.incident.id).or_insert(Said { worst: record.severity, last: record });
        (said.worst, said.last) = (said.worst.min(record.severity), record);
    }
    let mut all: Vec<_> = all.into_values().filter(|said| said.last.incident.status != Status::Merged).collect();
    all.sort_by_key(|said| (said.worst, said.last.incident.opened_at, said.last.incident.id));
    all
}

fn entities(incident: &Incident) -> impl Iterator<Item = &Entity> {
    incident.causes.iter().map(|cause| &cause.entity).chain(incident.members.iter().map(|member| &member.entity))
}

/// Replays lines and compares what is said with the truth.
pub(crate) fn judge(lines: &[Line], truth: &Truth) -> Outcome {
    judge_beside(lines, &[], truth)
}

/// Replays lines while another cluster speaks too, and compares what is said with the truth.
pub(crate) fn judge_beside(lines: &[Line], other: &[Line], truth: &Truth) -> Outcome {
    let (mut facts, rejected) = read(lines, CLUSTER);
    if !other.is_empty() {
        facts.extend(read(other, "elsewhere").0);
        facts.sort_by_key(|fact| fact.observed_at);
    }
    let decided = decide(&facts);
    let all = said(&decided);
    let above: Vec<&Said<'_>> = all.iter().filter(|said| said.worst < Severity::P5).collect();
    let (of, alarms): (Vec<&Said<'_>>, Vec<&Said<'_>>) = above.into_iter().partition(|said| {
        let incident = &said.last.incident;
        let after = incident.opened_at.0 >= truth.from || entities(incident).any(|entity| truth.is_at_fault(entity));
        after && !truth.entities.is_empty() && entities(incident).any(|entity| truth.suffers(entity))
    });
    let main = of.iter().find(|said| entities(&said.last.incident).any(|entity| truth.is_at_fault(entity)));
    let cause = main.and_then(|main| main.last.incident.causes.first());
    let first = cause.is_some_and(|cause| truth.is_at_fault(&cause.entity));
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' ', '/'], "");
    let named = cause.is_some_and(|cause| truth.words.iter().any(|word| plain(&cause.signal).contains(word)));
    let opened = of.iter().map(|said| said.last.incident.opened_at.0).min();
    Outcome {
        detected: main.is_some(),
        first,
        named: first && named,
        incidents: of.len(),
        false_alarms: alarms.len(),
        delay_secs: opened.map(|at| (at - truth.from) / 1_000_000),
        rejected,
        verdict: cause.map_or_else(
            || "nothing".to_owned(),
            |cause| format!("{} on {}", cause.signal, truth.owner(&cause.entity)),
        ),
        told: told(&all, truth),
    }
}

fn told(all: &[Said<'_>], truth: &Truth) -> String {
    let mut text = String::new();
    for Said { worst, last } in all {
        let incident = &last.incident;
        let suffers = entities(incident).any(|entity| truth.suffers(entity));
        let mark = if suffers && !truth.entities.is_empty() { "" } else { "false alarm: " };
        let opened = (incident.opened_at.0 - truth.from) / 1_000_000;
        let cause = incident.causes.first().map(|cause| format!("{} on {}", cause.signal, cause.entity));
        let _ = writeln!(text, "  {mark}{worst} {:?} after {opened} s: {}", incident.status, cause.unwrap_or_default());
        for member in incident.members.iter().take(8) {
            let because = member.explained_by.as_ref().map(|of| format!(" <- {} on {}", of.signal, of.entity));
            let (because, message) = (because.unwrap_or_default(), &*member.message);
            let _ = writeln!(text, "      {} on {}{because}: {message:.110}", member.signal, member.entity);
        }
    }
    text
}
