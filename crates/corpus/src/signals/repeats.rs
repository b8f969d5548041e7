//! Repeated runs of words (Gopher, table A1 of arXiv 2112.11446), by the three definitions of the tools.
//!
//! A run of n words can only repeat where both runs of n - 1 words inside it do, so after pairs only what still repeats is
//! looked at: most texts have a few hundred such places, not nine tables of all words.

/// A hash table of counts that is emptied by raising its age.
#[derive(Default)]
pub struct Table {
    slots: Vec<Slot>,
    /// Slots that are used, less one: a table that was large once must not spread a few keys over all of it.
    mask: usize,
    age: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    age: u32,
    value: u32,
}

impl Table {
    /// Empties the table and makes room for `keys` of them.
    pub fn start(&mut self, keys: usize) {
        let room = (keys.max(8) * 2).next_power_of_two();
        if self.slots.len() < room {
            self.slots = vec![Slot::default(); room];
            self.age = 0;
        }
        self.mask = room - 1;
        self.age = match self.age.checked_add(1) {
            Some(age) => age,
            None => {
                self.slots.fill(Slot::default());
                1
            }
        };
    }

    /// The value of a key, 0 when it is new. At most as many keys as [`Self::start`] was told.
    #[inline]
    pub fn value(&mut self, key: u64) -> &mut u32 {
        let place = self.place(key);
        &mut self.slots[place].value
    }

    /// Counts keys; the place of each goes to `places`, where [`Self::at`] finds it.
    fn count(&mut self, keys: impl ExactSizeIterator<Item = u64>, places: &mut Vec<u32>) {
        self.start(keys.len());
        let (mask, age) = (self.mask, self.age);
        let slots = &mut self.slots[..=mask];
        places.clear();
        places.extend(keys.map(|key| {
            let mut at = key as usize & mask;
            loop {
                let slot = &mut slots[at];
                if slot.age != age {
                    *slot = Slot { key, age, value: 1 };
                    return at as u32;
                }
                if slot.key == key {
                    slot.value += 1;
                    return at as u32;
                }
                at = (at + 1) & mask;
            }
        }));
    }

    /// The value at a place.
    #[inline]
    fn at(&self, place: u32) -> u32 {
        self.slots[place as usize].value
    }

    /// The place of a key, which stays where it is.
    #[inline]
    fn place(&mut self, key: u64) -> usize {
        let mask = self.mask;
        // The low bits of a folded product are as good as the high ones.
        let mut at = key as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.age != self.age {
                self.slots[at] = Slot { key, age: self.age, value: 0 };
                return at;
            }
            if slot.key == key {
                return at;
            }
            at = (at + 1) & mask;
        }
    }
}

/// What the runs of n words of a text give.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Runs {
    /// How often the most frequent run stands in the text; 0 when there is no run of that length.
    pub top_count: u32,
    /// Characters of the most frequent run; of equally frequent ones the one that comes first.
    pub top_characters: u32,
    /// Characters of the longest of the most frequent runs.
    pub top_longest: u32,
    /// Sum over all places where a repeated run begins of the run's characters.
    pub repeated: u64,
    /// The same sum over all places.
    pub all: u64,
    /// Characters of the words that repeated runs cover, each word once.
    pub covered: u64,
}

/// Bytes that count to two: which keys may repeat. Most do not, and a byte that is asked before the table is in the cache.
#[derive(Default)]
struct Filter {
    counts: Vec<u8>,
}

/// Bytes of a filter a key, and the most of them: beyond that it only gets less sharp.
const FILTER: usize = 8;
const LARGEST_FILTER: usize = 1 << 20;

impl Filter {
    /// Counts keys.
    fn fill(&mut self, keys: impl ExactSizeIterator<Item = u64>) {
        self.counts.clear();
        self.counts.resize((keys.len() * FILTER).next_power_of_two().clamp(64, LARGEST_FILTER), 0);
        let counts = self.counts.as_mut_slice();
        let mask = counts.len() - 1;
        keys.for_each(|key| {
            let count = &mut counts[key as usize & mask];
            *count = (*count + 1).min(2);
        });
    }

