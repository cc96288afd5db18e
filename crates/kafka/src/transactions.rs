//! The one transactional producer of a process: a batch becomes durable as a whole, or not at all.

use crate::config::Config;
use crate::context::Deliveries;
use crate::error::{Error, Kind, is_fencing, is_refusal, kind_of};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, TopicPartitionList};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long one poll for deliveries may take. The client's own flush polls for 100 ms at a time, which would be the
/// least time that a commit takes.
const DRAIN_STEP: Duration = Duration::from_micros(500);

/// How long to wait between two tries to get a producer.
const REOPEN_PAUSE: Duration = Duration::from_millis(250);

/// The transactional producer of a process.
pub(crate) struct Transactions {
    settings: ClientConfig,
    member_id: String,
    /// None between the end of one and the start of the next.
    producer: Option<BaseProducer<Deliveries>>,
    timeout: Duration,
    request_timeout: Duration,
    began: Instant,
}

/// Why a transaction did not come about.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was aborted, and the producer can begin another one.
    Aborted(Error),
    /// Whether it came about is not known, and the producer is of no use any more: the client does not have the part of
    /// the protocol that tells a late answer from that to the next transaction.
    Doubtful(Error),
    /// It did not come about, and no other will.
    Fatal(Error),
}

/// A record to be written.
pub(crate) struct Outgoing<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) key: &'a [u8],
    /// None is a tombstone.
    pub(crate) value: Option<&'a [u8]>,
    /// Milliseconds; none is the present.
    pub(crate) timestamp: Option<i64>,
    pub(crate) headers: Option<OwnedHeaders>,
}

impl Transactions {
    /// Gets a producer under the process's transactional id; whoever had it before is fenced. Waits for a cluster that
    /// does not answer until it does, or until `stop`.
    pub(crate) fn open(config: &Config, stage: &str, stop: &AtomicBool) -> Result<Self, Error> {
        let mut transactions = Self {
            settings: config.transactional_writer(stage)?,
            member_id: config.member_id.clone(),
            producer: None,
            timeout: config.transaction_timeout,
            request_timeout: config.request_timeout,
            began: Instant::now(),
        };
        transactions.reopen(stop)?;
        Ok(transactions)
    }

    /// Destroys the producer and gets another one under the same id, which ends whatever transaction the first left.
    pub(crate) fn reopen(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        self.producer = None;
        loop {
            let producer =
                BaseProducer::from_config_and_context(&self.settings, Deliveries::default()).map_err(Error::client)?;
            match producer.init_transactions(self.request_timeout) {
                Ok(()) => {
                    self.producer = Some(producer);
                    return Ok(());
                }
                Err(error) => {
                    // Serves the queue once, so that the reasons stand in the log.
                    producer.poll(Duration::ZERO);
                    if let Some(code) = error.rdkafka_error_code().filter(|code| is_fencing(*code)) {
                        return Err(Error::Fenced { member_id: self.member_id.clone(), code });
                    }
                    if kind_of(&error) == Kind::Fatal {
                        return Err(Error::cluster("get a transactional producer")(error));
                    }
                    tracing::warn!(%error, member_id = %self.member_id, "no transactional producer yet");
                }
            }
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            std::thread::sleep(REOPEN_PAUSE);
        }
    }

    /// Begins a transaction with the positions that it will commit. The group is asked first, before anything is
    /// written: most transactions that fail do so here, where nothing is lost yet.
    pub(crate) fn begin(&mut self, offsets: &TopicPartitionList, group: &ConsumerGroupMetadata) -> Result<(), Failure> {
        self.began = Instant::now();
        let begun = self.producer().and_then(|producer| {
            producer.begin_transaction().map_err(Error::cluster("begin a transaction"))?;
            let sent = producer.send_offsets_to_transaction(offsets, group, self.timeout);
            sent.map_err(Error::cluster("commit offsets in a transaction"))
        });
        begun.map_err(|error| self.judge(error))
    }

