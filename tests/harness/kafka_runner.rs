//! The Kafka runner as the conformance suite wants it: the probe over real topics, driven by hand.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::conformance::{Committed, Fenced, Input, Instance, Letter, RunnerUnderTest};
use crate::conformance_probe::Probe;
use crate::kafka_server::KafkaServer;
use crate::kafka_topics::{Journal, Topics};
use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::stage::Stage;
use bellbuoy_kafka::by_hand::ByHand;
use bellbuoy_kafka::config::{Config, Connection};
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::runner::Runner;
use bellbuoy_kafka::status::Status;
use bellbuoy_kafka::topics::{Shape, ensure_topics};
use bellbuoy_wire::dead_letters::DeadLetter;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::{Topic, partition_of};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Topics of the probe.
pub const PROBE_TOPICS: [Topic; 5] =
    [Topic::Journal, Topic::Incidents, Topic::IncidentsCurrent, Topic::DeadLetters, Topic::State(Probe::NAME)];

/// Nothing that works takes as long.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long one look for records takes.
const LOOK: Duration = Duration::from_millis(30);

/// Settings for tests: dead members and dead transactions are found within two seconds.
pub fn config(server: &KafkaServer, topics: &Topics, member_id: &str) -> Config {
    Config {
        prefix: topics.prefix.clone(),
        session_timeout: Duration::from_secs(2),
        transaction_timeout: Duration::from_secs(2),
        ..Config::new(Connection::to(server.bootstrap_servers.clone()), member_id)
    }
}

/// Creates topics with the same number of partitions each.
pub fn create(server: &KafkaServer, topics: &Topics, which: &[Topic], partitions: u32) {
    let shape = Shape { partitions, replication: Some(1), request_timeout: DEADLINE };
    let connection = Connection::to(server.bootstrap_servers.clone());
    ensure_topics(&connection, &topics.prefix, which, &shape).expect("the topics can be created");
}

/// Starts a runner of a stage.
///
/// # Errors
/// Those of [`Runner::start`].
pub fn start_with(
    stage: Probe,
    config: Config,
    status: Arc<Status>,
    stop: &AtomicBool,
) -> Result<Runner<Probe>, Error> {
    Runner::start(stage, config, status, &opentelemetry::global::meter("tests"), stop)
}

/// Starts a runner of the probe that nothing stops.
///
/// # Errors
/// Those of [`Runner::start`].
pub fn start(config: Config) -> Result<Runner<Probe>, Error> {
    start_with(Probe, config, Arc::new(Status::default()), &AtomicBool::new(false))
}

/// Topics under a prefix of their own, and runners of the probe over them.
pub struct KafkaUnderTest {
    server: &'static KafkaServer,
    topics: Topics,
    journal: Journal,
    partitions: u32,
}

/// A runner of the probe.
pub struct KafkaInstance {
    by_hand: ByHand<Probe>,
    /// The first offset behind the last record of each partition, as the journal's writer knows it.
    ends: Arc<std::sync::Mutex<BTreeMap<i32, i64>>>,
    is_fenced: bool,
}

impl KafkaUnderTest {
    /// Empty topics of so many partitions.
    pub fn new(partitions: u32) -> Self {
        let server = KafkaServer::shared();
        let topics = Topics::of(server, "conformance");
        create(server, &topics, &PROBE_TOPICS, partitions);
        let journal = topics.journal("journal");
        Self { server, topics, journal, partitions }
    }

    fn partition(&self, scope: &bellbuoy_core::object::Scope) -> i32 {
        partition_of(scope.0.as_bytes(), self.partitions).cast_signed()
    }
}

impl RunnerUnderTest for KafkaUnderTest {
    type Instance = KafkaInstance;

    fn append(&mut self, inputs: &[Input]) {
        for input in inputs {
            match input {
                Input::Fact(fact) => self.journal.send(self.partition(&fact.scope), &fact.key(), &fact.encode()),
                Input::Garbage(scope, bytes) => self.journal.send(self.partition(scope), b"garbage", bytes),
                Input::Gap(scope) => self.journal.gap(self.partition(scope)),
            }
        }
        self.journal.flush();
    }

