//! Runs a stage on Kafka: records in, everything they bring about out, in one transaction.

use crate::changelog::Changelog;
use crate::config::{Cadence, Config};
use crate::context::Rebalance;
use crate::destinations::Destinations;
use crate::error::{Error, Kind};
use crate::instruments::{Carried, Instruments};
use crate::member::{End, Member};
use crate::outbox::{Outbox, Source};
use crate::recovery::Undo;
use crate::seat::{Progress, Seat};
use crate::status::Status;
use crate::transactions::{Failure, Transactions};
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::task::Offset;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::Topic;
use opentelemetry::metrics::Meter;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset as Place, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long one poll waits when there is nothing to do.
const IDLE_WAIT: Duration = Duration::from_millis(100);

/// How long to wait before partitions are read anew after a call that failed.
const REBUILD_PAUSE: Duration = Duration::from_millis(200);

/// Records taken in one turn, so that rebalances and restores are not kept waiting.
const TURN_RECORDS_MAX: usize = 1_000;

/// How often gauges and the status are brought up to date.
const OBSERVE_INTERVAL: Duration = Duration::from_secs(1);

/// One process's share of a stage.
pub struct Runner<S: Stage> {
    pub(crate) stage: S,
    pub(crate) config: Config,
    pub(crate) input: String,
    pub(crate) destinations: Destinations,
    pub(crate) member: Member,
    pub(crate) transactions: Transactions,
    /// There while something is to be restored.
    pub(crate) changelog: Option<Changelog>,
    pub(crate) seats: BTreeMap<i32, Seat<S>>,
    pub(crate) batch: BatchSize,
    observed: Instant,
    pub(crate) status: Arc<Status>,
    pub(crate) instruments: Instruments,
}

/// What was read since the last commit.
#[derive(Default)]
pub(crate) struct BatchSize {
    records: usize,
    bytes: usize,
    since: Option<Instant>,
}

