//! Numbers with a check: bank accounts, Chinese identity numbers, payment cards; and US social security numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::checks::{
    compile, iban_length, in_an_address, is_card, is_iban, is_identity_number, numbered, preceded_by, slack,
    stands_alone,
};
use super::scan::Window;

static IBAN: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?"));
static SOCIAL: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9}"));

/// An account number begins with two letters right before the window.
pub(super) fn ibans(text: &str, window: &Window, found: &mut Taken) {
    let bytes = text.as_bytes();
    let Some(start) = window.start.checked_sub(2) else { return };
    if !bytes[start].is_ascii_alphabetic() || !bytes[start + 1].is_ascii_alphabetic() {
        return;
    }
    // Case is free: people type these in lower case too.
    let country = text[start..window.start].to_ascii_uppercase();
    let Some(wanted) = iban_length(&country) else { return };
    let Some(m) = IBAN.find(&text[start..slack(text, start + 48)]) else { return };
    // The pattern runs on into letters that follow; the country says where the number ends.
    let Some((last, _)) = m.as_str().char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).nth(wanted - 1) else {
        return;
    };
    let end = start + last + 1;
    let compact: String = text[start..end].chars().filter(char::is_ascii_alphanumeric).collect();
    if is_iban(&compact) && stands_alone(text, start, end) {
        found.add((start, end), "iban", "length of the country and mod 97");
    }
}

pub(super) fn identity_numbers(text: &str, window: &Window, found: &mut Taken) {
    let bytes = text.as_bytes();
    let mut start = window.start;
    while start < window.end {
        let run = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        let end = match run {
            18 => start + 18,
            17 if matches!(bytes.get(start + 17), Some(b'x' | b'X')) => start + 18,
            _ => 0,
        };
        if end > 0 && is_identity_number(&bytes[start..end]) && stands_alone(text, start, end) {
            found.add((start, end), "id_card", "region, date and mod 11-2");
        }
        start += run.max(1);
    }
}

/// Cards: digits without a gap, or groups with one kind of separator. The longest good beginning of the groups counts, so
/// that an expiry date after the number does not spoil it.
pub(super) fn cards(text: &str, window: &Window, found: &mut Taken) {
    let groups = groups(text, window);
    let mut first = 0;
    while first < groups.len() {
        let mut last = first;
        let mut separator = "";
        let mut best = None;
        let mut digits: Vec<u8> = Vec::with_capacity(20);
        loop {
            digits.extend(&text.as_bytes()[groups[last].0..groups[last].1]);
            let span = (groups[first].0, groups[last].1);
            let shapes = groups[first..=last].iter().all(|group| group.1 - group.0 >= 2) || first == last;
            if shapes && is_card(&digits) && stands_alone(text, span.0, span.1) {
                best = Some((span, last));
            }
            let Some(next) = groups.get(last + 1) else { break };
            let gap = &text[groups[last].1..next.0];
            let joins = matches!(gap, " " | "-" | "\u{a0}" | "\u{202f}") && (separator.is_empty() || separator == gap);
            if !joins || digits.len() > 19 || last - first > 5 {
                break;
            }
            separator = gap;
            last += 1;
        }
        if let Some((span, end)) = best
            && !numbered(text, span.0)
            && !in_an_address(text, span.0)
        {
            found.add(span, "card", "issuer, length and Luhn digit");
            first = end;
        } else if first < last {
            // Groups that belong together are one number: its tail is not tried again.
            first = last;
        }
        first += 1;
    }
}

/// The runs of digits in a window.
fn groups(text: &str, window: &Window) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = window.start;
    while at < window.end {
        if bytes[at].is_ascii_digit() {
            let start = at;
            while at < window.end && bytes[at].is_ascii_digit() {
                at += 1;
            }
            out.push((start, at));
        } else {
            at += 1;
        }
    }
    out
}

pub(super) fn social_security_numbers(text: &str, window: &Window, found: &mut Taken) {
    for m in SOCIAL.find_iter(&text[window.start..window.end]) {
        let (start, end) = (window.start + m.start(), window.start + m.end());
        let digits: Vec<u8> = m.as_str().bytes().filter(u8::is_ascii_digit).collect();
        // Never issued: area 000 and 666, areas from 900 on, group 00, serial 0000.
        let issued = !matches!(&digits[..3], b"000" | b"666")
            && digits[0] != b'9'
            && digits[3..5] != *b"00"
            && digits[5..] != *b"0000";
        let announced =
            || preceded_by(text, start, 30, &["ssn", "social security", "social-security", "sozialversicherung"]);
        let formed = m.as_str().contains('-');
        if issued && stands_alone(text, start, end) && (announced() || formed && !numbered(text, start)) {
            found.add((start, end), "ssn", "area, group and serial");
        }
    }
}
