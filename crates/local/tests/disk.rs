//! The log on disk: what it gives back, how it is pruned, and what it says when something is wrong.

#![expect(clippy::unwrap_used, reason = "a test's tools fail the test that uses them")]

use bellbuoy_core::time::Time;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::frame::FRAME_BYTES_MAX;
use bellbuoy_local::log::{Error, KEY_BYTES_MAX, Log, Record, Stored, Transaction};
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_wire::topic::Topic;
use proptest::prelude::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const STAGE: &str = "stage";
/// The environment variable that turns the test program into a process that holds the directory.
const DIRECTORY: &str = "BELLBUOY_DISK_TEST_DIRECTORY";
/// The environment variable that names a directory on a small file system.
const SMALL_DISK: &str = "BELLBUOY_SMALL_DISK";

fn settings() -> Settings {
    Settings { partitions: 2, sync_every_commits: 1_000, ..Settings::default() }
}

fn record(at: i64, bytes: usize) -> Record {
    Record { key: at.to_string().into_bytes(), timestamp: Time(at), value: vec![at as u8; bytes] }
}

fn append(log: &mut dyn Log, records: impl IntoIterator<Item = Record>) {
    let mut transaction = Transaction::new();
    records.into_iter().for_each(|record| transaction.append(Topic::Journal, 0, record));
    log.commit(&transaction).unwrap();
}

fn all(log: &dyn Log, from: i64, bytes_max: usize) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let from = all.last().map_or(from, |stored| stored.offset + 1);
        let read = log.read(Topic::Journal, 0, from, bytes_max).unwrap();
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The log in memory is the model: from any offset, in any reading size, with gaps and pruning, opened again or not.
    #[test]
    fn gives_back_what_the_log_in_memory_gives_back(
        commits in proptest::collection::vec(proptest::collection::vec((0..1_000_i64, 0..3_usize, 0..2_usize), 0..30), 1..12),
        reopen in any::<bool>(),
        from in 0..200_i64,
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut disk = DiskLog::open(home.path(), settings()).unwrap();
        let mut memory = MemoryLog::new(2);
        for commit in commits {
            let mut transaction = Transaction::new();
            for (at, size, gap) in commit {
                transaction.leave_gap(Topic::Journal, 0, gap);
                // A third of the records is so large that a few of them cut a batch.
                transaction.append(Topic::Journal, 0, record(at, [0, 100, FRAME_BYTES_MAX / 3][size]));
                transaction.put(Topic::State(STAGE), 1, vec![size as u8], (gap == 0).then(|| vec![at as u8]));
            }
            disk.commit(&transaction).unwrap();
            memory.commit(&transaction).unwrap();
        }
        if reopen {
            drop(disk);
            disk = DiskLog::open(home.path(), settings()).unwrap();
        }
        prop_assert_eq!(disk.end(Topic::Journal, 0), memory.end(Topic::Journal, 0));
        for bytes_max in [1, 1 << 20, usize::MAX] {
            prop_assert!(all(&disk, from, bytes_max) == all(&memory, from, bytes_max));
        }
        let rows = |log: &dyn Log| {
            let mut rows = Vec::new();
            let mut visit = |key: &[u8], value: &[u8]| {
                rows.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            };
            log.visit_latest(Topic::State(STAGE), 1, &mut visit).unwrap();
            rows
        };
        prop_assert_eq!(rows(&disk), rows(&memory));
    }
}

#[test]
fn old_batches_are_pruned_from_the_front_and_nothing_that_is_still_to_be_read() {
    let home = tempfile::tempdir().unwrap();
    let mut log = DiskLog::open(home.path(), settings()).unwrap();
    // Offsets 0-1, 2-3, 4-5, 6-7; the third batch holds something young.
    for batch in [[10, 20], [30, 5], [40, 900], [50, 60]] {
        append(&mut log, batch.map(|at| record(at, 10)));
    }
    let first = |log: &DiskLog| all(log, 0, usize::MAX).first().map(|stored| stored.offset);
    let prune = |log: &mut DiskLog, horizon, keep_from| log.prune(Topic::Journal, 0, Time(horizon), keep_from).unwrap();
    assert_eq!(prune(&mut log, 1_000, 0), 0, "nothing was read yet");
    assert_eq!(prune(&mut log, 1_000, 1), 0, "the first batch is read in part");
    assert_eq!(prune(&mut log, 15, 8), 0, "the first batch is not old enough as a whole");
    assert_eq!(prune(&mut log, 21, 8), 1);
    assert_eq!(first(&log), Some(2));
    assert_eq!(prune(&mut log, 100, 8), 1, "the young record keeps its batch, and what is behind it");
    assert_eq!(first(&log), Some(4));
    assert_eq!(prune(&mut log, 1_000, 8), 2);
    assert_eq!(first(&log), None);
    drop(log);
    let mut log = DiskLog::open(home.path(), settings()).unwrap();
    assert_eq!(log.end(Topic::Journal, 0), 8, "offsets go on where they were");
    append(&mut log, [record(1, 1)]);
    assert_eq!(all(&log, 0, 1)[0].offset, 8);
}

