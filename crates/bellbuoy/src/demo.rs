//! `demo`: a hand-made bad hour, played through the whole embedded pipeline at a speed-up.

mod fold;
mod news;
mod view;

use crate::cli::{DemoArgs, Speed};
use crate::report::Report;
use crate::report::wording;
use crate::style::{Paint, Style};
use crate::{input, moment, output};
use anyhow::{Context, bail};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::Log;
use fold::{Fold, Said};
use news::Newsroom;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use view::View;

/// The recording, written by hand.
const RECORDING: &str = include_str!("../demo/one-bad-hour.jsonl");
/// The cluster that it speaks of.
const CLUSTER: &str = "shop-eu-1";
/// An hour in half a minute.
const SPEED_ON_A_TERMINAL: f64 = 120.0;
/// Between two looks of the live view.
const FRAME: Duration = Duration::from_millis(100);
/// How much of the recording is taken at once where nobody watches the clock.
const STRIDE: Span = Span::from_secs(10);

/// Runs the demo.
///
/// # Errors
/// When the log cannot be kept, or standard output cannot be written.
pub(crate) fn run(args: &DemoArgs, rules: &Arc<RuleSet>) -> anyhow::Result<()> {
    let mut out = output::stdout();
    if args.print_recording {
        out.write_all(RECORDING.as_bytes())?;
        return Ok(out.flush()?);
    }
    let on_terminal = std::io::stdout().is_terminal();
    let speed = args.speed.unwrap_or(if on_terminal { Speed::Times(SPEED_ON_A_TERMINAL) } else { Speed::Max });
    let style = Style::of(&std::io::stdout());
    let home = Home::of(args.data_dir.as_deref())?;
    let facts = read_recording(home.scratch.path())?;
    let log = DiskLog::open(&home.data_dir, Settings { partitions: 1, ..Settings::default() })?;
    introduce(&mut out, speed, style)?;
    out.flush()?;

    let mut fold = Fold::new(log, rules)?;
    let first = facts.first().map(|fact| fact.observed_at).unwrap_or_default();
    if let Some(fact) = facts.first() {
        // The journal names the rules that it is decided by, so that it can be explained and replayed on its own.
        fold.feed(Fact::rules(fact.scope.clone(), rules.clone(), first), |_| {})?;
    }
    let mut view = View::new(out, on_terminal && speed != Speed::Max, style, &facts);
    play(&mut fold, facts, speed, rules, &mut view)?;
    let mut out = view.finish();
    summarise(&mut out, &fold, rules, args.data_dir.as_deref(), style)?;
    Ok(out.flush()?)
}

/// Where the log and the recording are kept.
struct Home {
    /// Goes with everything in it when the demo ends.
    scratch: tempfile::TempDir,
    data_dir: PathBuf,
}

impl Home {
    fn of(wanted: Option<&Path>) -> anyhow::Result<Self> {
        let scratch = tempfile::Builder::new().prefix("bellbuoy-demo-").tempdir();
        let scratch = scratch.context("failed to make a temporary directory: set TMPDIR to one that can be written")?;
        let data_dir = match wanted {
            None => scratch.path().join("data"),
            Some(wanted) => {
                if wanted.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
                    bail!("--data-dir is {}, which is not empty: name a new or an empty directory", wanted.display());
                }
                wanted.to_owned()
            }
        };
        Ok(Self { scratch, data_dir })
    }
}

