//! Numbers in words a person reads: fixed digits, grouped thousands, durations and sizes.

use super::data::Unit;

/// A number in the way its unit is written.
pub fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Number => number(value),
        Unit::Share => share(value),
        Unit::Points => points(value),
        Unit::Seconds => duration(value),
        Unit::Bytes => bytes(value),
    }
}

/// A plain number with about four significant digits; whole numbers keep all digits, in groups of three.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".into();
    }
    if value == value.trunc() && size < 1e15 {
        return grouped(value);
    }
    match size {
        _ if !(1e-4..1e6).contains(&size) => minus(format!("{value:.2e}")),
        _ if size >= 1000.0 => grouped(value.round()),
        _ if size >= 100.0 => minus(format!("{value:.1}")),
        _ if size >= 10.0 => minus(format!("{value:.2}")),
        _ if size >= 0.1 => minus(format!("{value:.3}")),
        _ if size >= 0.01 => minus(format!("{value:.4}")),
        _ => minus(format!("{value:.5}")),
    }
}

/// A whole number in groups of three, with thin spaces.
pub fn count(value: u64) -> String {
    grouped(value as f64)
}

/// A share of one in per cent, with one decimal.
pub fn share(value: f64) -> String {
    if value.is_finite() { minus(format!("{:.1}\u{a0}%", value * 100.0)) } else { "–".into() }
}

/// A difference of shares in percentage points, with its sign.
pub fn points(value: f64) -> String {
    if value.is_finite() { minus(format!("{:+.1}\u{a0}pts", value * 100.0)) } else { "–".into() }
}

/// Seconds as `0.4 s`, `12 s`, `3 min 05 s` or `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    let whole = seconds.round() as u64;
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if whole < 60 {
        format!("{whole} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// Bytes in binary multiples: `512 B`, `3.4 KiB`, `1.2 GiB`.
pub fn bytes(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "–".into();
    }
    let mut scaled = value;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if scaled < 1023.5 {
            let digits = usize::from(unit != "B" && scaled < 99.95);
            return format!("{scaled:.digits$} {unit}");
        }
        scaled /= 1024.0;
    }
    format!("{scaled:.1} TiB")
}

/// A large number in short: `950`, `12.4 k`, `3.1 M`.
pub fn short(value: f64) -> String {
    let size = value.abs();
    for (limit, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if size >= limit {
            let text = format!("{:.1}", value / limit);
            return minus(format!("{}\u{a0}{suffix}", text.trim_end_matches(".0")));
        }
    }
    number(value)
}

/// The first eight digits of a hash.
pub fn short_hash(hash: &str) -> &str {
    hash.char_indices().nth(8).map_or(hash, |(end, _)| &hash[..end])
}

/// A name from the files as a person writes it: underscores become spaces.
pub fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if value < 0.0 && digits != "0" { format!("−{out}") } else { out }
}

/// The typographic minus sign, as wide as a plus.
fn minus(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let check = |actual: String, expected: &str| assert_eq!(actual, expected);
        check(number(0.0), "0");
        check(number(1234.0), "1234");
        check(number(-1_234_567.0), "−1\u{202f}234\u{202f}567");
        check(number(0.83333), "0.833");
        check(number(12.3456), "12.35");
        check(number(0.01234), "0.0123");
        check(number(1.5e-5), "1.50e-5");
        check(number(f64::NAN), "–");
        check(count(12_345), "12\u{202f}345");
        check(share(0.9333), "93.3\u{a0}%");
        check(points(0.213), "+21.3\u{a0}pts");
        check(points(-0.004), "−0.4\u{a0}pts");
        check(duration(0.42), "0.4 s");
        check(duration(59.7), "1 min 00 s");
        check(duration(185.0), "3 min 05 s");
        check(duration(7_825.0), "2 h 10 min");
        check(bytes(512.0), "512 B");
        check(bytes(3_500.0), "3.4 KiB");
        check(bytes(1_288_490_188.0), "1.2 GiB");
        check(short(3_100_000.0), "3.1\u{a0}M");
        check(short(12_000.0), "12\u{a0}k");
        check(short_hash("0123456789abcdef").into(), "01234567");
        check(short_hash("é").into(), "é");
        check(words("near_duplicate"), "near duplicate");
    }
}
