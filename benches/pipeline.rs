//! `correlate` over Apache Kafka, in client CPU-seconds per million facts, beside a plain transactional pass-through.
//!
//! `cargo bench -p bellbuoy-benches --bench pipeline -- --help`. Without `KAFKA_BOOTSTRAP_SERVERS` a server is started
//! beside the bench; its CPU time does not count, but it takes turns with the clients on the same cores.

use bellbuoy_benches::commit_meter::CommitMeter;
use bellbuoy_benches::pass_through;
use bellbuoy_benches::per_partition::PerPartition;
use bellbuoy_benches::rounds::{ROUNDS_MIN, Sample, Spread, on_process, percentile};
use bellbuoy_benches::table::{Table, count, spread};
use bellbuoy_benches::workload::{Workload, chaos, ordinary};
use bellbuoy_benches::{Failure, passes};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::Stage;
use bellbuoy_kafka::config::{Cadence, Config, Connection};
use bellbuoy_kafka::runner::Runner;
use bellbuoy_kafka::status::Status;
use bellbuoy_tests::fold::default_rules;
use bellbuoy_tests::kafka_runner::create;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::{Topic, partition_of};
use clap::{Parser, ValueEnum};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Measures `correlate` on Kafka beside a plain transactional pass-through of the same records.
///
/// Both read the same journal with a client of the same settings and commit the same numbers of records in one
/// transaction. They run in turns in this process; every other round runs backwards. CPU time is that of all threads
/// of this process, the client library's included, from the first connection until the last is closed.
#[derive(Debug, Parser)]
#[command(name = "pipeline")]
struct Arguments {
    /// Facts of each run, rounded down to whole transactions.
    #[arg(long, default_value_t = 200_000)]
    facts: usize,
    /// Input records of each transaction.
    #[arg(long, default_value_t = 5_000)]
    commit: usize,
    /// Runs of each side that count, 5 at least; one of each goes before.
    #[arg(long, default_value_t = ROUNDS_MIN)]
    rounds: usize,
    /// Partitions of every topic.
    #[arg(long, default_value_t = 4)]
    partitions: u32,
    /// What the journal tells of.
    #[arg(long, value_enum, default_value_t = Journal::Ordinary)]
    journal: Journal,
    /// No round begins after so many seconds.
    #[arg(long, default_value_t = 900)]
    seconds_max: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a journal tells of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Journal {
    /// Four clusters of 250 workloads, mostly healthy.
    Ordinary,
    /// Four small clusters in which everything fails.
    Chaos,
}

/// One run takes no longer, or nothing is wrong with the clock but with the run.
const RUN_DEADLINE: Duration = Duration::from_secs(180);

/// How often a run is asked whether it is done.
const LOOK: Duration = Duration::from_millis(5);

/// Scopes of a journal.
const CLUSTERS: usize = 4;

/// What one run has shown.
struct Shown {
    sample: Sample,
    /// Records a second on the wall, from the first commit to the last.
    per_second: f64,
    /// Seconds of each commit.
    commits: Vec<f64>,
    records_out: u64,
    rows_out: u64,
    failures: u64,
}

fn main() -> Result<(), Failure> {
    let mut arguments = Arguments::parse();
    if !arguments.bench {
        println!("run by cargo bench, this measures; now it only tries whether everything runs");
        (arguments.facts, arguments.commit, arguments.rounds) = (arguments.facts.min(4_000), 1_000, 1);
    } else if arguments.rounds < ROUNDS_MIN {
        return Err(format!("expected --rounds to be at least {ROUNDS_MIN}, found {}", arguments.rounds).into());
    }
    if arguments.commit == 0 || arguments.facts < 2 * arguments.commit || arguments.partitions == 0 {
        let Arguments { facts, commit, partitions, .. } = arguments;
        return Err(format!(
            "expected --partitions and at least two transactions of --commit in --facts, found {partitions} partitions, \
             {commit} in {facts}"
        )
        .into());
    }
    let facts = arguments.facts / arguments.commit * arguments.commit;
    let mut workload = match arguments.journal {
        Journal::Ordinary => ordinary(CLUSTERS, 250, facts),
        Journal::Chaos => chaos(CLUSTERS, facts),
    };
    // Chaos does not come in exact numbers.
    workload.facts.truncate(workload.facts.len() / arguments.commit * arguments.commit);
    measure(&arguments, &workload)
}

fn measure(arguments: &Arguments, workload: &Workload) -> Result<(), Failure> {
    let (server, rules, began) = (KafkaServer::shared(), default_rules(), Instant::now());
    let records = passes::encoded(&workload.facts);
    let bytes: usize = records.iter().map(Vec::len).sum();
    println!(
        "{}: {}; {} facts of {} bytes on average, {} partitions, {} records a transaction",
        workload.name,
        workload.about,
        count(records.len()),
        bytes / records.len().max(1),
        arguments.partitions,
        count(arguments.commit)
    );
    let (mut correlates, mut passes_through) = (Vec::new(), Vec::new());
    for round in 0..=arguments.rounds {
        if began.elapsed().as_secs() > arguments.seconds_max {
            println!("stopped before round {round} of {}: {} s are over", arguments.rounds, arguments.seconds_max);
            break;
        }
        let topics = fill(server, arguments.partitions, workload, &records);
        for is_correlate in [round % 2 == 0, round % 2 != 0] {
            let shown = match is_correlate {
                true => correlate(server, &topics, &rules, arguments.commit, records.len())?,
                false => pass_through(server, &topics, arguments.commit, records.len())?,
            };
            // The first round does not count.
            if round > 0 {
                if is_correlate { &mut correlates } else { &mut passes_through }.push(shown);
            }
        }
    }
    print(&correlates, &passes_through, records.len());
    Ok(())
}

/// New topics with the journal in them.
fn fill(server: &KafkaServer, partitions: u32, workload: &Workload, records: &[Vec<u8>]) -> Topics {
    let topics = Topics::of(server, "bench");
    let state = Topic::State(PerPartition::NAME);
    let own = [Topic::Journal, Topic::Incidents, Topic::IncidentsCurrent, Topic::DeadLetters, state];
    create(server, &topics, &own, partitions);
    topics.create("passed-through", partitions.cast_signed(), &[]);
    let mut journal = topics.journal(&Topic::Journal.to_string());
    for (fact, record) in workload.facts.iter().zip(records) {
        let partition = partition_of(fact.partition_key(), partitions).cast_signed();
        journal.send(partition, &fact.key(), record);
    }
    journal.flush();
    topics
}

/// The runner of `correlate` over the whole journal.
fn correlate(
    server: &KafkaServer,
    topics: &Topics,
    rules: &Arc<RuleSet>,
    commit_records: usize,
    records: usize,
) -> Result<Shown, Failure> {
    let meter = CommitMeter::default();
    let (worked, sample) = on_process(|| run(server, topics, rules, commit_records, records, &meter));
    worked?;
    let commits = meter.commits();
    let points: Vec<_> = commits.iter().map(|commit| (commit.at, commit.records_read as f64)).collect();
    Ok(Shown {
        sample,
        per_second: per_second(&points),
        commits: commits.iter().map(|commit| commit.seconds).collect(),
        records_out: meter.records_written(),
        rows_out: meter.rows_written(),
        failures: meter.failures(),
    })
}

fn run(
    server: &KafkaServer,
    topics: &Topics,
    rules: &Arc<RuleSet>,
    commit_records: usize,
    records: usize,
    meter: &CommitMeter,
) -> Result<(), Failure> {
    // By number of records alone, so that both sides make the same transactions.
    let commit = Cadence { interval: RUN_DEADLINE, records_max: commit_records, bytes_max: usize::MAX };
    let connection = Connection::to(server.bootstrap_servers.clone());
    let config = Config { prefix: topics.prefix.clone(), commit, ..Config::new(connection, "bench-0") };
    let (stop, began) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let stage = PerPartition::new(rules.clone());
            Runner::start(stage, config, Arc::new(Status::default()), &meter.meter(), &stop)?.run(&stop)
        });
        while meter.records_read() < records as u64 && !worker.is_finished() && began.elapsed() < RUN_DEADLINE {
            std::thread::sleep(LOOK);
        }
        stop.store(true, Ordering::Relaxed);
        worker.join().map_err(|_| "the runner panicked")??;
        match meter.records_read() {
            read if read == records as u64 => Ok(()),
            read => {
                Err(format!("expected {records} facts within {RUN_DEADLINE:?}, the runner committed {read}").into())
            }
        }
    })
}

