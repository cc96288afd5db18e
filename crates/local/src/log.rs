//! What a log owes a runner: topics with partitions and offsets, compacted topics, positions, and one atomic commit.

use bellbuoy_core::task::Offset;
use bellbuoy_core::time::Time;
use bellbuoy_wire::topic::Topic;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Bytes of a key of a compacted topic at the most. Far beyond what ingest lets names be; a longer one is an error.
pub const KEY_BYTES_MAX: usize = 65_000;

/// A partition of a topic.
pub type Place = (Topic, u32);

/// What a producer writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The record's key.
    pub key: Vec<u8>,
    /// The record's timestamp.
    pub timestamp: Time,
    /// The record's value.
    pub value: Vec<u8>,
}

/// A record with its place in the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands. Offsets rise, with gaps.
    pub offset: Offset,
    /// What stands there.
    pub record: Record,
}

/// How far a stage has come in a partition of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Where a successor must begin to read: the first offset that is held back or unread.
    pub resume_at: Offset,
    /// The first offset that was never read: everything before it has had its effect, or is held back.
    pub read_to: Offset,
}

/// Everything that one commit makes durable, all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// New records by place, in order. `None` leaves an offset unused, as transaction markers do on Kafka.
    pub(crate) appends: BTreeMap<Place, Vec<Option<Record>>>,
    /// New latest values of compacted topics; no value deletes the key. The last one of a key counts.
    pub(crate) latest: BTreeMap<Place, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    /// Positions of stages in their input's partitions.
    pub(crate) positions: BTreeMap<(&'static str, u32), Position>,
}

impl Transaction {
    /// A transaction of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a record.
    pub fn append(&mut self, topic: Topic, partition: u32, record: Record) {
        self.appends.entry((topic, partition)).or_default().push(Some(record));
    }

    /// Leaves so many offsets unused.
    pub fn leave_gap(&mut self, topic: Topic, partition: u32, offsets: usize) {
        self.appends.entry((topic, partition)).or_default().extend(std::iter::repeat_n(None, offsets));
    }

    /// Sets the latest value of a key of a compacted topic, or deletes the key.
    pub fn put(&mut self, topic: Topic, partition: u32, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.latest.entry((topic, partition)).or_default().insert(key, value);
    }

    /// Moves the position of a stage in a partition of its input.
    pub fn position(&mut self, stage: &'static str, partition: u32, position: Position) {
        self.positions.insert((stage, partition), position);
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.latest.is_empty() && self.positions.is_empty()
    }
}

/// A log with one owner: whoever holds it is the only one that reads and writes it.
pub trait Log {
    /// How many partitions each topic has. Fixed when the log is created.
    fn partitions(&self) -> u32;

    /// Makes a transaction durable, all of it or nothing. After an error nobody knows which of the two: the log must
    /// be opened again.
    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error>;

    /// Makes everything that was committed survive a loss of power, where commits alone only survive the process.
    fn sync(&mut self) -> Result<(), Error>;

    /// Records from an offset on, in order: about `bytes_max` of them, at least one if there is one.
    fn read(&self, topic: Topic, partition: u32, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error>;

    /// The offset that the next record will get.
    fn end(&self, topic: Topic, partition: u32) -> Offset;

    /// Shows every live key of a compacted topic with its value, in key order, until the visitor says stop.
    fn visit_latest(&self, topic: Topic, partition: u32, visit: &mut Visitor<'_>) -> Result<(), Error>;

    /// How far a stage has come; none if it never committed.
    fn position(&self, stage: &'static str, partition: u32) -> Result<Option<Position>, Error>;

    /// Every reader has passed this offset. A log that keeps nothing for later may drop what is before it.
    fn passed(&mut self, _topic: Topic, _partition: u32, _offset: Offset) {}

    /// Drops batches whose newest record is older than `horizon`, oldest first, and nothing from `keep_from` on.
    /// Returns how many batches went.
    fn prune(&mut self, topic: Topic, partition: u32, horizon: Time, keep_from: Offset) -> Result<u64, Error>;
}

/// Sees a key and its value; says whether to go on.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> std::ops::ControlFlow<()> + 'a;

/// A log could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process owns the data directory.
    #[error(
        "data directory {} is in use by {}: stop it, or name another directory",
        directory.display(),
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// A newer version wrote the data directory.
    #[error(
        "data directory {} has format {found}, this version reads formats up to {newest}: use the newer version",
        directory.display()
    )]
    NewerFormat {
        /// The data directory.
        directory: PathBuf,
        /// The format that was found.
        found: u32,
        /// The newest format that this version knows.
        newest: u32,
    },
    /// The number of partitions decides where a scope's state is kept, so that it cannot change under it.
    #[error(
        "data directory {} has {found} partitions per topic, {wanted} were asked for: the number is fixed when the \
         directory is created",
        directory.display()
    )]
    Partitions {
        /// The data directory.
        directory: PathBuf,
        /// The number that it was created with.
        found: u32,
        /// The number that was asked for.
        wanted: u32,
    },
    /// A setting lies outside of what works.
    #[error("{name} is {value}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// What stands on disk cannot have been written by this program.
    #[error("data directory {} is damaged at {place}: {reason}; restore it from a backup or begin a new one", directory.display())]
    Damaged {
        /// The data directory.
        directory: PathBuf,
        /// Where in it.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A key is longer than the store can take.
    #[error("a key of {topic} has {bytes} bytes, expected at most {KEY_BYTES_MAX}")]
    KeyTooLong {
        /// The topic.
        topic: Topic,
        /// Its length.
        bytes: usize,
    },
    /// The disk is full.
    #[error("no space left for data directory {}: free some and start again, nothing committed is lost", directory.display())]
    DiskFull {
        /// The data directory.
        directory: PathBuf,
    },
    /// A write failed before, so that nobody knows what is on disk.
    #[error("data directory {} refuses writes since one failed: start again", directory.display())]
    Poisoned {
        /// The data directory.
        directory: PathBuf,
    },
    /// The operating system refused.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
