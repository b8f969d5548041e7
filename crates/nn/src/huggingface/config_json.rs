//! `config.json` of the decoder families, as transformers 4 and 5 write and read it.

use std::path::Path;

use serde_json::{Value, json};

use super::keys::Keys;
use crate::{Decoder, DecoderConfig, ExpertsConfig, Family, MlpKind, NnError, NormKind, PositionKind};

/// The file's contents. Keys that changed their name between transformers 4 and 5 are written under both.
pub(super) fn write(decoder: &Decoder) -> Value {
    let c = decoder.config();
    match decoder.family() {
        Family::Llama | Family::Mixtral => {
            let theta = match c.position {
                PositionKind::Rope { theta } => theta,
                PositionKind::Learned => 0.0,
            };
            let mut config = json!({
                "architectures": ["LlamaForCausalLM"],
                "attention_bias": c.bias,
                "attention_dropout": 0.0,
                "bos_token_id": c.bos_token_id,
                "dtype": "float32",
                "eos_token_id": c.eos_token_id,
                "head_dim": c.head_dim(),
                "hidden_act": "silu",
                "hidden_size": c.hidden_size,
                "initializer_range": c.init_std,
                "intermediate_size": c.intermediate_size,
                "max_position_embeddings": c.max_position_embeddings,
                "mlp_bias": c.bias,
                "model_type": "llama",
                "num_attention_heads": c.n_heads,
                "num_hidden_layers": c.n_layers,
                "num_key_value_heads": c.n_kv_heads,
                "pretraining_tp": 1,
                "rms_norm_eps": c.norm_eps,
                "rope_parameters": { "rope_theta": theta, "rope_type": "default" },
                "rope_theta": theta,
                "tie_word_embeddings": c.tie_word_embeddings,
                "torch_dtype": "float32",
                "use_cache": true,
                "vocab_size": c.vocab_size,
            });
            if let (Some(experts), Value::Object(keys)) = (&c.experts, &mut config) {
                ["attention_bias", "mlp_bias", "pretraining_tp"].iter().for_each(|key| drop(keys.remove(*key)));
                let Value::Object(mixture) = mixture(experts) else { return config };
                keys.extend(mixture);
            }
            config
        }
        Family::Gpt2 => json!({
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.0,
            "bos_token_id": c.bos_token_id,
            "dtype": "float32",
            "embd_pdrop": 0.0,
            "eos_token_id": c.eos_token_id,
            "initializer_range": c.init_std,
            "layer_norm_epsilon": c.norm_eps,
            "model_type": "gpt2",
            "n_ctx": c.max_position_embeddings,
            "n_embd": c.hidden_size,
            "n_head": c.n_heads,
            "n_inner": c.intermediate_size,
            "n_layer": c.n_layers,
            "n_positions": c.max_position_embeddings,
            "reorder_and_upcast_attn": false,
            "resid_pdrop": 0.0,
            "scale_attn_by_inverse_layer_idx": false,
            "scale_attn_weights": true,
            "tie_word_embeddings": c.tie_word_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": c.vocab_size,
        }),
    }
}

/// What a mixture has beside and instead of LLaMA's keys. `router_z_loss_coef` is ours: transformers has no such loss.
fn mixture(experts: &ExpertsConfig) -> Value {
    json!({
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        "num_experts_per_tok": experts.n_chosen,
        "num_local_experts": experts.n_experts,
        "output_router_logits": false,
        "router_aux_loss_coef": experts.balance_loss,
        "router_jitter_noise": 0.0,
        "router_z_loss_coef": experts.z_loss,
        "sliding_window": null,
    })
}

/// The shape a file describes. Defaults are those of transformers; whatever would change the arithmetic and is not
/// built is refused by name.
pub(super) fn read(path: &Path, value: &Value) -> Result<DecoderConfig, NnError> {
    let keys = Keys { path, value };
    let known = [("LlamaForCausalLM", "llama"), ("MixtralForCausalLM", "mixtral"), ("GPT2LMHeadModel", "gpt2")];
    match keys.architecture(&known)? {
        "llama" => llama(&keys),
        "mixtral" => mixtral(&keys),
        _ => gpt2(&keys),
    }
}

