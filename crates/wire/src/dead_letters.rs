//! What could not be used, and why, as records of `dead-letters`.

use crate::avro::Codec;
use crate::avro::twin::{Id, Maybe, Micros, Octets, Str, Twin};
use crate::record::{DecodeError, Wire};
use crate::topic::Topic;
use bellbuoy_core::Text;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::Rejected;
use bellbuoy_core::time::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::LazyLock;

/// All versions of the schema of `dead-letters`, the newest last.
pub(crate) const SCHEMAS: &[&str] = &[include_str!("../../../schemas/dead-letters/v1.avsc")];

/// How much of the bytes a dead letter keeps: 64 KiB, so that it fits any broker and still shows what was wrong.
pub const KEPT_BYTES_MAX: usize = 64 << 10;

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

/// Where a record stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The topic without its prefix, or the name of another input.
    #[serde(with = "Str")]
    pub topic: Text,
    /// The partition; 0 where there is none.
    pub partition: i32,
    /// The offset in the partition, or the place in the input.
    pub offset: i64,
}

/// Bytes that could not be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    #[serde(with = "Str")]
    topic: Text,
    partition: i32,
    offset: i64,
    #[serde(with = "MaybeScope")]
    scope: Option<Scope>,
    #[serde(with = "Maybe::<Id>")]
    fact: Option<FactId>,
    #[serde(with = "Octets")]
    bytes: Vec<u8>,
    length: i64,
    cut: bool,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Micros")]
    at: Time,
}

impl DeadLetter {
    /// A dead letter for bytes that could not even be read. `at` is the time of the record, or of the stream.
    pub fn unreadable(origin: Origin, bytes: &[u8], reason: impl fmt::Display, at: Time) -> Self {
        Self::new(origin, None, None, bytes, reason.to_string().into(), at)
    }

    /// A dead letter for a record that a stage could not use. `bytes` is the record's value, or empty where it is not
    /// at hand any more: the origin tells where it stands.
    pub fn rejected(origin: Origin, rejected: Rejected, bytes: &[u8]) -> Self {
        let Rejected { scope, at, fact, reason } = rejected;
        Self::new(origin, Some(scope), fact, bytes, reason, at)
    }

    fn new(origin: Origin, scope: Option<Scope>, fact: Option<FactId>, bytes: &[u8], reason: Text, at: Time) -> Self {
        let Origin { topic, partition, offset } = origin;
        let kept = &bytes[..bytes.len().min(KEPT_BYTES_MAX)];
        Self {
            topic,
            partition,
            offset,
            scope,
            fact,
            bytes: kept.to_vec(),
            length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            cut: kept.len() < bytes.len(),
            reason,
            at,
        }
    }

    /// Where it stood.
    pub fn origin(&self) -> Origin {
        Origin { topic: self.topic.clone(), partition: self.partition, offset: self.offset }
    }

    /// The scope, where it is known.
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The fact, if it is one that could be read.
    pub fn fact(&self) -> Option<FactId> {
        self.fact
    }

    /// What stood there, its first [`KEPT_BYTES_MAX`] bytes at most.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes stood there.
    pub fn length(&self) -> u64 {
        self.length.unsigned_abs()
    }

    /// Whether [`DeadLetter::bytes`] is less than what stood there.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// What was wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Wire for DeadLetter {
    const TOPIC: Topic = Topic::DeadLetters;

    /// `topic/partition/offset` of what could not be used: a second attempt on the same record has the same key.
    fn key(&self) -> Vec<u8> {
        format!("{}/{}/{}", self.topic, self.partition, self.offset).into_bytes()
    }

    /// The scope, or the topic where none is known.
    fn partition_key(&self) -> &[u8] {
        self.scope.as_ref().map_or(self.topic.as_bytes(), |scope| scope.0.as_bytes())
    }

    fn timestamp(&self) -> Time {
        self.at
    }

    fn encode(&self) -> Vec<u8> {
        CODEC.encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        CODEC.decode(bytes).map_err(|error| DecodeError::of(Self::TOPIC, error))
    }
}

/// The twin of a scope that may be unknown.
struct MaybeScope;

impl Twin for MaybeScope {
    type Core = Option<Scope>;

    fn serialize<S: Serializer>(core: &Option<Scope>, serializer: S) -> Result<S::Ok, S::Error> {
        core.as_ref().map(|scope| &*scope.0).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scope>, D::Error> {
        Ok(Maybe::<Str>::deserialize(deserializer)?.map(Scope))
    }
}
