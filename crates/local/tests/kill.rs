//! A process is killed in the middle of its commits, again and again: what it committed is there, once.

#![expect(clippy::unwrap_used, reason = "a test's tools fail the test that uses them")]

use bellbuoy_core::time::Time;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::{Log, Position, Record, Stored, Transaction};
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_wire::topic::Topic;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const STAGE: &str = "writer";
const PARTITIONS: u32 = 2;
/// The environment variable that turns the test program into the process that is killed.
const DIRECTORY: &str = "BELLBUOY_KILL_TEST_DIRECTORY";
/// Rounds of the test; more are run by setting the variable of that name.
const ROUNDS: &str = "BELLBUOY_KILL_TEST_ROUNDS";

/// How often the process that is killed syncs.
const SYNC: &str = "BELLBUOY_KILL_TEST_SYNC_EVERY_COMMITS";
/// How many commits the pruned partition keeps, at least.
const KEPT: i64 = 500;

fn settings() -> Settings {
    // Small bounds, so that tables are sorted onto disk and merged many times while the test kills.
    let (unsorted_bytes_max, journal_bytes_max) = (1 << 20, 64 << 20);
    let sync_every_commits = std::env::var(SYNC).map_or(1, |every| every.parse().unwrap());
    Settings {
        partitions: PARTITIONS,
        unsorted_bytes_max,
        journal_bytes_max,
        sync_every_commits,
        ..Settings::default()
    }
}

/// A small generator with a seed: what a run of the test did can be done again.
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Commit number `n`: records, rows that go and come, a position, all derived from the number.
fn commit_of(n: u64) -> Transaction {
    let mut seed = Seed(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut transaction = Transaction::new();
    for partition in 0..PARTITIONS {
        for _ in 0..seed.below(20) {
            let value = vec![seed.next() as u8; 1 + seed.below(3_000) as usize];
            let record = Record { key: n.to_be_bytes().to_vec(), timestamp: Time(n as i64), value };
            transaction.append(Topic::Journal, partition, record);
        }
        if seed.below(4) == 0 {
            transaction.leave_gap(Topic::Journal, partition, seed.below(3) as usize);
        }
        for _ in 0..seed.below(10) {
            let key = seed.below(200).to_be_bytes().to_vec();
            let value = (seed.below(3) > 0).then(|| n.to_be_bytes().to_vec());
            transaction.put(Topic::State(STAGE), partition, key, value);
        }
        let position = Position { resume_at: n as i64, read_to: n as i64 + 1 };
        transaction.position(STAGE, partition, position);
    }
    transaction
}

/// The process that is killed: says the number of each commit once it is made.
fn write_until_killed(directory: &Path) {
    let mut log = DiskLog::open(directory, settings()).unwrap();
    let next = log.position(STAGE, 0).unwrap().map_or(0, |position| position.read_to as u64);
    let mut out = std::io::stdout().lock();
    for n in next.. {
        log.commit(&commit_of(n)).unwrap();
        writeln!(out, "committed {n}").unwrap();
        if n % 50 == 0 {
            log.prune(Topic::Journal, 0, Time(n as i64 - KEPT), i64::MAX).unwrap();
        }
    }
}

/// What the log must hold after `commits` commits, as the log in memory has it.
fn hold_against(disk: &DiskLog, model: &MemoryLog) {
    for partition in 0..PARTITIONS {
        let place = format!("partition {partition}");
        assert_eq!(disk.end(Topic::Journal, partition), model.end(Topic::Journal, partition), "{place}");
        assert_eq!(disk.position(STAGE, partition).unwrap(), model.position(STAGE, partition).unwrap(), "{place}");
        assert_eq!(rows(disk, partition), rows(model, partition), "{place}");
        let (found, mut wanted) = (records(disk, partition), records(model, partition));
        // The first partition is pruned on the way: what is older than the horizon may be gone, from the front.
        if partition == 0 {
            let newest = wanted.last().map_or(0, |stored| stored.record.timestamp.0);
            let first = found.first().map_or(i64::MAX, |stored| stored.offset);
            let gone = wanted.partition_point(|stored| stored.offset < first);
            assert!(wanted.drain(..gone).all(|stored| stored.record.timestamp.0 < newest - KEPT + 51), "{place}");
        }
        assert!(found == wanted, "{place}: {} records found, {} wanted", found.len(), wanted.len());
    }
}

fn records(log: &dyn Log, partition: u32) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let from = all.last().map_or(0, |stored| stored.offset + 1);
        let read = log.read(Topic::Journal, partition, from, 1 << 20).unwrap();
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

fn rows(log: &dyn Log, partition: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    log.visit_latest(Topic::State(STAGE), partition, &mut visit).unwrap();
    rows
}

/// Not a test of its own: what the test below starts and kills.
#[test]
fn writer_process() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        write_until_killed(Path::new(&directory));
    }
}

#[test]
fn what_was_committed_survives_kill_9_and_stands_there_once() {
    let rounds = std::env::var(ROUNDS).map_or(30, |rounds| rounds.parse().unwrap());
    let mut seed = Seed(20_261_121);
    let (mut kills_before_first_commit, mut commits_seen, mut unreported) = (0, 0, 0);
    let mut home = tempfile::tempdir().unwrap();
    let mut model = MemoryLog::new(PARTITIONS);
    let mut made = 0;
    let mut reopen_longest = Duration::ZERO;
    for round in 0..rounds {
        if round % 25 == 0 || seed.below(12) == 0 {
            home = tempfile::tempdir().unwrap();
            (model, made) = (MemoryLog::new(PARTITIONS), 0);
        }
        let sync_every_commits = [1, 1_000][seed.below(2) as usize];
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer_process", "--nocapture"])
            .env(DIRECTORY, home.path())
            .env(SYNC, sync_every_commits.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A third of the kills fall into the opening of the log, the others between and within commits.
        if seed.below(3) > 0 {
            while lines.next().is_some_and(|line| !line.unwrap().starts_with("committed")) {}
            made += 1;
            std::thread::sleep(Duration::from_micros(seed.below(150_000)));
        } else {
            std::thread::sleep(Duration::from_micros(seed.below(30_000)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let reported = lines.filter(|line| line.as_ref().unwrap().starts_with("committed")).count() as u64;
        kills_before_first_commit += u64::from(reported == 0);
        made += reported;

        let begun = std::time::Instant::now();
        let disk = DiskLog::open(home.path(), settings()).unwrap();
        reopen_longest = reopen_longest.max(begun.elapsed());
        let there = disk.position(STAGE, 0).unwrap().map_or(0, |position| position.read_to as u64);
        assert!(there == made || there == made + 1, "round {round}: {there} commits are there, {made} were reported");
        unreported += there - made;
        let before = model.position(STAGE, 0).unwrap().map_or(0, |position| position.read_to as u64);
        (before..there).for_each(|n| model.commit(&commit_of(n)).unwrap());
        hold_against(&disk, &model);
        commits_seen += there - before;
        made = there;
    }
    println!(
        "{rounds} kills, {commits_seen} commits, {kills_before_first_commit} kills before a commit, {unreported} \
         commits made and not reported, longest opening {reopen_longest:?}"
    );
    assert!(commits_seen > rounds, "the processes were killed before they committed anything worth testing");
}
