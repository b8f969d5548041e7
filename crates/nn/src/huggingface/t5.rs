//! Folders of `T5ForConditionalGeneration`.
//!
//! Whether the head is the embedding table and whether hidden states are scaled before it were one key in transformers 4:
//! `tie_word_embeddings`. Version 5 writes the second as `scale_decoder_outputs`, always writes `true` for the first, and
//! goes by whether the weight file has a head of its own. All of these are understood.

use std::path::Path;

use serde_json::{Value, json};
use tensor::Parameters;

use super::HEAD;
use super::folder::{self, CONFIG, GENERATION, WEIGHTS, read_json, write_json};
use super::keys::Keys;
use crate::{EncoderDecoder, EncoderDecoderConfig, MlpKind, Network as _, NnError};

const TABLE: &str = "shared.weight";
const SCALE: &str = "scale_decoder_outputs";
const TIED: &str = "tie_word_embeddings";

impl EncoderDecoder {
    /// Write the model into the folder `dir`, which is made when it is not there, as `T5ForConditionalGeneration` reads it.
    /// The bytes depend on the weights and the shape alone.
    ///
    /// # Errors
    /// When the parameters are not this network's, or the folder cannot be written.
    pub fn save(&self, parameters: &Parameters, dir: &Path) -> Result<(), NnError> {
        let c = self.config();
        folder::write_model(self.registry(), parameters, dir, &write(c))?;
        let generation = json!({
            "decoder_start_token_id": c.decoder_start_token_id,
            "eos_token_id": c.eos_token_id,
            "pad_token_id": c.pad_token_id,
        });
        write_json(&dir.join(GENERATION), &generation)
    }

    /// Read a model from a folder with `config.json` and `model.safetensors` of `T5ForConditionalGeneration`, weights in
    /// f32, f16 or bf16 (widened to f32).
    ///
    /// # Errors
    /// What the folder lacks, or what in it is not supported, by file and key or tensor.
    pub fn load(dir: &Path) -> Result<(EncoderDecoder, Parameters), NnError> {
        let path = dir.join(CONFIG);
        let mut config = read(&path, &read_json(&path)?)?;
        let weights = dir.join(WEIGHTS);
        let mut found = folder::load(&weights)?;
        // The first checkpoints have a table there that was never used.
        let unused = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";
        found.rename(|name| (name != unused).then_some(name));
        for stack in ["encoder", "decoder"] {
            found.drop_copy(&format!("{stack}.embed_tokens.weight"), TABLE)?;
        }
        config.tie_word_embeddings = !found.differs(HEAD, TABLE);
        if config.tie_word_embeddings {
            found.drop_copy(HEAD, TABLE)?;
        }
        let network = EncoderDecoder::new(config)?;
        let parameters = found.into_parameters(network.registry())?;
        Ok((network, parameters))
    }
}

fn write(c: &EncoderDecoderConfig) -> Value {
    let feed_forward = if c.mlp == MlpKind::GeGlu { "gated-gelu" } else { "relu" };
    json!({
        "architectures": ["T5ForConditionalGeneration"],
        "classifier_dropout": 0.0,
        "d_ff": c.intermediate_size,
        "d_kv": c.head_dim,
        "d_model": c.hidden_size,
        "decoder_start_token_id": c.decoder_start_token_id,
        "dropout_rate": 0.0,
        "dtype": "float32",
        "eos_token_id": c.eos_token_id,
        "feed_forward_proj": feed_forward,
        "initializer_factor": c.init_factor,
        "is_encoder_decoder": true,
        "layer_norm_epsilon": c.norm_eps,
        "model_type": "t5",
        "num_decoder_layers": c.n_decoder_layers,
        "num_heads": c.n_heads,
        "num_layers": c.n_layers,
        "pad_token_id": c.pad_token_id,
        "relative_attention_max_distance": c.max_distance,
        "relative_attention_num_buckets": c.n_buckets,
        (SCALE): c.scale_output,
        (TIED): c.tie_word_embeddings,
        "torch_dtype": "float32",
        "use_cache": true,
        "vocab_size": c.vocab_size,
    })
}

