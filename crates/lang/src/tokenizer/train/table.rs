//! Words and how often each was seen, in one piece of memory: a hash table over an arena.
//!
//! A map of boxed strings needs about 60 bytes for a word besides its letters, this table 28 to 40; and how much it holds is known
//! at any time, which a bound on memory needs.

use std::hash::Hasher as _;

use rayon::slice::ParallelSliceMut as _;

use crate::tokenizer::merge::QuickHasher;

/// A word of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    start: u64,
    count: u64,
    length: u32,
    hash: u32,
}

/// Distinct words with their counts.
#[derive(Clone, Debug, Default)]
pub(super) struct WordTable {
    letters: String,
    entries: Vec<Entry>,
    /// One more than the number of an entry, 0 where free; a power of two of them, or none.
    slots: Vec<u32>,
}

/// The hash by which words are put into tables, and tables are chosen.
#[inline]
pub(super) fn hash(word: &str) -> u64 {
    let mut hasher = QuickHasher::default();
    hasher.write(word.as_bytes());
    hasher.finish()
}

impl WordTable {
    /// Adds `count` to `word`, whose [`hash`] is `hash`.
    #[inline]
    pub(super) fn add(&mut self, word: &str, hash: u64, count: u64) {
        if (self.entries.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        // The upper half chooses tables.
        let hash = hash as u32;
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => break,
                number => {
                    let entry = &mut self.entries[number as usize - 1];
                    if entry.hash == hash
                        && entry.length as usize == word.len()
                        && self.letters.as_bytes()[entry.start as usize..][..word.len()] == *word.as_bytes()
                    {
                        entry.count += count;
                        return;
                    }
                    slot = (slot + 1) & mask;
                }
            }
        }
        self.entries.push(Entry { start: self.letters.len() as u64, count, length: word.len() as u32, hash });
        self.slots[slot] = self.entries.len() as u32;
        self.letters.push_str(word);
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(256);
        self.slots.clear();
        self.slots.resize(size, 0);
        let mask = size - 1;
        for (number, entry) in (1..).zip(&self.entries) {
            let mut slot = entry.hash as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of memory that are held.
    pub(super) fn memory(&self) -> usize {
        self.letters.capacity() + self.entries.capacity() * size_of::<Entry>() + self.slots.capacity() * 4
    }

    fn word(&self, entry: &Entry) -> &str {
        &self.letters[entry.start as usize..][..entry.length as usize]
    }

    /// Adds all words of `other`.
    pub(super) fn add_all(&mut self, other: &WordTable) {
        for entry in &other.entries {
            self.add(other.word(entry), u64::from(entry.hash), entry.count);
        }
    }

    /// Forgets the words and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.letters.clear();
        self.entries.clear();
        self.slots.fill(0);
    }
}

/// Distinct words with their counts, ordered by their bytes, so that threads leave no trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    letters: String,
    entries: Vec<Entry>,
}

impl Counted {
    /// The words of tables that share none; the tables are empty after it.
    pub(super) fn from_tables(tables: &mut [WordTable]) -> Counted {
        let mut letters = String::with_capacity(tables.iter().map(|table| table.letters.len()).sum());
        let mut entries: Vec<Entry> = Vec::with_capacity(tables.iter().map(WordTable::len).sum());
        for table in tables {
            let WordTable { letters: own, entries: words, .. } = std::mem::take(table);
            let start = letters.len() as u64;
            letters.push_str(&own);
            entries.extend(words.into_iter().map(|word| Entry { start: word.start + start, ..word }));
        }
        let bytes = letters.as_bytes();
        let word = |entry: &Entry| &bytes[entry.start as usize..][..entry.length as usize];
        entries.par_sort_unstable_by(|left, right| word(left).cmp(word(right)));
        Counted { letters, entries }
    }

    /// Appends a word, which must come after all others.
    pub(super) fn push(&mut self, word: &str, count: u64) {
        self.entries.push(Entry { start: self.letters.len() as u64, count, length: word.len() as u32, hash: 0 });
        self.letters.push_str(word);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn word(&self, index: usize) -> &str {
        let entry = &self.entries[index];
        &self.letters[entry.start as usize..][..entry.length as usize]
    }

    pub(super) fn count(&self, index: usize) -> u64 {
        self.entries[index].count
    }

    /// The words with their counts, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        (0..self.len()).map(|index| (self.word(index), self.count(index)))
    }

    /// Keeps the words that `keep` says yes to.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, u64) -> bool) {
        let letters = &self.letters;
        self.entries.retain(|entry| keep(&letters[entry.start as usize..][..entry.length as usize], entry.count));
    }
}
