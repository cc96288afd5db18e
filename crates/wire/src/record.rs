//! What a value of a topic can do: find its place, and become bytes and come back.

use crate::avro;
use crate::topic::Topic;
use bellbuoy_core::time::Time;

/// A value of a topic.
pub trait Wire: Sized {
    /// The topic that it belongs to.
    const TOPIC: Topic;

    /// A compacted topic that gets a copy of it.
    fn copy_to(&self) -> Option<Topic> {
        None
    }

    /// The record's key.
    fn key(&self) -> Vec<u8>;

    /// What decides the partition, through [`crate::topic::partition_of`]: the scope's name, or the receiver's.
    fn partition_key(&self) -> &[u8];

    /// The record's timestamp.
    fn timestamp(&self) -> Time;

    /// The record's value: Avro, single-object encoding.
    fn encode(&self) -> Vec<u8>;

    /// Reads a record's value, of this or any earlier version.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// A record's value could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not begin as single-object encoding does.
    #[error("expected Avro single-object encoding (bytes c3 01 and a schema fingerprint), found {found:02x?}")]
    NotSingleObject {
        /// The first bytes, at most 10.
        found: Vec<u8>,
    },
    /// The schema is none of ours.
    #[error("unknown schema fingerprint {fingerprint:016x} for topic {topic}: written by a newer version?")]
    UnknownSchema {
        /// The topic.
        topic: Topic,
        /// The CRC-64-AVRO fingerprint.
        fingerprint: u64,
    },
    /// The bytes do not fit the schema.
    #[error("failed to read a record of {topic}: {reason}")]
    Malformed {
        /// The topic.
        topic: Topic,
        /// What did not fit.
        reason: String,
    },
}

impl DecodeError {
    /// An error of the codec, with the topic.
    pub(crate) fn of(topic: Topic, error: avro::Error) -> Self {
        match error {
            avro::Error::NotSingleObject { found } => Self::NotSingleObject { found },
            avro::Error::UnknownSchema { fingerprint } => Self::UnknownSchema { topic, fingerprint },
            avro::Error::Malformed { reason } => Self::Malformed { topic, reason },
        }
    }
}
