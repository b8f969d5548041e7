//! Numbers as Python writes and reads them.

use minijinja::Value;
use minijinja::value::ValueKind;

/// `repr` of a Python float: the shortest digits that read back the same, with an exponent outside 1e-4 to 1e16.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{number:?}");
    }
    // Rust writes 1.5e-7, Python 1.5e-07.
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// The number as Python's `str` gives it.
pub(super) fn text(value: &Value) -> String {
    match as_float(value) {
        Some(number) => float(number),
        None => value.to_string(),
    }
}

/// The number where it is a float.
pub(super) fn as_float(value: &Value) -> Option<f64> {
    let is_float = value.kind() == ValueKind::Number && !value.is_integer();
    is_float.then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// The whole number a text spells in `base`, as Python's `int` reads it.
pub(super) fn integer(text: &str, base: u32) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = match base {
        16 => "0x",
        8 => "0o",
        2 => "0b",
        _ => "",
    };
    let lower = digits.to_ascii_lowercase();
    let digits = lower.strip_prefix(prefix).unwrap_or(&lower).replace('_', "");
    if !(2..=36).contains(&base) || digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i64::from_str_radix(&digits, base).ok()?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's own output of `repr`.
    #[test]
    fn floats_are_python_s() {
        for (number, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e300, "1e+300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(number), expected);
        }
        assert_eq!(integer(" -0x1F ", 16), Some(-31));
        assert_eq!(integer("1_000", 10), Some(1000));
        assert_eq!((integer("", 10), integer("--1", 10), integer("2", 2)), (None, None, None));
    }
}
