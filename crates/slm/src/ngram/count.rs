//! Counting: here are documents; give me every n-gram of every order, sorted, with its adjusted count.
//!
//! Only n-grams of the highest order are collected from the text, and the shorter ones that begin a document.
//! Everything else follows from them: a k-gram's adjusted count is the number of (k+1)-grams that end in it.

use rayon::prelude::*;

use super::{NGramConfig, TOKEN_BITS, low_tokens};
use crate::documents::{check_ids, pieces};
use crate::error::SlmError;

/// How many n-grams are gathered before they are sorted into the rest: 64 MiB of them.
const BATCH: usize = 1 << 22;

/// N-grams of one order, packed and sorted, with their adjusted counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The tokens, first one highest, [`TOKEN_BITS`] each.
    pub keys: Vec<u128>,
    /// Adjusted count of each, at least 1. Counts stop at 2³² − 1, far above the 3 from which on they differ little.
    pub counts: Vec<u32>,
}

impl Counts {
    /// Run lengths of an unsorted bag of keys.
    fn of(mut bag: Vec<u128>) -> Counts {
        // Equal keys are alike, so the order an unstable parallel sort leaves is always the same.
        bag.par_sort_unstable();
        let mut counts = Vec::new();
        for run in bag.chunk_by(|a, b| a == b) {
            counts.push(u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
        bag.dedup();
        Counts { keys: bag, counts }
    }

    /// Both together; counts of common keys are added.
    fn merge(self, other: Counts) -> Counts {
        if self.keys.is_empty() {
            return other;
        }
        if other.keys.is_empty() {
            return self;
        }
        let mut merged = Counts::default();
        let (mut i, mut j) = (0, 0);
        while i < self.keys.len() || j < other.keys.len() {
            let left = self.keys.get(i).copied().unwrap_or(u128::MAX);
            let right = other.keys.get(j).copied().unwrap_or(u128::MAX);
            let mut count = 0u32;
            if left <= right {
                count = count.saturating_add(self.counts[i]);
                i += 1;
            }
            if right <= left {
                count = count.saturating_add(other.counts[j]);
                j += 1;
            }
            merged.keys.push(left.min(right));
            merged.counts.push(count);
        }
        merged
    }
}

/// A bag of n-grams that is sorted into counts batch by batch.
#[derive(Debug, Default)]
struct Bag {
    pending: Vec<u128>,
    sorted: Counts,
}

impl Bag {
    fn push(&mut self, key: u128) {
        self.pending.push(key);
        if self.pending.len() >= BATCH {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let batch = Counts::of(std::mem::take(&mut self.pending));
        self.sorted = std::mem::take(&mut self.sorted).merge(batch);
    }

    fn finish(mut self) -> Counts {
        self.settle();
        self.sorted
    }
}

/// Takes documents one by one.
#[derive(Debug)]
pub(super) struct Counter {
    config: NGramConfig,
    /// `bags[k - 1]`: for the highest order all n-grams, for the others those that begin a document.
    bags: Vec<Bag>,
}

impl Counter {
    pub(super) fn new(config: &NGramConfig) -> Counter {
        Counter { config: config.clone(), bags: (0..config.order).map(|_| Bag::default()).collect() }
    }

    /// Count document number `index`.
    pub(super) fn add(&mut self, index: usize, document: &[u32]) -> Result<(), SlmError> {
        let NGramConfig { order, vocabulary_size, beginning, end } = self.config;
        check_ids(index, document, vocabulary_size)?;
        let mask = low_tokens(order);
        for piece in pieces(document, beginning, end) {
            let mut key = u128::from(beginning);
            for (position, &id) in piece.iter().chain([&end]).enumerate() {
                key = ((key << TOKEN_BITS) | u128::from(id)) & mask;
                let length = (position + 2).min(order);
                self.bags[length - 1].push(key);
            }
        }
        Ok(())
    }

    /// Adjusted counts of every order, from 1 up.
    pub(super) fn finish(mut self) -> Result<Vec<Counts>, SlmError> {
        let mut levels: Vec<Counts> = Vec::with_capacity(self.bags.len());
        while let Some(bag) = self.bags.pop() {
            let order = self.bags.len() + 1;
            let mut counts = bag.finish();
            if let Some(longer) = levels.last() {
                let mask = low_tokens(order);
                let endings = longer.keys.iter().map(|key| key & mask).collect();
                // No n-gram is in both: what begins with the beginning token has nothing before it, and a single
                // beginning token is not in the bag of order 1.
                counts = counts.merge(Counts::of(endings));
            }
            if counts.keys.len() > u32::MAX as usize - 1 {
                return Err(SlmError::TooMany { order });
            }
            levels.push(counts);
        }
        levels.reverse();
        if levels.iter().all(|level| level.keys.is_empty()) { Err(SlmError::Empty) } else { Ok(levels) }
    }
}
