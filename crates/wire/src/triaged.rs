//! Classified incidents as records of `triaged`.

use crate::avro::Codec;
use crate::avro::twin::{By, Many, Own, Str, Twin, twin};
use crate::incidents::{Incident, Severity};
use crate::record::{DecodeError, Wire};
use crate::stamped::{Envelope, control_key};
use crate::topic::Topic;
use bellbuoy_core::Text;
use bellbuoy_core::incident::{self, Flow, Stamped};
use bellbuoy_core::severity;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All versions of the schema of `triaged`, the newest last.
pub(crate) const SCHEMAS: &[&str] =
    &[include_str!("../../../schemas/triaged/v1.avsc"), include_str!("../../../schemas/triaged/v2.avsc")];

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

impl Wire for Stamped<triage::Triaged> {
    const TOPIC: Topic = Topic::Triaged;

    /// The incident's name, `~rules` or `~watermark`.
    fn key(&self) -> Vec<u8> {
        match &self.flow {
            Flow::Item(triaged) => triaged.incident.id.to_string().into_bytes(),
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
        CODEC.encode(&By::<Envelope<Triaged>>(self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read: Result<Own<Envelope<Triaged>>, _> = CODEC.decode(bytes);
        read.map(|own| own.0).map_err(|error| DecodeError::of(Self::TOPIC, error))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "triage::Triaged")]
struct Triaged {
    #[serde(with = "Incident")]
    incident: incident::Incident,
    #[serde(with = "Severity")]
    severity: severity::Severity,
    #[serde(with = "Str")]
    category: Text,
    #[serde(with = "Str")]
    owner: Text,
    #[serde(with = "Str")]
    runbook: Text,
    #[serde(with = "Many::<Factor>")]
    factors: Vec<triage::Factor>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "triage::Factor")]
struct Factor {
    #[serde(with = "Str")]
    rule: Text,
    steps: i32,
    #[serde(with = "Str")]
    text: Text,
}

twin!(Triaged = triage::Triaged, Factor = triage::Factor);
