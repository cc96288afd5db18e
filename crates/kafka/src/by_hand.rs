//! Drives a runner step by step instead of by time, for tests of what a runner owes a stage.

use crate::error::Error;
use crate::runner::Runner;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::task::Offset;
use bellbuoy_wire::record::Wire;
use rdkafka::message::Message;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A runner that does nothing by itself. Dropping it leaves everything that was not committed undone, as death does.
pub struct ByHand<S: Stage> {
    runner: Runner<S>,
    stop: AtomicBool,
}

impl<S> ByHand<S>
where
    S: Stage + Clone,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    /// Takes a runner over.
    pub fn new(runner: Runner<S>) -> Self {
        Self { runner, stop: AtomicBool::new(false) }
    }

    /// Carries out what the group wants, restores, and takes in at most so many records per partition; waits at most
    /// `wait` for the next one. Commits nothing, unless the group takes a partition away. Returns how many it took in.
    ///
    /// # Errors
    /// Those of [`Runner::run`].
    pub fn feed(&mut self, records_max: usize, wait: Duration) -> Result<usize, Error> {
        let runner = &mut self.runner;
        runner.prepare(&self.stop)?;
        let mut taken = BTreeMap::<i32, usize>::new();
        loop {
            let is_sated = |partition: &i32| taken.get(partition).copied().unwrap_or(0) >= records_max;
            if runner.positions().keys().all(is_sated) && !runner.positions().is_empty() {
                break;
            }
            let error = match runner.member.poll(wait) {
                None => break,
                Some(Err(error)) => error,
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let seat = runner.seats.get_mut(&partition).filter(|seat| seat.is_running());
                    if let Some(seat) = seat.filter(|_| !is_sated(&partition)) {
                        let value = message.payload();
                        seat.feed(offset, value, message.timestamp().to_millis());
                        runner.batch.count(value.map_or(0, <[u8]>::len));
                        *taken.entry(partition).or_default() += 1;
                    }
                    continue;
                }
            };
            runner.mind(&error, &self.stop)?;
        }
        // What was fetched beyond the limit was dropped; it is fetched again.
        for (partition, offset) in runner.positions() {
            if taken.get(&partition).is_some_and(|taken| *taken >= records_max) {
                runner.member.read_from(partition, offset)?;
            }
        }
        Ok(taken.values().sum())
    }

    /// Commits what was taken in. False when it was undone instead, because partitions were lost or the transaction
    /// did not come about: it will be taken in again, here or elsewhere.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another process has taken over, and what else nothing in this process can mend.
    pub fn commit(&mut self) -> Result<bool, Error> {
        let failures = self.runner.failures();
        self.runner.commit(&self.stop)?;
        Ok(self.runner.failures() == failures && !self.runner.seats.values().any(|seat| seat.is_dirty()))
    }

    /// Undoes what was taken in since the last commit, and reads it again.
    ///
    /// # Errors
    /// When the client cannot go back.
    pub fn abort(&mut self) -> Result<(), Error> {
        self.runner.rewind()
    }

    /// For each partition whose records are being read, the next offset to read. Offsets have gaps.
    pub fn positions(&self) -> BTreeMap<i32, Offset> {
        self.runner.positions()
    }
}
