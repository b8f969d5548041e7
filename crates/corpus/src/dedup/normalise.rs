//! Texts made equal before they are compared: case, numbers, punctuation, white space and diacritics, each as an option,
//! in the order datatrove's `simplify_text` applies them (lower case, numbers, punctuation, white space, diacritics).

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// What is made equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Upper case becomes lower case.
    pub lowercase: bool,
    /// Every number (digits of any script, one decimal part) becomes `0`.
    pub numbers: bool,
    /// Punctuation and control characters become spaces.
    pub punctuation: bool,
    /// Runs of white space become one space, none at the ends.
    pub whitespace: bool,
    /// Letters lose their accents (NFD without non-spacing marks).
    pub diacritics: bool,
}

impl Normalisation {
    /// Nothing is changed.
    pub const NONE: Normalisation =
        Normalisation { lowercase: false, numbers: false, punctuation: false, whitespace: false, diacritics: false };
    /// Everything: datatrove's default.
    pub const ALL: Normalisation =
        Normalisation { lowercase: true, numbers: true, punctuation: true, whitespace: true, diacritics: true };
    /// Case and white space: what exact comparison forgives by default.
    pub const FOLDED: Normalisation = Normalisation { lowercase: true, whitespace: true, ..Normalisation::NONE };
    /// Case, white space and punctuation (SlimPajama, RedPajama, NeMo Curator's cleaning).
    pub const WORDS: Normalisation =
        Normalisation { lowercase: true, punctuation: true, whitespace: true, ..Normalisation::NONE };

    /// Appends `text` made equal to `out`, which must be empty.
    pub fn apply(&self, text: &str, out: &mut String) {
        out.reserve(text.len());
        let bytes = text.as_bytes();
        let mut at = 0;
        // Nothing that is done to a character looks past a space that an ASCII character follows: what is between such spaces goes
        // by bytes where it is ASCII, and by the general rules where it is not.
        while at < bytes.len() {
            let high = ascii_prefix(&bytes[at..]) + at;
            let start = match memchr::memrchr(b' ', &bytes[at..high]) {
                _ if high == bytes.len() => high,
                Some(space) => at + space,
                None => at,
            };
            self.ascii(&text[at..start], out);
            let mut end = high;
            while end < bytes.len() {
                end += memchr::memchr(b' ', &bytes[end..]).map_or(bytes.len() - end, |space| space + 1);
                if bytes.get(end).is_none_or(u8::is_ascii) {
                    break;
                }
            }
            if start < end {
                self.general(&text[start..end], out);
            }
            at = end;
        }
        if self.whitespace && self.diacritics && !text.is_ascii() {
            // A mark may have stood on a space at either end.
            let end = out.trim_end().len();
            out.truncate(end);
            let start = out.len() - out.trim_start().len();
            out.drain(..start);
        } else if self.whitespace {
            out.truncate(out.trim_end_matches(' ').len());
        }
    }

    /// One pass over bytes.
    fn ascii(&self, text: &str, out: &mut String) {
        let bytes = text.as_bytes();
        // What is appended is checked on its own, not all there is so far with every stretch.
        let last = out.as_bytes().last().copied();
        let mut made = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            let class = CLASSES[byte as usize];
            if class == LETTER {
                made.push(if self.lowercase { byte.to_ascii_lowercase() } else { byte });
            } else if class == DIGIT {
                if self.numbers {
                    at += digits(&bytes[at..]);
                    if matches!(bytes.get(at), Some(b'.' | b',')) {
                        let decimals = digits(&bytes[at + 1..]);
                        at += if decimals > 0 { 1 + decimals } else { 0 };
                    }
                    made.push(b'0');
                } else {
                    made.push(byte);
                }
            } else {
                let cleared = self.punctuation && !matches!(byte, b' ' | b'\t' | b'\n');
                let made_byte = if cleared { b' ' } else { byte };
                if !(self.whitespace && (cleared || class == SPACE)) {
                    made.push(made_byte);
                } else if made.last().copied().or(last).is_some_and(|last| last != b' ') {
                    made.push(b' ');
                }
            }
        }
        out.push_str(std::str::from_utf8(&made).unwrap_or_default());
    }

    fn general(&self, text: &str, out: &mut String) {
        let lower = if self.lowercase { text.to_lowercase() } else { text.to_owned() };
        let mut rest = lower.as_str();
        let mut made = String::with_capacity(rest.len());
        let mut last = out.chars().next_back();
        while let Some(c) = rest.chars().next() {
            let length = if self.numbers && is_digit(c) { number(rest) } else { 0 };
            if length > 0 {
                made.push('0');
                last = Some('0');
                rest = &rest[length..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            let c = if self.punctuation && is_punctuation(c) { ' ' } else { c };
            let space = self.whitespace && (c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
            let c = if space { ' ' } else { c };
            if !space || last.is_some_and(|last| last != ' ') {
                made.push(c);
                last = Some(c);
            }
        }
        if self.diacritics {
            let decomposed: String = made.nfd().collect();
            out.push_str(&MARKS.replace_all(&decomposed, ""));
        } else {
            out.push_str(&made);
        }
    }
}

/// Bytes before the first that is not ASCII.
fn ascii_prefix(bytes: &[u8]) -> usize {
    let chunks = bytes.chunks(32).take_while(|chunk| chunk.is_ascii()).count();
    let whole = (chunks * 32).min(bytes.len());
    whole + bytes[whole..].iter().take_while(|byte| byte.is_ascii()).count()
}

const LETTER: u8 = 0;
const DIGIT: u8 = 1;
const PUNCTUATION: u8 = 2;
const SPACE: u8 = 3;

/// What an ASCII byte is. Control characters are punctuation to datatrove, tab and line feed are not.
static CLASSES: [u8; 128] = {
    let mut classes = [PUNCTUATION; 128];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = if byte.is_ascii_alphabetic() {
            LETTER
        } else if byte.is_ascii_digit() {
            DIGIT
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1f) {
            SPACE
        } else {
            PUNCTUATION
        };
        byte += 1;
    }
    classes
};

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Length of the number `rest` starts with: digits, and one separator with digits after it.
fn number(rest: &str) -> usize {
    let run = |text: &str| text.chars().take_while(|&c| is_digit(c)).map(char::len_utf8).sum::<usize>();
    let whole = run(rest);
    let mut after = rest[whole..].chars();
    match after.next() {
        Some(point) if matches!(point, '.' | ',' | '،' | '٫' | '⎖' | '⎗' | '⎘') => {
            let decimals = run(after.as_str());
            if decimals > 0 { whole + point.len_utf8() + decimals } else { whole }
        }
        _ => whole,
    }
}

/// Unicode's decimal digits (Nd), which are some of what Rust calls numeric.
fn is_digit(c: char) -> bool {
    static DIGITS: LazyLock<HashSet<char>> = LazyLock::new(|| {
        let class = Regex::new(r"^\p{Nd}$").expect("a constant pattern, compiled in a test");
        let mut buffer = [0u8; 4];
        ('\u{80}'..=char::MAX).filter(|c| c.is_numeric() && class.is_match(c.encode_utf8(&mut buffer))).collect()
    });
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && DIGITS.contains(&c))
}

