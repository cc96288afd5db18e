//! The embedded runner: a chain of stages in one process, over one log, with one atomic commit for all of them.

use crate::log::{self, Log, Record, Transaction};
use crate::seat::{Chair, Seat};
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_wire::record::{DecodeError, Wire};
use bellbuoy_wire::topic::{Cleanup, Topic, partition_of};

/// Bounds of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records that a stage takes from one partition between two commits. The rest waits for the next round.
    pub batch_records_max: usize,
    /// What a stage may have to say in one partition between two commits: with so much of it, no further record is
    /// taken in. A tick at which many timers are due says more at once.
    pub batch_effects_max: usize,
    /// Bytes that a stage reads ahead from one partition; a larger single batch of the log is read as a whole.
    pub fetch_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch_records_max: 10_000, batch_effects_max: 2_000, fetch_bytes_max: 4 << 20 }
    }
}

/// A chain of stages over a log.
pub struct Pipeline<L> {
    log: L,
    seats: Vec<Box<dyn Seat>>,
    limits: Limits,
    /// A commit failed: what the tasks hold in memory may be ahead of the log.
    is_astray: bool,
}

impl<L: std::fmt::Debug> std::fmt::Debug for Pipeline<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stages: Vec<_> = self.seats.iter().map(|seat| seat.stage()).collect();
        f.debug_struct("Pipeline").field("log", &self.log).field("stages", &stages).finish_non_exhaustive()
    }
}

/// A record that has just been committed.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: Offset,
    /// The record.
    pub record: &'a Record,
}

impl Event<'_> {
    /// Its value, if it is of the topic of that type.
    pub fn value<T: Wire>(&self) -> Option<Result<T, DecodeError>> {
        (self.topic == T::TOPIC).then(|| T::decode(&self.record.value))
    }
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that stages took in.
    pub records_read: u64,
    /// Records that stages wrote, dead letters among them.
    pub records_written: u64,
    /// Commits.
    pub commits: u64,
}

/// The runner could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// A newer version wrote the state.
    #[error(
        "state of stage {stage} in partition {partition} has format {found}, this version reads formats up to {newest}: \
         use the newer version"
    )]
    NewerState {
        /// The stage.
        stage: &'static str,
        /// The partition.
        partition: u32,
        /// The format that was found.
        found: u16,
        /// The newest format that this version knows.
        newest: u16,
    },
    /// The state cannot be read.
    #[error("state of stage {stage} in partition {partition} is damaged: {reason}")]
    State {
        /// The stage.
        stage: &'static str,
        /// The partition.
        partition: u32,
        /// What does not fit.
        reason: String,
    },
}

impl<L: Log> Pipeline<L> {
    /// A chain without stages.
    pub fn new(log: L, limits: Limits) -> Self {
        Self { log, seats: Vec::new(), limits, is_astray: false }
    }

