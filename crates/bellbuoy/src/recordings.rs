//! Recordings, to read: files, folders and standard input, decoded and in the order of time.

use crate::moment;
use crate::place::Place;
use crate::progress::Progress;
use crate::reading::{Each, Reading};
use crate::report::wording;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::time::Time;
use bellbuoy_local::recording::{self, Options, Recording, Report};
use std::path::PathBuf;

/// Skipped files that are named; all are counted.
const SKIPPED_NAMED: usize = 5;

/// Recordings that have been decoded once and can be read as often as needed.
pub(crate) struct Recordings(Recording);

impl Recordings {
    /// Reads all sources.
    ///
    /// # Errors
    /// When one that was named cannot be opened, or temporary files cannot be written.
    pub(crate) fn open(sources: &[PathBuf], cluster: String, as_of: Option<Time>) -> anyhow::Result<Self> {
        let options = Options { cluster, as_of, ..Options::default() };
        let mut reading = Progress::bytes("reading");
        let mut sorting: Option<Progress> = None;
        let opened = Recording::open(sources, &options, &mut |progress| match progress {
            recording::Progress::Reading { bytes, total } => reading.at(bytes, total),
            recording::Progress::Sorting { reports, total } => {
                reading.finish();
                sorting.get_or_insert_with(|| Progress::records("putting in order")).at(reports, Some(total));
            }
        });
        Ok(Self(opened?))
    }

    /// Shows every fact in order, until told to stop.
    ///
    /// # Errors
    /// When temporary files cannot be read, and those of `each`.
    pub(crate) fn read(&self, progress: &mut Progress, each: &mut Each<'_>) -> anyhow::Result<Reading> {
        show(self.0.facts()?, self.0.report().facts_total(), progress, each)?;
        Ok(reading(self.0.report()))
    }

    /// The same, for the last time: nothing is copied.
    ///
    /// # Errors
    /// Those of [`Recordings::read`].
    pub(crate) fn read_last(self, progress: &mut Progress, each: &mut Each<'_>) -> anyhow::Result<Reading> {
        let (reading, total) = (reading(self.0.report()), self.0.report().facts_total());
        show(self.0.into_facts()?, total, progress, each)?;
        Ok(reading)
    }
}

fn show(
    facts: impl Iterator<Item = Result<Fact, recording::Error>>,
    total: u64,
    progress: &mut Progress,
    each: &mut Each<'_>,
) -> anyhow::Result<()> {
    for (number, fact) in (1..).zip(facts) {
        progress.at(number, Some(total));
        if each(fact?, &|| Place::Recording(number))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn reading(report: &Report) -> Reading {
    Reading {
        rejected: report.rejected_total(),
        rejections: report.rejections.iter().map(ToString::to_string).collect(),
        reasons: report.rejected.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
        notes: notes(report),
    }
}

/// What was passed by on purpose, and what was assumed.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    for (reason, count) in &report.skipped {
        let files = report.skipped_files.iter().filter(|file| file.reason == *reason);
        let mut named: Vec<_> = files.take(SKIPPED_NAMED).map(|file| &*file.source).collect();
        if *count > named.len() as u64 {
            named.push("…");
        }
        let files = wording::counted(*count, "file", "files");
        notes.push(format!("did not use {files}, {reason}: {}", named.join(", ")));
    }
    for (what, count) in &report.ignored {
        let records = wording::counted(*count, "record", "records");
        notes.push(format!("left out {records}: {}", what.as_str()));
    }
    if report.replaced > 0 {
        let dumps = wording::counted(report.replaced, "dumped state", "dumped states");
        notes.push(format!("left out {dumps} that a later dump of the same object replaces"));
    }
    for (scope, as_of) in &report.as_of {
        if let Some(as_of) = as_of {
            let at = moment::date_and_time(as_of.time);
            let why = match as_of.field {
                Some(field) => format!("the latest time in it ({}); --as-of TIME sets another", field.name()),
                None => "as --as-of says".to_owned(),
            };
            notes.push(format!("cluster {scope}: dumped states count as observed at {at} UTC, {why}"));
        }
    }
    notes
}
