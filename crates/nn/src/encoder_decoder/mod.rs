//! The encoder-decoder: an encoder reads one text, a decoder writes another while it attends to what the encoder made.

mod config;
mod layout;

use serde_json::{Value, json};
use tensor::{AttentionBias, AttentionRule, AttentionShape, Mask, ParamId, Tape, Var};

pub use config::EncoderDecoderConfig;

use crate::batch::check_ids;
use crate::blocks::{NormOrder, Stack, norm};
use crate::dropout::Dropout;
use crate::{Batch, LinearIds, Network, NnError, Registry, Source, TokenValues};
use layout::{Layout, StackIds};

/// An encoder-decoder Transformer: its shape and where its weights live. The weights themselves are made by
/// [`Network::init`] or [`EncoderDecoder::load`].
///
/// A batch holds what the decoder reads, with [`Batch::source`] for the encoder. Positions are not looked at: a learned
/// number for the distance of two tokens is added to their score instead, the same in every layer of a stack.
#[derive(Clone, Debug)]
pub struct EncoderDecoder {
    config: EncoderDecoderConfig,
    layout: Layout,
}

impl EncoderDecoder {
    /// An encoder-decoder of this shape.
    ///
    /// # Errors
    /// Why the shape cannot be.
    pub fn new(config: EncoderDecoderConfig) -> Result<EncoderDecoder, NnError> {
        config.check()?;
        let layout = Layout::new(&config);
        Ok(EncoderDecoder { config, layout })
    }

    /// The shape.
    pub fn config(&self) -> &EncoderDecoderConfig {
        &self.config
    }

    /// The token table (vocab_size, hidden_size), which both stacks read.
    pub fn embedding(&self) -> ParamId {
        self.layout.embedding
    }

    /// What the encoder makes of `source`, (batch · its time, hidden_size).
    ///
    /// # Errors
    /// When the source does not fit the network.
    pub fn encode(&self, tape: &mut Tape, source: &Source, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        self.encode_with(tape, source, &mut Dropout::new(dropout))
    }

    fn encode_with(&self, tape: &mut Tape, source: &Source, dropout: &mut Dropout) -> Result<Var, NnError> {
        let batch = source.lengths.len();
        if batch.checked_mul(source.time) != Some(source.ids.len()) || source.ids.is_empty() {
            let (time, ids) = (source.time, source.ids.len());
            return Err(NnError::Batch(format!("a source of {batch} rows of {time} tokens, but {ids} ids")));
        }
        check_ids(&source.ids, self.config.vocab_size)?;
        let mask = Mask::padded(&source.lengths, source.time)?;
        let (ids, time) = (&source.ids, source.time);
        self.stack(tape, ("encoder", &self.layout.encoder), (ids, batch, time), mask, None, dropout)
    }

    /// Takes tokens through one of the stacks; a memory comes with the mask of those who read it.
    fn stack(
        &self,
        tape: &mut Tape,
        (name, ids): (&'static str, &StackIds),
        (tokens, batch, time): (&[u32], usize, usize),
        mask: Mask,
        memory: Option<(Var, Mask)>,
        dropout: &mut Dropout,
    ) -> Result<Var, NnError> {
        let c = &self.config;
        tape.scope(format!("{name}.embeddings"));
        let x = tape.embedding(self.layout.embedding, tokens)?;
        let x = dropout.apply(tape, x)?;
        let bias = AttentionBias::T5Buckets {
            table: ids.buckets,
            bidirectional: memory.is_none(),
            max_distance: c.max_distance,
        };
        let plain = |mask: Mask| AttentionRule { scale: Some(1.0), ..mask.into() };
        let stack = Stack {
            name,
            order: NormOrder::Before,
            norm_eps: c.norm_eps,
            mlp: c.mlp,
            n_chosen: 0,
            shape: AttentionShape { batch, time, n_heads: c.n_heads, n_kv_heads: c.n_heads, head_dim: c.head_dim },
            rope: None,
            rule: AttentionRule { bias, ..plain(mask) },
            memory: memory.map(|(memory, mask)| (memory, plain(mask))),
        };
        let x = stack.run(tape, x, &ids.layers, dropout)?;
        tape.scope(format!("{name}.final_norm"));
        let normed = norm(tape, x, &ids.final_norm, c.norm_eps)?;
        tape.release(x);
        dropout.apply(tape, normed)
    }
}

impl Network for EncoderDecoder {
    fn registry(&self) -> &Registry {
        &self.layout.registry
    }

