//! The fields that say when something was observed, and how their values are read.

use bellbuoy_core::time::{Interval, Span, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// Earlier than this nothing can have been observed in Kubernetes: 2014-06-01, the month of its first public release.
pub const EARLIEST: Time = Time::from_secs(1_401_580_800);

/// From here on a time is a mistake rather than an observation: 2100-01-01.
pub const LATEST: Time = Time::from_secs(4_102_444_800);

/// A field whose value is the time of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Field {
    /// When the recorder received it.
    Arrival = 0,
    /// First sight of an Event.
    EventFirst = 1,
    /// Last sight of an Event.
    EventLast = 2,
    /// Last sight of a series of Events.
    EventSeries = 3,
    /// Time of an events.k8s.io Event.
    EventTime = 4,
    /// Creation of an object.
    Creation = 5,
    /// Transition of a condition.
    ConditionTransition = 6,
    /// Probe of a condition.
    ConditionProbe = 7,
    /// Heartbeat of a node's condition.
    ConditionHeartbeat = 8,
    /// Update of a condition.
    ConditionUpdate = 9,
    /// Start of a pod.
    PodStart = 10,
    /// Start of a container.
    ContainerStart = 11,
    /// End of a container.
    ContainerFinish = 12,
    /// Start of a job.
    JobStart = 13,
    /// Completion of a job.
    JobCompletion = 14,
    /// Last run of a cron job.
    CronJobSchedule = 15,
    /// Last successful run of a cron job.
    CronJobSuccess = 16,
    /// Renewal of a lease.
    LeaseRenewal = 17,
    /// Beginning of an alert.
    AlertStart = 18,
    /// Update of an alert.
    AlertUpdate = 19,
    /// End of a resolved alert.
    AlertEnd = 20,
    /// When the file was written, where nothing in a recording names a time.
    Written = 21,
}

/// Every field that counts as a time of observation, with its name in the outside formats.
///
/// The latest of them is the `--as-of` of a recording that does not say when it was made. What is missing here is
/// missing on purpose: expiry dates (certificates, tokens), `deletionTimestamp` (which lies in the future by the grace
/// period), and `endsAt` of a firing alert (the moment at which it will be given up).
pub const OBSERVATION_FIELDS: [(Field, &str); 22] = [
    (Field::Arrival, "time of arrival (time, observedAt)"),
    (Field::EventFirst, "firstTimestamp"),
    (Field::EventLast, "lastTimestamp"),
    (Field::EventSeries, "series.lastObservedTime"),
    (Field::EventTime, "eventTime"),
    (Field::Creation, "metadata.creationTimestamp"),
    (Field::ConditionTransition, "status.conditions[].lastTransitionTime"),
    (Field::ConditionProbe, "status.conditions[].lastProbeTime"),
    (Field::ConditionHeartbeat, "status.conditions[].lastHeartbeatTime"),
    (Field::ConditionUpdate, "status.conditions[].lastUpdateTime"),
    (Field::PodStart, "status.startTime"),
    (Field::ContainerStart, "status.containerStatuses[].*.startedAt"),
    (Field::ContainerFinish, "status.containerStatuses[].*.finishedAt"),
    (Field::JobStart, "status.startTime"),
    (Field::JobCompletion, "status.completionTime"),
    (Field::CronJobSchedule, "status.lastScheduleTime"),
    (Field::CronJobSuccess, "status.lastSuccessfulTime"),
    (Field::LeaseRenewal, "spec.renewTime"),
    (Field::AlertStart, "startsAt"),
    (Field::AlertUpdate, "updatedAt"),
    (Field::AlertEnd, "endsAt"),
    (Field::Written, "the time at which a file of it was written"),
];

impl Field {
    /// Its name in the outside formats.
    pub fn name(self) -> &'static str {
        OBSERVATION_FIELDS[self as usize].1
    }
}

/// A time as a source writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Stamp {
    /// Where it stood.
    pub field: Field,
    /// The moment; the beginning of the second where the source writes whole seconds.
    pub time: Time,
    /// Whether the source writes whole seconds.
    pub whole_seconds: bool,
}

impl Stamp {
    /// The moments that the source may mean.
    pub fn interval(self) -> Interval {
        let width = if self.whole_seconds { Span(999_999) } else { Span::ZERO };
        Interval { from: self.time, to: self.time + width }
    }
}

/// A time as a table tells it: how long before the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Age {
    /// Where it stood.
    pub field: Field,
    /// How long before; to the second at best.
    pub age: Span,
}

