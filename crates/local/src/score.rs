//! The score of a replay: how much of what people know to have failed was found, and what was said that was not so.
//!
//! An incident *holds* a labelled failure when a cause or a member of it is the entity, or one that the label accepts, in
//! the label's cluster and time; which of its causes it names first decides whether it is right. A pod counts as its owner and the owner as its pod; an object that a message names as
//! missing or exhausted counts as what refers to it, and the other way round, where the incident has it so. Names are
//! compared as they are written.

mod figures;
mod mistake;
mod same;
#[cfg(test)]
mod tests;

pub use figures::{CauseRatio, Ratio, Severities, TimesToDetect};
pub use mistake::{Fault, Mistake};

use bellbuoy_core::incident::{Cause, Incident, IncidentId, Status};
use bellbuoy_core::object::{Entity, Scope};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::triage::Triaged;
use bellbuoy_wire::labels::{Expected, Failure, Label};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// What a failure leaves behind may be reported so long after it was over, and belongs to it still.
const SLACK: Span = Span::from_secs(600);
/// How many of the first causes may hold the right one for the milder of the two figures.
const TOP: usize = 3;
/// Incidents that are told of where a failure was missed.
const OTHERS_MAX: usize = 3;

/// An incident as it stood in the end.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The cluster.
    pub scope: &'a Scope,
    /// Its last record.
    pub incident: &'a Incident,
    /// The worst severity that it had.
    pub severity: Severity,
}

impl<'a> From<(&'a Scope, &'a Triaged)> for Finding<'a> {
    fn from((scope, triaged): (&'a Scope, &'a Triaged)) -> Self {
        Self { scope, incident: &triaged.incident, severity: triaged.severity }
    }
}

/// How a replay did against labels. Incidents that were merged into others count as the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Of the labelled failures: those that an incident above P5 holds.
    pub detected: Ratio,
    /// Labelled failures that only incidents of severity P5 hold.
    pub only_noted: usize,
    /// Of the incidents above P5: those that hold a labelled failure.
    pub precision: Ratio,
    /// Incidents above P5 (the part) for each detected failure (the whole). One that holds several failures and names
    /// the cause of one of them first is counted for that one.
    pub incidents_per_failure: Ratio,
    /// How often the first cause was right, in the worst and then earliest incident of the failure.
    pub top1: CauseRatio,
    /// How often one of the first three causes was right.
    pub top3: CauseRatio,
    /// From the beginning of the failure, where the label knows it, to the opening of the earliest incident above P5.
    pub times_to_detect: TimesToDetect,
    /// Labels that call a time healthy.
    pub healthy_times: usize,
    /// Incidents above P5 that were open in a healthy time and hold no labelled failure.
    pub false_alarms: usize,
    /// Incidents by the worst severity that they had.
    pub severities: Severities,
    /// Incidents that were merged into others.
    pub merged: usize,
    /// What went wrong: in the order of the labels, then alarms by cluster and time.
    pub mistakes: Vec<Mistake>,
}

impl Score {
    /// Scores incidents against labels. Of several records of one incident the last one stands, with the worst severity
    /// of all.
    ///
    /// Every label is scored as if its time had been replayed; leave out those of which nothing was.
    pub fn of<'a, F: Into<Finding<'a>>>(labels: &[Label], findings: impl IntoIterator<Item = F>) -> Self {
        let mut score = Self::default();
        let findings = score.counted(findings.into_iter().map(Into::into));
        let failures: Vec<Case<'_>> = labels.iter().filter_map(|label| Case::of(label, &findings)).collect();
        // Whose cause an incident names first: there it belongs, whatever else it holds.
        let mut is_named = vec![false; findings.len()];
        let mut is_expected = vec![false; findings.len()];
        for case in &failures {
            for at in &case.holding {
                is_expected[*at] = true;
                is_named[*at] |= case.rank(findings[*at]) == Some(0);
            }
        }
        for case in &failures {
            score.judge(case, &findings, &is_named);
        }
        let healthy: Vec<_> = labels.iter().filter(|label| label.expected == Expected::Healthy).collect();
        score.healthy_times = healthy.len();
        for (finding, is_expected) in findings.iter().zip(is_expected).filter(|(finding, _)| finding.is_alarm()) {
            score.precision.note(is_expected);
            if !is_expected {
                let healthy = healthy.iter().find(|label| touches(label, *finding));
                score.false_alarms += usize::from(healthy.is_some());
                score.mistakes.push(Mistake::false_alarm(healthy.copied(), *finding));
            }
        }
        score
    }

