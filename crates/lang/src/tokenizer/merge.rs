//! Applying the merges to one pre-token, exactly as byte-pair encoding defines it (Sennrich et al., "Neural machine
//! translation of rare words with subword units", 2016): of all adjacent pairs the one learnt first is joined, leftmost
//! first, until no pair has a merge.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// A quick hash for keys from our own tables and short words; std's keyed hash takes most of the encoding time.
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

/// Words longer than this take the heap, whose cost grows with n log n; below it scanning for the best pair is faster.
const SCAN_LIMIT: usize = 64;
/// Rank of a pair that is not joined.
const NO_MERGE: u32 = u32::MAX;
/// Longest word that is remembered, in bytes.
const CACHED_BYTES: usize = 32;
/// Most words remembered per thread.
const CACHED_WORDS: usize = 1 << 16;

/// The merges of a vocabulary and the tokens of single bytes.
#[derive(Clone, Debug)]
pub(crate) struct MergeTable {
    /// Tells the thread caches of different vocabularies apart.
    identity: u64,
    byte_tokens: [u32; 256],
    merges: QuickMap<u64, Merge>,
    /// Set when a word that is a token is that token whatever the merges say (`ignore_merges`, LLaMA 3).
    whole_words: Option<QuickMap<Box<[u8]>, u32>>,
}

/// The words one thread has met.
#[derive(Default)]
struct Cache {
    identity: u64,
    words: QuickMap<Box<[u8]>, Box<[u32]>>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(Cache::default());
}

