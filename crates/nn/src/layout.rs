//! Where every weight lives: the registry of parameters in the order and under the names of Hugging Face, and how each
//! tensor of a weight file is made of them.
//!
//! GPT-2 differs on disk only: its files hold one fused query-key-value matrix, transposed (`Conv1D`). Here the three
//! are apart and (out, in) like every other linear weight, and [`Stored`] says how to go between the two.

use tensor::ParamId;

use crate::{DecoderConfig, Family};

/// A linear layer's weight (out, in) and bias (out).
#[derive(Clone, Copy, Debug)]
pub struct LinearIds {
    /// The matrix.
    pub weight: ParamId,
    /// The bias, where the model has biases.
    pub bias: Option<ParamId>,
}

/// A norm's gain and, for LayerNorm, bias.
#[derive(Clone, Copy, Debug)]
pub struct NormIds {
    /// The gain.
    pub gain: ParamId,
    /// The bias of a LayerNorm.
    pub bias: Option<ParamId>,
}

/// The feed-forward block's layers.
#[derive(Clone, Copy, Debug)]
pub enum MlpIds {
    /// SwiGLU.
    Gated {
        /// Goes through silu.
        gate: LinearIds,
        /// Is multiplied by it.
        up: LinearIds,
        /// Back to the hidden width.
        down: LinearIds,
    },
    /// GELU between two layers.
    Plain {
        /// To the inner width.
        fc: LinearIds,
        /// Back to the hidden width.
        proj: LinearIds,
    },
}

/// One block: norm, attention, norm, feed-forward.
#[derive(Clone, Copy, Debug)]
pub struct LayerIds {
    /// Norm before attention.
    pub attention_norm: NormIds,
    /// Queries.
    pub query: LinearIds,
    /// Keys.
    pub key: LinearIds,
    /// Values.
    pub value: LinearIds,
    /// Attention's output projection.
    pub output: LinearIds,
    /// Norm before the feed-forward block.
    pub mlp_norm: NormIds,
    /// Feed-forward.
    pub mlp: MlpIds,
}

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Normal with standard deviation `init_std`.
    Normal,
    /// The same divided by `sqrt(2 n_layers)`: the last layer of a residual branch, so that the sum of all branches
    /// keeps its size (GPT-2, section 2.3).
    Residual,
    /// All ones.
    One,
    /// All zeros.
    Zero,
}

/// One parameter of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub start: Start,
}

/// One tensor of a weight file: which parameters it holds, one after another along their output dimension.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub name: String,
    pub parts: Vec<usize>,
    /// Whether the file holds it as (in, out).
    pub transposed: bool,
}

/// The registry and the ids of every part of the network.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub entries: Vec<Entry>,
    pub stored: Vec<Stored>,
    pub embedding: ParamId,
    pub positions: Option<ParamId>,
    pub layers: Vec<LayerIds>,
    pub final_norm: NormIds,
    pub head: ParamId,
}

impl Layout {
    /// The layout of a checked config.
    pub fn new(config: &DecoderConfig, family: Family) -> Layout {
        let builder = Builder { config, entries: Vec::new(), stored: Vec::new() };
        match family {
            Family::Llama => builder.llama(),
            Family::Gpt2 => builder.gpt2(),
        }
    }
}

struct Builder<'c> {
    config: &'c DecoderConfig,
    entries: Vec<Entry>,
    stored: Vec<Stored>,
}

