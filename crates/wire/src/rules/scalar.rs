//! Values as people write them: durations, sizes, counts, patterns. Each says what it would have liked to see.

use bellbuoy_core::time::Span;
use regex::Regex;

/// A duration in the usual notation: `500ms`, `30s`, `5m`, `1h30m`, `1d`; `0` needs no unit.
pub(crate) fn duration(text: &str) -> Result<Span, String> {
    const EXPECTED: &str = "a duration such as 500ms, 30s, 5m, 2h or 1d";
    if text == "0" {
        return Ok(Span::ZERO);
    }
    let (mut rest, mut total, mut smallest) = (text, 0_i64, i64::MAX);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let micros = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return Err(EXPECTED.to_owned()),
        };
        // Units fall, so that `30m1h` and `5s5s` are slips and not sums.
        if micros >= smallest {
            return Err(format!("{EXPECTED}, the larger units first"));
        }
        let number: i64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
        let part = number.checked_mul(micros);
        total = part.and_then(|part| total.checked_add(part)).ok_or("a duration shorter than 292,000 years")?;
        (rest, smallest) = (after, micros);
    }
    if smallest == i64::MAX { Err(EXPECTED.to_owned()) } else { Ok(Span(total)) }
}

/// A number of bytes: `4096`, `64KiB`, `256MiB`, `2GiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "a number of bytes such as 4096, 64KiB, 256MiB or 2GiB";
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(EXPECTED.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
    number.checked_mul(unit).ok_or_else(|| EXPECTED.to_owned())
}

/// A whole number between the bounds, both included.
pub(crate) fn count(text: &str, min: i64, max: i64) -> Result<i64, String> {
    let number = text.replace('_', "").parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("a whole number from {min} to {max}"))
}

/// `true` or `false`; YAML 1.1's `yes` and `on` are guesses.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let words = || choices.iter().map(|(word, _)| *word);
    choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        match nearest(text, words()) {
            Some(near) => format!("one of {} (did you mean {near}?)", words().collect::<Vec<_>>().join(", ")),
            None => format!("one of {}", words().collect::<Vec<_>>().join(", ")),
        }
    })
}

/// A regular expression.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        // The last line says what is wrong; those before it draw the pattern.
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        format!("a regular expression ({})", last.trim_start_matches("error: "))
    })
}

/// The word that was probably meant: the nearest one, if it is near at all.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let scored = known.map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known));
    scored.filter(|(score, _)| *score >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(duration(text).ok().map(|s| s.0), expect, "{text}");
        check("500ms", Some(500_000));
        check("250us", Some(250));
        check("30s", Some(30_000_000));
        check("1h30m", Some(5_400_000_000));
        check("1d", Some(86_400_000_000));
        check("0", Some(0));
        check("0s", Some(0));
        check("", None);
        check("30", None);
        check("s", None);
        check("30 s", None);
        check("-5s", None);
        check("1.5h", None);
        check("30m1h", None);
        check("5s5s", None);
        check("5 minutes", None);
        check("106751992d", None);
        check("99999999999999999999s", None);
    }

    #[test]
    fn sizes_and_counts() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(bytes(text).ok(), expect, "{text}");
        check("4096", Some(4_096));
        check("64KiB", Some(65_536));
        check("2GiB", Some(2_147_483_648));
        check("64MB", None);
        check("", None);
        check("99999999TiB", None);
        assert_eq!(count("500_000", 1, 1_000_000), Ok(500_000));
        assert_eq!(count("0", 1, 9), Err("a whole number from 1 to 9".to_owned()));
        assert_eq!(count("1.5", 1, 9), Err("a whole number from 1 to 9".to_owned()));
    }

    #[test]
    fn words_and_patterns() {
        assert_eq!(choice("a", &[("a", 1), ("b", 2)]), Ok(1));
        assert_eq!(
            choice("symptm", &[("cause", 1), ("symptom", 2)]).unwrap_err(),
            "one of cause, symptom (did you mean symptom?)"
        );
        assert_eq!(flag("yes"), Err("true or false".to_owned()));
        assert!(pattern("^Back-off").is_ok());
        assert_eq!(pattern("(").unwrap_err(), "a regular expression (unclosed group)");
        assert_eq!(nearest("setle", ["settle", "tiers"].into_iter()), Some("settle"));
        assert_eq!(nearest("zzz", ["settle", "tiers"].into_iter()), None);
    }
}
