//! The embedded runner as the measure of every other run: all three stages over one log.

#![expect(clippy::expect_used, reason = "a test's tool fails the test that uses it")]

use crate::output::Output;
use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_local::log::{Log, Record, Transaction};
use bellbuoy_local::pipeline::{Event, Limits, Pipeline};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::{Topic, partition_of};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A record of the journal.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A fact.
    Fact(Box<Fact>),
    /// Bytes that are none, in a partition.
    Garbage(u32, Vec<u8>),
}

impl Entry {
    /// Where it stands, of so many partitions.
    pub fn partition(&self, partitions: u32) -> u32 {
        match self {
            Entry::Fact(fact) => partition_of(fact.partition_key(), partitions),
            Entry::Garbage(partition, _) => *partition,
        }
    }
}

/// The first offset behind the last record of each partition that has one, in a journal without gaps.
pub fn ends(journal: &[Entry], partitions: u32) -> BTreeMap<i32, i64> {
    let mut ends = BTreeMap::new();
    for entry in journal {
        *ends.entry(entry.partition(partitions).cast_signed()).or_default() += 1;
    }
    ends
}

/// All stages over a log, which go on from what it holds.
pub fn pipeline<L: Log>(log: L, rules: &Arc<RuleSet>, limits: Limits) -> Pipeline<L> {
    let mut pipeline = Pipeline::new(log, limits);
    let [first, second, third] = [rules.clone(), rules.clone(), rules.clone()];
    pipeline.add(move || Correlate::new(first.clone())).expect("the log can be read");
    pipeline.add(move || Classify::new(second.clone())).expect("the log can be read");
    pipeline.add(move || Escalate::new(third.clone())).expect("the log can be read");
    pipeline
}

/// Writes entries to the journal, in one commit.
pub fn append<L: Log>(pipeline: &mut Pipeline<L>, journal: &[Entry]) {
    let partitions = pipeline.log().partitions();
    let mut transaction = Transaction::new();
    for entry in journal {
        let record = match entry {
            Entry::Fact(fact) => Record { key: fact.key(), timestamp: fact.timestamp(), value: fact.encode() },
            Entry::Garbage(_, bytes) => Record { value: bytes.clone(), ..Record::default() },
        };
        transaction.append(Topic::Journal, entry.partition(partitions), record);
    }
    pipeline.append_records(&transaction).expect("the log takes the journal");
}

/// Notes what a commit has told.
pub fn note(output: &mut Output, event: &Event<'_>) {
    output.add(event.topic, &event.record.key, &event.record.value);
}

/// Adds the compacted topic, which a pipeline does not show to its sink.
pub fn note_current<L: Log>(output: &mut Output, log: &L) {
    for partition in 0..log.partitions() {
        let read = log.visit_latest(Topic::IncidentsCurrent, partition, &mut |key, value| {
            output.add(Topic::IncidentsCurrent, key, value);
            ControlFlow::Continue(())
        });
        read.expect("the log can be read");
    }
}

/// What all stages make of a journal without any interruption, and the log behind it.
pub fn run<L: Log>(log: L, rules: &Arc<RuleSet>, journal: &[Entry]) -> (Output, L) {
    let mut pipeline = pipeline(log, rules, Limits::default());
    append(&mut pipeline, journal);
    let mut output = Output::default();
    pipeline.run_until_idle(|event| note(&mut output, &event)).expect("the log can be read and written");
    note_current(&mut output, pipeline.log());
    (output, pipeline.into_log())
}
