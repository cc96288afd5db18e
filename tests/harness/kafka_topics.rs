//! What a test does with topics: a prefix of its own, records in, committed records out, and nothing left behind.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::kafka_server::KafkaServer;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Topics under a prefix that no other test has; deleted when dropped.
pub struct Topics {
    /// The prefix, dot included.
    pub prefix: String,
    bootstrap_servers: String,
}

/// A record as a `read_committed` reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its timestamp in milliseconds.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: BTreeMap<String, Vec<u8>>,
}

/// A broker on the same machine answers within milliseconds; this long only when something is broken.
const DEADLINE: Duration = Duration::from_secs(30);

impl Topics {
    /// A prefix of the test's own on the server: the name, the process and a number, so that a cluster that outlives
    /// its tests never mixes two of them.
    pub fn of(server: &KafkaServer, test: &str) -> Topics {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("test-{test}-{}-{count}.", std::process::id());
        Topics { prefix, bootstrap_servers: server.bootstrap_servers.clone() }
    }

    /// A topic's full name.
    pub fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Creates a topic under the prefix.
    pub fn create(&self, topic: &str, partitions: i32, configs: &[(&str, &str)]) {
        let name = self.name(topic);
        let mut new = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        for (config, value) in configs {
            new = new.set(config, value);
        }
        let admin = self.admin();
        let results = wait(admin.create_topics(&[new], &AdminOptions::new())).expect("the broker answers");
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("failed to create {topic}: {error}"));
        }
    }

    /// Deletes a topic under the prefix and waits until it is gone.
    pub fn delete(&self, topic: &str) {
        let (name, admin, began) = (self.name(topic), self.admin(), Instant::now());
        wait(admin.delete_topics(&[&name], &AdminOptions::new())).expect("the broker answers");
        let is_there = || {
            let metadata = admin.inner().fetch_metadata(None, DEADLINE).expect("the broker answers");
            metadata.topics().iter().any(|found| found.name() == name)
        };
        while is_there() {
            assert!(began.elapsed() < DEADLINE, "{name} is still there");
        }
    }

    /// Appends records to a partition and waits until the broker has them.
    pub fn produce(&self, topic: &str, partition: i32, records: &[(&[u8], &[u8])]) {
        let name = self.name(topic);
        let producer: BaseProducer = self.client().set("acks", "all").create().expect("the settings are valid");
        for (key, value) in records {
            let mut record = BaseRecord::to(&name).partition(partition).key(*key).payload(*value);
            while let Err((error, returned)) = producer.send(record) {
                let code = error.rdkafka_error_code();
                assert_eq!(code, Some(RDKafkaErrorCode::QueueFull), "failed to send: {error}");
                record = returned;
                producer.poll(Duration::from_millis(1));
            }
        }
        producer.flush(DEADLINE).expect("the broker takes the records");
    }

    /// A writer of a topic under the prefix.
    pub fn journal(&self, topic: &str) -> Journal {
        let mut settings = self.client();
        settings.set("acks", "all").set("linger.ms", "0").set("enable.idempotence", "true");
        let ends = Arc::default();
        let plain = settings.create_with_context(Ends(Arc::clone(&ends))).expect("the settings are valid");
        Journal { name: self.name(topic), settings, plain, aborting: None, ends }
    }

    /// All committed records of a topic, by partition.
    pub fn read_committed(&self, topic: &str) -> BTreeMap<i32, Vec<Committed>> {
        let name = self.name(topic);
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", format!("{}reader", self.prefix))
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("the settings are valid");
        let metadata = consumer.fetch_metadata(Some(&name), DEADLINE).expect("the broker answers");
        let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(|partition| partition.id()).collect();
        assert!(!partitions.is_empty(), "topic {name} does not exist");
        self.wait_until_stable(&consumer, &name, &partitions);
        let mut list = TopicPartitionList::new();
        for partition in &partitions {
            list.add_partition_offset(&name, *partition, Offset::Beginning).expect("beginning is an offset");
        }
        consumer.assign(&list).expect("the partitions exist");
        let mut records: BTreeMap<i32, Vec<Committed>> = partitions.iter().map(|id| (*id, Vec::new())).collect();
        let (mut ended, began) = (std::collections::BTreeSet::new(), Instant::now());
        while ended.len() < partitions.len() {
            assert!(began.elapsed() < DEADLINE, "no end of {name} within {DEADLINE:?}");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    records.get_mut(&message.partition()).expect("an assigned partition").push(committed(&message));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
                Some(Err(error)) => panic!("failed to read {name}: {error}"),
                None => {}
            }
        }
        records
    }

    /// A commit is answered before its mark stands behind every record: waits for the marks.
    fn wait_until_stable(&self, reader: &BaseConsumer, name: &str, partitions: &[i32]) {
        let everything: BaseConsumer =
            self.client().set("isolation.level", "read_uncommitted").create().expect("the settings are valid");
        let end_of = |consumer: &BaseConsumer, partition| {
            consumer.fetch_watermarks(name, partition, DEADLINE).expect("the broker answers").1
        };
        let began = Instant::now();
        for partition in partitions {
            let end = end_of(&everything, *partition);
            while end_of(reader, *partition) < end {
                assert!(began.elapsed() < DEADLINE, "a transaction in {name} partition {partition} does not end");
            }
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap_servers);
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("the settings are valid")
    }
}

