//! The decoder itself: the forward pass on a tape.

use serde_json::{Value, json};
use tensor::{AttentionShape, ParamId, Tape, Var};

use crate::dropout::Dropout;
use crate::layout::Layout;
use crate::{
    Batch, DecoderConfig, Family, LayerIds, LinearIds, MlpIds, MlpKind, Network, NnError, NormIds, PositionKind,
    Registry, TokenValues,
};

/// A decoder-only Transformer: its shape and where its weights live. The weights themselves are a
/// [`Parameters`](tensor::Parameters) made by [`Network::init`] or [`Decoder::load`], so that they can be trained, averaged or swapped.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: DecoderConfig,
    family: Family,
    layout: Layout,
}

impl Decoder {
    /// A decoder of this shape, or why the shape cannot be.
    pub fn new(config: DecoderConfig) -> Result<Decoder, NnError> {
        config.check()?;
        let family = config.family()?;
        let layout = Layout::new(&config, family);
        Ok(Decoder { config, family, layout })
    }

    /// The shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The family the shape belongs to.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The token table (vocab_size, hidden_size).
    pub fn embedding(&self) -> ParamId {
        self.layout.embedding
    }

    /// The position table (max_position_embeddings, hidden_size), where positions are learned.
    pub fn position_table(&self) -> Option<ParamId> {
        self.layout.positions
    }

    /// The blocks, first to last.
    pub fn layers(&self) -> &[LayerIds] {
        &self.layout.layers
    }

    /// The norm after the last block.
    pub fn final_norm(&self) -> NormIds {
        self.layout.final_norm
    }

    /// x (batch * time, hidden_size) after a block's attention. What nothing further reads is released at once.
    fn attention(
        &self,
        tape: &mut Tape,
        x: Var,
        layer: &LayerIds,
        batch: &Batch,
        shape: &AttentionShape,
        dropout: &mut Dropout,
    ) -> Result<Var, NnError> {
        let normed = self.norm(tape, x, &layer.attention_norm)?;
        let [mut query, mut key] = [linear(tape, normed, &layer.query)?, linear(tape, normed, &layer.key)?];
        let value = linear(tape, normed, &layer.value)?;
        tape.release(normed);
        if let PositionKind::Rope { theta } = self.config.position {
            for var in [&mut query, &mut key] {
                let turned = tape.rope(*var, &batch.positions, shape.head_dim, theta as f32)?;
                tape.release(*var);
                *var = turned;
            }
        }
        let attended = tape.attention(query, key, value, shape, &batch.mask)?;
        tape.release_all([query, key, value]);
        let branch = linear(tape, attended, &layer.output)?;
        tape.release(attended);
        join(tape, x, branch, dropout)
    }

    /// x (batch * time, hidden_size) after a block's feed-forward layers.
    fn mlp(&self, tape: &mut Tape, x: Var, layer: &LayerIds, dropout: &mut Dropout) -> Result<Var, NnError> {
        let normed = self.norm(tape, x, &layer.mlp_norm)?;
        let inner = match &layer.mlp {
            MlpIds::Gated { gate, up, .. } => {
                let (gate, up) = (linear(tape, normed, gate)?, linear(tape, normed, up)?);
                let inner = tape.swiglu(gate, up)?;
                tape.release_all([gate, up]);
                inner
            }
            MlpIds::Plain { fc, .. } => {
                let before = linear(tape, normed, fc)?;
                let inner = tape.gelu(before)?;
                tape.release(before);
                inner
            }
        };
        tape.release(normed);
        let (MlpIds::Gated { down, .. } | MlpIds::Plain { proj: down, .. }) = &layer.mlp;
        let branch = linear(tape, inner, down)?;
        tape.release(inner);
        join(tape, x, branch, dropout)
    }

    fn norm(&self, tape: &mut Tape, x: Var, norm: &NormIds) -> Result<Var, NnError> {
        let eps = self.config.norm_eps as f32;
        Ok(match norm.bias {
            None => tape.rms_norm(x, norm.gain, eps)?,
            Some(bias) => tape.layer_norm(x, norm.gain, bias, eps)?,
        })
    }

