//! What librdkafka calls back: log lines, deliveries, rebalances, statistics.

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

fn log_line(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{line}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{line}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "librdkafka", facility, "{line}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{line}"),
    }
}

/// librdkafka reports a lost connection as an error of the whole client and mends it by itself.
fn log_error(error: &KafkaError, reason: &str) {
    if !matches!(error, KafkaError::PartitionEOF(_) | KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
        tracing::warn!(target: "librdkafka", %error, "{reason}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client whose log goes to `tracing`, and that remembers why brokers turned it away.
#[derive(Debug, Default)]
pub(crate) struct Logged {
    refusal: Mutex<Option<String>>,
}

impl Logged {
    /// Why a broker refused this client, or this client a broker, by certificate or password.
    pub(crate) fn refusal(&self) -> Option<String> {
        lock(&self.refusal).clone()
    }
}

impl ClientContext for Logged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)) {
            *lock(&self.refusal) = Some(reason.to_owned());
        }
        log_error(&error, reason);
    }
}

impl ConsumerContext for Logged {}

/// A producer that counts what the broker took and keeps the first word of what it did not.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    taken: AtomicU64,
    first_failure: Mutex<Option<(KafkaError, String)>>,
}

impl Deliveries {
    /// How many records the broker has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The first record that the broker did not take since the last call: the error and the topic.
    pub(crate) fn take_failure(&self) -> Option<(KafkaError, String)> {
        lock(&self.first_failure).take()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => drop(self.taken.fetch_add(1, Ordering::Relaxed)),
            Err((error, record)) => {
                lock(&self.first_failure).get_or_insert_with(|| (error.clone(), record.topic().to_owned()));
            }
        }
    }
}

/// What the group says about partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rebalance {
    /// These are ours from now on.
    Assigned(Vec<i32>),
    /// These are to be given back, when their work is done.
    Revoked(Vec<i32>),
    /// These may be another's already.
    Lost(Vec<i32>),
}

/// A group member that notes rebalances; the runner carries them out between two polls.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    rebalances: Mutex<VecDeque<Rebalance>>,
    ends: Mutex<BTreeMap<i32, i64>>,
    /// From now on nobody will carry out what is noted.
    is_leaving: AtomicBool,
}

impl Membership {
    /// The next rebalance that was not carried out yet.
    pub(crate) fn next(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// Where the partitions of the input end, as of the last statistics.
    pub(crate) fn ends(&self) -> BTreeMap<i32, i64> {
        lock(&self.ends).clone()
    }

    /// Lets the client answer rebalances by itself, because its owner is about to drop it.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let ends = partitions.filter(|partition| partition.partition >= 0 && partition.ls_offset >= 0);
        lock(&self.ends).extend(ends.map(|partition| (partition.partition, partition.ls_offset)));
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_assignment = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_leaving.load(Ordering::Relaxed) {
            let answer = match is_assignment {
                true => consumer.incremental_assign(list),
                false => consumer.incremental_unassign(list),
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "a rebalance could not be answered while leaving the group");
            }
            return;
        }
        let partitions = list.elements().iter().map(|element| element.partition()).collect();
        lock(&self.rebalances).push_back(match is_assignment {
            true => Rebalance::Assigned(partitions),
            false if consumer.assignment_lost() => Rebalance::Lost(partitions),
            false => Rebalance::Revoked(partitions),
        });
    }
}
