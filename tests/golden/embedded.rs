//! The embedded runner: whole, interrupted at every batch, and restored after every commit, in memory and on disk.

use crate::{PARTITIONS, check, story};
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::Log;
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_local::pipeline::{Limits, Pipeline};
use bellbuoy_tests::fold::default_rules;
use bellbuoy_tests::oracle;
use bellbuoy_tests::output::{OUTPUT_TOPICS, Output};
use bellbuoy_wire::topic::Topic;

fn limits(batch_records_max: usize) -> Limits {
    Limits { batch_records_max, ..Limits::default() }
}

fn on_disk(folder: &std::path::Path) -> DiskLog {
    DiskLog::open(folder, Settings { partitions: PARTITIONS, ..Settings::default() }).unwrap()
}

#[test]
fn whole_in_memory() {
    let (output, _) = oracle::run(MemoryLog::new(PARTITIONS), &default_rules(), &story::journal());
    check(&output, "whole embedded");
}

#[test]
fn whole_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (output, log) = oracle::run(on_disk(folder.path()), &default_rules(), &story::journal());
    check(&output, "whole embedded, on disk");
    check(&read(&log), "whole embedded, read back from disk");
}

/// Takes in so many batches without a commit. A process that dies after every batch never comes beyond what is held
/// back of a cluster that has gone silent, so that each of these lives one batch longer than the one before.
fn feed(pipeline: &mut Pipeline<impl Log>, batches: usize) -> bool {
    (0..batches).fold(false, |moved, _| pipeline.feed().unwrap().1 | moved)
}

#[test]
fn interrupted_at_every_batch() {
    for batch in [1, 2, 7, 50] {
        let mut pipeline = oracle::pipeline(MemoryLog::new(PARTITIONS), &default_rules(), limits(batch));
        oracle::append(&mut pipeline, &story::journal());
        let mut output = Output::default();
        for batches in 1.. {
            if !feed(&mut pipeline, 1) {
                break;
            }
            pipeline.abort();
            feed(&mut pipeline, batches);
            pipeline.commit(|event| oracle::note(&mut output, &event)).unwrap();
        }
        oracle::note_current(&mut output, pipeline.log());
        check(&output, &format!("interrupted embedded, {batch} records a batch"));
    }
}

#[test]
fn restored_after_every_commit() {
    let rules = default_rules();
    for batch in [3, 20] {
        let mut pipeline = oracle::pipeline(MemoryLog::new(PARTITIONS), &rules, limits(batch));
        oracle::append(&mut pipeline, &story::journal());
        let mut output = Output::default();
        for batches in 1.. {
            if !feed(&mut pipeline, batches) {
                break;
            }
            pipeline.commit(|event| oracle::note(&mut output, &event)).unwrap();
            pipeline = oracle::pipeline(pipeline.into_log(), &rules, limits(batch));
        }
        oracle::note_current(&mut output, pipeline.log());
        check(&output, &format!("restored embedded, {batch} records a batch"));
    }
}

#[test]
fn reopened_on_disk_after_every_commit() {
    let (rules, folder) = (default_rules(), tempfile::tempdir().unwrap());
    let mut pipeline = oracle::pipeline(on_disk(folder.path()), &rules, limits(20));
    oracle::append(&mut pipeline, &story::journal());
    for batches in 1.. {
        if !feed(&mut pipeline, batches) {
            break;
        }
        pipeline.commit(|_| {}).unwrap();
        // The process ends here, and another one comes.
        drop(pipeline);
        pipeline = oracle::pipeline(on_disk(folder.path()), &rules, limits(20));
    }
    check(&read(pipeline.log()), "restored embedded, on disk");
}

/// Everything that a log holds of what the stages told.
fn read(log: &DiskLog) -> Output {
    let mut output = Output::default();
    for topic in OUTPUT_TOPICS.into_iter().filter(|topic| *topic != Topic::IncidentsCurrent) {
        for partition in 0..PARTITIONS {
            for stored in log.read(topic, partition, 0, usize::MAX).unwrap() {
                output.add(topic, &stored.record.key, &stored.record.value);
            }
        }
    }
    oracle::note_current(&mut output, log);
    output
}
