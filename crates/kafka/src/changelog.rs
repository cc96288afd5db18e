//! Reads the changelogs of partitions to their ends, beside the group and while those partitions wait.

use crate::config::{Connection, create};
use crate::context::Logged;
use crate::error::Error;
use bellbuoy_core::task::{Offset, Row};
use bellbuoy_wire::state::decode_state;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset as Place, TopicPartitionList};
use std::time::{Duration, Instant};

/// Two clients for as long as something is to be restored: one reads what is committed, one sees where the rest ends.
pub(crate) struct Changelog {
    topic: String,
    format: u16,
    reader: BaseConsumer<Logged>,
    inquirer: BaseConsumer<Logged>,
    request_timeout: Duration,
}

/// What a changelog gave.
pub(crate) enum Restored {
    /// A row of a partition, with its offset.
    Row(i32, Offset, Row),
    /// A partition has no more.
    End(i32),
}

impl Changelog {
    pub(crate) fn open(
        connection: &Connection,
        group: &str,
        topic: String,
        format: u16,
        request_timeout: Duration,
    ) -> Result<Self, Error> {
        let reader = create(&connection.reader(&format!("{group}-restore"))?)?;
        let inquirer = create(&connection.inquirer()?)?;
        Ok(Self { topic, format, reader, inquirer, request_timeout })
    }

    /// First offset and end of a partition of any topic, whether committed or not.
    pub(crate) fn bounds(&self, topic: &str, partition: i32) -> Result<(Offset, Offset), Error> {
        self.inquirer
            .fetch_watermarks(topic, partition, self.request_timeout)
            .map_err(Error::cluster(format!("find the ends of {topic} partition {partition}")))
    }

    /// Begins to read a partition, unless a transaction is still open in it. Committed offsets can be seen before the
    /// end of the same transaction has reached the changelog, so that all of it must be waited for.
    pub(crate) fn begin(&self, partition: i32) -> Result<bool, Error> {
        let (_, end) = self.bounds(&self.topic, partition)?;
        let (_, stable_end) = self
            .reader
            .fetch_watermarks(&self.topic, partition, self.request_timeout)
            .map_err(Error::cluster(format!("find the stable end of {} partition {partition}", self.topic)))?;
        if stable_end < end {
            return Ok(false);
        }
        let list = self.list(partition)?;
        let assigned = self.reader.incremental_assign(&list);
        assigned.map_err(Error::cluster(format!("read {} partition {partition}", self.topic)))?;
        Ok(true)
    }

    /// Forgets a partition.
    pub(crate) fn end(&self, partition: i32) -> Result<(), Error> {
        let released = self.reader.incremental_unassign(&self.list(partition)?);
        released.map_err(Error::cluster(format!("end reading {} partition {partition}", self.topic)))
    }

    /// Hands over rows as they come, for at most `budget`.
    pub(crate) fn read(
        &self,
        budget: Duration,
        mut take: impl FnMut(Restored) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let began = Instant::now();
        while let Some(left) = budget.checked_sub(began.elapsed()) {
            match self.reader.poll(left) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    take(Restored::Row(partition, offset, self.row(&message)?))?;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => take(Restored::End(partition))?,
                Some(Err(error)) => {
                    let error = Error::cluster(format!("read {}", self.topic))(error);
                    match error.kind() {
                        crate::error::Kind::Fatal => return Err(error),
                        _ => tracing::debug!(%error, "the changelog is read on when the cluster answers"),
                    }
                }
            }
        }
        Ok(())
    }

    fn row(&self, message: &impl Message) -> Result<Row, Error> {
        let value = message.payload().map(|bytes| decode_state(bytes, self.format)).transpose();
        let value = value.map_err(|error| Error::State {
            topic: self.topic.clone(),
            partition: message.partition(),
            offset: message.offset(),
            reason: error.to_string(),
        })?;
        Ok(Row { key: message.key().unwrap_or_default().to_vec(), value: value.flatten() })
    }

    fn list(&self, partition: i32) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Place::Beginning)
            .map_err(Error::cluster(format!("name {} partition {partition}", self.topic)))?;
        Ok(list)
    }
}
