//! Words already encoded, by one thread: most text is the same few thousand words again and again.
//!
//! A table of fixed size in which later words take the place of earlier ones, so that no text makes it grow. Two words share
//! a cache line, so that two frequent ones do not drive each other out.

/// Longest word that is kept, in bytes.
pub(crate) const WORD_BYTES: usize = 15;
/// Most tokens of a word that is kept.
pub(crate) const WORD_TOKENS: usize = 3;
/// Sets of a table, as a power of two: two mebibytes, of which usual texts touch a part.
const SETS_BITS: u32 = 15;

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

/// Bytes [`WordCache::take_words`] looks at: a window and what is loaded with the last byte of it.
pub(crate) const BLOCK: usize = 64 + 16;

/// Most tokens kept of a word with more than [`WORD_TOKENS`]: one for each of its bytes, and one to make it even.
const MANY: usize = WORD_BYTES + 1;
/// How many such words are kept.
const MANY_WORDS: usize = 1 << 11;

/// Tokens of a word with many, which is found like others, the place of this in the place of its first token.
#[derive(Clone, Copy)]
struct Many {
    key: u128,
    tokens: [u32; MANY],
}

pub(crate) struct WordCache {
    sets: Box<[Set; 1 << SETS_BITS]>,
    many: Box<[Many; MANY_WORDS]>,
    /// Which of them is written next.
    next: usize,
}

/// Tokens on their way: stores of a fixed size into a room that is there are quicker than appending as many as there are.
pub(crate) struct Few {
    tokens: [u32; FEW + MANY],
    count: usize,
}

/// Tokens to be gathered, a power of two.
const FEW: usize = 1 << 10;

impl Few {
    pub(crate) fn new() -> Self {
        Few { tokens: [0; FEW + MANY], count: 0 }
    }

    /// Whether the tokens of one more block might find no room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.count > FEW - BLOCK
    }

    /// The tokens so far, none of which stay.
    #[inline]
    pub(crate) fn empty(&mut self) -> &[u32] {
        let count = std::mem::take(&mut self.count);
        &self.tokens[..count]
    }
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
        Key(sixteen & MASKS[length & 15] | (length as u128 + 1) << 120)
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
        let many = Many { key: 0, tokens: [0; MANY] };
        WordCache { sets: boxed(Set([empty; 2])), many: boxed(many), next: 0 }
    }

    #[inline]
    fn place(key: Key) -> usize {
        let mixed = (key.0 as u64 ^ ((key.0 >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - SETS_BITS)) as usize
    }

    #[inline]
    fn slot(&self, key: Key) -> Option<&Slot> {
        let set = &self.sets[WordCache::place(key)].0;
        // Without a branch, which would be taken at random.
        let slot = &set[usize::from(set[0].key != key.0)];
        (slot.key == key.0).then_some(slot)
    }

    /// The tokens of a word that is kept: the first so many of these.
    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&[u32]> {
        let slot = self.slot(key)?;
        match slot.tokens.get(..slot.count as usize) {
            Some(tokens) => Some(tokens),
            None => Some(&self.many(slot)?[..slot.count as usize]),
        }
    }

    /// The tokens of a word with many of them, unless others have taken their place.
    #[inline]
    fn many(&self, slot: &Slot) -> Option<&[u32; MANY]> {
        let many = &self.many[slot.tokens[0] as usize % MANY_WORDS];
        (many.key == slot.key).then_some(&many.tokens)
    }

    /// Find the tokens of words of `block`: the first begins at `begin`, and one ends where each bit of `ends` is set. Stops before the
    /// first word that is not kept, with `begin` at it and `ends` at its end. A word must not have more tokens than bytes.
    ///
    /// On its own, and with nothing that could fail inside, so that all it needs stays in registers.
    #[inline(never)]
    pub(crate) fn take_words(&self, block: &[u8; BLOCK], begin: &mut usize, ends: &mut u64, few: &mut Few) {
        let (mut at, mut rest, mut count) = (*begin, *ends, few.count);
        while rest != 0 {
            let end = rest.trailing_zeros() as usize;
            let length = end - at;
            if length > WORD_BYTES {
                break;
            }
            let Some(sixteen) = block[at % 64..].first_chunk::<16>() else { break };
            let Some(slot) = self.slot(Key::of_first(u128::from_le_bytes(*sixteen), length)) else { break };
            if slot.count as usize <= WORD_TOKENS {
                let Some(room) = few.tokens[count % FEW..].first_chunk_mut() else { break };
                *room = slot.tokens;
            } else {
                let Some(tokens) = self.many(slot) else { break };
                let Some(room) = few.tokens[count % FEW..].first_chunk_mut() else { break };
                *room = *tokens;
            }
            count += slot.count as usize;
            at = end;
            rest &= rest - 1;
        }
        (*begin, *ends, few.count) = (at, rest, count);
    }

    /// Keep the tokens of a word that is not kept, unless there are too many.
    pub(crate) fn put(&mut self, key: Key, tokens: &[u32]) {
        let mut slot = Slot { key: key.0, tokens: [0; WORD_TOKENS], count: tokens.len() as u32 };
        if let Some(own) = slot.tokens.get_mut(..tokens.len()) {
            own.copy_from_slice(tokens);
        } else {
            let many = &mut self.many[self.next];
            let Some(own) = many.tokens.get_mut(..tokens.len()) else { return };
            own.copy_from_slice(tokens);
            many.key = key.0;
            slot.tokens[0] = self.next as u32;
            self.next = (self.next + 1) % MANY_WORDS;
        }
        let set = &mut self.sets[WordCache::place(key)].0;
        // What is there already has lost its tokens.
        if set[0].key != key.0 {
            set[1] = set[0];
        }
        set[0] = slot;
    }
}