    fn start(&mut self) -> Option<KafkaInstance> {
        // A busy machine must not cost a member its place where nobody else shall have it.
        let session_timeout = Duration::from_secs(30);
        let config = Config { session_timeout, ..config(self.server, &self.topics, "probe-0") };
        let (status, meter) = (Arc::new(Status::default()), opentelemetry::global::meter("tests"));
        let runner =
            Runner::start(Probe, config, status, &meter, &AtomicBool::new(false)).expect("the topics are there");
        let mut by_hand = ByHand::new(runner);
        let began = Instant::now();
        while by_hand.positions().len() < self.partitions as usize {
            by_hand.feed(0, LOOK).expect("nobody else has the member id");
            assert!(began.elapsed() < DEADLINE, "not all partitions run: {:?}", by_hand.positions());
        }
        Some(KafkaInstance { by_hand, ends: self.journal.ends(), is_fenced: false })
    }

    fn committed(&mut self) -> Committed {
        let mut committed = Committed::default();
        for record in self.topics.read_committed("incidents").into_values().flatten() {
            let value = record.value.expect("incidents have no tombstones");
            let stamped = Stamped::<Incident>::decode(&value).expect("the runner writes what can be read");
            committed.output.entry(stamped.scope.clone()).or_default().push((record.key, value, stamped));
        }
        for record in self.topics.read_committed("dead-letters").into_values().flatten() {
            let letter = DeadLetter::decode(&record.value.expect("dead letters have no tombstones"));
            let letter = letter.expect("the runner writes what can be read");
            committed.dead_letters.push(match letter.fact() {
                Some(fact) => Letter::Rejected(fact),
                None => Letter::Garbage(letter.bytes().to_vec()),
            });
        }
        committed
    }

    fn state_rows(&mut self) -> usize {
        let mut rows = BTreeMap::new();
        for (partition, records) in self.topics.read_committed("probe-state") {
            for record in records {
                rows.insert((partition, record.key), record.value.is_some());
            }
        }
        rows.values().filter(|is_live| **is_live).count()
    }
}

impl KafkaInstance {
    fn has_read_all(&self) -> bool {
        let positions = self.by_hand.positions();
        let ends = self.ends.lock().expect("no test panics while it holds the ends");
        ends.iter().all(|(partition, end)| positions.get(partition).is_some_and(|position| position >= end))
    }
}

impl Instance for KafkaInstance {
    fn feed(&mut self, records_max: usize) -> usize {
        if records_max == 0 {
            return 0;
        }
        let began = Instant::now();
        loop {
            match self.by_hand.feed(records_max, LOOK) {
                Ok(0) if self.is_fenced || self.has_read_all() => return 0,
                Ok(0) => {
                    let (positions, ends) = (self.by_hand.positions(), &self.ends);
                    assert!(began.elapsed() < DEADLINE, "nothing comes behind {positions:?}, records end at {ends:?}");
                }
                Ok(records) => return records,
                Err(Error::Fenced { .. }) => {
                    self.is_fenced = true;
                    return 0;
                }
                Err(error) => panic!("failed to feed: {error}"),
            }
        }
    }

    fn commit(&mut self) -> Result<(), Fenced> {
        match self.by_hand.commit() {
            Ok(_) if self.is_fenced => Err(Fenced),
            Ok(true) => Ok(()),
            Ok(false) => panic!("the commit did not come about, although nobody disturbed it"),
            Err(Error::Fenced { .. }) => Err(Fenced),
            Err(error) => panic!("failed to commit: {error}"),
        }
    }

    fn abort(&mut self) {
        self.by_hand.abort().expect("the client can go back");
    }

    fn release(mut self) -> Result<(), Fenced> {
        self.commit()
    }

    fn kill(self) {}
}
