//! One partition of a stage: its task, and what the runner must know of it beside.

use crate::error::Error;
use crate::status::{PartitionStatus, Phase};
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::{Effect, Record, Stage, State};
use bellbuoy_core::task::{Commit, Offset, Row, Task};
use bellbuoy_core::time::Time;
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use bellbuoy_wire::record::Wire;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A partition that this process owns.
pub(crate) struct Seat<S: Stage> {
    task: Task<S>,
    partition: i32,
    progress: Progress,
    /// Where to read on after an undo: the position of the last commit.
    committed: Offset,
    /// The next offset to fetch.
    fetched: Offset,
    /// Whether something was read since the last commit.
    is_dirty: bool,
    unreadable: Vec<DeadLetter>,
    /// For each effect that is a rejection: the effect's place, and the offset at which it came.
    rejections: BTreeMap<usize, Offset>,
    scopes: BTreeSet<Scope>,
    late_counted: u64,
}

/// How far a partition has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    /// The group's position is not known yet.
    Unknown {
        /// When the partition was taken over.
        since: Instant,
    },
    /// The state waits for the end of a transaction.
    Unstable {
        since: Instant,
        /// Where the group stands; none where nobody has committed yet.
        committed: Option<Offset>,
        /// Where there is something to read.
        first: Offset,
    },
    /// The state is being read.
    Restoring { since: Instant, committed: Option<Offset>, first: Offset },
    /// Records are being read.
    Running,
}

/// What a partition has to make durable.
pub(crate) struct Batch<Out> {
    pub(crate) commit: Commit<Out>,
    pub(crate) unreadable: Vec<DeadLetter>,
    pub(crate) rejections: BTreeMap<usize, Offset>,
    pub(crate) read_to: Offset,
    pub(crate) late: u64,
}

impl<S: Stage> Seat<S>
where
    S::In: Wire,
{
    /// A partition of which nothing is known.
    pub(crate) fn new(stage: S, partition: i32) -> Self {
        Self {
            task: Task::new(stage),
            partition,
            progress: Progress::Unknown { since: Instant::now() },
            committed: 0,
            fetched: 0,
            is_dirty: false,
            unreadable: Vec::new(),
            rejections: BTreeMap::new(),
            scopes: BTreeSet::new(),
            late_counted: 0,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    pub(crate) fn advance(&mut self, progress: Progress) {
        self.progress = progress;
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Running)
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    pub(crate) fn committed(&self) -> Offset {
        self.committed
    }

    /// The next offset to fetch. Offsets have gaps: there may be no record before the end.
    pub(crate) fn fetched(&self) -> Offset {
        self.fetched
    }

    /// The position that a commit of what was read so far would take.
    pub(crate) fn resume_at(&self) -> Offset {
        self.task.resume_at()
    }

    /// Takes a row of the changelog in.
    pub(crate) fn restore(&mut self, topic: &str, offset: Offset, row: &Row) -> Result<(), Error> {
        self.task.restore(row).map_err(|_| Error::State {
            topic: topic.to_owned(),
            partition: self.partition,
            offset,
            reason: "the stage has no such table, key or value in the format that the row names".into(),
        })
    }

    /// Ends the restore and says where to read on.
    pub(crate) fn restored(&mut self, topic: &str, committed: Option<Offset>, first: Offset) -> Result<Offset, Error> {
        self.task.restored();
        let read_to = self.task.read_to();
        if let Some(committed) = committed.filter(|committed| *committed > read_to) {
            return Err(Error::StateLost { topic: topic.to_owned(), partition: self.partition, committed, read_to });
        }
        // Without a position of the group everything that is left is read again: the task passes by what it knows.
        self.committed = committed.unwrap_or(first).max(first);
        self.fetched = self.committed;
        self.progress = Progress::Running;
        Ok(self.committed)
    }

    /// Takes a record of the input in.
    pub(crate) fn feed(&mut self, offset: Offset, value: Option<&[u8]>, timestamp: Option<i64>) {
        self.fetched = offset + 1;
        let decoded = value.ok_or_else(|| "expected a value, found a record without one".to_owned());
        match decoded.and_then(|bytes| S::In::decode(bytes).map_err(|error| error.to_string())) {
            Ok(record) => {
                if !self.scopes.contains(record.scope()) {
                    self.scopes.insert(record.scope().clone());
                }
                let before = self.task.pending().len();
                self.task.feed(offset, record);
                let new = self.task.pending().iter().enumerate().skip(before);
                let rejected = new.filter(|(_, effect)| matches!(effect, Effect::Reject(_)));
                self.rejections.extend(rejected.map(|(place, _)| (place, offset)));
                self.is_dirty = true;
            }
            // What was read before has its dead letter already.
            Err(reason) if offset >= self.task.read_to() => {
                let at = Time(timestamp.unwrap_or(0).saturating_mul(1_000));
                let origin = Origin { topic: S::In::TOPIC.to_string().into(), partition: self.partition, offset };
                self.unreadable.push(DeadLetter::unreadable(origin, value.unwrap_or_default(), reason, at));
                self.task.skip_to(offset + 1);
                self.is_dirty = true;
            }
            Err(_) => {}
        }
    }

    /// Hands over what is to be made durable. From here on the task cannot undo it.
    pub(crate) fn take(&mut self) -> Batch<S::Out> {
        let late = self.task.late() - self.late_counted;
        self.late_counted += late;
        Batch {
            unreadable: std::mem::take(&mut self.unreadable),
            rejections: std::mem::take(&mut self.rejections),
            read_to: self.task.read_to(),
            late,
            commit: self.task.commit(),
        }
    }

    /// Notes that what was taken is durable.
    pub(crate) fn settle(&mut self, resume_at: Offset) {
        self.committed = resume_at;
        self.is_dirty = false;
    }

    /// Undoes everything since the last commit; the runner reads on from [`Seat::committed`].
    pub(crate) fn undo(&mut self) {
        self.task.abort();
        self.unreadable.clear();
        self.rejections.clear();
        self.late_counted = self.task.late();
        self.fetched = self.committed;
        self.is_dirty = false;
    }

    /// Notes that the input before `offset` is gone.
    pub(crate) fn skip_to(&mut self, offset: Offset) {
        if offset > self.task.read_to() {
            self.task.skip_to(offset);
            self.is_dirty = true;
        }
    }

    /// What is to be shown of the partition.
    pub(crate) fn status(&self, end: Option<Offset>) -> PartitionStatus {
        let times = self.scopes.iter().filter_map(|scope| Some((scope.clone(), self.task.stream_time(scope)?)));
        PartitionStatus {
            phase: if self.is_running() { Phase::Running } else { Phase::Restoring },
            position: self.task.read_to(),
            committed: self.committed,
            end,
            held: self.task.held(),
            late: self.task.late(),
            stream_times: times.collect(),
        }
    }

    /// Rows of all tables in the scopes that have spoken since the partition was taken over.
    pub(crate) fn table_rows(&mut self) -> usize {
        let Self { task, scopes, .. } = self;
        let states = scopes.iter().map(|scope| {
            task.state_mut(scope).map_or(0, |state| state.ledgers().iter().map(|ledger| ledger.rows()).sum())
        });
        states.sum()
    }
}
