//! Raw recordings through reading, ordering and `correlate`, beside parsing the same bytes into typed structures.
//!
//! Parsing is measured twice: into structures that own all that the bytes hold, by the types of the Kubernetes API, and
//! into the least that decisions read, borrowed from the bytes, which no program that keeps anything can reach.
//!
//! `cargo bench -p bellbuoy-benches --bench replay -- --help`.

use bellbuoy_benches::Failure;
use bellbuoy_benches::passes::{COMMIT_FACTS, new_task};
use bellbuoy_benches::raw_object::{Parsed, parse_lines};
use bellbuoy_benches::raw_recording::json_lines;
use bellbuoy_benches::rounds::{ROUNDS_MIN, Run, Sample, Spread, in_turns, on_process};
use bellbuoy_benches::table::{Table, count, spread};
use bellbuoy_benches::typed_object;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_local::recording::{Options, Recording};
use bellbuoy_tests::fold::default_rules;
use clap::Parser;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Measures `replay` on raw JSON beside the least that reads the same bytes.
///
/// The recording is made up: JSON lines of core/v1 Events and of notifications about pods, in the API server's exact
/// form, managedFields included. It is written to a temporary file once; every run reads it from the page cache. CPU
/// time is that of all threads of this process.
#[derive(Debug, Parser)]
#[command(name = "replay")]
struct Arguments {
    /// Size of the recording in MiB.
    #[arg(long, default_value_t = 48)]
    mib: usize,
    /// Runs of each pass that count, 5 at least; one of each goes before.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Bytes in MiB that a recording may keep in memory; temporary files hold the rest.
    #[arg(long, default_value_t = 256)]
    memory_mib: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let mut arguments = Arguments::parse();
    if !arguments.bench {
        println!("run by cargo bench, this measures; now it only tries whether everything runs");
        (arguments.mib, arguments.rounds) = (1, 1);
    } else if arguments.rounds < ROUNDS_MIN {
        return Err(format!("expected --rounds to be at least {ROUNDS_MIN}, found {}", arguments.rounds).into());
    }
    let text = json_lines(arguments.mib << 20);
    let mut file = tempfile::Builder::new().prefix("bellbuoy-bench-").suffix(".jsonl").tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    measure(&arguments, text.into_bytes(), file.path())
}

fn measure(arguments: &Arguments, bytes: Vec<u8>, path: &Path) -> Result<(), Failure> {
    let (rules, sources) = (default_rules(), [path.to_owned()]);
    let options = Options { memory_bytes_max: arguments.memory_mib << 20, ..Options::default() };
    let (mut parsed, mut facts, mut records) = (Parsed::default(), 0, 0);
    let samples = {
        let mut parse = || {
            // UTF-8 is proven once for all, as fast readers do.
            let (result, sample) = on_process(|| Ok::<_, Failure>(parse_lines(std::str::from_utf8(&bytes)?)?));
            parsed = result?;
            Ok(sample)
        };
        let mut typed = || {
            let (result, sample) =
                on_process(|| Ok::<_, Failure>(typed_object::parse_lines(std::str::from_utf8(&bytes)?)?));
            black_box(result?);
            Ok(sample)
        };
        let mut read = || {
            let (result, sample) = on_process(|| read_facts(&sources, &options));
            facts = result?;
            Ok(sample)
        };
        let mut whole = || {
            let (result, sample) = on_process(|| replay(&sources, &options, &rules));
            records = result?;
            Ok(sample)
        };
        let sides: &mut [&mut Run<'_>] = &mut [&mut typed, &mut parse, &mut read, &mut whole];
        in_turns(arguments.rounds, sides)?
    };
    print(bytes.len(), parsed, facts, records, &samples, arguments.rounds);
    Ok(())
}

/// Reads the recording and its facts in order, and does nothing with them.
fn read_facts(sources: &[PathBuf], options: &Options) -> Result<usize, Failure> {
    let recording = open(sources, options)?;
    let mut facts = 0;
    for fact in recording.into_facts()? {
        black_box(fact?);
        facts += 1;
    }
    Ok(facts)
}

/// Reads the recording and feeds `correlate`; what comes of it is counted and dropped.
fn replay(sources: &[PathBuf], options: &Options, rules: &Arc<RuleSet>) -> Result<usize, Failure> {
    let recording = open(sources, options)?;
    let mut task = new_task(rules);
    let mut records = 0;
    for (offset, fact) in (0..).zip(recording.into_facts()?) {
        task.feed(offset, fact?);
        if (offset + 1) % i64::try_from(COMMIT_FACTS)? == 0 {
            records += black_box(task.settle()).len();
        }
    }
    records += black_box(task.settle()).len();
    Ok(records)
}

fn open(sources: &[PathBuf], options: &Options) -> Result<Recording, Failure> {
    let recording = Recording::open(sources, options, &mut |_| {})?;
    let (report, rejected) = (recording.report(), recording.report().rejected_total());
    match rejected {
        0 => Ok(recording),
        _ => Err(format!("expected every object to be read, {rejected} were not: {:?}", report.rejections).into()),
    }
}

fn print(bytes: usize, parsed: Parsed, facts: usize, records: usize, samples: &[Vec<Sample>], rounds: usize) {
    println!(
        "{} objects in {:.1} MB ({} bytes each; {} Events, {} notifications of pods), {} facts, {} records of incidents",
        count(parsed.objects),
        bytes as f64 / 1e6,
        bytes / parsed.objects.max(1),
        count(parsed.events),
        count(parsed.pods),
        count(facts),
        count(records),
    );
    println!("median (least–greatest) of {rounds} rounds in turns\n");
    let heading = ["pass", "CPU µs an object", "CPU to all", "wall to all", "CPU to least", "wall to least", "facts/s"];
    let mut table = Table::new(heading);
    let names =
        ["parse all into structures", "parse the least, borrowed", "read and order facts", "read, order, correlate"];
    for (number, (name, side)) in names.into_iter().zip(samples).enumerate() {
        let wall = Spread::of(side.iter().map(|sample| sample.wall.as_secs_f64()));
        let facts = match number {
            0 | 1 => "–".to_owned(),
            _ => count((facts as f64 / wall.median) as usize),
        };
        table.row([
            name.to_owned(),
            spread(Spread::cpu_us_each(side, parsed.objects)),
            spread(Spread::cpu_ratio(side, &samples[0])),
            spread(Spread::wall_ratio(side, &samples[0])),
            spread(Spread::cpu_ratio(side, &samples[1])),
            spread(Spread::wall_ratio(side, &samples[1])),
            facts,
        ]);
    }
    println!("{table}");
}