/// An array too large for the stack.
fn boxed<T: Clone, const N: usize>(item: T) -> Box<[T; N]> {
    match vec![item; N].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the slice has as many items as the array"),
    }
}

/// Append the first `count` tokens. Copying all and cutting is quicker than copying as many as there are.
#[inline]
pub(crate) fn push_few(out: &mut Vec<u32>, tokens: &[u32; WORD_TOKENS], count: u32) {
    let length = out.len() + count as usize;
    out.extend_from_slice(tokens);
    out.truncate(length);
}

/// The tokens of characters of three bytes, as Chinese has them, each in a place of its own.
pub(crate) struct Singles(Vec<([u32; WORD_TOKENS], u32)>);

impl Singles {
    /// Room is made when there are such characters.
    pub(crate) fn new() -> Self {
        Singles(Vec::new())
    }

    /// The place of `bytes`, if they are one character of three bytes.
    #[inline]
    pub(crate) fn place(bytes: &[u8]) -> Option<usize> {
        match *bytes {
            [first @ 0xE0..=0xEF, second, third] => {
                Some(usize::from(first & 15) << 12 | usize::from(second & 63) << 6 | usize::from(third & 63))
            }
            _ => None,
        }
    }

    /// The tokens kept there, and how many they are.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&([u32; WORD_TOKENS], u32)> {
        self.0.get(place).filter(|kept| kept.1 > 0)
    }

    /// Keep tokens at a place, unless there are too many.
    pub(crate) fn put(&mut self, place: usize, tokens: &[u32]) {
        self.0.resize(1 << 16, Default::default());
        let kept = &mut self.0[place];
        if let Some(own) = kept.0.get_mut(..tokens.len()) {
            own.copy_from_slice(tokens);
            kept.1 = tokens.len() as u32;
        }
    }
}

/// Longest word kept by [`MoreWords`], in bytes; it has as many tokens at most.
const MORE_BYTES: usize = 64;
/// How many words [`MoreWords`] can keep, as a power of two.
const MORE_BITS: u32 = 15;
/// Bytes and tokens of all of them: with their places two mebibytes, most of which are not touched by usual texts.
const MORE_ROOM: usize = 1 << 18;

