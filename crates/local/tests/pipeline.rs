//! The embedded runner beyond what every runner owes: a chain, failed commits, other state formats, bounded memory.

#![expect(clippy::unwrap_used, reason = "a test's tools fail the test that uses them")]

use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::incident::{Flow, Incident, IncidentId, Stamped};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::EventReport;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::stage::{Ctx, Stage, State, Timed};
use bellbuoy_core::table::{Ledger, Table};
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::{Interval, Span, Time};
use bellbuoy_core::triage::Triaged;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::{self, Log, Position, Stored, Transaction, Visitor};
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_local::pipeline::{Error, Limits, Pipeline};
use bellbuoy_wire::topic::Topic;

/// Counts the events of each object. Its tables have the image of the format that it is given.
struct Count<const FORMAT: u16>;

/// Two images of the same rows: older formats have small numbers.
#[derive(Default)]
struct Counts<const FORMAT: u16> {
    old: Table<Text, u8>,
    new: Table<Text, u64>,
}

impl<const FORMAT: u16> State for Counts<FORMAT> {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        if FORMAT < 2 { vec![&mut self.old] } else { vec![&mut self.new] }
    }
    fn next_due(&mut self) -> Option<Time> {
        None
    }
}

impl<const FORMAT: u16> Stage for Count<FORMAT> {
    const NAME: &'static str = "count";
    const STATE_FORMAT: u16 = FORMAT;
    const LATENESS: Span = Span::from_secs(2);
    const FORWARDS: bool = true;
    type In = Fact;
    type Out = Incident;
    type State = Counts<FORMAT>;

    fn on_record(&self, state: &mut Self::State, timed: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        let name = timed.record.object.name.clone();
        let count = if FORMAT < 2 {
            let count = u64::from(state.old.get(&name).copied().unwrap_or(0)) + 1;
            state.old.insert(name.clone(), u8::try_from(count).unwrap());
            count
        } else {
            let count = state.new.get(&name).copied().unwrap_or(0) + 1;
            state.new.insert(name.clone(), count);
            count
        };
        let id = IncidentId(name.bytes().fold(0, |id, byte| id * 31 + u64::from(byte)));
        ctx.emit(Incident { id, revision: count as u32, last_seen_at: ctx.now(), ..Incident::default() });
    }
    fn on_time(&self, _: &mut Self::State, _: Time, _: &mut Ctx<'_, Incident>) {}
}

/// Gives each incident a severity, and keeps how many there were.
struct Judge;

#[derive(Default)]
struct Judged(Table<u8, u64>);

impl State for Judged {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        vec![&mut self.0]
    }
    fn next_due(&mut self) -> Option<Time> {
        None
    }
}

impl Stage for Judge {
    const NAME: &'static str = "judge";
    const STATE_FORMAT: u16 = 1;
    const LATENESS: Span = Span::ZERO;
    const FORWARDS: bool = true;
    type In = Stamped<Incident>;
    type Out = Triaged;
    type State = Judged;

    fn on_record(&self, state: &mut Judged, timed: Timed<Stamped<Incident>>, ctx: &mut Ctx<'_, Triaged>) {
        let Flow::Item(incident) = timed.record.flow else { return };
        let count = state.0.get(&0).copied().unwrap_or(0) + 1;
        state.0.insert(0, count);
        let severity = Severity::ALL[(count % 5) as usize];
        ctx.emit(Triaged { incident, severity, owner: count.to_string().into(), ..Triaged::default() });
    }
    fn on_time(&self, _: &mut Judged, _: Time, _: &mut Ctx<'_, Triaged>) {}
}

fn facts(numbers: std::ops::Range<i64>) -> Vec<Fact> {
    let fact = |n: i64| {
        let at = Time::from_secs(1_700_000_000) + Span::from_millis(n * 300);
        let event = EventReport { message: n.to_string().into(), ..EventReport::default() };
        let object = ObjectRef::new("Pod", "space", &format!("pod-{}", n % 7));
        Fact::new(
            Scope::cluster(&format!("c{}", n % 3)),
            Source::Events,
            object,
            Interval::at(at),
            at,
            Body::Event(event),
        )
    };
    numbers.map(fact).collect()
}

fn ends(at: i64) -> Vec<Fact> {
    let at = Time::from_secs(1_700_000_000) + Span::from_millis(at * 300);
    (0..3).map(|n| Fact::end_of_recording(Scope::cluster(&format!("c{n}")), at)).collect()
}

fn settings(partitions: u32) -> Settings {
    Settings { partitions, sync_every_commits: 1_000, ..Settings::default() }
}

fn chain<L: Log>(log: L) -> Pipeline<L> {
    let mut pipeline =
        Pipeline::new(log, Limits { batch_records_max: 17, batch_effects_max: 5, fetch_bytes_max: 3_000 });
    pipeline.add(|| Count::<1>).unwrap();
    pipeline.add(|| Judge).unwrap();
    pipeline
}

type Written = Vec<(Topic, Vec<u8>, Vec<u8>)>;

fn run<L: Log>(pipeline: &mut Pipeline<L>, seen: &mut Written) -> Result<(), Error> {
    let note = |event: bellbuoy_local::pipeline::Event<'_>| {
        seen.push((event.topic, event.record.key.clone(), event.record.value.clone()));
    };
    pipeline.run_until_idle(note).map(drop)
}

