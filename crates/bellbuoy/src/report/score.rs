//! The report of a score: figures, what went wrong, and what could not be scored.

use super::wording::counted;
use crate::cli::ReportFormat;
use crate::expect::Scored;
use crate::style::{Paint, Style, one_line};
use bellbuoy_core::severity::Severity;
use bellbuoy_local::score::{CauseRatio, Mistake, Ratio, Score};
use bellbuoy_wire::labels::Label;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Writes a score.
///
/// # Errors
/// When the stream cannot be written.
pub(crate) fn write(out: &mut impl Write, scored: &Scored, format: ReportFormat) -> io::Result<()> {
    match format {
        ReportFormat::Text => text(out, scored, Style::of(&std::io::stdout())),
        ReportFormat::Json => {
            serde_json::to_writer(&mut *out, &object(scored)).map_err(io::Error::from)?;
            out.write_all(b"\n")
        }
    }
}

fn text(out: &mut impl Write, scored: &Scored, style: Style) -> io::Result<()> {
    for (name, figure) in scored.score.lines() {
        writeln!(out, "{}  {figure}", style.paint(Paint::Faint, format!("{name:<18}")))?;
    }
    if !scored.left_out.is_empty() {
        let labels = counted(scored.left_out.len() as u64, "label speaks", "labels speak");
        writeln!(out, "\n{labels} of clusters or times of which nothing was read, and counts for nothing:")?;
        for label in &scored.left_out {
            writeln!(out, "  {}", one_line(&label.to_string(), 300))?;
        }
    }
    let mistakes = &scored.score.mistakes;
    if mistakes.is_empty() {
        return writeln!(out, "\n{}", style.paint(Paint::Good, "nothing went wrong"));
    }
    let count = counted(mistakes.len() as u64, "thing", "things");
    writeln!(out, "\n{}", style.paint(Paint::Strong, format!("{count} went wrong")))?;
    for mistake in mistakes {
        // Names of the recording stand in it, which could be anything.
        let text = one_line(&mistake.text, 2_000);
        writeln!(out, "  {}  {text}", style.paint(Paint::Warning, format!("{:<12}", mistake.fault)))?;
    }
    Ok(())
}

fn object(scored: &Scored) -> Value {
    let Score { times_to_detect: times, incidents_per_failure: per_failure, .. } = &scored.score;
    let score = &scored.score;
    let seconds = |percent| times.percentile(percent).map(|span| span.0 as f64 / 1e6);
    let severities: Map<String, Value> =
        Severity::ALL.into_iter().map(|one| (one.to_string(), score.severities.of(one).into())).collect();
    json!({
        "detected": ratio(score.detected),
        "only_noted": score.only_noted,
        "precision": ratio(score.precision),
        "incidents_per_failure": ratio(*per_failure),
        "top1": cause(&score.top1),
        "top3": cause(&score.top3),
        "seconds_to_detect": {
            "count": times.count(),
            "median": seconds(50),
            "p90": seconds(90),
            "max": seconds(100),
        },
        "healthy_times": score.healthy_times,
        "false_alarms": score.false_alarms,
        "severities": severities,
        "merged": score.merged,
        "mistakes": score.mistakes.iter().map(mistake).collect::<Vec<_>>(),
        "left_out": scored.left_out.iter().map(Label::to_string).collect::<Vec<_>>(),
    })
}

fn ratio(ratio: Ratio) -> Value {
    json!({ "part": ratio.part, "whole": ratio.whole, "value": ratio.value() })
}

fn cause(cause: &CauseRatio) -> Value {
    json!({ "entity": ratio(cause.entity), "entity_and_signal": ratio(cause.entity_and_signal) })
}

fn mistake(mistake: &Mistake) -> Value {
    json!({
        "fault": mistake.fault.to_string(),
        "label": mistake.label,
        "cluster": mistake.scope.as_ref().map(|scope| &*scope.0),
        "incidents": mistake.incidents.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "text": mistake.text,
    })
}
