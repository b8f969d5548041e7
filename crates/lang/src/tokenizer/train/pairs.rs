//! Learning which pairs to join, equal to `BpeTrainer` of Hugging Face `tokenizers` 0.23 down to its tie rule (the most frequent
//! pair, of equals the one with the smallest ids), with 64-bit counts where it has 32.
//!
//! A heap holds candidate pairs with the words they were seen in, counts are updated from the neighbours of each join, and a
//! candidate whose count has gone stale is put back with the current one.

use std::collections::{BinaryHeap, HashMap};

use rayon::prelude::*;

use crate::tokenizer::merge::{QuickMap, key_pair, pair_key};

/// The tokens there are, by id, and back.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    pub(super) ids: HashMap<String, u32>,
    /// Characters of every token without its prefix; of a special token no matter.
    lengths: Vec<u32>,
    /// What stands before pieces inside words.
    prefix: String,
}

impl Vocabulary {
    /// `tokens` begin the vocabulary; a token that is there twice keeps its first place.
    pub(super) fn new(tokens: Vec<String>, prefix: &str) -> Self {
        let mut vocabulary =
            Vocabulary { tokens: Vec::new(), ids: HashMap::new(), lengths: Vec::new(), prefix: prefix.to_owned() };
        for token in tokens {
            vocabulary.insert(token, 1);
        }
        vocabulary
    }

    /// The id of a token, which is a new one where it is not there yet.
    pub(super) fn insert(&mut self, token: String, length: u32) -> u32 {
        let Vocabulary { tokens, ids, lengths, .. } = self;
        *ids.entry(token).or_insert_with_key(|token| {
            tokens.push(token.clone());
            lengths.push(length);
            (tokens.len() - 1) as u32
        })
    }

    /// The token spelt by two others; a new one where none is spelt so yet.
    pub(super) fn joined(&mut self, left: u32, right: u32) -> u32 {
        let right_token = self.tokens[right as usize].as_str();
        // The mark of a piece inside a word is written once.
        let inner = match self.prefix.is_empty() {
            true => right_token,
            false => right_token.strip_prefix(&self.prefix).unwrap_or(right_token),
        };
        let spelling = [self.tokens[left as usize].as_str(), inner].concat();
        self.insert(spelling, self.lengths[left as usize] + self.lengths[right as usize])
    }

    /// Forgets all tokens but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.lengths.truncate(count);
        for token in self.tokens.drain(count.min(self.tokens.len())..) {
            self.ids.remove(&token);
        }
    }
}

/// A pair that was joined.
#[derive(Clone, Copy)]
pub(super) struct Learnt {
    pub(super) pair: u64,
    pub(super) token: u32,
    /// How often the pair was seen when it was joined.
    pub(super) count: u64,
}

/// When to stop, and what not to join.
pub(super) struct Limits {
    pub(super) vocab_size: usize,
    pub(super) min_frequency: u64,
    pub(super) max_token_length: Option<usize>,
}

/// The words of a corpus and how often each was seen.
#[derive(Default)]
pub(super) struct Words {
    /// Tokens of all words, one after another; joins shorten a word in place.
    tokens: Vec<u32>,
    starts: Vec<usize>,
    lengths: Vec<u32>,
    counts: Vec<u64>,
}