    /// Counts what there is, and leaves what is not part of anything else, by cluster and time.
    fn counted<'a>(&mut self, findings: impl Iterator<Item = Finding<'a>>) -> Vec<Finding<'a>> {
        let mut last: BTreeMap<(&Scope, IncidentId), Finding<'a>> = BTreeMap::new();
        for finding in findings {
            let entry = last.entry((finding.scope, finding.incident.id)).or_insert(finding);
            *entry = Finding { severity: entry.severity.min(finding.severity), ..finding };
        }
        let (merged, mut findings): (Vec<_>, Vec<_>) =
            last.into_values().partition(|finding| finding.incident.status == Status::Merged);
        self.merged = merged.len();
        findings.iter().for_each(|finding| self.severities.note(finding.severity));
        findings.sort_by_key(|finding| (finding.scope, finding.incident.opened_at, finding.incident.id));
        findings
    }

    fn judge(&mut self, case: &Case<'_>, findings: &[Finding<'_>], is_named: &[bool]) {
        let is_alarm = |at: &usize| findings[*at].is_alarm();
        let is_own = |at: &usize| !is_named[*at] || case.rank(findings[*at]) == Some(0);
        let (own, others): (Vec<usize>, Vec<usize>) = case.holding.iter().copied().filter(is_alarm).partition(is_own);
        // Where nothing but incidents of other failures holds it, the worst of them stands for it.
        let parts = if own.is_empty() { others.into_iter().take(1).collect() } else { own };
        let parts: Vec<_> = parts.into_iter().map(|at| findings[at]).collect();
        self.detected.note(!parts.is_empty());
        let main = parts.first().copied();
        self.judge_cause(case, main);
        match main {
            Some(_) => {
                self.incidents_per_failure.part += parts.len();
                self.incidents_per_failure.whole += 1;
                let opened = parts.iter().map(|part| part.incident.opened_at).min();
                if let (Some(from), Some(opened)) = (case.label.from, opened) {
                    self.times_to_detect.note(opened.since(from));
                }
                if parts.len() > 1 {
                    self.mistakes.push(Mistake::split(case.label, &parts));
                }
            }
            None if case.holding.is_empty() => {
                let meanwhile = |finding: &&Finding<'_>| touches(case.label, **finding);
                let mut others: Vec<_> = findings.iter().filter(meanwhile).copied().collect();
                others.sort_by_key(Finding::rank);
                others.truncate(OTHERS_MAX);
                self.mistakes.push(Mistake::missed(case.label, &others));
            }
            None => {
                self.only_noted += 1;
                let notes: Vec<_> = case.holding.iter().map(|at| findings[*at]).collect();
                self.mistakes.push(Mistake::only_noted(case.label, &notes));
            }
        }
    }

    fn judge_cause(&mut self, case: &Case<'_>, main: Option<Finding<'_>>) {
        let entity = main.and_then(|main| case.rank(main));
        self.top1.entity.note(entity == Some(0));
        self.top3.entity.note(entity.is_some_and(|rank| rank < TOP));
        let names_signal = !case.failure.signals.is_empty();
        let with_signal = main.and_then(|main| case.rank_with_signal(main));
        if names_signal {
            self.top1.entity_and_signal.note(with_signal == Some(0));
            self.top3.entity_and_signal.note(with_signal.is_some_and(|rank| rank < TOP));
        }
        match main {
            Some(main) if entity != Some(0) => self.mistakes.push(Mistake::wrong_cause(case.label, main, entity)),
            Some(main) if names_signal && with_signal != Some(0) => {
                let signals = case.failure.signals.join(" or ");
                self.mistakes.push(Mistake::wrong_signal(case.label, &signals, main));
            }
            _ => {}
        }
    }
}

impl AddAssign for Score {
    /// The score of both together; mistakes of the other one come after its own.
    fn add_assign(&mut self, other: Self) {
        self.detected += other.detected;
        self.only_noted += other.only_noted;
        self.precision += other.precision;
        self.incidents_per_failure += other.incidents_per_failure;
        self.top1 += other.top1;
        self.top3 += other.top3;
        self.times_to_detect += other.times_to_detect;
        self.healthy_times += other.healthy_times;
        self.false_alarms += other.false_alarms;
        self.severities += other.severities;
        self.merged += other.merged;
        self.mistakes.extend(other.mistakes);
    }
}

