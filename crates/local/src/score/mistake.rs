//! A mistake of a replay: what was expected, what was said instead, and where to look.

use super::Finding;
use bellbuoy_core::incident::{Incident, IncidentId};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_wire::labels::Label;
use std::fmt;

/// Incidents that a mistake names; all are counted.
const NAMED_MAX: usize = 5;

/// What kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// No incident holds the labelled failure.
    Missed,
    /// Only incidents of severity P5 hold it.
    OnlyNoted,
    /// The incident holds it, and names something else as the first cause.
    WrongCause,
    /// The first cause is the right entity with another signal.
    WrongSignal,
    /// Several incidents above P5 for one failure.
    Split,
    /// An incident above P5 that no labelled failure is in.
    FalseAlarm,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missed => "missed",
            Self::OnlyNoted => "only noted",
            Self::WrongCause => "wrong cause",
            Self::WrongSignal => "wrong signal",
            Self::Split => "split",
            Self::FalseAlarm => "false alarm",
        })
    }
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Of what kind.
    pub fault: Fault,
    /// What the label is called: the missed one, or the healthy time of a false alarm; none for another false alarm.
    pub label: Option<String>,
    /// The cluster; none where the label names none and nothing was found.
    pub scope: Option<Scope>,
    /// The incidents to look at, the one that matters most first.
    pub incidents: Vec<IncidentId>,
    /// A line for people. It holds names as the recording has them.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}  {}", self.fault, self.text)
    }
}

impl Mistake {
    /// No incident holds the failure. `others` is what was said meanwhile, the worst first.
    pub(super) fn missed(label: &Label, others: &[Finding<'_>]) -> Self {
        let text = match others {
            [] => format!("{}: nothing was said {}", told(label), span(label)),
            _ => format!("{}: no incident holds it {}; said around then: {}", told(label), span(label), list(others)),
        };
        Self::of(Fault::Missed, Some(label), others, text)
    }

    /// Only notes hold the failure.
    pub(super) fn only_noted(label: &Label, notes: &[Finding<'_>]) -> Self {
        Self::of(Fault::OnlyNoted, Some(label), notes, format!("{}: only as {}", told(label), list(notes)))
    }

    /// Something else is the first cause; the right one has this rank from 0, if any.
    pub(super) fn wrong_cause(label: &Label, main: Finding<'_>, rank: Option<usize>) -> Self {
        let right = match rank {
            Some(rank) => format!("the right cause is its no. {}", rank + 1),
            None => "the right cause is not among its causes".to_owned(),
        };
        let text = format!("{}: said {}; {right}", told(label), list(&[main]));
        Self::of(Fault::WrongCause, Some(label), &[main], text)
    }

    /// The first cause is the right entity with another signal.
    pub(super) fn wrong_signal(label: &Label, signals: &str, main: Finding<'_>) -> Self {
        let text = format!("{}: said {}, where the signal should be {signals}", told(label), list(&[main]));
        Self::of(Fault::WrongSignal, Some(label), &[main], text)
    }

    /// Several incidents for one failure.
    pub(super) fn split(label: &Label, parts: &[Finding<'_>]) -> Self {
        let text = format!("{}: {} incidents for one failure: {}", told(label), parts.len(), list(parts));
        Self::of(Fault::Split, Some(label), parts, text)
    }

    /// No labelled failure is in an incident, which was open in a healthy time, if one is given.
    pub(super) fn false_alarm(healthy: Option<&Label>, alarm: Finding<'_>) -> Self {
        let when = match healthy {
            Some(label) if label.name.is_empty() => "was open in a healthy time".to_owned(),
            Some(label) => format!("was open in a healthy time ({})", label.name),
            None => "belongs to no label".to_owned(),
        };
        Self::of(Fault::FalseAlarm, healthy, &[alarm], format!("{} {when}", list(&[alarm])))
    }

    fn of(fault: Fault, label: Option<&Label>, findings: &[Finding<'_>], text: String) -> Self {
        Self {
            fault,
            label: label.map(Label::to_string),
            scope: label.and_then(|label| label.scope.clone()).or_else(|| findings.first().map(|f| f.scope.clone())),
            incidents: findings.iter().map(|finding| finding.incident.id).collect(),
            text,
        }
    }
}

/// A label with what it says beside what it is called.
fn told(label: &Label) -> String {
    let unnamed = Label { name: "".into(), ..label.clone() }.to_string();
    let cluster = label.scope.as_ref().map(|scope| format!(" in cluster {scope}")).unwrap_or_default();
    match label.name.is_empty() {
        true => format!("{unnamed}{cluster}"),
        false => format!("{} ({unnamed}){cluster}", label.name),
    }
}

fn list(findings: &[Finding<'_>]) -> String {
    let mut text = findings.iter().take(NAMED_MAX).map(line).collect::<Vec<_>>().join("; ");
    if findings.len() > NAMED_MAX {
        text.push_str(&format!("; and {} more", findings.len() - NAMED_MAX));
    }
    text
}

/// `P3 inc-… CrashLoopBackOff on Deployment shop/cart (from … to …)`.
fn line(finding: &Finding<'_>) -> String {
    let Incident { id, causes, began_at, resolved_at, .. } = finding.incident;
    let cause = causes
        .first()
        .map_or_else(|| "without a cause".to_owned(), |cause| format!("{} on {}", cause.signal, cause.entity));
    let end = resolved_at.map_or_else(|| "open in the end".to_owned(), |at| format!("to {}", rfc3339(at)));
    format!("{} {id} {cause} (from {}, {end})", finding.severity, rfc3339(*began_at))
}

fn span(label: &Label) -> String {
    match (label.from, label.to) {
        (None, None) => "at any time".to_owned(),
        (Some(from), None) => format!("from {} on", rfc3339(from)),
        (None, Some(to)) => format!("until {}", rfc3339(to)),
        (Some(from), Some(to)) => format!("between {} and {}", rfc3339(from), rfc3339(to)),
    }
}

fn rfc3339(time: Time) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(|_| format!("{}µs", time.0), |moment| moment.to_string())
}