impl Builder<'_> {
    fn llama(mut self) -> Layout {
        let c = self.config;
        let (hidden, inner, kv) = (c.hidden_size, c.intermediate_size, c.kv_size());
        let embedding = self.matrix("model.embed_tokens.weight", c.vocab_size, hidden, Start::Normal);
        let mut layers = Vec::with_capacity(c.n_layers);
        for i in 0..c.n_layers {
            let at = |part: &str| format!("model.layers.{i}.{part}");
            let query = self.linear(&at("self_attn.q_proj"), hidden, hidden, Start::Normal);
            let key = self.linear(&at("self_attn.k_proj"), kv, hidden, Start::Normal);
            let value = self.linear(&at("self_attn.v_proj"), kv, hidden, Start::Normal);
            let output = self.linear(&at("self_attn.o_proj"), hidden, hidden, Start::Residual);
            let gate = self.linear(&at("mlp.gate_proj"), inner, hidden, Start::Normal);
            let up = self.linear(&at("mlp.up_proj"), inner, hidden, Start::Normal);
            let down = self.linear(&at("mlp.down_proj"), hidden, inner, Start::Residual);
            let attention_norm = self.norm(&at("input_layernorm"), false);
            let mlp_norm = self.norm(&at("post_attention_layernorm"), false);
            let mlp = MlpIds::Gated { gate, up, down };
            layers.push(LayerIds { attention_norm, query, key, value, output, mlp_norm, mlp });
        }
        let final_norm = self.norm("model.norm", false);
        self.finish(embedding, None, layers, final_norm)
    }

    fn gpt2(mut self) -> Layout {
        let c = self.config;
        let (hidden, inner) = (c.hidden_size, c.intermediate_size);
        let embedding = self.matrix("transformer.wte.weight", c.vocab_size, hidden, Start::Normal);
        let positions = self.matrix("transformer.wpe.weight", c.max_position_embeddings, hidden, Start::Normal);
        let mut layers = Vec::with_capacity(c.n_layers);
        for i in 0..c.n_layers {
            let at = |part: &str| format!("transformer.h.{i}.{part}");
            let attention_norm = self.norm(&at("ln_1"), true);
            let [query, key, value] = self.fused(&at("attn"), "c_attn", ["q_proj", "k_proj", "v_proj"]);
            let output = self.conv1d(&at("attn.c_proj"), hidden, hidden, Start::Residual);
            let mlp_norm = self.norm(&at("ln_2"), true);
            let fc = self.conv1d(&at("mlp.c_fc"), inner, hidden, Start::Normal);
            let proj = self.conv1d(&at("mlp.c_proj"), hidden, inner, Start::Residual);
            let mlp = MlpIds::Plain { fc, proj };
            layers.push(LayerIds { attention_norm, query, key, value, output, mlp_norm, mlp });
        }
        let final_norm = self.norm("transformer.ln_f", true);
        self.finish(embedding, Some(positions), layers, final_norm)
    }

    fn finish(
        mut self,
        embedding: ParamId,
        positions: Option<ParamId>,
        layers: Vec<LayerIds>,
        final_norm: NormIds,
    ) -> Layout {
        let c = self.config;
        let head = match c.tie_word_embeddings {
            true => embedding,
            false => self.matrix("lm_head.weight", c.vocab_size, c.hidden_size, Start::Normal),
        };
        Layout { entries: self.entries, stored: self.stored, embedding, positions, layers, final_norm, head }
    }

    /// A parameter without a place on disk yet.
    fn entry(&mut self, name: String, shape: Vec<usize>, start: Start) -> usize {
        self.entries.push(Entry { name, shape, start });
        self.entries.len() - 1
    }

    /// A parameter that a file holds as it is.
    fn same(&mut self, name: String, shape: Vec<usize>, start: Start) -> ParamId {
        let index = self.entry(name.clone(), shape, start);
        self.stored.push(Stored { name, parts: vec![index], transposed: false });
        param(index)
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize, start: Start) -> ParamId {
        self.same(name.to_string(), vec![rows, columns], start)
    }

    fn norm(&mut self, name: &str, with_bias: bool) -> NormIds {
        let width = self.config.hidden_size;
        let gain = self.same(format!("{name}.weight"), vec![width], Start::One);
        let bias = with_bias.then(|| self.same(format!("{name}.bias"), vec![width], Start::Zero));
        NormIds { gain, bias }
    }

    fn linear(&mut self, name: &str, out: usize, inputs: usize, start: Start) -> LinearIds {
        let weight = self.matrix(&format!("{name}.weight"), out, inputs, start);
        let has_bias = self.config.bias;
        let bias = has_bias.then(|| self.same(format!("{name}.bias"), vec![out], Start::Zero));
        LinearIds { weight, bias }
    }

    fn conv1d(&mut self, name: &str, out: usize, inputs: usize, start: Start) -> LinearIds {
        let ids = self.linear(name, out, inputs, start);
        let weight = format!("{name}.weight");
        for stored in self.stored.iter_mut().rev().take(2).filter(|stored| stored.name == weight) {
            stored.transposed = true;
        }
        ids
    }

    /// Three square linear layers that a file holds as one `Conv1D`.
    fn fused(&mut self, folder: &str, fused: &str, names: [&str; 3]) -> [LinearIds; 3] {
        let width = self.config.hidden_size;
        let pairs = names.map(|name| {
            let weight = self.entry(format!("{folder}.{name}.weight"), vec![width, width], Start::Normal);
            (weight, self.entry(format!("{folder}.{name}.bias"), vec![width], Start::Zero))
        });
        let weights = pairs.iter().map(|pair| pair.0).collect();
        let biases = pairs.iter().map(|pair| pair.1).collect();
        self.stored.push(Stored { name: format!("{folder}.{fused}.weight"), parts: weights, transposed: true });
        self.stored.push(Stored { name: format!("{folder}.{fused}.bias"), parts: biases, transposed: false });
        pairs.map(|(weight, bias)| LinearIds { weight: param(weight), bias: Some(param(bias)) })
    }
}

/// The id that `Parameters::add` gives to the `index`-th parameter added.
fn param(index: usize) -> ParamId {
    ParamId::from_index(index)
}
