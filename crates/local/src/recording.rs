//! A recording: files, folders and standard input, decoded, put in order, and read as often as needed.
//!
//! Everything is read once. What comes out is kept in memory up to a limit, and as bytes in temporary files beyond it:
//! first the drafts, in the order of the sources, then the facts, in sorted runs that are merged as they are read.

mod gather;
mod made_ahead;
mod readers;
mod report;
mod runs;
mod source;
mod spool;
mod weight;

use bellbuoy_core::fact::{Body, Fact, FactId};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_wire::recording::Horizon;
use gather::{Gathered, gather};
use made_ahead::MadeAhead;
pub use report::{REJECTIONS_SHOWN, Rejection, Report, SKIPPED_SHOWN, Skipped};
use runs::{Runs, Sorter, Waiting};
use spool::Entry;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The path that stands for standard input.
pub const STDIN: &str = "-";

/// How a recording is to be read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster of everything that names none.
    pub cluster: String,
    /// When dumps count as observed; by default the latest time of
    /// [`OBSERVATION_FIELDS`](bellbuoy_wire::recording::OBSERVATION_FIELDS).
    pub as_of: Option<Time>,
    /// Bytes kept in memory; beyond it, temporary files are used.
    pub memory_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cluster: "cluster".to_owned(), as_of: None, memory_bytes_max: 256 << 20 }
    }
}

/// How far the reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Sources are read: bytes so far, as they lie on disk, and of how many, where that is known.
    Reading {
        /// Bytes so far.
        bytes: u64,
        /// Bytes of all sources.
        total: Option<u64>,
    },
    /// What was read is put in order: reports so far, of how many.
    Sorting {
        /// Reports so far.
        reports: u64,
        /// All of them.
        total: u64,
    },
}

/// A recording cannot be read at all. What is wrong inside of a source is in the [`Report`] instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source that was named cannot be opened.
    #[error("failed to open {path}: {source}; expected a file, a folder, or - for standard input", path = .path.display())]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Temporary files cannot be written or read.
    #[error("failed to keep a recording that is larger than memory in {path}: {source}", path = .path.display())]
    Spill {
        /// The folder of temporary files.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    fn spill(source: std::io::Error) -> Self {
        Self::Spill { path: std::env::temp_dir(), source }
    }

    fn open(path: &Path, source: std::io::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }
}

/// A recording, decoded and in order.
#[derive(Debug)]
pub struct Recording {
    runs: Runs,
    ends: Vec<Fact>,
    report: Report,
}

impl Recording {
    /// Reads all sources: files, folders (in the order of their names), and [`STDIN`].
    ///
    /// # Errors
    /// When a source that was named cannot be opened, or temporary files cannot be written.
    pub fn open(sources: &[PathBuf], options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Self, Error> {
        // Half for what was read, half for what becomes of it.
        let share = usize::try_from(options.memory_bytes_max / 2).unwrap_or(usize::MAX);
        let gathered = gather(sources, options, share, progress)?;
        settle(gathered, options, share, progress)
    }

    /// All facts, by scope's stream time: (observed_at, id), and the order of the journal for facts of archives. The
    /// records that end the recording come last.
    ///
    /// # Errors
    /// The first one, when temporary files cannot be opened.
    pub fn facts(&self) -> Result<impl Iterator<Item = Result<Fact, Error>>, Error> {
        Ok(self.runs.read()?.chain(self.ends.iter().cloned().map(Ok)))
    }

    /// The same facts, for the last time: nothing of them is copied, and a thread of their own makes them ready while
    /// those before them are read.
    ///
    /// # Errors
    /// Those of [`Recording::facts`].
    pub fn into_facts(self) -> Result<impl Iterator<Item = Result<Fact, Error>>, Error> {
        Ok(MadeAhead::of(self.runs.into_facts()?.chain(self.ends.into_iter().map(Ok))))
    }

    /// What was read, what was not, and why.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

fn settle(
    gathered: Gathered,
    options: &Options,
    share: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Recording, Error> {
    let Gathered { spool, census, dumped, mut report, ended } = gathered;
    let mut horizon = Horizon::new(census, options.as_of);
    if horizon.must_recount() {
        spool.visit(|entry| match entry {
            Entry::Draft { draft, .. } => horizon.recount(draft),
            Entry::Fact(fact) => horizon.recount_settled(fact),
        })?;
    }
    let mut sorter = Sorter::new(share);
    let mut dated = Vec::new();
    // The order of a journal is kept even where its facts came late.
    let mut reached: BTreeMap<Scope, Time> = BTreeMap::new();
    let total = spool.len();
    for (number, entry) in (0..).zip(spool.into_entries()?) {
        let (entry, bytes) = entry?;
        if u64::is_multiple_of(number, 4096) {
            progress(Progress::Sorting { reports: number, total });
        }
        match entry {
            Entry::Draft { stream, draft } => {
                if dumped.is_replaced(number, &draft) {
                    report.replaced += 1;
                    continue;
                }
                let source = report.source_name(stream);
                horizon.settle(stream, draft, &mut dated, |rejected| report.reject(&source, rejected));
                for dated in dated.drain(..) {
                    report.count(&dated.draft().object, &dated.draft().body);
                    sorter.push(dated.observed_at(), Waiting::Dated(dated), bytes)?;
                }
            }
            Entry::Fact(fact) => {
                horizon.note_settled(&fact);
                report.count(&fact.object, &fact.body);
                let at = reached.entry(fact.scope.clone()).or_insert(fact.observed_at);
                *at = fact.observed_at.max(*at);
                sorter.push(*at, Waiting::Settled(fact, number), bytes)?;
            }
        }
    }
    progress(Progress::Sorting { reports: total, total });
    let mut ends = horizon.end_records();
    for end in &mut ends {
        let at = ended.get(&end.scope).map_or(end.observed_at, |ended| end.observed_at.max(*ended));
        *end = Fact::end_of_recording(end.scope.clone(), at);
        debug_assert!(matches!(end.body, Body::EndOfRecording));
    }
    report.as_of = horizon.scopes().map(|(scope, as_of)| (scope.clone(), as_of)).collect();
    report.limit = horizon.limit();
    Ok(Recording { runs: sorter.finish(), ends, report })
}

/// The name of an object without its incarnation, for telling its dumps apart.
fn object_key(draft: &bellbuoy_wire::recording::Draft) -> FactId {
    FactId::of(&(&draft.scope, &draft.object.kind, &draft.object.namespace, &draft.object.name))
}
