//! What one micro-batch holds, what a set of training rows must offer, and the order rows are visited in.
//!
//! There is no iterator and so no iterator state: which rows a micro-batch holds is a pure function of seed and step.
//! A checkpoint therefore holds the data position by holding the step, and a resumed run reads exactly what the
//! undisturbed run would have read.

use std::ops::AddAssign;
use std::sync::Arc;

use lang::rng::Rng;
use serde::{Deserialize, Serialize};
use tensor::Mask;

use crate::error::Result;

/// Counts that losses and rates are divided by, over one micro-batch or over all of one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens read, padding left out.
    pub tokens: u64,
    /// Tokens the loss asks for.
    pub targets: u64,
    /// Preference pairs.
    pub pairs: u64,
    /// Target tokens of the preferred answers.
    pub chosen_targets: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.tokens += other.tokens;
        self.targets += other.targets;
        self.pairs += other.pairs;
        self.chosen_targets += other.chosen_targets;
    }
}

/// Equally long rows of tokens with what should come next; every vector has `batch * time` items, row after row.
#[derive(Clone, Debug)]
pub struct TrainBatch {
    /// Tokens read.
    pub ids: Vec<u32>,
    /// How many rows.
    pub batch: usize,
    /// How many tokens in a row.
    pub time: usize,
    /// Position of each token inside its document.
    pub positions: Vec<u32>,
    /// Document of each token, where attention must stay inside documents.
    pub document_of: Option<Arc<[u32]>>,
    /// Whether attention looks ahead too, as an encoder's does.
    pub is_bidirectional: bool,
    /// What each token is to be answered with: the token that follows it, or what stood there before it was masked.
    pub targets: Vec<u32>,
    /// Whether that answer counts.
    pub is_target: Vec<bool>,
    /// Which tokens fill rows up and are no text; empty where none are.
    pub is_padding: Vec<bool>,
    /// For preference pairs, the answer each target token belongs to: pair `n` has answers `2 n`, the preferred one, and
    /// `2 n + 1`. Empty for other data.
    pub answer_of: Vec<Option<u32>>,
    /// Log-probability of each answer under the reference model; empty but for preference pairs.
    pub reference: Vec<f32>,
    /// What the rows hold.
    pub counts: Counts,
}

impl TrainBatch {
    /// The part the model reads.
    pub fn input(&self) -> nn::Batch {
        nn::Batch {
            ids: self.ids.clone(),
            batch: self.batch,
            time: self.time,
            positions: self.positions.clone(),
            mask: match (&self.document_of, self.is_bidirectional) {
                (Some(document_of), false) => Mask::Packed { document_of: document_of.clone() },
                (Some(document_of), true) => Mask::PackedFull { document_of: document_of.clone() },
                (None, false) => Mask::Causal,
                (None, true) => Mask::Full,
            },
            token_types: Vec::new(),
            source: None,
            is_padding: self.is_padding.clone(),
        }
    }
}

/// Rows to learn from, in random access.
pub trait DataSet: Send + Sync {
    /// How many rows there are; at least 1. For preference pairs a row is a pair.
    fn row_count(&self) -> u64;

    /// The rows with these indices as one batch.
    fn rows(&self, indices: &[u64]) -> Result<TrainBatch>;

    /// Where token `at` of `batch`, which `rows(indices)` returned, stands in the data; for people.
    fn place(&self, indices: &[u64], batch: &TrainBatch, at: usize) -> String;

    /// Hash of everything `rows` can return: equal digests, equal batches.
    fn digest(&self) -> &str;

    /// Whether every row goes on where the one before it ends, so that a state can be carried from row to row.
    fn is_running_text(&self) -> bool {
        false
    }
}

/// Where in the data an update begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPosition {
    /// How many whole passes lie before it.
    pub epoch: u64,
    /// How many rows of this pass lie before it.
    pub row: u64,
}

/// The seeded order in which rows are visited: each epoch every row once, in an order of its own. A micro-batch may
/// straddle two epochs.
///
/// Where rows are to be `continued`, they are cut into as many lanes as an update has rows, one after another, and row b of
/// every update is the next one of lane b; what does not fill a lane is left out, and all epochs are alike.
#[derive(Clone, Copy, Debug)]
pub struct DataOrder {
    /// Rows in the data set.
    pub row_count: u64,
    /// Rows in a micro-batch.
    pub batch_size: usize,
    /// Micro-batches in an update.
    pub gradient_accumulation: usize,
    /// Seed of the order.
    pub seed: u64,
    /// Whether row b of an update goes on where row b of the one before it ends.
    pub is_continued: bool,
}

impl DataOrder {
    /// The rows of micro-batch `micro` of update `step`, both from 0.
    pub fn indices(&self, step: u64, micro: u64) -> Vec<u64> {
        let batch_size = self.batch_size as u64;
        if self.is_continued {
            let (length, first) = (self.lane_length(), micro * batch_size);
            return (first..first + batch_size).map(|lane| lane * length + step % length).collect();
        }
        let first = (step * self.gradient_accumulation as u64 + micro) * batch_size;
        (first..first + batch_size).map(|visit| self.permuted(visit / self.row_count, visit % self.row_count)).collect()
    }

