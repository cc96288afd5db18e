//! P3: stages that are killed at any moment lose nothing and double nothing.
//!
//! Copies of `bellbuoy run correlate`, `classify` and `escalate` work on a real Kafka server while a journal is being
//! appended and while SIGKILL ends one of them after the other. At the end, a reader of committed records must find
//! exactly what the embedded runner makes of the same journal.
//!
//! The short run is the default. The long one, and another seed:
//!
//! ```sh
//! BELLBUOY_KILLS=50 BELLBUOY_FACTS=50000 BELLBUOY_SEED=7 cargo test -p bellbuoy-tests --test exactly_once -- --nocapture
//! ```
//!
//! A seed repeats the journal and the plan of deaths; on which instruction a signal finds its victim, no seed says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panics, in their helpers too")]

mod appending;
mod journal;
mod plan;
mod state;

use bellbuoy_local::memory::MemoryLog;
use bellbuoy_tests::chaos::Seed;
use bellbuoy_tests::kafka_runner::create;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_tests::on_kafka::read_output;
use bellbuoy_tests::oracle;
use bellbuoy_tests::output::{OUTPUT_TOPICS, Output};
use bellbuoy_tests::processes::{Site, StageProcess};
use bellbuoy_tests::progress::{Progress, STAGES, TOPICS, wait_until};
use bellbuoy_wire::rules::Config;
use bellbuoy_wire::topic::Topic;
use plan::{Moment, Plan, Round, Told};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

const PARTITIONS: u32 = 5;

/// Copies of each stage.
const COPIES: usize = 2;

/// Dead members are found within a second, dead transactions within two.
const CONFIGURATION: &str = "
kafka:
  partitions: 5
  replication_factor: 1
  session_timeout: 1s
  transaction_timeout: 2s
";

/// What the journal names from its middle on.
const OTHER_RULES: &str = "
limits:
  members_shown: 3
  timeline_max: 5
  update_every: 5s
";

/// All processes, by stage and copy; none where one is down.
type Processes = Vec<Vec<Option<StageProcess>>>;

fn member_id(copy: usize) -> String {
    format!("copy-{copy}")
}

fn assert_all_run(processes: &mut Processes) {
    processes.iter_mut().flatten().flatten().for_each(StageProcess::assert_runs);
}

#[test]
fn committed_records_are_those_of_the_embedded_runner() {
    let began = Instant::now();
    let plan = Plan::from_environment();
    let told = Told(plan);
    let rules = Arc::new(Config::load(CONFIGURATION, "the test's configuration").unwrap().rule_set());
    let other_rules = Arc::new(Config::load(OTHER_RULES, "the test's other rules").unwrap().rule_set());
    let journal = journal::entries(plan.seed, plan.facts, PARTITIONS, &other_rules);
    let (expect, log) = oracle::run(MemoryLog::new(PARTITIONS), &rules, &journal);
    for topic in OUTPUT_TOPICS {
        assert!(expect.count(topic) > 0, "nothing comes to {topic}: the run would show nothing");
    }
    let prepared = began.elapsed();
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "exactly-once");
    create(server, &topics, &TOPICS, PARTITIONS);
    let site = Site::new(server, &topics, CONFIGURATION);
    let progress = Progress::new(server, &topics, PARTITIONS.cast_signed());
    let rounds = plan.rounds(STAGES.len(), COPIES);
    let share = journal.len().div_ceil(rounds.len().max(1));
    let mut kills = 0;
    let mut processes: Processes = STAGES.iter().map(|(stage, _)| start_all(&site, stage)).collect();
    std::thread::scope(|scope| {
        let (go_on, next) = channel();
        scope.spawn(|| {
            // Its end of the channel moves in, so that a failure on either side ends both.
            let next = next;
            appending::append(server, &topics, &journal, share, &next, Seed(!plan.seed));
        });
        for round in &rounds {
            let before = progress.committed(STAGES[round.stage].0);
            go_on.send(()).unwrap();
            wait_for_moment(round, &progress, &before, &mut processes);
            kills += kill(round, &mut processes);
            std::thread::sleep(round.down);
            revive(round, &site, &mut processes);
        }
        drop(go_on);
    });
    let flowed = began.elapsed();
    progress.wait_until_drained(&oracle::ends(&journal, PARTITIONS), || assert_all_run(&mut processes));
    processes.into_iter().flatten().flatten().for_each(StageProcess::stop);
    let drained = began.elapsed();
    expect.assert_same(
        &read_output(&topics),
        "what is committed differs from what the embedded runner makes of the journal",
    );
    let rows = state::assert_same(&topics, &log, &rules);
    let counts = OUTPUT_TOPICS.map(|topic| format!("{topic} {}", expect.count(topic))).join(", ");
    eprintln!(
        "seed {}: {} records in the journal, {kills} kills in {} rounds; {counts}; {rows} rows of state; prepared {:.1} s, \
         flowed until {:.1} s, drained at {:.1} s, compared at {:.1} s",
        plan.seed,
        journal.len(),
        rounds.len(),
        prepared.as_secs_f64(),
        flowed.as_secs_f64(),
        drained.as_secs_f64(),
        began.elapsed().as_secs_f64(),
    );
    drop(told);
}