/// A pair waiting to be joined.
#[derive(PartialEq, Eq)]
struct Candidate {
    count: u64,
    pair: u64,
    /// Candidates of one pair pushed earlier go first.
    round: u32,
    /// Words it was seen in, ascending.
    words: Vec<u32>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |candidate: &Self| (candidate.pair, candidate.round);
        self.count.cmp(&other.count).then_with(|| key(other).cmp(&key(self)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Words {
    /// Room for `words` words of together `tokens` tokens.
    pub(super) fn with_capacity(words: usize, tokens: usize) -> Self {
        Words {
            tokens: Vec::with_capacity(tokens),
            starts: Vec::with_capacity(words),
            lengths: Vec::with_capacity(words),
            counts: Vec::with_capacity(words),
        }
    }

    /// Appends a word; one of a single token has no pair and is left out.
    pub(super) fn push(&mut self, tokens: impl Iterator<Item = u32>, count: u64) {
        let start = self.tokens.len();
        self.tokens.extend(tokens);
        if self.tokens.len() < start + 2 {
            self.tokens.truncate(start);
            return;
        }
        self.starts.push(start);
        self.lengths.push((self.tokens.len() - start) as u32);
        self.counts.push(count);
    }

    fn word(&self, index: usize) -> &[u32] {
        &self.tokens[self.starts[index]..][..self.lengths[index] as usize]
    }

    /// Join every `left` `right` of word `index` into `joined`, telling `change` each pair that came (+1) or went (-1)
    /// next to a join.
    fn join(&mut self, index: usize, (left, right): (u32, u32), joined: u32, mut change: impl FnMut(u64, i64)) {
        let length = self.lengths[index] as usize;
        let word = &mut self.tokens[self.starts[index]..][..length];
        let (mut read, mut write) = (0, 0);
        while read < length {
            if word[read] == left && read + 1 < length && word[read + 1] == right {
                if write > 0 {
                    change(pair_key(word[write - 1], left), -1);
                    change(pair_key(word[write - 1], joined), 1);
                }
                read += 2;
                if read < length {
                    change(pair_key(right, word[read]), -1);
                    change(pair_key(joined, word[read]), 1);
                }
                word[write] = joined;
            } else {
                word[write] = word[read];
                read += 1;
            }
            write += 1;
        }
        self.lengths[index] = write as u32;
    }

    /// How often each pair is there, and in how many words.
    fn count_pairs(&self) -> QuickMap<u64, (i64, u32)> {
        /// Words that a task counts.
        const TASK: usize = 1 << 15;
        let tasks: Vec<usize> = (0..self.counts.len()).step_by(TASK).collect();
        let count = |counts: &mut QuickMap<u64, (i64, u32, u32)>, index: usize| {
            for pair in self.word(index).windows(2) {
                let (count, words, last) = counts.entry(pair_key(pair[0], pair[1])).or_insert((0, 0, u32::MAX));
                *count += self.counts[index] as i64;
                if *last != index as u32 {
                    (*words, *last) = (*words + 1, index as u32);
                }
            }
        };
        let parts = tasks.into_par_iter().map(|start| {
            let mut counts = QuickMap::default();
            (start..(start + TASK).min(self.counts.len())).for_each(|index| count(&mut counts, index));
            counts
        });
        parts
            .fold(QuickMap::<u64, (i64, u32)>::default, |mut total, part| {
                for (pair, (count, words, _)) in part {
                    let entry = total.entry(pair).or_default();
                    *entry = (entry.0 + count, entry.1 + words);
                }
                total
            })
            .reduce(QuickMap::default, |left, right| {
                let (mut large, small) = if left.len() < right.len() { (right, left) } else { (left, right) };
                for (pair, (count, words)) in small {
                    let entry = large.entry(pair).or_default();
                    *entry = (entry.0 + count, entry.1 + words);
                }
                large
            })
    }
}

/// What one join changes about a pair.
#[derive(Default)]
struct Change {
    count: i64,
    /// Words in which it came to be, ascending.
    words: Vec<u32>,
}

/// Join pairs until the vocabulary is full or none is frequent enough; gives the pairs in order with their tokens, and the count of
/// the most frequent pair that was not joined.
///
/// Two pairs can spell the same token (`ab`+`c`, `a`+`bc`), which then keeps its first id. A pair with such a token can
/// become a candidate a second time, and be joined a second time: that is how the reference behaves, and its merges
/// would not come out equal otherwise.
pub(super) fn learn(
    words: &mut Words,
    limits: &Limits,
    vocabulary: &mut Vocabulary,
    progress: &mut dyn FnMut(usize, usize),
) -> (Vec<Learnt>, u64) {
    let first = words.count_pairs();
    let mut pair_counts: QuickMap<u64, i64> = first.iter().map(|(&pair, &(count, _))| (pair, count)).collect();
    let mut seen_in: QuickMap<u64, Vec<u32>> =
        first.into_iter().map(|(pair, (_, words))| (pair, Vec::with_capacity(words as usize))).collect();
    for index in 0..words.counts.len() {
        for pair in words.word(index).windows(2) {
            let found = seen_in.entry(pair_key(pair[0], pair[1])).or_default();
            if found.last() != Some(&(index as u32)) {
                found.push(index as u32);
            }
        }
    }
    let mut round = 0;
    let candidates = seen_in.drain().filter_map(|(pair, words)| {
        let count = pair_counts.get(&pair).copied().unwrap_or(0);
        (count > 0).then_some(Candidate { count: count as u64, pair, round, words })
    });
    let mut heap: BinaryHeap<Candidate> = candidates.collect();
    drop(seen_in);

    let longest = limits.max_token_length.map_or(u32::MAX, |longest| longest.min(u32::MAX as usize) as u32);
    let mut changes: QuickMap<u64, Change> = QuickMap::default();
    let mut learnt: Vec<Learnt> = Vec::new();
    let mut rest = 0;
    while vocabulary.tokens.len() < limits.vocab_size {
        let Some(mut top) = heap.pop() else { break };
        let count = pair_counts.get(&top.pair).copied().unwrap_or(0).max(0) as u64;
        if top.count != count {
            top.count = count;
            heap.push(top);
            continue;
        }
        if top.count < 1 || top.count < limits.min_frequency {
            rest = top.count;
            break;
        }
        let (left, right) = key_pair(top.pair);
        let joined = vocabulary.joined(left, right);
        let length = vocabulary.lengths[joined as usize];
        learnt.push(Learnt { pair: top.pair, token: joined, count });
        for &index in &top.words {
            let count = words.counts[index as usize] as i64;
            words.join(index as usize, (left, right), joined, |pair, change| {
                if change > 0 && longest != u32::MAX {
                    let (left, right) = key_pair(pair);
                    let neighbour = if left == joined { right } else { left };
                    // Strictly shorter, as the reference compares.
                    if vocabulary.lengths[neighbour as usize] + length >= longest {
                        return;
                    }
                }
                let entry = changes.entry(pair).or_default();
                entry.count += change * count;
                if change > 0 && entry.words.last() != Some(&index) {
                    entry.words.push(index);
                }
            });
        }
        round += 1;
        for (pair, change) in changes.drain() {
            let total = pair_counts.entry(pair).or_default();
            *total += change.count;
            let count = *total;
            if count == 0 {
                // No entry means none; most pairs end so.
                pair_counts.remove(&pair);
            }
            if count > 0 && !change.words.is_empty() {
                let mut words = change.words;
                words.shrink_to_fit();
                heap.push(Candidate { count: count as u64, pair, round, words });
            }
        }
        if changes.capacity() > 1 << 16 {
            changes = QuickMap::default();
        }
        if round % 64 == 0 {
            progress(vocabulary.tokens.len(), limits.vocab_size);
        }
    }
    progress(vocabulary.tokens.len(), limits.vocab_size);
    (learnt, rest)
}