#[test]
fn a_key_that_the_store_cannot_take_is_an_error_and_leaves_the_log_usable() {
    let home = tempfile::tempdir().unwrap();
    let mut log = DiskLog::open(home.path(), settings()).unwrap();
    let mut transaction = Transaction::new();
    transaction.append(Topic::Journal, 0, record(1, 1));
    transaction.put(Topic::IncidentsCurrent, 0, vec![7; KEY_BYTES_MAX + 1], Some(vec![1]));
    assert!(matches!(log.commit(&transaction), Err(Error::KeyTooLong { .. })));
    assert_eq!(all(&log, 0, 1), [], "all of it or nothing");
    let mut transaction = Transaction::new();
    transaction.put(Topic::IncidentsCurrent, 0, vec![7; KEY_BYTES_MAX], Some(vec![1]));
    // Keys of records stand inside of batches and may have any length.
    transaction.append(Topic::Journal, 0, Record { key: vec![1; 1 << 20], ..Record::default() });
    log.commit(&transaction).unwrap();
    assert_eq!(all(&log, 0, 1).len(), 1);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let home = tempfile::tempdir().unwrap();
    for (wrong, name) in [
        (Settings { partitions: 0, ..settings() }, "partitions"),
        (Settings { journal_bytes_max: 1, ..settings() }, "journal_bytes_max"),
        (Settings { unsorted_bytes_max: 1, ..settings() }, "unsorted_bytes_max"),
        (Settings { sync_every_commits: 0, ..settings() }, "sync_every_commits"),
    ] {
        let error = DiskLog::open(home.path(), wrong).unwrap_err();
        assert!(matches!(error, Error::Setting { name: found, .. } if found == name), "{error}");
    }
}

/// Not a test of its own: the process that holds the directory of the test below.
#[test]
fn holding_process() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let _log = DiskLog::open(Path::new(&directory), settings()).unwrap();
        println!("holding");
        // Until the test ends it: its standard input is closed then.
        let _ = std::io::stdin().lines().next();
    }
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let home = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holding_process", "--nocapture"])
        .env(DIRECTORY, home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("holding")));
    let error = DiskLog::open(home.path(), settings()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == holder.id()), "{text}");
    assert!(text.contains(&home.path().canonicalize().unwrap().display().to_string()), "{text}");
    assert!(text.contains(&format!("process {}", holder.id())), "{text}");
    drop(holder.stdin.take());
    lines.for_each(drop);
    assert!(holder.wait().unwrap().success());
    DiskLog::open(home.path(), settings()).unwrap();
}

/// Needs a small file system to fill: `BELLBUOY_SMALL_DISK` names a directory on one of at least 300 MB, to fill up.
#[test]
fn a_full_disk_is_named_and_nothing_committed_is_lost() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else {
        println!("SKIPPED: {SMALL_DISK} names no directory on a small file system that this test may fill");
        return;
    };
    let home = tempfile::tempdir_in(disk).unwrap();
    let ballast = home.path().join("ballast");
    fs::write(&ballast, vec![1; 100 << 20]).unwrap();
    let directory = home.path().join("data");
    let mut log = DiskLog::open(&directory, settings()).unwrap();
    // What does not compress fills a disk soonest.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 32).to_le_bytes()
    };
    let mut commits = 0;
    let error = loop {
        let mut transaction = Transaction::new();
        for _ in 0..100 {
            let value = std::iter::repeat_with(&mut noise).flatten().take(10_000).collect();
            transaction.append(Topic::Journal, 0, Record { timestamp: Time(commits), value, ..Record::default() });
        }
        match log.commit(&transaction) {
            Ok(()) => commits += 1,
            Err(error) => break error,
        }
        assert!(commits < 100_000, "the file system is not small");
    };
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    drop(log);
    fs::remove_file(&ballast).unwrap();
    let found = read_everything(&directory).unwrap().len() as i64;
    println!("{commits} commits before the disk was full, {} records there afterwards", found);
    assert!(found == commits * 100 || found == (commits + 1) * 100, "{commits} commits, {found} records");
}

fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { files(&entry.path(), into) } else { into.push(entry.path()) }
    }
}

/// Everything that can be read from a log, or why not.
fn read_everything(path: &Path) -> Result<Vec<Stored>, Error> {
    let log = DiskLog::open(path, settings())?;
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let read = log.read(Topic::Journal, 0, all.last().map_or(0, |stored| stored.offset + 1), 1 << 20)?;
        if read.is_empty() {
            return Ok(all);
        }
        all.extend(read);
    }
}

#[test]
fn damage_is_an_error_or_takes_the_end_of_the_log_but_never_changes_it() {
    let home = tempfile::tempdir().unwrap();
    // Little memory for what is unsorted, so that there are sorted tables, files of batches and a journal to damage.
    let small = Settings { unsorted_bytes_max: 1 << 20, ..settings() };
    let mut log = DiskLog::open(home.path(), small).unwrap();
    for n in 0..60_i64 {
        append(&mut log, (0..10).map(|at| record(n * 10 + at, 10_000)));
    }
    drop(log);
    let whole = read_everything(home.path()).unwrap();
    assert_eq!(whole.len(), 600);
    let mut paths = Vec::new();
    files(&home.path().join("log"), &mut paths);
    paths.sort();
    assert!(paths.len() > 5, "{paths:?}");
    let (mut refused, mut shortened, mut unharmed) = (0, 0, 0);
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        for part in 0..4 {
            // Preallocated zeros behind the journal's end are not worth damaging.
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            let mut broken = bytes.clone();
            let Some(byte) = broken.get_mut(used * part / 4 + part) else { continue };
            *byte ^= 0x55;
            let copy = tempfile::tempdir().unwrap();
            copy_all(home.path(), copy.path());
            fs::write(copy.path().join(path.strip_prefix(home.path()).unwrap()), broken).unwrap();
            match read_everything(copy.path()) {
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
                Ok(found) => {
                    assert!(found[..] == whole[..found.len()], "{} at {part}/4 changed the log", path.display());
                    if found.len() < whole.len() { shortened += 1 } else { unharmed += 1 }
                }
            }
        }
    }
    println!("{refused} damages refused, {shortened} took the end of the log, {unharmed} did no harm");
    assert!(refused > 0);
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
