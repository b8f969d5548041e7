//! The shape of a decoder: plain numbers with checks, and the two families they can describe.

use serde::{Deserialize, Serialize};

use crate::NnError;

/// How hidden states are normalised before each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Root-mean-square norm with a gain (Zhang & Sennrich 2019).
    RmsNorm,
    /// Mean-and-variance norm with a gain and a bias (Ba et al. 2016).
    LayerNorm,
}

/// How the order of tokens reaches the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionKind {
    /// Queries and keys are rotated by their position (Su et al. 2021), in the half-split layout of Hugging Face.
    Rope {
        /// The base of the frequencies; 10 000 in the paper.
        theta: f64,
    },
    /// A learned vector for each position is added to the token's vector.
    Learned,
}

/// The feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MlpKind {
    /// `down(silu(gate(x)) * up(x))` (Shazeer 2020).
    #[serde(rename = "swiglu")]
    SwiGlu,
    /// `down(gelu(gate(x)) * up(x))` with the tanh form of GELU (Shazeer 2020).
    #[serde(rename = "geglu")]
    GeGlu,
    /// `proj(gelu(fc(x)))` with the tanh form of GELU (Hendrycks & Gimpel 2016).
    Gelu,
    /// `proj(gelu(fc(x)))` with GELU as it is defined, by the error function.
    GeluErf,
    /// `proj(max(0, fc(x)))`.
    Relu,
}

impl MlpKind {
    /// Whether one of two layers gates the other: three matrices instead of two.
    pub fn is_gated(self) -> bool {
        matches!(self, MlpKind::SwiGlu | MlpKind::GeGlu)
    }
}

/// The model families that the numbers of a [`DecoderConfig`] can describe, each a class of `transformers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `LlamaForCausalLM`: RMSNorm, rotary positions, SwiGLU.
    Llama,
    /// `GPT2LMHeadModel`: LayerNorm, learned positions, GELU, biases.
    Gpt2,
    /// `MixtralForCausalLM`: LLaMA's block without biases, with experts for its feed-forward layer.
    Mixtral,
}

/// Several feed-forward layers in place of one, of which every token goes through the few that a router finds best
/// (Shazeer et al. 2017; the form is that of Mixtral, Jiang et al. 2024).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpertsConfig {
    /// How many there are, each `intermediate_size` wide inside.
    pub n_experts: usize,
    /// How many of them a token goes through.
    pub n_chosen: usize,
    /// Weight of the loss that keeps their load even ([`tensor::Tape::load_balancing_loss`]) in what is minimised.
    pub balance_loss: f64,
    /// Weight of the loss that keeps the router's logits small ([`tensor::Tape::router_z_loss`]).
    pub z_loss: f64,
}

impl Default for ExpertsConfig {
    /// Mixtral's numbers; the weight of the z-loss is that of ST-MoE (Zoph et al. 2022).
    fn default() -> Self {
        ExpertsConfig { n_experts: 8, n_chosen: 2, balance_loss: 0.001, z_loss: 0.001 }
    }
}

/// The shape of a decoder-only Transformer. The default is a small LLaMA; [`DecoderConfig::gpt2`] is the other shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecoderConfig {
    /// How many token ids there are.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// How many blocks of attention and feed-forward.
    pub n_layers: usize,
    /// How many attention heads; each is `hidden_size / n_heads` wide.
    pub n_heads: usize,
    /// How many key-value heads the query heads share (grouped-query attention, Ainslie et al. 2023).
    pub n_kv_heads: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Longest context in tokens.
    pub max_position_embeddings: usize,
    /// Which normalisation.
    pub norm: NormKind,
    /// The small number under its square root.
    pub norm_eps: f64,
    /// Which position signal.
    pub position: PositionKind,
    /// Which feed-forward block.
    pub mlp: MlpKind,
    /// Several of them, where a token does not go through one and the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<ExpertsConfig>,
    /// Whether the linear layers have biases.
    pub bias: bool,
    /// Whether the output projection is the embedding table (Press & Wolf 2017).
    pub tie_word_embeddings: bool,
    /// Standard deviation of the initial weights.
    pub init_std: f64,
    /// Token that begins a text.
    pub bos_token_id: u32,
    /// Token that ends a text.
    pub eos_token_id: u32,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        DecoderConfig {
            vocab_size: 4096,
            hidden_size: 256,
            n_layers: 4,
            n_heads: 8,
            n_kv_heads: 4,
            intermediate_size: 704,
            max_position_embeddings: 512,
            norm: NormKind::RmsNorm,
            norm_eps: 1e-5,
            position: PositionKind::Rope { theta: 10_000.0 },
            mlp: MlpKind::SwiGlu,
            experts: None,
            bias: false,
            tie_word_embeddings: true,
            init_std: 0.02,
            bos_token_id: 0,
            eos_token_id: 0,
        }
    }
}