const TOO_LATE: &str = "expected a time of an observation, before the year 2100";

/// A time read from text: the moment, and whether it has whole seconds only.
pub(crate) fn read_time(text: &str) -> Result<Option<(Time, bool)>, &'static str> {
    // Go writes its zero time for a time that is not set, and a kubelet the epoch for a container that never started.
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") || text == "1970-01-01T00:00:00Z" {
        return Ok(None);
    }
    let time = match plain_time(text.as_bytes()) {
        Some(time) => time,
        None => {
            let Ok(moment) = text.parse::<jiff::Timestamp>() else {
                // The last moments of the year 9999 are beyond what can be counted.
                return Err(match text.starts_with("9999-12-3") {
                    true => TOO_LATE,
                    false => "expected an RFC 3339 time such as 2026-11-21T10:00:00Z",
                });
            };
            Time(moment.as_microsecond())
        }
    };
    match time {
        _ if time < EARLIEST => Err("expected a time of an observation, none is older than 2014-06-01"),
        _ if time >= LATEST => Err(TOO_LATE),
        _ => Ok(Some((time, !text.contains('.')))),
    }
}

/// A time in the one form that Go writes: seconds or microseconds, in UTC. Nothing for all others, which are read by
/// whoever knows every form; most of the times of a recording have this one.
fn plain_time(text: &[u8]) -> Option<Time> {
    let number = |text: &[u8]| {
        text.iter().try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let (seconds, rest) = text.split_at_checked(19)?;
    let micros = match rest {
        b"Z" => 0,
        [b'.', micros @ .., b'Z'] if micros.len() == 6 => number(micros)?,
        _ => return None,
    };
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1] = *seconds else {
        return None;
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?);
    if !(1970..=9998).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if day > 28 && day > days_of(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let before = (1..month).map(|month| days_of(year, month)).sum::<i64>();
    let days = 365 * (year - 1970) + leap_days(year - 1) - leap_days(1969) + before + day - 1;
    Some(Time((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros))
}

/// Leap days up to the end of a year.
fn leap_days(year: i64) -> i64 {
    year / 4 - year / 100 + year / 400
}

/// Days of a month.
fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + leap_days(year) - leap_days(year - 1),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_field_stands_at_its_own_place_in_the_table() {
        for (position, (field, _)) in OBSERVATION_FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, position);
        }
    }

    proptest! {
        #[test]
        fn plain_times_are_those_of_the_calendar(
            (year, month, day) in (1960..2110_i64, 0..14_i64, 0..33_i64),
            (hour, minute, second) in (0..25_i64, 0..61_i64, 0..62_i64),
            fraction in prop_oneof![Just(String::new()), "\\.[0-9]{6}", "\\.[0-9]{1,9}", "[0-9.:Z]{0,3}"],
        ) {
            let text = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z");
            if let Some(time) = plain_time(text.as_bytes()) {
                let moment = text.parse::<jiff::Timestamp>();
                prop_assert_eq!(moment.map(|moment| Time(moment.as_microsecond())).ok(), Some(time), "{}", text);
            } else if (1970..2110).contains(&year) && fraction.is_empty() && second < 60 {
                prop_assert!(text.parse::<jiff::Timestamp>().is_err(), "{}", text);
            }
        }
    }

    #[test]
    fn times_are_read_or_refused() {
        let read = |text: &str| read_time(text).map(|time| time.map(|(time, whole)| (time.0, whole)));
        assert_eq!(read("2026-11-21T10:00:00Z"), Ok(Some((1_795_255_200_000_000, true))));
        assert_eq!(read("2026-11-21T12:00:00+02:00"), Ok(Some((1_795_255_200_000_000, true))));
        assert_eq!(read("2026-11-21T10:00:00.000001Z"), Ok(Some((1_795_255_200_000_001, false))));
        assert_eq!(read("2026-11-21T10:00:00.123456789Z"), Ok(Some((1_795_255_200_123_456, false))));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("0001-01-01T00:00:00Z"), Ok(None));
        assert_eq!(read("1970-01-01T00:00:00Z"), Ok(None));
        for wrong in ["1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:01Z", "2100-01-01T00:00:00Z"] {
            assert!(read(wrong).is_err_and(|why| why.contains("time of an observation")), "{wrong}");
        }
        for wrong in ["yesterday", "5", "2025-08-2312:02:32Z", "2026-11-21", "-", "2026-13-45T99:00:00Z"] {
            assert!(read(wrong).is_err_and(|why| why.contains("RFC 3339")), "{wrong}");
        }
    }
}
