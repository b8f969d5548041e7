//! Where an encoder's weights live, under the names of `BertForMaskedLM`.

use tensor::ParamId;

use super::EncoderConfig;
use crate::registry::{Registry, Start};
use crate::{AttentionIds, LayerIds, LinearIds, MlpIds, NormIds};

/// The registry and the ids of every part.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub registry: Registry,
    pub embedding: ParamId,
    pub positions: ParamId,
    pub segments: ParamId,
    pub embedding_norm: NormIds,
    pub layers: Vec<LayerIds>,
    /// Dense layer and norm between the hidden states and the head.
    pub transform: LinearIds,
    pub transform_norm: NormIds,
    pub head: LinearIds,
}

impl Layout {
    /// The layout of a checked config.
    pub fn new(c: &EncoderConfig) -> Layout {
        let (hidden, inner, std) = (c.hidden_size, c.intermediate_size, c.init_std);
        let square = (hidden, hidden);
        let mut registry = Registry::default();
        let r = &mut registry;
        let at = |part: &str| format!("bert.embeddings.{part}");
        let embedding = r.table(&at("word_embeddings.weight"), c.vocab_size, hidden, std);
        let positions = r.table(&at("position_embeddings.weight"), c.max_position_embeddings, hidden, std);
        let segments = r.table(&at("token_type_embeddings.weight"), c.type_vocab_size, hidden, std);
        let embedding_norm = r.norm(&at("LayerNorm"), hidden, true);
        let mut layers = Vec::with_capacity(c.n_layers);
        for i in 0..c.n_layers {
            let at = |part: &str| format!("bert.encoder.layer.{i}.{part}");
            let attention = AttentionIds {
                query: r.linear(&at("attention.self.query"), square, std, true),
                key: r.linear(&at("attention.self.key"), square, std, true),
                value: r.linear(&at("attention.self.value"), square, std, true),
                output: r.linear(&at("attention.output.dense"), square, std, true),
            };
            let attention_norm = r.norm(&at("attention.output.LayerNorm"), hidden, true);
            let fc = r.linear(&at("intermediate.dense"), (inner, hidden), std, true);
            let proj = r.linear(&at("output.dense"), (hidden, inner), std, true);
            let mlp_norm = r.norm(&at("output.LayerNorm"), hidden, true);
            let mlp = MlpIds::Plain { fc, proj };
            layers.push(LayerIds { attention_norm, attention, cross: None, mlp_norm, mlp });
        }
        let bias = Some(r.vector("cls.predictions.bias", c.vocab_size, Start::Zero));
        let transform = r.linear("cls.predictions.transform.dense", square, std, true);
        let transform_norm = r.norm("cls.predictions.transform.LayerNorm", hidden, true);
        let head = LinearIds { weight: embedding, bias };
        Layout { registry, embedding, positions, segments, embedding_norm, layers, transform, transform_norm, head }
    }
}
