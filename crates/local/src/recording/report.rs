//! What a recording held: facts by kind, what was rejected, skipped and ignored, and when its dumps were made.

use bellbuoy_core::fact::Body;
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::time::Time;
use bellbuoy_wire::recording::horizon::AsOf;
use bellbuoy_wire::recording::{Ignored, Reason, Rejected};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Rejections that are kept in full; all are counted.
pub const REJECTIONS_SHOWN: usize = 20;

/// Skipped files that are kept by name; all are counted.
pub const SKIPPED_SHOWN: usize = 200;

/// Kinds that are counted apart; further ones are counted together.
const KINDS_MAX: usize = 500;

/// What a recording held.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Sources that held something: files, members of archives, standard input.
    pub sources: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Facts by kind: `Event`, `Alert`, or the kind of the object.
    pub facts: BTreeMap<String, u64>,
    /// What could not be used, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// The first [`REJECTIONS_SHOWN`] of them.
    pub rejections: Vec<Rejection>,
    /// What was left out on purpose, by reason.
    pub ignored: BTreeMap<Ignored, u64>,
    /// Dumped objects that a later dump of the same object replaces.
    pub replaced: u64,
    /// Files that are no recording, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first [`SKIPPED_SHOWN`] of them.
    pub skipped_files: Vec<Skipped>,
    /// When the dumps of each scope count as observed, and the field that decided it.
    pub as_of: BTreeMap<Scope, Option<AsOf>>,
    /// The latest time that was believed.
    pub limit: Time,
    pub(super) names: Vec<Arc<str>>,
}

/// Something that could not be used, with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The file, or the member of an archive.
    pub source: Arc<str>,
    /// What, where and why.
    pub rejected: Rejected,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.rejected)
    }
}

/// A file that is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file, or the member of an archive.
    pub source: Arc<str>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

impl Report {
    /// How many pieces and times could not be used.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// How many facts there are, exact duplicates and the records that end the recording not regarded.
    pub fn facts_total(&self) -> u64 {
        self.facts.values().sum()
    }

    pub(super) fn source_name(&self, stream: u32) -> Arc<str> {
        self.names.get(stream as usize).cloned().unwrap_or_else(|| "".into())
    }

    pub(super) fn count(&mut self, object: &ObjectRef, body: &Body) {
        let kind = match body {
            Body::Event(_) => "Event",
            Body::Object(_) => &*object.kind,
            Body::Alert(_) => "Alert",
            Body::Command(_) => "command",
            Body::Rules(_) => "rule set",
            Body::SnapshotBegin { .. } | Body::SnapshotEnd { .. } => "snapshot bracket",
            Body::Tick { .. } => "tick",
            Body::EndOfRecording => "end of recording",
        };
        match self.facts.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                let kind = if self.facts.len() < KINDS_MAX { kind } else { "other kinds" };
                *self.facts.entry(kind.to_owned()).or_default() += 1;
            }
        }
    }

    pub(super) fn reject(&mut self, source: &Arc<str>, rejected: Rejected) {
        *self.rejected.entry(rejected.reason).or_default() += 1;
        if self.rejections.len() < REJECTIONS_SHOWN {
            self.rejections.push(Rejection { source: source.clone(), rejected });
        }
    }

    pub(super) fn skip(&mut self, source: &Arc<str>, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
        if self.skipped_files.len() < SKIPPED_SHOWN {
            self.skipped_files.push(Skipped { source: source.clone(), reason: reason.to_owned() });
        }
    }
}
