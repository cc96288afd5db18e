//! The changelogs hold the state: what they restore to is what the embedded runner holds.

use bellbuoy_classify::Classify;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::task::{Row, Task};
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_local::log::Log;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_wire::state::decode_state;
use bellbuoy_wire::topic::Topic;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows of a changelog after compaction, by partition.
type Compacted = BTreeMap<u32, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Restores every stage from Kafka and from the embedded log, and compares all rows. Returns how many there are.
pub(crate) fn assert_same(topics: &Topics, log: &impl Log, rules: &Arc<RuleSet>) -> usize {
    stage(topics, log, || Correlate::new(rules.clone()))
        + stage(topics, log, || Classify::new(rules.clone()))
        + stage(topics, log, || Escalate::new(rules.clone()))
}

fn stage<S: Stage>(topics: &Topics, log: &impl Log, make: impl Fn() -> S) -> usize {
    let (found, expect) = (from_kafka::<S>(topics), from_log::<S>(log));
    let mut rows = 0;
    for (partition, expect) in &expect {
        let expect = dump(make(), expect);
        let found = dump(make(), found.get(partition).unwrap_or(&BTreeMap::new()));
        for (key, value) in &expect {
            let name = S::NAME;
            assert!(
                found.get(key) == Some(value),
                "{name} partition {partition}: row {key:02x?} differs or is missing"
            );
        }
        let more: Vec<_> = found.keys().filter(|key| !expect.contains_key(*key)).collect();
        assert!(more.is_empty(), "{} partition {partition}: rows that should not be there: {more:02x?}", S::NAME);
        rows += expect.len();
    }
    rows
}

fn from_kafka<S: Stage>(topics: &Topics) -> Compacted {
    let mut compacted = Compacted::new();
    for (partition, records) in topics.read_committed(&Topic::State(S::NAME).to_string()) {
        let rows = compacted.entry(partition.cast_unsigned()).or_default();
        for record in records {
            match record.value {
                Some(value) => drop(rows.insert(record.key, value)),
                None => drop(rows.remove(&record.key)),
            }
        }
    }
    compacted
}

fn from_log<S: Stage>(log: &impl Log) -> Compacted {
    let mut compacted = Compacted::new();
    for partition in 0..log.partitions() {
        let rows = compacted.entry(partition).or_default();
        let read = log.visit_latest(Topic::State(S::NAME), partition, &mut |key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        });
        read.unwrap();
    }
    compacted
}

/// All rows of a task that was restored from these, but for its position: offsets are no part of what is decided.
fn dump<S: Stage>(stage: S, rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let mut task = Task::new(stage);
    let empty = task.dump();
    assert_eq!(empty, [], "a new task holds nothing");
    for (key, value) in rows {
        let value = decode_state(value, S::STATE_FORMAT).unwrap();
        task.restore(&Row { key: key.clone(), value }).unwrap();
    }
    task.restored();
    let position = position_key();
    task.dump().into_iter().filter(|row| row.key != position).map(|row| (row.key, row.value)).collect()
}

/// The key of the row that holds the position: the only one of a task that has read a record and decided nothing.
fn position_key() -> Vec<u8> {
    let mut task = Task::new(Correlate::new(bellbuoy_tests::fold::default_rules()));
    task.skip_to(1);
    let rows = task.commit().changelog;
    assert_eq!(rows.len(), 1, "a position and nothing else");
    rows.into_iter().map(|row| row.key).next().unwrap()
}
