//! Measures the durable log: appending, reading, opening after a death, for records of a given size.
//!
//! `cargo run --release -p bellbuoy-local --example log_rates -- [RECORDS] [BYTES] [RECORDS_PER_COMMIT]`

use bellbuoy_core::time::Time;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::{Error, Log, Record, Transaction};
use bellbuoy_wire::topic::Topic;
use std::time::Instant;

const PARTITIONS: u32 = 6;

fn main() -> Result<(), Error> {
    let number = |at: usize, default: usize| std::env::args().nth(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (records, bytes, per_commit) = (number(1, 1_000_000), number(2, 1_024), number(3, 10_000).max(1));
    let path = std::env::temp_dir().join(format!("bellbuoy-log-rates-{}", std::process::id()));
    let settings = Settings { partitions: PARTITIONS, ..Settings::default() };
    let begun = Instant::now();
    let mut log = DiskLog::open(&path, settings)?;
    println!("begin an empty log: {:?}", begun.elapsed());

    // Text that does not compress to nothing: a linear congruential generator, in hex digits.
    let mut seed = 1_u64;
    let mut text = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:016x}", seed).into_bytes()
    };
    let begun = Instant::now();
    let mut written = 0;
    let mut making = std::time::Duration::ZERO;
    while written < records {
        let made = Instant::now();
        let mut transaction = Transaction::new();
        for n in written..records.min(written + per_commit) {
            let value = std::iter::repeat_with(&mut text).flatten().take(bytes).collect();
            let record = Record { key: n.to_be_bytes().to_vec(), timestamp: Time(n as i64), value };
            transaction.append(Topic::Journal, n as u32 % PARTITIONS, record);
        }
        making += made.elapsed();
        written += per_commit;
        log.commit(&transaction)?;
    }
    report("append, synced at each commit", records, begun.elapsed() - making);
    read(&log, "read", records)?;
    drop(log);

    let begun = Instant::now();
    let log = DiskLog::open(&path, settings)?;
    println!("open again: {:?}", begun.elapsed());
    read(&log, "read after opening", records)?;
    drop(log);
    let size: u64 = size_of(&path);
    println!("on disk: {} MB, {:.2} of the records' size", size >> 20, size as f64 / (records * (bytes + 8)) as f64);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("peak memory: {}", peak.unwrap_or_default().trim_start_matches("VmHWM:").trim());
    }
    let _ = std::fs::remove_dir_all(&path);
    Ok(())
}

fn read(log: &DiskLog, what: &str, records: usize) -> Result<(), Error> {
    let begun = Instant::now();
    let mut found = 0;
    for partition in 0..PARTITIONS {
        let mut from = 0;
        loop {
            let read = log.read(Topic::Journal, partition, from, 4 << 20)?;
            let Some(last) = read.last() else { break };
            from = last.offset + 1;
            found += read.len();
        }
    }
    if found != records {
        println!("{found} records found, {records} written");
    }
    report(what, records, begun.elapsed());
    Ok(())
}

fn report(what: &str, records: usize, took: std::time::Duration) {
    println!("{what}: {:.0} records/s ({took:?})", records as f64 / took.as_secs_f64());
}

fn size_of(path: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
