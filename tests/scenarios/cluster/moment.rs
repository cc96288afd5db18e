//! Moments in microseconds since 1970, and how Kubernetes writes them.

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;

/// Whole seconds, as `metav1.Time` is written.
pub(crate) fn stamp(at: i64) -> String {
    let (year, month, day, rest) = civil(at.div_euclid(SECOND));
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Microseconds, as `metav1.MicroTime` is written.
pub(crate) fn micro(at: i64) -> String {
    let whole = stamp(at);
    format!("{}.{:06}Z", &whole[..19], at.rem_euclid(SECOND))
}

/// The moment of a text in either form; none where it is no moment.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !(20..=30).contains(&bytes.len()) || bytes[10] != b'T' || bytes[bytes.len() - 1] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let fraction = match bytes[19] {
        b'.' => format!("{:0<6}", text.get(20..bytes.len() - 1)?).get(..6)?.parse::<i64>().ok()?,
        _ => 0,
    };
    Some(seconds * SECOND + fraction)
}

/// Year, month, day and second of the day.
fn civil(seconds: i64) -> (i64, i64, i64, i64) {
    let z = seconds.div_euclid(86_400) + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day, seconds.rem_euclid(86_400))
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[test]
fn moments_are_written_and_read_back() {
    for at in [0, 951_782_400 * SECOND, 1_772_000_123 * SECOND + 45] {
        assert_eq!(parse(&micro(at)), Some(at));
        assert_eq!(parse(&stamp(at)), Some(at - at.rem_euclid(SECOND)));
    }
    assert_eq!(stamp(951_782_400 * SECOND), "2000-02-29T00:00:00Z");
    assert_eq!(parse("not a moment at all!"), None);
}
