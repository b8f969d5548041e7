//! The encoder: every token of a row sees every other, and the head says which token stood where one was masked.

mod config;
mod layout;

use serde_json::{Value, json};
use tensor::{AttentionShape, Tape, Var};

pub use config::EncoderConfig;

use crate::blocks::{NormOrder, Stack, activation, linear, norm};
use crate::dropout::Dropout;
use crate::{Batch, LayerIds, LinearIds, Network, NnError, Registry, TokenValues};
use layout::Layout;

/// An encoder-only Transformer: its shape and where its weights live. The weights themselves are made by
/// [`Network::init`] or [`Encoder::load`].
#[derive(Clone, Debug)]
pub struct Encoder {
    config: EncoderConfig,
    layout: Layout,
}

impl Encoder {
    /// An encoder of this shape.
    ///
    /// # Errors
    /// Why the shape cannot be.
    pub fn new(config: EncoderConfig) -> Result<Encoder, NnError> {
        config.check()?;
        let layout = Layout::new(&config);
        Ok(Encoder { config, layout })
    }

    /// The shape.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The blocks, first to last.
    pub fn layers(&self) -> &[LayerIds] {
        &self.layout.layers
    }
}

impl Network for Encoder {
    fn registry(&self) -> &Registry {
        &self.layout.registry
    }

    fn describe(&self) -> Value {
        json!(self.config)
    }

    /// Values are dropped after the embeddings and at the end of each residual branch.
    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        let (c, layout) = (&self.config, &self.layout);
        batch.check(c.vocab_size, Some(c.max_position_embeddings))?;
        batch.check_reader("an encoder", false, c.type_vocab_size)?;
        let mut dropout = Dropout::new(dropout);
        tape.scope("embeddings");
        let tokens = tape.embedding(layout.embedding, &batch.ids)?;
        let segments = match batch.token_types.is_empty() {
            true => tape.embedding(layout.segments, &vec![0; batch.ids.len()])?,
            false => tape.embedding(layout.segments, &batch.token_types)?,
        };
        let positions = tape.embedding(layout.positions, &batch.positions)?;
        let of_segments = tape.add(tokens, segments)?;
        let sum = tape.add(of_segments, positions)?;
        tape.release_all([tokens, segments, of_segments, positions]);
        let normed = norm(tape, sum, &layout.embedding_norm, c.norm_eps)?;
        tape.release(sum);
        let x = dropout.apply(tape, normed)?;
        let n_heads = c.n_heads;
        let stack = Stack {
            name: "layers",
            order: NormOrder::After,
            norm_eps: c.norm_eps,
            mlp: c.mlp,
            n_chosen: 0,
            shape: AttentionShape {
                batch: batch.batch,
                time: batch.time,
                n_heads,
                n_kv_heads: n_heads,
                head_dim: c.hidden_size / n_heads,
            },
            rope: None,
            rule: batch.mask.clone().into(),
            memory: None,
        };
        stack.run(tape, x, &layout.layers, &mut dropout)
    }

    fn before_head(&self, tape: &mut Tape, rows: Var) -> Result<Var, NnError> {
        tape.scope("head");
        let before = linear(tape, rows, &self.layout.transform)?;
        let after = activation(tape, before, self.config.mlp)?;
        let normed = norm(tape, after, &self.layout.transform_norm, self.config.norm_eps)?;
        tape.release_all([before, after]);
        Ok(normed)
    }

    fn head(&self) -> LinearIds {
        self.layout.head
    }

    fn flops_per_token(&self, time: usize, target_share: f64) -> f64 {
        let c = &self.config;
        let transform = c.hidden_size * c.hidden_size;
        let blocks = (self.layout.registry.inner_matrix_elements() - transform) as f64;
        let head = target_share * (transform + c.vocab_size * c.hidden_size) as f64;
        6.0 * (blocks + head) + 12.0 * (c.n_layers * c.hidden_size) as f64 * time as f64
    }

    fn token_values(&self) -> TokenValues {
        let c = &self.config;
        let [hidden, inner] = [c.hidden_size, c.intermediate_size].map(|size| size as u64);
        // Queries, keys, values and attention; the two sums that norms read; the inner layer before its function. Norms
        // and the function are made again.
        let kept = 6 * hidden + inner + 4 + c.n_heads as u64;
        let flowing = 2 * hidden + (2 * inner).max(6 * hidden);
        // Three tables' rows and a norm; at the loss the head's three steps, as if every token were masked.
        let (around, at_loss) = (2 * hidden, 4 * hidden);
        let parts = c.n_layers as u64;
        TokenValues { parts, kept, checkpointed: hidden, again: kept + hidden, flowing, gradients: 0, around, at_loss }
    }
}