fn start_all(site: &Site, stage: &str) -> Vec<Option<StageProcess>> {
    (0..COPIES).map(|copy| Some(site.start(stage, &member_id(copy)))).collect()
}

fn wait_for_moment(
    round: &Round,
    progress: &Progress<'_>,
    before: &std::collections::BTreeMap<i32, i64>,
    processes: &mut Processes,
) {
    let (stage, _) = STAGES[round.stage];
    let delay = match round.moment {
        Moment::After(delay) => delay,
        Moment::AtWork(delay) => {
            wait_until(&format!("{stage} commits something behind {before:?}"), || {
                assert_all_run(processes);
                let now = progress.committed(stage);
                let is_new = |(partition, offset)| before.get(partition).is_none_or(|before| offset > before);
                if now.iter().any(is_new) { Ok(()) } else { Err(format!("it stands at {now:?}")) }
            });
            delay
        }
    };
    // The moment itself is random; nothing is expected of it.
    std::thread::sleep(delay);
}

fn kill(round: &Round, processes: &mut Processes) -> usize {
    let copies = processes[round.stage].iter_mut().enumerate();
    let victims = copies.filter(|(copy, _)| round.copy.is_none_or(|hit| hit == *copy));
    victims.filter_map(|(_, process)| process.take()).map(StageProcess::kill).count()
}

fn revive(round: &Round, site: &Site, processes: &mut Processes) {
    for (copy, process) in processes[round.stage].iter_mut().enumerate() {
        process.get_or_insert_with(|| site.start(STAGES[round.stage].0, &member_id(copy)));
    }
}

#[test]
fn a_record_too_many_or_too_few_is_seen() {
    let rules = bellbuoy_tests::fold::default_rules();
    let journal = journal::entries(1, 1_000, 2, &rules);
    let (expect, _) = oracle::run(MemoryLog::new(2), &rules, &journal);
    let (again, _) = oracle::run(MemoryLog::new(2), &rules, &journal);
    expect.assert_same(&again, "the same journal");
    let mut doubled = Output::default();
    let mut pipeline = oracle::pipeline(MemoryLog::new(2), &rules, Default::default());
    oracle::append(&mut pipeline, &journal);
    let mut pages = 0;
    pipeline
        .run_until_idle(|event| {
            oracle::note(&mut doubled, &event);
            pages += usize::from(event.topic == Topic::Pages);
            if event.topic == Topic::Pages && pages == 2 {
                oracle::note(&mut doubled, &event);
            }
        })
        .unwrap();
    oracle::note_current(&mut doubled, pipeline.log());
    let failure = std::panic::catch_unwind(|| expect.assert_same(&doubled, "doubled")).unwrap_err();
    let said = failure.downcast_ref::<String>().unwrap();
    assert!(said.contains("what is found there stood at") && said.contains("Pages"), "{said}");
    let failure = std::panic::catch_unwind(|| doubled.assert_same(&expect, "lost")).unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().contains("Pages"));
}