/// The shape a file describes, with the head tied: only the weight file knows better.
fn read(path: &Path, value: &Value) -> Result<EncoderDecoderConfig, NnError> {
    let keys = Keys { path, value };
    keys.architecture(&[("T5ForConditionalGeneration", "t5")])?;
    keys.must_be("is_encoder_decoder", true)?;
    keys.only("feed_forward_proj", &["relu", "gated-gelu"])?;
    let is_gated = keys.get("feed_forward_proj").and_then(Value::as_str) == Some("gated-gelu");
    // Written beside it, and read by nobody; a file where they differ was written by hand.
    keys.only("dense_act_fn", &[if is_gated { "gelu_new" } else { "relu" }])?;
    let n_layers = keys.size("num_layers", Some(6))?;
    let is_tied = keys.flag(TIED, true)?;
    let vocab_size = keys.size("vocab_size", Some(32_128))?;
    let pad_token_id = keys.token("pad_token_id", 0, vocab_size)?;
    Ok(EncoderDecoderConfig {
        vocab_size,
        hidden_size: keys.size("d_model", Some(512))?,
        head_dim: keys.size("d_kv", Some(64))?,
        n_heads: keys.size("num_heads", Some(8))?,
        n_layers,
        n_decoder_layers: keys.size("num_decoder_layers", Some(n_layers))?,
        intermediate_size: keys.size("d_ff", Some(2048))?,
        n_buckets: keys.size("relative_attention_num_buckets", Some(32))?,
        max_distance: keys.size("relative_attention_max_distance", Some(128))?,
        norm_eps: keys.number("layer_norm_epsilon", 1e-6)?,
        mlp: if is_gated { MlpKind::GeGlu } else { MlpKind::Relu },
        tie_word_embeddings: true,
        scale_output: keys.flag(SCALE, is_tied)?,
        init_factor: keys.number("initializer_factor", 1.0)?,
        pad_token_id,
        eos_token_id: keys.token("eos_token_id", 1, vocab_size)?,
        decoder_start_token_id: keys.token("decoder_start_token_id", pad_token_id, vocab_size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<EncoderDecoderConfig, NnError> {
        read(Path::new("config.json"), &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn written_configs_read_back() {
        let first = EncoderDecoderConfig { n_decoder_layers: 3, pad_token_id: 5, ..Default::default() };
        let second =
            EncoderDecoderConfig { mlp: MlpKind::GeGlu, scale_output: false, head_dim: 16, ..Default::default() };
        for config in [first, second] {
            assert_eq!(read(Path::new("config.json"), &write(&config)).unwrap(), config);
        }
    }

    #[test]
    fn defaults_are_those_of_transformers() {
        let small = parse(r#"{"model_type": "t5"}"#).unwrap();
        assert_eq!((small.vocab_size, small.hidden_size, small.n_layers, small.n_heads), (32_128, 512, 6, 8));
        // Published: T5 small has 60 506 624 weights.
        assert_eq!(EncoderDecoder::new(small).unwrap().n_parameters(), 60_506_624);
        // Version 1.1 said by its head that nothing is scaled.
        assert!(parse(r#"{"model_type": "t5"}"#).unwrap().scale_output);
        assert!(!parse(r#"{"model_type": "t5", "tie_word_embeddings": false}"#).unwrap().scale_output);
        let both = r#"{"model_type": "t5", "tie_word_embeddings": true, "scale_decoder_outputs": false}"#;
        assert!(!parse(both).unwrap().scale_output);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"architectures": ["T5EncoderModel"]}"#, "architecture T5EncoderModel is not supported here"),
            (r#"{"model_type": "t5", "feed_forward_proj": "gated-silu"}"#, "feed_forward_proj: \"gated-silu\" is not"),
            (r#"{"model_type": "t5", "dense_act_fn": "silu"}"#, "dense_act_fn: \"silu\" is not supported"),
            (r#"{"model_type": "t5", "is_encoder_decoder": false}"#, "is_encoder_decoder: false is not supported"),
            (r#"{"model_type": "t5", "d_kv": -1}"#, "d_kv: expected a whole number"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with("config.json: ") && message.contains(expected), "{message}");
        }
    }
}
