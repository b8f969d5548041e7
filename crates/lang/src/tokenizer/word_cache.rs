//! Words already encoded, by one thread: most text is the same few thousand words again and again.
//!
//! A table of fixed size in which later words take the place of earlier ones, so that no text makes it grow.

/// Longest word that is kept, in bytes.
const WORD_BYTES: usize = 15;
/// Most tokens of a word that is kept.
const WORD_TOKENS: usize = 3;
const SLOTS_BITS: u32 = 15;

#[derive(Clone, Copy)]
struct Slot {
    /// The bytes of the word and its length; 0 for none.
    key: u128,
    count: u32,
    tokens: [u32; WORD_TOKENS],
}

pub(crate) struct WordCache {
    slots: Vec<Slot>,
}

impl WordCache {
    pub(crate) fn new() -> Self {
        WordCache { slots: vec![Slot { key: 0, count: 0, tokens: [0; WORD_TOKENS] }; 1 << SLOTS_BITS] }
    }

    /// Append the tokens of `word`, asking `encode` for those that are not kept.
    #[inline]
    pub(crate) fn encode(&mut self, word: &str, out: &mut Vec<u32>, encode: impl FnOnce(&str, &mut Vec<u32>)) {
        if word.len() > WORD_BYTES {
            encode(word, out);
            return;
        }
        let mut bytes = [0u8; 16];
        bytes[..word.len()].copy_from_slice(word.as_bytes());
        bytes[15] = word.len() as u8 + 1;
        let key = u128::from_le_bytes(bytes);
        let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.slots[(mixed >> (64 - SLOTS_BITS)) as usize];
        if slot.key == key {
            // Copying all and cutting is quicker than copying as many as there are.
            let length = out.len() + slot.count as usize;
            out.extend_from_slice(&slot.tokens);
            out.truncate(length);
            return;
        }
        let start = out.len();
        encode(word, out);
        let tokens = &out[start..];
        if tokens.len() <= WORD_TOKENS {
            slot.key = key;
            slot.count = tokens.len() as u32;
            slot.tokens[..tokens.len()].copy_from_slice(tokens);
        }
    }
}
