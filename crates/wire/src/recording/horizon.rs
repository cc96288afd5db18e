//! Which times of a recording are believed, when its dumps were made, and the facts that follow.

use crate::recording::dated::{Dated, begun, event_last};
use crate::recording::draft::{Draft, Manner};
use crate::recording::field::{EARLIEST, Field, Stamp};
use crate::recording::rejected::{Reason, Rejected, as_shown};
use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::object::Scope;
use bellbuoy_core::report::{ContainerState, ObjectReport, Termination};
use bellbuoy_core::time::{Span, Time};
use std::collections::{BTreeMap, HashMap};

/// How far a time may lie after the 99th percentile of its recording.
const BEYOND_PERCENTILE_MAX: Span = Span::from_secs(86_400);

/// Objects that may be overruled by the others. In a dump of an old and healthy cluster, one in a hundred is not an
/// outlier but the very thing that has just failed, so that large dumps overrule no more than this many.
const OVERRULED_OBJECTS_MAX: u64 = 2;

/// What keeps two notifications of one stream apart that claim the same time: the later state must come later.
const STEP: Span = Span(1);

/// How far the times of arrival of one stream may run backwards before they are taken at their word: recorders round.
const SAME_ARRIVAL_MAX: Span = Span::from_secs(1);

/// Rows of one table that are told apart where they tell one age: a microsecond each, within the second that was cut off.
const ROWS_TOLD_APART_MAX: i64 = 999_000;

/// Buckets of a [`Percentiles`] at the most; at the limit they double their width.
const BUCKETS_MAX: usize = 1 << 16;

/// What times a recording holds, gathered while it is decoded.
#[derive(Debug, Default)]
pub struct Census {
    /// Received at a known time.
    arrivals: Percentiles,
    events: Percentiles,
    objects: Percentiles,
    alerts: Percentiles,
    latest: BTreeMap<Scope, Option<Stamp>>,
    /// When the last file was written that tells ages only.
    written: Option<Time>,
}

impl Census {
    /// Takes into account when a file was written whose reports tell ages instead of times.
    pub fn note_written(&mut self, at: Time) {
        self.written = self.written.max(Some(at));
    }

    /// Scopes seen so far.
    pub fn scopes(&self) -> usize {
        self.latest.len()
    }

    /// Whether that scope was seen.
    pub fn knows(&self, scope: &Scope) -> bool {
        self.latest.contains_key(scope)
    }

    /// Takes the times of a draft into account. Each report has one vote: the latest time that it claims.
    pub fn count(&mut self, draft: &Draft) {
        let latest = draft.latest();
        if let Some(stamp) = latest {
            match (draft.arrival(), draft.source) {
                (Some(arrival), _) => self.arrivals.count(arrival),
                (None, Source::Events) => self.events.count(stamp.time),
                (None, Source::Alerts) => self.alerts.count(stamp.time),
                (None, _) => self.objects.count(stamp.time),
            }
        }
        self.see(&draft.scope, latest);
    }

    /// Takes a fact of a journal of our own into account: its time was stamped by our ingest.
    pub fn count_settled(&mut self, fact: &Fact) {
        self.arrivals.count(fact.observed_at);
        let stamp = Stamp { field: Field::Arrival, time: fact.observed_at, whole_seconds: false };
        self.see(&fact.scope, Some(stamp));
    }

    fn see(&mut self, scope: &Scope, stamp: Option<Stamp>) {
        match self.latest.get_mut(scope) {
            Some(latest) => *latest = later(*latest, stamp),
            None => {
                self.latest.insert(scope.clone(), stamp);
            }
        }
    }

    /// The latest time that is believed: a day after the 99th percentile of what one kind of source says. Sources are
    /// judged apart, because thousands of objects of a quiet cluster are days older than the few events of its failure.
    pub fn limit(&self) -> Time {
        let streams = [&self.arrivals, &self.events, &self.alerts].map(|times| times.percentile(u64::MAX));
        let limits = streams.into_iter().chain([self.objects.percentile(OVERRULED_OBJECTS_MAX)]);
        limits.flatten().max().map_or(Time::MAX, |time| time + BEYOND_PERCENTILE_MAX)
    }
}

fn later(a: Option<Stamp>, b: Option<Stamp>) -> Option<Stamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.time > a.time { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Counts of times in buckets of equal width, each with its latest time.
#[derive(Debug)]
struct Percentiles {
    width: i64,
    buckets: BTreeMap<i64, (u64, Time)>,
    total: u64,
}

impl Default for Percentiles {
    fn default() -> Self {
        Self { width: 60_000_000, buckets: BTreeMap::new(), total: 0 }
    }
}

impl Percentiles {
    fn count(&mut self, time: Time) {
        self.total += 1;
        let bucket = self.buckets.entry(time.0.div_euclid(self.width)).or_insert((0, time));
        *bucket = (bucket.0 + 1, bucket.1.max(time));
        if self.buckets.len() > BUCKETS_MAX {
            self.width = self.width.saturating_mul(2);
            let mut wider: BTreeMap<i64, (u64, Time)> = BTreeMap::new();
            for (key, (count, latest)) in &self.buckets {
                let bucket = wider.entry(key.div_euclid(2)).or_insert((0, *latest));
                *bucket = (bucket.0 + count, bucket.1.max(*latest));
            }
            self.buckets = wider;
        }
    }

    /// The 99th percentile by nearest rank, with at most `above_max` times above it; exact to the width of a bucket.
    fn percentile(&self, above_max: u64) -> Option<Time> {
        let mut above = (self.total / 100).min(above_max);
        for (count, latest) in self.buckets.values().rev() {
            if *count > above {
                return Some(*latest);
            }
            above -= count;
        }
        None
    }
}

/// When a scope's dumps count as observed, and which field decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// The time.
    pub time: Time,
    /// The field that held it; none where it was given.
    pub field: Option<Field>,
}

