//! Python's classes of characters, because the peers are Python programs and their thresholds count with `str.isalpha`,
//! `str.isspace` and `str.splitlines`. Rust's own classes differ (`is_alphabetic` has marks that `isalpha` lacks).

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// A set of characters with a constant-time test.
pub struct CharSet {
    bits: Vec<u64>,
}

impl CharSet {
    /// The characters a bracket expression matches. The pattern must be a class of characters.
    pub fn new(pattern: &str) -> Self {
        let mut bits = vec![0u64; 0x11_0000 / 64];
        let mut add = |from: u32, to: u32| (from..=to).for_each(|code| bits[code as usize / 64] |= 1 << (code % 64));
        match regex_syntax::parse(pattern).map(|hir| hir.into_kind()) {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
            }
            Ok(HirKind::Class(Class::Bytes(class))) => {
                class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
            }
            // Patterns are constants of this crate, and each is asked for a member in the tests.
            _ => {}
        }
        CharSet { bits }
    }

    /// The characters of a list.
    pub fn of(characters: &str) -> Self {
        let mut set = CharSet { bits: vec![0u64; 0x11_0000 / 64] };
        characters.chars().for_each(|c| set.bits[c as usize / 64] |= 1 << (c as usize % 64));
        set
    }

    /// Whether `c` is in the set.
    #[inline]
    pub fn has(&self, c: char) -> bool {
        self.bits[c as usize / 64] >> (c as usize % 64) & 1 == 1
    }

    /// A set with the members of both.
    pub fn with(mut self, other: &CharSet) -> Self {
        self.bits.iter_mut().zip(&other.bits).for_each(|(mine, theirs)| *mine |= theirs);
        self
    }
}

static LETTERS: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"[\p{L}]"));
static NUMBERS: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"[\p{N}]"));
static PUNCTUATION: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"[\p{P}]"));
/// Decimal digits of all scripts, and the digits in superscripts, subscripts and circles.
static DIGITS: LazyLock<CharSet> = LazyLock::new(|| {
    CharSet::new(
        r"[\p{Nd}\x{b2}\x{b3}\x{b9}\x{1369}-\x{1371}\x{19da}\x{2070}\x{2074}-\x{2079}\x{2080}-\x{2089}\x{2460}-\x{2468}\x{2474}-\x{247c}\x{2488}-\x{2490}\x{24ea}\x{24f5}-\x{24fd}\x{24ff}\x{2776}-\x{277e}\x{2780}-\x{2788}\x{278a}-\x{2792}\x{10a40}-\x{10a43}\x{10e60}-\x{10e68}\x{11052}-\x{1105a}\x{1f100}-\x{1f10a}]",
    )
});

/// `str.isalpha` of one character.
#[inline]
pub fn is_alpha(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTERS.has(c) }
}

/// `str.isalnum` of one character.
#[inline]
pub fn is_alnum(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { LETTERS.has(c) || NUMBERS.has(c) }
}

/// `str.isdigit` of one character.
#[inline]
pub fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { DIGITS.has(c) }
}

/// Whether the general category begins with P.
#[inline]
pub fn is_punctuation(c: char) -> bool {
    PUNCTUATION.has(c)
}

/// `str.isspace` of one character: what `str.split` and `str.strip` take for white space.
#[inline]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Whether `str.splitlines` breaks a line here.
#[inline]
pub fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `str.strip`.
pub fn strip(text: &str) -> &str {
    // Mostly there is nothing to take off.
    if let [b'!'..=b'~', .., b'!'..=b'~'] = text.as_bytes() {
        return text;
    }
    text.trim_matches(is_space)
}

/// `str.splitlines`: no line after a last line break.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_line_break(c)) else {
            return Some(std::mem::take(&mut rest));
        };
        let line = &rest[..at];
        let end = at + if rest[at..].starts_with("\r\n") { 2 } else { c.len_utf8() };
        rest = &rest[end..];
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_python() {
        assert!("aé中ªʰǅ".chars().all(is_alpha) && !"1²\u{301}Ⅷ_".chars().any(is_alpha));
        assert!("a1²Ⅷ½".chars().all(is_alnum) && !"\u{301}_-".chars().any(is_alnum));
        assert!("1²٣①".chars().all(is_digit) && !"½Ⅷa⑩".chars().any(is_digit));
        assert!("!—。«_".chars().all(is_punctuation) && !"$+a".chars().any(is_punctuation));
        assert!("\u{1c}\u{85}\u{3000}\u{a0} ".chars().all(is_space) && !is_space('\u{200b}'));
    }

    #[test]
    fn lines_are_split_as_python_splits_them() {
        let lines = |text| split_lines(text).collect::<Vec<_>>();
        assert_eq!(lines("a\r\nb\rc\u{2028}d\n\n"), ["a", "b", "c", "d", ""]);
        assert_eq!(lines(""), Vec::<&str>::new());
        assert_eq!(lines("a"), ["a"]);
    }
}