fn mixtral(keys: &Keys) -> Result<DecoderConfig, NnError> {
    if let Some(window) = keys.get("sliding_window") {
        return Err(keys.refuse("sliding_window", &format!("{window} is not supported, only null")));
    }
    if keys.number("router_jitter_noise", 0.0)? != 0.0 {
        return Err(keys.refuse("router_jitter_noise", "only 0 is supported"));
    }
    for key in ["attention_bias", "mlp_bias"] {
        keys.must_be(key, false)?;
    }
    let experts = ExpertsConfig {
        n_experts: keys.size("num_local_experts", Some(8))?,
        n_chosen: keys.size("num_experts_per_tok", Some(2))?,
        balance_loss: keys.number("router_aux_loss_coef", 0.001)?,
        z_loss: keys.number("router_z_loss_coef", 0.0)?,
    };
    let llama = llama(keys)?;
    // Where transformers has other defaults than LLaMA's.
    let theta = rope_theta(keys, 1e6)?;
    Ok(DecoderConfig {
        experts: Some(experts),
        n_kv_heads: keys.size("num_key_value_heads", Some(8))?,
        max_position_embeddings: keys.size("max_position_embeddings", Some(4096 * 32))?,
        norm_eps: keys.number("rms_norm_eps", 1e-5)?,
        position: PositionKind::Rope { theta },
        ..llama
    })
}

fn rope_theta(keys: &Keys, default: f64) -> Result<f64, NnError> {
    let nested = keys.value.get("rope_parameters").and_then(|rope| rope.get("rope_theta")).and_then(Value::as_f64);
    match nested {
        Some(theta) => Ok(theta),
        None => keys.number("rope_theta", default),
    }
}

fn llama(keys: &Keys) -> Result<DecoderConfig, NnError> {
    let hidden_size = keys.size("hidden_size", None)?;
    let n_heads = keys.size("num_attention_heads", None)?;
    let head_dim = keys.size("head_dim", Some(hidden_size / n_heads.max(1)))?;
    if head_dim.checked_mul(n_heads) != Some(hidden_size) {
        return Err(keys.refuse("head_dim", &format!("{head_dim} is not hidden_size / num_attention_heads")));
    }
    keys.only("hidden_act", &["silu", "swish"])?;
    for scaling in ["rope_scaling", "rope_parameters"] {
        let kind = keys.value.get(scaling).and_then(|rope| rope.get("rope_type").or_else(|| rope.get("type")));
        if let Some(kind) = kind.filter(|kind| kind.as_str() != Some("default")) {
            return Err(keys.refuse(scaling, &format!("rotary scaling {kind} is not supported")));
        }
    }
    let theta = rope_theta(keys, 10_000.0)?;
    let bias = keys.flag("attention_bias", false)?;
    if keys.flag("mlp_bias", false)? != bias {
        return Err(keys.refuse("mlp_bias", "differs from attention_bias, which is not supported"));
    }
    let vocab_size = keys.size("vocab_size", None)?;
    Ok(DecoderConfig {
        vocab_size,
        hidden_size,
        n_layers: keys.size("num_hidden_layers", None)?,
        n_heads,
        n_kv_heads: keys.size("num_key_value_heads", Some(n_heads))?,
        intermediate_size: keys.size("intermediate_size", None)?,
        max_position_embeddings: keys.size("max_position_embeddings", Some(2048))?,
        norm: NormKind::RmsNorm,
        norm_eps: keys.number("rms_norm_eps", 1e-6)?,
        position: PositionKind::Rope { theta },
        mlp: MlpKind::SwiGlu,
        experts: None,
        bias,
        tie_word_embeddings: keys.flag("tie_word_embeddings", false)?,
        init_std: keys.number("initializer_range", 0.02)?,
        bos_token_id: keys.token("bos_token_id", 1, vocab_size)?,
        eos_token_id: keys.token("eos_token_id", 2, vocab_size)?,
    })
}

