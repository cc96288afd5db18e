//! Times as people give and read them: RFC 3339 and clock times, in UTC.

use bellbuoy_core::time::{Span, Time};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

/// Reads a time from the command line.
///
/// Understood are RFC 3339, a date (its midnight in UTC), a date with a time of day (UTC), and a length such as `2h`
/// or `1d 6h`, which means so long ago.
///
/// # Errors
/// What was expected, when the text is none of these.
pub(crate) fn parse(text: &str) -> Result<Time, String> {
    let text = text.trim();
    let utc = |moment: civil::DateTime| moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.or_else(|| text.parse::<civil::DateTime>().ok().and_then(utc));
    let moment = moment.or_else(|| ago(text));
    moment.map(|moment| Time(moment.as_microsecond())).ok_or_else(|| {
        "expected a time such as 2026-03-17T09:00:00Z or 2026-03-17, or a length such as 2h for two hours ago"
            .to_owned()
    })
}

/// A length of time before now. Only a length that is not negative, because the past is meant.
fn ago(text: &str) -> Option<Timestamp> {
    let length =
        text.parse::<jiff::SignedDuration>().ok().filter(|length| !length.is_negative()).or_else(|| days(text))?;
    Timestamp::now().checked_sub(length).ok()
}

/// `3d`: a day is 24 hours here, whatever the calendar does.
fn days(text: &str) -> Option<jiff::SignedDuration> {
    let days: i64 = text.strip_suffix('d')?.trim().parse().ok()?;
    (0..=36_500).contains(&days).then(|| jiff::SignedDuration::from_hours(days * 24))
}

/// RFC 3339 in UTC, to the microsecond where there is one. A time outside of the years −9999 to 9999 is written as
/// microseconds since the epoch, so that it is not lost.
pub(crate) fn rfc3339(time: Time) -> String {
    match Timestamp::from_microsecond(time.0) {
        Ok(moment) => moment.to_string(),
        Err(_) => format!("{}µs", time.0),
    }
}

/// `2026-03-17 09:15:08`.
pub(crate) fn date_and_time(time: Time) -> String {
    written(time, "%Y-%m-%d %H:%M:%S")
}

/// `09:15:08`.
pub(crate) fn time_of_day(time: Time) -> String {
    written(time, "%H:%M:%S")
}

/// The time of day, with the date before it when it is another day than that of `beside`.
pub(crate) fn beside(time: Time, beside: Time) -> String {
    match day(time) == day(beside) {
        true => time_of_day(time),
        false => date_and_time(time),
    }
}

fn day(time: Time) -> i64 {
    time.0.div_euclid(86_400_000_000)
}

fn written(time: Time, format: &str) -> String {
    match Timestamp::from_microsecond(time.0) {
        Ok(moment) => moment.strftime(format).to_string(),
        Err(_) => format!("{}µs", time.0),
    }
}

/// How long from one time to another: `3m20s`.
pub(crate) fn length(from: Time, to: Time) -> Span {
    to.since(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let nine = Time::from_secs(1_773_738_000);
        for text in ["2026-03-17T09:00:00Z", "2026-03-17T10:00:00+01:00", "2026-03-17 09:00", "2026-03-17T09:00:00"] {
            assert_eq!(parse(text), Ok(nine), "{text}");
        }
        assert_eq!(parse("2026-03-17"), Ok(Time::from_secs(1_773_705_600)));
    }

    #[test]
    fn lengths_mean_so_long_ago() {
        let now = Time(Timestamp::now().as_microsecond());
        for (text, secs) in [("2h", 7_200), ("90s", 90), ("1h 30m", 5_400), ("3d", 259_200)] {
            let ago = now.since(parse(text).unwrap()).as_secs();
            assert!((secs - 5..=secs).contains(&ago), "{text} was read as {ago} s ago");
        }
    }

    #[test]
    fn what_is_no_time_says_what_would_have_been_one() {
        for text in ["yesterday", "", "-2h", "2026-13-01", "99999999d"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("2026-03-17T09:00:00Z") && error.contains("2h"), "{text}: {error}");
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        let time = Time(1_773_738_000_250_000);
        assert_eq!(rfc3339(time), "2026-03-17T09:00:00.25Z");
        assert_eq!(beside(time, time), "09:00:00");
        assert_eq!(beside(time, time + Span::from_secs(86_400)), "2026-03-17 09:00:00");
        assert_eq!(rfc3339(Time::MAX), "9223372036854775807µs");
    }
}