fn of_scope(written: &Written, topic: Topic, scope: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    use bellbuoy_wire::record::Wire;
    let mut of_scope = Vec::new();
    for (at, key, value) in written.iter().filter(|(at, ..)| *at == topic) {
        let found = match at {
            Topic::Incidents => Stamped::<Incident>::decode(value).unwrap().scope,
            _ => Stamped::<Triaged>::decode(value).unwrap().scope,
        };
        if &*found.0 == scope {
            of_scope.push((key.clone(), value.clone()));
        }
    }
    of_scope
}

fn assert_same(found: &Written, wanted: &Written) {
    for topic in [Topic::Incidents, Topic::Triaged] {
        for scope in ["c0", "c1", "c2"] {
            let wanted = of_scope(wanted, topic, scope);
            assert!(wanted.len() > 50, "{topic} {scope}: only {}", wanted.len());
            assert!(of_scope(found, topic, scope) == wanted, "{topic} {scope}");
        }
    }
}

/// All of it at once in memory.
fn reference() -> Written {
    let mut pipeline = chain(MemoryLog::new(1));
    let mut seen = Vec::new();
    pipeline.append(&facts(0..300)).unwrap();
    pipeline.append(&ends(300)).unwrap();
    run(&mut pipeline, &mut seen).unwrap();
    seen
}

#[test]
fn a_chain_on_disk_that_is_opened_again_and_again_says_what_a_replay_in_memory_says() {
    let home = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for from in (0..300).step_by(20) {
        let mut pipeline = chain(DiskLog::open(home.path(), settings(3)).unwrap());
        pipeline.append(&facts(from..from + 20)).unwrap();
        run(&mut pipeline, &mut seen).unwrap();
    }
    let mut pipeline = chain(DiskLog::open(home.path(), settings(3)).unwrap());
    pipeline.append(&ends(300)).unwrap();
    run(&mut pipeline, &mut seen).unwrap();
    assert_same(&seen, &reference());
    // The compacted topic holds the latest of each incident: seven objects in each of three scopes.
    let mut latest = 0;
    for partition in 0..3 {
        let mut count = |_: &[u8], _: &[u8]| {
            latest += 1;
            std::ops::ControlFlow::Continue(())
        };
        pipeline.log().visit_latest(Topic::IncidentsCurrent, partition, &mut count).unwrap();
    }
    assert!(latest > 0 && latest <= 21, "{latest}");
}

#[test]
fn a_log_in_memory_keeps_only_what_is_held_back() {
    let mut pipeline = chain(MemoryLog::new(2));
    let mut most = 0;
    for from in (0..60_000).step_by(1_000) {
        // The first stage's small image would overflow: begin over with other objects.
        let mut facts = facts(from..from + 1_000);
        facts.iter_mut().for_each(|fact| fact.object.name = format!("pod-{from}-{}", fact.observed_at.0 % 31).into());
        pipeline.append(&facts).unwrap();
        pipeline.run_until_idle(|_| {}).unwrap();
        most = most.max(pipeline.log().len());
    }
    // Two seconds of facts, three and a third a second, in each of three scopes; and as many again that wait in the
    // same partition for the oldest of them.
    assert!(most < 40, "{most} records in memory");
}

/// A log whose commits fail: every third one, before or after it was made.
struct Failing {
    log: MemoryLog,
    commits: u32,
}

