//! A reading: what takes the facts that it shows, and what it has come across beside them.

use crate::place::Place;
use crate::report::wording;
use crate::style::{Paint, Style, one_line};
use bellbuoy_core::fact::Fact;
use std::io::Write;
use std::ops::ControlFlow;

/// Takes a fact with its place, and says whether to go on.
pub(crate) type Each<'a> = dyn FnMut(Fact, &dyn Fn() -> Place) -> anyhow::Result<ControlFlow<()>> + 'a;

/// What a reading has come across beside facts.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Records that could not be read.
    pub(crate) rejected: u64,
    /// The first of them, each with its place and what would have been right.
    pub(crate) rejections: Vec<String>,
    /// All of them by reason, where reasons are told apart.
    pub(crate) reasons: Vec<(String, u64)>,
    /// What was passed by on purpose, and what was assumed.
    pub(crate) notes: Vec<String>,
}

impl Reading {
    /// Counts a record that could not be read, and keeps what is wrong with it for the first `shown_max` of them.
    pub(crate) fn reject(&mut self, what: String, shown_max: usize) {
        self.rejected += 1;
        if self.rejections.len() < shown_max {
            self.rejections.push(what);
        }
    }

    /// Says what was passed by, assumed and rejected.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub(crate) fn explain(&self, out: &mut impl Write, style: Style) -> anyhow::Result<()> {
        for note in &self.notes {
            writeln!(out, "{}", style.paint(Paint::Faint, one_line(note, 500)))?;
        }
        for rejection in &self.rejections {
            writeln!(out, "rejected: {}", one_line(rejection, 700))?;
        }
        let hidden = self.rejected.saturating_sub(self.rejections.len() as u64);
        if hidden > 0 {
            writeln!(out, "rejected: {} like these", wording::counted(hidden, "more", "more"))?;
            for (reason, count) in &self.reasons {
                writeln!(out, "  {}: {}", one_line(reason, 200), wording::counted(*count, "record", "records"))?;
            }
        }
        Ok(())
    }
}
