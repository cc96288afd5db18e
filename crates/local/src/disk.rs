//! The durable log: batches of records as frames in an embedded store, one atomic write per commit.
//!
//! Three key spaces: `records` (topic, partition, first offset, newest timestamp → frame), `latest` (topic, partition,
//! key → value of the compacted topics) and `marks` (the ends of partitions and the positions of stages). All numbers in
//! keys are big-endian, so that the store's order is the log's order.

use crate::directory::Directory;
use crate::frame::{self, FRAME_BYTES_MAX};
use crate::log::{Error, KEY_BYTES_MAX, Log, Place, Position, Record, Stored, Transaction, Visitor};
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::Time;
use bellbuoy_wire::topic::Topic;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch, PersistMode};
use std::collections::BTreeMap;
use std::path::Path;

/// Bounds of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many partitions each topic has; fixed when the directory is created.
    pub partitions: u32,
    /// Memory for blocks that were read, in bytes. At the limit the least used go.
    pub cache_bytes_max: u64,
    /// Memory for values of compacted topics that were written and not yet sorted onto disk, in bytes: what is sorted in
    /// small parts is merged more often. Records have a quarter of it, marks a sixteenth, and at least 1 MiB each. At
    /// the limit it goes to disk, and writers wait if the disk cannot follow.
    pub unsorted_bytes_max: u64,
    /// Disk for the write-ahead journal, in bytes, at least 64 MiB. At the limit the oldest part is sorted onto disk.
    pub journal_bytes_max: u64,
    /// After how many commits the disk is told to make them survive a loss of power. 1: after each. The death of the
    /// process alone loses no commit at any setting, and what a loss of power takes is whole commits from the end.
    pub sync_every_commits: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 4,
            cache_bytes_max: 64 << 20,
            unsorted_bytes_max: 8 << 20,
            journal_bytes_max: 256 << 20,
            sync_every_commits: 1,
        }
    }
}

/// A log on disk, owned by this process.
pub struct DiskLog {
    store: Database,
    records: Keyspace,
    latest: Keyspace,
    marks: Keyspace,
    settings: Settings,
    ends: BTreeMap<Place, Offset>,
    unsynced_commits: u32,
    /// Last, so that the store is closed before the directory is given up.
    directory: Directory,
}

impl std::fmt::Debug for DiskLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskLog").field("directory", &self.directory.path()).field("ends", &self.ends).finish()
    }
}

/// Memory of any key space for what is not yet sorted: 1 MiB.
const UNSORTED_BYTES_MIN: u64 = 1 << 20;

const RECORDS: &str = "records";
const LATEST: &str = "latest";
const MARKS: &str = "marks";
/// What must fit on a disk that is not full: 1 MiB, the size of the largest single write of the store.
const PROBE_BYTES: usize = 1 << 20;
/// First byte of the keys in `marks`.
const END: u8 = 0;
const POSITION: u8 = 1;

impl DiskLog {
    /// Opens the log of a data directory, or begins one.
    pub fn open(path: &Path, settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let directory = Directory::open(path, settings.partitions, |place| {
            let store = open_store(place, &settings).map_err(|error| from_store(path, "store", error))?;
            let made = key_spaces(&store, &settings).and_then(|_| store.persist(PersistMode::SyncAll));
            made.map_err(|error| from_store(path, "store", error))
        })?;
        let opened = open_store(&directory.store(), &settings);
        let opened = opened.and_then(|store| key_spaces(&store, &settings).map(|spaces| (store, spaces)));
        let (store, [records, latest, marks]) = opened.map_err(|error| from_store(directory.path(), "store", error))?;
        let mut log =
            Self { store, records, latest, marks, settings, ends: BTreeMap::new(), unsynced_commits: 0, directory };
        for topic in Topic::SHARED {
            for partition in 0..settings.partitions {
                let end = log.recorded_end(topic, partition)?;
                log.ends.insert((topic, partition), end);
            }
        }
        Ok(log)
    }

