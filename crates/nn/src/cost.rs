//! What a model costs before it is run: parameters, operations and memory.

use crate::{Decoder, DecoderConfig, Family, MlpKind, Network};

/// Bytes that one training step needs at its peak, by purpose. An estimate for a pre-flight line, not a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// f32 master weights, and their bf16 copies where they are kept.
    pub weights: u64,
    /// One f32 gradient a weight.
    pub gradients: u64,
    /// What the optimiser remembers between two steps, in f32.
    pub optimiser: u64,
    /// Every value the tape keeps for the backward pass, and the gradients that flow back through them.
    pub activations: u64,
}

impl MemoryEstimate {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.gradients + self.optimiser + self.activations
    }
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
        let mlp = match self.mlp {
            MlpKind::SwiGlu => 3,
            MlpKind::Gelu => 2,
        };
        2 * hidden * hidden + 2 * hidden * kv + mlp * hidden * inner
    }

    fn layer_biases(&self) -> u128 {
        let [hidden, inner, kv] = [self.hidden_size, self.intermediate_size, self.kv_size()].map(|size| size as u128);
        let mlp = match self.mlp {
            MlpKind::SwiGlu => 2 * inner + hidden,
            MlpKind::Gelu => inner + hidden,
        };
        if self.bias { 2 * hidden + 2 * kv + mlp } else { 0 }
    }
}

/// What a training step of a decoder on `batch` rows of `time` tokens needs.
pub(crate) fn decoder_memory(
    decoder: &Decoder,
    batch: usize,
    time: usize,
    bf16: bool,
    optimiser_values: u64,
) -> MemoryEstimate {
    let c = decoder.config();
    let [hidden, inner, kv] = [c.hidden_size, c.intermediate_size, c.kv_size()].map(|size| size as u64);
    // Values kept a token and block: two norms, queries (plain and rotated), attention, its projection, the
    // feed-forward output and two sums of width `hidden`; keys (twice) and values; the inner layer.
    let block = match c.mlp {
        MlpKind::SwiGlu => 9 * hidden + 3 * kv + 3 * inner,
        MlpKind::Gelu => 8 * hidden + 2 * kv + 2 * inner,
    };
    let statistics = 2 + 2 * c.n_heads as u64;
    let kept = c.n_layers as u64 * (block + statistics) + 2 * hidden;
    let flowing = 4 * hidden + 2 * inner;
    estimate(decoder, (batch, time), TokenValues { kept, flowing }, c.vocab_size, bf16, optimiser_values)
}

/// Values a token.
pub(crate) struct TokenValues {
    /// That the tape keeps for the backward pass.
    pub(crate) kept: u64,
    /// Of the gradients that flow back, at their widest.
    pub(crate) flowing: u64,
}

/// What a training step of a network on `batch` rows of `time` tokens needs.
pub(crate) fn estimate(
    network: &dyn Network,
    (batch, time): (usize, usize),
    token: TokenValues,
    vocabulary: usize,
    bf16: bool,
    optimiser_values: u64,
) -> MemoryEstimate {
    let parameters = network.n_parameters() as u64;
    // The head works in blocks of rows, so that logits never exist for a whole batch.
    let rows = (batch as u64).saturating_mul(time as u64);
    let logits = rows.min(HEAD_ROWS) * vocabulary as u64;
    let values = rows.saturating_mul(token.kept + token.flowing).saturating_mul(4).saturating_add(logits * 8);
    MemoryEstimate {
        weights: parameters * if bf16 { 6 } else { 4 },
        gradients: parameters * 4,
        optimiser: optimiser_values.saturating_mul(4),
        // Buffers are rounded up to an eighth of a power of two.
        activations: values.saturating_add(values / 8),
    }
}

/// Rows of logits that exist at once.
const HEAD_ROWS: u64 = 256;
