//! One stage of the chain: a task per partition, its place in the input, and what it still has to say.

use crate::log::{Log, Position, Record, Stored, Transaction};
use crate::pipeline::{Error, Limits};
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::{Effect, Stage};
use bellbuoy_core::task::{Offset, Row, Task};
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::state::{StateError, decode_state, encode_state};
use bellbuoy_wire::topic::{Topic, partition_of};
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

/// A stage of any type in the chain.
pub(crate) trait Seat {
    /// The stage's name.
    fn stage(&self) -> &'static str;
    /// The topic that it reads.
    fn input(&self) -> Topic;
    /// Begins anew from what is committed. State of an older format is rebuilt; that is to be committed.
    fn open(&mut self, log: &dyn Log, limits: &Limits) -> Result<Vec<Transaction>, Error>;
    /// Takes in a batch per partition; tells how many records, and whether anything moved.
    fn feed(&mut self, log: &dyn Log, limits: &Limits) -> Result<(usize, bool), Error>;
    /// Ends the batch.
    fn commit_into(&mut self, partitions: u32, transaction: &mut Transaction);
    /// Forgets the batch.
    fn abort(&mut self);
    /// Where a successor would begin to read, as of the last commit.
    fn resume_at(&self, partition: u32) -> Offset;
    /// How many records are held back.
    fn held(&self) -> usize;
}

/// Stands for the offset of a fact that a stage rejected: the kernel names it by its id, not by its place.
const UNKNOWN_OFFSET: Offset = -1;

/// A stage with its tasks.
pub(crate) struct Chair<S: Stage> {
    make: Box<dyn Fn() -> S>,
    desks: Vec<Desk<S>>,
}

/// A task with its place in the input.
struct Desk<S: Stage> {
    partition: u32,
    task: Task<S>,
    /// Read from the log and not yet fed.
    fetched: VecDeque<Stored>,
    fetch_from: Offset,
    committed: Position,
    /// Dead letters of the batch that the task knows nothing of: records that are no records.
    letters: Vec<DeadLetter>,
    moved: bool,
}

impl<S: Stage> Chair<S> {
    pub(crate) fn new(make: impl Fn() -> S + 'static) -> Self {
        Self { make: Box::new(make), desks: Vec::new() }
    }
}

impl<S> Seat for Chair<S>
where
    S: Stage,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    fn stage(&self) -> &'static str {
        S::NAME
    }

    fn input(&self) -> Topic {
        S::In::TOPIC
    }

    fn open(&mut self, log: &dyn Log, limits: &Limits) -> Result<Vec<Transaction>, Error> {
        self.desks.clear();
        let mut rebuilt = Vec::new();
        for partition in 0..log.partitions() {
            let mut desk = Desk::new((self.make)(), partition);
            if desk.restore(log)? == Restored::Outdated {
                desk = Desk::new((self.make)(), partition);
                rebuilt.push(desk.rebuild(log, limits)?);
            }
            self.desks.push(desk);
        }
        Ok(rebuilt)
    }

    fn feed(&mut self, log: &dyn Log, limits: &Limits) -> Result<(usize, bool), Error> {
        let mut fed = (0, false);
        for desk in &mut self.desks {
            fed.0 += desk.feed(log, limits, Offset::MAX)?;
            fed.1 |= desk.moved;
        }
        Ok(fed)
    }

    fn commit_into(&mut self, partitions: u32, transaction: &mut Transaction) {
        for desk in self.desks.iter_mut().filter(|desk| desk.moved) {
            desk.commit_into(partitions, transaction);
        }
    }

    fn abort(&mut self) {
        self.desks.iter_mut().for_each(Desk::abort);
    }

    fn resume_at(&self, partition: u32) -> Offset {
        self.desks.iter().find(|desk| desk.partition == partition).map_or(0, |desk| desk.committed.resume_at)
    }

    fn held(&self) -> usize {
        self.desks.iter().map(|desk| desk.task.held()).sum()
    }
}

#[derive(PartialEq, Eq)]
enum Restored {
    Whole,
    /// The rows have an older format.
    Outdated,
}

