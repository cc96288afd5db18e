//! How a runner comes to stand where the cluster says that it stands: after an assignment, a failure, a lost place.

use crate::changelog::{Changelog, Restored};
use crate::error::{Error, Kind};
use crate::member::Member;
use crate::runner::{BatchSize, Runner};
use crate::seat::{Progress, Seat};
use crate::transactions::Failure;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::Stage;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::Topic;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset as Place, TopicPartitionList};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long one turn reads changelogs.
const RESTORE_BUDGET: Duration = Duration::from_millis(10);

/// How long one turn waits for the group's offsets.
const OFFSETS_WAIT: Duration = Duration::from_millis(500);

/// What an undo must go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Undo {
    /// The tasks still know what was before.
    Tasks,
    /// Only the changelog does.
    Changelog,
}

impl<S> Runner<S>
where
    S: Stage + Clone,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    /// The place in the group is gone. A process that took it would have taken the transactional id before; without
    /// one it was the broker's mistake, and the place is taken again.
    pub(crate) fn rejoin(&mut self, code: RDKafkaErrorCode, stop: &AtomicBool) -> Result<(), Error> {
        tracing::warn!(stage = S::NAME, %code, member_id = %self.config.member_id, "the group has another holder of the id");
        if let Some(credentials) = self.member.last_credentials() {
            let mut offsets = TopicPartitionList::new();
            offsets
                .add_partition_offset(&self.input, 0, Place::Offset(0))
                .map_err(Error::cluster("name the offsets of a commit"))?;
            match self.transactions.ask(&offsets, &credentials) {
                Ok(()) | Err(Failure::Aborted(_)) => {}
                Err(Failure::Doubtful(_)) => self.transactions.reopen(stop)?,
                Err(Failure::Fatal(error)) => return Err(error),
            }
        }
        for partition in std::mem::take(&mut self.seats).into_keys() {
            self.status.remove(partition);
        }
        self.changelog = None;
        self.batch = BatchSize::default();
        self.member = Member::join(&self.config, S::NAME, self.input.clone())?;
        Ok(())
    }

    /// Brings partitions nearer to running, a little at a time, so that the others go on.
    pub(crate) fn restore(&mut self) -> Result<(), Error> {
        if self.seats.values().all(Seat::is_running) {
            self.changelog = None;
            return Ok(());
        }
        let state = self.destinations.get(Topic::State(S::NAME))?.name.clone();
        let changelog = match self.changelog.take() {
            Some(changelog) => changelog,
            None => Changelog::open(
                &self.config.connection,
                &self.config.group(S::NAME),
                state.clone(),
                S::STATE_FORMAT,
                self.config.request_timeout,
            )?,
        };
        self.find_positions(&changelog)?;
        for (partition, seat) in &mut self.seats {
            if let Progress::Unstable { since, committed, first } = seat.progress() {
                match changelog.begin(*partition) {
                    Ok(true) => seat.advance(Progress::Restoring { since, committed, first }),
                    Ok(false) => {}
                    Err(error) => retry_later(error)?,
                }
            }
        }
        let (seats, member, instruments) = (&mut self.seats, &self.member, &self.instruments);
        changelog.read(RESTORE_BUDGET, |restored| match restored {
            Restored::Row(partition, offset, row) => match seats.get_mut(&partition) {
                Some(seat) => seat.restore(&state, offset, &row),
                None => Ok(()),
            },
            Restored::End(partition) => {
                let Some(seat) = seats.get_mut(&partition) else { return Ok(()) };
                let Progress::Restoring { since, committed, first } = seat.progress() else { return Ok(()) };
                changelog.end(partition)?;
                let position = seat.restored(&state, committed, first)?;
                if let Some(lost) = committed.map(|committed| first - committed).filter(|lost| *lost > 0) {
                    tracing::error!(stage = S::NAME, partition, lost, "input was deleted before it was read");
                    instruments.skipped(lost.unsigned_abs());
                    seat.skip_to(first);
                }
                instruments.restored(since.elapsed());
                member.read_from(partition, position)
            }
        })?;
        self.changelog = Some(changelog);
        Ok(())
    }

    /// Asks where the group stands in partitions that were just taken over.
    fn find_positions(&mut self, changelog: &Changelog) -> Result<(), Error> {
        let unknown = self.seats.iter().filter(|(_, seat)| matches!(seat.progress(), Progress::Unknown { .. }));
        let unknown: Vec<i32> = unknown.map(|(partition, _)| *partition).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let positions = match self.member.committed(&unknown, OFFSETS_WAIT) {
            Ok(positions) => positions,
            // A dead process's transaction keeps its offsets in suspense until it is aborted.
            Err(error) => return retry_later(Error::cluster("find the group's offsets")(error)),
        };
        for (partition, committed) in positions {
            let (first, end) = match changelog.bounds(&self.input, partition) {
                Ok(bounds) => bounds,
                Err(error) => return retry_later(error),
            };
            if let Some(committed) = committed.filter(|committed| *committed > end) {
                return Err(Error::InputLost { topic: self.input.clone(), partition, committed, end });
            }
            if let Some(seat) = self.seats.get_mut(&partition)
                && let Progress::Unknown { since } = seat.progress()
            {
                seat.advance(Progress::Unstable { since, committed, first });
            }
        }
        Ok(())
    }

    /// After a transaction that did not come about: undoes everything since the last one on every partition.
    pub(crate) fn recover(&mut self, failure: Failure, undo: Undo, stop: &AtomicBool) -> Result<(), Error> {
        self.status.count_failure();
        self.instruments.failed();
        match failure {
            Failure::Fatal(error) => return Err(error),
            Failure::Aborted(error) => tracing::warn!(stage = S::NAME, %error, "transaction aborted and undone"),
            Failure::Doubtful(error) => {
                tracing::warn!(stage = S::NAME, %error, "transaction in doubt; the producer is replaced");
                self.transactions.reopen(stop)?;
            }
        }
        match undo {
            Undo::Tasks => self.rewind(),
            Undo::Changelog => self.rebuild(),
        }
    }

    /// Goes back to the last commit, which the tasks remember.
    pub(crate) fn rewind(&mut self) -> Result<(), Error> {
        self.batch = BatchSize::default();
        for (partition, seat) in &mut self.seats {
            if seat.is_dirty() {
                seat.undo();
                self.member.read_from(*partition, seat.committed())?;
            }
        }
        Ok(())
    }

    /// Goes back to whatever commit was the last, which only the cluster knows.
    pub(crate) fn rebuild(&mut self) -> Result<(), Error> {
        self.batch = BatchSize::default();
        self.changelog = None;
        let partitions: Vec<i32> = self.seats.keys().copied().collect();
        self.member.pause(&partitions)?;
        for partition in partitions {
            self.seats.insert(partition, Seat::new(self.stage.clone(), partition));
            self.show(partition);
        }
        Ok(())
    }
}

/// Passes on what is fatal; the rest is tried again in the next turn.
fn retry_later(error: Error) -> Result<(), Error> {
    match error.kind() {
        Kind::Fatal => Err(error),
        _ => {
            tracing::debug!(%error, "tried again in the next turn");
            Ok(())
        }
    }
}