impl Log for Failing {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }
    fn commit(&mut self, transaction: &Transaction) -> Result<(), log::Error> {
        self.commits += 1;
        let error = || log::Error::Poisoned { directory: "memory".into() };
        match self.commits % 6 {
            2 => Err(error()),
            5 => self.log.commit(transaction).and_then(|()| Err(error())),
            _ => self.log.commit(transaction),
        }
    }
    fn sync(&mut self) -> Result<(), log::Error> {
        self.log.sync()
    }
    fn read(&self, topic: Topic, partition: u32, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, log::Error> {
        self.log.read(topic, partition, from, bytes_max)
    }
    fn end(&self, topic: Topic, partition: u32) -> Offset {
        self.log.end(topic, partition)
    }
    fn visit_latest(&self, topic: Topic, partition: u32, visit: &mut Visitor<'_>) -> Result<(), log::Error> {
        self.log.visit_latest(topic, partition, visit)
    }
    fn position(&self, stage: &'static str, partition: u32) -> Result<Option<Position>, log::Error> {
        self.log.position(stage, partition)
    }
    fn prune(&mut self, topic: Topic, partition: u32, horizon: Time, keep: Offset) -> Result<u64, log::Error> {
        self.log.prune(topic, partition, horizon, keep)
    }
}

#[test]
fn a_commit_that_failed_or_seemed_to_fail_is_put_right_by_reading_the_log() {
    let mut pipeline = chain(Failing { log: MemoryLog::new(2), commits: 2 });
    pipeline.append(&facts(0..300)).unwrap();
    pipeline.append(&ends(300)).unwrap();
    let mut failures = 0;
    while let Err(error) = pipeline.run_until_idle(|_| {}) {
        assert!(matches!(error, Error::Log(log::Error::Poisoned { .. })), "{error}");
        failures += 1;
    }
    assert!(failures > 5, "{failures}");
    let mut written = Vec::new();
    for topic in [Topic::Incidents, Topic::Triaged] {
        for partition in 0..2 {
            let read = pipeline.log().read(topic, partition, 0, usize::MAX).unwrap();
            written.extend(read.into_iter().map(|stored| (topic, stored.record.key, stored.record.value)));
        }
    }
    assert_same(&written, &reference());
}

#[test]
fn state_of_a_newer_format_is_refused() {
    let mut pipeline = Pipeline::new(MemoryLog::new(1), Limits::default());
    pipeline.add(|| Count::<2>).unwrap();
    pipeline.append(&facts(0..50)).unwrap();
    pipeline.run_until_idle(|_| {}).unwrap();
    let mut older = Pipeline::new(pipeline.into_log(), Limits::default());
    let error = older.add(|| Count::<1>).unwrap_err();
    assert!(matches!(error, Error::NewerState { stage: "count", found: 2, newest: 1, .. }), "{error}");
}

#[test]
fn state_of_an_older_format_is_rebuilt_and_nothing_is_said_twice() {
    let home = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let limits = Limits { batch_records_max: 11, ..Limits::default() };
    let mut pipeline = Pipeline::new(DiskLog::open(home.path(), settings(2)).unwrap(), limits);
    pipeline.add(|| Count::<1>).unwrap();
    pipeline.append(&facts(0..130)).unwrap();
    run(&mut pipeline, &mut seen).unwrap();
    // More that the older version never came to read.
    pipeline.append(&facts(130..150)).unwrap();
    drop(pipeline);
    for part in [150..220, 220..300] {
        let mut pipeline = Pipeline::new(DiskLog::open(home.path(), settings(2)).unwrap(), limits);
        pipeline.add(|| Count::<2>).unwrap();
        run(&mut pipeline, &mut seen).unwrap();
        pipeline.append(&facts(part)).unwrap();
        run(&mut pipeline, &mut seen).unwrap();
    }
    let mut pipeline = Pipeline::new(DiskLog::open(home.path(), settings(2)).unwrap(), limits);
    pipeline.add(|| Count::<2>).unwrap();
    pipeline.append(&ends(300)).unwrap();
    run(&mut pipeline, &mut seen).unwrap();
    let wanted = reference();
    for scope in ["c0", "c1", "c2"] {
        assert!(of_scope(&seen, Topic::Incidents, scope) == of_scope(&wanted, Topic::Incidents, scope), "{scope}");
    }
}
