//! IPv4 and IPv6 addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::checks::{compile, followed_by, preceded_by, stands_alone};
use super::scan::Window;

static SHORT: LazyLock<Regex> = LazyLock::new(|| compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"));

/// Words after which four numbers with points are something else.
const NUMBERED: &[&str] = &[
    "version",
    "ver.",
    "section",
    "chapter",
    "release",
    "firmware",
    "build",
    "paragraph",
    "§",
    "update",
    "revision",
    "rev.",
    "patch",
    "driver",
    "sdk",
    "kernel",
    "abschnitt",
    "kapitel",
    "chapitre",
    "article",
    "clause",
    "sección",
    "oid",
];
const NUMBERED_CHINESE: &[&str] = &["版本", "章节", "版", "小节", "第"];
const NUMBERED_AFTER: &[&str] = &["release", "beta", "update", "版本", "版", "章", "节"];

/// IPv6 addresses, around every colon.
pub(super) fn search_long(text: &str, public_only: bool, found: &mut Taken) {
    let bytes = text.as_bytes();
    let inside = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let mut at = 0;
    while let Some(colon) = bytes[at..].iter().position(|&b| b == b':').map(|offset| at + offset) {
        let mut start = colon;
        while start > at && inside(bytes[start - 1]) {
            start -= 1;
        }
        let mut end = colon + 1;
        while end < bytes.len() && (inside(bytes[end]) || bytes[end] == b'.') {
            end += 1;
        }
        at = end;
        let piece = text[start..end].trim_end_matches('.');
        // A sentence's colon may follow the address.
        let piece = piece.strip_suffix(':').filter(|p| !p.ends_with(':')).unwrap_or(piece);
        let touched = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let alone = !touched(start.checked_sub(1).and_then(|before| bytes.get(before)))
            && !touched(bytes.get(start + piece.len()));
        let groups = piece.split(':').filter(|group| !group.is_empty()).count();
        // `a::b` is a path of some programming language; `10::20` and `::1` are too short to point at anyone.
        let has_digit = piece.bytes().any(|b| b.is_ascii_digit());
        if alone
            && groups >= 2
            && has_digit
            && let Ok(address) = piece.parse::<Ipv6Addr>()
            && (!public_only || is_public_long(address))
        {
            found.add((start, start + piece.len()), "ip", "IPv6 address");
        }
    }
}

/// IPv4 addresses inside a window.
pub(super) fn search_short(text: &str, window: &Window, public_only: bool, found: &mut Taken) {
    for m in SHORT.find_iter(&text[window.start..window.end]) {
        let (start, end) = (window.start + m.start(), window.start + m.end());
        let Ok(address) = m.as_str().parse::<Ipv4Addr>() else { continue };
        // A network's length or a port may follow; a further number with a point may not.
        let after = &text.as_bytes()[end..];
        let slash = after.first() == Some(&b'/');
        let alone = if slash { stands_alone(&text[..end], start, end) } else { stands_alone(text, start, end) };
        let before = &text.as_bytes()[..start];
        // `Chrome/1.2.3.4` and `tool-1.2.3.4` are versions; `http://1.2.3.4` is not.
        let joined = matches!(before, [.., letter, b'-' | b'/' | b'_'] if letter.is_ascii_alphanumeric());
        let numbered = preceded_by(text, start, 12, NUMBERED) || preceded_by(text, start, 6, NUMBERED_CHINESE);
        let good = alone && !joined && !numbered && !followed_by(text, end, NUMBERED_AFTER);
        if good && (!public_only || is_public(address)) {
            found.add((start, end), "ip", "IPv4 address");
        }
    }
}

/// Reachable from anywhere, by the registries of special addresses (RFC 6890 and successors).
pub(super) fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && c == 0 && !matches!(d, 9 | 10))
        || (a == 192 && b == 0 && c == 2)
        || (a == 192 && b == 168)
        || (a == 198 && (18..20).contains(&b))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 240)
}

fn is_public_long(address: Ipv6Addr) -> bool {
    if let Some(short) = address.to_ipv4_mapped() {
        return is_public(short);
    }
    let [a, b, ..] = address.segments();
    !(address.is_loopback()
        || address.is_unspecified()
        || (a & 0xfe00) == 0xfc00
        || (a & 0xffc0) == 0xfe80
        || (a == 0x2001 && (b == 0xdb8 || b < 0x200))
        || (a == 0x100 && b == 0)
        || a == 0x3fff)
}
