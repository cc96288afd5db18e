//! Appends facts to the journal: each exactly once for as long as the writer lives, and never out of order.

use crate::config::Connection;
use crate::context::Deliveries;
use crate::destinations::{Destination, Destinations, timestamp_ms};
use crate::error::Error;
use crate::headers::cloud_event;
use crate::outbox::OVERHEAD_BYTES;
use bellbuoy_core::fact::Fact;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::Topic;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::{Duration, Instant};

/// How long one poll for deliveries may take.
const DRAIN_STEP: Duration = Duration::from_micros(500);

/// An idempotent writer of the journal. What it has sent is durable after [`JournalWriter::flush`].
pub struct JournalWriter {
    producer: BaseProducer<Deliveries>,
    destination: Destination,
    bytes_max: usize,
    timeout: Duration,
}

impl JournalWriter {
    /// Connects. Blocks for at most `timeout`, which is also the longest that a fact may stay on its way.
    ///
    /// # Errors
    /// [`Error::NoTopic`] when there is no journal under the prefix, [`Error::Refused`] and [`Error::Cluster`]
    /// when the cluster refuses or does not answer.
    pub fn open(connection: &Connection, prefix: &str, timeout: Duration) -> Result<Self, Error> {
        let mut settings = connection.idempotent_writer()?;
        settings.set("message.timeout.ms", timeout.as_millis().to_string());
        let producer =
            BaseProducer::from_config_and_context(&settings, Deliveries::default()).map_err(Error::client)?;
        let mut destinations = Destinations::new(prefix);
        destinations.look_up(connection.reach(timeout)?.client(), Topic::Journal, timeout)?;
        let destination = destinations.get(Topic::Journal)?.clone();
        Ok(Self { producer, destination, bytes_max: connection.record_bytes_max(), timeout })
    }

    /// Sends a fact on its way. Waits while the client's queue is full.
    ///
    /// # Errors
    /// [`Error::RecordTooLarge`] when it does not fit, which leaves the writer as it was; otherwise what became of an
    /// earlier fact, after which the writer must be opened anew: facts behind the lost one may be in the journal.
    pub fn append(&mut self, fact: &Fact) -> Result<(), Error> {
        let (key, value) = (fact.key(), fact.encode());
        let bytes = key.len() + value.len() + OVERHEAD_BYTES;
        if bytes > self.bytes_max {
            let (topic, bytes_max) = (self.destination.name.clone(), self.bytes_max);
            return Err(Error::RecordTooLarge { topic, bytes, bytes_max });
        }
        self.check()?;
        let source = format!("/clusters/{}", fact.scope);
        let mut record = BaseRecord::to(&self.destination.name)
            .partition(self.destination.partition(fact.partition_key()))
            .key(&key)
            .payload(&value)
            .timestamp(timestamp_ms(fact.timestamp()))
            .headers(cloud_event(&fact.id.to_string(), "bellbuoy.journal", &source));
        let began = Instant::now();
        while let Err((error, returned)) = self.producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(Error::cluster(format!("append to {}", self.destination.name))(error));
            }
            if began.elapsed() > self.timeout {
                return Err(self.late("find room for a fact"));
            }
            record = returned;
            self.producer.poll(DRAIN_STEP);
            self.check()?;
        }
        Ok(())
    }

    /// Waits until the journal holds every fact, and says how many it has taken since the writer was opened.
    ///
    /// # Errors
    /// As [`JournalWriter::append`], and [`Error::Deadline`].
    pub fn flush(&mut self) -> Result<u64, Error> {
        let began = Instant::now();
        while self.producer.in_flight_count() > 0 {
            if began.elapsed() > self.timeout {
                return Err(self.late("append all facts"));
            }
            self.producer.poll(DRAIN_STEP);
        }
        self.check()?;
        Ok(self.producer.context().taken())
    }

    fn check(&self) -> Result<(), Error> {
        match self.producer.context().take_failure() {
            Some((source, topic)) => Err(Error::cluster(format!("append to {topic}"))(source)),
            None => Ok(()),
        }
    }

    fn late(&self, doing: &str) -> Error {
        Error::Deadline { doing: format!("{doing} to {}", self.destination.name), waited: self.timeout }
    }
}
