//! The view of a demo: live on a terminal, plain lines elsewhere.

use super::clock_of;
use super::news::{Item, Topic};
use crate::account::Account;
use crate::report::wording;
use crate::style::{Paint, Style};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::Time;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;

/// Incidents that the live view has lines for; the worst are shown.
const INCIDENTS_SHOWN: usize = 10;

/// Shows what happens.
pub(super) struct View<W> {
    out: W,
    style: Style,
    live: Option<Live>,
}

impl<W: Write> View<W> {
    /// A view, live or of lines.
    pub(super) fn new(out: W, is_live: bool, style: Style, facts: &[Fact]) -> Self {
        let ends = facts.first().zip(facts.last());
        let live = ends.filter(|_| is_live).map(|(first, last)| Live::new(first.observed_at, last.observed_at));
        Self { out, style, live }
    }

    /// Shows the news and where things stand.
    pub(super) fn show(
        &mut self,
        clock: Time,
        facts: u64,
        news: Vec<Item>,
        account: &Account,
        rules: &RuleSet,
    ) -> anyhow::Result<()> {
        for item in news {
            let line = line(&item, self.style);
            match &self.live {
                Some(live) => live.all.println(line)?,
                None => writeln!(self.out, "{line}")?,
            }
        }
        match &self.live {
            Some(live) => live.show(clock, facts, account, rules, self.style),
            None => self.out.flush()?,
        }
        Ok(())
    }

    /// Takes the live part away and gives the stream back.
    pub(super) fn finish(self) -> W {
        if let Some(live) = self.live {
            live.bars().for_each(ProgressBar::finish_and_clear);
        }
        self.out
    }
}

fn line(item: &Item, style: Style) -> String {
    let paint = match item.topic {
        Topic::Opened | Topic::Rejected => Paint::Bad,
        Topic::Grew | Topic::Cause => Paint::Warning,
        Topic::Resolved => Paint::Good,
        Topic::Merged => Paint::Faint,
        Topic::Page => Paint::Strong,
    };
    // Padded before it is painted, because a terminal does not count what it does not show.
    format!("{}  {}  {}", clock_of(item.at), style.paint(paint, format!("{:<8}", item.topic.name())), item.text)
}

/// The live part at the bottom of the terminal: the clock, and a line per incident.
struct Live {
    all: MultiProgress,
    clock: ProgressBar,
    incidents: Vec<ProgressBar>,
    first: Time,
}

impl Live {
    fn new(first: Time, last: Time) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let seconds = u64::try_from(last.since(first).as_secs()).unwrap_or(0).max(1);
        let clock = all.add(ProgressBar::new(seconds));
        // A template that does not parse would leave the plain bar; the test below parses both.
        if let Ok(style) = ProgressStyle::with_template(CLOCK) {
            clock.set_style(style);
        }
        let mut incidents = Vec::new();
        for _ in 0..INCIDENTS_SHOWN {
            let bar = all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template(INCIDENT) {
                bar.set_style(style);
            }
            incidents.push(bar);
        }
        Self { all, clock, incidents, first }
    }

    fn show(&self, clock: Time, facts: u64, account: &Account, rules: &RuleSet, style: Style) {
        let done = u64::try_from(clock.since(self.first).as_secs()).unwrap_or(0);
        let pages = wording::counted(account.pages, "page", "pages");
        self.clock.set_message(format!("{}  {}, {pages}", clock_of(clock), wording::counted(facts, "fact", "facts")));
        self.clock.set_position(done.min(self.clock.length().unwrap_or(done)));
        let ranked = account.ranked();
        let mut entries = ranked.into_iter().filter(|entry| !entry.is_merged());
        for bar in &self.incidents {
            let message = entries.next().map(|entry| {
                let triaged = &entry.triaged;
                let incident = &triaged.incident;
                let status = wording::status(incident);
                let paint = if entry.is_open() { Paint::Strong } else { Paint::Good };
                let pages = wording::counted(entry.pages.len() as u64, "page", "pages");
                let (severity, status) = (style.severity(triaged.severity), style.paint(paint, format!("{status:<9}")));
                format!(
                    "  {severity} {status} {}; {}, {pages}",
                    wording::headline(incident, rules),
                    wording::extent(incident)
                )
            });
            bar.set_message(message.unwrap_or_default());
        }
    }

    fn bars(&self) -> impl Iterator<Item = &ProgressBar> {
        std::iter::once(&self.clock).chain(&self.incidents)
    }
}

const CLOCK: &str = "{wide_bar} {msg}";
const INCIDENT: &str = "{wide_msg}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        for template in [CLOCK, INCIDENT] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn lines_tell_time_topic_and_text() {
        let item =
            Item { at: Time::from_secs(1_773_738_000), topic: Topic::Opened, text: "P2 Node a is lost".to_owned() };
        assert_eq!(line(&item, Style::PLAIN), "09:00:00  opened    P2 Node a is lost");
    }
}
