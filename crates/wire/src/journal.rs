//! Facts as records of the journal.

mod objects;
mod reports;
mod specs;

use crate::avro::Codec;
use crate::avro::twin::{Bits, By, Id, Micros, Own, Rules, Str, Twin, twin};
use crate::record::{DecodeError, Wire};
use crate::topic::Topic;
use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, FactId, Source};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::time::{Interval, Time};
use objects::ObjectReport;
use reports::{AlertReport, Command, EventReport};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::LazyLock;

/// All versions of the journal's schema, the newest last.
pub(crate) const SCHEMAS: &[&str] =
    &[include_str!("../../../schemas/journal/v1.avsc"), include_str!("../../../schemas/journal/v2.avsc")];

/// The codec of the journal.
pub(crate) static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

impl Wire for Fact {
    const TOPIC: Topic = Topic::Journal;

    /// `kind/namespace/name` of the object. Facts about no object have the name of their source instead, and rule sets
    /// `rules`: neither holds a slash, so that none can be taken for an object.
    fn key(&self) -> Vec<u8> {
        let (object, is_about_none) = (&self.object, self.object.kind.is_empty() && self.object.name.is_empty());
        match self.body {
            Body::Rules(_) => b"rules".to_vec(),
            Body::SnapshotBegin { .. } | Body::SnapshotEnd { .. } | Body::Tick { .. } | Body::EndOfRecording => {
                source_name(self.source).into()
            }
            _ if is_about_none => source_name(self.source).into(),
            _ => format!("{}/{}/{}", object.kind, object.namespace, object.name).into_bytes(),
        }
    }

    fn partition_key(&self) -> &[u8] {
        self.scope.0.as_bytes()
    }

    fn timestamp(&self) -> Time {
        self.observed_at
    }

    fn encode(&self) -> Vec<u8> {
        CODEC.encode(&By::<JournalFact>(self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read: Result<Own<JournalFact>, _> = CODEC.decode(bytes);
        read.map(|own| own.0).map_err(|error| DecodeError::of(Self::TOPIC, error))
    }
}

/// The name of a source in keys.
fn source_name(source: Source) -> &'static str {
    match source {
        Source::Events => "events",
        Source::Objects => "objects",
        Source::Alerts => "alerts",
        Source::Logs => "logs",
        Source::Metrics => "metrics",
        Source::People => "people",
        Source::Bellbuoy => "bellbuoy",
    }
}

/// The twin of [`Fact`].
pub(crate) struct JournalFact;

impl Twin for JournalFact {
    type Core = Fact;