    fn check_batch(&self, batch: &Batch) -> Result<(), NnError> {
        let rows = batch.batch.checked_mul(batch.time);
        if rows != Some(batch.ids.len()) || batch.positions.len() != batch.ids.len() || batch.ids.is_empty() {
            return Err(NnError::Batch(format!(
                "{} rows of {} tokens, but {} ids and {} positions",
                batch.batch,
                batch.time,
                batch.ids.len(),
                batch.positions.len()
            )));
        }
        let vocabulary_size = self.config.vocab_size;
        if let Some((at, &id)) = batch.ids.iter().enumerate().find(|&(_, &id)| id as usize >= vocabulary_size) {
            return Err(NnError::UnknownToken { id, at, vocabulary_size });
        }
        let limit = self.config.max_position_embeddings;
        match batch.positions.iter().find(|&&position| position as usize >= limit) {
            Some(&position) => Err(NnError::TooLong { position: position as usize, limit }),
            None => Ok(()),
        }
    }
}

impl Network for Decoder {
    fn registry(&self) -> &Registry {
        &self.layout.registry
    }

    fn describe(&self) -> Value {
        json!(self.config)
    }

    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        self.check_batch(batch)?;
        let mut dropout = Dropout::new(dropout);
        let c = &self.config;
        let shape = AttentionShape {
            batch: batch.batch,
            time: batch.time,
            n_heads: c.n_heads,
            n_kv_heads: c.n_kv_heads,
            head_dim: c.head_dim(),
        };
        tape.scope("embeddings");
        let mut x = tape.embedding(self.layout.embedding, &batch.ids)?;
        if let Some(table) = self.layout.positions {
            let positions = tape.embedding(table, &batch.positions)?;
            let sum = tape.add(x, positions)?;
            tape.release_all([x, positions]);
            x = sum;
        }
        x = dropout.apply(tape, x)?;
        for (index, layer) in self.layout.layers.iter().enumerate() {
            x = tape.checkpoint(x, |tape, x| {
                tape.scope(format_args!("layers.{index}.attention"));
                let x = self.attention(tape, x, layer, batch, &shape, &mut dropout)?;
                tape.scope(format_args!("layers.{index}.mlp"));
                self.mlp(tape, x, layer, &mut dropout)
            })?;
        }
        tape.scope("final_norm");
        let hidden = self.norm(tape, x, &self.layout.final_norm)?;
        tape.release(x);
        Ok(hidden)
    }

    fn head(&self) -> LinearIds {
        LinearIds { weight: self.layout.head, bias: None }
    }

    fn flops_per_token(&self, time: usize, target_share: f64) -> f64 {
        let c = &self.config;
        let head = target_share * (c.vocab_size * c.hidden_size) as f64;
        let matrices = self.layout.registry.inner_matrix_elements() as f64 + head;
        6.0 * matrices + 12.0 * (c.n_layers * c.hidden_size) as f64 * time as f64
    }

    fn token_values(&self) -> TokenValues {
        let c = &self.config;
        let [hidden, inner, kv] = [c.hidden_size, c.intermediate_size, c.kv_size()].map(|size| size as u64);
        // Queries, keys and values as attention reads them; its output; what goes in, before attention and before the
        // feed-forward layers. Norms and activations are made again. Every norm and head keeps one number or two.
        let (inner_kept, statistic) = match c.mlp {
            MlpKind::SwiGlu => (2 * inner, 1),
            MlpKind::Gelu => (inner, 2),
        };
        let kept = 4 * hidden + 2 * kv + inner_kept + 2 * statistic + c.n_heads as u64;
        // Where the slopes are widest: the inner layer with its slope, or attention with those of queries, keys and values,
        // by head and by row. Beside them the slopes of what goes in and of what comes out.
        let flowing = 2 * hidden + (2 * inner).max(2 * hidden + 4 * kv);
        // Made again, both norms are there until their block is done.
        let again = kept + hidden;
        // Hidden states before and after the last norm, and the slopes of the latter.
        let at_loss = 3 * hidden;
        TokenValues {
            parts: c.n_layers as u64,
            kept,
            checkpointed: hidden + 2 * statistic + c.n_heads as u64,
            again,
            flowing,
            around: 0,
            at_loss,
        }
    }
}

fn linear(tape: &mut Tape, x: Var, ids: &LinearIds) -> Result<Var, NnError> {
    Ok(tape.linear(x, ids.weight, ids.bias)?)
}

/// x + dropout(branch), both released.
fn join(tape: &mut Tape, x: Var, branch: Var, dropout: &mut Dropout) -> Result<Var, NnError> {
    let branch = dropout.apply(tape, branch)?;
    let sum = tape.add(x, branch)?;
    tape.release_all([x, branch]);
    Ok(sum)
}
