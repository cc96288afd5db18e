//! What a test does with topics: a prefix of its own, records in, committed records out, and nothing left behind.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::kafka_server::KafkaServer;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
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

    /// Reads a topic until the records satisfy `enough`, and fails when they do not within the deadline.
    pub fn read_until(
        &self,
        topic: &str,
        enough: impl Fn(&BTreeMap<i32, Vec<Committed>>) -> bool,
    ) -> BTreeMap<i32, Vec<Committed>> {
        let began = Instant::now();
        loop {
            let records = self.read_committed(topic);
            if enough(&records) {
                return records;
            }
            let counts: Vec<usize> = records.values().map(Vec::len).collect();
            assert!(
                began.elapsed() < DEADLINE,
                "{topic} holds {counts:?} records after {DEADLINE:?}, not what it should"
            );
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