/// Non-spacing marks.
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{Mn}+").expect("a constant pattern, compiled in a test"));

/// datatrove's list: all ASCII punctuation, control characters but tab and line feed, and common quotes, dashes and
/// full-width marks.
fn is_punctuation(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        c if c.is_ascii() => c.is_ascii_punctuation(),
        c => matches!(
            c,
            '«' | '´'
                | '»'
                | '–'
                | '—'
                | '’'
                | '“'
                | '”'
                | '„'
                | '…'
                | '∶'
                | '━'
                | '►'
                | '、'
                | '。'
                | '〈'
                | '〉'
                | '《'
                | '》'
                | '「'
                | '」'
                | '【'
                | '】'
                | '！'
                | '％'
                | '（'
                | '）'
                | '，'
                | '．'
                | '１'
                | '：'
                | '；'
                | '？'
                | '～'
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(options: Normalisation, text: &str, expected: &str) {
        let mut out = String::new();
        options.apply(text, &mut out);
        assert_eq!(out, expected, "{text:?}");
    }

    #[test]
    fn by_hand() {
        check(Normalisation::ALL, "  Hello,\tWORLD!\n\n12.50 or 1,085.5 ", "hello world 0 or 0 0");
        check(Normalisation::ALL, "Été à Łódź — naïve", "ete a łodz naive");
        check(Normalisation::ALL, "价格：３２元。", "价格 0元");
        check(Normalisation::FOLDED, " A\u{a0}B\n c ", "a b c");
        check(Normalisation::NONE, " A  b\n", " A  b\n");
        check(Normalisation::WORDS, "e-mail: A.B@c.org 3.5", "e mail a b c org 3 5");
        check(Normalisation::ALL, "...", "");
    }

    proptest! {
        /// The byte pass is only faster.
        #[test]
        fn ascii_and_general_agree(text in "[ -~\\t\\n\\r\\x00\\x1c]{0,80}", bits in 0u8..32) {
            let options = Normalisation {
                lowercase: bits & 1 > 0, numbers: bits & 2 > 0, punctuation: bits & 4 > 0,
                whitespace: bits & 8 > 0, diacritics: bits & 16 > 0,
            };
            let (mut fast, mut plain) = (String::new(), String::new());
            options.ascii(&text, &mut fast);
            options.general(&text, &mut plain);
            prop_assert_eq!(fast, plain);
        }

        /// Cut at spaces or not, the result is one.
        #[test]
        fn stretches_make_what_the_whole_makes(text in "[  a-cA-CΣσ0-9.,'\n٣٫éÉİ\u{301}\u{345}\u{327}中。\u{a0}\u{3000}]{0,60}", bits in 0u8..32) {
            let options = Normalisation {
                lowercase: bits & 1 > 0, numbers: bits & 2 > 0, punctuation: bits & 4 > 0,
                whitespace: bits & 8 > 0, diacritics: bits & 16 > 0,
            };
            let (mut stretches, mut whole) = (String::new(), String::new());
            options.apply(&text, &mut stretches);
            options.general(&text, &mut whole);
            let trimmed = match (options.whitespace, options.diacritics && !text.is_ascii()) {
                (false, _) => whole.as_str(),
                (true, false) => whole.trim_end_matches(' '),
                (true, true) => whole.trim(),
            };
            prop_assert_eq!(stretches, trimmed);
        }
    }
}
