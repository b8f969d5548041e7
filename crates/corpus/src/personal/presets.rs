//! Other programs' rules for personal data, as they stand in those programs, to compare with: what is found, and what is
//! put in its place.
//!
//! - `datatrove` (0.10.1, `PIIFormatter`): e-mail addresses, then public IPv4 addresses in the result; each is replaced by
//!   the next of a few fixed ones, in a circle that goes on from document to document.
//! - `dolma` (1.2.1, `pii_regex_with_counts_fast_v2`): e-mail addresses, North American telephone numbers and IPv4
//!   addresses, paragraph by paragraph; replaced as Dolma's mixer was told to, by `|||EMAIL_ADDRESS|||` and so on.

use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use super::ip::is_public;

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// datatrove's `PIIFormatter` with its defaults.
    Datatrove,
    /// Dolma's fast regular expressions.
    Dolma,
}

/// All presets by name.
pub const PRESETS: [(&str, Preset); 2] = [("datatrove", Preset::Datatrove), ("dolma", Preset::Dolma)];

const EMAILS: [&str; 2] = ["email@example.com", "firstname.lastname@example.org"];
const ADDRESSES: [&str; 6] =
    ["22.214.171.124", "126.96.36.199", "188.8.131.52", "184.108.40.206", "220.127.116.11", "18.104.22.168"];

/// A document after a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text with its replacements.
    pub text: String,
    /// What was found, in bytes of the input and in order of place; may overlap where the program's rules do.
    pub found: Vec<Found>,
}

/// A preset with its place in the circles of replacements.
#[derive(Clone, Debug)]
pub struct Redactor {
    preset: Preset,
    next_email: usize,
    next_address: usize,
}

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant, compiled by the tests of this module")
}

/// One byte of an IPv4 address; the order of the branches is that of the programs and decides what is found.
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)";

static SHORT_ADDRESS: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"(?:{OCTET}\.){{3}}{OCTET}")));
static DATATROVE_EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
    compile(&format!(
        r"\b{atom}(?:\.{atom})*@(?:(?:{label}\.)+{label}|\[(?:{OCTET}\.){{3}}(?:{OCTET}|[A-Za-z0-9-]*[A-Za-z0-9]:)\])"
    ))
});
/// Python's `\s`, which knows four separators of files, groups, records and units that Unicode does not call white space.
const SPACE: &str = r"\s\x1c-\x1f";
static DOLMA_EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(r"[.{SPACE}@,?!;:)(]*([^{SPACE}@]+@[^{SPACE}@,?!;:)(]+?)[.{SPACE}@,?!;:)(]?[{SPACE}]"))
});
static DOLMA_PHONE: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!(r"[{SPACE}]+\(?(\d{{3}})\)?[-\. ]*(\d{{3}})[-. ]?(\d{{4}})")));

impl Redactor {
    /// At the beginning of both circles.
    pub fn new(preset: Preset) -> Redactor {
        Redactor { preset, next_email: 0, next_address: 0 }
    }

    /// Finds and replaces. Documents go through one redactor in order: its circles go on.
    pub fn redact(&mut self, text: &str) -> Redacted {
        match self.preset {
            Preset::Datatrove => self.datatrove(text),
            Preset::Dolma => dolma(text),
        }
    }

    fn datatrove(&mut self, text: &str) -> Redacted {
        let mut found = Vec::new();
        let mut out = String::with_capacity(text.len());
        // Where the pieces of `out` came from, to give places in the input for what is found in the second pass.
        let mut moved: Vec<(usize, usize, usize)> = Vec::new();
        let mut at = 0;
        for m in DATATROVE_EMAIL.find_iter(text) {
            out.push_str(&text[at..m.start()]);
            let replacement = EMAILS[self.next_email % EMAILS.len()];
            self.next_email += 1;
            out.push_str(replacement);
            moved.push((out.len(), m.end(), replacement.len()));
            found.push(Found { start: m.start(), end: m.end(), kind: "email", reason: "datatrove" });
            at = m.end();
        }
        out.push_str(&text[at..]);
        let origin = |place: usize| {
            let index = moved.partition_point(|&(end, ..)| end <= place);
            index.checked_sub(1).map_or(place, |index| moved[index].1 + (place - moved[index].0))
        };
        let mut result = String::with_capacity(out.len());
        let mut at = 0;
        for m in SHORT_ADDRESS.find_iter(&out) {
            if !is_public_for_python(m.as_str()) {
                continue;
            }
            result.push_str(&out[at..m.start()]);
            result.push_str(ADDRESSES[self.next_address % ADDRESSES.len()]);
            self.next_address += 1;
            found.push(Found {
                start: origin(m.start()),
                end: origin(m.start()) + m.len(),
                kind: "ip",
                reason: "datatrove",
            });
            at = m.end();
        }
        result.push_str(&out[at..]);
        found.sort_by_key(|piece| (piece.start, piece.end));
        Redacted { text: result, found }
    }
}

/// Python's `ipaddress`: no leading zeros, and `is_global`.
fn is_public_for_python(address: &str) -> bool {
    address.parse().is_ok_and(|address: std::net::Ipv4Addr| is_public(address))
}

fn dolma(text: &str) -> Redacted {
    let mut found = Vec::new();
    // More question marks than this and the program skips the document.
    if text.matches('?').count() <= 10_000 {
        let mut start = 0;
        for paragraph in text.split_inclusive('\n') {
            dolma_paragraph(paragraph, start, &mut found);
            start += paragraph.len();
        }
    }
    found.sort_by_key(|piece: &Found| (piece.start, piece.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for piece in &found {
        if piece.start < at {
            continue;
        }
        out.push_str(&text[at..piece.start]);
        out.push_str(match piece.kind {
            "email" => "|||EMAIL_ADDRESS|||",
            "phone" => "|||PHONE_NUMBER|||",
            _ => "|||IP_ADDRESS|||",
        });
        at = piece.end;
    }
    out.push_str(&text[at..]);
    Redacted { text: out, found }
}

fn dolma_paragraph(paragraph: &str, offset: usize, found: &mut Vec<Found>) {
    let mut push = |m: regex::Match<'_>, kind| {
        found.push(Found { start: offset + m.start(), end: offset + m.end(), kind, reason: "dolma" });
    };
    if paragraph.contains('@') {
        for captures in DOLMA_EMAIL.captures_iter(paragraph) {
            let Some((local, host)) = captures.get(1).and_then(|m| m.as_str().split_once('@')) else { continue };
            if let Some(whole) = captures.get(0).filter(|_| local.trim() != "(" && host.contains('.')) {
                push(whole, "email");
            }
        }
    }
    DOLMA_PHONE.find_iter(paragraph).for_each(|m| push(m, "phone"));
    SHORT_ADDRESS.find_iter(paragraph).for_each(|m| push(m, "ip"));
}
