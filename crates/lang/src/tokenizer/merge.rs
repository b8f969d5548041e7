//! Applying the merges to one word, exactly as byte-pair encoding defines it (Sennrich et al., "Neural machine translation
//! of rare words with subword units", 2016): of all adjacent pairs the one learnt first is joined, leftmost first, until
//! no pair has a merge.
//!
//! What stands here follows the definition step by step. Encoding mostly goes by `model::linear`, which gives the same
//! tokens without trying the merges one after another; this is its oracle, and what words go by that it does not take.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::rng::Rng;

/// A quick hash for keys from our own tables and short words; std's keyed hash takes most of the training time.
#[derive(Clone, Default)]
pub(crate) struct QuickHasher(u64);

impl QuickHasher {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // The length keeps trailing zero bytes apart.
            self.mix(u64::from_le_bytes(word).wrapping_add((chunk.len() as u64) << 56));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word ^ 0x2545_f491_4f6c_dd1d);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// A map with the quick hash.
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// Two adjacent tokens as one key.
pub(crate) fn pair_key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// Two tokens out of a key of [`pair_key`].
pub(crate) fn key_pair(key: u64) -> (u32, u32) {
    ((key >> 32) as u32, key as u32)
}

/// What joining a pair gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Order in which it was learnt; lower goes first.
    pub(crate) rank: u32,
    /// The joined token.
    pub(crate) token: u32,
}

/// A token in a word that is being joined and the bytes of the word it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) token: u32,
    pub(crate) length: u32,
}

/// Words longer than this take the heap, whose cost grows with n log n; below it scanning for the best pair is faster.
const SCAN_LIMIT: usize = 64;
/// Rank of a pair that is not joined.
const NO_MERGE: u32 = u32::MAX;
/// Key of an empty slot: no token has the largest id.
const EMPTY: u64 = u64::MAX;

/// The merges of a vocabulary by the pairs they join: a hash table with open addressing, a lookup mostly one cache line.
#[derive(Clone, Debug)]
pub(crate) struct PairTable {
    slots: Vec<(u64, Merge)>,
    shift: u32,
}

impl PairTable {
    /// Of several merges of one pair the last counts.
    pub(crate) fn new(merges: impl ExactSizeIterator<Item = (u64, Merge)>) -> Self {
        let capacity = (merges.len() * 2).max(2).next_power_of_two();
        let empty = Merge { rank: NO_MERGE, token: u32::MAX };
        let mut table = PairTable { slots: vec![(EMPTY, empty); capacity], shift: 64 - capacity.trailing_zeros() };
        for (key, merge) in merges {
            let slot = table.slot(key);
            table.slots[slot] = (key, merge);
        }
        table
    }

    /// Where `key` stands, or could.
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize & mask;
        while self.slots[slot].0 != key && self.slots[slot].0 != EMPTY {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The merge of a pair.
    pub(crate) fn get(&self, left: u32, right: u32) -> Option<Merge> {
        let (key, merge) = self.slots[self.slot(pair_key(left, right))];
        (key != EMPTY).then_some(merge)
    }

    /// The rank of a pair, `NO_MERGE` if it is not joined.
    fn rank(&self, left: Symbol, right: Symbol) -> u32 {
        self.get(left.token, right.token).map_or(NO_MERGE, |merge| merge.rank)
    }

    /// All merges in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Merge)> {
        self.slots.iter().filter(|(key, _)| *key != EMPTY).copied()
    }

    /// Join the symbols of a word; gives the last pair joined.
    pub(crate) fn join(&self, word: &mut Vec<Symbol>) -> Option<(u32, u32)> {
        if word.len() <= SCAN_LIMIT { self.join_by_scanning(word) } else { self.join_by_heap(word) }
    }

    /// The definition, step by step.
    fn join_by_scanning(&self, word: &mut Vec<Symbol>) -> Option<(u32, u32)> {
        let mut last = None;
        let mut ranks: Vec<u32> = word.windows(2).map(|pair| self.rank(pair[0], pair[1])).collect();
        loop {
            let best = ranks.iter().copied().min().unwrap_or(NO_MERGE);
            let Some(at) = ranks.iter().position(|&rank| rank == best && rank != NO_MERGE) else {
                return last;
            };
            let (left, right) = (word[at], word[at + 1]);
            let Some(merge) = self.get(left.token, right.token) else {
                return last;
            };
            last = Some((left.token, right.token));
            word[at] = Symbol { token: merge.token, length: left.length + right.length };
            word.remove(at + 1);
            ranks.remove(at);
            if at > 0 {
                ranks[at - 1] = self.rank(word[at - 1], word[at]);
            }
            if at < ranks.len() {
                ranks[at] = self.rank(word[at], word[at + 1]);
            }
        }
    }

