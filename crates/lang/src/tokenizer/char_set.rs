//! Sets of characters by Unicode property.
//!
//! The reference works with tables of several Unicode versions at once (its punctuation is that of Unicode 8, its
//! normal forms those of Unicode 9, its regular expressions know Unicode 16). Those tables are given here as properties of
//! the current version cut to the characters that had been assigned at the time, and the few characters that have
//! changed their category since are named one by one. `oracle/tokenizer_kinds.py` compares every code point.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A set of characters as pages of 256 bits, equal pages stored once.
pub(crate) struct CharSet {
    page_of: Vec<u16>,
    pages: Vec<[u64; 4]>,
}

impl CharSet {
    /// The characters that `class`, a character class of the `regex` crate, matches, with those of `plus` and without
    /// those of `minus`.
    pub(crate) fn new(class: &str, plus: &[char], minus: &[char]) -> CharSet {
        let mut bits = vec![[0u64; 4]; 0x1100];
        let mut set = |code: u32, value: bool| {
            let word = &mut bits[code as usize >> 8][code as usize >> 6 & 3];
            let bit = 1 << (code & 63);
            *word = if value { *word | bit } else { *word & !bit };
        };
        let parsed = regex_syntax::parse(class).expect("a constant class that the tests parse");
        if let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(ranges)) = parsed.kind() {
            for range in ranges.ranges() {
                (range.start() as u32..=range.end() as u32).for_each(|code| set(code, true));
            }
        }
        plus.iter().for_each(|&character| set(character as u32, true));
        minus.iter().for_each(|&character| set(character as u32, false));
        let mut seen: HashMap<[u64; 4], u16> = HashMap::new();
        let mut pages = Vec::new();
        let page_of = bits.into_iter().map(|page| {
            *seen.entry(page).or_insert_with(|| {
                pages.push(page);
                (pages.len() - 1) as u16
            })
        });
        let page_of = page_of.collect();
        CharSet { page_of, pages }
    }

    pub(crate) fn contains(&self, character: char) -> bool {
        let code = character as usize;
        self.pages[usize::from(self.page_of[code >> 8])][code >> 6 & 3] >> (code & 63) & 1 == 1
    }
}

/// Punctuation: ASCII's, which has symbols such as `$` among it, and category P of Unicode 8.
pub(crate) fn is_punctuation(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    static SET: LazyLock<CharSet> =
        LazyLock::new(|| CharSet::new(r"[[:punct:]\p{P}&&\p{age:8.0}]", &['\u{166d}', '\u{111c9}'], &[]));
    SET.contains(character)
}

/// Control, format and private-use characters of Unicode 8.
pub(crate) fn is_other(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    static SET: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"[\p{Cc}\p{Cf}\p{Co}&&\p{age:8.0}]", &[], &[]));
    SET.contains(character)
}

/// Marks without a width of their own (Mn) of Unicode 8.
pub(crate) fn is_nonspacing_mark(character: char) -> bool {
    static SET: LazyLock<CharSet> = LazyLock::new(|| {
        let since = ['\u{1885}', '\u{1886}', '\u{a9bd}', '\u{111c9}'];
        CharSet::new(r"[\p{Mn}&&\p{age:8.0}]", &['\u{1734}', '\u{1171e}'], &since)
    });
    SET.contains(character)
}

/// All marks (M) of Unicode 9.
pub(crate) fn is_mark(character: char) -> bool {
    static SET: LazyLock<CharSet> =
        LazyLock::new(|| CharSet::new(r"[\p{M}&&\p{age:9.0}]", &['\u{1cf2}', '\u{1cf3}'], &['\u{111c9}']));
    SET.contains(character)
}

/// Whether Unicode 9 has the character, so that the normal forms know it.
pub(crate) fn is_in_unicode_9(character: char) -> bool {
    static SET: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"\p{age:9.0}", &[], &[]));
    SET.contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables are compared whole by the hashes of `kinds`.
    #[test]
    fn characters_new_and_old() {
        assert!(is_punctuation('$') && is_punctuation('。') && !is_punctuation('€') && !is_punctuation('\u{2e43}'));
        assert!(('\0'..='\x7f').all(|character| {
            let (punctuation, other) = (CharSet::new(r"[[:punct:]]", &[], &[]), CharSet::new(r"\p{Cc}", &[], &[]));
            is_punctuation(character) == punctuation.contains(character)
                && is_other(character) == other.contains(character)
        }));
        assert!(is_other('\u{200d}') && is_other('\u{e000}') && !is_other('\u{8e2}') && !is_other('\u{378}'));
        assert!(is_nonspacing_mark('\u{301}') && !is_nonspacing_mark('\u{903}') && is_mark('\u{903}'));
        assert!(is_in_unicode_9('🤣') && !is_in_unicode_9('🤩'));
    }
}