/// Where the bytes of a word stand, counted from the first ever kept, and its tokens; then its length and how many they are.
type MoreSlot = [u64; 3];

/// A second cache, for what the first has no place for: words driven out, and words with too many bytes or tokens, as
/// indentation, long names, and words of scripts with two bytes a letter. What comes later is written over what came first.
pub(crate) struct MoreWords {
    slots: Vec<MoreSlot>,
    bytes: Ring<u8>,
    tokens: Ring<u32>,
}

/// The last items of a long row.
struct Ring<T> {
    items: Vec<T>,
    /// How many there have been.
    end: u64,
}

impl<T: Copy + Default> Ring<T> {
    fn new() -> Self {
        Ring { items: vec![T::default(); MORE_ROOM], end: 0 }
    }

    /// Appends a few items; where they stand.
    fn push(&mut self, items: &[T]) -> u64 {
        let mut place = self.end as usize % MORE_ROOM;
        if place + items.len() > MORE_ROOM {
            // They stay together.
            self.end += (MORE_ROOM - place) as u64;
            place = 0;
        }
        let start = self.end;
        self.items[place..place + items.len()].copy_from_slice(items);
        self.end += items.len() as u64;
        start
    }

    /// What was pushed there, unless it has been written over.
    fn get(&self, start: u64, length: usize) -> Option<&[T]> {
        let place = start as usize % MORE_ROOM;
        let is_there = self.end - start <= MORE_ROOM as u64;
        is_there.then(|| &self.items[place..place + length])
    }
}

impl MoreWords {
    pub(crate) fn new() -> Self {
        MoreWords { slots: vec![[0; 3]; 1 << MORE_BITS], bytes: Ring::new(), tokens: Ring::new() }
    }

    /// Where a word is kept, if it is a word that may come again: runs of Chinese or Japanese between two commas do not.
    pub(crate) fn place(word: &[u8]) -> Option<usize> {
        let first = word.get(usize::from(word.first() == Some(&b' ')))?;
        let is_kept = word.len() <= MORE_BYTES && !(0xE3..=0xE9).contains(first);
        is_kept.then(|| (xxhash_rust::xxh3::xxh3_64(word) >> (64 - MORE_BITS)) as usize)
    }

    /// The tokens of a word, if they are kept at `place`.
    pub(crate) fn get(&self, place: usize, word: &[u8]) -> Option<&[u32]> {
        let [bytes, tokens, lengths] = self.slots[place];
        if (lengths >> 8) as usize != word.len() || self.bytes.get(bytes, word.len())? != word {
            return None;
        }
        self.tokens.get(tokens, (lengths & 0xFF) as usize)
    }

