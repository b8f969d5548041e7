//! What is minimised: an objective turns hidden states into a number to differentiate.
//!
//! Losses are sums over the accumulated batch divided by what the whole of it holds (targets, pairs), never means of
//! micro-batch means: with answers of different length those are different numbers, and the result must not depend on
//! how an update was cut into micro-batches.

use serde_json::{Value, json};
use tensor::{ParamId, Tape, Var};

use crate::batch::{Counts, TrainBatch};
use crate::error::Result;

/// One micro-batch, scored.
pub struct Scored {
    /// This micro-batch's share of the loss: the shares of an update sum to its loss.
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

    /// Scores `batch`, whose hidden states are `hidden` (batch · time, channels), against the output matrix `head`
    /// (vocabulary, channels). `totals` counts the whole update this micro-batch is part of.
    fn score(&self, tape: &mut Tape, hidden: Var, head: ParamId, batch: &TrainBatch, totals: &Counts)
    -> Result<Scored>;
}

/// Cross-entropy of the next token, in nats a target: pre-training, and with target flags instruction tuning.
#[derive(Clone, Copy, Debug, Default)]
pub struct NextToken;

impl Objective for NextToken {
    fn describe(&self) -> Value {
        json!({ "objective": "next_token" })
    }

    fn score(
        &self,
        tape: &mut Tape,
        hidden: Var,
        head: ParamId,
        batch: &TrainBatch,
        totals: &Counts,
    ) -> Result<Scored> {
        let weight = (1.0 / totals.targets.max(1) as f64) as f32;
        let weights: Vec<f32> = batch.is_target.iter().map(|&counts| if counts { weight } else { 0.0 }).collect();
        let output = tape.linear_cross_entropy(hidden, head, &batch.targets, &weights)?;
        let loss = tape.value(output).to_f32_vec().iter().map(|&value| f64::from(value)).sum();
        Ok(Scored { loss, output, seed: vec![1.0], measures: Vec::new() })
    }
}
