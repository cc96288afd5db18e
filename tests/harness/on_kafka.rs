//! The journal of a pipeline on Kafka, as ingest writes it, and its outputs, as a reader of committed records sees them.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::kafka_server::KafkaServer;
use crate::kafka_topics::{Journal, Topics};
use crate::oracle::Entry;
use crate::output::{OUTPUT_TOPICS, Output};
use bellbuoy_kafka::config::Connection;
use bellbuoy_kafka::journal::JournalWriter;
use bellbuoy_wire::topic::Topic;
use std::time::Duration;

/// Nothing that works takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Appends entries in their order: facts as ingest does, and bytes that are none beside.
pub struct Appender {
    facts: JournalWriter,
    garbage: Journal,
}

impl Appender {
    /// A writer of the journal under the prefix of the topics.
    pub fn open(server: &KafkaServer, topics: &Topics) -> Self {
        let connection = Connection::to(server.bootstrap_servers.clone());
        let facts = JournalWriter::open(&connection, &topics.prefix, TIMEOUT).expect("the journal is there");
        Self { facts, garbage: topics.journal(&Topic::Journal.to_string()) }
    }

    /// Appends entries and waits until the journal has them.
    pub fn append(&mut self, entries: &[Entry]) {
        for entry in entries {
            match entry {
                Entry::Fact(fact) => self.facts.append(fact).expect("the broker takes the fact"),
                Entry::Garbage(partition, bytes) => {
                    // Two writers: the order between them is that of their flushes.
                    self.facts.flush().expect("the broker takes the facts");
                    self.garbage.send(partition.cast_signed(), b"", bytes);
                    self.garbage.flush();
                }
            }
        }
        self.facts.flush().expect("the broker takes the facts");
    }
}

/// Everything that is committed behind the stages.
pub fn read_output(topics: &Topics) -> Output {
    let mut output = Output::default();
    for topic in OUTPUT_TOPICS {
        for record in topics.read_committed(&topic.to_string()).into_values().flatten() {
            let value = record.value.unwrap_or_else(|| panic!("a tombstone in {topic}"));
            output.add(topic, &record.key, &value);
        }
    }
    output
}
