//! The parts of a network as ids of its parameters, and the layout of the two decoder families.
//!
//! GPT-2 differs on disk only: its files hold one fused query-key-value matrix, transposed (`Conv1D`). Here the three
//! are apart and (out, in) like every other linear weight; the [`Registry`] knows how to go between the two.

use std::sync::Arc;

use tensor::{ExpertIds, LinearIds, ParamId};

use crate::registry::Registry;
use crate::{DecoderConfig, Family};

/// A norm's gain and, for LayerNorm, bias.
#[derive(Clone, Copy, Debug)]
pub struct NormIds {
    /// The gain.
    pub gain: ParamId,
    /// The bias of a LayerNorm.
    pub bias: Option<ParamId>,
}

/// The layers of an attention operation.
#[derive(Clone, Copy, Debug)]
pub struct AttentionIds {
    /// Queries.
    pub query: LinearIds,
    /// Keys.
    pub key: LinearIds,
    /// Values.
    pub value: LinearIds,
    /// The projection of what was attended to.
    pub output: LinearIds,
}

/// The feed-forward block's layers.
#[derive(Clone, Debug)]
pub enum MlpIds {
    /// A gate and what it lets through.
    Gated {
        /// Goes through the activation.
        gate: LinearIds,
        /// Is multiplied by it.
        up: LinearIds,
        /// Back to the hidden width.
        down: LinearIds,
    },
    /// An activation between two layers.
    Plain {
        /// To the inner width.
        fc: LinearIds,
        /// Back to the hidden width.
        proj: LinearIds,
    },
    /// Several gated blocks, of which a router chooses some for every token.
    Experts {
        /// Makes logits over the experts of a hidden state.
        router: LinearIds,
        /// The blocks.
        experts: Arc<[ExpertIds]>,
    },
}

/// Attention to another sequence, with its norm.
#[derive(Clone, Copy, Debug)]
pub struct CrossIds {
    /// Its norm.
    pub norm: NormIds,
    /// Its layers; keys and values are made of the other sequence.
    pub attention: AttentionIds,
}

/// One block: attention, attention to another sequence where there is one, feed-forward, each with its norm.
#[derive(Clone, Debug)]
pub struct LayerIds {
    /// Norm of attention.
    pub attention_norm: NormIds,
    /// Attention.
    pub attention: AttentionIds,
    /// Attention to what an encoder made, in the decoder of an encoder-decoder.
    pub cross: Option<CrossIds>,
    /// Norm of the feed-forward block.
    pub mlp_norm: NormIds,
    /// Feed-forward.
    pub mlp: MlpIds,
}

/// The registry and the ids of every part of the network.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub registry: Registry,
    pub embedding: ParamId,
    pub positions: Option<ParamId>,
    pub layers: Vec<LayerIds>,
    pub final_norm: NormIds,
    pub head: ParamId,
}

impl Layout {
    /// The layout of a checked config.
    pub fn new(config: &DecoderConfig, family: Family) -> Layout {
        // The last layer of a residual branch begins smaller, so that the sum of all branches keeps its size (GPT-2,
        // section 2.3).
        let residual = config.init_std / (2.0 * config.n_layers as f64).sqrt();
        match family {
            Family::Llama | Family::Mixtral => llama(config, residual),
            Family::Gpt2 => gpt2(config, residual),
        }
    }
}

