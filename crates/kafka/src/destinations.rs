//! Where records go: topic names, partition counts, timestamps.

use crate::error::Error;
use bellbuoy_core::time::Time;
use bellbuoy_wire::topic::{Topic, partition_of};
use rdkafka::client::{Client, ClientContext};
use std::collections::BTreeMap;
use std::time::Duration;

/// A topic that records go to.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) partitions: u32,
}

/// The topics of a pipeline, each looked up once. The number of partitions is taken as fixed: a scope would otherwise
/// move away from its state.
#[derive(Debug)]
pub(crate) struct Destinations {
    prefix: String,
    known: BTreeMap<Topic, Destination>,
}

impl Destinations {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), known: BTreeMap::new() }
    }

    /// Looks a topic up.
    pub(crate) fn look_up<C: ClientContext>(
        &mut self,
        client: &Client<C>,
        topic: Topic,
        timeout: Duration,
    ) -> Result<(), Error> {
        let name = topic.name(&self.prefix);
        let partitions = partition_count(client, &name, timeout)?;
        self.known.insert(topic, Destination { name, partitions });
        Ok(())
    }

    /// A topic that was looked up.
    pub(crate) fn get(&self, topic: Topic) -> Result<&Destination, Error> {
        self.known.get(&topic).ok_or_else(|| Error::NoTopic { topic: topic.name(&self.prefix) })
    }
}

impl Destination {
    /// The partition of a record: ours, never the client's.
    pub(crate) fn partition(&self, partition_key: &[u8]) -> i32 {
        i32::try_from(partition_of(partition_key, self.partitions)).unwrap_or(0)
    }
}

/// How many partitions a topic has.
pub(crate) fn partition_count<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<u32, Error> {
    let metadata =
        client.fetch_metadata(Some(topic), timeout).map_err(Error::cluster(format!("look topic {topic} up")))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found.map(|found| (found.error(), found.partitions().len())) {
        Some((None, partitions)) if partitions > 0 => Ok(u32::try_from(partitions).unwrap_or(u32::MAX)),
        _ => Err(Error::NoTopic { topic: topic.to_owned() }),
    }
}

/// A record's timestamp in milliseconds. Times before 1970 become 1 and not 0, which the client takes for the present.
pub(crate) fn timestamp_ms(time: Time) -> i64 {
    time.0.div_euclid(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_whole_milliseconds_after_the_epoch() {
        for (micros, millis) in [(i64::MIN, 1), (-1, 1), (0, 1), (1_999, 1), (2_000, 2), (i64::MAX, i64::MAX / 1_000)] {
            assert_eq!(timestamp_ms(Time(micros)), millis);
        }
    }
}