    /// Keep the tokens of a word at its place, unless there are too many.
    pub(crate) fn put(&mut self, place: usize, word: &[u8], tokens: &[u32]) {
        if word.len() <= MORE_BYTES && tokens.len() <= MORE_BYTES {
            let lengths = (word.len() << 8 | tokens.len()) as u64;
            self.slots[place] = [self.bytes.push(word), self.tokens.push(tokens), lengths];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_words_are_found_by_all_their_bytes() {
        let mut words = MoreWords::new();
        let word = |number: usize| format!("{number} is a number in words").repeat(3)[..20 + number % 45].to_owned();
        let tokens = |number: usize| vec![number as u32; number % 65];
        // More than there is room for.
        for number in 0..40_000 {
            let word = word(number);
            let place = MoreWords::place(word.as_bytes()).unwrap();
            assert_eq!(words.get(place, word.as_bytes()), None);
            words.put(place, word.as_bytes(), &tokens(number));
            assert_eq!(words.get(place, word.as_bytes()).unwrap(), tokens(number));
            assert_eq!(words.get(place, &word.as_bytes()[..19]), None);
        }
        let mut kept = 0;
        for number in 0..40_000 {
            let word = word(number);
            if let Some(found) = words.get(MoreWords::place(word.as_bytes()).unwrap(), word.as_bytes()) {
                assert_eq!(found, tokens(number));
                kept += 1;
            }
        }
        assert!(kept > 3000, "{kept}");
        // Nothing is kept of a word with too many tokens, and of some words nothing at all.
        let place = MoreWords::place(b"many tokens").unwrap();
        words.put(place, b"many tokens", &[1; 65]);
        assert_eq!(words.get(place, b"many tokens"), None);
        assert_eq!(MoreWords::place(&[b'a'; 65]), None);
        assert_eq!(MoreWords::place("河河河河河河".as_bytes()), None);
        assert_eq!(MoreWords::place(b""), None);
    }

    #[test]
    fn characters_of_three_bytes_are_kept() {
        let mut singles = Singles::new();
        let place = |text: &str| Singles::place(text.as_bytes());
        assert_eq!([place("a"), place("é"), place("abc"), place("🙂"), place("河河")], [None; 5]);
        let river = place("河").unwrap();
        assert!(singles.get(river).is_none());
        singles.put(river, &[3, 4]);
        assert_eq!(singles.get(river), Some(&([3, 4, 0], 2)));
        let all: std::collections::HashSet<usize> =
            ('\u{800}'..='\u{ffff}').filter_map(|one| place(one.encode_utf8(&mut [0; 4]))).collect();
        assert_eq!(all.len(), 0x1_0000 - 0x800 - 0x800);
    }

    #[test]
    fn words_of_a_block_are_taken_until_one_is_new() {
        let mut cache = WordCache::new();
        let mut block = [b'.'; BLOCK];
        block[..14].copy_from_slice(b"one two three!");
        for (word, tokens) in [("one", &[1][..]), (" two", &[2, 3, 4, 5]), (" three", &[6, 7])] {
            cache.put(Key::new(word.as_bytes()).unwrap(), tokens);
        }
        let (mut begin, mut ends, mut few) = (0, 1 << 3 | 1 << 7 | 1 << 13 | 1 << 14 | 1 << 60, Few::new());
        cache.take_words(&block, &mut begin, &mut ends, &mut few);
        assert_eq!((few.empty(), begin, ends), (&[1, 2, 3, 4, 5, 6, 7][..], 13, 1 << 14 | 1 << 60));
        cache.put(Key::new(b"!").unwrap(), &[8]);
        cache.take_words(&block, &mut begin, &mut ends, &mut few);
        // The next is too long.
        assert_eq!((few.empty(), begin, ends), (&[8][..], 14, 1 << 60));
    }

    #[test]
    fn words_are_found_by_all_their_bytes() {
        let mut cache = WordCache::new();
        let words: Vec<Vec<u8>> = (0..40_000u32).map(|number| number.to_le_bytes()[..3].to_vec()).collect();
        for (word, number) in words.iter().zip(0..) {
            cache.put(Key::new(word).unwrap(), &[number, 7]);
        }
        let mut kept = 0;
        for (word, number) in words.iter().zip(0u32..) {
            if let Some(tokens) = cache.get(Key::new(word).unwrap()) {
                assert_eq!(tokens, [number, 7]);
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
        assert_eq!(cache.get(Key::new(b"many").unwrap()), Some(&[1, 2, 3, 4][..]));
        cache.put(Key::new(b"too many").unwrap(), &[1; 17]);
        assert!(cache.get(Key::new(b"too many").unwrap()).is_none());
        // As many words with many tokens as there is room for drive the first out.
        for number in 0..MANY_WORDS as u32 {
            cache.put(Key::new(&number.to_le_bytes()).unwrap(), &[number; 9]);
        }
        assert!(cache.get(Key::new(b"many").unwrap()).is_none());
        let last = (MANY_WORDS as u32 - 1).to_le_bytes();
        assert_eq!(cache.get(Key::new(&last).unwrap()), Some(&[MANY_WORDS as u32 - 1; 9][..]));
    }
}