fn llama(c: &DecoderConfig, residual: f64) -> Layout {
    let (hidden, inner, kv, std, bias) = (c.hidden_size, c.intermediate_size, c.kv_size(), c.init_std, c.bias);
    let mut registry = Registry::default();
    let r = &mut registry;
    let embedding = r.table("model.embed_tokens.weight", c.vocab_size, hidden, std);
    let mut layers = Vec::with_capacity(c.n_layers);
    for i in 0..c.n_layers {
        let at = |part: &str| format!("model.layers.{i}.{part}");
        let query = r.linear(&at("self_attn.q_proj"), (hidden, hidden), std, bias);
        let key = r.linear(&at("self_attn.k_proj"), (kv, hidden), std, bias);
        let value = r.linear(&at("self_attn.v_proj"), (kv, hidden), std, bias);
        let output = r.linear(&at("self_attn.o_proj"), (hidden, hidden), residual, bias);
        let mlp = match &c.experts {
            Some(experts) => self::experts(r, c, &at("block_sparse_moe"), experts.n_experts, residual),
            None => MlpIds::Gated {
                gate: r.linear(&at("mlp.gate_proj"), (inner, hidden), std, bias),
                up: r.linear(&at("mlp.up_proj"), (inner, hidden), std, bias),
                down: r.linear(&at("mlp.down_proj"), (hidden, inner), residual, bias),
            },
        };
        let attention_norm = r.norm(&at("input_layernorm"), hidden, false);
        let mlp_norm = r.norm(&at("post_attention_layernorm"), hidden, false);
        let attention = AttentionIds { query, key, value, output };
        layers.push(LayerIds { attention_norm, attention, cross: None, mlp_norm, mlp });
    }
    let final_norm = r.norm("model.norm", hidden, false);
    let head = head(r, c, embedding);
    Layout { registry, embedding, positions: None, layers, final_norm, head }
}

/// A router and its experts, under the names of Mixtral's files.
fn experts(r: &mut Registry, c: &DecoderConfig, name: &str, n_experts: usize, residual: f64) -> MlpIds {
    let (hidden, inner, std) = (c.hidden_size, c.intermediate_size, c.init_std);
    let router = r.linear(&format!("{name}.gate"), (n_experts, hidden), std, false);
    let mut matrix = |expert: usize, part: &str, sizes: (usize, usize), std: f64| {
        r.linear(&format!("{name}.experts.{expert}.{part}"), sizes, std, false).weight
    };
    let expert = |expert: usize| ExpertIds {
        gate: matrix(expert, "w1", (inner, hidden), std),
        up: matrix(expert, "w3", (inner, hidden), std),
        down: matrix(expert, "w2", (hidden, inner), residual),
    };
    MlpIds::Experts { router, experts: (0..n_experts).map(expert).collect() }
}

fn gpt2(c: &DecoderConfig, residual: f64) -> Layout {
    let (hidden, inner, std) = (c.hidden_size, c.intermediate_size, c.init_std);
    let mut registry = Registry::default();
    let r = &mut registry;
    let embedding = r.table("transformer.wte.weight", c.vocab_size, hidden, std);
    let positions = Some(r.table("transformer.wpe.weight", c.max_position_embeddings, hidden, std));
    let mut layers = Vec::with_capacity(c.n_layers);
    for i in 0..c.n_layers {
        let at = |part: &str| format!("transformer.h.{i}.{part}");
        let attention_norm = r.norm(&at("ln_1"), hidden, true);
        let [query, key, value] = r.fused(&at("attn"), "c_attn", ["q_proj", "k_proj", "v_proj"], hidden, std);
        let output = r.conv1d(&at("attn.c_proj"), (hidden, hidden), residual);
        let mlp_norm = r.norm(&at("ln_2"), hidden, true);
        let fc = r.conv1d(&at("mlp.c_fc"), (inner, hidden), std);
        let proj = r.conv1d(&at("mlp.c_proj"), (hidden, inner), residual);
        let mlp = MlpIds::Plain { fc, proj };
        let attention = AttentionIds { query, key, value, output };
        layers.push(LayerIds { attention_norm, attention, cross: None, mlp_norm, mlp });
    }
    let final_norm = r.norm("transformer.ln_f", hidden, true);
    let head = head(r, c, embedding);
    Layout { registry, embedding, positions, layers, final_norm, head }
}

fn head(registry: &mut Registry, c: &DecoderConfig, embedding: ParamId) -> ParamId {
    match c.tie_word_embeddings {
        true => embedding,
        false => registry.table("lm_head.weight", c.vocab_size, c.hidden_size, c.init_std),
    }
}
