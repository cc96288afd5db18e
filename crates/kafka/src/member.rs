//! The group member that reads a stage's input: partitions come and go between two polls, never inside one.

use crate::config::Config;
use crate::context::{Membership, Rebalance};
use crate::error::{Error, is_refusal};
use bellbuoy_core::task::Offset;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset as Place, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// What an error of a poll ends.
pub(crate) enum End {
    /// The place in the group: another process has it, or the broker thinks so.
    Membership(RDKafkaErrorCode),
    /// All of it.
    Process(Error),
}

/// A static member of a stage's consumer group.
pub(crate) struct Member {
    consumer: BaseConsumer<Membership>,
    topic: String,
    request_timeout: Duration,
}

impl Member {
    /// Joins the group. Partitions come later, as a [`Rebalance`].
    pub(crate) fn join(config: &Config, stage: &str, topic: String) -> Result<Self, Error> {
        let settings = config.member(stage)?;
        let consumer: BaseConsumer<Membership> =
            BaseConsumer::from_config_and_context(&settings, Membership::default()).map_err(Error::client)?;
        consumer.subscribe(&[&topic]).map_err(Error::cluster(format!("subscribe to {topic}")))?;
        Ok(Self { consumer, topic, request_timeout: config.request_timeout })
    }

    /// The next record, or nothing when `wait` is over or a rebalance has come.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Result<BorrowedMessage<'_>, KafkaError>> {
        self.consumer.poll(wait)
    }

    /// The next rebalance to carry out.
    pub(crate) fn rebalance(&self) -> Option<Rebalance> {
        self.consumer.context().next()
    }

    /// Where partitions end, as far as it is known.
    pub(crate) fn ends(&self) -> BTreeMap<i32, i64> {
        self.consumer.context().ends()
    }

    /// What the group must agree to in a commit; none when partitions were lost, so that there is nothing to commit.
    /// The loss is looked at last: the client notes it before it changes what it says about itself.
    pub(crate) fn credentials(&self) -> Option<ConsumerGroupMetadata> {
        let metadata = self.consumer.group_metadata();
        metadata.filter(|_| !self.consumer.assignment_lost())
    }

    /// What the client says about itself to the group, whether or not the group would still agree.
    pub(crate) fn last_credentials(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// Accepts partitions without reading them yet.
    pub(crate) fn accept(&self, partitions: &[i32]) -> Result<(), Error> {
        // Any offset that needs no look-up will do: nothing is read before [`Member::read_from`].
        let list = self.list(partitions, Place::Offset(0))?;
        self.consumer.incremental_assign(&list).map_err(Error::cluster(format!("accept {partitions:?}")))?;
        self.pause(partitions)
    }

    /// Stops reading.
    pub(crate) fn pause(&self, partitions: &[i32]) -> Result<(), Error> {
        let list = self.list(partitions, Place::Invalid)?;
        self.consumer.pause(&list).map_err(Error::cluster(format!("pause {partitions:?} of {}", self.topic)))
    }

    /// Reads on from an offset; what was fetched before is forgotten.
    pub(crate) fn read_from(&self, partition: i32, offset: Offset) -> Result<(), Error> {
        let topic = &self.topic;
        self.consumer
            .seek(topic, partition, Place::Offset(offset), self.request_timeout)
            .map_err(Error::cluster(format!("seek to offset {offset} in {topic} partition {partition}")))?;
        let list = self.list(&[partition], Place::Invalid)?;
        self.consumer.resume(&list).map_err(Error::cluster(format!("resume {topic} partition {partition}")))
    }

    /// Gives partitions back.
    pub(crate) fn release(&self, partitions: &[i32]) -> Result<(), Error> {
        let list = self.list(partitions, Place::Invalid)?;
        self.consumer.incremental_unassign(&list).map_err(Error::cluster(format!("release {partitions:?}")))
    }

    /// The group's committed offsets, as far as no transaction may still change them. A partition without one has
    /// none; one whose offset is not known yet is not in the answer.
    pub(crate) fn committed(
        &self,
        partitions: &[i32],
        wait: Duration,
    ) -> Result<BTreeMap<i32, Option<Offset>>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        let list = self.consumer.committed_offsets(list, wait)?;
        let known = list.elements().into_iter().filter(|element| element.error().is_ok());
        Ok(known
            .map(|element| match element.offset() {
                Place::Offset(offset) => (element.partition(), Some(offset)),
                _ => (element.partition(), None),
            })
            .collect())
    }

    /// Whether an error of a poll is the end of this membership, and of what else.
    pub(crate) fn end(&self, error: &KafkaError) -> Option<End> {
        let code = match self.consumer.client().fatal_error() {
            Some((code, _)) => code,
            None => error.rdkafka_error_code()?,
        };
        let is_fatal = matches!(
            error,
            KafkaError::MessageConsumptionFatal(_) | KafkaError::MessageConsumption(RDKafkaErrorCode::Fatal)
        );
        let doing = format!("read {}", self.topic);
        match code {
            RDKafkaErrorCode::FencedInstanceId => Some(End::Membership(code)),
            _ if is_refusal(code) => Some(End::Process(Error::cluster(doing)(error.clone()))),
            _ if is_fatal => Some(End::Process(Error::cluster(doing)(KafkaError::MessageConsumptionFatal(code)))),
            _ => None,
        }
    }

    fn list(&self, partitions: &[i32], offset: Place) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(&self.topic, *partition, offset)
                .map_err(Error::cluster(format!("name {} partition {partition}", self.topic)))?;
        }
        Ok(list)
    }
}

impl Drop for Member {
    /// Leaves without giving up the place in the group: a static member that comes back soon finds its partitions.
    /// The client waits for an answer to every rebalance before it closes.
    fn drop(&mut self) {
        self.consumer.context().leave();
        while let Some(rebalance) = self.rebalance() {
            let answered = match rebalance {
                Rebalance::Assigned(partitions) => self.accept(&partitions),
                Rebalance::Revoked(partitions) | Rebalance::Lost(partitions) => self.release(&partitions),
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "a rebalance could not be answered while leaving the group");
            }
        }
    }
}