impl DecoderConfig {
    /// A GPT-2-shaped decoder of the given sizes: feed-forward four times as wide, every head with its own keys.
    pub fn gpt2(vocab_size: usize, hidden_size: usize, n_layers: usize, n_heads: usize) -> Self {
        DecoderConfig {
            vocab_size,
            hidden_size,
            n_layers,
            n_heads,
            n_kv_heads: n_heads,
            intermediate_size: hidden_size.saturating_mul(4),
            max_position_embeddings: 1024,
            norm: NormKind::LayerNorm,
            position: PositionKind::Learned,
            mlp: MlpKind::Gelu,
            bias: true,
            ..DecoderConfig::default()
        }
    }

    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.n_heads.max(1)
    }

    /// Width of all keys (or values) of one token in one layer.
    pub fn kv_size(&self) -> usize {
        self.n_kv_heads * self.head_dim()
    }

    /// The family these numbers describe.
    ///
    /// Mixtures of the two families are refused, because no class of `transformers` could load them.
    pub fn family(&self) -> Result<Family, NnError> {
        match (self.norm, self.position, self.mlp, &self.experts) {
            (NormKind::RmsNorm, PositionKind::Rope { .. }, MlpKind::SwiGlu, None) => Ok(Family::Llama),
            (NormKind::RmsNorm, PositionKind::Rope { .. }, MlpKind::SwiGlu, Some(_)) if !self.bias => {
                Ok(Family::Mixtral)
            }
            (NormKind::LayerNorm, PositionKind::Learned, MlpKind::Gelu, None) if self.bias => Ok(Family::Gpt2),
            (norm, position, mlp, experts) => Err(refuse(
                format!(
                    "norm {norm:?}, position {position:?}, mlp {mlp:?}, bias {}{} is no known family",
                    self.bias,
                    if experts.is_some() { ", experts" } else { "" }
                ),
                "use rms_norm + rope + swiglu (LLaMA), the same with experts and without bias (Mixtral), or layer_norm + \
                 learned + gelu with bias (GPT-2)",
            )),
        }
    }

    /// Whether the numbers fit together.
    pub fn check(&self) -> Result<(), NnError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        check_sizes(&sizes)?;
        check_heads(self.hidden_size, self.n_heads)?;
        let (heads, kv_heads) = (self.n_heads, self.n_kv_heads);
        if heads % kv_heads != 0 {
            return Err(refuse(
                format!("n_heads {heads} is not divisible by n_kv_heads {kv_heads}"),
                "change n_kv_heads to a divisor of n_heads",
            ));
        }
        if matches!(self.position, PositionKind::Rope { .. }) && !self.head_dim().is_multiple_of(2) {
            return Err(refuse(
                format!("rotary positions need an even head width, hidden_size / n_heads is {}", self.head_dim()),
                "change hidden_size or n_heads",
            ));
        }
        if self.family()? == Family::Gpt2 && kv_heads != heads {
            return Err(refuse(
                format!("a GPT-2-shaped model has n_kv_heads = n_heads, not {kv_heads} and {heads}"),
                "set n_kv_heads to n_heads",
            ));
        }
        self.check_experts()?;
        self.check_numbers()?;
        check_elements(self.n_parameters_exact())
    }

    fn check_experts(&self) -> Result<(), NnError> {
        let Some(experts) = &self.experts else { return Ok(()) };
        // As many as layers: the registry holds three matrices of each in every block.
        if !(1..=1 << 12).contains(&experts.n_experts) {
            return Err(refuse(format!("n_experts is {}", experts.n_experts), "n_experts must be between 1 and 4096"));
        }
        if !(1..=experts.n_experts).contains(&experts.n_chosen) {
            return Err(refuse(
                format!("a token cannot go through {} of {} experts", experts.n_chosen, experts.n_experts),
                "n_chosen must be between 1 and n_experts",
            ));
        }
        if self.n_layers.saturating_mul(experts.n_experts) > 1 << 16 {
            return Err(refuse(
                format!("{} experts in each of {} layers", experts.n_experts, self.n_layers),
                "n_layers times n_experts must be at most 65536",
            ));
        }
        check_spread("balance_loss", experts.balance_loss)?;
        check_spread("z_loss", experts.z_loss)
    }

    fn check_numbers(&self) -> Result<(), NnError> {
        let mut positive = vec![("norm_eps", self.norm_eps)];
        if let PositionKind::Rope { theta } = self.position {
            positive.push(("theta", theta));
        }
        check_positive(&positive)?;
        check_spread("init_std", self.init_std)?;
        let tokens = [("bos_token_id", self.bos_token_id), ("eos_token_id", self.eos_token_id)];
        check_tokens(&tokens, self.vocab_size)
    }
}

/// What every shape asks of its sizes. 2^28 keeps every product of two and every token id inside its type, whatever a file
/// asked for; the registry is built before any weight is seen, so a damaged file must not make it large.
pub(crate) fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), NnError> {
    for &(name, size) in sizes {
        let is_count = name.ends_with("layers");
        let (limit, written) = if is_count { (1 << 12, "4096") } else { (1 << 28, "2^28") };
        if size == 0 || size > limit {
            return Err(refuse(format!("{name} is {size}"), &format!("{name} must be between 1 and {written}")));
        }
    }
    Ok(())
}

