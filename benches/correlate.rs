//! Facts per second through `correlate` on one core: without codec, with it, and beside decoding the same facts.
//!
//! `cargo bench -p bellbuoy-benches --bench correlate` prints, for each workload, the ratios and what each part costs,
//! then criterion's groups, in CPU time of the thread. `-- tables` prints the tables alone, any other word is criterion's
//! filter; `BELLBUOY_BENCH_ROUNDS` sets the rounds of the tables (5 at least, 7 by default).

use bellbuoy_benches::Failure;
use bellbuoy_benches::cpu::ThreadCpu;
use bellbuoy_benches::passes::{
    COMMIT_FACTS, Parts, Written, bare_rows, correlate, correlate_by_parts, correlate_kind, correlate_records,
    decode_only, encoded, measured, new_task,
};
use bellbuoy_benches::rounds::{ROUNDS_MIN, Run, Sample, Spread, in_turns, on_thread};
use bellbuoy_benches::table::{Table, count, per_second, spread};
use bellbuoy_benches::workload::{Kind, Workload, chaos, kinds, of_nodes, ordinary, storm};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_tests::fold::default_rules;
use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Rounds of the tables where nobody says otherwise.
const ROUNDS: usize = 7;

/// Rounds for estates of each size: the largest estates take long to be made.
const NODES_ROUNDS: usize = 5;

/// How much of everything there is.
struct Scale {
    facts: usize,
    pods: usize,
    workloads: usize,
    facts_of_a_kind: usize,
    nodes: &'static [usize],
    facts_of_nodes: usize,
    rounds: usize,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |word: &str| arguments.iter().any(|argument| argument == word);
    // Without cargo's `--bench` criterion only tries whether everything runs, and so do the tables.
    let scale = match is_asked("--bench") && !is_asked("--test") {
        true => Scale {
            facts: 100_000,
            pods: 10_000,
            workloads: 1_000,
            facts_of_a_kind: 20_000,
            nodes: &[5, 50, 500, 5_000],
            facts_of_nodes: 50_000,
            rounds: rounds()?,
        },
        false => Scale {
            facts: 4_000,
            pods: 200,
            workloads: 300,
            facts_of_a_kind: 500,
            nodes: &[5, 20],
            facts_of_nodes: 500,
            rounds: 1,
        },
    };
    let rules = default_rules();
    let workloads = [ordinary(1, scale.workloads, scale.facts), chaos(4, scale.facts / 2), storm(scale.pods)];
    let workloads = workloads.map(Workload::ended);
    if !is_asked("--list") {
        println!("CPU time of one thread, median (least–greatest) of {} rounds in turns", scale.rounds);
        for workload in &workloads {
            tables_of(workload, &rules, scale.rounds)?;
        }
        table_of_kinds(&rules, kinds(scale.workloads, scale.facts_of_a_kind), scale.rounds)?;
        table_of_nodes(&rules, scale.nodes, scale.facts_of_nodes)?;
    }
    if !is_asked("tables") {
        let mut criterion = Criterion::default().with_measurement(ThreadCpu).configure_from_args();
        for workload in workloads {
            groups(&mut criterion, workload, &rules);
        }
        criterion.final_summary();
    }
    Ok(())
}

fn rounds() -> Result<usize, Failure> {
    let Some(rounds) = std::env::var_os("BELLBUOY_BENCH_ROUNDS") else { return Ok(ROUNDS) };
    let number = rounds.to_str().and_then(|rounds| rounds.parse().ok()).filter(|rounds| *rounds >= ROUNDS_MIN);
    number.ok_or_else(|| {
        format!("expected BELLBUOY_BENCH_ROUNDS to be a number from {ROUNDS_MIN}, found {}", rounds.display()).into()
    })
}

