//! Texts as sets of short overlapping runs, hashed: of tokens, of words, or of characters.
//!
//! Han and kana characters are tokens and words by themselves, since Chinese and Japanese put no spaces between words;
//! peers that split on white space make one word of a whole Chinese sentence and miss its near-duplicates.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use xxhash_rust::xxh3::xxh3_64;
use xxhash_rust::xxh64::xxh64;

use crate::text::{is_han, is_kana, tokens};

/// What a shingle is a run of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shingle {
    /// Tokens of [`tokens`](crate::text::tokens()): lower-cased words, numbers, operators, single Han and kana characters.
    Tokens(usize),
    /// Words of the normalised text between spaces; Han and kana characters are words by themselves.
    Words(usize),
    /// Characters of the normalised text.
    Characters(usize),
}

impl Shingle {
    /// How many make one shingle.
    pub fn size(self) -> usize {
        match self {
            Shingle::Tokens(size) | Shingle::Words(size) | Shingle::Characters(size) => size,
        }
    }
}

/// The hash of a shingle's bytes. Runs of tokens have a rolling hash of their own instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShingleHash {
    /// xxh3, 64 bits.
    Xxh3,
    /// xxh64 with seed 0 (datatrove's default).
    Xxh64,
    /// The first eight bytes of SHA-1, little-endian (FineWeb's production runs, datasketch).
    Sha1,
}

impl ShingleHash {
    fn of(self, bytes: &[u8]) -> u64 {
        match self {
            ShingleHash::Xxh3 => xxh3_64(bytes),
            ShingleHash::Xxh64 => xxh64(bytes, 0),
            ShingleHash::Sha1 => {
                let digest = Sha1::digest(bytes);
                let mut first = [0u8; 8];
                first.copy_from_slice(&digest[..8]);
                u64::from_le_bytes(first)
            }
        }
    }
}

/// Shingles handed over at once.
const CHUNK: usize = 512;

/// Hands the hashes of the shingles of a text to `take`, some at a time, repeats included. `normalised` is the text as
/// words and characters are read from it; tokens are read from `text`. With `whole_if_short` a text of fewer words than a
/// shingle has is one shingle, else it has none.
pub(crate) fn shingles(
    text: &str,
    normalised: &str,
    shingle: Shingle,
    hash: ShingleHash,
    whole_if_short: bool,
    mut take: impl FnMut(&[u64]),
) {
    let mut chunk = Chunk { hashes: Vec::with_capacity(CHUNK), take: &mut take };
    let size = shingle.size().max(1);
    match shingle {
        Shingle::Tokens(_) => {
            let mut rolling = Rolling::new(size);
            let mut count = 0;
            for token in tokens(text) {
                count += 1;
                let state = rolling.push(token.hash());
                if count >= size {
                    chunk.push(mix(state));
                }
            }
            if count > 0 && count < size && whole_if_short {
                chunk.push(mix(rolling.state));
            }
        }
        Shingle::Words(_) => {
            let mut starts = VecDeque::with_capacity(size + 1);
            let mut first = None;
            words(normalised, |start, end| {
                first.get_or_insert(start);
                starts.push_back(start);
                if starts.len() == size {
                    chunk.push(hash.of(&normalised.as_bytes()[starts[0]..end]));
                    starts.pop_front();
                }
            });
            if starts.len() < size && first == starts.front().copied() && first.is_some() && whole_if_short {
                chunk.push(hash.of(normalised.as_bytes()));
            }
        }
        Shingle::Characters(_) => {
            let mut starts = VecDeque::with_capacity(size + 1);
            let mut any = false;
            for (start, c) in normalised.char_indices() {
                starts.push_back(start);
                if starts.len() == size {
                    chunk.push(hash.of(&normalised.as_bytes()[starts[0]..start + c.len_utf8()]));
                    starts.pop_front();
                    any = true;
                }
            }
            if !any && !normalised.is_empty() && whole_if_short {
                chunk.push(hash.of(normalised.as_bytes()));
            }
        }
    }
    chunk.flush();
}

struct Chunk<'t, F: FnMut(&[u64])> {
    hashes: Vec<u64>,
    take: &'t mut F,
}

