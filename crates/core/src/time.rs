//! The two times of a fact. Both are data: nothing in the pure crates asks a clock.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::ops::{Add, Sub};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
///
/// Used for `observed_at` (stamped by ingest, the only time that moves stream time) and for the bounds of an
/// [`Interval`] (what the source claims, used for causality only).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Time(pub i64);

/// A length of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Span(pub i64);

impl Time {
    /// Earlier than anything that is observed.
    pub const MIN: Time = Time(i64::MIN);
    /// Later than anything that is observed.
    pub const MAX: Time = Time(i64::MAX);

    /// A time from whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A length from whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// A length from milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0 / 1_000_000
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, rhs: Span) -> Time {
        Time(self.0.saturating_add(rhs.0))
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, rhs: Span) -> Time {
        Time(self.0.saturating_sub(rhs.0))
    }
}

impl fmt::Display for Span {
    /// The usual duration notation, two units at most: `45s`, `3m20s`, `2h5m`, `4d3h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.as_secs();
        let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
        match (days, hours, minutes, secs % 60) {
            (0, 0, 0, 0) if self.0 > 0 => write!(f, "{}ms", self.0 / 1_000),
            (0, 0, 0, s) => write!(f, "{s}s"),
            (0, 0, m, 0) => write!(f, "{m}m"),
            (0, 0, m, s) => write!(f, "{m}m{s}s"),
            (0, h, 0, _) => write!(f, "{h}h"),
            (0, h, m, _) => write!(f, "{h}h{m}m"),
            (d, 0, _, _) => write!(f, "{d}d"),
            (d, h, _, _) => write!(f, "{d}d{h}h"),
        }
    }
}

/// When a source says that something happened: at some moment between the two bounds, both included.
///
/// Emitters round (core/v1 events to whole seconds) and lie (their clocks skew), so that onset order is only decided
/// between intervals that do not touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Interval {
    /// The earliest moment.
    pub from: Time,
    /// The latest moment.
    pub to: Time,
}

impl Interval {
    /// An exact moment.
    pub const fn at(time: Time) -> Self {
        Self { from: time, to: time }
    }

    /// Whether all of this interval lies before all of the other one.
    pub fn is_before(&self, other: &Interval) -> bool {
        self.to < other.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        for (secs, text) in [(0, "0s"), (45, "45s"), (60, "1m"), (200, "3m20s"), (7_500, "2h5m"), (356_400, "4d3h")] {
            assert_eq!(Span::from_secs(secs).to_string(), text);
        }
        assert_eq!(Span::from_millis(200).to_string(), "200ms");
    }

    #[test]
    fn intervals_that_touch_are_not_ordered() {
        let (a, b) = (Interval { from: Time(1), to: Time(5) }, Interval { from: Time(5), to: Time(9) });
        assert!(!a.is_before(&b) && !b.is_before(&a));
        assert!(a.is_before(&Interval::at(Time(6))));
    }
}
