//! Pages as records of `pages`.

use crate::avro::Codec;
use crate::avro::twin::{By, Micros, Name, Own, Str, Twin, twin};
use crate::incidents::Severity;
use crate::record::{DecodeError, Wire};
use crate::stamped::{Envelope, control_key};
use crate::topic::Topic;
use bellbuoy_core::Text;
use bellbuoy_core::incident::{Flow, IncidentId, Stamped};
use bellbuoy_core::page;
use bellbuoy_core::severity;
use bellbuoy_core::time::Time;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All versions of the schema of `pages`, the newest last.
pub(crate) const SCHEMAS: &[&str] = &[include_str!("../../../schemas/pages/v1.avsc")];

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

impl Wire for Stamped<page::Page> {
    const TOPIC: Topic = Topic::Pages;

    /// The page's key as text, `~rules` or `~watermark`.
    fn key(&self) -> Vec<u8> {
        match &self.flow {
            Flow::Item(page) => page.key.to_string().into_bytes(),
            other => control_key(other).unwrap_or_default(),
        }
    }

    /// The receiver of a page, so that limits per receiver meet all of its pages; the scope of anything else.
    fn partition_key(&self) -> &[u8] {
        match &self.flow {
            Flow::Item(page) => page.key.receiver.as_bytes(),
            Flow::Rules(_) | Flow::Watermark => self.scope.0.as_bytes(),
        }
    }

    fn timestamp(&self) -> Time {
        self.at
    }

    fn encode(&self) -> Vec<u8> {
        CODEC.encode(&By::<Envelope<Page>>(self))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read: Result<Own<Envelope<Page>>, _> = CODEC.decode(bytes);
        read.map(|own| own.0).map_err(|error| DecodeError::of(Self::TOPIC, error))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "page::Page")]
struct Page {
    #[serde(with = "PageKey")]
    key: page::PageKey,
    #[serde(with = "Micros")]
    at: Time,
    #[serde(with = "PageKind")]
    kind: page::PageKind,
    #[serde(with = "Str")]
    channel: Text,
    tier: u32,
    #[serde(with = "Severity")]
    severity: severity::Severity,
    #[serde(with = "Str")]
    summary: Text,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    rule: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "page::PageKey")]
struct PageKey {
    #[serde(with = "Name")]
    incident: IncidentId,
    #[serde(with = "Str")]
    receiver: Text,
    epoch: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "page::PageKind", rename_all = "SCREAMING_SNAKE_CASE")]
enum PageKind {
    Trigger,
    Escalate,
    Worse,
    Resolve,
}

twin!(Page = page::Page, PageKey = page::PageKey, PageKind = page::PageKind);
