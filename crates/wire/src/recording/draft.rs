//! A draft: a decoded report whose times are not yet believed.

use crate::recording::field::{Age, Field, Stamp};
use bellbuoy_core::fact::{Body, FactId, Source};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// A decoded report, with every time that it claims, to be settled by a [`crate::recording::Horizon`].
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Draft {
    /// The id of the fact that it becomes; none where that depends on times that others tell. Deriving one is a good part
    /// of reading a recording, and cheapest where the report has just been read.
    pub id: Option<FactId>,
    /// Where it is decided.
    pub scope: Scope,
    /// Who reported it.
    pub source: Source,
    /// What it is about.
    pub object: ObjectRef,
    /// How it was recorded.
    pub manner: Manner,
    /// The times of observation that it claims.
    pub stamps: Vec<Stamp>,
    /// Times that it tells as ages before the dump.
    pub ages: Vec<Age>,
    /// The report; its own times are those of `stamps`.
    pub body: Body,
    /// The line on which it begins in its source, from 1.
    pub line: u64,
    /// The byte at which it begins in its source.
    pub offset: u64,
}

/// How a report was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Manner {
    /// In a list, or alone: the state at the time of the dump.
    Dumped,
    /// In a watch notification or a webhook body: the order in the source is the order in time.
    Streamed,
    /// In a list of alerts to be sent, where only `endsAt` tells whether they fire.
    Sent,
}

impl Draft {
    /// The time of that field.
    pub fn stamp(&self, field: Field) -> Option<Stamp> {
        self.stamps.iter().copied().find(|stamp| stamp.field == field)
    }

    /// The latest time that it claims.
    pub fn latest(&self) -> Option<Stamp> {
        self.stamps.iter().copied().max_by_key(|stamp| stamp.time)
    }

    /// Whether the recording itself says when this was received.
    pub fn arrival(&self) -> Option<Time> {
        self.stamp(Field::Arrival).map(|stamp| stamp.time)
    }
}
