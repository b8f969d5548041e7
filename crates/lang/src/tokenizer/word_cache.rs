//! Words already encoded, by one thread: most text is the same few thousand words again and again.
//!
//! A table of fixed size in which later words take the place of earlier ones, so that no text makes it grow. Two words share
//! a cache line, so that two frequent ones do not drive each other out.

/// Longest word that is kept, in bytes.
pub(crate) const WORD_BYTES: usize = 15;
/// Most tokens of a word that is kept.
pub(crate) const WORD_TOKENS: usize = 3;
/// Sets of a table, as a power of two: one mebibyte.
const SETS_BITS: u32 = 14;

#[derive(Clone, Copy)]
struct Slot {
    /// The bytes of the word and its length; 0 for none.
    key: u128,
    tokens: [u32; WORD_TOKENS],
    count: u32,
}

/// The one used last stands first.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Set([Slot; 2]);

pub(crate) struct WordCache {
    sets: Vec<Set>,
}

/// What a word is found by: its bytes, then its length in the last byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u128);

impl Key {
    /// The key of a short word, of no longer one.
    #[inline]
    pub(crate) fn new(word: &[u8]) -> Option<Key> {
        if word.len() > WORD_BYTES {
            return None;
        }
        // Loads of fixed sizes that overlap: a copy of as many bytes as there are is a call.
        let length = word.len();
        let bits = if let (Some(first), Some(last)) = (word.first_chunk::<8>(), word.last_chunk::<8>()) {
            u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << (8 * (length - 8))
        } else if let (Some(first), Some(last)) = (word.first_chunk::<4>(), word.last_chunk::<4>()) {
            u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
        } else {
            (0..).zip(word).fold(0, |bits, (at, &byte)| bits | u128::from(byte) << (8 * at))
        };
        Some(Key(bits | (length as u128 + 1) << 120))
    }

    /// The key of bytes `start` to `end` of `text`, if they are few enough.
    #[inline]
    pub(crate) fn within(text: &[u8], start: usize, end: usize) -> Option<Key> {
        let length = end - start;
        match text[start..].first_chunk::<16>() {
            Some(sixteen) if length <= WORD_BYTES => Some(Key::of_first(u128::from_le_bytes(*sixteen), length)),
            Some(_) => None,
            None => Key::new(&text[start..end]),
        }
    }

    /// The key of the first `length` bytes, at most [`WORD_BYTES`], of sixteen.
    #[inline]
    pub(crate) fn of_first(sixteen: u128, length: usize) -> Key {
        Key(sixteen & MASKS[length] | (length as u128 + 1) << 120)
    }
}

/// The bits of so many bytes.
const MASKS: [u128; WORD_BYTES + 1] = {
    let mut masks = [0; WORD_BYTES + 1];
    let mut length = 0;
    while length <= WORD_BYTES {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

impl WordCache {
    pub(crate) fn new() -> Self {
        let empty = Slot { key: 0, count: 0, tokens: [0; WORD_TOKENS] };
        WordCache { sets: vec![Set([empty; 2]); 1 << SETS_BITS] }
    }

    #[inline]
    fn place(key: Key) -> usize {
        let mixed = (key.0 as u64 ^ ((key.0 >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - SETS_BITS)) as usize
    }

    /// The tokens of a word that is kept: the first so many of these.
    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<(&[u32; WORD_TOKENS], usize)> {
        let set = &self.sets[WordCache::place(key)].0;
        // Without a branch, which would be taken at random.
        let slot = &set[usize::from(set[0].key != key.0)];
        (slot.key == key.0).then_some((&slot.tokens, slot.count as usize))
    }

    /// Keep the tokens of a word that is not kept, unless there are too many.
    pub(crate) fn put(&mut self, key: Key, tokens: &[u32]) {
        if tokens.len() <= WORD_TOKENS {
            let place = WordCache::place(key);
            let set = &mut self.sets[place].0;
            set[1] = set[0];
            set[0].key = key.0;
            set[0].count = tokens.len() as u32;
            set[0].tokens[..tokens.len()].copy_from_slice(tokens);
        }
    }
}

/// Append the first `count` tokens. Copying all and cutting is quicker than copying as many as there are.
#[inline]
pub(crate) fn push_few(out: &mut Vec<u32>, tokens: &[u32; WORD_TOKENS], count: usize) {
    let length = out.len() + count;
    out.extend_from_slice(tokens);
    out.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_all_their_bytes() {
        let mut cache = WordCache::new();
        let words: Vec<Vec<u8>> = (0..40_000u32).map(|number| number.to_le_bytes()[..3].to_vec()).collect();
        for (word, number) in words.iter().zip(0..) {
            cache.put(Key::new(word).unwrap(), &[number, 7]);
        }
        let mut kept = 0;
        for (word, number) in words.iter().zip(0..) {
            if let Some((tokens, count)) = cache.get(Key::new(word).unwrap()) {
                assert_eq!(tokens[..count], [number, 7]);
                kept += 1;
            }
        }
        assert!(kept > 20_000, "{kept}");
        // Zero bytes at the end count, and so does the length.
        assert!(cache.get(Key::new(&words[5][..2]).unwrap()).is_none());
        assert!(Key::new(&[0; 16]).is_none());
        let sixteen = u128::from_le_bytes(*b"abcdefghijklmnop");
        for length in 0..=WORD_BYTES {
            let key = Key::new(&b"abcdefghijklmnop"[..length]).unwrap();
            assert_eq!(Key::of_first(sixteen, length).0, key.0);
            for text in ["abcdefghijklmnop", "abcdefghijklmno"] {
                assert_eq!(Key::within(text.as_bytes(), 0, length).unwrap().0, key.0);
            }
        }
        cache.put(Key::new(b"many").unwrap(), &[1, 2, 3, 4]);
        assert!(cache.get(Key::new(b"many").unwrap()).is_none());
    }
}
