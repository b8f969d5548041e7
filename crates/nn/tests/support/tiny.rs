//! The tiny models that the goldens are about, shared by the parity test and the example that exports them.
#![allow(dead_code, reason = "each user of this file needs another part of it")]

use lang::rng::Rng;
use nn::{Decoder, DecoderConfig, Network as _, NnError};
use tensor::Parameters;

/// Rows of ids every golden is computed for.
pub fn ids() -> Vec<Vec<u32>> {
    let mut rng = Rng::new(9);
    (0..2).map(|_| (0..9).map(|_| rng.below(97) as u32).collect()).collect()
}

/// Name, shape and seed of each golden.
pub fn cases() -> Vec<(&'static str, DecoderConfig, u64)> {
    let llama = DecoderConfig {
        vocab_size: 97,
        hidden_size: 32,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        intermediate_size: 48,
        max_position_embeddings: 32,
        // Ten times the usual, so that logits are of the size of a trained model's.
        init_std: 0.2,
        ..DecoderConfig::default()
    };
    let untied = DecoderConfig { tie_word_embeddings: false, bias: true, eos_token_id: 3, ..llama.clone() };
    let gpt2 = DecoderConfig { max_position_embeddings: 32, init_std: 0.2, ..DecoderConfig::gpt2(97, 32, 2, 4) };
    vec![("llama-tied", llama, 11), ("llama-untied-bias", untied, 12), ("gpt2", gpt2, 13)]
}

/// The model of a golden: initial weights, with gains and biases moved off one and zero so that they count.
pub fn build(config: &DecoderConfig, seed: u64) -> Result<(Decoder, Parameters), NnError> {
    let decoder = Decoder::new(config.clone())?;
    let mut parameters = decoder.init(seed);
    let names: Vec<(String, usize)> =
        decoder.registry().shapes().map(|(name, shape)| (name.to_string(), shape.len())).collect();
    for (name, dimensions) in names {
        if let Some(id) = parameters.id(&name).filter(|_| dimensions == 1) {
            let mut rng = Rng::for_item(seed, &name, 1);
            for value in parameters.values_mut(id) {
                *value += (0.2 * rng.normal()) as f32;
            }
        }
    }
    Ok((decoder, parameters))
}
