//! What is minimised: an objective turns hidden states into a number to differentiate.
//!
//! Losses are sums over the accumulated batch divided by what the whole of it holds (targets, pairs), never means of
//! micro-batch means: with answers of different length those are different numbers, and the result must not depend on
//! how an update was cut into micro-batches.

use nn::Network;
use serde_json::{Value, json};
use tensor::{CrossEntropy, Tape, Var};

use crate::batch::{Counts, TrainBatch};
use crate::config::TrainConfig;
use crate::error::Result;

/// One micro-batch, scored.
pub struct Scored {
    /// This micro-batch's share of the loss: the shares of an update sum to its loss. What is differentiated may have
    /// further terms; this is the number that runs with other settings can be compared by.
    pub loss: f64,
    /// The value the gradient is seeded at.
    pub output: Var,
    /// Derivative of the loss by each element of `output`.
    pub seed: Vec<f32>,
    /// Shares of further measures, summed over the update and logged under these names.
    pub measures: Vec<(&'static str, f64)>,
}

/// A loss over hidden states.
pub trait Objective: Send + Sync {
    /// Its name and settings; a checkpoint made with another description is not gone on from.
    fn describe(&self) -> Value;

    /// Scores `batch`, whose hidden states are `hidden` (batch · time, channels), against the head of
    /// `network`. `totals` counts the whole update this micro-batch is part of.
    fn score(
        &self,
        tape: &mut Tape,
        hidden: Var,
        network: &dyn Network,
        batch: &TrainBatch,
        totals: &Counts,
    ) -> Result<Scored>;
}

/// Cross-entropy of the next token, in nats a target: pre-training, and with target flags instruction tuning.
///
/// The loss it reports is the negative log-likelihood of the targets, whatever is minimised beside it; where that is more,
/// `total_loss` is all of it and `z_loss` the part that log²Z has in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NextToken {
    /// The share of every target that is spread evenly over the vocabulary.
    pub label_smoothing: f64,
    /// Weight of log²Z, where Z is the sum of a target's exponentials.
    pub z_loss: f64,
}

impl NextToken {
    /// As the settings ask.
    pub(crate) fn new(config: &TrainConfig) -> NextToken {
        NextToken { label_smoothing: config.label_smoothing, z_loss: config.z_loss }
    }
}

impl Objective for NextToken {
    fn describe(&self) -> Value {
        let NextToken { label_smoothing, z_loss } = self;
        json!({ "objective": "next_token", "label_smoothing": label_smoothing, "z_loss": z_loss })
    }

    fn score(
        &self,
        tape: &mut Tape,
        hidden: Var,
        network: &dyn Network,
        batch: &TrainBatch,
        totals: &Counts,
    ) -> Result<Scored> {
        let weight = (1.0 / totals.targets.max(1) as f64) as f32;
        let weights: Vec<f32> = batch.is_target.iter().map(|&counts| if counts { weight } else { 0.0 }).collect();
        let rows = network.before_head(tape, hidden)?;
        self.cross_entropy(tape, network, rows, &batch.targets, &weights)
    }
}

impl NextToken {
    /// Scores rows that are ready for the head.
    fn cross_entropy(
        &self,
        tape: &mut Tape,
        network: &dyn Network,
        rows: Var,
        targets: &[u32],
        weights: &[f32],
    ) -> Result<Scored> {
        let settings = CrossEntropy {
            label_smoothing: self.label_smoothing as f32,
            z_loss: self.z_loss as f32,
            ignored_target: None,
        };
        let found = tape.linear_cross_entropy_with(rows, network.head(), targets, weights, &settings)?;
        // Its slopes are known; only the operations that made the rows may want them.
        tape.release(rows);
        let mut measures = Vec::new();
        if self.label_smoothing > 0.0 || self.z_loss > 0.0 {
            measures.push(("total_loss", found.negative_log_likelihood + found.smoothing + found.z_loss));
        }
        if self.z_loss > 0.0 {
            measures.push(("z_loss", found.z_loss));
        }
        Ok(Scored { loss: found.negative_log_likelihood, output: found.total, seed: vec![1.0], measures })
    }
}

/// Cross-entropy of what stood where tokens were masked, in nats a target (Devlin et al. 2019). The head, and what stands
/// before it, sees the hidden states of those tokens only.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaskedToken {
    /// How the cross-entropy is taken.
    pub loss: NextToken,
}

impl Objective for MaskedToken {
    fn describe(&self) -> Value {
        let NextToken { label_smoothing, z_loss } = self.loss;
        json!({ "objective": "masked_token", "label_smoothing": label_smoothing, "z_loss": z_loss })
    }

    fn score(
        &self,
        tape: &mut Tape,
        hidden: Var,
        network: &dyn Network,
        batch: &TrainBatch,
        totals: &Counts,
    ) -> Result<Scored> {
        let rows: Vec<u32> = (0..).zip(&batch.is_target).filter_map(|(at, &counts)| counts.then_some(at)).collect();
        let targets: Vec<u32> = rows.iter().map(|&at| batch.targets[at as usize]).collect();
        let weights = vec![(1.0 / totals.targets.max(1) as f64) as f32; rows.len()];
        let masked = tape.gather(hidden, &rows)?;
        tape.release(hidden);
        let ready = network.before_head(tape, masked)?;
        self.loss.cross_entropy(tape, network, ready, &targets, &weights)
    }
}