/// Dates drafts, once all times of the recording are known.
#[derive(Debug)]
pub struct Horizon {
    limit: Time,
    given: Option<Time>,
    recount: bool,
    latest: BTreeMap<Scope, Option<Stamp>>,
    written: Option<Time>,
    /// Where each stream of notifications has come to.
    streams: HashMap<u32, Time>,
    last: BTreeMap<Scope, Time>,
}

impl Horizon {
    /// Decides by the census; dumps count as observed at `given`, if it is.
    pub fn new(census: Census, given: Option<Time>) -> Self {
        let limit = census.limit();
        let recount = census.latest.values().flatten().any(|stamp| stamp.time > limit);
        let mut latest = census.latest;
        if recount {
            latest.values_mut().for_each(|stamp| *stamp = None);
        }
        let written = census.written;
        Self { limit, given, recount, latest, written, streams: HashMap::new(), last: BTreeMap::new() }
    }

    /// The latest time that is believed.
    pub fn limit(&self) -> Time {
        self.limit
    }

    /// Whether there are times that are not believed, so that every draft must be shown to [`Self::recount`] before the
    /// first one is settled.
    pub fn must_recount(&self) -> bool {
        self.recount
    }

    /// Looks for the latest time that is believed.
    pub fn recount(&mut self, draft: &Draft) {
        let believed = draft.stamps.iter().copied().filter(|stamp| stamp.time <= self.limit);
        let stamp = believed.max_by_key(|stamp| stamp.time);
        if let Some(latest) = self.latest.get_mut(&draft.scope) {
            *latest = later(*latest, stamp);
        }
    }

    /// Takes a fact of a journal of our own into account, beside [`Self::recount`].
    pub fn recount_settled(&mut self, fact: &Fact) {
        let stamp = Stamp { field: Field::Arrival, time: fact.observed_at, whole_seconds: false };
        if let Some(latest) = self.latest.get_mut(&fact.scope) {
            *latest = later(*latest, Some(stamp));
        }
    }

    /// When dumps of the scope count as observed.
    pub fn as_of(&self, scope: &Scope) -> Option<AsOf> {
        if let Some(time) = self.given {
            return Some(AsOf { time, field: None });
        }
        let own = self.latest.get(scope).copied().flatten();
        // A scope without any time borrows that of its neighbours in the recording.
        let stamp = own.or_else(|| self.latest.values().flatten().max_by_key(|stamp| stamp.time).copied());
        let written = || Some(Stamp { field: Field::Written, time: self.written?, whole_seconds: true });
        let stamp = stamp.or_else(written)?;
        Some(AsOf { time: stamp.time, field: Some(stamp.field) })
    }

    /// All scopes of the recording, with their as-of.
    pub fn scopes(&self) -> impl Iterator<Item = (&Scope, Option<AsOf>)> {
        self.latest.keys().map(|scope| (scope, self.as_of(scope)))
    }

    /// Notes a fact of a journal of our own.
    pub fn note_settled(&mut self, fact: &Fact) {
        self.note(&fact.scope, fact.observed_at);
    }

    /// A stream has come to this time.
    fn forward(&mut self, stream: u32, at: Time) -> Time {
        self.streams.insert(stream, at);
        at
    }

    fn note(&mut self, scope: &Scope, time: Time) {
        match self.last.get_mut(scope) {
            Some(last) => *last = time.max(*last),
            None => {
                self.last.insert(scope.clone(), time);
            }
        }
    }

