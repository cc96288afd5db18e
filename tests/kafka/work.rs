//! Work for runners: facts in a journal, runners over it, and what must come of it.

use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Span;
use bellbuoy_kafka::config::Config;
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::status::{Phase, Status};
use bellbuoy_tests::conformance_facts::{at, event, expected, scope};
use bellbuoy_tests::conformance_probe::Probe;
use bellbuoy_tests::kafka_runner::{PROBE_TOPICS, config, create, start_with};
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::{Journal, Topics};
use bellbuoy_wire::dead_letters::DeadLetter;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::partition_of;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing that works takes as long, even on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(120);

/// Waits for something to become true.
pub(crate) fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Topics of the probe with facts in them.
pub(crate) struct Work<'a> {
    pub(crate) topics: Topics,
    server: &'a KafkaServer,
    journal: Journal,
    partitions: u32,
    facts: Vec<Fact>,
}

/// A runner on a thread of its own.
pub(crate) struct Running {
    pub(crate) status: Arc<Status>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Error>>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(server: &'a KafkaServer, test: &str, partitions: u32) -> Self {
        let topics = Topics::of(server, test);
        create(server, &topics, &PROBE_TOPICS, partitions);
        let journal = topics.journal("journal");
        Self { topics, server, journal, partitions, facts: Vec::new() }
    }

    /// Appends so many facts: seven scopes, five objects, a little disorder.
    pub(crate) fn append(&mut self, facts: u64) {
        let from = self.facts.len() as u64;
        for n in from..from + facts {
            let ms = n.cast_signed() * 50 - (n % 3).cast_signed() * 400 + 1_000;
            let fact = event(&scope((n % 7) as u8), &format!("pod-{}", n % 5), ms, n);
            self.journal.send(self.partition(&fact.scope), &fact.key(), &fact.encode());
            self.facts.push(fact);
        }
        self.journal.flush();
    }

    /// Appends one fact.
    pub(crate) fn append_fact(&mut self, fact: Fact) {
        self.append_bytes(self.partition(&fact.scope), &fact.encode());
        self.facts.push(fact);
    }

    /// Appends what may be no fact.
    pub(crate) fn append_bytes(&mut self, partition: i32, bytes: &[u8]) {
        self.journal.send(partition, b"key", bytes);
        self.journal.flush();
    }

    /// Ends all recordings, so that nothing is held back any more.
    pub(crate) fn finish(&mut self) {
        let last = self.facts.iter().map(|fact| fact.observed_at).max().unwrap_or(at(0));
        for n in 0..7 {
            self.append_fact(Fact::tick(scope(n), Source::Events, last + Span::from_millis(1)));
            self.append_fact(Fact::end_of_recording(scope(n), last + Span::from_millis(2)));
        }
    }

    pub(crate) fn start(&self, member_id: &str) -> Running {
        Running::start(config(self.server, &self.topics, member_id))
    }

    /// Waits until the runners have read, between them, everything that was appended.
    pub(crate) fn wait_until_read(&self, runners: &[&Running]) {
        let ends = self.journal.ends().lock().unwrap().clone();
        wait_for("everything is read", || {
            for runner in runners {
                assert!(!runner.thread.is_finished(), "a runner has ended");
            }
            let positions: BTreeMap<i32, i64> = runners
                .iter()
                .flat_map(|runner| runner.status.partitions())
                .filter(|(_, partition)| partition.phase == Phase::Running)
                .map(|(number, partition)| (number, partition.position))
                .collect();
            ends.iter().all(|(partition, end)| positions.get(partition).is_some_and(|position| position >= end))
        });
    }

    /// What was committed must be what the probe says of the facts, in every scope, in order and once.
    pub(crate) fn hold_against_expected(&self) {
        let mut found: BTreeMap<Scope, Vec<Stamped<Incident>>> = BTreeMap::new();
        for record in self.topics.read_committed("incidents").into_values().flatten() {
            let stamped = Stamped::<Incident>::decode(&record.value.unwrap()).unwrap();
            found.entry(stamped.scope.clone()).or_default().push(stamped);
        }
        let wanted = expected(&self.facts);
        assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "scopes");
        for (scope, wanted) in &wanted {
            let found = &found[scope];
            let differs = wanted.iter().zip(found).position(|(wanted, found)| wanted != found);
            assert_eq!(differs.map(|place| (&wanted[place], &found[place])), None, "{scope} differs at {differs:?}");
            assert_eq!(found.len(), wanted.len(), "records of {scope}");
        }
    }

    /// How many records are committed to the topic behind the probe.
    pub(crate) fn output_count(&self) -> usize {
        self.topics.read_committed("incidents").values().map(Vec::len).sum()
    }

    /// The bytes of all dead letters, sorted.
    pub(crate) fn letters(&self) -> Vec<Vec<u8>> {
        let records = self.topics.read_committed("dead-letters").into_values().flatten();
        let mut letters: Vec<Vec<u8>> =
            records.map(|record| DeadLetter::decode(&record.value.unwrap()).unwrap().bytes().to_vec()).collect();
        letters.sort();
        letters
    }

    pub(crate) fn config(&self, member_id: &str) -> Config {
        config(self.server, &self.topics, member_id)
    }

    fn partition(&self, scope: &Scope) -> i32 {
        partition_of(scope.0.as_bytes(), self.partitions).cast_signed()
    }
}

impl Running {
    pub(crate) fn start(config: Config) -> Self {
        let (status, stop) = (Arc::new(Status::default()), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (status, stop) = (Arc::clone(&status), Arc::clone(&stop));
            std::thread::spawn(move || start_with(Probe, config, status, &stop)?.run(&stop))
        };
        Self { status, stop, thread }
    }

    /// How many partitions it reads records of.
    pub(crate) fn running(&self) -> usize {
        self.status.partitions().values().filter(|partition| partition.phase == Phase::Running).count()
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(self) -> Result<(), Error> {
        wait_for("the runner ends by itself", || self.thread.is_finished());
        self.thread.join().unwrap()
    }
}
