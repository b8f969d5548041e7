//! Folders of `BertForMaskedLM`.

use std::path::Path;

use serde_json::{Value, json};
use tensor::Parameters;

use super::folder::{self, CONFIG, WEIGHTS, read_json};
use super::keys::Keys;
use crate::{Encoder, EncoderConfig, MlpKind, Network as _, NnError};

/// Names of the functions, ours and those that transformers knows, the one that is written first.
const ACTIVATIONS: [(MlpKind, &[&str]); 3] =
    [(MlpKind::GeluErf, &["gelu"]), (MlpKind::Gelu, &["gelu_new", "gelu_pytorch_tanh"]), (MlpKind::Relu, &["relu"])];
const TABLE: &str = "bert.embeddings.word_embeddings.weight";
const BIAS: &str = "cls.predictions.bias";

impl Encoder {
    /// Write the model into the folder `dir`, which is made when it is not there, as `BertForMaskedLM` reads it. The bytes
    /// depend on the weights and the shape alone.
    ///
    /// # Errors
    /// When the parameters are not this network's, or the folder cannot be written.
    pub fn save(&self, parameters: &Parameters, dir: &Path) -> Result<(), NnError> {
        folder::write_model(self.registry(), parameters, dir, &write(self.config()))
    }

    /// Read a model from a folder with `config.json` and `model.safetensors` of `BertForMaskedLM`, weights in f32, f16 or
    /// bf16 (widened to f32). What a checkpoint of the whole pre-training has besides (the pooler and the head that tells
    /// whether sentences follow each other) is left aside, as it has no part in filling masked tokens.
    ///
    /// # Errors
    /// What the folder lacks, or what in it is not supported, by file and key or tensor.
    pub fn load(dir: &Path) -> Result<(Encoder, Parameters), NnError> {
        let path = dir.join(CONFIG);
        let encoder = Encoder::new(read(&path, &read_json(&path)?)?)?;
        let weights = dir.join(WEIGHTS);
        let mut found = folder::load(&weights)?;
        found.rename(canonical);
        found.drop_copy("cls.predictions.decoder.weight", TABLE)?;
        found.drop_copy("cls.predictions.decoder.bias", BIAS)?;
        let parameters = found.into_parameters(encoder.registry())?;
        Ok((encoder, parameters))
    }
}

/// The name that `transformers` writes today, or `None` for what is no weight of this network.
fn canonical(name: String) -> Option<String> {
    let is_aside = ["bert.pooler.", "cls.seq_relationship."].iter().any(|part| name.starts_with(part));
    if is_aside || name == "bert.embeddings.position_ids" {
        return None;
    }
    // The first checkpoints were converted from TensorFlow with its names of a norm's parts.
    let name = name.replace("LayerNorm.gamma", "LayerNorm.weight");
    Some(name.replace("LayerNorm.beta", "LayerNorm.bias"))
}

fn write(c: &EncoderConfig) -> Value {
    let activation = ACTIVATIONS.iter().find(|(kind, _)| *kind == c.mlp).map_or("gelu", |(_, names)| names[0]);
    json!({
        "add_cross_attention": false,
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.0,
        "dtype": "float32",
        "hidden_act": activation,
        "hidden_dropout_prob": 0.0,
        "hidden_size": c.hidden_size,
        "initializer_range": c.init_std,
        "intermediate_size": c.intermediate_size,
        "is_decoder": false,
        "layer_norm_eps": c.norm_eps,
        "max_position_embeddings": c.max_position_embeddings,
        "model_type": "bert",
        "num_attention_heads": c.n_heads,
        "num_hidden_layers": c.n_layers,
        "pad_token_id": c.pad_token_id,
        "position_embedding_type": "absolute",
        "tie_word_embeddings": true,
        "torch_dtype": "float32",
        "type_vocab_size": c.type_vocab_size,
        "use_cache": true,
        "vocab_size": c.vocab_size,
    })
}

fn read(path: &Path, value: &Value) -> Result<EncoderConfig, NnError> {
    let keys = Keys { path, value };
    // A checkpoint of the whole pre-training holds all of it.
    keys.architecture(&[("BertForMaskedLM", "bert"), ("BertForPreTraining", "bert")])?;
    keys.only("position_embedding_type", &["absolute"])?;
    keys.must_be("is_decoder", false)?;
    keys.must_be("add_cross_attention", false)?;
    keys.must_be("tie_word_embeddings", true)?;
    let known: Vec<&str> = ACTIVATIONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    keys.only("hidden_act", &known)?;
    let asked = keys.get("hidden_act").and_then(Value::as_str).unwrap_or("gelu");
    let mlp = ACTIVATIONS.iter().find(|(_, names)| names.contains(&asked)).map_or(MlpKind::GeluErf, |(kind, _)| *kind);
    let vocab_size = keys.size("vocab_size", Some(30_522))?;
    Ok(EncoderConfig {
        vocab_size,
        type_vocab_size: keys.size("type_vocab_size", Some(2))?,
        hidden_size: keys.size("hidden_size", Some(768))?,
        n_layers: keys.size("num_hidden_layers", Some(12))?,
        n_heads: keys.size("num_attention_heads", Some(12))?,
        intermediate_size: keys.size("intermediate_size", Some(3072))?,
        max_position_embeddings: keys.size("max_position_embeddings", Some(512))?,
        norm_eps: keys.number("layer_norm_eps", 1e-12)?,
        mlp,
        init_std: keys.number("initializer_range", 0.02)?,
        pad_token_id: keys.token("pad_token_id", 0, vocab_size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<EncoderConfig, NnError> {
        read(Path::new("config.json"), &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn written_configs_read_back() {
        for (mlp, _) in ACTIVATIONS {
            let config =
                EncoderConfig { mlp, type_vocab_size: 3, pad_token_id: 7, norm_eps: 3e-6, ..Default::default() };
            assert_eq!(read(Path::new("config.json"), &write(&config)).unwrap(), config);
        }
    }

    #[test]
    fn defaults_are_those_of_transformers() {
        let base = parse(r#"{"model_type": "bert"}"#).unwrap();
        assert_eq!((base.vocab_size, base.hidden_size, base.n_layers, base.n_heads), (30_522, 768, 12, 12));
        assert_eq!((base.intermediate_size, base.max_position_embeddings, base.mlp), (3072, 512, MlpKind::GeluErf));
        // Published: BERT base has 110 million weights, 590 592 of them in the pooler.
        let encoder = Encoder::new(base).unwrap();
        assert_eq!(encoder.n_parameters(), 109_514_298);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"architectures": ["GPT2LMHeadModel"]}"#, "architecture GPT2LMHeadModel is not supported here"),
            (r#"{"architectures": ["BertForSequenceClassification"]}"#, "BertForSequenceClassification is not"),
            (r#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#, "position_embedding_type: \"rel"),
            (r#"{"model_type": "bert", "is_decoder": true}"#, "is_decoder: true is not supported"),
            (r#"{"model_type": "bert", "add_cross_attention": true}"#, "add_cross_attention: true is not supported"),
            (r#"{"model_type": "bert", "tie_word_embeddings": false}"#, "tie_word_embeddings: false is not supported"),
            (r#"{"model_type": "bert", "hidden_act": "silu"}"#, "hidden_act: \"silu\" is not supported"),
            (r#"{"model_type": "bert", "hidden_size": "x"}"#, "hidden_size: expected a whole number"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with("config.json: ") && message.contains(expected), "{message}");
        }
    }
}
