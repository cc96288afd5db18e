//! `replay`: folds recordings through all stages and prints what comes of them.

use crate::cli::{ReplayArgs, ReportFormat};
use crate::expect::{self, Expected};
use crate::fold::Fold;
use crate::input::Input;
use crate::reading::{Each, Reading};
use crate::report::{self, Report, wording};
use crate::style::{Paint, Style, one_line};
use crate::tally::Tally;
use crate::{exit, output};
use bellbuoy_core::fact::Body;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_wire::rules::Config;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a fold is doing, for whoever waits.
pub(crate) const FOLDING: &str = "replaying";

/// Runs a replay. `overrides` says whether the rules were named on the command line: then those that the journal names
/// are passed by, because the question is what these rules would have decided.
///
/// # Errors
/// When the input cannot be opened or standard output not be written.
pub(crate) fn run(args: &ReplayArgs, config: &Config, overrides: bool) -> anyhow::Result<exit::Code> {
    let input = Input::of(&args.from, config)?;
    let expected = args.expect.as_deref().map(Expected::read).transpose()?;
    let rules = Arc::new(config.rule_set());
    let (tally, reading) = fold(&rules, overrides, |each| input.read_last(FOLDING, each))?;
    let score = expected.map(|expected| expected.score(&tally.account, &tally.observed)).transpose()?;
    let mut out = output::stdout();
    match &score {
        Some(score) => report::score::write(&mut out, score, args.format)?,
        None => {
            let report = Report { account: &tally.account, observed: &tally.observed, rules: &rules, all: args.all };
            match args.format {
                ReportFormat::Text => report::text::write(&mut out, &report, Style::of(&std::io::stdout()))?,
                ReportFormat::Json => report::json::write(&mut out, &report)?,
            }
        }
    }
    out.flush()?;
    let rejected = complain(&reading, &tally)?;
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

/// Folds what is read through all stages, in memory.
///
/// # Errors
/// When the input cannot be read.
pub(crate) fn fold(
    rules: &Arc<RuleSet>,
    overrides: bool,
    read: impl FnOnce(&mut Each<'_>) -> anyhow::Result<Reading>,
) -> anyhow::Result<(Tally, Reading)> {
    let mut fold = Fold::new(rules);
    let reading = read(&mut |fact, _| {
        if !(overrides && matches!(fact.body, Body::Rules(_))) {
            fold.feed(fact);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((fold.end(), reading))
}

/// Explains on standard error what could not be used. Returns how much that was.
fn complain(reading: &Reading, tally: &Tally) -> anyhow::Result<u64> {
    let style = Style::of(&std::io::stderr());
    let mut out = std::io::stderr().lock();
    let mut by_stages = 0;
    for (reason, count) in &tally.rejected {
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