fn gpt2(keys: &Keys) -> Result<DecoderConfig, NnError> {
    let hidden_size = keys.size("n_embd", None)?;
    let n_heads = keys.size("n_head", None)?;
    keys.only("activation_function", &["gelu_new", "gelu_pytorch_tanh"])?;
    keys.must_be("scale_attn_weights", true)?;
    keys.must_be("scale_attn_by_inverse_layer_idx", false)?;
    keys.must_be("add_cross_attention", false)?;
    let vocab_size = keys.size("vocab_size", None)?;
    Ok(DecoderConfig {
        vocab_size,
        hidden_size,
        n_layers: keys.size("n_layer", None)?,
        n_heads,
        n_kv_heads: n_heads,
        intermediate_size: keys.size("n_inner", Some(hidden_size.saturating_mul(4)))?,
        max_position_embeddings: keys.size("n_positions", Some(1024))?,
        norm: NormKind::LayerNorm,
        norm_eps: keys.number("layer_norm_epsilon", 1e-5)?,
        position: PositionKind::Learned,
        mlp: MlpKind::Gelu,
        experts: None,
        bias: true,
        tie_word_embeddings: keys.flag("tie_word_embeddings", true)?,
        init_std: keys.number("initializer_range", 0.02)?,
        bos_token_id: keys.token("bos_token_id", 50_256, vocab_size)?,
        eos_token_id: keys.token("eos_token_id", 50_256, vocab_size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DecoderConfig, NnError> {
        read(Path::new("config.json"), &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn written_configs_read_back() {
        let llama = DecoderConfig { bias: true, tie_word_embeddings: false, norm_eps: 3e-6, ..Default::default() };
        let gpt2 = DecoderConfig { tie_word_embeddings: false, ..DecoderConfig::gpt2(97, 32, 2, 4) };
        let experts = ExpertsConfig { n_experts: 5, n_chosen: 3, balance_loss: 0.02, z_loss: 0.004 };
        let mixture = DecoderConfig { experts: Some(experts), ..DecoderConfig::default() };
        for config in [DecoderConfig::default(), llama, mixture, DecoderConfig::gpt2(97, 32, 2, 4), gpt2] {
            let decoder = Decoder::new(config.clone()).unwrap();
            assert_eq!(read(Path::new("config.json"), &write(&decoder)).unwrap(), config);
        }
    }

    #[test]
    fn defaults_are_those_of_transformers() {
        let sizes = r#""vocab_size": 32000, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4"#;
        let config = parse(&format!(r#"{{"model_type": "llama", {sizes}, "eos_token_id": [7, 9]}}"#)).unwrap();
        assert_eq!((config.n_kv_heads, config.norm_eps, config.bos_token_id, config.eos_token_id), (4, 1e-6, 1, 7));
        assert!(!config.tie_word_embeddings);
        let config = parse(r#"{"model_type":"gpt2","vocab_size":97,"n_embd":32,"n_layer":1,"n_head":4}"#).unwrap();
        assert_eq!((config.intermediate_size, config.eos_token_id), (128, 96));
        let theta = r#""rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}"#;
        let config = parse(&format!(r#"{{"model_type": "llama", {sizes}, {theta}}}"#)).unwrap();
        assert_eq!(config.position, PositionKind::Rope { theta: 5e5 });
        let config = parse(&format!(r#"{{"model_type": "mixtral", {sizes}}}"#)).unwrap();
        let experts = ExpertsConfig { z_loss: 0.0, ..ExpertsConfig::default() };
        assert_eq!((config.experts, config.n_kv_heads, config.norm_eps), (Some(experts), 8, 1e-5));
        assert_eq!((config.position, config.max_position_embeddings), (PositionKind::Rope { theta: 1e6 }, 131_072));
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let sizes = r#""vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4"#;
        let cases = [
            (r#"{"architectures": ["MambaForCausalLM"]}"#.to_string(), "architecture MambaForCausalLM is not supp"),
            ("{}".to_string(), "no architectures and no model_type"),
            ("[]".to_string(), "expected a JSON object"),
            (r#"{"model_type": "llama"}"#.to_string(), "hidden_size: missing"),
            (format!(r#"{{"model_type": "llama", {sizes}, "head_dim": 32}}"#), "head_dim: 32 is not"),
            (format!(r#"{{"model_type": "llama", {sizes}, "hidden_act": "relu"}}"#), "hidden_act: \"relu\" is not"),
            (
                format!(r#"{{"model_type": "llama", {sizes}, "rope_scaling": {{"rope_type": "yarn"}}}}"#),
                "rope_scaling: rotary scaling \"yarn\"",
            ),
            (format!(r#"{{"model_type": "llama", {sizes}, "mlp_bias": true}}"#), "mlp_bias: differs"),
            (format!(r#"{{"model_type": "llama", {sizes}, "rms_norm_eps": "x"}}"#), "rms_norm_eps: expected a number"),
            (format!(r#"{{"model_type": "llama", {sizes}, "bos_token_id": -1}}"#), "bos_token_id: expected a token"),
            (
                format!(r#"{{"model_type": "mixtral", {sizes}, "sliding_window": 4096}}"#),
                "sliding_window: 4096 is not supported",
            ),
            (
                format!(r#"{{"model_type": "mixtral", {sizes}, "router_jitter_noise": 0.1}}"#),
                "router_jitter_noise: only 0",
            ),
            (format!(r#"{{"model_type": "mixtral", {sizes}, "mlp_bias": true}}"#), "mlp_bias: true is not supported"),
            (
                r#"{"model_type": "gpt2", "n_embd": 1, "n_head": 1, "activation_function": "relu"}"#.to_string(),
                "activation_function: \"relu\"",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.starts_with("config.json: ") && message.contains(expected), "{message}");
        }
    }
}