    /// True for every key that was counted twice, and for some others.
    #[inline]
    fn may_repeat(&self, key: u64) -> bool {
        self.counts[key as usize & (self.counts.len() - 1)] == 2
    }
}

/// Buffers for [`runs`].
#[derive(Default)]
pub struct Buffers {
    table: Table,
    filter: Filter,
    short_filter: Filter,
    /// Where the runs of the length at hand may repeat, in order.
    places: Vec<u32>,
    /// The hash of the run at each of them.
    hashes: Vec<u64>,
    /// Characters before each word.
    before: Vec<u32>,
    /// The place in the table of what stands at each place.
    found: Vec<u32>,
}

/// Into `before` the sum of the lengths before each place and, at the end, of all.
fn sums(lengths: &[u32], before: &mut Vec<u32>) {
    before.clear();
    let mut total = 0u32;
    before.push(0);
    before.extend(lengths.iter().map(|length| {
        total += length;
        total
    }));
}

/// The runs of 2 to `2 + out.len() - 1` words.
pub fn runs(hashes: &[u64], lengths: &[u32], buffers: &mut Buffers, out: &mut [Runs]) {
    out.fill(Runs::default());
    let Buffers { table, filter, places, hashes: grams, before, found, .. } = buffers;
    sums(lengths, before);
    pairs(hashes, filter, places, grams);
    for (step, result) in out.iter_mut().enumerate() {
        let n = step + 2;
        if hashes.len() < n {
            return;
        }
        let last = hashes.len() - n;
        let characters = |at: u32| before[at as usize + n] - before[at as usize];
        // A sum over all runs: what stands before their ends, less what stands before their beginnings.
        let sum = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        result.all = sum(&before[last + 1..]) - sum(&before[..n]);
        // Before anything is known to repeat, the first run is the most frequent one.
        (result.top_count, result.top_characters, result.top_longest) = (1, characters(0), 0);
        // Runs that begin where a shorter one repeats, and whose second word begins another such.
        let mut kept = 0;
        if n > 2 {
            let (at_hand, hashed) = (places.as_mut_slice(), grams.as_mut_slice());
            for index in 0..at_hand.len().saturating_sub(1) {
                let at = at_hand[index] as usize;
                if at <= last && at_hand[index + 1] as usize == at + 1 {
                    hashed[kept] = super::hash::mix(hashed[index], hashes[at + n - 1]);
                    at_hand[kept] = at as u32;
                    kept += 1;
                }
            }
            places.truncate(kept);
            grams.truncate(kept);
        }
        table.count(grams.iter().copied(), found);
        let kept = level(n, before, (places.as_mut_slice(), grams.as_mut_slice()), found, table, result);
        places.truncate(kept);
        grams.truncate(kept);
        if result.top_count == 1 {
            result.top_longest = result.top_characters;
        }
    }
}

/// Takes the runs of `n` words that repeat into the result, and moves them to the front of the lists; gives how many there are.
fn level(
    n: usize,
    before: &[u32],
    (places, grams): (&mut [u32], &mut [u64]),
    found: &[u32],
    table: &Table,
    result: &mut Runs,
) -> usize {
    let (mut kept, mut end) = (0, 0);
    for (index, &place) in found.iter().enumerate() {
        let count = table.at(place);
        if count < 2 {
            continue;
        }
        let at = places[index] as usize;
        let length = before[at + n] - before[at];
        if count > result.top_count {
            (result.top_count, result.top_characters, result.top_longest) = (count, length, length);
        } else if count == result.top_count {
            result.top_longest = result.top_longest.max(length);
        }
        result.repeated += u64::from(length);
        let from = end.max(at);
        end = at + n;
        result.covered += u64::from(before[end] - before[from]);
        places[kept] = at as u32;
        grams[kept] = grams[index];
        kept += 1;
    }
    kept
}