fn pass_through(server: &KafkaServer, topics: &Topics, commit: usize, records: usize) -> Result<Shown, Failure> {
    let settings = pass_through::Settings {
        bootstrap_servers: server.bootstrap_servers.clone(),
        input: topics.name(&Topic::Journal.to_string()),
        output: topics.name("passed-through"),
        name: topics.name("pass-through"),
        commit_records: commit,
        records,
        deadline: RUN_DEADLINE,
    };
    let (commits, sample) = on_process(|| pass_through::run(&settings));
    let commits = commits?;
    let points: Vec<_> = commits.iter().map(|commit| (commit.at, commit.records as f64)).collect();
    Ok(Shown {
        sample,
        per_second: per_second(&points),
        commits: commits.iter().map(|commit| commit.seconds).collect(),
        records_out: records as u64,
        rows_out: 0,
        failures: 0,
    })
}

/// Records a second between the first point and the last: neither joining a group nor leaving it counts.
fn per_second(points: &[(Instant, f64)]) -> f64 {
    match points {
        [(began, before), .., (ended, after)] => (after - before) / ended.duration_since(*began).as_secs_f64(),
        _ => f64::NAN,
    }
}

fn print(correlates: &[Shown], passes_through: &[Shown], facts: usize) {
    println!("median (least–greatest) of {} rounds in turns\n", correlates.len().min(passes_through.len()));
    let samples = |side: &[Shown]| side.iter().map(|shown| shown.sample).collect::<Vec<_>>();
    let base = samples(passes_through);
    let mut table = Table::new([
        "",
        "CPU s/million",
        "CPU to pass-through",
        "wall k facts/s",
        "commits",
        "p50 ms",
        "p99 ms",
        "records out",
        "rows out",
        "failed",
    ]);
    for (name, side) in [("pass-through", passes_through), ("correlate", correlates)] {
        // Microseconds for one are seconds for a million.
        let cpu = Spread::cpu_us_each(&samples(side), facts);
        let ratio = Spread::cpu_ratio(&samples(side), &base);
        let wall = Spread::of(side.iter().map(|shown| shown.per_second / 1e3));
        let commits: Vec<f64> = side.iter().flat_map(|shown| &shown.commits).map(|seconds| seconds * 1e3).collect();
        let last = side.last();
        let failures: u64 = side.iter().map(|shown| shown.failures).sum();
        table.row([
            name.to_owned(),
            spread(cpu),
            spread(ratio),
            spread(wall),
            count(commits.len()),
            format!("{:.1}", percentile(&commits, 0.5)),
            format!("{:.1}", percentile(&commits, 0.99)),
            count(usize::try_from(last.map_or(0, |shown| shown.records_out)).unwrap_or(usize::MAX)),
            count(usize::try_from(last.map_or(0, |shown| shown.rows_out)).unwrap_or(usize::MAX)),
            failures.to_string(),
        ]);
    }
    println!("{table}");
    println!(
        "  A commit of correlate writes its whole batch, encoding included; the pass-through has sent most of its"
    );
    println!("  batch before its commit begins. Commits are of all rounds, records and rows of one.");
}