    /// The data directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The end of a partition as the marks have it, held against the batch that stands last.
    fn recorded_end(&self, topic: Topic, partition: u32) -> Result<Offset, Error> {
        let key = mark_key(END, &topic.to_string(), partition);
        let mark = self.marks.get(&key).map_err(|error| self.failed(MARKS, error))?;
        let end = match mark {
            None => 0,
            Some(bytes) => Offset::from_be_bytes(self.bytes(MARKS, &bytes)?),
        };
        let last = self.records.prefix(place_key(topic, partition)).next_back();
        let last = last.map(fjall::Guard::key).transpose().map_err(|error| self.failed(RECORDS, error))?;
        match last.map(|key| self.batch_of(&key)).transpose()? {
            Some((base, _)) if base >= end => {
                let reason = format!("a batch at offset {base} stands behind the recorded end {end}");
                Err(self.damaged(&format!("{topic}/{partition}"), reason))
            }
            _ => Ok(end),
        }
    }

    /// First offset and newest timestamp of the batch with that key.
    fn batch_of(&self, key: &[u8]) -> Result<(Offset, Time), Error> {
        let tail = key.len().checked_sub(16).and_then(|at| key.get(at..)).unwrap_or_default();
        let numbers: [u8; 16] = self.bytes(RECORDS, tail)?;
        let (base, newest) = numbers.split_at(8);
        Ok((Offset::from_be_bytes(self.bytes(RECORDS, base)?), ordered_to_time(self.bytes(RECORDS, newest)?)))
    }

    fn bytes<const N: usize>(&self, place: &str, bytes: &[u8]) -> Result<[u8; N], Error> {
        let reason = || format!("expected {N} bytes, found {}", bytes.len());
        bytes.try_into().map_err(|_| self.damaged(place, reason()))
    }

    fn damaged(&self, place: &str, reason: String) -> Error {
        Error::Damaged { directory: self.path().to_owned(), place: place.to_owned(), reason }
    }

    fn failed(&self, place: &str, error: fjall::Error) -> Error {
        from_store(self.path(), place, error)
    }

    fn add_appends(&self, batch: &mut OwnedWriteBatch, place: Place, appends: &[Option<Record>]) -> Offset {
        let (topic, partition) = place;
        let base = self.end(topic, partition);
        let numbered = (base..).zip(appends).filter_map(|(offset, record)| Some((offset, record.as_ref()?)));
        let mut frame: Vec<(Offset, &Record)> = Vec::new();
        let mut bytes = 0;
        let mut close = |frame: &mut Vec<(Offset, &Record)>| {
            let Some((first, _)) = frame.first() else { return };
            let newest = frame.iter().map(|(_, record)| record.timestamp).max().unwrap_or_default();
            let value = frame::encode(*first, frame.iter().copied());
            batch.insert(&self.records, batch_key(topic, partition, *first, newest), value);
            frame.clear();
        };
        for (offset, record) in numbered {
            bytes += record.key.len() + record.value.len();
            if bytes > FRAME_BYTES_MAX {
                close(&mut frame);
                bytes = record.key.len() + record.value.len();
            }
            frame.push((offset, record));
        }
        close(&mut frame);
        let end = base.saturating_add_unsigned(appends.len() as u64);
        batch.insert(&self.marks, mark_key(END, &topic.to_string(), partition), end.to_be_bytes());
        end
    }
}