    /// Adds a stage at the end of the chain, one instance per partition, and restores what it had committed.
    pub fn add<S>(&mut self, make: impl Fn() -> S + 'static) -> Result<(), Error>
    where
        S: Stage + 'static,
        S::In: Wire,
        Stamped<S::Out>: Wire,
    {
        let mut chair = Chair::new(make);
        chair.open(&self.log, &self.limits)?.into_iter().try_for_each(|rebuilt| self.log.commit(&rebuilt))?;
        self.seats.push(Box::new(chair));
        Ok(())
    }

    /// Writes values to their topic, in one commit.
    pub fn append<'a, T: Wire + 'a>(&mut self, values: impl IntoIterator<Item = &'a T>) -> Result<(), log::Error> {
        let mut transaction = Transaction::new();
        for value in values {
            let partition = partition_of(value.partition_key(), self.log.partitions());
            let record = Record { key: value.key(), timestamp: value.timestamp(), value: value.encode() };
            transaction.append(T::TOPIC, partition, record);
        }
        self.append_records(&transaction)
    }

    /// Writes records as they are, in one commit.
    pub fn append_records(&mut self, transaction: &Transaction) -> Result<(), log::Error> {
        self.log.commit(transaction)
    }

    /// Runs every stage until all of them have read all of their input, then syncs the log. The sink sees what they
    /// write, in order of each partition, after its commit. What a process that dies has committed and not shown is in
    /// the log, and is not shown again: who must not miss anything reads the log.
    pub fn run_until_idle(&mut self, mut sink: impl FnMut(Event<'_>)) -> Result<Progress, Error> {
        let mut progress = Progress::default();
        loop {
            let (records, moved) = self.feed()?;
            if !moved {
                self.log.sync()?;
                return Ok(progress);
            }
            progress.records_read += records as u64;
            progress.commits += 1;
            self.commit(|event| {
                progress.records_written += 1;
                sink(event);
            })?;
        }
    }

    /// Lets every stage take in a batch of what is committed, without committing what comes of it. Returns how many
    /// records were taken in, and whether anything moved at all (unused offsets move the position).
    pub fn feed(&mut self) -> Result<(usize, bool), Error> {
        if self.is_astray {
            self.reopen()?;
        }
        let mut fed = (0, false);
        for seat in &mut self.seats {
            match seat.feed(&self.log, &self.limits) {
                Ok((records, moved)) => fed = (fed.0 + records, fed.1 | moved),
                Err(error) => {
                    self.abort();
                    return Err(error);
                }
            }
        }
        Ok(fed)
    }

    /// Commits what the stages have taken in, what they wrote and where they stand, all of it or nothing.
    pub fn commit(&mut self, mut sink: impl FnMut(Event<'_>)) -> Result<(), Error> {
        let partitions = self.log.partitions();
        let mut transaction = Transaction::new();
        self.seats.iter_mut().for_each(|seat| seat.commit_into(partitions, &mut transaction));
        let bases: Vec<_> = transaction.appends.keys().map(|(topic, at)| self.log.end(*topic, *at)).collect();
        self.log.commit(&transaction).inspect_err(|_| self.is_astray = true)?;
        for (((topic, partition), records), base) in transaction.appends.iter().zip(bases) {
            for (offset, record) in (base..).zip(records) {
                let Some(record) = record else { continue };
                sink(Event { topic: *topic, partition: *partition, offset, record });
            }
        }
        for topic in Topic::SHARED {
            for partition in 0..partitions {
                self.log.passed(topic, partition, self.passed(topic, partition));
            }
        }
        Ok(())
    }

    /// Forgets what was fed since the last commit; the next batch begins where that commit had come to.
    pub fn abort(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.abort());
    }

    /// Drops what is older than its topic's retention at `now`: the edge's clock in live operation, stream time in a
    /// replay. What a stage still has to read stays. Returns how many batches went.
    pub fn prune(&mut self, now: Time) -> Result<u64, log::Error> {
        let mut pruned = 0;
        for topic in Topic::SHARED {
            let Cleanup::DeleteAfterDays(days) = topic.cleanup() else { continue };
            let horizon = now - Span::from_secs(i64::from(days) * 86_400);
            for partition in 0..self.log.partitions() {
                pruned += self.log.prune(topic, partition, horizon, self.passed(topic, partition))?;
            }
        }
        Ok(pruned)
    }

    /// Sets how many records a stage takes from one partition between two commits, from the next batch on.
    pub fn set_batch_records_max(&mut self, records: usize) {
        self.limits.batch_records_max = records;
    }

    /// How many records the stages hold back.
    pub fn held(&self) -> usize {
        self.seats.iter().map(|seat| seat.held()).sum()
    }

    /// The log, to read.
    pub fn log(&self) -> &L {
        &self.log
    }

    /// Gives the log back. What was not committed is lost.
    pub fn into_log(self) -> L {
        self.log
    }

    /// The offset that every stage which reads the topic has passed for good.
    fn passed(&self, topic: Topic, partition: u32) -> Offset {
        let readers = self.seats.iter().filter(|seat| seat.input() == topic);
        let slowest = readers.map(|seat| seat.resume_at(partition)).min();
        slowest.unwrap_or_else(|| self.log.end(topic, partition))
    }

    fn reopen(&mut self) -> Result<(), Error> {
        for seat in &mut self.seats {
            seat.open(&self.log, &self.limits)?.into_iter().try_for_each(|rebuilt| self.log.commit(&rebuilt))?;
        }
        self.is_astray = false;
        Ok(())
    }
}
