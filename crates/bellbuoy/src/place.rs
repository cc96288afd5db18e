//! Where a fact stands: in a log by topic, partition and offset, in a recording by its number.

use std::fmt;
use std::sync::Arc;

/// Where a fact stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a topic, of the embedded log or of Kafka.
    Log {
        /// The topic's name.
        topic: Arc<str>,
        /// The partition.
        partition: u32,
        /// The offset.
        offset: i64,
    },
    /// In a recording: the so many-th fact in the order of time, from 1.
    Recording(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log { topic, partition, offset } => {
                write!(f, "topic {topic}, partition {partition}, offset {offset}")
            }
            Self::Recording(number) => write!(f, "record {number} in order of time"),
        }
    }
}
