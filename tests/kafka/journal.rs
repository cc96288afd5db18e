//! The journal's writer, reading by time, and the topics themselves.

use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_kafka::config::Connection;
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::journal::JournalWriter;
use bellbuoy_kafka::range::{Address, Progress, Range, read_range};
use bellbuoy_kafka::topics::{Shape, ensure_topics};
use bellbuoy_tests::conformance_facts::{at, event, scope};
use bellbuoy_tests::kafka_runner::create;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::{Topic, partition_of};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

fn facts(count: u64) -> Vec<Fact> {
    (0..count).map(|n| event(&scope((n % 5) as u8), "pod", n.cast_signed() * 1_000, n)).collect()
}

fn by_scope(facts: &[Fact]) -> BTreeMap<Scope, Vec<Fact>> {
    let mut scopes: BTreeMap<Scope, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        scopes.entry(fact.scope.clone()).or_default().push(fact.clone());
    }
    scopes
}

fn read(topics: &Topics, server: &KafkaServer, from: Option<Time>, to: Option<Time>) -> (Vec<Fact>, Progress) {
    let address: Address = format!("kafka://{}/{}", server.bootstrap_servers, topics.name("journal")).parse().unwrap();
    let (mut facts, mut last) = (Vec::new(), Progress::default());
    let take = |record: bellbuoy_kafka::range::Record<'_>| {
        let fact = Fact::decode(record.value.unwrap()).unwrap();
        assert_eq!(record.timestamp, fact.observed_at);
        assert_eq!(record.partition, partition_of(fact.scope.0.as_bytes(), 3).cast_signed());
        facts.push(fact);
        ControlFlow::Continue(())
    };
    let connection = Connection::to(address.bootstrap_servers);
    let progress = read_range(&connection, &address.topic, Range { from, to }, TIMEOUT, take, |now| last = now);
    assert_eq!(progress.unwrap(), last, "the last report is the whole");
    (facts, last)
}

#[test]
fn what_is_appended_is_read_by_time() {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "range");
    create(server, &topics, &[Topic::Journal], 3);
    assert_eq!(read(&topics, server, None, None), (Vec::new(), Progress::default()));
    let facts = facts(5_000);
    let mut writer = JournalWriter::open(&Connection::to(&*server.bootstrap_servers), &topics.prefix, TIMEOUT).unwrap();
    for fact in &facts {
        writer.append(fact).unwrap();
    }
    assert_eq!(writer.flush().unwrap(), 5_000);
    // What no reader may see, at the very end.
    topics.journal("journal").gap(0);
    let (all, progress) = read(&topics, server, None, None);
    assert_eq!(by_scope(&all), by_scope(&facts));
    assert_eq!((progress.records, progress.offsets), (5_000, progress.offsets_total));
    let (some, progress) = read(&topics, server, Some(at(1_000_000)), Some(at(1_200_000)));
    assert_eq!(by_scope(&some), by_scope(&facts[1_000..1_200]));
    assert!(progress.offsets_total < 5_000, "what lies before is not read: {progress:?}");
    assert_eq!(read(&topics, server, Some(at(5_000_000)), None).0, []);
    assert_eq!(read(&topics, server, None, Some(at(1))).0, facts[..1]);
}

#[test]
fn a_fact_that_does_not_fit_is_refused_and_the_next_is_not() {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "large");
    create(server, &topics, &[Topic::Journal], 1);
    let mut writer = JournalWriter::open(&Connection::to(&*server.bootstrap_servers), &topics.prefix, TIMEOUT).unwrap();
    let large = event(&scope(0), &"x".repeat(1_000_000), 0, 0);
    assert!(matches!(writer.append(&large), Err(Error::RecordTooLarge { bytes_max: 1_000_000, .. })));
    writer.append(&event(&scope(0), "pod", 0, 1)).unwrap();
    assert_eq!(writer.flush().unwrap(), 1);
}

#[test]
fn topics_are_created_once_and_checked_ever_after() {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "ensure");
    let ensure = |topic: Topic, partitions| {
        let shape = Shape { partitions, replication: None, request_timeout: TIMEOUT };
        ensure_topics(&Connection::to(&*server.bootstrap_servers), &topics.prefix, &[topic], &shape)
    };
    for topic in [Topic::Journal, Topic::State("probe")] {
        ensure(topic, 2).unwrap();
        ensure(topic, 2).unwrap();
        let error = ensure(topic, 4).unwrap_err().to_string();
        assert!(error.contains("has partitions 2, it needs 4"), "{error}");
    }
    topics.create("incidents-current", 2, &[("cleanup.policy", "delete")]);
    let error = ensure(Topic::IncidentsCurrent, 2).unwrap_err().to_string();
    assert!(error.contains("has cleanup.policy delete, it needs compact"), "{error}");
}

#[test]
fn nobody_there_is_said_in_time() {
    let shape = Shape { partitions: 1, replication: None, request_timeout: Duration::from_secs(1) };
    // Nothing listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let connection = Connection::to(format!("127.0.0.1:{port}"));
    let error = ensure_topics(&connection, "x.", &[Topic::Journal], &shape).unwrap_err().to_string();
    assert!(error.contains(&format!("failed to reach 127.0.0.1:{port}")), "{error}");
}
