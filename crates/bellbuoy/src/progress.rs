//! A progress bar on standard error: only on a terminal, and only for work that takes a while.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Work shorter than this shows no bar: it would only flicker.
const QUIET_FOR: Duration = Duration::from_millis(500);

const BYTES: &str = "{spinner} {msg}  {bytes} of {total_bytes}  {wide_bar} {elapsed}";
const RECORDS: &str = "{spinner} {msg}  {human_pos} of {human_len}  {wide_bar} {elapsed}";

/// How far a piece of work has come.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    is_terminal: bool,
    is_shown: bool,
}

impl Progress {
    /// Work that is measured in bytes.
    pub(crate) fn bytes(what: &'static str) -> Self {
        Self::new(what, BYTES)
    }

    /// Work that is measured in records.
    pub(crate) fn records(what: &'static str) -> Self {
        Self::new(what, RECORDS)
    }

    fn new(what: &'static str, template: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        // A template that does not parse would leave the plain bar; the test below parses them.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, began: Instant::now(), is_terminal: std::io::stderr().is_terminal(), is_shown: false }
    }

    /// Notes how far the work has come, and how far it has to go where that is known.
    pub(crate) fn at(&mut self, done: u64, total: Option<u64>) {
        if !self.is_terminal {
            return;
        }
        if !self.is_shown && self.began.elapsed() > QUIET_FOR {
            self.is_shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        match total {
            Some(total) => self.bar.set_length(total.max(done)),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        for template in [BYTES, RECORDS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