pub(crate) fn check_heads(hidden: usize, heads: usize) -> Result<(), NnError> {
    match hidden.is_multiple_of(heads) {
        true => Ok(()),
        false => Err(refuse(
            format!("hidden_size {hidden} is not divisible by n_heads {heads}"),
            "change hidden_size or n_heads",
        )),
    }
}

pub(crate) fn check_elements(elements: u128) -> Result<(), NnError> {
    match elements > 1 << 40 {
        true => Err(refuse(format!("{elements} parameters"), "make the sizes smaller")),
        false => Ok(()),
    }
}

pub(crate) fn check_positive(numbers: &[(&str, f64)]) -> Result<(), NnError> {
    match numbers.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
        Some((name, value)) => Err(refuse(format!("{name} is {value}"), &format!("{name} must be a positive number"))),
        None => Ok(()),
    }
}

/// A standard deviation, or a factor of some.
pub(crate) fn check_spread(name: &str, value: f64) -> Result<(), NnError> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(refuse(format!("{name} is {value}"), &format!("{name} must not be negative"))),
    }
}

pub(crate) fn check_tokens(tokens: &[(&str, u32)], vocab_size: usize) -> Result<(), NnError> {
    match tokens.iter().find(|(_, id)| *id as usize >= vocab_size) {
        Some((name, id)) => Err(refuse(
            format!("{name} {id} is outside the vocabulary of {vocab_size}"),
            &format!("change {name} or vocab_size"),
        )),
        None => Ok(()),
    }
}

pub(crate) fn refuse(problem: String, hint: &str) -> NnError {
    NnError::Config { problem, hint: hint.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_name_the_key() {
        type Change = fn(&mut DecoderConfig);
        let cases: &[(&str, Change)] = &[
            ("n_layers is 4097", |c| c.n_layers = 4097),
            ("hidden_size 255 is not divisible by n_heads 8", |c| c.hidden_size = 255),
            ("n_heads 8 is not divisible by n_kv_heads 3", |c| c.n_kv_heads = 3),
            ("even head width, hidden_size / n_heads is 3", |c| c.hidden_size = 24),
            ("n_layers is 0", |c| c.n_layers = 0),
            ("vocab_size is 1099511627776", |c| c.vocab_size = 1 << 40),
            ("norm_eps is 0", |c| c.norm_eps = 0.0),
            ("theta is NaN", |c| c.position = PositionKind::Rope { theta: f64::NAN }),
            ("init_std is -1", |c| c.init_std = -1.0),
            ("eos_token_id 4096 is outside the vocabulary of 4096", |c| c.eos_token_id = 4096),
            ("is no known family", |c| c.mlp = MlpKind::Gelu),
            ("bias true, experts is no known family", |c| (c.bias, c.experts) = (true, Some(ExpertsConfig::default()))),
            ("a token cannot go through 9 of 8 experts", |c| {
                c.experts = Some(ExpertsConfig { n_chosen: 9, ..ExpertsConfig::default() });
            }),
            ("n_experts is 0", |c| {
                c.experts = Some(ExpertsConfig { n_experts: 0, n_chosen: 0, ..ExpertsConfig::default() });
            }),
            ("4096 experts in each of 17 layers", |c| {
                c.experts = Some(ExpertsConfig { n_experts: 4096, ..ExpertsConfig::default() });
                c.n_layers = 17;
            }),
            ("z_loss is -1", |c| c.experts = Some(ExpertsConfig { z_loss: -1.0, ..ExpertsConfig::default() })),
        ];
        assert!(DecoderConfig::default().check().is_ok());
        for (expected, change) in cases {
            let mut config = DecoderConfig::default();
            change(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("\nhint: "), "{message}");
        }
    }

    #[test]
    fn gpt2_needs_as_many_key_heads() {
        let mut config = DecoderConfig::gpt2(97, 32, 2, 4);
        assert!(config.check().is_ok());
        config.n_kv_heads = 2;
        assert!(config.check().unwrap_err().to_string().contains("n_kv_heads = n_heads"));
    }

    #[test]
    fn survives_json_and_refuses_unknown_keys() {
        for config in [DecoderConfig::default(), DecoderConfig::gpt2(97, 32, 2, 4)] {
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<DecoderConfig>(&json).unwrap(), config);
        }
        assert!(serde_json::from_str::<DecoderConfig>(r#"{"hidden": 3}"#).is_err());
        let mixture = DecoderConfig { experts: Some(ExpertsConfig::default()), ..DecoderConfig::default() };
        let json = serde_json::to_string(&mixture).unwrap();
        assert_eq!(serde_json::from_str::<DecoderConfig>(&json).unwrap(), mixture);
        // What describes a run of a model without experts is what it was before there were any.
        assert!(!serde_json::to_string(&DecoderConfig::default()).unwrap().contains("experts"));
        let position: PositionKind = serde_json::from_str(r#"{"rope": {"theta": 500000}}"#).unwrap();
        assert_eq!(position, PositionKind::Rope { theta: 500_000.0 });
    }
}
