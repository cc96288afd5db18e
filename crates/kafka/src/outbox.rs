//! Turns what a batch brought about into records of one transaction.

use crate::destinations::{Destinations, timestamp_ms};
use crate::error::Error;
use crate::headers::cloud_event;
use crate::instruments::Carried;
use crate::seat::Batch;
use crate::transactions::{Failure, Outgoing, Transactions};
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::{Effect, Rejected};
use bellbuoy_core::task::{Offset, Row};
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::state::encode_state;
use bellbuoy_wire::topic::Topic;

/// What a record needs beside its key and value: headers and the frame. The client counts some of it.
pub(crate) const OVERHEAD_BYTES: usize = 1_024;

/// Writes one batch after the other into the open transaction.
pub(crate) struct Outbox<'a> {
    transactions: &'a Transactions,
    destinations: &'a Destinations,
    source: Source,
    bytes_max: usize,
    carried: Carried,
}

/// Where the records of a batch come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) stage: &'static str,
    pub(crate) input: Topic,
    pub(crate) state_format: u16,
}

/// Where the records of one partition's batch come from, for their headers.
struct Place {
    partition: i32,
    read_to: Offset,
    count: u64,
}

impl<'a> Outbox<'a> {
    pub(crate) fn new(
        transactions: &'a Transactions,
        destinations: &'a Destinations,
        source: Source,
        bytes_max: usize,
    ) -> Self {
        Self { transactions, destinations, source, bytes_max, carried: Carried::default() }
    }

    /// Everything that one partition has to make durable.
    pub(crate) fn write<Out>(&mut self, partition: i32, batch: Batch<Out>) -> Result<(), Failure>
    where
        Stamped<Out>: Wire,
    {
        let mut place = Place { partition, read_to: batch.read_to, count: 0 };
        for (number, effect) in batch.commit.effects.into_iter().enumerate() {
            match effect {
                Effect::Emit(stamped) => self.emit(&mut place, &stamped)?,
                Effect::Reject(rejected) => {
                    let offset = batch.rejections.get(&number).copied().unwrap_or(batch.read_to);
                    let letter = DeadLetter::rejected(self.origin(partition, offset), rejected, &[]);
                    self.bury(&mut place, &letter)?;
                }
            }
        }
        for letter in &batch.unreadable {
            self.bury(&mut place, letter)?;
        }
        batch.commit.changelog.iter().try_for_each(|row| self.remember(partition, row))
    }

    pub(crate) fn carried(&self) -> Carried {
        self.carried
    }

    fn emit<Out>(&mut self, place: &mut Place, stamped: &Stamped<Out>) -> Result<(), Failure>
    where
        Stamped<Out>: Wire,
    {
        let (key, value) = (stamped.key(), stamped.encode());
        let bytes = key.len() + value.len() + OVERHEAD_BYTES;
        if bytes > self.bytes_max {
            // Stages bound what they emit; should one fail to, the stream goes on and the failure is seen.
            let topic = <Stamped<Out> as Wire>::TOPIC;
            tracing::error!(stage = self.source.stage, %topic, bytes, "record too large, sent to the dead letters");
            let reason = format!("a record of {bytes} bytes for {topic} exceeds message.max.bytes, {}", self.bytes_max);
            let (scope, at) = (stamped.scope.clone(), stamped.at);
            let rejected = Rejected { scope, at, fact: None, reason: reason.into() };
            let origin = self.origin(place.partition, place.read_to);
            return self.bury(place, &DeadLetter::rejected(origin, rejected, &value));
        }
        for topic in [Some(<Stamped<Out> as Wire>::TOPIC), stamped.copy_to()].into_iter().flatten() {
            self.send(topic, place, stamped, &key, &value)?;
            self.carried.records_out += 1;
        }
        Ok(())
    }

    fn bury(&mut self, place: &mut Place, letter: &DeadLetter) -> Result<(), Failure> {
        self.carried.dead_letters += 1;
        self.send(DeadLetter::TOPIC, place, letter, &letter.key(), &letter.encode())
    }

    fn send(
        &self,
        topic: Topic,
        place: &mut Place,
        record: &impl Wire,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Failure> {
        let destination = self.destinations.get(topic).map_err(Failure::Fatal)?;
        // Input, partition, the end of the batch and a count name a record once and for all.
        let id = format!("{}/{}/{}/{}", self.source.input, place.partition, place.read_to, place.count);
        place.count += 1;
        let headers = cloud_event(&id, &format!("bellbuoy.{topic}"), &format!("/bellbuoy/{}", self.source.stage));
        self.transactions.send(Outgoing {
            topic: &destination.name,
            partition: destination.partition(record.partition_key()),
            key,
            value: Some(value),
            timestamp: Some(timestamp_ms(record.timestamp())),
            headers: Some(headers),
        })
    }

    /// A row of state lies in the partition of the same number as the input it came from.
    fn remember(&mut self, partition: i32, row: &Row) -> Result<(), Failure> {
        let destination = self.destinations.get(Topic::State(self.source.stage)).map_err(Failure::Fatal)?;
        let value = row.value.as_deref().map(|row| encode_state(self.source.state_format, Some(row)));
        let value = value.as_deref();
        let bytes = row.key.len() + value.map_or(0, <[u8]>::len) + OVERHEAD_BYTES;
        if bytes > self.bytes_max {
            let (topic, bytes_max) = (destination.name.clone(), self.bytes_max);
            return Err(Failure::Fatal(Error::RecordTooLarge { topic, bytes, bytes_max }));
        }
        self.carried.rows += 1;
        let topic = &destination.name;
        self.transactions.send(Outgoing { topic, partition, key: &row.key, value, timestamp: None, headers: None })
    }

    fn origin(&self, partition: i32, offset: Offset) -> Origin {
        Origin { topic: self.source.input.to_string().into(), partition, offset }
    }
}
