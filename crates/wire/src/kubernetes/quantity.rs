//! Quantities of the Kubernetes API, such as `10Gi`, as bytes.

/// The bytes that a quantity says, rounded up to whole ones as Kubernetes does; none where it is no quantity of bytes.
///
/// The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a decimal number, then `Ki` to `Ei` for powers of
/// 1,024, `n`, `u`, `m`, `k`, `M` to `E` for powers of 1,000, or an exponent of ten. What is beyond 64 bits is their
/// greatest number.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (binary, decimal) = scale(suffix)?;
    // Beyond 18 places no suffix makes a whole byte of a fraction, save by rounding up.
    let kept = &fraction[..fraction.len().min(18)];
    let rest_counts = fraction[kept.len()..].bytes().any(|digit| digit != b'0');
    let digits = format!("{whole}{kept}");
    let digits = digits.trim_start_matches('0');
    let number: u128 = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u128::MAX) };
    if number == 0 {
        return Some(u64::from(rest_counts));
    }
    let tens = decimal - i32::try_from(kept.len()).unwrap_or(0);
    let power = 10_u128.checked_pow(tens.unsigned_abs());
    let scaled = number.checked_mul(1 << binary).and_then(|number| match (tens < 0, power) {
        (false, power) => number.checked_mul(power?),
        (true, power) => Some(power.map_or(1, |power| number.div_ceil(power))),
    });
    let scaled = scaled.map_or(u64::MAX, |scaled| u64::try_from(scaled).unwrap_or(u64::MAX));
    Some(scaled.max(u64::from(rest_counts)))
}

/// What a suffix multiplies by, as a power of two and one of ten.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            // No power of ten beyond these changes the outcome.
            (0, exponent.parse().unwrap_or(i32::MAX).clamp(-60, 60))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_are_bytes() {
        for (text, expect) in [
            ("0", 0),
            ("128974848", 128_974_848),
            ("129e6", 129_000_000),
            ("129E6", 129_000_000),
            ("129M", 129_000_000),
            ("123Mi", 128_974_848),
            ("128974848000m", 128_974_848),
            ("10Gi", 10 << 30),
            ("1.5Gi", 3 << 29),
            (".5Ki", 512),
            ("5.", 5),
            ("+5Ki", 5_120),
            ("1Ti", 1 << 40),
            ("2Pi", 2 << 50),
            ("1Ei", 1 << 60),
            ("1E", 1_000_000_000_000_000_000),
            ("1k", 1_000),
            ("1T", 1_000_000_000_000),
            ("1P", 1_000_000_000_000_000),
            ("1500m", 2),
            ("1u", 1),
            ("1n", 1),
            ("1e-3", 1),
            ("0.1", 1),
            ("0.0000000000000000000000001", 1),
            ("1.00000000000000000000000001", 1),
            ("16Ei", u64::MAX),
            ("1e30", u64::MAX),
            ("1e99999999999", u64::MAX),
            ("99999999999999999999999999999999999999999999", u64::MAX),
            ("0e99999", 0),
        ] {
            assert_eq!(bytes(text), Some(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in ["", "Gi", "-1Gi", "ten", "10GB", "10 Gi", "1.2.3", "10gi", "10K", "1e", "1e+", "0x10", ".", "{…}"]
        {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9.eE+\\-KMGTPinumk]{0,60}|\\PC{0,20}") {
            bytes(&text);
        }

        #[test]
        fn whole_numbers_are_themselves(number: u64) {
            prop_assert_eq!(bytes(&number.to_string()), Some(number));
        }
    }
}
