//! What a running stage shows of itself, for health checks and the console.

use bellbuoy_core::object::Scope;
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::Time;
use dashmap::DashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The partitions of a process; shared between the runner, which writes it, and whoever asks.
#[derive(Debug, Default)]
pub struct Status {
    partitions: DashMap<i32, PartitionStatus>,
    commits: AtomicU64,
    failures: AtomicU64,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// What is being done with it.
    pub phase: Phase,
    /// The next offset to read.
    pub position: Offset,
    /// Where a successor would begin.
    pub committed: Offset,
    /// The last known end of what is committed in the input.
    pub end: Option<Offset>,
    /// Records held back.
    pub held: usize,
    /// Records that came late since the partition was taken over.
    pub late: u64,
    /// Stream time of each scope.
    pub stream_times: BTreeMap<Scope, Time>,
}

/// What is being done with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its position and its state are being read.
    Restoring,
    /// Its records are being read.
    Running,
}

impl Status {
    /// All partitions of this process, by number.
    pub fn partitions(&self) -> BTreeMap<i32, PartitionStatus> {
        self.partitions.iter().map(|entry| (*entry.key(), entry.value().clone())).collect()
    }

    /// Commits since the process began.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Transactions that did not come about since the process began.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Records that were committed to the input and not read yet, where the end is known.
    pub fn lag(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.lag()).sum()
    }

    pub(crate) fn set(&self, partition: i32, status: PartitionStatus) {
        self.partitions.insert(partition, status);
    }

    pub(crate) fn remove(&self, partition: i32) {
        self.partitions.remove(&partition);
    }

    pub(crate) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl PartitionStatus {
    /// Offsets that were committed to the input and not read yet; 0 where the end is unknown. Markers count.
    pub fn lag(&self) -> u64 {
        self.end.map_or(0, |end| u64::try_from(end.saturating_sub(self.position)).unwrap_or(0))
    }
}
