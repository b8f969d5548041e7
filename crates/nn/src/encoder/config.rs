//! The shape of an encoder.

use serde::{Deserialize, Serialize};

use crate::config::{check_elements, check_heads, check_positive, check_sizes, check_spread, check_tokens, refuse};
use crate::{MlpKind, NnError};

/// The shape of an encoder-only Transformer that fills masked tokens: BERT (Devlin et al. 2019), of which the default is
/// a small one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// How many token ids there are.
    pub vocab_size: usize,
    /// How many segments a row may have: one vector each is added to the tokens of a segment.
    pub type_vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// How many blocks.
    pub n_layers: usize,
    /// How many attention heads; each is `hidden_size / n_heads` wide.
    pub n_heads: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Longest row in tokens.
    pub max_position_embeddings: usize,
    /// The small number under the square root of the norms.
    pub norm_eps: f64,
    /// The function of the feed-forward block and of the head: one that gates nothing.
    pub mlp: MlpKind,
    /// Standard deviation of the initial weights.
    pub init_std: f64,
    /// Token that rows are filled up with.
    pub pad_token_id: u32,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        EncoderConfig {
            vocab_size: 4096,
            type_vocab_size: 2,
            hidden_size: 256,
            n_layers: 4,
            n_heads: 4,
            intermediate_size: 1024,
            max_position_embeddings: 512,
            norm_eps: 1e-12,
            mlp: MlpKind::GeluErf,
            init_std: 0.02,
            pad_token_id: 0,
        }
    }
}

impl EncoderConfig {
    /// Whether the numbers fit together.
    ///
    /// # Errors
    /// The first key that does not.
    pub fn check(&self) -> Result<(), NnError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("type_vocab_size", self.type_vocab_size),
            ("hidden_size", self.hidden_size),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ])?;
        check_heads(self.hidden_size, self.n_heads)?;
        if self.mlp.is_gated() {
            return Err(refuse(
                format!("an encoder's mlp cannot be {:?}, which gates", self.mlp),
                "use gelu_erf (BERT), gelu or relu",
            ));
        }
        check_positive(&[("norm_eps", self.norm_eps)])?;
        check_spread("init_std", self.init_std)?;
        check_tokens(&[("pad_token_id", self.pad_token_id)], self.vocab_size)?;
        check_elements(self.n_parameters_exact())
    }

    fn n_parameters_exact(&self) -> u128 {
        let [d, f] = [self.hidden_size, self.intermediate_size].map(|size| size as u128);
        let rows = (self.vocab_size + self.type_vocab_size + self.max_position_embeddings) as u128;
        let block = 4 * d * d + 2 * d * f + (4 * d + f + d) + 4 * d;
        rows * d + 2 * d + self.n_layers as u128 * block + (d * d + 3 * d) + self.vocab_size as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Network as _};

    #[test]
    fn checks_name_the_key() {
        type Change = fn(&mut EncoderConfig);
        let cases: &[(&str, Change)] = &[
            ("vocab_size is 0", |c| c.vocab_size = 0),
            ("type_vocab_size is 0", |c| c.type_vocab_size = 0),
            ("n_layers is 4097", |c| c.n_layers = 4097),
            ("hidden_size 255 is not divisible by n_heads 4", |c| c.hidden_size = 255),
            ("mlp cannot be SwiGlu", |c| c.mlp = MlpKind::SwiGlu),
            ("norm_eps is NaN", |c| c.norm_eps = f64::NAN),
            ("init_std is -1", |c| c.init_std = -1.0),
            ("pad_token_id 4096 is outside the vocabulary of 4096", |c| c.pad_token_id = 4096),
            ("parameters", |c| (c.vocab_size, c.hidden_size) = (1 << 28, 1 << 28)),
        ];
        EncoderConfig::default().check().unwrap();
        for (expected, change) in cases {
            let mut config = EncoderConfig::default();
            change(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("hint: "), "{message}");
        }
    }

    #[test]
    fn the_count_is_that_of_the_registry() {
        let small =
            EncoderConfig { vocab_size: 11, hidden_size: 6, n_heads: 2, n_layers: 3, ..EncoderConfig::default() };
        for config in [EncoderConfig::default(), small] {
            let network = Encoder::new(config.clone()).unwrap();
            assert_eq!(config.n_parameters_exact(), network.n_parameters() as u128);
        }
    }
}