    fn serialize<S: Serializer>(fact: &Fact, serializer: S) -> Result<S::Ok, S::Error> {
        FactRow::of(fact).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact, D::Error> {
        ReadFact::deserialize(deserializer)?.into_fact()
    }
}

/// The row of a fact on its way out. The kind says which of the fields behind it is set.
#[derive(Serialize)]
struct FactRow<'a> {
    id: By<'a, Id>,
    scope: &'a str,
    source: By<'a, SourceTwin>,
    object: By<'a, ObjectRefTwin>,
    occurred_from: i64,
    occurred_to: i64,
    observed_at: i64,
    sequence: By<'a, Bits>,
    kind: FactKind,
    event: Option<By<'a, EventReport>>,
    state: Option<By<'a, ObjectReport>>,
    alert: Option<By<'a, AlertReport>>,
    command: Option<By<'a, Command>>,
    rules: Option<By<'a, Rules>>,
    snapshot: Option<Snapshot<&'a str>>,
    tick: Option<Tick>,
}

impl<'a> FactRow<'a> {
    fn of(fact: &'a Fact) -> Self {
        let Fact { id, scope, source, object, occurred, observed_at, sequence, body } = fact;
        let mut row = Self {
            id: By(id),
            scope: &scope.0,
            source: By(source),
            object: By(object),
            occurred_from: occurred.from.0,
            occurred_to: occurred.to.0,
            observed_at: observed_at.0,
            sequence: By(sequence),
            kind: FactKind::EndOfRecording,
            event: None,
            state: None,
            alert: None,
            command: None,
            rules: None,
            snapshot: None,
            tick: None,
        };
        match body {
            Body::Event(event) => (row.kind, row.event) = (FactKind::Event, Some(By(event))),
            Body::Object(state) => (row.kind, row.state) = (FactKind::Object, Some(By(&**state))),
            Body::Alert(alert) => (row.kind, row.alert) = (FactKind::Alert, Some(By(alert))),
            Body::Command(command) => (row.kind, row.command) = (FactKind::Command, Some(By(command))),
            Body::Rules(rules) => (row.kind, row.rules) = (FactKind::Rules, Some(By(rules))),
            Body::SnapshotBegin { kind } => {
                (row.kind, row.snapshot) = (FactKind::SnapshotBegin, Some(Snapshot { kind: &**kind }));
            }
            Body::SnapshotEnd { kind } => {
                (row.kind, row.snapshot) = (FactKind::SnapshotEnd, Some(Snapshot { kind: &**kind }))
            }
            Body::Tick { observed_through } => {
                (row.kind, row.tick) = (FactKind::Tick, Some(Tick { observed_through: observed_through.0 }));
            }
            Body::EndOfRecording => {}
        }
        row
    }
}

/// The row of a fact on its way in.
#[derive(Deserialize)]
#[serde(rename = "Fact")]
struct ReadFact {
    #[serde(with = "Id")]
    id: FactId,
    #[serde(with = "Str")]
    scope: Text,
    #[serde(with = "SourceTwin")]
    source: Source,
    #[serde(with = "ObjectRefTwin")]
    object: ObjectRef,
    #[serde(with = "Micros")]
    occurred_from: Time,
    #[serde(with = "Micros")]
    occurred_to: Time,
    #[serde(with = "Micros")]
    observed_at: Time,
    #[serde(with = "Bits")]
    sequence: u64,
    kind: FactKind,
    event: Option<Own<EventReport>>,
    state: Option<Own<ObjectReport>>,
    alert: Option<Own<AlertReport>>,
    command: Option<Own<Command>>,
    rules: Option<Own<Rules>>,
    snapshot: Option<Snapshot<String>>,
    tick: Option<Tick>,
}

impl ReadFact {
    fn into_fact<E: serde::de::Error>(self) -> Result<Fact, E> {
        let lacks = |field: &str| E::custom(format!("expected the field `{field}` in a fact of this kind, found null"));
        let body = match self.kind {
            FactKind::Unknown => return Err(E::custom("a fact of a kind that only a later version knows")),
            FactKind::Event => Body::Event(self.event.ok_or_else(|| lacks("event"))?.0),
            FactKind::Object => Body::Object(Box::new(self.state.ok_or_else(|| lacks("state"))?.0)),
            FactKind::Alert => Body::Alert(self.alert.ok_or_else(|| lacks("alert"))?.0),
            FactKind::Command => Body::Command(self.command.ok_or_else(|| lacks("command"))?.0),
            FactKind::Rules => Body::Rules(self.rules.ok_or_else(|| lacks("rules"))?.0),
            FactKind::SnapshotBegin => {
                Body::SnapshotBegin { kind: self.snapshot.ok_or_else(|| lacks("snapshot"))?.kind.into() }
            }
            FactKind::SnapshotEnd => {
                Body::SnapshotEnd { kind: self.snapshot.ok_or_else(|| lacks("snapshot"))?.kind.into() }
            }
            FactKind::Tick => {
                Body::Tick { observed_through: Time(self.tick.ok_or_else(|| lacks("tick"))?.observed_through) }
            }
            FactKind::EndOfRecording => Body::EndOfRecording,
        };
        Ok(Fact {
            id: self.id,
            scope: Scope(self.scope),
            source: self.source,
            object: self.object,
            occurred: Interval { from: self.occurred_from, to: self.occurred_to },
            observed_at: self.observed_at,
            sequence: self.sequence,
            body,
        })
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum FactKind {
    Unknown,
    Event,
    Object,
    Alert,
    Command,
    Rules,
    SnapshotBegin,
    SnapshotEnd,
    Tick,
    EndOfRecording,
}

#[derive(Serialize, Deserialize)]
struct Snapshot<T> {
    kind: T,
}

#[derive(Serialize, Deserialize)]
struct Tick {
    observed_through: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Source", rename = "Source", rename_all = "SCREAMING_SNAKE_CASE")]
enum SourceTwin {
    Events,
    Objects,
    Alerts,
    Logs,
    Metrics,
    People,
    Bellbuoy,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ObjectRef", rename = "ObjectRef")]
struct ObjectRefTwin {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    namespace: Text,
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    uid: Text,
}

twin!(SourceTwin = Source, ObjectRefTwin = ObjectRef);
