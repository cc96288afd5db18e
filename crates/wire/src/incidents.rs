//! Incidents as records of `incidents` and of `incidents-current`.

use crate::avro::Codec;
use crate::avro::twin::{Bits, By, Id, Many, Maybe, Micros, Name, Own, Str, Twin, twin};
use crate::record::{DecodeError, Wire};
use crate::stamped::{Envelope, control_key};
use crate::topic::Topic;
use bellbuoy_core::Text;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::incident::{self, Flow, IncidentId, Stamped};
use bellbuoy_core::object;
use bellbuoy_core::severity;
use bellbuoy_core::time::Time;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All versions of the schema of `incidents` and `incidents-current`, the newest last.
pub(crate) const SCHEMAS: &[&str] =
    &[include_str!("../../../schemas/incidents/v1.avsc"), include_str!("../../../schemas/incidents/v2.avsc")];

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

impl Wire for Stamped<incident::Incident> {
    const TOPIC: Topic = Topic::Incidents;

    /// Incidents go to the compacted topic too. Rule sets and watermarks do not: they are of no use without order.
    fn copy_to(&self) -> Option<Topic> {
        matches!(self.flow, Flow::Item(_)).then_some(Topic::IncidentsCurrent)
    }

    /// The incident's name, `~rules` or `~watermark`.
    fn key(&self) -> Vec<u8> {
        match &self.flow {
            Flow::Item(incident) => incident.id.to_string().into_bytes(),
            other => control_key(other).unwrap_or_default(),
        }
    }

    fn partition_key(&self) -> &[u8] {
        self.scope.0.as_bytes()
    }

    fn timestamp(&self) -> Time {
        self.at
    }

    fn encode(&self) -> Vec<u8> {
        CODEC.encode(&By::<Envelope<Incident>>(self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read: Result<Own<Envelope<Incident>>, _> = CODEC.decode(bytes);
        read.map(|own| own.0).map_err(|error| DecodeError::of(Self::TOPIC, error))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Incident")]
pub(crate) struct Incident {
    #[serde(with = "Name")]
    id: IncidentId,
    revision: u32,
    #[serde(with = "Status")]
    status: incident::Status,
    #[serde(with = "Micros")]
    began_at: Time,
    #[serde(with = "Micros")]
    opened_at: Time,
    #[serde(with = "Micros")]
    last_seen_at: Time,
    #[serde(with = "Maybe::<Micros>")]
    acknowledged_at: Option<Time>,
    #[serde(with = "Str")]
    acknowledged_by: Text,
    #[serde(with = "Maybe::<Micros>")]
    resolved_at: Option<Time>,
    #[serde(with = "Maybe::<Name>")]
    merged_into: Option<IncidentId>,
    #[serde(with = "Many::<Cause>")]
    causes: Vec<incident::Cause>,
    #[serde(with = "Severity")]
    weight: severity::Severity,
    #[serde(with = "Many::<SignalCount>")]
    signals: Vec<incident::SignalCount>,
    #[serde(with = "Many::<Member>")]
    members: Vec<incident::Member>,
    member_count: u32,
    open_count: u32,
    object_count: u32,
    namespace_count: u32,
    #[serde(with = "Many::<TimelineEntry>")]
    timeline: Vec<incident::TimelineEntry>,
    #[serde(with = "Many::<Change>")]
    changes: Vec<incident::Change>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Status", rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Open,
    Acknowledged,
    Resolved,
    Merged,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Change", rename_all = "SCREAMING_SNAKE_CASE")]
enum Change {
    Opened,
    Grew,
    Shrank,
    Cause,
    Absorbed,
    Merged,
    Acknowledged,
    Resolved,
    Reopened,
    Noted,
    Split,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "severity::Severity")]
pub(crate) enum Severity {
    P1,
    P2,
    P3,
    P4,
    P5,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "object::Entity")]
struct Entity {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    namespace: Text,
    #[serde(with = "Str")]
    name: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Cause")]
struct Cause {
    #[serde(with = "Entity")]
    entity: object::Entity,
    #[serde(with = "Str")]
    signal: Text,
    score: i32,
    #[serde(with = "Many::<Because>")]
    because: Vec<incident::Because>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Because")]
struct Because {
    #[serde(with = "Str")]
    rule: Text,
    points: i32,
    #[serde(with = "Str")]
    text: Text,
    #[serde(with = "Many::<Evidence>")]
    facts: Vec<incident::Evidence>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Evidence")]
struct Evidence {
    #[serde(with = "Id")]
    fact: FactId,
    #[serde(with = "Micros")]
    observed_at: Time,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::SignalCount")]
struct SignalCount {
    #[serde(with = "Str")]
    signal: Text,
    #[serde(with = "Str")]
    area: Text,
    count: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Member")]
struct Member {
    #[serde(with = "Entity")]
    entity: object::Entity,
    #[serde(with = "Str")]
    signal: Text,
    #[serde(with = "Str")]
    message: Text,
    #[serde(with = "Micros")]
    began_at: Time,
    #[serde(with = "Micros")]
    last_seen_at: Time,
    #[serde(with = "Maybe::<Micros>")]
    ended_at: Option<Time>,
    #[serde(with = "Bits")]
    repeats: u64,
    objects: u32,
    late: bool,
    #[serde(with = "Maybe::<Explanation>")]
    explained_by: Option<incident::Explanation>,
    #[serde(with = "Many::<Evidence>")]
    evidence: Vec<incident::Evidence>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::Explanation")]
struct Explanation {
    #[serde(with = "Entity")]
    entity: object::Entity,
    #[serde(with = "Str")]
    signal: Text,
    #[serde(with = "Str")]
    rule: Text,
    #[serde(with = "Str")]
    relation: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "incident::TimelineEntry")]
struct TimelineEntry {
    #[serde(with = "Micros")]
    at: Time,
    #[serde(with = "Str")]
    text: Text,
}

twin!(
    Incident = incident::Incident,
    Status = incident::Status,
    Change = incident::Change,
    Severity = severity::Severity,
    Entity = object::Entity,
    Cause = incident::Cause,
    Because = incident::Because,
    Evidence = incident::Evidence,
    SignalCount = incident::SignalCount,
    Member = incident::Member,
    Explanation = incident::Explanation,
    TimelineEntry = incident::TimelineEntry,
);
