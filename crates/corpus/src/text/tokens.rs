//! Tokens for comparing texts: a run of letters is one lower-cased token, a number is one, a Han or kana character is
//! one, and an arithmetic operator is one, so that `47 + 38` and `47 - 38` differ. Other punctuation is left out.
//!
//! Digits are not folded to one class (datatrove folds them before MinHash): lessons with other numbers are other texts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use super::{is_han, is_kana};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A run of letters (apostrophes and combining marks inside it included).
    Word,
    /// One Han or kana character.
    Character,
    /// A run of digits, with points and commas inside it.
    Number,
    /// An arithmetic or comparison sign, or a run of the same one.
    Operator,
}

/// One token with its place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// The piece of text, in its own case.
    pub text: &'t str,
    /// Byte offset of the piece.
    pub start: usize,
}

impl<'t> Token<'t> {
    /// Hash of the token in lower case.
    pub fn hash(&self) -> u64 {
        let bytes = self.text.as_bytes();
        let mut buffer = [0u8; 32];
        if bytes.len() <= buffer.len() && bytes.is_ascii() {
            let folded = &mut buffer[..bytes.len()];
            folded.copy_from_slice(bytes);
            folded.make_ascii_lowercase();
            xxh3_64(folded)
        } else {
            xxh3_64(self.folded().as_bytes())
        }
    }

    /// The token in lower case, apostrophes straightened.
    pub fn folded(&self) -> Cow<'t, str> {
        if self.text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) || self.kind == TokenKind::Character {
            Cow::Borrowed(self.text)
        } else {
            Cow::Owned(self.text.to_lowercase().replace('’', "'"))
        }
    }
}

/// The tokens of `text`, in order.
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// Hashes of the tokens of `text`: equal for tokens that differ in case only.
pub fn hashes(text: &str) -> Vec<u64> {
    let mut out = Vec::with_capacity(text.len() / 4);
    out.extend(tokens(text).map(|token| token.hash()));
    out
}

/// Maps and sets over keys that are hashes already.
pub type HashKeyed<T> = HashMap<u64, T, BuildHasherDefault<Identity>>;
/// See [`HashKeyed`].
pub type HashSetKeyed = HashSet<u64, BuildHasherDefault<Identity>>;

/// The hasher that passes a 64-bit key through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys are u64 and come through `write_u64`; anything else is hashed properly.
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Iterator behind [`tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            let start = self.at;
            let (kind, length) = if is_han(first) || is_kana(first) {
                (TokenKind::Character, first.len_utf8())
            } else if first.is_numeric() {
                (TokenKind::Number, number_length(rest))
            } else if first.is_alphabetic() {
                (TokenKind::Word, word_length(rest))
            } else if matches!(first, '+' | '-' | '−' | '*' | '/' | '×' | '÷' | '=' | '<' | '>' | '%') {
                // A ruler (`-----`) is one sign.
                let run = rest.chars().take_while(|c| *c == first).count();
                (TokenKind::Operator, run * first.len_utf8())
            } else {
                self.at += first.len_utf8();
                continue;
            };
            self.at += length;
            return Some(Token { kind, text: &rest[..length], start });
        }
    }
}

fn word_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut end = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    while let Some(c) = rest[end..].chars().next() {
        let inside = (c.is_alphabetic() && !is_han(c) && !is_kana(c)) || is_combining(c);
        let apostrophe = (c == '\'' || c == '’')
            && rest[end + c.len_utf8()..].chars().next().is_some_and(|next| next.is_alphabetic() && !is_han(next));
        if !inside && !apostrophe {
            break;
        }
        end += c.len_utf8();
    }
    end
}

fn is_combining(c: char) -> bool {
    // Combining marks, and the vowel signs and viramas of the Indic scripts, which are no letters to Unicode.
    matches!(u32::from(c), 0x300..=0x36f | 0x591..=0x5c7 | 0x610..=0x61a | 0x64b..=0x65f | 0x900..=0xdff | 0xe31..=0xe4e)
}

fn number_length(rest: &str) -> usize {
    let mut end = 0;
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let joins = (c == '.' || c == ',') && characters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        if !c.is_numeric() && !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_mixed_text() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = tokens(text).map(|t| t.folded().into_owned()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("Don’t stop, Ann!", &["don't", "stop", "ann"]);
        check("47 + 38 = 1,085.", &["47", "+", "38", "=", "1,085"]);
        check("小明有3个apple。", &["小", "明", "有", "3", "个", "apple"]);
        check("naïve ÉTÉ", &["naïve", "été"]);
        check("...!?", &[]);
        check("|---|", &["---"]);
        check("", &[]);
    }

    #[test]
    fn hashes_ignore_case_and_punctuation() {
        assert_eq!(hashes("The Cat, sat."), hashes("the cat sat"));
        assert_ne!(hashes("the cat sat"), hashes("the cat sit"));
    }
}
