//! The figures of a score: shares, times to detect, counts by severity.

use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Span;
use std::fmt;
use std::ops::AddAssign;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// How many are so.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Ratio {
    /// The quotient; none of nothing.
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }

    /// Counts one more, which is so or is not.
    pub(super) fn note(&mut self, is_so: bool) {
        self.part += usize::from(is_so);
        self.whole += 1;
    }
}

impl fmt::Display for Ratio {
    /// `9 of 12 (75.0%)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(value) => write!(f, "{} of {} ({:.1}%)", self.part, self.whole, value * 100.0),
            None => f.write_str("nothing to measure"),
        }
    }
}

impl AddAssign for Ratio {
    fn add_assign(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
    }
}

/// How often the cause was right, of all labelled failures: one that was missed has no right cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CauseRatio {
    /// The entity was right.
    pub entity: Ratio,
    /// Of the labels that name a signal: entity and signal of one cause were right.
    pub entity_and_signal: Ratio,
}

impl AddAssign for CauseRatio {
    fn add_assign(&mut self, other: Self) {
        self.entity += other.entity;
        self.entity_and_signal += other.entity_and_signal;
    }
}

/// How long failures went on before an incident was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimesToDetect {
    /// The shortest first.
    sorted: Vec<Span>,
}

impl TimesToDetect {
    /// How many were measured.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The shortest time within which so many per cent were detected (the nearest rank); none of none.
    pub fn percentile(&self, percent: usize) -> Option<Span> {
        let rank = (self.sorted.len() * percent.min(100)).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied()
    }

    pub(super) fn note(&mut self, time: Span) {
        let at = self.sorted.partition_point(|other| *other <= time);
        self.sorted.insert(at, time);
    }
}

impl AddAssign for TimesToDetect {
    fn add_assign(&mut self, other: Self) {
        self.sorted.extend(other.sorted);
        self.sorted.sort_unstable();
    }
}

/// How many incidents there were of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Severities([usize; Severity::ALL.len()]);

impl Severities {
    /// How many there were of this one.
    pub fn of(&self, severity: Severity) -> usize {
        self.0[severity as usize]
    }

    pub(super) fn note(&mut self, severity: Severity) {
        self.0[severity as usize] += 1;
    }
}

impl fmt::Display for Severities {
    /// `P1 0, P2 1, P3 4, P4 0, P5 12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, severity) in Severity::ALL.into_iter().enumerate() {
            write!(f, "{}{severity} {}", if at > 0 { ", " } else { "" }, self.of(severity))?;
        }
        Ok(())
    }
}

impl AddAssign for Severities {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, one)| *sum += one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!(Ratio { part: 9, whole: 12 }.to_string(), "9 of 12 (75.0%)");
        assert_eq!(Ratio::default().to_string(), "nothing to measure");
        assert_eq!(Ratio::default().value(), None);
    }

    #[test]
    fn percentiles_are_times_that_occurred() {
        let mut times = TimesToDetect::default();
        assert_eq!(times.percentile(50), None);
        for secs in [9, 1, 5, 7, 3, 10, 2, 4, 6, 8] {
            times.note(Span::from_secs(secs));
        }
        for (percent, secs) in [(0, 1), (50, 5), (90, 9), (91, 10), (100, 10)] {
            assert_eq!(times.percentile(percent), Some(Span::from_secs(secs)), "{percent}");
        }
    }
}
