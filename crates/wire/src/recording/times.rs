//! The times of one report, gathered while it is decoded; a wrong one is named and left out.

use crate::lenient::Scalar;
use crate::recording::field::{Age, Field, Stamp, read_time};
use bellbuoy_core::time::{Span, Time};

/// Times kept of one report. An object has a few for each container and condition.
const STAMPS_MAX: usize = 256;

/// The times of one report.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Those that may be true.
    pub(crate) stamps: Vec<Stamp>,
    /// Those that are told as ages, against the time of the dump.
    pub(crate) ages: Vec<Age>,
    /// Those that cannot be: the field, the value, and what would have been right.
    pub(crate) wrong: Vec<String>,
}

impl Times {
    /// Reads a time of observation.
    pub(crate) fn observed(&mut self, field: Field, raw: &Scalar<'_>) -> Option<Time> {
        if let Some(age) = raw.as_str().strip_prefix('-').and_then(read_age) {
            if self.ages.len() < STAMPS_MAX {
                self.ages.push(Age { field, age });
            }
            return None;
        }
        let (time, whole_seconds) = self.read(field.name(), raw)?;
        let stamp = Stamp { field, time, whole_seconds };
        if self.stamps.len() < STAMPS_MAX && !self.stamps.contains(&stamp) {
            self.stamps.push(stamp);
        }
        Some(time)
    }

    /// Reads the time of arrival.
    pub(crate) fn arrived(&mut self, text: &str) {
        self.observed(Field::Arrival, &Scalar::from(text));
    }

    /// Reads a time that says nothing of when it was written, such as an expiry.
    pub(crate) fn other(&mut self, name: &str, raw: &Scalar<'_>) -> Option<Time> {
        self.read(name, raw).map(|(time, _)| time)
    }

    fn read(&mut self, name: &str, raw: &Scalar<'_>) -> Option<(Time, bool)> {
        match read_time(raw.as_str()) {
            Ok(time) => time,
            Err(expected) => {
                if self.wrong.len() < STAMPS_MAX {
                    let value: String = raw.as_str().chars().take(40).collect();
                    self.wrong.push(format!("{name} is {value:?}: {expected}"));
                }
                None
            }
        }
    }
}

/// An age in seconds, as tables are turned into: `293s`. None for what is none, or is longer than anything can be.
fn read_age(text: &str) -> Option<Span> {
    let seconds = text.strip_suffix('s')?.parse::<u32>().ok()?;
    Some(Span::from_secs(seconds.into()))
}
