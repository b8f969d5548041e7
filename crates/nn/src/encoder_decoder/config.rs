//! The shape of an encoder-decoder.

use serde::{Deserialize, Serialize};

use crate::config::{check_elements, check_positive, check_sizes, check_spread, check_tokens, refuse};
use crate::{MlpKind, NnError};

/// The shape of an encoder-decoder Transformer: T5 (Raffel et al. 2020). The default is a small one of the first version;
/// version 1.1 has `mlp` geglu, a head of its own and no `scale_output`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderDecoderConfig {
    /// How many token ids there are.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width of one attention head; all heads together may be narrower or wider than the hidden states.
    pub head_dim: usize,
    /// How many attention heads.
    pub n_heads: usize,
    /// How many blocks the encoder has.
    pub n_layers: usize,
    /// How many blocks the decoder has.
    pub n_decoder_layers: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// How many buckets of distances have a learned bias of their own for each head.
    pub n_buckets: usize,
    /// The distance from which on all share the last bucket.
    pub max_distance: usize,
    /// The small number under the square root of the norms.
    pub norm_eps: f64,
    /// The feed-forward block: relu or geglu.
    pub mlp: MlpKind,
    /// Whether the output projection is the embedding table.
    pub tie_word_embeddings: bool,
    /// Whether hidden states are divided by √`hidden_size` before the output projection.
    pub scale_output: bool,
    /// What the standard deviations of the initial weights are multiplied by.
    pub init_factor: f64,
    /// Token that rows are filled up with.
    pub pad_token_id: u32,
    /// Token that ends a text.
    pub eos_token_id: u32,
    /// Token that the decoder reads first.
    pub decoder_start_token_id: u32,
}

impl Default for EncoderDecoderConfig {
    fn default() -> Self {
        EncoderDecoderConfig {
            vocab_size: 4096,
            hidden_size: 256,
            head_dim: 32,
            n_heads: 8,
            n_layers: 4,
            n_decoder_layers: 4,
            intermediate_size: 1024,
            n_buckets: 32,
            max_distance: 128,
            norm_eps: 1e-6,
            mlp: MlpKind::Relu,
            tie_word_embeddings: true,
            scale_output: true,
            init_factor: 1.0,
            pad_token_id: 0,
            eos_token_id: 1,
            decoder_start_token_id: 0,
        }
    }
}

impl EncoderDecoderConfig {
    /// Width of all heads together.
    pub fn attention_size(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Whether the numbers fit together.
    ///
    /// # Errors
    /// The first key that does not.
    pub fn check(&self) -> Result<(), NnError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("head_dim", self.head_dim),
            ("n_heads", self.n_heads),
            ("n_layers", self.n_layers),
            ("n_decoder_layers", self.n_decoder_layers),
            ("intermediate_size", self.intermediate_size),
            ("n_buckets", self.n_buckets),
            ("max_distance", self.max_distance),
        ])?;
        if !matches!(self.mlp, MlpKind::Relu | MlpKind::GeGlu) {
            return Err(refuse(
                format!("an encoder-decoder's mlp cannot be {:?}", self.mlp),
                "use relu (T5) or geglu (T5 1.1)",
            ));
        }
        // The encoder gives each direction half of the buckets, and half of those hold one distance each.
        if self.n_buckets < 4 || self.max_distance <= self.n_buckets / 2 {
            return Err(refuse(
                format!("n_buckets {} cannot hold distances up to max_distance {}", self.n_buckets, self.max_distance),
                "n_buckets must be at least 4 and less than twice max_distance",
            ));
        }
        check_positive(&[("norm_eps", self.norm_eps)])?;
        check_spread("init_factor", self.init_factor)?;
        let tokens = [
            ("pad_token_id", self.pad_token_id),
            ("eos_token_id", self.eos_token_id),
            ("decoder_start_token_id", self.decoder_start_token_id),
        ];
        check_tokens(&tokens, self.vocab_size)?;
        check_elements(self.n_parameters_exact())
    }

    fn n_parameters_exact(&self) -> u128 {
        let [d, f, heads] = [self.hidden_size, self.intermediate_size, self.n_heads].map(|size| size as u128);
        let attention = 4 * d * heads * self.head_dim as u128;
        let mlp = if self.mlp.is_gated() { 3 } else { 2 } * d * f;
        let [encoder, decoder] = [self.n_layers, self.n_decoder_layers].map(|layers| layers as u128);
        let tables = if self.tie_word_embeddings { 1 } else { 2 } * self.vocab_size as u128 * d;
        let biases = 2 * self.n_buckets as u128 * heads;
        encoder * (attention + mlp + 2 * d) + decoder * (2 * attention + mlp + 3 * d) + 2 * d + biases + tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncoderDecoder, Network as _};

    #[test]
    fn checks_name_the_key() {
        type Change = fn(&mut EncoderDecoderConfig);
        let cases: &[(&str, Change)] = &[
            ("head_dim is 0", |c| c.head_dim = 0),
            ("n_decoder_layers is 5000", |c| c.n_decoder_layers = 5000),
            ("mlp cannot be Gelu", |c| c.mlp = MlpKind::Gelu),
            ("n_buckets 3 cannot hold", |c| c.n_buckets = 3),
            ("n_buckets 32 cannot hold distances up to max_distance 16", |c| c.max_distance = 16),
            ("init_factor is inf", |c| c.init_factor = f64::INFINITY),
            ("decoder_start_token_id 4096 is outside", |c| c.decoder_start_token_id = 4096),
            ("eos_token_id 1 is outside the vocabulary of 1", |c| c.vocab_size = 1),
        ];
        EncoderDecoderConfig::default().check().unwrap();
        for (expected, change) in cases {
            let mut config = EncoderDecoderConfig::default();
            change(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("hint: "), "{message}");
        }
    }

    #[test]
    fn the_count_is_that_of_the_registry() {
        let small = EncoderDecoderConfig { hidden_size: 10, head_dim: 3, n_decoder_layers: 2, ..Default::default() };
        let second = EncoderDecoderConfig { mlp: MlpKind::GeGlu, tie_word_embeddings: false, ..small.clone() };
        for config in [EncoderDecoderConfig::default(), small, second] {
            let network = EncoderDecoder::new(config.clone()).unwrap();
            assert_eq!(config.n_parameters_exact(), network.n_parameters() as u128);
        }
    }
}