    fn describe(&self) -> Value {
        json!(self.config)
    }

    /// Hidden states of the decoder. Values are dropped after the embeddings, at the end of each residual branch and after
    /// the last norm of both stacks.
    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        batch.check(self.config.vocab_size, None)?;
        batch.check_reader("an encoder-decoder", true, 1)?;
        let mut dropout = Dropout::new(dropout);
        let memory = match &batch.source {
            Some(source) if source.lengths.len() != batch.batch => {
                let (found, expected) = (source.lengths.len(), batch.batch);
                return Err(NnError::Batch(format!("{found} rows for the encoder, {expected} for the decoder")));
            }
            Some(source) => {
                let memory = self.encode_with(tape, source, &mut dropout)?;
                let seen = Mask::Cross { key_time: source.time, seen: source.lengths.as_slice().into() };
                Some((memory, seen))
            }
            None => None,
        };
        let rows = (&*batch.ids, batch.batch, batch.time);
        self.stack(tape, ("decoder", &self.layout.decoder), rows, batch.mask.clone(), memory, &mut dropout)
    }

    fn before_head(&self, tape: &mut Tape, rows: Var) -> Result<Var, NnError> {
        tape.scope("head");
        match self.config.scale_output {
            true => Ok(tape.scale(rows, (self.config.hidden_size as f64).powf(-0.5) as f32)?),
            false => Ok(rows),
        }
    }

    fn head(&self) -> LinearIds {
        self.layout.head.into()
    }

    /// A token is one of the decoder's, with one of a source as long as its own row beside it.
    fn flops_per_token(&self, time: usize, target_share: f64) -> f64 {
        let c = &self.config;
        let head = target_share * (c.vocab_size * c.hidden_size) as f64;
        let attentions = c.n_layers + 2 * c.n_decoder_layers;
        6.0 * (self.layout.registry.inner_matrix_elements() as f64 + head)
            + 12.0 * (attentions * c.attention_size()) as f64 * time as f64
    }

    /// As if the source were as long as what the decoder reads; a part is a block of the decoder with its share of the
    /// encoder.
    fn token_values(&self) -> TokenValues {
        let c = &self.config;
        let [hidden, inner, all, heads] =
            [c.hidden_size, c.intermediate_size, c.attention_size(), c.n_heads].map(|size| size as u64);
        // An attention keeps what goes in, queries, keys, values and what was attended to; a feed-forward block what goes
        // in and the inner layers before their function. Norms and functions are made again.
        let attention = hidden + 4 * all + 1 + heads;
        let mlp = hidden + if c.mlp.is_gated() { 2 } else { 1 } * inner + 1;
        let [encoder, decoder] = [c.n_layers, c.n_decoder_layers].map(|layers| layers as u64);
        let parts = decoder.max(1);
        let share = |of_encoder: u64, of_decoder: u64| of_decoder + (encoder * of_encoder).div_ceil(parts);
        let kept = share(attention + mlp, 2 * attention + mlp);
        let flowing = 2 * hidden + (2 * inner).max(2 * hidden + 4 * all);
        let checkpointed = share(hidden, hidden);
        let again = 2 * attention + mlp + hidden;
        TokenValues { parts, kept, checkpointed, again, flowing, gradients: 0, around: 4 * hidden, at_loss: 3 * hidden }
    }
}
