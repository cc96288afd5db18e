//! A plain transactional pass-through: every record of one topic to another, exactly once, and nothing else.

use crate::Failure;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Where to read and write, and how much in one transaction.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port`, several with commas.
    pub bootstrap_servers: String,
    /// The topic that is read.
    pub input: String,
    /// The topic that is written, with as many partitions.
    pub output: String,
    /// Names the consumer group and the transactional id.
    pub name: String,
    /// Records of a transaction.
    pub commit_records: usize,
    /// Records to pass through.
    pub records: usize,
    /// How long it may take.
    pub deadline: Duration,
}

/// One transaction that came about.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// When it was done.
    pub at: Instant,
    /// From the end of its batch, in seconds.
    pub seconds: f64,
    /// Records passed through until then.
    pub records: usize,
}

/// How long one poll for deliveries may take: the client's own flush polls for 100 ms at a time.
const DRAIN_STEP: Duration = Duration::from_micros(500);
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one look for records takes.
const LOOK: Duration = Duration::from_millis(100);

/// Passes the records through, and leaves.
///
/// # Errors
/// When the cluster refuses or does not answer, and when the deadline is over.
pub fn run(settings: &Settings) -> Result<Vec<Commit>, Failure> {
    let (consumer, producer) = clients(settings)?;
    producer.init_transactions(REQUEST_TIMEOUT)?;
    consumer.subscribe(&[&settings.input])?;
    let (began, mut passed, mut commits) = (Instant::now(), 0, Vec::new());
    let mut batch = Batch::default();
    while passed < settings.records {
        if began.elapsed() > settings.deadline {
            let (records, deadline) = (settings.records, settings.deadline);
            return Err(format!("expected {records} records within {deadline:?}, passed {passed} through").into());
        }
        let Some(message) = consumer.poll(LOOK) else { continue };
        let message = message?;
        if batch.records == 0 {
            producer.begin_transaction()?;
        }
        send(&producer, &settings.output, &message)?;
        batch.read_to.insert(message.partition(), message.offset() + 1);
        batch.records += 1;
        if batch.records == settings.commit_records || passed + batch.records == settings.records {
            let full = Instant::now();
            passed += batch.records;
            commit(&producer, &consumer, &settings.input, std::mem::take(&mut batch))?;
            commits.push(Commit { at: Instant::now(), seconds: full.elapsed().as_secs_f64(), records: passed });
        }
    }
    Ok(commits)
}

/// What was read since the last commit.
#[derive(Default)]
struct Batch {
    records: usize,
    read_to: BTreeMap<i32, i64>,
}

/// The settings are those of the runner's clients, but for the time that the producer waits for more records: the
/// runner writes in one burst and need not wait, a pass-through writes as it reads and does.
fn clients(settings: &Settings) -> Result<(BaseConsumer, BaseProducer), KafkaError> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &settings.bootstrap_servers);
    let consumer = client
        .clone()
        .set("group.id", &settings.name)
        .set("group.instance.id", "bench-0")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "20")
        .create()?;
    let producer = client
        .set("transactional.id", &settings.name)
        .set("transaction.timeout.ms", "10000")
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "0")
        .set("queue.buffering.max.kbytes", "1048576")
        .create()?;
    Ok((consumer, producer))
}

fn send(producer: &BaseProducer, topic: &str, message: &BorrowedMessage<'_>) -> Result<(), Failure> {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(message.partition());
    (record.key, record.payload, record.timestamp) =
        (message.key(), message.payload(), message.timestamp().to_millis());
    let began = Instant::now();
    while let Err((error, returned)) = producer.send(record) {
        let is_full = error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
        if !is_full || began.elapsed() > REQUEST_TIMEOUT {
            return Err(format!("failed to write to {topic}: {error}").into());
        }
        record = returned;
        producer.poll(DRAIN_STEP);
    }
    Ok(())
}

fn commit(producer: &BaseProducer, consumer: &BaseConsumer, input: &str, batch: Batch) -> Result<(), Failure> {
    let mut offsets = TopicPartitionList::new();
    for (partition, read_to) in batch.read_to {
        offsets.add_partition_offset(input, partition, Offset::Offset(read_to))?;
    }
    let group = consumer.group_metadata().ok_or("the consumer is in no group")?;
    producer.send_offsets_to_transaction(&offsets, &group, REQUEST_TIMEOUT)?;
    let began = Instant::now();
    while producer.in_flight_count() > 0 {
        if began.elapsed() > REQUEST_TIMEOUT {
            return Err(format!("the cluster did not take a batch within {REQUEST_TIMEOUT:?}").into());
        }
        producer.poll(DRAIN_STEP);
    }
    producer.commit_transaction(REQUEST_TIMEOUT)?;
    Ok(())
}
