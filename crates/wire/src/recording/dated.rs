//! A draft with its time, and the fact that it becomes.

use crate::recording::draft::{Draft, Manner};
use crate::recording::field::{Field, Stamp};
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::time::{Interval, Time};

/// A draft whose times are believed, and the time at which it counts as observed.
#[derive(Clone, Debug)]
pub struct Dated {
    draft: Box<Draft>,
    observed_at: Time,
    is_first: bool,
}

impl Dated {
    /// The only occurrence that a draft reports, or the last one.
    pub(crate) fn last(draft: Box<Draft>, observed_at: Time) -> Self {
        Self { draft, observed_at, is_first: false }
    }

    /// The first occurrence of an Event that is told with its last one.
    pub(crate) fn first(draft: Box<Draft>, observed_at: Time) -> Self {
        Self { draft, observed_at, is_first: true }
    }

    /// When it counts as observed.
    pub fn observed_at(&self) -> Time {
        self.observed_at
    }

    /// What is reported.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The fact that it is.
    pub fn into_fact(self) -> Fact {
        let Self { mut draft, observed_at, is_first } = self;
        let occurred = tell(&mut draft, is_first, Some(observed_at)).unwrap_or(Interval::at(observed_at));
        let Draft { id, scope, source, object, body, .. } = *draft;
        let id = id.filter(|_| !is_first).unwrap_or_else(|| Fact::id_of(&scope, source, &object, occurred, &body));
        Fact { id, scope, source, object, occurred, observed_at, sequence: 0, body }
    }
}

/// Derives the id of the fact that a draft becomes, where nothing but the draft decides it.
pub(crate) fn name(draft: &mut Draft) {
    // Ages become times when it is known when the dump was made.
    if draft.ages.is_empty() {
        let occurred = tell(draft, false, None);
        let id = |occurred| Fact::id_of(&draft.scope, draft.source, &draft.object, occurred, &draft.body);
        draft.id = occurred.map(id);
    }
}

/// Puts into a report what the times of its draft say of it, and tells when it happened. None where that depends on
/// when it was observed, and it is not said when it was.
fn tell(draft: &mut Draft, is_first: bool, observed_at: Option<Time>) -> Option<Interval> {
    let (first, last) = (event_first(draft), event_last(draft));
    let claimed = draft.stamps.iter().filter(|stamp| stamp.field != Field::Arrival).max_by_key(|stamp| stamp.time);
    let claimed = claimed.map(|stamp| stamp.interval());
    match &mut draft.body {
        Body::Event(report) => {
            let end = if is_first { first } else { last };
            report.is_first = is_first;
            report.first_at = first.map(|stamp| stamp.time);
            report.last_at = end.map(|stamp| stamp.time);
            if is_first {
                report.repeats = 1;
            }
            end.map(Stamp::interval)
        }
        Body::Alert(report) => {
            if draft.manner == Manner::Sent {
                let observed_at = observed_at?;
                report.firing = report.ends_at.is_none_or(|ends_at| ends_at > observed_at);
                report.ends_at = report.ends_at.filter(|_| !report.firing);
            }
            match (report.firing, report.starts_at, report.ends_at) {
                (false, _, Some(ends_at)) => Some(Interval::at(ends_at)),
                (true, Some(starts_at), _) => Some(Interval::at(starts_at)),
                _ => claimed,
            }
        }
        _ => claimed,
    }
}

/// The first occurrence of a dumped Event, where it was before the last one and is an occurrence of its own.
pub(crate) fn begun(draft: &Draft) -> Option<Stamp> {
    let Body::Event(report) = &draft.body else { return None };
    if draft.manner != Manner::Dumped || draft.arrival().is_some() {
        return None;
    }
    let (first, last) = (event_first(draft)?, event_last(draft)?);
    // The new API's time is that of the first occurrence, and of the only one.
    let is_apart = first.time < last.time && (first.field == Field::EventFirst || report.repeats > 1);
    is_apart.then_some(first)
}

/// The last occurrence of an Event, in the order that both APIs and all emitters agree with.
pub(crate) fn event_last(draft: &Draft) -> Option<Stamp> {
    [Field::EventLast, Field::EventSeries, Field::EventTime, Field::Creation, Field::EventFirst]
        .into_iter()
        .find_map(|field| draft.stamp(field))
}

/// The first occurrence of an Event.
fn event_first(draft: &Draft) -> Option<Stamp> {
    let first = [Field::EventFirst, Field::EventTime].into_iter().find_map(|field| draft.stamp(field))?;
    event_last(draft).filter(|last| first.time <= last.time).map(|_| first)
}