    /// Writes a record in the transaction.
    pub(crate) fn send(&self, record: Outgoing<'_>) -> Result<(), Failure> {
        let producer = self.producer().map_err(|error| self.judge(error))?;
        let Outgoing { topic, partition, key, value, timestamp, headers } = record;
        let mut record = BaseRecord { headers, timestamp, ..BaseRecord::to(topic).partition(partition).key(key) };
        record.payload = value;
        while let Err((error, returned)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
                || self.began.elapsed() > self.timeout
            {
                return Err(self.judge(Error::cluster(format!("write to {topic} partition {partition}"))(error)));
            }
            record = returned;
            producer.poll(DRAIN_STEP);
        }
        Ok(())
    }

    /// Makes everything since [`Transactions::begin`] durable.
    pub(crate) fn commit(&self) -> Result<(), Failure> {
        let committed = self.producer().and_then(|producer| {
            while producer.in_flight_count() > 0 {
                if self.began.elapsed() > self.timeout {
                    return Err(Error::Deadline { doing: "write a batch".into(), waited: self.timeout });
                }
                producer.poll(DRAIN_STEP);
            }
            producer.commit_transaction(self.timeout).map_err(Error::cluster("commit a transaction"))
        });
        committed.map_err(|error| self.judge(error))
    }

    /// Whether the transactional id is still this process's. Begins a transaction with some offset and aborts it: the
    /// coordinator looks at the id before the group looks at the member.
    pub(crate) fn ask(&mut self, offsets: &TopicPartitionList, group: &ConsumerGroupMetadata) -> Result<(), Failure> {
        self.begin(offsets, group)?;
        let aborted = self.producer().and_then(|producer| {
            producer.abort_transaction(self.timeout).map_err(Error::cluster("abort a transaction"))
        });
        aborted.map_err(|error| self.judge(error))
    }

    /// Serves log lines and tokens while nothing is written.
    pub(crate) fn idle(&self) {
        if let Some(producer) = &self.producer {
            producer.poll(Duration::ZERO);
        }
    }

    fn producer(&self) -> Result<&BaseProducer<Deliveries>, Error> {
        self.producer.as_ref().ok_or(Error::Stopped)
    }

    /// Says what became of the transaction in which `error` happened, and aborts it where that is possible.
    fn judge(&self, error: Error) -> Failure {
        let Some(producer) = &self.producer else { return Failure::Fatal(error) };
        // A record that the broker did not take is the reason; that the commit then failed is not.
        let error = match producer.context().take_failure() {
            Some((source, topic)) => Error::cluster(format!("write to {topic}"))(source),
            None => error,
        };
        let Error::Cluster { source, .. } = &error else { return Failure::Doubtful(error) };
        if let Some(failure) = self.refused(source) {
            return failure.unwrap_or(Failure::Fatal(error));
        }
        match producer.abort_transaction(self.timeout) {
            Ok(()) => Failure::Aborted(error),
            Err(abort) => match self.refused(&abort) {
                Some(failure) => failure.unwrap_or(Failure::Fatal(error)),
                None => Failure::Doubtful(error),
            },
        }
    }

    /// Whether an error cannot be followed by an abort: fatal ones, and those after which nothing is known.
    fn refused(&self, error: &KafkaError) -> Option<Option<Failure>> {
        let code = error.rdkafka_error_code();
        let doubtful = || Failure::Doubtful(Error::cluster("end a transaction")(error.clone()));
        match code {
            // The coordinator fences a transaction that outlived its time, just as if another process had come.
            Some(code) if is_fencing(code) && self.began.elapsed() < self.timeout => {
                Some(Some(Failure::Fatal(Error::Fenced { member_id: self.member_id.clone(), code })))
            }
            Some(code) if is_fencing(code) => Some(Some(doubtful())),
            Some(code) if is_refusal(code) => Some(None),
            _ => match kind_of(error) {
                Kind::Abortable => None,
                Kind::Retriable | Kind::Fatal => Some(Some(doubtful())),
            },
        }
    }
}