impl fmt::Display for Score {
    /// The figures and the mistakes, each on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, figure) in self.lines() {
            writeln!(f, "{name:<18}  {figure}")?;
        }
        for mistake in &self.mistakes {
            writeln!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl Score {
    /// The figures, each with its name. They hold nothing that a recording says.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let noted = match self.only_noted {
            0 => String::new(),
            noted => format!(", {noted} more only as a note (P5)"),
        };
        let per_failure = self.incidents_per_failure;
        let per_failure = match per_failure.value() {
            Some(value) => format!("{value:.2} ({} for {} detected)", per_failure.part, per_failure.whole),
            None => "nothing to measure".to_owned(),
        };
        let times = &self.times_to_detect;
        let time = match (times.percentile(50), times.percentile(90), times.percentile(100)) {
            (Some(median), Some(p90), Some(max)) => {
                format!("median {median}, p90 {p90}, longest {max}, of {}", times.count())
            }
            _ => "nothing to measure".to_owned(),
        };
        let alarms = match self.healthy_times {
            0 => "nothing to measure".to_owned(),
            times => format!("{} (healthy times labelled: {times})", self.false_alarms),
        };
        let cause = |ratio: &CauseRatio| format!("{}; with its signal {}", ratio.entity, ratio.entity_and_signal);
        vec![
            ("detected", format!("{}{noted}", self.detected)),
            ("precision", self.precision.to_string()),
            ("incidents/failure", per_failure),
            ("first cause right", cause(&self.top1)),
            ("in the first three", cause(&self.top3)),
            ("time to detect", time),
            ("false alarms", alarms),
            ("incidents", format!("{}; {} merged into others", self.severities, self.merged)),
        ]
    }
}

/// A labelled failure, and where it is held.
struct Case<'a> {
    label: &'a Label,
    failure: &'a Failure,
    /// The incidents that hold it, by their places in the list of all; the worst first.
    holding: Vec<usize>,
}

impl<'a> Case<'a> {
    fn of(label: &'a Label, findings: &[Finding<'_>]) -> Option<Self> {
        let Expected::Failure(failure) = &label.expected else { return None };
        let mut holding: Vec<_> = (0..findings.len()).filter(|at| holds(findings[*at], label)).collect();
        holding.sort_by_key(|at| findings[*at].rank());
        Some(Self { label, failure, holding })
    }

    /// The rank of the first cause that is the right entity, from 0.
    fn rank(&self, finding: Finding<'_>) -> Option<usize> {
        let causes = &finding.incident.causes;
        causes.iter().position(|cause| is_at_fault(self.failure, finding.incident, &cause.entity))
    }

    /// The rank of the first cause that is the right entity with a right signal, from 0.
    fn rank_with_signal(&self, finding: Finding<'_>) -> Option<usize> {
        let is_right = |cause: &Cause| {
            is_at_fault(self.failure, finding.incident, &cause.entity) && is_signal(self.failure, &cause.signal)
        };
        finding.incident.causes.iter().position(is_right)
    }
}

/// Whether this entity of an incident is at fault by the label.
fn is_at_fault(failure: &Failure, incident: &Incident, entity: &Entity) -> bool {
    right(failure).any(|right| same::is_meant(incident, right, entity))
}

/// Whether this code is right by the label.
fn is_signal(failure: &Failure, code: &str) -> bool {
    let family = code.split('/').next().unwrap_or(code);
    failure.signals.iter().any(|signal| **signal == *code || **signal == *family)
}

fn right(failure: &Failure) -> impl Iterator<Item = &Entity> {
    std::iter::once(&failure.entity).chain(&failure.accept)
}

/// Whether an incident holds a labelled failure; or, for a healthy label, whether it was open in that time.
pub fn holds<'a>(finding: impl Into<Finding<'a>>, label: &Label) -> bool {
    let finding = finding.into();
    let Incident { causes, members, .. } = finding.incident;
    let Expected::Failure(failure) = &label.expected else { return touches(label, finding) };
    // What explains a member is a member, but a record does not hold all of them.
    let by = members.iter().filter_map(|member| member.explained_by.as_ref()).map(|by| &by.entity);
    let causes = causes.iter().map(|cause| &cause.entity);
    let mut entities = causes.chain(members.iter().map(|member| &member.entity)).chain(by);
    touches(label, finding) && entities.any(|entity| right(failure).any(|right| same::is_same(right, entity)))
}

/// Whether an incident lies in the cluster and time of a label: a failure's from its beginning to some time after its
/// end, a healthy one's as long as the incident was open.
fn touches(label: &Label, finding: Finding<'_>) -> bool {
    let Incident { began_at, opened_at, last_seen_at, resolved_at, .. } = *finding.incident;
    let (from, to) = (label.from.unwrap_or(Time::MIN), label.to.unwrap_or(Time::MAX));
    let in_time = match label.expected {
        Expected::Failure(_) => last_seen_at >= from && began_at <= to + SLACK,
        Expected::Healthy => resolved_at.unwrap_or(Time::MAX) > from && opened_at < to,
    };
    in_time && label.scope.as_ref().is_none_or(|scope| scope == finding.scope)
}

impl<'a> Finding<'a> {
    /// Whether it is more than a note.
    fn is_alarm(&self) -> bool {
        self.severity < Severity::P5
    }

    /// The worst first, then the earliest.
    fn rank(&self) -> (Severity, Time, &'a Scope, IncidentId) {
        (self.severity, self.incident.opened_at, self.scope, self.incident.id)
    }
}