impl<S> Desk<S>
where
    S: Stage,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    fn new(stage: S, partition: u32) -> Self {
        Self {
            partition,
            task: Task::new(stage),
            fetched: VecDeque::new(),
            fetch_from: 0,
            committed: Position::default(),
            letters: Vec::new(),
            moved: false,
        }
    }

    /// Takes the committed rows in.
    fn restore(&mut self, log: &dyn Log) -> Result<Restored, Error> {
        let (stage, partition) = (S::NAME, self.partition);
        let damaged = |reason: String| Error::State { stage, partition, reason };
        let mut result = Ok(Restored::Whole);
        log.visit_latest(Topic::State(stage), partition, &mut |key, value| {
            result = match decode_state(value, S::STATE_FORMAT) {
                Ok(value) => {
                    let restored = self.task.restore(&Row { key: key.to_vec(), value }).map(|()| Restored::Whole);
                    restored.map_err(|_| damaged(format!("row {key:02x?} does not fit its table")))
                }
                Err(StateError::Older { .. }) => Ok(Restored::Outdated),
                Err(StateError::Newer { found, known }) => {
                    Err(Error::NewerState { stage, partition, found, newest: known })
                }
                Err(error) => Err(damaged(error.to_string())),
            };
            if matches!(result, Ok(Restored::Whole)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let result = result?;
        self.committed = log.position(stage, partition)?.unwrap_or_default();
        self.fetch_from = self.committed.resume_at;
        self.task.restored();
        if result == Restored::Whole && self.task.read_to() != self.committed.read_to {
            let (rows, position) = (self.task.read_to(), self.committed.read_to);
            return Err(damaged(format!("its rows have read to offset {rows}, its position says {position}")));
        }
        Ok(result)
    }

    /// Makes the rows anew from what the log still holds of the input, up to where the stage had read. What it did on
    /// the way was done before and is not done again.
    fn rebuild(&mut self, log: &dyn Log, limits: &Limits) -> Result<Transaction, Error> {
        let read_to = log.position(S::NAME, self.partition)?.unwrap_or_default().read_to;
        let mut rows: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
        log.visit_latest(Topic::State(S::NAME), self.partition, &mut |key, _| {
            rows.insert(key.to_vec(), None);
            ControlFlow::Continue(())
        })?;
        loop {
            self.moved = false;
            self.feed(log, limits, read_to)?;
            if !self.moved {
                break;
            }
            self.letters.clear();
            rows.extend(self.task.commit().changelog.into_iter().map(|row| (row.key, row.value)));
        }
        self.task.skip_to(read_to);
        let last = self.task.commit();
        rows.extend(last.changelog.into_iter().map(|row| (row.key, row.value)));
        self.committed = Position { resume_at: last.resume_at, read_to: self.task.read_to() };
        let mut transaction = Transaction::new();
        for (key, value) in rows {
            let value = value.map(|image| encode_state(S::STATE_FORMAT, Some(&image)));
            transaction.put(Topic::State(S::NAME), self.partition, key, value);
        }
        transaction.position(S::NAME, self.partition, self.committed);
        Ok(transaction)
    }

    /// Feeds a batch of what stands before `until`.
    fn feed(&mut self, log: &dyn Log, limits: &Limits, until: Offset) -> Result<usize, Error> {
        if self.fetched.is_empty() {
            let read = log.read(S::In::TOPIC, self.partition, self.fetch_from, limits.fetch_bytes_max)?;
            // Behind the last record there may be unused offsets.
            let end = log.end(S::In::TOPIC, self.partition).min(until);
            match read.last() {
                Some(last) => self.fetch_from = last.offset + 1,
                None if self.fetch_from < end => {
                    self.fetch_from = end;
                    if self.task.read_to() < end {
                        self.task.skip_to(end);
                        self.moved = true;
                    }
                }
                None => {}
            }
            self.fetched.extend(read);
        }
        let mut fed = 0;
        while fed < limits.batch_records_max.max(1) && self.task.pending().len() < limits.batch_effects_max.max(1) {
            let Some(stored) = self.fetched.pop_front_if(|stored| stored.offset < until) else { break };
            self.take(stored);
            fed += 1;
        }
        self.moved |= fed > 0;
        Ok(fed)
    }

    fn take(&mut self, stored: Stored) {
        let Stored { offset, record } = stored;
        match S::In::decode(&record.value) {
            Ok(value) => self.task.feed(offset, value),
            Err(error) => {
                // Records that were read before come again behind what is held back; their letter is written.
                if offset >= self.task.read_to() {
                    let origin = self.origin(offset);
                    self.letters.push(DeadLetter::unreadable(origin, &record.value, error, record.timestamp));
                }
                self.task.skip_to(offset + 1);
            }
        }
    }

    fn commit_into(&mut self, partitions: u32, transaction: &mut Transaction) {
        let commit = self.task.commit();
        for effect in commit.effects {
            match effect {
                Effect::Emit(stamped) => emit(&stamped, partitions, transaction),
                Effect::Reject(rejected) => {
                    let letter = DeadLetter::rejected(self.origin(UNKNOWN_OFFSET), rejected, &[]);
                    emit(&letter, partitions, transaction);
                }
            }
        }
        for letter in self.letters.drain(..) {
            emit(&letter, partitions, transaction);
        }
        for row in commit.changelog {
            let value = row.value.map(|image| encode_state(S::STATE_FORMAT, Some(&image)));
            transaction.put(Topic::State(S::NAME), self.partition, row.key, value);
        }
        self.committed = Position { resume_at: commit.resume_at, read_to: self.task.read_to() };
        transaction.position(S::NAME, self.partition, self.committed);
        self.moved = false;
    }

    fn origin(&self, offset: Offset) -> Origin {
        // Partition counts are far below the bound of the schema's number.
        let partition = i32::try_from(self.partition).unwrap_or(i32::MAX);
        Origin { topic: S::In::TOPIC.to_string().into(), partition, offset }
    }

    fn abort(&mut self) {
        self.task.abort();
        self.fetched.clear();
        self.letters.clear();
        self.fetch_from = self.committed.resume_at;
        self.moved = false;
    }
}

/// Writes a value to its topic, and to the compacted one that keeps a copy.
fn emit<T: Wire>(value: &T, partitions: u32, transaction: &mut Transaction) {
    let partition = partition_of(value.partition_key(), partitions);
    let record = Record { key: value.key(), timestamp: value.timestamp(), value: value.encode() };
    if let Some(copy) = value.copy_to() {
        transaction.put(copy, partition, record.key.clone(), Some(record.value.clone()));
    }
    transaction.append(T::TOPIC, partition, record);
}