impl MergeTable {
    pub(crate) fn new(
        byte_tokens: [u32; 256],
        merges: QuickMap<u64, Merge>,
        whole_words: Option<QuickMap<Box<[u8]>, u32>>,
    ) -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let identity = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        MergeTable { identity, byte_tokens, merges, whole_words }
    }

    /// The token of a lone byte.
    pub(crate) fn byte_token(&self, byte: u8) -> u32 {
        self.byte_tokens[usize::from(byte)]
    }

    /// Append the tokens of one pre-token to `out`.
    pub(crate) fn encode(&self, word: &[u8], out: &mut Vec<u32>) {
        if let [byte] = word {
            out.push(self.byte_token(*byte));
            return;
        }
        if let Some(&token) = self.whole_words.as_ref().and_then(|words| words.get(word)) {
            out.push(token);
            return;
        }
        if word.len() > CACHED_BYTES {
            self.merge(word, out);
            return;
        }
        CACHE.with_borrow_mut(|cache| {
            if cache.identity != self.identity {
                cache.identity = self.identity;
                cache.words.clear();
            }
            if let Some(tokens) = cache.words.get(word) {
                out.extend_from_slice(tokens);
                return;
            }
            let start = out.len();
            self.merge(word, out);
            if cache.words.len() < CACHED_WORDS {
                cache.words.insert(word.into(), out[start..].into());
            }
        });
    }

    fn merge(&self, word: &[u8], out: &mut Vec<u32>) {
        if word.len() <= SCAN_LIMIT { self.merge_by_scanning(word, out) } else { self.merge_by_heap(word, out) }
    }

    fn lookup(&self, left: u32, right: u32) -> Option<Merge> {
        self.merges.get(&pair_key(left, right)).copied()
    }

    /// The rank of a pair, `NO_MERGE` if it is not joined.
    fn rank(&self, left: u32, right: u32) -> u32 {
        self.lookup(left, right).map_or(NO_MERGE, |merge| merge.rank)
    }

    /// The definition, step by step.
    fn merge_by_scanning(&self, word: &[u8], out: &mut Vec<u32>) {
        let start = out.len();
        out.extend(word.iter().map(|&byte| self.byte_token(byte)));
        let mut ranks = [NO_MERGE; SCAN_LIMIT];
        let mut pairs = word.len().saturating_sub(1).min(SCAN_LIMIT);
        for (at, rank) in ranks[..pairs].iter_mut().enumerate() {
            *rank = self.rank(out[start + at], out[start + at + 1]);
        }
        loop {
            let best = ranks[..pairs].iter().copied().min().unwrap_or(NO_MERGE);
            let Some(at) = ranks[..pairs].iter().position(|&rank| rank == best && rank != NO_MERGE) else {
                break;
            };
            let Some(merge) = self.lookup(out[start + at], out[start + at + 1]) else {
                break;
            };
            out[start + at] = merge.token;
            out.remove(start + at + 1);
            ranks.copy_within(at + 1..pairs, at);
            pairs -= 1;
            if at > 0 {
                ranks[at - 1] = self.rank(out[start + at - 1], merge.token);
            }
            if at < pairs {
                ranks[at] = self.rank(merge.token, out[start + at + 1]);
            }
        }
    }

    /// The same with a linked list and a heap, so that a megabyte without a boundary costs n log n.
    fn merge_by_heap(&self, word: &[u8], out: &mut Vec<u32>) {
        const NONE: usize = usize::MAX;
        let length = word.len();
        let mut tokens: Vec<Option<u32>> = word.iter().map(|&byte| Some(self.byte_token(byte))).collect();
        let mut previous: Vec<usize> = (0..length).map(|i| i.wrapping_sub(1)).collect();
        let mut next: Vec<usize> = (1..=length).map(|i| if i == length { NONE } else { i }).collect();
        let candidate = |tokens: &[Option<u32>], left: usize, right: usize| -> Option<Merge> {
            self.lookup(*tokens.get(left)?.as_ref()?, *tokens.get(right)?.as_ref()?)
        };
        let mut heap: BinaryHeap<Reverse<(u32, usize)>> = (0..length)
            .filter_map(|at| candidate(&tokens, at, next[at]).map(|merge| Reverse((merge.rank, at))))
            .collect();
        while let Some(Reverse((rank, at))) = heap.pop() {
            let right = next[at];
            // An entry whose pair has changed since is out of date: the new pair has its own entry.
            let Some(merge) = candidate(&tokens, at, right).filter(|merge| merge.rank == rank) else {
                continue;
            };
            tokens[at] = Some(merge.token);
            tokens[right] = None;
            next[at] = next[right];
            if next[at] != NONE {
                previous[next[at]] = at;
            }
            for left in [previous[at], at] {
                if left != NONE
                    && let Some(merge) = candidate(&tokens, left, next[left])
                {
                    heap.push(Reverse((merge.rank, left)));
                }
            }
        }
        out.extend(tokens.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// A table over bytes with random merges, some of which spell the same token.
    fn random_table(rng: &mut Rng) -> MergeTable {
        let mut spelling: Vec<Vec<u8>> = (0..=255u8).map(|byte| vec![byte]).collect();
        let mut merges = QuickMap::default();
        for rank in 0..40 {
            let letters: Vec<u32> = (97..101).chain(256..spelling.len() as u32).collect();
            let (left, right) = (*rng.choose(&letters), *rng.choose(&letters));
            let joined = [spelling[left as usize].clone(), spelling[right as usize].clone()].concat();
            let token = spelling.iter().position(|known| *known == joined).unwrap_or_else(|| {
                spelling.push(joined);
                spelling.len() - 1
            }) as u32;
            merges.entry(pair_key(left, right)).or_insert(Merge { rank, token });
        }
        MergeTable::new(std::array::from_fn(|byte| byte as u32), merges, None)
    }

    #[test]
    fn heap_equals_scanning() {
        let mut rng = Rng::new(11);
        for _ in 0..200 {
            let table = random_table(&mut rng);
            for length in [1, 2, 3, 10, SCAN_LIMIT] {
                let word: Vec<u8> = (0..length).map(|_| b'a' + rng.below(4) as u8).collect();
                let (mut scanned, mut heaped) = (Vec::new(), Vec::new());
                table.merge_by_scanning(&word, &mut scanned);
                table.merge_by_heap(&word, &mut heaped);
                assert_eq!(scanned, heaped);
            }
        }
    }

    #[test]
    fn caches_of_two_tables_stay_apart() {
        let plain = MergeTable::new(std::array::from_fn(|byte| byte as u32), QuickMap::default(), None);
        let mut merges = QuickMap::default();
        merges.insert(pair_key(97, 98), Merge { rank: 0, token: 256 });
        let joining = MergeTable::new(std::array::from_fn(|byte| byte as u32), merges, None);
        for _ in 0..2 {
            let mut out = Vec::new();
            plain.encode(b"ab", &mut out);
            joining.encode(b"ab", &mut out);
            assert_eq!(out, [97, 98, 256]);
        }
    }
}