/// The recording goes the way of every recording: through a file.
fn read_recording(scratch: &Path) -> anyhow::Result<Vec<Fact>> {
    let file = scratch.join("one-bad-hour.jsonl");
    std::fs::write(&file, RECORDING).with_context(|| format!("failed to write {}", file.display()))?;
    let input = input::Input::of_file(file, CLUSTER)?;
    let mut facts = Vec::new();
    let reading = input.read("reading the recording", |fact, _| {
        facts.push(fact);
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    if let Some(rejected) = reading.rejections.first() {
        bail!("the program's own recording has a line that cannot be read: {rejected}");
    }
    Ok(facts)
}

fn introduce(out: &mut impl Write, speed: Speed, style: Style) -> std::io::Result<()> {
    writeln!(
        out,
        "{}",
        style.paint(
            Paint::Strong,
            "One bad hour of a small shop's cluster, written by hand: no such shop, cluster or hour exists."
        )
    )?;
    let pace = match speed {
        Speed::Max => "as fast as it goes".to_owned(),
        Speed::Times(times) => format!("{times} times as fast as it was written"),
    };
    writeln!(
        out,
        "It goes through the embedded pipeline {pace}: journal, correlate, classify, escalate. Nobody is paged.\n"
    )
}

/// Hands the facts over as the recording's clock comes to them, and shows what the stages say of them.
fn play<L: Log>(
    fold: &mut Fold<L>,
    facts: Vec<Fact>,
    speed: Speed,
    rules: &RuleSet,
    view: &mut View<output::Stdout>,
) -> anyhow::Result<()> {
    let mut newsroom = Newsroom::default();
    let mut facts = facts.into_iter().peekable();
    let began = Instant::now();
    let first = facts.peek().map(|fact| fact.observed_at).unwrap_or_default();
    let mut clock = first;
    while let Some(next) = facts.peek().map(|fact| fact.observed_at) {
        clock = match speed {
            Speed::Max => next.max(clock + STRIDE),
            Speed::Times(times) => {
                std::thread::sleep(FRAME);
                first + recorded(began.elapsed(), times)
            }
        };
        let mut said = Vec::new();
        while let Some(fact) = facts.next_if(|fact| fact.observed_at <= clock) {
            fold.feed(fact, |what| said.extend(newsroom.item(&what, rules)))?;
        }
        fold.settle(|what: Said<'_>| said.extend(newsroom.item(&what, rules)))?;
        // Pages are decided behind the incidents that they are about, so that each stage's words are put in order of time.
        said.sort_by_key(|item| item.at);
        view.show(clock, fold.tally.observed.facts, said, &fold.tally.account, rules)?;
    }
    Ok(())
}

/// How much of the recording passes in so much time.
fn recorded(elapsed: Duration, times: f64) -> Span {
    let micros = elapsed.as_secs_f64() * times * 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, and beyond it is the recording's end"
    )]
    Span(micros as i64)
}

fn summarise<L: Log>(
    out: &mut impl Write,
    fold: &Fold<L>,
    rules: &RuleSet,
    data_dir: Option<&Path>,
    style: Style,
) -> std::io::Result<()> {
    let report = Report { account: &fold.tally.account, observed: &fold.tally.observed, rules, all: false };
    writeln!(out, "\n{}", style.paint(Paint::Strong, "What was found"))?;
    let mut count = 0u64;
    for entry in report.entries() {
        count += 1;
        let triaged = &entry.triaged;
        let headline = wording::headline(&triaged.incident, rules);
        let status = wording::status(&triaged.incident);
        writeln!(out, "  {} {status:<9} {}", style.severity(triaged.severity), style.paint(Paint::Strong, headline))?;
        let told = wording::counted(entry.pages.len() as u64, "page", "pages");
        let (id, when) = (triaged.incident.id, wording::when(entry, fold.tally.observed.last(&entry.scope)));
        writeln!(out, "     {id}, owner {}, {when}, {}, {told}", triaged.owner, wording::extent(&triaged.incident))?;
    }
    let (facts, incidents) = (fold.tally.observed.facts, wording::counted(count, "incident", "incidents"));
    let pages = wording::counted(fold.tally.account.pages, "page", "pages");
    writeln!(out, "\n{} became {incidents} and {pages}.", wording::counted(facts, "fact", "facts"))?;
    let incident = report.entries().next().map_or_else(String::new, |entry| entry.triaged.incident.id.to_string());
    let short: String = incident.chars().take("inc-".len() + 6).collect();
    writeln!(out, "\n{}", style.paint(Paint::Strong, "What to try next"))?;
    match data_dir {
        Some(directory) => writeln!(out, "  bellbuoy explain {short} --data-dir {}", directory.display())?,
        None => {
            writeln!(out, "  bellbuoy demo --print-recording > hour.jsonl")?;
            writeln!(out, "  bellbuoy replay hour.jsonl --cluster {CLUSTER}")?;
            writeln!(out, "  bellbuoy explain {short} hour.jsonl --cluster {CLUSTER}")?;
        }
    }
    writeln!(out, "  kubectl get events,pods,nodes,deployments,replicasets -A -o json | bellbuoy replay -")
}

/// The recording's clock, for people.
fn clock_of(time: Time) -> String {
    moment::time_of_day(time)
}