/// The pairs of words that may repeat: where they stand and their hashes.
fn pairs(hashes: &[u64], filter: &mut Filter, places: &mut Vec<u32>, grams: &mut Vec<u64>) {
    grams.clear();
    grams.extend(hashes.array_windows().map(|[first, second]| super::hash::mix(*first, *second)));
    filter.fill(grams.iter().copied());
    places.clear();
    places.resize(grams.len(), 0);
    let mut kept = 0;
    // Written whether it is kept or not: a branch here would be guessed wrong as often as not.
    let (out, all, filter) = (places.as_mut_slice(), grams.as_mut_slice(), &*filter);
    for at in 0..all.len() {
        let gram = all[at];
        all[kept] = gram;
        out[kept] = at as u32;
        kept += usize::from(filter.may_repeat(gram));
    }
    places.truncate(kept);
    grams.truncate(kept);
}

/// Words written one after another without spaces.
#[derive(Default)]
pub struct Joined {
    /// The bytes, and sixteen more.
    pub bytes: Vec<u8>,
    /// Where each word begins; the end of the last one is last.
    pub starts: Vec<u32>,
}

/// Prefix of a run that must repeat for the run to repeat.
const LOOK: usize = 16;

/// Characters of runs of n words (5 to 10) that stood before, in a walk that jumps over a run it has found (datatrove). Runs are
/// compared as written together, so "a bc" is "ab c". `room` must have sixteen bytes after the last word.
pub fn walk(joined: &Joined, lengths: &[u32], buffers: &mut Buffers, out: &mut [u64; 6]) {
    out.fill(0);
    let words = lengths.len();
    let Buffers { table, filter, short_filter, places, before, found, .. } = buffers;
    // A run repeats only if its first sixteen bytes do, or, where it is shorter, its first eight.
    let head = |at: usize| {
        let start = joined.starts[at] as usize;
        u128::from_le_bytes(joined.bytes[start..].first_chunk::<LOOK>().copied().unwrap_or_default())
    };
    // Only the filters read these: their low bits have to differ, no more.
    let spread = |value: u64| (value.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 24;
    let key =
        |head: u128| spread(head as u64 ^ ((head >> 64) as u64).rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93));
    let short_key = |head: u128| spread(head as u64);
    filter.fill((0..words).map(|at| key(head(at))));
    short_filter.fill((0..words).map(|at| short_key(head(at))));
    places.clear();
    let length = |at: usize, n: usize| (joined.starts[(at + n).min(words)] - joined.starts[at]) as usize;
    let (filter, short_filter) = (&*filter, &*short_filter);
    places.extend((0..words as u32).filter(|&at| {
        let (head, length) = (head(at as usize), length(at as usize, 5));
        filter.may_repeat(key(head)) || (length < LOOK && (length < 8 || short_filter.may_repeat(short_key(head))))
    }));
    // The filter lets some through that the table does not.
    let whole_key = |head: u128| super::hash::mix(head as u64, (head >> 64) as u64);
    table.count(places.iter().map(|&at| whole_key(head(at as usize))), found);
    // From here on: whether the first sixteen bytes repeat.
    found.iter_mut().for_each(|found| *found = u32::from(table.at(*found) > 1));
    sums(lengths, before);
    for (index, out) in out.iter_mut().enumerate() {
        let n = index + 5;
        table.start(places.len());
        let mut free = 0;
        for (&place, &repeats) in places.iter().zip(found.iter()) {
            let at = place as usize;
            if at < free || at + n > words || (repeats == 0 && length(at, n) >= LOOK) {
                continue;
            }
            let run = &joined.bytes[joined.starts[at] as usize..joined.starts[at + n] as usize];
            let seen = table.value(super::hash::bytes(run));
            if *seen == 0 {
                *seen = 1;
            } else {
                *out += u64::from(before[at + n] - before[at]);
                free = at + n;
            }
        }
    }
}

/// Repeated elements of a list and their characters: from the second occurrence on, and all occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Duplicates {
    /// Elements.
    pub all: u64,
    /// Characters of all elements.
    pub all_characters: u64,
    /// Elements that stood before.
    pub later: u64,
    /// Their characters.
    pub later_characters: u64,
    /// Elements that stand more than once.
    pub every: u64,
    /// Their characters.
    pub every_characters: u64,
}

