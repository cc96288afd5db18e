//! What can go wrong with Kafka, and what is to be done about it.

use bellbuoy_core::task::Offset;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::Duration;

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is known to have happened: the same call may be made again.
    Retriable,
    /// The transaction did not happen and must be aborted; the next one may succeed.
    Abortable,
    /// Nothing that this process can do will help.
    Fatal,
}

/// An error of this crate. No error carries a secret or the value of a client property.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two processes run under one member id.
    #[error(
        "another process runs under member id {member_id}: it has taken over ({code}); give each process an id of its own"
    )]
    Fenced {
        /// The id.
        member_id: String,
        /// How the broker or the client said it.
        code: RDKafkaErrorCode,
    },
    /// A property that this crate sets itself.
    #[error("client property {name} cannot be set: {reason}")]
    OwnProperty {
        /// The property.
        name: String,
        /// What depends on it.
        reason: &'static str,
    },
    /// librdkafka refuses a setting.
    #[error("client property {name} does not take the given value: {reason}")]
    Setting {
        /// The property.
        name: String,
        /// librdkafka's word on it, without the value.
        reason: String,
    },
    /// A client could not be made.
    #[error("failed to make a Kafka client: {reason}")]
    Client {
        /// librdkafka's word on it.
        reason: String,
    },
    /// The cluster answered with an error, or not at all.
    #[error("failed to {doing}: {source}")]
    Cluster {
        /// What was tried, with topic and partition.
        doing: String,
        /// What came back.
        #[source]
        source: KafkaError,
    },
    /// Client and broker do not trust each other.
    #[error("failed to connect to {servers}: {reason}")]
    Refused {
        /// The bootstrap servers.
        servers: String,
        /// librdkafka's word on it.
        reason: String,
    },
    /// A topic that must exist does not.
    #[error("topic {topic} does not exist: create it, or let `ensure_topics` do so")]
    NoTopic {
        /// The topic's full name.
        topic: String,
    },
    /// An existing topic is not what the pipeline needs.
    #[error("topic {topic} has {what} {found}, it needs {expected}")]
    Topic {
        /// The topic's full name.
        topic: String,
        /// The property.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it would have to be.
        expected: String,
    },
    /// A state topic is not partitioned as its input.
    #[error(
        "topic {state} has {state_partitions} partitions and {input} has {input_partitions}: state lies in the partition \
         of the same number as its input, so both need the same count"
    )]
    Copartition {
        /// The input's full name.
        input: String,
        /// How many partitions it has.
        input_partitions: u32,
        /// The state topic's full name.
        state: String,
        /// How many partitions it has.
        state_partitions: u32,
    },
    /// A row of a changelog cannot be taken in.
    #[error("failed to restore {topic} partition {partition} at offset {offset}: {reason}")]
    State {
        /// The state topic's full name.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The record's offset.
        offset: Offset,
        /// What is wrong with it.
        reason: String,
    },
    /// Committed position and restored state do not belong together.
    #[error(
        "{topic} partition {partition} ends before the position it belongs to: the group stands at offset {committed}, \
         the state has read to {read_to}; was the topic re-created? reset the group's offsets to decide anew"
    )]
    StateLost {
        /// The state topic's full name.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The group's committed offset.
        committed: Offset,
        /// The first offset that the restored state has not read.
        read_to: Offset,
    },
    /// The input is shorter than what was read of it.
    #[error(
        "{topic} partition {partition} ends at offset {end}, but the group stands at {committed}: was the topic re-created?"
    )]
    InputLost {
        /// The input's full name.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The group's committed offset.
        committed: Offset,
        /// The end of the partition.
        end: Offset,
    },
    /// A record is larger than the client may send.
    #[error("a record of {bytes} bytes for {topic} exceeds message.max.bytes, {bytes_max}")]
    RecordTooLarge {
        /// The topic's full name.
        topic: String,
        /// Key and value, with what comes on top.
        bytes: usize,
        /// What the client may send.
        bytes_max: usize,
    },
    /// A call did not end in time.
    #[error("failed to {doing} within {waited:?}")]
    Deadline {
        /// What was tried.
        doing: String,
        /// How long.
        waited: Duration,
    },
    /// An address that cannot be read.
    #[error("{address:?} is no address of a topic: expected kafka://host:port[,host:port…]/topic")]
    Address {
        /// What was given.
        address: String,
    },
    /// The process was asked to stop before it was ready.
    #[error("stopped while waiting for the cluster")]
    Stopped,
}

impl Error {
    /// What is to be done.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Cluster { source, .. } => kind_of(source),
            Error::Deadline { .. } => Kind::Retriable,
            _ => Kind::Fatal,
        }
    }

    /// Names what was tried beside what came back.
    pub(crate) fn cluster(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Error {
        |source| Error::Cluster { doing: doing.into(), source }
    }

    /// A client could not be made. librdkafka's error repeats the value of the property it refuses, which may be a
    /// password.
    pub(crate) fn client(error: KafkaError) -> Error {
        match error {
            KafkaError::ClientConfig(_, reason, name, value) => {
                let reason = if value.is_empty() { reason } else { reason.replace(&value, "…") };
                Error::Setting { name, reason }
            }
            other => Error::Client { reason: other.to_string() },
        }
    }
}

/// What is to be done about an error of librdkafka.
pub(crate) fn kind_of(error: &KafkaError) -> Kind {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => Kind::Fatal,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Kind::Abortable,
        KafkaError::Transaction(error) if error.is_retriable() => Kind::Retriable,
        KafkaError::MessageConsumptionFatal(_) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => Kind::Fatal,
        other => match other.rdkafka_error_code() {
            Some(code) if is_refusal(code) || is_fencing(code) || code == RDKafkaErrorCode::Fatal => Kind::Fatal,
            _ => Kind::Retriable,
        },
    }
}

/// Whether another process has taken the transactional id over. That a group member was fenced proves nothing of the
/// kind: a broker that was slow to answer holds two requests of one process for two processes.
pub(crate) fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
}

/// Whether the cluster will answer the same however often it is asked.
pub(crate) fn is_refusal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::UnsupportedFeature
            | RDKafkaErrorCode::UnsupportedVersion
            | RDKafkaErrorCode::UnsupportedSASLMechanism
            | RDKafkaErrorCode::InvalidTransactionTimeout
            | RDKafkaErrorCode::InconsistentGroupProtocol
            | RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidTimestamp
            | RDKafkaErrorCode::PolicyViolation
    )
}