impl<S> Runner<S>
where
    S: Stage + Clone,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    /// Checks the topics, takes over the transactional id and joins the stage's group. Blocks; `stop` ends it.
    ///
    /// # Errors
    /// [`Error::NoTopic`] and [`Error::Copartition`] when the topics are not there or do not fit, [`Error::Refused`]
    /// and [`Error::Cluster`] when the cluster refuses or does not answer within the request timeout, [`Error::Fenced`] when another process
    /// takes the member id at the same moment.
    pub fn start(
        stage: S,
        config: Config,
        status: Arc<Status>,
        meter: &Meter,
        stop: &AtomicBool,
    ) -> Result<Self, Error> {
        let (input, state) = (S::In::TOPIC, Topic::State(S::NAME));
        let destinations = destinations::<S>(&config)?;
        let (input_partitions, state_partitions) = (destinations.get(input)?, destinations.get(state)?);
        if input_partitions.partitions != state_partitions.partitions {
            return Err(Error::Copartition {
                input: input_partitions.name.clone(),
                input_partitions: input_partitions.partitions,
                state: state_partitions.name.clone(),
                state_partitions: state_partitions.partitions,
            });
        }
        let input = input_partitions.name.clone();
        // The id is taken over before the group is joined: whoever had both can then commit nothing more.
        let transactions = Transactions::open(&config, S::NAME, stop)?;
        let member = Member::join(&config, S::NAME, input.clone())?;
        Ok(Self {
            stage,
            input,
            destinations,
            member,
            transactions,
            changelog: None,
            seats: BTreeMap::new(),
            batch: BatchSize::default(),
            observed: Instant::now(),
            status,
            instruments: Instruments::new(meter, S::NAME),
            config,
        })
    }

    /// Works until `stop`, then commits what was read and leaves. All on the calling thread.
    ///
    /// # Errors
    /// Only what nothing in this process can mend: [`Error::Fenced`], a refusal by the cluster, state that cannot be
    /// read. What was not committed then is undone by the next owner of the partitions.
    pub fn run(mut self, stop: &AtomicBool) -> Result<(), Error> {
        let worked = loop {
            if stop.load(Ordering::Relaxed) {
                break self.commit(stop);
            }
            let turned = match self.turn(stop) {
                // Whatever the cluster did not do in time is done anew from what is durable.
                Err(error) if error.kind() != Kind::Fatal => {
                    tracing::warn!(stage = S::NAME, %error, "partitions are read anew");
                    std::thread::sleep(REBUILD_PAUSE);
                    self.rebuild()
                }
                turned => turned,
            };
            if let Err(error) = turned {
                break Err(error);
            }
        };
        for partition in self.seats.keys() {
            self.status.remove(*partition);
        }
        match worked {
            Err(Error::Stopped) => Ok(()),
            other => other,
        }
    }

    /// One step: what the group wants, what is to be restored, a commit that is due, a record.
    fn turn(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        self.prepare(stop)?;
        if self.batch.is_due(&self.config.commit) {
            self.commit(stop)?;
        }
        if self.observed.elapsed() >= OBSERVE_INTERVAL {
            self.observe();
        }
        let wait = match (&self.changelog, self.batch.since) {
            (Some(_), _) => Duration::ZERO,
            (None, Some(since)) => self.config.commit.interval.saturating_sub(since.elapsed()).min(IDLE_WAIT),
            (None, None) => IDLE_WAIT,
        };
        self.read(wait, stop)
    }

    /// What the group wants, and a part of what is to be restored.
    pub(crate) fn prepare(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        while let Some(rebalance) = self.member.rebalance() {
            self.carry_out(rebalance, stop)?;
        }
        self.restore()
    }

    /// Takes records in: waits for the first, then takes what is there.
    fn read(&mut self, wait: Duration, stop: &AtomicBool) -> Result<(), Error> {
        for count in 0..TURN_RECORDS_MAX {
            match self.member.poll(if count == 0 { wait } else { Duration::ZERO }) {
                Some(Ok(message)) => {
                    // What was fetched before a partition was paused or moved is of no use.
                    let seat = self.seats.get_mut(&message.partition()).filter(|seat| seat.is_running());
                    let Some(seat) = seat else { continue };
                    let value = message.payload();
                    seat.feed(message.offset(), value, message.timestamp().to_millis());
                    self.batch.count(value.map_or(0, <[u8]>::len));
                    if self.batch.is_full(&self.config.commit) {
                        break;
                    }
                }
                Some(Err(error)) => return self.mind(&error, stop),
                None => {
                    self.transactions.idle();
                    break;
                }
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, rebalance: Rebalance, stop: &AtomicBool) -> Result<(), Error> {
        match rebalance {
            Rebalance::Assigned(partitions) => {
                tracing::info!(stage = S::NAME, ?partitions, "partitions taken over");
                self.member.accept(&partitions)?;
                for partition in partitions {
                    self.seats.insert(partition, Seat::new(self.stage.clone(), partition));
                    self.show(partition);
                }
            }
            Rebalance::Revoked(partitions) => {
                self.commit(stop)?;
                tracing::info!(stage = S::NAME, ?partitions, "partitions given back");
                self.forget(&partitions)?;
            }
            Rebalance::Lost(partitions) => {
                tracing::warn!(stage = S::NAME, ?partitions, "partitions lost; what was not committed is undone");
                self.forget(&partitions)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, partitions: &[i32]) -> Result<(), Error> {
        for partition in partitions {
            let seat = self.seats.remove(partition);
            if let (Some(changelog), Some(Progress::Restoring { .. })) =
                (&self.changelog, seat.map(|seat| seat.progress()))
            {
                changelog.end(*partition)?;
            }
            self.status.remove(*partition);
            self.instruments.observe(*partition, None, 0);
        }
        self.member.release(partitions)
    }

    /// An error of a poll: the end, or something that the client mends by itself.
    pub(crate) fn mind(&mut self, error: &KafkaError, stop: &AtomicBool) -> Result<(), Error> {
        match self.member.end(error) {
            Some(End::Process(error)) => return Err(error),
            Some(End::Membership(code)) => return self.rejoin(code, stop),
            None => {}
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            // The broker has deleted what was to be read next. The position is found anew, and the loss is counted there.
            let partitions: Vec<i32> =
                self.seats.iter().filter(|(_, seat)| seat.is_running()).map(|(partition, _)| *partition).collect();
            tracing::error!(stage = S::NAME, ?partitions, "input was deleted before it was read");
            return self.rebuild();
        }
        tracing::debug!(%error, stage = S::NAME, "reading goes on when the cluster answers");
        Ok(())
    }

    /// Makes everything durable that was read since the last commit, on all partitions together.
    pub(crate) fn commit(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        let dirty: Vec<i32> =
            self.seats.iter().filter(|(_, seat)| seat.is_dirty()).map(|(partition, _)| *partition).collect();
        if dirty.is_empty() {
            self.batch = BatchSize::default();
            return Ok(());
        }
        // What was lost must not be committed; the loss is carried out after the next poll.
        let Some(credentials) = self.member.credentials() else { return Ok(()) };
        let began = Instant::now();
        let mut offsets = TopicPartitionList::new();
        let mut resume_at = BTreeMap::<i32, Offset>::new();
        for partition in &dirty {
            if let Some(seat) = self.seats.get(partition) {
                resume_at.insert(*partition, seat.resume_at());
                offsets
                    .add_partition_offset(&self.input, *partition, Place::Offset(seat.resume_at()))
                    .map_err(Error::cluster("name the offsets of a commit"))?;
            }
        }
        if let Err(failure) = self.transactions.begin(&offsets, &credentials) {
            return self.recover(failure, Undo::Tasks, stop);
        }
        match self.write(&dirty).and_then(|carried| self.transactions.commit().map(|()| carried)) {
            Ok(carried) => {
                for (partition, resume_at) in resume_at {
                    if let Some(seat) = self.seats.get_mut(&partition) {
                        seat.settle(resume_at);
                    }
                    self.show(partition);
                }
                let carried = Carried { records_in: self.batch.records as u64, ..carried };
                self.batch = BatchSize::default();
                self.status.count_commit();
                self.instruments.committed(carried, began.elapsed());
                Ok(())
            }
            Err(failure) => self.recover(failure, Undo::Changelog, stop),
        }
    }

    fn write(&mut self, partitions: &[i32]) -> Result<Carried, Failure> {
        let source = Source { stage: S::NAME, input: S::In::TOPIC, state_format: S::STATE_FORMAT };
        let bytes_max = self.config.connection.record_bytes_max();
        let mut outbox = Outbox::new(&self.transactions, &self.destinations, source, bytes_max);
        for partition in partitions {
            if let Some(seat) = self.seats.get_mut(partition) {
                let batch = seat.take();
                self.instruments.late(batch.late);
                outbox.write(*partition, batch)?;
            }
        }
        Ok(outbox.carried())
    }

    /// How many transactions did not come about.
    pub(crate) fn failures(&self) -> u64 {
        self.status.failures()
    }

    /// The next offset to read of each partition that runs.
    pub(crate) fn positions(&self) -> BTreeMap<i32, Offset> {
        let running = self.seats.iter().filter(|(_, seat)| seat.is_running());
        running.map(|(partition, seat)| (*partition, seat.fetched())).collect()
    }

    fn observe(&mut self) {
        self.observed = Instant::now();
        let ends = self.member.ends();
        for (partition, seat) in &mut self.seats {
            let status = seat.status(ends.get(partition).copied());
            self.instruments.observe(*partition, Some(&status), seat.table_rows());
            self.status.set(*partition, status);
        }
    }

    pub(crate) fn show(&self, partition: i32) {
        if let Some(seat) = self.seats.get(&partition) {
            self.status.set(partition, seat.status(self.member.ends().get(&partition).copied()));
        }
    }
}

impl BatchSize {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
    }

    fn is_full(&self, cadence: &Cadence) -> bool {
        self.records >= cadence.records_max || self.bytes >= cadence.bytes_max
    }

    fn is_due(&self, cadence: &Cadence) -> bool {
        self.is_full(cadence) || self.since.is_some_and(|since| since.elapsed() >= cadence.interval)
    }
}

/// Looks up every topic that the stage reads or writes.
fn destinations<S>(config: &Config) -> Result<Destinations, Error>
where
    S: Stage,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    let client = config.connection.reach(config.request_timeout)?;
    let mut destinations = Destinations::new(&config.prefix);
    let topics = [S::In::TOPIC, Topic::State(S::NAME), <Stamped<S::Out> as Wire>::TOPIC, Topic::DeadLetters];
    for topic in topics {
        destinations.look_up(client.client(), topic, config.request_timeout)?;
    }
    // Which topics get copies is known only when there is one to make; their absence matters only then.
    for topic in Topic::SHARED {
        match destinations.look_up(client.client(), topic, config.request_timeout) {
            Ok(()) | Err(Error::NoTopic { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(destinations)
}
