//! The patterns, one search a kind. Each gives byte ranges that have passed their checks, in order.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::checks::{followed_by, iban_length, is_card, is_iban, is_identity_number, preceded_by, stands_alone};

type Span = (usize, usize);

/// A kind of personal data and the function that finds it.
type Search = (&'static str, fn(&str) -> Vec<Span>);

/// The searches, surest first.
pub(super) const SEARCHES: [Search; 7] = [
    ("email", emails),
    ("iban", ibans),
    ("id_card", identity_numbers),
    ("card", cards),
    ("ip", addresses),
    ("ssn", social_security_numbers),
    ("phone", phones),
];

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant, compiled by every test of this module")
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| compile($pattern));
    };
}

pattern!(
    EMAIL,
    r"[A-Za-z0-9_%+](?:[A-Za-z0-9._%+-]*[A-Za-z0-9_%+-])?@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\.[A-Za-z]{2,24}"
);
pattern!(IBAN, r"[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?");
pattern!(IDENTITY, r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]");
pattern!(CARD, r"[0-9](?:[ -]?[0-9]){11,18}");
pattern!(IPV4, r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}");
pattern!(IPV6, r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}");
pattern!(SOCIAL, r"[0-9]{3}-[0-9]{2}-[0-9]{4}");
pattern!(CHINESE_MOBILE, r"(?:\+?86[- ]?)?1[3-9][0-9](?:[0-9]{8}|[- ][0-9]{4}[- ][0-9]{4})");
pattern!(
    AMERICAN,
    r"(?:\+?1[-. ]?)?(?:\([0-9]{3}\)[ -]?|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}(?: ?(?:x|ext\.?) ?[0-9]{1,5})?"
);
pattern!(INTERNATIONAL, r"(?:\+|(?-u:\b)00)[1-9][0-9]{0,3}(?:[ .\-/]{0,2}\(?[0-9]{1,12}\)?){1,7}(?:x[0-9]{1,5})?");
pattern!(NATIONAL, r"\(?0[1-9][0-9]{1,4}\)?[ /-]{0,1}[0-9]{3,8}(?:[ -][0-9]{2,5}){0,3}|0[1-9](?:[ .-][0-9]{2}){4}");
pattern!(FICTITIOUS, r"555-[0-9]{4}");
pattern!(ANNOUNCED, r"[0-9(+](?:[ ().\-]{0,2}[0-9]){6,13}(?:x[0-9]{1,5})?");

fn emails(text: &str) -> Vec<Span> {
    if !text.contains('@') {
        return Vec::new();
    }
    let ends = |end: usize| !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@');
    EMAIL.find_iter(text).map(|m| (m.start(), m.end())).filter(|&(_, end)| ends(end)).collect()
}

fn ibans(text: &str) -> Vec<Span> {
    if !has_digits(text, 8) {
        return Vec::new();
    }
    let cut = |m: regex::Match<'_>| {
        // Case is free: people type these in lower case too.
        let wanted = iban_length(&m.as_str()[..2].to_uppercase())?;
        // The pattern runs on into capitals that follow; the country says where the number ends.
        let ends = m.as_str().char_indices().filter(|(_, c)| *c != ' ').nth(wanted - 1);
        let (start, end) = (m.start(), m.start() + ends?.0 + 1);
        let compact: String = text[start..end].chars().filter(|c| *c != ' ').collect();
        (is_iban(&compact) && stands_alone(text, start, end)).then_some((start, end))
    };
    IBAN.find_iter(text).filter_map(cut).collect()
}

fn identity_numbers(text: &str) -> Vec<Span> {
    let found = IDENTITY.find_iter(text).filter(|_| has_digits(text, 17));
    found
        .filter(|m| is_identity_number(m.as_str().as_bytes()) && stands_alone(text, m.start(), m.end()))
        .map(|m| (m.start(), m.end()))
        .collect()
}

fn cards(text: &str) -> Vec<Span> {
    if !has_digits(text, 12) {
        return Vec::new();
    }
    let is_good = |m: &regex::Match<'_>| {
        let digits: Vec<u8> = m.as_str().bytes().filter(u8::is_ascii_digit).collect();
        is_card(&digits)
            && stands_alone(text, m.start(), m.end())
            && !preceded_by(text, m.start(), 20, &["isbn", "doi", "issn", "order", "订单", "编号"])
    };
    CARD.find_iter(text).filter(is_good).map(|m| (m.start(), m.end())).collect()
}

