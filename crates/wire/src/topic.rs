//! The topic table: what each topic is called, how it is partitioned, and what is kept.

use std::fmt;

/// A topic of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Facts, in one order per scope: the ship's log.
    Journal,
    /// Incidents after each change.
    Incidents,
    /// The latest record of each incident.
    IncidentsCurrent,
    /// Incidents with severity, category and owner.
    Triaged,
    /// Who is to be told what.
    Pages,
    /// What could not be used, and why.
    DeadLetters,
    /// The changelog of a stage's tables.
    State(&'static str),
}

/// What a broker does with old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than so many days go.
    DeleteAfterDays(u32),
    /// Only the latest record of each key stays.
    Compact,
}

impl Topic {
    /// The topics that do not depend on a stage.
    pub const SHARED: [Topic; 6] =
        [Topic::Journal, Topic::Incidents, Topic::IncidentsCurrent, Topic::Triaged, Topic::Pages, Topic::DeadLetters];

    /// The topic's name behind the prefix (`bellbuoy.` by default).
    pub fn name(self, prefix: &str) -> String {
        format!("{prefix}{self}")
    }

    /// What is kept. The journal's 30 days are the replay horizon.
    pub fn cleanup(self) -> Cleanup {
        match self {
            Topic::Journal | Topic::Incidents | Topic::Triaged | Topic::DeadLetters => Cleanup::DeleteAfterDays(30),
            Topic::Pages => Cleanup::DeleteAfterDays(90),
            Topic::IncidentsCurrent | Topic::State(_) => Cleanup::Compact,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Topic::Journal => "journal",
            Topic::Incidents => "incidents",
            Topic::IncidentsCurrent => "incidents-current",
            Topic::Triaged => "triaged",
            Topic::Pages => "pages",
            Topic::DeadLetters => "dead-letters",
            Topic::State(stage) => return write!(f, "{stage}-state"),
        })
    }
}

/// The partition of a record: ours and the same everywhere, because a scope must meet itself in one place whichever
/// client wrote it. FNV-1a, 64 bits, over the scope's name (or the receiver's, for pages), modulo the partition count.
pub fn partition_of(partition_key: &[u8], partitions: u32) -> u32 {
    let hash = partition_key
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    u32::try_from(hash % u64::from(partitions.max(1))).unwrap_or(0)
}