    /// The same with a linked list and a heap, so that a megabyte without a boundary costs n log n.
    fn join_by_heap(&self, word: &mut Vec<Symbol>) -> Option<(u32, u32)> {
        self.join_chosen(word, |heap, is_current| {
            std::iter::from_fn(|| heap.pop()).map(|top| top.0).find(|entry| is_current(entry))
        })
    }

    /// Join the symbols of a word, every possible join being passed over with probability `dropout` each time one is chosen (Provilkov
    /// et al., "BPE-dropout", 2020, algorithm 1): at 0 what [`join`](PairTable::join) gives, at 1 the word as it is.
    pub(crate) fn join_with_dropout(&self, word: &mut Vec<Symbol>, dropout: f64, rng: &mut Rng) {
        let mut passed_over = Vec::new();
        self.join_chosen(word, |heap, is_current| {
            passed_over.clear();
            while let Some(Reverse(entry)) = heap.pop() {
                if !is_current(&entry) {
                    continue;
                }
                if !rng.chance(dropout) {
                    // Those passed over have another chance when the next join is chosen.
                    heap.extend(passed_over.drain(..));
                    return Some(entry);
                }
                passed_over.push(Reverse(entry));
            }
            None
        });
    }

    /// Joins the pairs that `choose` takes out of the heap of possible joins until it takes none; it is told which entries are
    /// still current.
    fn join_chosen(
        &self,
        word: &mut Vec<Symbol>,
        mut choose: impl FnMut(&mut BinaryHeap<Reverse<Possible>>, &dyn Fn(&Possible) -> bool) -> Option<Possible>,
    ) -> Option<(u32, u32)> {
        const NONE: usize = usize::MAX;
        let length = word.len();
        let mut last = None;
        let mut symbols: Vec<Option<Symbol>> = word.iter().copied().map(Some).collect();
        let mut previous: Vec<usize> = (0..length).map(|i| i.wrapping_sub(1)).collect();
        let mut next: Vec<usize> = (1..=length).map(|i| if i == length { NONE } else { i }).collect();
        // How often the pair at each place has changed.
        let mut versions: Vec<u32> = vec![0; length];
        let candidate = |symbols: &[Option<Symbol>], left: usize, right: usize| -> Option<Merge> {
            self.get(symbols.get(left)?.as_ref()?.token, symbols.get(right)?.as_ref()?.token)
        };
        let mut heap: BinaryHeap<Reverse<Possible>> = (0..length)
            .filter_map(|at| {
                candidate(&symbols, at, next[at]).map(|merge| Reverse(Possible { rank: merge.rank, at, version: 0 }))
            })
            .collect();
        while let Some(Possible { at, .. }) = choose(&mut heap, &|entry| versions[entry.at] == entry.version) {
            let right = next[at];
            let Some(merge) = candidate(&symbols, at, right) else { continue };
            if let (Some(first), Some(second)) = (symbols[at], symbols[right]) {
                last = Some((first.token, second.token));
                symbols[at] = Some(Symbol { token: merge.token, length: first.length + second.length });
            }
            symbols[right] = None;
            versions[right] += 1;
            next[at] = next[right];
            if next[at] != NONE {
                previous[next[at]] = at;
            }
            for left in [previous[at], at] {
                if left == NONE {
                    continue;
                }
                versions[left] += 1;
                if let Some(merge) = candidate(&symbols, left, next[left]) {
                    heap.push(Reverse(Possible { rank: merge.rank, at: left, version: versions[left] }));
                }
            }
        }
        word.clear();
        word.extend(symbols.into_iter().flatten());
        last
    }
}