impl<F: FnMut(&[u64])> Chunk<'_, F> {
    fn push(&mut self, hash: u64) {
        self.hashes.push(hash);
        if self.hashes.len() == CHUNK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.hashes.is_empty() {
            (self.take)(&self.hashes);
            self.hashes.clear();
        }
    }
}

/// Calls `visit(start, end)` for every word of a normalised text.
fn words(text: &str, mut visit: impl FnMut(usize, usize)) {
    let mut start = None;
    if text.is_ascii() {
        for (at, byte) in text.bytes().enumerate() {
            match (byte.is_ascii_whitespace(), start) {
                (false, None) => start = Some(at),
                (true, Some(begun)) => {
                    visit(begun, at);
                    start = None;
                }
                _ => {}
            }
        }
    } else {
        for (at, c) in text.char_indices() {
            let alone = is_han(c) || is_kana(c);
            if (alone || c.is_whitespace())
                && let Some(begun) = start.take()
            {
                visit(begun, at);
            }
            if alone {
                visit(at, at + c.len_utf8());
            } else if start.is_none() && !c.is_whitespace() {
                start = Some(at);
            }
        }
    }
    if let Some(begun) = start {
        visit(begun, text.len());
    }
}

/// Rolling polynomial of token hashes, modulo 2^64.
struct Rolling {
    state: u64,
    /// Power of the base that the token which leaves was multiplied by.
    top: u64,
    ring: VecDeque<u64>,
    size: usize,
}

const BASE: u64 = 0xd6e8_feb8_6659_fd93;

impl Rolling {
    fn new(size: usize) -> Self {
        let top = BASE.wrapping_pow(size as u32);
        Rolling { state: 0, top, ring: VecDeque::with_capacity(size + 1), size }
    }

    fn push(&mut self, hash: u64) -> u64 {
        self.state = self.state.wrapping_mul(BASE).wrapping_add(hash);
        self.ring.push_back(hash);
        if self.ring.len() > self.size
            && let Some(gone) = self.ring.pop_front()
        {
            self.state = self.state.wrapping_sub(gone.wrapping_mul(self.top));
        }
        self.state
    }
}

/// The finaliser of MurmurHash3: every bit of the sum reaches every bit of the hash.
fn mix(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, shingle: Shingle, short: bool) -> Vec<u64> {
        let mut out = Vec::new();
        shingles(text, text, shingle, ShingleHash::Xxh64, short, |some| out.extend_from_slice(some));
        out
    }

    fn strings(pieces: &[&str]) -> Vec<u64> {
        pieces.iter().map(|piece| xxh64(piece.as_bytes(), 0)).collect()
    }

    #[test]
    fn words_and_characters_by_hand() {
        assert_eq!(all("a bc d e", Shingle::Words(3), false), strings(&["a bc d", "bc d e"]));
        assert!(all("a bc", Shingle::Words(3), false).is_empty());
        assert_eq!(all("a bc", Shingle::Words(3), true), strings(&["a bc"]));
        assert!(all("", Shingle::Words(3), true).is_empty());
        assert_eq!(all("很好 ok吗", Shingle::Words(2), false), strings(&["很好", "好 ok", "ok吗"]));
        assert_eq!(all("añb", Shingle::Characters(2), false), strings(&["añ", "ñb"]));
        assert_eq!(all("a", Shingle::Characters(2), true), strings(&["a"]));
    }

    #[test]
    fn the_rolling_hash_sees_the_run_and_its_order_only() {
        let check = |size: usize| {
            let long = all("one two three four five six seven one two three four", Shingle::Tokens(size), false);
            assert_eq!(long.len(), 11 - size + 1);
            assert_eq!(long[0], long[7], "the same run at another place");
            assert_eq!(all("one two three four", Shingle::Tokens(size), false)[0], long[0]);
        };
        (1..=4).for_each(check);
        assert_ne!(all("a b", Shingle::Tokens(2), false), all("b a", Shingle::Tokens(2), false));
        assert_eq!(all("A, b!", Shingle::Tokens(5), true).len(), 1);
        // More than a chunk.
        let many = "word ".repeat(3000);
        assert_eq!(all(&many, Shingle::Tokens(5), false).len(), 2996);
    }
}
