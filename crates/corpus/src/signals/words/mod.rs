//! Words by three definitions, in lists of hashes: what white space separates (dolma), the tokens of spaCy's English rules
//! (datatrove), and what Unicode's word boundaries give, without punctuation (dclm).
//!
//! Most words of most texts are the same by all three: a run of ASCII letters. Such a run is hashed once and goes into the
//! three lists; the rules are only asked about the others.

pub mod spacy;
pub mod specials;
pub mod unicode;

/// Words as hashes with their lengths.
#[derive(Default)]
pub struct Words {
    /// `hash::bytes` of each word.
    pub hashes: Vec<u64>,
    /// Characters of each word.
    pub lengths: Vec<u32>,
    /// Characters of all words.
    pub characters: u64,
}

impl Words {
    /// Forgets all, and keeps the room.
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.lengths.clear();
        self.characters = 0;
    }

    /// One more word.
    #[inline]
    pub fn push(&mut self, hash: u64, length: u32) {
        self.hashes.push(hash);
        self.lengths.push(length);
        self.characters += u64::from(length);
    }

    /// Words there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}