/// A join that may be made, as long as the pair at the place has the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Possible {
    rank: u32,
    at: usize,
    version: u32,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Random merges over the letters a to d, some of which spell the same token; with the spelling of every token, of
    /// which the first 256 are the bytes. `ordered` merges are learnt after those their parts come from.
    pub(crate) fn random_merges(rng: &mut Rng, count: u32, ordered: bool) -> (PairTable, Vec<Vec<u8>>) {
        let mut spelling: Vec<Vec<u8>> = (0..=255u8).map(|byte| vec![byte]).collect();
        let mut merges: QuickMap<u64, Merge> = QuickMap::default();
        for rank in 0..count {
            let letters: Vec<u32> = (97..101).chain(256..spelling.len() as u32).collect();
            let (left, right) = (*rng.choose(&letters), *rng.choose(&letters));
            let joined = [spelling[left as usize].clone(), spelling[right as usize].clone()].concat();
            let token = spelling.iter().position(|known| *known == joined).unwrap_or_else(|| {
                spelling.push(joined);
                spelling.len() - 1
            }) as u32;
            let rank = if ordered { rank } else { rng.below(u64::from(count) * 4) as u32 * count + rank };
            merges.entry(pair_key(left, right)).or_insert(Merge { rank, token });
        }
        (PairTable::new(merges.into_iter().collect::<Vec<_>>().into_iter()), spelling)
    }

    pub(crate) fn symbols(word: &[u8]) -> Vec<Symbol> {
        word.iter().map(|&byte| Symbol { token: u32::from(byte), length: 1 }).collect()
    }

    #[test]
    fn heap_equals_scanning() {
        let mut rng = Rng::new(11);
        for round in 0..200 {
            let (table, _) = random_merges(&mut rng, 40, round % 2 == 0);
            for length in [0, 1, 2, 3, 10, SCAN_LIMIT, 100] {
                let word: Vec<u8> = (0..length).map(|_| b'a' + rng.below(4) as u8).collect();
                let (mut scanned, mut heaped) = (symbols(&word), symbols(&word));
                assert_eq!(table.join_by_scanning(&mut scanned), table.join_by_heap(&mut heaped));
                assert_eq!(scanned, heaped);
            }
        }
    }

    /// The chance of every outcome, by following algorithm 1 of the paper through all its ways: in each round each possible join is there
    /// or not, and the first by rank and place that is there is made.
    fn outcomes(table: &PairTable, word: &[Symbol], dropout: f64, chance: f64, out: &mut HashMap<Vec<u32>, f64>) {
        let mut possible: Vec<(u32, usize)> = (0..word.len().saturating_sub(1))
            .filter_map(|at| table.get(word[at].token, word[at + 1].token).map(|merge| (merge.rank, at)))
            .collect();
        possible.sort_unstable();
        let mut all_gone = chance;
        for (_, at) in possible {
            let merge = table.get(word[at].token, word[at + 1].token).unwrap();
            let mut joined = word.to_vec();
            joined[at] = Symbol { token: merge.token, length: word[at].length + word[at + 1].length };
            joined.remove(at + 1);
            outcomes(table, &joined, dropout, all_gone * (1.0 - dropout), out);
            all_gone *= dropout;
        }
        *out.entry(word.iter().map(|symbol| symbol.token).collect()).or_default() += all_gone;
    }

    #[test]
    fn dropout_follows_its_definition() {
        let mut rng = Rng::new(19);
        let draws = 4000;
        for round in 0..12 {
            let (table, _) = random_merges(&mut rng, 12, round % 2 == 0);
            let word: Vec<u8> = (0..6).map(|_| b'a' + rng.below(3) as u8).collect();
            let dropout = [0.1, 0.5][round % 2];
            let mut expected = HashMap::new();
            outcomes(&table, &symbols(&word), dropout, 1.0, &mut expected);
            assert!((expected.values().sum::<f64>() - 1.0).abs() < 1e-9);
            let mut found: HashMap<Vec<u32>, u64> = HashMap::new();
            for _ in 0..draws {
                let mut drawn = symbols(&word);
                table.join_with_dropout(&mut drawn, dropout, &mut rng);
                assert_eq!(drawn.iter().map(|symbol| symbol.length).sum::<u32>(), 6);
                *found.entry(drawn.iter().map(|symbol| symbol.token).collect()).or_default() += 1;
            }
            for (outcome, chance) in &expected {
                let share = found.remove(outcome).unwrap_or(0) as f64 / f64::from(draws);
                let deviation = (chance * (1.0 - chance) / f64::from(draws)).sqrt();
                assert!((share - chance).abs() < 5.0 * deviation + 1e-3, "{outcome:?}: {share} {chance}");
            }
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn dropout_of_nothing_and_of_everything() {
        let mut rng = Rng::new(20);
        for round in 0..100 {
            let (table, _) = random_merges(&mut rng, 40, round % 2 == 0);
            let word: Vec<u8> = (0..30).map(|_| b'a' + rng.below(4) as u8).collect();
            let (mut plain, mut dropped, mut untouched) = (symbols(&word), symbols(&word), symbols(&word));
            table.join(&mut plain);
            table.join_with_dropout(&mut dropped, 0.0, &mut rng);
            table.join_with_dropout(&mut untouched, 1.0, &mut rng);
            assert_eq!((plain, symbols(&word)), (dropped, untouched));
        }
    }
}
