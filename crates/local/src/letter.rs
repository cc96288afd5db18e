//! Dead letters: what could not be used, where it came from, and why.

use crate::log::Record;
use bellbuoy_core::stage::Rejected;
use bellbuoy_core::task::Offset;
use bellbuoy_wire::record::DecodeError;
use bellbuoy_wire::topic::Topic;

/// Where an unreadable record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    pub(crate) offset: Offset,
}

/// The letter of a record whose value could not be read.
pub(crate) fn undecodable(stage: &'static str, place: Place, record: &Record, error: &DecodeError) -> Record {
    let Place { topic, partition, offset } = place;
    let value = format!("{topic}/{partition}@{offset}: {error}").into_bytes();
    Record { key: stage.as_bytes().to_vec(), timestamp: record.timestamp, value }
}

/// The letter of a record that the stage rejected.
pub(crate) fn rejected(stage: &'static str, rejected: &Rejected) -> Record {
    let value = rejected.reason.as_bytes().to_vec();
    Record { key: stage.as_bytes().to_vec(), timestamp: rejected.at, value }
}
