//! Where an encoder-decoder's weights live, under the names of `T5ForConditionalGeneration`.

use tensor::ParamId;

use super::EncoderDecoderConfig;
use crate::registry::Registry;
use crate::{AttentionIds, CrossIds, LayerIds, MlpIds, NormIds};

/// One of the two stacks.
#[derive(Clone, Debug)]
pub(super) struct StackIds {
    /// What distance adds to scores, (n_buckets, n_heads), in every layer.
    pub buckets: ParamId,
    pub layers: Vec<LayerIds>,
    pub final_norm: NormIds,
}

/// The registry and the ids of every part.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub registry: Registry,
    pub embedding: ParamId,
    pub encoder: StackIds,
    pub decoder: StackIds,
    pub head: ParamId,
}

impl Layout {
    /// The layout of a checked config. The spread of every matrix is that of transformers: one over the square root of
    /// its inputs, and for queries of the width of a head too, as T5 does not scale its scores.
    pub fn new(c: &EncoderDecoderConfig) -> Layout {
        let mut registry = Registry::default();
        let embedding = registry.table("shared.weight", c.vocab_size, c.hidden_size, c.init_factor);
        let encoder = stack(&mut registry, c, "encoder", c.n_layers);
        let decoder = stack(&mut registry, c, "decoder", c.n_decoder_layers);
        let head = match c.tie_word_embeddings {
            true => embedding,
            false => registry.table("lm_head.weight", c.vocab_size, c.hidden_size, c.init_factor),
        };
        Layout { registry, embedding, encoder, decoder, head }
    }
}

fn stack(r: &mut Registry, c: &EncoderDecoderConfig, name: &str, n_layers: usize) -> StackIds {
    let (hidden, inner) = (c.hidden_size, c.intermediate_size);
    let spread = |inputs: usize| c.init_factor / (inputs as f64).sqrt();
    let buckets_name = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    let buckets = r.table(&buckets_name, c.n_buckets, c.n_heads, spread(hidden));
    let is_decoder = name == "decoder";
    let mut layers = Vec::with_capacity(n_layers);
    for i in 0..n_layers {
        let at = |layer: usize, part: &str| format!("{name}.block.{i}.layer.{layer}.{part}");
        let attention = attention(r, c, &at(0, "SelfAttention"));
        let attention_norm = r.norm(&at(0, "layer_norm"), hidden, false);
        let cross = is_decoder.then(|| {
            let attention = self::attention(r, c, &at(1, "EncDecAttention"));
            CrossIds { norm: r.norm(&at(1, "layer_norm"), hidden, false), attention }
        });
        let last = if is_decoder { 2 } else { 1 };
        let mut linear = |part: &str, sizes: (usize, usize)| {
            r.linear(&at(last, &format!("DenseReluDense.{part}")), sizes, spread(sizes.1), false)
        };
        let mlp = match c.mlp.is_gated() {
            true => MlpIds::Gated {
                gate: linear("wi_0", (inner, hidden)),
                up: linear("wi_1", (inner, hidden)),
                down: linear("wo", (hidden, inner)),
            },
            false => MlpIds::Plain { fc: linear("wi", (inner, hidden)), proj: linear("wo", (hidden, inner)) },
        };
        let mlp_norm = r.norm(&at(last, "layer_norm"), hidden, false);
        layers.push(LayerIds { attention_norm, attention, cross, mlp_norm, mlp });
    }
    StackIds { buckets, layers, final_norm: r.norm(&format!("{name}.final_layer_norm"), hidden, false) }
}

fn attention(r: &mut Registry, c: &EncoderDecoderConfig, name: &str) -> AttentionIds {
    let (hidden, all) = (c.hidden_size, c.attention_size());
    let mut linear = |part: &str, sizes: (usize, usize), inputs: usize| {
        r.linear(&format!("{name}.{part}"), sizes, c.init_factor / (inputs as f64).sqrt(), false)
    };
    AttentionIds {
        query: linear("q", (all, hidden), hidden * c.head_dim),
        key: linear("k", (all, hidden), hidden),
        value: linear("v", (all, hidden), hidden),
        output: linear("o", (hidden, all), all),
    }
}