impl Log for DiskLog {
    fn partitions(&self) -> u32 {
        self.settings.partitions
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error> {
        let sync = self.unsynced_commits + 1 >= self.settings.sync_every_commits;
        let durability = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.store.batch().durability(Some(durability));
        let mut ends = Vec::with_capacity(transaction.appends.len());
        for (place, appends) in &transaction.appends {
            if !self.ends.contains_key(place) {
                let end = self.recorded_end(place.0, place.1)?;
                self.ends.insert(*place, end);
            }
            ends.push((*place, self.add_appends(&mut batch, *place, appends)));
        }
        for ((topic, partition), rows) in &transaction.latest {
            let place = place_key(*topic, *partition);
            for (key, value) in rows {
                if key.len() > KEY_BYTES_MAX {
                    return Err(Error::KeyTooLong { topic: *topic, bytes: key.len() });
                }
                let key = [&place[..], key].concat();
                match value {
                    Some(value) => batch.insert(&self.latest, key, &value[..]),
                    None => batch.remove(&self.latest, key),
                }
            }
        }
        for ((stage, partition), position) in &transaction.positions {
            let value = [position.resume_at.to_be_bytes(), position.read_to.to_be_bytes()].concat();
            batch.insert(&self.marks, mark_key(POSITION, stage, *partition), value);
        }
        batch.commit().map_err(|error| self.failed("commit", error))?;
        self.unsynced_commits = if sync { 0 } else { self.unsynced_commits + 1 };
        self.ends.extend(ends);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        if self.unsynced_commits > 0 {
            self.store.persist(PersistMode::SyncData).map_err(|error| self.failed("sync", error))?;
            self.unsynced_commits = 0;
        }
        Ok(())
    }

    fn read(&self, topic: Topic, partition: u32, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let mut found = Vec::new();
        if from >= self.end(topic, partition) {
            return Ok(found);
        }
        // The batch that holds `from` begins at or before it.
        let place = place_key(topic, partition);
        let mut to_from = self.records.range(place.clone()..=batch_key(topic, partition, from, Time::MAX));
        let first = to_from.next_back().map(fjall::Guard::key).transpose();
        let first = first.map_err(|error| self.failed(RECORDS, error))?;
        let first = first.map_or_else(|| place.clone(), |key| key.to_vec());
        let last = batch_key(topic, partition, Offset::MAX, Time::MAX);
        let mut bytes = 0;
        for batch in self.records.range(first..=last) {
            let (key, value) = batch.into_inner().map_err(|error| self.failed(RECORDS, error))?;
            let (base, _) = self.batch_of(&key)?;
            let read = frame::decode(base, &value, from, &mut found);
            read.map_err(|error| self.damaged(&format!("{topic}/{partition}@{base}"), error.to_string()))?;
            bytes += value.len();
            if !found.is_empty() && bytes >= bytes_max {
                break;
            }
        }
        Ok(found)
    }

    fn end(&self, topic: Topic, partition: u32) -> Offset {
        self.ends.get(&(topic, partition)).copied().unwrap_or(0)
    }

    fn visit_latest(&self, topic: Topic, partition: u32, visit: &mut Visitor<'_>) -> Result<(), Error> {
        let place = place_key(topic, partition);
        for row in self.latest.prefix(&place) {
            let (key, value) = row.into_inner().map_err(|error| self.failed(LATEST, error))?;
            if visit(key.get(place.len()..).unwrap_or_default(), &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn position(&self, stage: &'static str, partition: u32) -> Result<Option<Position>, Error> {
        let mark = self.marks.get(mark_key(POSITION, stage, partition)).map_err(|error| self.failed(MARKS, error))?;
        let Some(bytes) = mark else { return Ok(None) };
        let numbers: [u8; 16] = self.bytes(MARKS, &bytes)?;
        let (resume_at, read_to) = numbers.split_at(8);
        let resume_at = Offset::from_be_bytes(self.bytes(MARKS, resume_at)?);
        Ok(Some(Position { resume_at, read_to: Offset::from_be_bytes(self.bytes(MARKS, read_to)?) }))
    }

    fn prune(&mut self, topic: Topic, partition: u32, horizon: Time, keep_from: Offset) -> Result<u64, Error> {
        let mut batch = self.store.batch().durability(Some(PersistMode::Buffer));
        let mut before: Option<Vec<u8>> = None;
        let mut pruned = 0;
        // A batch may go only when the one behind it begins where it may: then all of it lies before `keep_from`.
        for guard in self.records.prefix(place_key(topic, partition)) {
            let key = guard.key().map_err(|error| self.failed(RECORDS, error))?;
            let (base, newest) = self.batch_of(&key)?;
            if let Some(before) = before.take_if(|_| base <= keep_from) {
                batch.remove(&self.records, before);
                pruned += 1;
            }
            if base >= keep_from || newest >= horizon {
                before = None;
                break;
            }
            before = Some(key.to_vec());
        }
        if let Some(last) = before.filter(|_| self.end(topic, partition) <= keep_from) {
            batch.remove(&self.records, last);
            pruned += 1;
        }
        batch.commit().map_err(|error| self.failed("prune", error))?;
        Ok(pruned)
    }
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        let limits = [
            ("partitions", u64::from(self.partitions), 1, "1 or more"),
            ("unsorted_bytes_max", self.unsorted_bytes_max, UNSORTED_BYTES_MIN, "1 MiB or more"),
            ("journal_bytes_max", self.journal_bytes_max, 64 << 20, "64 MiB or more"),
            ("sync_every_commits", u64::from(self.sync_every_commits), 1, "1 or more"),
        ];
        let wrong = limits.into_iter().find(|(_, value, least, _)| value < least);
        wrong.map_or(Ok(()), |(name, value, _, expected)| Err(Error::Setting { name, value, expected }))
    }
}

fn open_store(path: &Path, settings: &Settings) -> fjall::Result<Database> {
    Database::builder(path)
        .cache_size(settings.cache_bytes_max)
        .max_journaling_size(settings.journal_bytes_max)
        .worker_threads(2)
        .open()
}

fn key_spaces(store: &Database, settings: &Settings) -> fjall::Result<[Keyspace; 3]> {
    let options = |bytes: u64| KeyspaceCreateOptions::default().max_memtable_size(bytes.max(UNSORTED_BYTES_MIN));
    let latest = || options(settings.unsorted_bytes_max);
    // Batches are large and never change: they are written once, beside the sorted keys, and merges leave them alone.
    let batches = || options(settings.unsorted_bytes_max / 4).with_kv_separation(Some(KvSeparationOptions::default()));
    // A few hundred keys, each of them written anew at every commit.
    let marks = || options(settings.unsorted_bytes_max / 16);
    Ok([store.keyspace(RECORDS, batches)?, store.keyspace(LATEST, latest)?, store.keyspace(MARKS, marks)?])
}

/// Says what an error of the store means to the person who runs this.
fn from_store(directory: &Path, place: &str, error: fjall::Error) -> Error {
    let directory = directory.to_owned();
    let from_io = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::DiskFull { directory: directory.clone() }
        }
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData | std::io::ErrorKind::NotFound => {
            Error::Damaged { directory: directory.clone(), place: place.to_owned(), reason: source.to_string() }
        }
        _ => Error::Io { action: "read or write the store of", path: directory.clone(), source },
    };
    match error {
        fjall::Error::Io(source) => from_io(source),
        fjall::Error::Storage(fjall::LsmError::Io(source)) => from_io(source),
        // The write that failed was one in the background, which tells nobody why; most often this is why.
        fjall::Error::Poisoned if is_full(&directory) => Error::DiskFull { directory },
        fjall::Error::Poisoned => Error::Poisoned { directory },
        fjall::Error::Locked => Error::InUse { directory, pid: None },
        other => Error::Damaged { directory, place: place.to_owned(), reason: other.to_string() },
    }
}

/// Whether not even a little can be written any more.
fn is_full(directory: &Path) -> bool {
    let path = directory.join("probe");
    let written = std::fs::write(&path, vec![1; PROBE_BYTES]);
    // A probe that stays behind is written over by the next one.
    let _ = std::fs::remove_file(&path);
    written
        .is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
}

/// The topic's name, a zero that no name contains, the partition.
fn place_key(topic: Topic, partition: u32) -> Vec<u8> {
    let mut key = topic.to_string().into_bytes();
    key.push(0);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

fn batch_key(topic: Topic, partition: u32, base: Offset, newest: Time) -> Vec<u8> {
    let mut key = place_key(topic, partition);
    key.extend_from_slice(&base.to_be_bytes());
    key.extend_from_slice(&time_to_ordered(newest));
    key
}

fn mark_key(mark: u8, name: &str, partition: u32) -> Vec<u8> {
    let mut key = vec![mark];
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// The sign bit turned, so that the bytes sort as the times do.
fn time_to_ordered(time: Time) -> [u8; 8] {
    (time.0 ^ i64::MIN).to_be_bytes()
}

fn ordered_to_time(bytes: [u8; 8]) -> Time {
    Time(i64::from_be_bytes(bytes) ^ i64::MIN)
}
