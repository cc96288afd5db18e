//! Outcomes by kind, as a table.

use crate::outcome::Outcome;
use std::collections::BTreeMap;
use std::fmt;

/// Outcomes by kind.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<&'static str, Row>,
}

/// Outcomes of one kind, or of all.
#[derive(Clone, Copy, Default)]
pub(crate) struct Row {
    pub all: usize,
    pub detected: usize,
    pub first: usize,
    pub named: usize,
    pub incidents: usize,
    pub false_alarms: usize,
    delay_secs: i64,
    timed: i64,
}

impl Row {
    fn add(&mut self, outcome: &Outcome) {
        self.all += 1;
        self.detected += usize::from(outcome.detected);
        self.first += usize::from(outcome.first);
        self.named += usize::from(outcome.named);
        self.incidents += outcome.incidents;
        self.false_alarms += outcome.false_alarms;
        if let Some(delay) = outcome.delay_secs {
            (self.delay_secs, self.timed) = (self.delay_secs + delay, self.timed + 1);
        }
    }

    fn sum(&mut self, other: &Row) {
        self.all += other.all;
        self.detected += other.detected;
        self.first += other.first;
        self.named += other.named;
        self.incidents += other.incidents;
        self.false_alarms += other.false_alarms;
        (self.delay_secs, self.timed) = (self.delay_secs + other.delay_secs, self.timed + other.timed);
    }

    /// Of a hundred failures, how many have their cause named first.
    pub(crate) fn first_percent(&self) -> f64 {
        percent(self.first, self.all)
    }

    /// Of a hundred failures, how many are found.
    pub(crate) fn detected_percent(&self) -> f64 {
        percent(self.detected, self.all)
    }

    /// Incidents for each failure that is found.
    pub(crate) fn incidents_each(&self) -> f64 {
        self.incidents as f64 / self.detected.max(1) as f64
    }

    /// Alarms about what does not suffer, for each failure.
    pub(crate) fn false_alarms_each(&self) -> f64 {
        self.false_alarms as f64 / self.all.max(1) as f64
    }
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

impl Table {
    /// Takes an outcome in.
    pub(crate) fn add(&mut self, kind: &'static str, outcome: &Outcome) {
        self.rows.entry(kind).or_default().add(outcome);
    }

    /// All kinds together.
    pub(crate) fn total(&self) -> Row {
        let mut total = Row::default();
        self.rows.values().for_each(|row| total.sum(row));
        total
    }

    /// The kinds, by name.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        self.rows.iter().map(|(kind, row)| (*kind, row))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["kind", "all", "detected", "top-1", "named", "incidents", "false", "delay"];
        writeln!(
            f,
            "{:38} {:>5} {:>9} {:>7} {:>7} {:>9} {:>7} {:>7}",
            head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7]
        )?;
        let total = self.total();
        for (kind, row) in self.rows().chain([("all", &total)]) {
            writeln!(
                f,
                "{kind:38} {:>5} {:>8.0}% {:>6.0}% {:>6.0}% {:>9.2} {:>7.2} {:>6}s",
                row.all,
                row.detected_percent(),
                row.first_percent(),
                percent(row.named, row.all),
                row.incidents_each(),
                row.false_alarms_each(),
                row.delay_secs / row.timed.max(1),
            )?;
        }
        Ok(())
    }
}
