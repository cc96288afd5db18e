//! How far the stages of a pipeline on Kafka have come, and waiting until all of them have read everything.

#![expect(clippy::expect_used, reason = "a test's tool fails the test that uses it")]

use crate::kafka_server::KafkaServer;
use crate::kafka_topics::{Committed, Topics};
use bellbuoy_classify::Classify;
use bellbuoy_core::stage::Stage;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_kafka::config::{Config, Connection};
use bellbuoy_wire::topic::Topic;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The stages in the order of the stream, with their inputs.
pub const STAGES: [(&str, Topic); 3] =
    [(Correlate::NAME, Topic::Journal), (Classify::NAME, Topic::Incidents), (Escalate::NAME, Topic::Triaged)];

/// All topics of the pipeline.
pub const TOPICS: [Topic; 9] = [
    Topic::Journal,
    Topic::Incidents,
    Topic::IncidentsCurrent,
    Topic::Triaged,
    Topic::Pages,
    Topic::DeadLetters,
    Topic::State(Correlate::NAME),
    Topic::State(Classify::NAME),
    Topic::State(Escalate::NAME),
];

/// Nothing that works takes as long, even on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long one question to the broker may take.
const ASK: Duration = Duration::from_secs(5);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(25);

/// Waits until something is so; until then `look` says how it is.
///
/// # Panics
/// Panics with `what` was waited for, and how it was last, when it does not come in time.
pub fn wait_until(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while let Err(found) = look() {
        assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain until {what}: {found}");
        std::thread::sleep(LOOK);
    }
}

/// The groups of all stages, seen from outside.
pub struct Progress<'a> {
    topics: &'a Topics,
    partitions: i32,
    /// By stage, a client that may ask for its group's offsets and never joins it.
    groups: BTreeMap<&'static str, BaseConsumer>,
    /// Sees what is not committed, too.
    raw: BaseConsumer,
}

impl<'a> Progress<'a> {
    /// Groups of the stages that run under the prefix of the topics, each with so many partitions.
    pub fn new(server: &KafkaServer, topics: &'a Topics, partitions: i32) -> Self {
        let client = |group: &str, isolation: &str| -> BaseConsumer {
            ClientConfig::new()
                .set("bootstrap.servers", &server.bootstrap_servers)
                .set("group.id", group)
                .set("enable.auto.commit", "false")
                .set("isolation.level", isolation)
                .create()
                .expect("the settings are valid")
        };
        let names = Config {
            prefix: topics.prefix.clone(),
            ..Config::new(Connection::to(server.bootstrap_servers.clone()), "outside")
        };
        let groups = STAGES.map(|(stage, _)| (stage, client(&names.group(stage), "read_committed")));
        let raw = client(&names.group("outside"), "read_uncommitted");
        Self { topics, partitions, groups: groups.into(), raw }
    }

    /// Where a stage's group stands in its input; what a transaction may still change is not in the answer.
    pub fn committed(&self, stage: &str) -> BTreeMap<i32, i64> {
        let input = STAGES.iter().find(|(name, _)| *name == stage).expect("a stage of the pipeline").1;
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions {
            list.add_partition(&self.topics.name(&input.to_string()), partition);
        }
        // An unstable or unavailable answer is none: the caller asks again.
        let Ok(answer) = self.groups[stage].committed_offsets(list, ASK) else { return BTreeMap::new() };
        let known = answer.elements().into_iter().filter(|element| element.error().is_ok());
        let offsets = known.filter_map(|element| match element.offset() {
            Offset::Offset(offset) => Some((element.partition(), offset)),
            _ => None,
        });
        offsets.collect()
    }

    /// Says which partition of a topic has a transaction open, if one has.
    fn settled(&self, topic: Topic) -> Result<(), String> {
        let name = self.topics.name(&topic.to_string());
        let stable = &self.groups[Correlate::NAME];
        for partition in 0..self.partitions {
            let raw = self.raw.fetch_watermarks(&name, partition, ASK);
            match (raw, stable.fetch_watermarks(&name, partition, ASK)) {
                (Ok((_, end)), Ok((_, stable_end))) if end == stable_end => {}
                (end, stable) => return Err(format!("partition {partition} has ends {end:?} and {stable:?}")),
            }
        }
        Ok(())
    }

    /// Waits until every stage has read, and committed, all there is. `journal` are the journal's ends by partition;
    /// its last records must let go of all that is held back. `watch` is asked all the while.
    pub fn wait_until_drained(&self, journal: &BTreeMap<i32, i64>, mut watch: impl FnMut()) {
        let mut ends = journal.clone();
        for (at, (stage, input)) in STAGES.into_iter().enumerate() {
            if at > 0 {
                wait_until(&format!("no transaction is open in {input}"), || {
                    watch();
                    self.settled(input)
                });
                let read = self.topics.read_committed(&input.to_string());
                let last = |records: &Vec<Committed>| records.last().map(|last| last.offset + 1);
                ends = read.iter().filter_map(|(partition, records)| Some((*partition, last(records)?))).collect();
            }
            wait_until(&format!("{stage} has read {input} to {ends:?}"), || {
                watch();
                let committed = self.committed(stage);
                let is_read = |(partition, end)| committed.get(partition).is_some_and(|offset| offset >= end);
                if ends.iter().all(is_read) { Ok(()) } else { Err(format!("it has committed {committed:?}")) }
            });
        }
        for topic in TOPICS {
            wait_until(&format!("no transaction is open in {topic}"), || self.settled(topic));
        }
    }
}
