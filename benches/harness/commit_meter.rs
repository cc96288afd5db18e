//! A meter that keeps what the Kafka runner says of its commits, one by one: exact percentiles, no buckets.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    Counter, Histogram, HistogramBuilder, InstrumentBuilder, InstrumentProvider, Meter, SyncInstrument,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What a runner has committed. A clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct CommitMeter {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    records_read: AtomicU64,
    records_written: AtomicU64,
    rows_written: AtomicU64,
    failures: AtomicU64,
    commits: Mutex<Vec<Commit>>,
}

/// One commit.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// When it was done.
    pub at: Instant,
    /// From the end of its batch, in seconds.
    pub seconds: f64,
    /// Input records committed until then, those of this commit included.
    pub records_read: u64,
}

impl CommitMeter {
    /// The meter that is given to the runner.
    pub fn meter(&self) -> Meter {
        Meter::new(Arc::new(self.clone()))
    }

    /// Input records that are committed.
    pub fn records_read(&self) -> u64 {
        self.counts.records_read.load(Ordering::Relaxed)
    }

    /// Records written to the topics behind.
    pub fn records_written(&self) -> u64 {
        self.counts.records_written.load(Ordering::Relaxed)
    }

    /// Rows written to the changelog.
    pub fn rows_written(&self) -> u64 {
        self.counts.rows_written.load(Ordering::Relaxed)
    }

    /// Transactions that did not come about.
    pub fn failures(&self) -> u64 {
        self.counts.failures.load(Ordering::Relaxed)
    }

    /// All commits, in order.
    pub fn commits(&self) -> Vec<Commit> {
        self.counts.commits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl InstrumentProvider for CommitMeter {
    fn u64_counter(&self, builder: InstrumentBuilder<'_, Counter<u64>>) -> Counter<u64> {
        let which: fn(&Counts) -> &AtomicU64 = match &*builder.name {
            "bellbuoy.kafka.records.read" => |counts| &counts.records_read,
            "bellbuoy.kafka.records.written" => |counts| &counts.records_written,
            "bellbuoy.kafka.state.rows.written" => |counts| &counts.rows_written,
            "bellbuoy.kafka.commit.failures" => |counts| &counts.failures,
            _ => return Counter::new(Arc::new(Ignored)),
        };
        Counter::new(Arc::new(Count { counts: self.counts.clone(), which }))
    }

    fn f64_histogram(&self, builder: HistogramBuilder<'_, Histogram<f64>>) -> Histogram<f64> {
        match &*builder.name {
            "bellbuoy.kafka.commit.duration" => Histogram::new(Arc::new(Latency(self.counts.clone()))),
            _ => Histogram::new(Arc::new(Ignored)),
        }
    }
}

struct Count {
    counts: Arc<Counts>,
    which: fn(&Counts) -> &AtomicU64,
}

impl SyncInstrument<u64> for Count {
    fn measure(&self, number: u64, _: &[KeyValue]) {
        (self.which)(&self.counts).fetch_add(number, Ordering::Relaxed);
    }
}

struct Latency(Arc<Counts>);

impl SyncInstrument<f64> for Latency {
    /// The runner counts what a commit carried before it tells how long it took.
    fn measure(&self, seconds: f64, _: &[KeyValue]) {
        let records_read = self.0.records_read.load(Ordering::Relaxed);
        let commit = Commit { at: Instant::now(), seconds, records_read };
        self.0.commits.lock().unwrap_or_else(PoisonError::into_inner).push(commit);
    }
}

struct Ignored;

impl<T> SyncInstrument<T> for Ignored {
    fn measure(&self, _: T, _: &[KeyValue]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runner_tells_is_kept() {
        let kept = CommitMeter::default();
        let meter = kept.meter();
        let read = meter.u64_counter("bellbuoy.kafka.records.read").build();
        let took = meter.f64_histogram("bellbuoy.kafka.commit.duration").build();
        let other = meter.u64_counter("bellbuoy.kafka.commits").build();
        for seconds in [0.25, 0.5] {
            read.add(10, &[]);
            other.add(1, &[]);
            took.record(seconds, &[]);
        }
        let commits: Vec<_> = kept.commits().iter().map(|commit| (commit.seconds, commit.records_read)).collect();
        assert_eq!(commits, [(0.25, 10), (0.5, 20)]);
        assert_eq!((kept.records_read(), kept.failures()), (20, 0));
    }
}