    /// Where update `step` begins.
    pub fn position(&self, step: u64) -> DataPosition {
        if self.is_continued {
            let length = self.lane_length();
            return DataPosition { epoch: step / length, row: step % length * self.lanes() };
        }
        let visit = step * self.gradient_accumulation as u64 * self.batch_size as u64;
        DataPosition { epoch: visit / self.row_count, row: visit % self.row_count }
    }

    /// Whether the rows of update `step` begin, where rows are continued.
    pub(crate) fn begins(&self, step: u64) -> bool {
        step.is_multiple_of(self.lane_length())
    }

    /// Rows of an update.
    pub(crate) fn lanes(&self) -> u64 {
        (self.batch_size as u64).saturating_mul(self.gradient_accumulation as u64)
    }

    /// Rows of a lane; 1 at least, though there be fewer rows than lanes.
    fn lane_length(&self) -> u64 {
        (self.row_count / self.lanes().max(1)).max(1)
    }

    /// The `index`-th row visited in `epoch`: a balanced Feistel network over the next power of four, walked until it
    /// falls inside (Black & Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It costs a few hashes and no
    /// memory, where a shuffled list would cost eight bytes a row and have to be rebuilt on resume.
    fn permuted(&self, epoch: u64, index: u64) -> u64 {
        const ROUNDS: usize = 6;
        let bits = (64 - self.row_count.leading_zeros()).div_ceil(2).max(1);
        let low_half = (1u64 << bits) - 1;
        let mut key_source = Rng::for_item(self.seed, "data order", epoch);
        let keys: [u64; ROUNDS] = std::array::from_fn(|_| key_source.next_u64());
        let mut value = index;
        loop {
            let (mut left, mut right) = (value >> bits, value & low_half);
            for key in keys {
                (left, right) = (right, left ^ (Rng::new(key ^ right).next_u64() & low_half));
            }
            value = left << bits | right;
            if value < self.row_count {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(row_count: u64, batch_size: usize, gradient_accumulation: usize) -> DataOrder {
        DataOrder { row_count, batch_size, gradient_accumulation, seed: 5, is_continued: false }
    }

    #[test]
    fn an_epoch_visits_every_row_once() {
        for row_count in [1, 2, 3, 4, 5, 16, 17, 100, 1000] {
            let order = order(row_count, 1, 1);
            for epoch in 0..3 {
                let mut seen: Vec<u64> = (0..row_count).map(|i| order.permuted(epoch, i)).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..row_count).collect::<Vec<_>>(), "{row_count} rows");
            }
        }
    }

    #[test]
    fn epochs_and_seeds_have_orders_of_their_own() {
        let list = |seed, epoch| -> Vec<u64> {
            let order = DataOrder { seed, ..order(50, 1, 1) };
            (0..50).map(|i| order.permuted(epoch, i)).collect()
        };
        assert_ne!(list(1, 0), list(1, 1));
        assert_ne!(list(1, 0), list(2, 0));
        assert_eq!(list(1, 0), list(1, 0));
    }

    /// Neighbours in the data do not stay neighbours: the mean jump of a random order of n rows is n / 3.
    #[test]
    fn the_order_is_well_mixed() {
        let order = order(3000, 1, 1);
        let visits: Vec<u64> = (0..3000).map(|i| order.permuted(0, i)).collect();
        let jump = visits.windows(2).map(|pair| pair[0].abs_diff(pair[1]) as f64).sum::<f64>() / 2999.0;
        assert!((900.0..1100.0).contains(&jump), "{jump}");
    }

    #[test]
    fn continued_rows_follow_each_other() {
        let order = DataOrder { is_continued: true, ..order(37, 3, 2) };
        // Six lanes of six rows; row 36 is left out.
        let rows = |step| [order.indices(step, 0), order.indices(step, 1)].concat();
        assert_eq!(rows(0), [0, 6, 12, 18, 24, 30]);
        for step in 0..20 {
            let next: Vec<u64> = rows(step).iter().map(|row| row + 1).collect();
            assert_eq!(order.begins(step + 1), rows(step + 1) != next, "{step}");
            assert_eq!(order.begins(step), step % 6 == 0);
        }
        assert_eq!(order.position(8), DataPosition { epoch: 1, row: 12 });
    }

    #[test]
    fn splitting_an_update_into_micro_batches_keeps_its_rows() {
        let (whole, split) = (order(37, 12, 1), order(37, 4, 3));
        for step in 0..9 {
            let parts: Vec<u64> = (0..3).flat_map(|micro| split.indices(step, micro)).collect();
            assert_eq!(whole.indices(step, 0), parts);
            assert_eq!(whole.position(step), split.position(step));
        }
        assert_eq!(whole.position(4), DataPosition { epoch: 1, row: 11 });
    }
}