/// Writes records in order, and leaves gaps as aborted transactions do.
pub struct Journal {
    name: String,
    settings: ClientConfig,
    plain: BaseProducer<Ends>,
    aborting: Option<BaseProducer>,
    ends: Arc<Mutex<BTreeMap<i32, i64>>>,
}

/// Notes where records have come to stand.
struct Ends(Arc<Mutex<BTreeMap<i32, i64>>>);

impl ClientContext for Ends {}

impl ProducerContext for Ends {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let record = result.as_ref().unwrap_or_else(|(error, _)| panic!("failed to write: {error}"));
        let mut ends = self.0.lock().expect("no test panics while it holds the ends");
        ends.insert(record.partition(), record.offset() + 1);
    }
}

impl Journal {
    /// Sends a record on its way.
    pub fn send(&mut self, partition: i32, key: &[u8], value: &[u8]) {
        let mut record = BaseRecord::to(&self.name).partition(partition).key(key).payload(value);
        while let Err((error, returned)) = self.plain.send(record) {
            let code = error.rdkafka_error_code();
            assert_eq!(code, Some(RDKafkaErrorCode::QueueFull), "failed to send: {error}");
            record = returned;
            self.plain.poll(Duration::from_millis(1));
        }
    }

    /// Takes offsets that no reader of committed records sees anything at.
    pub fn gap(&mut self, partition: i32) {
        self.flush();
        let aborting = self.aborting.get_or_insert_with(|| {
            let mut settings = self.settings.clone();
            let producer: BaseProducer =
                settings.set("transactional.id", &self.name).create().expect("the settings are valid");
            producer.init_transactions(DEADLINE).expect("the broker answers");
            producer
        });
        aborting.begin_transaction().expect("no other transaction is open");
        let record = BaseRecord::to(&self.name).partition(partition).key(b"gap").payload(b"aborted");
        aborting.send(record).unwrap_or_else(|(error, _)| panic!("failed to send: {error}"));
        drain(aborting);
        aborting.abort_transaction(DEADLINE).expect("the broker answers");
    }

    /// Waits until the broker has all records.
    pub fn flush(&mut self) {
        drain(&self.plain);
    }

    /// The first offset behind the last record of each partition that has one.
    pub fn ends(&self) -> Arc<Mutex<BTreeMap<i32, i64>>> {
        Arc::clone(&self.ends)
    }
}

/// The client's own flush polls for 100 ms at a time.
fn drain<C: ProducerContext>(producer: &BaseProducer<C>) {
    let began = Instant::now();
    while producer.in_flight_count() > 0 {
        assert!(began.elapsed() < DEADLINE, "the broker does not take the records");
        producer.poll(Duration::from_micros(500));
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        let admin = self.admin();
        let Ok(metadata) = admin.inner().fetch_metadata(None, DEADLINE) else { return };
        let names: Vec<&str> =
            metadata.topics().iter().map(|topic| topic.name()).filter(|name| name.starts_with(&self.prefix)).collect();
        if !names.is_empty() {
            // What cannot be deleted stays under a prefix that no other test uses.
            drop(wait(admin.delete_topics(&names, &AdminOptions::new())));
        }
    }
}

fn committed(message: &impl Message) -> Committed {
    let mut headers = BTreeMap::new();
    if let Some(found) = message.headers() {
        for header in found.iter() {
            headers.insert(header.key.to_owned(), header.value.unwrap_or_default().to_vec());
        }
    }
    Committed {
        offset: message.offset(),
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().map(<[u8]>::to_vec),
        timestamp: message.timestamp().to_millis(),
        headers,
    }
}

/// Runs a future of the admin client, which needs no runtime but a thread that waits.
fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime without any driver").block_on(future)
}
