//! The tools of the Kafka tests against the server that they start.

use bellbuoy_tests::kafka_server::{KafkaServer, Setup};
use bellbuoy_tests::kafka_topics::Topics;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn what_is_produced_is_read() {
    let topics = Topics::of(KafkaServer::shared(), "harness");
    topics.create("t", 2, &[("cleanup.policy", "delete")]);
    topics.produce("t", 1, &[(b"k", b"v"), (b"k", b"w")]);
    let records = topics.read_committed("t");
    assert_eq!(records[&0], []);
    let values: Vec<_> = records[&1].iter().map(|record| record.value.as_deref().unwrap()).collect();
    assert_eq!(values, [b"v", b"w"]);
}

#[test]
fn a_dropped_server_is_gone() {
    let server = KafkaServer::start(&Setup::default());
    let address = server.bootstrap_servers.clone();
    assert!(TcpStream::connect(&address).is_ok());
    drop(server);
    let began = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "the server still listens");
    }
}