/// Counts repeated elements, given by hash and characters.
pub fn duplicates(elements: &[(u64, u32)], table: &mut Table) -> Duplicates {
    table.start(elements.len());
    let mut found = Duplicates { all: elements.len() as u64, ..Duplicates::default() };
    for &(hash, characters) in elements {
        found.all_characters += u64::from(characters);
        let count = table.value(hash);
        *count += 1;
        let count = u64::from(*count);
        if count > 1 {
            found.later += 1;
            found.later_characters += u64::from(characters);
            found.every += if count == 2 { 2 } else { 1 };
            found.every_characters += u64::from(characters) * if count == 2 { 2 } else { 1 };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn lists(words: &[&str]) -> (Vec<u64>, Vec<u32>) {
        words.iter().map(|word| (crate::signals::hash::bytes(word.as_bytes()), word.chars().count() as u32)).unzip()
    }

    /// The definitions, written as tables of all runs.
    fn plain(words: &[&str], n: usize) -> Runs {
        let grams: Vec<&[&str]> = words.windows(n).collect();
        let length = |gram: &[&str]| gram.iter().map(|word| word.chars().count() as u32).sum::<u32>();
        let mut counts: HashMap<&[&str], u32> = HashMap::new();
        grams.iter().for_each(|gram| *counts.entry(gram).or_default() += 1);
        let Some(top) = counts.values().copied().max() else { return Runs::default() };
        let mut covered = vec![false; words.len()];
        for (at, gram) in grams.iter().enumerate().filter(|(_, gram)| counts[*gram] > 1) {
            covered[at..at + gram.len()].fill(true);
        }
        let most = |gram: &&&[&str]| counts[**gram] == top;
        Runs {
            top_count: top,
            top_characters: grams.iter().find(most).map_or(0, |gram| length(gram)),
            top_longest: if top == 1 {
                length(grams[0])
            } else {
                grams.iter().filter(most).map(|gram| length(gram)).max().unwrap()
            },
            repeated: grams.iter().filter(|gram| counts[*gram] > 1).map(|gram| u64::from(length(gram))).sum(),
            all: grams.iter().map(|gram| u64::from(length(gram))).sum(),
            covered: words.iter().zip(covered).filter(|(_, c)| *c).map(|(word, _)| word.chars().count() as u64).sum(),
        }
    }

    fn plain_walk(words: &[&str], n: usize) -> u64 {
        let (mut seen, mut repeated, mut at) = (std::collections::HashSet::new(), 0, 0);
        while at + n <= words.len() {
            let run = words[at..at + n].concat();
            if seen.contains(&run) {
                repeated += run.chars().count() as u64;
                at += n;
            } else {
                seen.insert(run);
                at += 1;
            }
        }
        repeated
    }

    proptest! {
        #[test]
        fn runs_are_those_of_plain_tables(picks in proptest::collection::vec(0usize..6, 0..80)) {
            let words: Vec<&str> = picks.iter().map(|&pick| ["a", "b", "ab", "longer-word", "é", "x"][pick]).collect();
            let (hashes, lengths) = lists(&words);
            let mut out = [Runs::default(); 9];
            let mut buffers = Buffers::default();
            runs(&hashes, &lengths, &mut buffers, &mut out);
            for (step, found) in out.iter().enumerate() {
                prop_assert_eq!(*found, plain(&words, step + 2), "{} of {:?}", step + 2, words);
            }
            let mut joined = Joined::default();
            for word in &words {
                joined.starts.push(joined.bytes.len() as u32);
                joined.bytes.extend_from_slice(word.as_bytes());
            }
            joined.starts.push(joined.bytes.len() as u32);
            joined.bytes.extend_from_slice(&[0; LOOK]);
            let mut found = [0; 6];
            walk(&joined, &lengths, &mut buffers, &mut found);
            for (index, found) in found.iter().enumerate() {
                prop_assert_eq!(*found, plain_walk(&words, index + 5), "{} of {:?}", index + 5, words);
            }
        }
    }

    #[test]
    fn duplicates_are_counted_both_ways() {
        let found = duplicates(&[(1, 5), (2, 3), (1, 5), (1, 5)], &mut Table::default());
        assert_eq!((found.later, found.later_characters), (2, 10));
        assert_eq!((found.every, found.every_characters, found.all, found.all_characters), (3, 15, 4, 18));
    }
}