/// The ratios of the passes over one workload, and what its parts cost.
fn tables_of(workload: &Workload, rules: &Arc<RuleSet>, rounds: usize) -> Result<(), Failure> {
    let (facts, records) = (&workload.facts, encoded(&workload.facts));
    let mut written = Written::default();
    let mut parts = Vec::new();
    let samples = {
        let mut decode = || measured(|| (), |()| decode_only(&records)).map(|((), sample)| sample);
        let mut bare = || {
            let run = |(mut task, facts)| {
                correlate(&mut task, 0, facts);
                // Dropping the tables is not part of the work.
                Ok::<_, Infallible>(task)
            };
            measured(|| (new_task(rules), facts.clone()), run).map(|(_, sample)| sample)
        };
        let mut whole = || {
            let run = |mut task| correlate_records(&mut task, &records).map(|written| (task, written));
            let ((_, done), sample) = measured(|| new_task(rules), run)?;
            written = done;
            Ok(sample)
        };
        let mut by_parts = || {
            let run = |mut task| correlate_by_parts(&mut task, &records).map(|parts| (task, parts));
            let ((_, done), sample) = measured(|| new_task(rules), run)?;
            parts.push(done);
            Ok(sample)
        };
        let sides: &mut [&mut Run<'_>] = &mut [&mut decode, &mut bare, &mut whole, &mut by_parts];
        in_turns(rounds, sides)?
    };
    // The first round does not count.
    let parts = parts.split_off(1);

    let bytes: usize = records.iter().map(Vec::len).sum();
    println!("\n{}: {}", workload.name, workload.about);
    println!(
        "  {} facts of {} bytes on average, a commit per {}: {} records and {} rows out, {} bytes for each fact, {} dead \
         letters",
        count(facts.len()),
        bytes / facts.len().max(1),
        count(COMMIT_FACTS),
        count(written.records),
        count(written.rows),
        written.bytes / facts.len().max(1),
        written.dead_letters,
    );
    let mut table = Table::new(["pass", "CPU µs a fact", "facts/s", "to decoding"]);
    let names = ["decode facts (c)", "correlate, without codec (a)", "correlate, with codec (b)"];
    for (name, side) in names.into_iter().zip(&samples) {
        let each = Spread::cpu_us_each(side, facts.len());
        let ratio = Spread::cpu_ratio(side, &samples[0]);
        table.row([name.to_owned(), spread(each), per_second(each.median), spread(ratio)]);
    }
    println!("{table}");
    print_parts(&parts, &samples[3], facts.len());
    Ok(())
}

fn print_parts(parts: &[Parts], whole: &[Sample], facts: usize) {
    let mut table = Table::new(["part of (b)", "CPU µs a fact", "share %"]);
    let mut dearest = (f64::MIN, "");
    for (number, (name, _)) in Parts::default().named().into_iter().enumerate() {
        let times: Vec<Duration> = parts.iter().map(|parts| parts.named()[number].1).collect();
        let each = Spread::of(times.iter().map(|time| time.as_secs_f64() * 1e6 / facts as f64));
        let shares = times.iter().zip(whole).map(|(part, all)| 100.0 * part.as_secs_f64() / all.cpu.as_secs_f64());
        let share = Spread::of(shares);
        if share.median > dearest.0 {
            dearest = (share.median, name);
        }
        table.row([name.to_owned(), spread(each), format!("{:.1}", share.median)]);
    }
    println!("{table}  what costs most: {} ({:.0} %)", dearest.1, dearest.0);
}

/// What facts of one kind cost, each behind the same estate.
fn table_of_kinds(rules: &Arc<RuleSet>, kinds: Vec<Kind>, rounds: usize) -> Result<(), Failure> {
    let mut commits: Vec<Vec<Duration>> = vec![Vec::new(); kinds.len()];
    let samples = {
        let mut sides: Vec<_> = kinds
            .iter()
            .zip(&mut commits)
            .map(|(kind, commits)| {
                let (before, records) = (encoded(&kind.before), encoded(&kind.facts));
                move || {
                    let (parts, whole) = on_thread(|| correlate_kind(rules, &before, &records));
                    let parts = parts?;
                    commits.push(parts.commit);
                    Ok(Sample { cpu: parts.feed, ..whole })
                }
            })
            .collect();
        let mut turns: Vec<&mut Run<'_>> = sides.iter_mut().map(|side| side as &mut Run<'_>).collect();
        in_turns(rounds, &mut turns)?
    };
    println!("\nfacts of one kind alone, behind an ordinary estate, a commit per {}", count(COMMIT_FACTS));
    let mut table = Table::new(["kind", "feed, CPU µs a fact", "commit, CPU µs a fact", "facts/s of both"]);
    for ((kind, feeds), commits) in kinds.iter().zip(&samples).zip(&commits) {
        let feed = Spread::cpu_us_each(feeds, kind.facts.len());
        // The first round does not count.
        let times = commits.iter().skip(1).map(|time| time.as_secs_f64() * 1e6 / kind.facts.len() as f64);
        let commit = Spread::of(times);
        let both = per_second(feed.median + commit.median);
        table.row([kind.name.to_owned(), spread(feed), spread(commit), both]);
    }
    println!("{table}");
    Ok(())
}

/// What a fact of an ordinary day costs in estates of different sizes, beside the least that can be done with it. The
/// largest takes much memory, so that each is made, measured and dropped before the next.
fn table_of_nodes(rules: &Arc<RuleSet>, nodes: &[usize], facts: usize) -> Result<(), Failure> {
    println!("\nfacts of an ordinary day by the size of the estate, 30 pods to a node, {NODES_ROUNDS} rounds of each;");
    println!("beside one look-up and one change of a bare row for each fact");
    let heading =
        ["nodes", "facts before", "feed, µs a fact", "commit", "to the smallest", "bare rows", "to the smallest"];
    let mut table = Table::new(heading);
    let mut smallest = None;
    for &nodes in nodes {
        let Kind { before, facts, .. } = of_nodes(nodes, facts);
        let (before, records) = (encoded(&before), encoded(&facts));
        drop(facts);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / records.len() as f64;
        let (mut feeds, mut commits, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..NODES_ROUNDS {
            let parts = correlate_kind(rules, &before, &records)?;
            feeds.push(each(parts.feed));
            commits.push(each(parts.commit));
            bare.push(each(bare_rows(&before, &records)?));
        }
        let (feed, commit, bare) = (Spread::of(feeds), Spread::of(commits), Spread::of(bare));
        let both = feed.median + commit.median;
        let (first, first_bare) = *smallest.get_or_insert((both, bare.median));
        table.row([
            count(nodes),
            count(before.len()),
            spread(feed),
            spread(commit),
            format!("{:.2}", both / first),
            spread(bare),
            format!("{:.2}", bare.median / first_bare),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// Criterion's groups: the three passes, for comparison from one commit to the next.
fn groups(criterion: &mut Criterion<ThreadCpu>, workload: Workload, rules: &Arc<RuleSet>) {
    let Workload { name, facts, .. } = workload;
    let records = encoded(&facts);
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(facts.len() as u64));
    group.bench_function("decode", |bencher| bencher.iter(|| decode_only(&records)));
    group.bench_function("correlate-without-codec", |bencher| {
        let prepare = || (new_task(rules), facts.clone());
        let run = |(mut task, facts)| {
            correlate(&mut task, 0, facts);
            task
        };
        bencher.iter_batched(prepare, run, BatchSize::PerIteration);
    });
    group.bench_function("correlate-with-codec", |bencher| {
        let run = |mut task| correlate_records(&mut task, &records).map(|written| (task, written));
        bencher.iter_batched(|| new_task(rules), run, BatchSize::PerIteration);
    });
    group.finish();
}