    /// Dates what a draft reports: once, or twice for a dumped Event with a first and a last time. Drafts of one `stream`
    /// come in the order of their source. Times that are not believed go to `reject`.
    pub fn settle(
        &mut self,
        stream: u32,
        mut draft: Box<Draft>,
        dated: &mut Vec<Dated>,
        mut reject: impl FnMut(Rejected),
    ) {
        if draft.latest().is_some_and(|stamp| stamp.time > self.limit) {
            self.disbelieve(&mut draft, &mut reject);
        }
        let as_of = self.as_of(&draft.scope).map(|as_of| as_of.time);
        if let Some(as_of) = as_of {
            date(&mut draft, as_of);
        }
        let latest = draft.latest();
        let observed_at = match (draft.arrival(), draft.manner, &draft.body) {
            (Some(arrival), _, Body::Event(_)) => Some(arrival),
            (Some(arrival), ..) => {
                let before = self.streams.get(&stream).filter(|before| before.since(arrival) <= SAME_ARRIVAL_MAX);
                Some(self.forward(stream, arrival.max(before.map_or(Time::MIN, |before| *before + STEP))))
            }
            (None, _, Body::Event(_)) => event_last(&draft).map(|stamp| stamp.time).or(as_of),
            (None, Manner::Dumped | Manner::Sent, _) => as_of,
            (None, Manner::Streamed, _) => {
                let before = self.streams.get(&stream).map(|before| *before + STEP);
                let at = latest.map(|stamp| stamp.time).max(before).or(as_of);
                at.map(|at| self.forward(stream, at))
            }
        };
        let Some(observed_at) = observed_at else {
            let detail = format!(
                "{} names no time, and nothing else in the recording does; expected one, or --as-of",
                as_shown(draft.object.entity())
            );
            return reject(self.rejection(&draft, Reason::NoTime, detail));
        };
        self.note(&draft.scope, observed_at);
        if let Some(first) = begun(&draft) {
            dated.push(Dated::first(draft.clone(), first.time));
        }
        dated.push(Dated::last(draft, observed_at));
    }

    /// The records that end the recording: one for each scope, at its as-of or its last fact, whichever is later.
    pub fn end_records(&self) -> Vec<Fact> {
        let end = |(scope, last): (&Scope, &Time)| {
            let as_of = self.as_of(scope).map_or(*last, |as_of| as_of.time);
            Fact::end_of_recording(scope.clone(), as_of.max(*last))
        };
        self.last.iter().map(end).collect()
    }

    fn disbelieve(&self, draft: &mut Draft, reject: &mut impl FnMut(Rejected)) {
        for stamp in draft.stamps.iter().filter(|stamp| stamp.time > self.limit) {
            let detail = format!(
                "{} of {} is {}: expected nothing after {}, a day past the 99th percentile of the recording's times",
                stamp.field.name(),
                as_shown(draft.object.entity()),
                shown(stamp.time),
                shown(self.limit)
            );
            reject(self.rejection(draft, Reason::ImplausibleTime, detail));
        }
        draft.stamps.retain(|stamp| stamp.time <= self.limit);
        draft.id = None;
        match &mut draft.body {
            Body::Object(report) => forget_after(report, self.limit),
            Body::Alert(report) => report.starts_at = report.starts_at.filter(|time| *time <= self.limit),
            _ => {}
        }
    }

    fn rejection(&self, draft: &Draft, reason: Reason, detail: String) -> Rejected {
        Rejected { line: draft.line, offset: draft.offset, reason, detail, excerpt: Vec::new() }
    }
}

/// Turns ages into times. Ages are cut to seconds at the best and to days at the worst, but the Events of an object come in
/// their order: of two with one age, the one below is the later one.
fn date(draft: &mut Draft, as_of: Time) {
    let rows_below = i64::try_from(draft.line).map_or(0, |line| (ROWS_TOLD_APART_MAX - line).max(0));
    let earlier = if matches!(draft.body, Body::Event(_)) { Span(rows_below) } else { Span::ZERO };
    for told in draft.ages.drain(..) {
        let time = (as_of - told.age - earlier).max(EARLIEST);
        draft.stamps.push(Stamp { field: told.field, time, whole_seconds: true });
        let Body::Object(report) = &mut draft.body else { continue };
        // A row has one age of each kind.
        match told.field {
            Field::Creation => report.created_at = Some(time),
            Field::ConditionTransition => {
                for condition in &mut report.conditions {
                    condition.since.get_or_insert(time);
                }
            }
            Field::ContainerStart => {
                for container in &mut report.containers {
                    if let ContainerState::Running { since: since @ None } = &mut container.state {
                        *since = Some(time);
                    }
                }
            }
            Field::ContainerFinish => {
                report.containers.iter_mut().filter_map(|container| container.last.as_mut()).for_each(|ended| {
                    ended.finished_at.get_or_insert(time);
                });
            }
            _ => {}
        }
    }
}

/// Forgets what an object claims to have happened after `limit`.
fn forget_after(report: &mut ObjectReport, limit: Time) {
    let believed = |time: &mut Option<Time>| *time = time.filter(|time| *time <= limit);
    let believed_end = |ended: &mut Termination| believed(&mut ended.finished_at);
    believed(&mut report.created_at);
    report.conditions.iter_mut().for_each(|condition| believed(&mut condition.since));
    for container in &mut report.containers {
        container.last.as_mut().map(believed_end);
        match &mut container.state {
            ContainerState::Running { since } => believed(since),
            ContainerState::Terminated(ended) => believed_end(ended),
            ContainerState::Unknown | ContainerState::Waiting { .. } => {}
        }
    }
}

/// A time as people read it.
fn shown(time: Time) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(|_| format!("{} µs", time.0), |moment| moment.to_string())
}
