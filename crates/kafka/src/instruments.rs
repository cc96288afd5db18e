//! The metrics of a running stage.

use crate::status::{PartitionStatus, Phase};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use std::time::Duration;

/// Counters, gauges and histograms, all with the attribute `stage`, those of a partition with `partition`.
#[derive(Debug)]
pub(crate) struct Instruments {
    stage: KeyValue,
    records_in: Counter<u64>,
    records_out: Counter<u64>,
    rows_out: Counter<u64>,
    dead_letters: Counter<u64>,
    commits: Counter<u64>,
    failures: Counter<u64>,
    skipped: Counter<u64>,
    late: Counter<u64>,
    commit_seconds: Histogram<f64>,
    restore_seconds: Histogram<f64>,
    lag: Gauge<u64>,
    held: Gauge<u64>,
    table_rows: Gauge<u64>,
    restoring: Gauge<u64>,
}

/// What a commit carried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried {
    /// Input records since the last commit.
    pub(crate) records_in: u64,
    /// Records to the topics behind the stage.
    pub(crate) records_out: u64,
    /// Rows of state.
    pub(crate) rows: u64,
    /// Dead letters.
    pub(crate) dead_letters: u64,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter, stage: &'static str) -> Self {
        let counter = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(text).build()
        };
        let gauge = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.u64_gauge(name).with_unit(unit).with_description(text).build()
        };
        let seconds = |name: &'static str, text: &'static str| {
            meter.f64_histogram(name).with_unit("s").with_description(text).build()
        };
        Self {
            stage: KeyValue::new("stage", stage),
            records_in: counter("bellbuoy.kafka.records.read", "{record}", "Records read and committed."),
            records_out: counter("bellbuoy.kafka.records.written", "{record}", "Records written to topics behind."),
            rows_out: counter("bellbuoy.kafka.state.rows.written", "{row}", "Rows written to the changelog."),
            dead_letters: counter("bellbuoy.kafka.dead_letters", "{record}", "Records that could not be used."),
            commits: counter("bellbuoy.kafka.commits", "{transaction}", "Transactions that came about."),
            failures: counter("bellbuoy.kafka.commit.failures", "{transaction}", "Transactions that did not."),
            skipped: counter("bellbuoy.kafka.offsets.skipped", "{offset}", "Input deleted before it was read."),
            late: counter("bellbuoy.kafka.records.late", "{record}", "Records that came after their time."),
            commit_seconds: seconds("bellbuoy.kafka.commit.duration", "From the end of a batch to its commit."),
            restore_seconds: seconds("bellbuoy.kafka.restore.duration", "From an assignment to the first record."),
            lag: gauge("bellbuoy.kafka.lag", "{offset}", "Committed input not read yet."),
            held: gauge("bellbuoy.kafka.records.held", "{record}", "Records held back until their time."),
            table_rows: gauge("bellbuoy.kafka.table.rows", "{row}", "Rows of all tables of a partition."),
            restoring: gauge("bellbuoy.kafka.restoring", "1", "1 while a partition's state is being read."),
        }
    }

    pub(crate) fn committed(&self, carried: Carried, took: Duration) {
        let stage = std::slice::from_ref(&self.stage);
        self.commits.add(1, stage);
        self.records_in.add(carried.records_in, stage);
        self.records_out.add(carried.records_out, stage);
        self.rows_out.add(carried.rows, stage);
        self.dead_letters.add(carried.dead_letters, stage);
        self.commit_seconds.record(took.as_secs_f64(), stage);
    }

    pub(crate) fn failed(&self) {
        self.failures.add(1, std::slice::from_ref(&self.stage));
    }

    pub(crate) fn skipped(&self, offsets: u64) {
        self.skipped.add(offsets, std::slice::from_ref(&self.stage));
    }

    pub(crate) fn late(&self, records: u64) {
        self.late.add(records, std::slice::from_ref(&self.stage));
    }

    pub(crate) fn restored(&self, took: Duration) {
        self.restore_seconds.record(took.as_secs_f64(), std::slice::from_ref(&self.stage));
    }

    /// The gauges of a partition; none when it is no longer ours.
    pub(crate) fn observe(&self, partition: i32, status: Option<&PartitionStatus>, table_rows: usize) {
        let attributes = [self.stage.clone(), KeyValue::new("partition", i64::from(partition))];
        self.lag.record(status.map_or(0, PartitionStatus::lag), &attributes);
        self.held.record(status.map_or(0, |status| status.held as u64), &attributes);
        self.table_rows.record(table_rows as u64, &attributes);
        let is_restoring = status.is_some_and(|status| status.phase == Phase::Restoring);
        self.restoring.record(u64::from(is_restoring), &attributes);
    }
}
