//! `replay`: folds recordings through all stages and prints what comes of them.

use crate::cli::{ReplayArgs, ReportFormat};
use crate::expect::{self, Expected};
use crate::fold::Fold;
use crate::input::{Input, Reading};
use crate::report::{self, Report, wording};
use crate::style::{Paint, Style, one_line};
use crate::{exit, output};
use bellbuoy_core::fact::Body;
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_wire::rules::Config;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Runs a replay. `overrides` says whether the rules were named on the command line: then those that the journal names
/// are passed by, because the question is what these rules would have decided.
///
/// # Errors
/// When the input cannot be opened or standard output not be written.
pub(crate) fn run(args: &ReplayArgs, config: &Config, overrides: bool) -> anyhow::Result<exit::Code> {
    let input = Input::of(&args.from, config)?;
    let expected = args.expect.as_deref().map(Expected::read).transpose()?;
    let rules = Arc::new(config.rule_set());
    let (fold, reading) = fold(&input, &rules, overrides)?;
    let score = expected.map(|expected| expected.score(&fold.account, &fold.observed)).transpose()?;
    let mut out = output::stdout();
    match &score {
        Some(score) => report::score::write(&mut out, score, args.format)?,
        None => {
            let report = Report { account: &fold.account, observed: &fold.observed, rules: &rules, all: args.all };
            match args.format {
                ReportFormat::Text => report::text::write(&mut out, &report, Style::of(&std::io::stdout()))?,
                ReportFormat::Json => report::json::write(&mut out, &report)?,
            }
        }
    }
    out.flush()?;
    let rejected = complain(&reading, &fold)?;
    let below = score.map(|scored| expect::below(&args.fail_under, &scored.score)).unwrap_or_default();
    for line in &below {
        writeln!(std::io::stderr(), "{line}")?;
    }
    Ok(match (args.strict && rejected > 0, below.is_empty()) {
        // What was not read may be what would have been scored otherwise.
        (true, _) => exit::Code::Rejected,
        (false, false) => exit::Code::Below,
        (false, true) => exit::Code::Done,
    })
}

/// Folds an input through all stages, in memory.
///
/// # Errors
/// When the input cannot be read.
pub(crate) fn fold(
    input: &Input,
    rules: &Arc<bellbuoy_core::rules::RuleSet>,
    overrides: bool,
) -> anyhow::Result<(Fold<MemoryLog>, Reading)> {
    let mut fold = Fold::new(MemoryLog::for_replay(1), rules)?;
    let reading = input.read("replaying", |fact, _| {
        if !(overrides && matches!(fact.body, Body::Rules(_))) {
            fold.feed(fact, |_| {})?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    fold.end(|_| {})?;
    Ok((fold, reading))
}

/// Explains on standard error what could not be used. Returns how much that was.
fn complain(reading: &Reading, fold: &Fold<MemoryLog>) -> anyhow::Result<u64> {
    let style = Style::of(&std::io::stderr());
    let mut out = std::io::stderr().lock();
    let mut by_stages = 0;
    for (reason, count) in &fold.rejected {
        by_stages += count;
        writeln!(
            out,
            "{}: {}",
            wording::counted(*count, "fact could not be used", "facts could not be used"),
            one_line(reason, 300)
        )?;
    }
    reading.explain(&mut out, style)?;
    let rejected = reading.rejected + by_stages;
    if rejected > 0 {
        let line = wording::counted(rejected, "record was rejected", "records were rejected");
        writeln!(out, "{}", style.paint(Paint::Warning, format!("{line}; the rest is unharmed")))?;
    }
    Ok(rejected)
}
