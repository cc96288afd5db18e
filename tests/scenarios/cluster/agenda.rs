//! What is still to happen, in order of time.

use super::Cluster;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Something that happens to a cluster.
pub(crate) type Deed = Box<dyn FnOnce(&mut Cluster)>;

/// What is still to happen; of two things at one moment the one that was planned first comes first.
#[derive(Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Entry>,
    planned: u64,
}

struct Entry {
    at: i64,
    number: u64,
    deed: Deed,
}

impl Agenda {
    /// Plans something.
    pub(crate) fn plan(&mut self, at: i64, deed: Deed) {
        self.planned += 1;
        self.entries.push(Entry { at, number: self.planned, deed });
    }

    /// The next thing, if it happens before `until`.
    pub(crate) fn next_before(&mut self, until: i64) -> Option<(i64, Deed)> {
        if self.entries.peek()?.at >= until {
            return None;
        }
        self.entries.pop().map(|entry| (entry.at, entry.deed))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
