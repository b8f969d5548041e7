//! What a model costs before it is run: parameters, operations and memory.

use crate::{DecoderConfig, Family};

/// Bytes that training needs at its peak, by purpose.
///
/// Values of the forward pass, slopes and gradients are never all there at once: gradients come as values go. So they are
/// one number, the most that a step has of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// f32 master weights.
    pub weights: u64,
    /// What the optimiser remembers between two steps, in f32.
    pub optimiser: u64,
    /// The most that a step holds: what the tape keeps, slopes, gradients, the head's logits.
    pub step: u64,
    /// The program itself, with its threads' scratch, and the gaps between what a step holds.
    pub program: u64,
}

impl MemoryEstimate {
    /// All of it.
    pub fn total(&self) -> u64 {
        [self.weights, self.optimiser, self.step, self.program].into_iter().fold(0, u64::saturating_add)
    }
}

/// What of a training step, beside the network, decides how much memory it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepShape {
    /// Rows of a micro-batch.
    pub batch: usize,
    /// Tokens a row.
    pub time: usize,
    /// Whether an update has more than one micro-batch: gradients are then there while the next one's values pile up.
    pub accumulates: bool,
    /// Whether blocks are computed again in the backward pass ([`tensor::Tape::checkpoint`]).
    pub checkpoints: bool,
    /// f32 values that the optimiser remembers from step to step.
    pub optimiser_values: u64,
}

/// What one token has of a step, in f32 values: what a network says of itself for a [`MemoryEstimate`].
///
/// The network is a row of equal parts (blocks, layers) between an input and a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenValues {
    /// How many parts there are.
    pub parts: u64,
    /// What the tape keeps of a part, with the part's input.
    pub kept: u64,
    /// What it keeps of a part that is checkpointed; `kept`, where the network has no such parts.
    pub checkpointed: u64,
    /// What a checkpointed part holds besides once it is made again.
    pub again: u64,
    /// The most a part holds in its backward pass beside what was kept: slopes, and values that are made again in any case.
    pub flowing: u64,
    /// Values of a part's gradients, not of a token's, that are there already while the part holds the most.
    pub gradients: u64,
    /// What is kept outside of the parts, all the time.
    pub around: u64,
    /// What is there at the loss, beside what was kept: last hidden states and their slopes.
    pub at_loss: u64,
}

impl DecoderConfig {
    /// How many weights a model of this shape has, in a type no shape can overflow.
    pub(crate) fn n_parameters_exact(&self) -> u128 {
        let [vocabulary, hidden, layers] = [self.vocab_size, self.hidden_size, self.n_layers].map(|size| size as u128);
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        let gpt2 = matches!(self.family(), Ok(Family::Gpt2));
        let positions = if gpt2 { self.max_position_embeddings as u128 } else { 0 };
        let norm = if gpt2 { 2 * hidden } else { hidden };
        layers * (self.layer_matrices() + self.layer_biases() + 2 * norm)
            + norm
            + tables * vocabulary * hidden
            + positions * hidden
    }

    /// Weights of the matrices of one block.
    fn layer_matrices(&self) -> u128 {
        let [hidden, inner, kv] = [self.hidden_size, self.intermediate_size, self.kv_size()].map(|size| size as u128);
        let mlp = if self.mlp.is_gated() { 3 } else { 2 };
        let n_experts = self.experts.as_ref().map_or(0, |experts| experts.n_experts as u128);
        2 * hidden * hidden + 2 * hidden * kv + mlp * hidden * inner * n_experts.max(1) + n_experts * hidden
    }

    fn layer_biases(&self) -> u128 {
        let [hidden, inner, kv] = [self.hidden_size, self.intermediate_size, self.kv_size()].map(|size| size as u128);
        let mlp = if self.mlp.is_gated() { 2 * inner + hidden } else { inner + hidden };
        if self.bias { 2 * hidden + 2 * kv + mlp } else { 0 }
    }
}

/// What a training step needs of a network with `weights` weights and a head of (`vocabulary`, `hidden`).
pub(crate) fn estimate(
    weights: u64,
    (vocabulary, hidden): (u64, u64),
    token: TokenValues,
    step: &StepShape,
) -> MemoryEstimate {
    // In a type that no shape overflows: this stands before a shape is refused.
    let wide = u128::from;
    let rows = (step.batch as u128 * step.time as u128).min(u64::MAX.into());
    let TokenValues { parts, kept, checkpointed, again, flowing, gradients, around, at_loss } = token;
    let stays = if step.checkpoints { checkpointed } else { kept };
    let base = rows * (wide(parts) * wide(stays) + wide(around));
    // The head's slopes are found with the loss and become its gradient.
    let table = wide(vocabulary) * wide(hidden);
    let gradients_before = if step.accumulates { wide(weights) } else { 0 };
    // At the loss: a group of logits, what every block of the vocabulary found of its rows, and the slopes of those.
    let groups = rows.div_ceil(wide((LOGITS / vocabulary.max(1)).clamp(GROUP.0, GROUP.1))).max(1);
    let group = rows.div_ceil(groups).next_multiple_of(12);
    let head = table + group * (wide(vocabulary) + wide(vocabulary) / 72 + wide(hidden));
    let loss = gradients_before + base + rows * wide(at_loss) + head;
    // In the last part: its own values, where they are made again.
    let again = if step.checkpoints { again } else { 0 };
    let last = gradients_before.max(table) + base + rows * (wide(again) + wide(flowing));
    // In the first part, to which the pass comes last: little is kept by then, but nearly all gradients are there.
    let of_first = (wide(weights).saturating_sub(table) / wide(parts.max(1))).saturating_sub(wide(gradients));
    let without_first = wide(weights) - of_first;
    let first = gradients_before.max(without_first) + rows * (wide(stays) + wide(around) + wide(again) + wide(flowing));
    let most = loss.max(last).max(first).max(wide(weights));
    // Gradients come where values went, and the largest one seldom fits a gap: it leaves one of its own size, where values
    // were more than the gradients at the end half of that.
    let gap = if most > first.max(wide(weights)) { table / 2 } else { table };
    let bytes = |values: u128| u64::try_from(values.saturating_mul(4)).unwrap_or(u64::MAX);
    MemoryEstimate {
        weights: weights.saturating_mul(4),
        optimiser: step.optimiser_values.saturating_mul(4),
        step: bytes(most),
        program: PROGRAM.saturating_add(bytes(gap)),
    }
}

/// Logits that exist at once, and the bounds of the rows they belong to: those of the engine's projection.
const LOGITS: u64 = 1 << 23;
const GROUP: (u64, u64) = (384, 1024);
/// The program, its threads and their scratch, as measured with small models in both types on two threads.
const PROGRAM: u64 = 14 << 20;