fn addresses(text: &str) -> Vec<Span> {
    let mut out = Vec::new();
    if text.contains(':') {
        for m in IPV6.find_iter(text) {
            // A sentence's colon may follow the address.
            let piece = m.as_str().strip_suffix(':').filter(|p| !p.ends_with(':')).unwrap_or(m.as_str());
            let end = m.start() + piece.len();
            let groups = piece.split(':').filter(|group| !group.is_empty()).count();
            let outside = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '_';
            let alone =
                !text[..m.start()].ends_with(outside) && !text[end..].starts_with(|c: char| c != ':' && outside(c));
            // `a::b` is a path of some programming language.
            if groups >= 2 && piece.contains(|c: char| c.is_ascii_digit()) && alone && piece.parse::<Ipv6Addr>().is_ok()
            {
                out.push((m.start(), end));
            }
        }
    }
    // The last four bytes of an IPv6 address may be written as an IPv4 one.
    let long = out.clone();
    if has_digits(text, 4) {
        for m in IPV4.find_iter(text) {
            let numbered = ["version", "ver.", "section", "chapter", "release", "firmware", "build", "paragraph", "§"];
            let chinese = ["版本", "章节", "版", "小节"];
            let is_number = preceded_by(text, m.start(), 12, &numbered) || preceded_by(text, m.start(), 6, &chinese);
            let free = is_free(&long, m.start(), m.end());
            if free && m.as_str().parse::<Ipv4Addr>().is_ok() && stands_alone(text, m.start(), m.end()) && !is_number {
                out.push((m.start(), m.end()));
            }
        }
    }
    out.sort_unstable();
    out
}

fn social_security_numbers(text: &str) -> Vec<Span> {
    let is_good = |m: &regex::Match<'_>| {
        let piece = m.as_str();
        !matches!(&piece[..3], "000" | "666")
            && !piece.starts_with('9')
            && &piece[4..6] != "00"
            && stands_alone(text, m.start(), m.end())
    };
    if !has_digits(text, 9) {
        return Vec::new();
    }
    SOCIAL.find_iter(text).filter(is_good).map(|m| (m.start(), m.end())).collect()
}

/// Words after which a number is a telephone number.
const ANNOUNCING: &[&str] = &[
    "phone",
    "tel",
    "call",
    "mobile",
    "cell",
    "fax",
    "whatsapp",
    "ring",
    "dial",
    "text me",
    "reach me",
    "hotline",
    "电话",
    "手机",
    "致电",
    "拨打",
    "热线",
    "联系方式",
    "传真",
    "desk:",
    "office:",
    "messages to",
    "answering at",
    "contact number",
    "contact me",
    "contact us",
    "my number",
    "reachable",
    "sms",
];

/// Words that stand right after a telephone number.
const ANNOUNCED_AFTER: &[&str] = &["office", "fax", "mobile", "cell", "（手机", "（电话", "手机", "传真"];

/// Words after which a number is no telephone number.
const NUMBERING: &[&str] = &["isbn", "doi", "issn", "arxiv", "version", "订单", "单号", "no. ", "order"];

fn phones(text: &str) -> Vec<Span> {
    if !has_digits(text, 7) {
        return Vec::new();
    }
    let mut out: Vec<Span> = Vec::new();
    let mut take = |pattern: &Regex, is_good: &dyn Fn(&str, usize) -> bool| {
        let mut found = Vec::new();
        for m in pattern.find_iter(text) {
            let (start, end) = (m.start(), m.end());
            let numbering = preceded_by(text, start, 20, NUMBERING);
            if is_free(&out, start, end) && !numbering && stands_alone(text, start, end) && is_good(m.as_str(), start) {
                found.push((start, end));
            }
        }
        out.extend(found);
        out.sort_unstable();
    };
    let announced = |piece: &str, start: usize| {
        preceded_by(text, start, 30, ANNOUNCING) || followed_by(text, start + piece.len(), ANNOUNCED_AFTER)
    };
    let digits = |piece: &str| piece.bytes().filter(u8::is_ascii_digit).count();
    take(&CHINESE_MOBILE, &|_, _| true);
    // Spaces alone may separate the numbers of a list; a bracket, a dash, a point or a word before tells.
    take(&AMERICAN, &|piece, start| piece.contains(['(', '-', '.', '+']) || announced(piece, start));
    take(&INTERNATIONAL, &|piece, start| {
        let sum = text[..start].trim_end().ends_with(|c: char| c.is_ascii_digit() || c == ')');
        (8..=15).contains(&digits(piece.split('x').next().unwrap_or(piece))) && !sum
    });
    take(&NATIONAL, &|piece, start| {
        let separated = piece.contains([' ', '-', '/', ')']);
        (9..=12).contains(&digits(piece)) && (separated || announced(piece, start))
    });
    take(&FICTITIOUS, &|_, _| true);
    take(&ANNOUNCED, &|piece, start| {
        let date = piece.len() == 10 && piece.as_bytes()[4] == b'-' && piece.as_bytes()[7] == b'-';
        (7..=14).contains(&digits(piece)) && !date && announced(piece, start)
    });
    out
}

/// True when nothing of the sorted `spans` overlaps `start..end`.
pub(super) fn is_free(spans: &[Span], start: usize, end: usize) -> bool {
    let next = spans.partition_point(|&(_, e)| e <= start);
    spans.get(next).is_none_or(|&(s, _)| end <= s)
}

/// Cheap test before the patterns: has `text` at least `count` digits?
fn has_digits(text: &str, count: usize) -> bool {
    text.bytes().filter(u8::is_ascii_digit).take(count).count() == count
}
