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
}

/// Every field that counts as a time of observation, with its name in the outside formats.
///
/// The latest of them is the `--as-of` of a recording that does not say when it was made. What is missing here is
/// missing on purpose: expiry dates (certificates, tokens), `deletionTimestamp` (which lies in the future by the grace
/// period), and `endsAt` of a firing alert (the moment at which it will be given up).
pub const OBSERVATION_FIELDS: [(Field, &str); 21] = [
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

const TOO_LATE: &str = "expected a time of an observation, before the year 2100";

/// A time read from text: the moment, and whether it has whole seconds only.
pub(crate) fn read_time(text: &str) -> Result<Option<(Time, bool)>, &'static str> {
    // Go writes its zero time for a time that is not set, and a kubelet the epoch for a container that never started.
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") || text == "1970-01-01T00:00:00Z" {
        return Ok(None);
    }
    let Ok(moment) = text.parse::<jiff::Timestamp>() else {
        // The last moments of the year 9999 are beyond what can be counted.
        return Err(match text.starts_with("9999-12-3") {
            true => TOO_LATE,
            false => "expected an RFC 3339 time such as 2026-11-21T10:00:00Z",
        });
    };
    let time = Time(moment.as_microsecond());
    match time {
        _ if time < EARLIEST => Err("expected a time of an observation, none is older than 2014-06-01"),
        _ if time >= LATEST => Err(TOO_LATE),
        _ => Ok(Some((time, !text.contains('.')))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_at_its_own_place_in_the_table() {
        for (position, (field, _)) in OBSERVATION_FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, position);
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
