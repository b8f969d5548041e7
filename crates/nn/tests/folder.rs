//! Hugging Face folders: what is written comes back, and what is wrong with a folder is said by file and tensor.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nn::{Decoder, DecoderConfig, Network as _};
use serde_json::Value;
use tensor::weights::{load_safetensors, save_safetensors};
use tensor::{DType, Tensor};
use tiny::Shape;

const WEIGHTS: &str = "model.safetensors";

#[test]
fn save_load_save_gives_the_same_bytes() {
    for (name, case) in tiny::all_cases() {
        let (_, parameters) = case.shape.build(case.seed).unwrap();
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        case.shape.save(&parameters, first.path()).unwrap();
        let (shape, weights) = case.shape.load(first.path()).unwrap();
        assert_eq!(shape, case.shape);
        shape.save(&weights, second.path()).unwrap();
        for file in fs::read_dir(first.path()).unwrap().map(|entry| entry.unwrap().file_name()) {
            let [a, b] = [&first, &second].map(|dir| fs::read(dir.path().join(&file)).unwrap());
            assert!(a == b, "{name}: {}", file.display());
        }
    }
    let (_, config, seed) = tiny::cases().remove(0);
    let (decoder, parameters) = tiny::build(&config, seed).unwrap();
    let dir = tempfile::tempdir().unwrap();
    decoder.save(&parameters, dir.path(), &[2, 5]).unwrap();
    assert_eq!(Decoder::stop_tokens(dir.path()).unwrap(), [2, 5]);
}

#[test]
fn tied_heads_are_not_stored() {
    for (_, config, seed) in tiny::cases() {
        let (decoder, parameters) = tiny::build(&config, seed).unwrap();
        let dir = tempfile::tempdir().unwrap();
        decoder.save(&parameters, dir.path(), &[]).unwrap();
        let stored = load_safetensors(&dir.path().join(WEIGHTS)).unwrap();
        assert_eq!(stored.contains_key("lm_head.weight"), !config.tie_word_embeddings);
        assert_eq!(Decoder::stop_tokens(dir.path()).unwrap(), [config.eos_token_id]);
    }
}

/// Saves the case of this name, changes its tensors, writes them back and loads the folder.
fn reload(name: &str, change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Result<Shape, String> {
    let (_, case) = tiny::all_cases().into_iter().find(|(known, _)| *known == name).unwrap();
    let (_, parameters) = case.shape.build(case.seed).unwrap();
    let dir = tempfile::tempdir().unwrap();
    case.shape.save(&parameters, dir.path()).unwrap();
    let path = dir.path().join(WEIGHTS);
    let mut tensors = load_safetensors(&path).unwrap();
    change(&mut tensors);
    let entries: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    save_safetensors(&path, &entries, &BTreeMap::new()).unwrap();
    case.shape.load(dir.path()).map(|(shape, _)| shape).map_err(|error| error.to_string())
}

fn tensor(shape: &[usize], value: f32) -> Tensor {
    Tensor::from_f32(shape, vec![value; shape.iter().product()]).unwrap()
}

#[test]
fn wrong_weight_files_are_named() {
    let missing = reload("llama-tied", |tensors| {
        tensors.remove("model.norm.weight");
    });
    assert!(missing.unwrap_err().contains("model.safetensors: 1 tensors are missing, the first is model.norm.weight"));
    let extra = reload("llama-tied", |tensors| {
        tensors.insert("model.layers.9.extra".to_string(), tensor(&[1], 0.0));
    });
    assert!(extra.unwrap_err().contains("do not belong to this architecture, the first is model.layers.9.extra"));
    let shape = reload("gpt2", |tensors| {
        tensors.insert("transformer.h.1.attn.c_attn.weight".to_string(), tensor(&[96, 32], 0.0));
    });
    assert!(shape.unwrap_err().contains("c_attn.weight has shape [96, 32], the config asks for [32, 96]"));
    let damaged = reload("llama-tied", |tensors| {
        tensors.insert("model.norm.weight".to_string(), tensor(&[32], f32::NAN));
    });
    assert!(damaged.unwrap_err().contains("tensor model.norm.weight: value 0 is NaN"));
    let untied = reload("llama-tied", |tensors| {
        tensors.insert("lm_head.weight".to_string(), tensor(&[97, 32], 0.0));
    });
    assert!(untied.unwrap_err().contains("lm_head.weight: differs from model.embed_tokens.weight"));
}

#[test]
fn older_names_and_constants_are_understood() {
    reload("llama-tied", |tensors| {
        let table = tensors["model.embed_tokens.weight"].clone();
        tensors.insert("lm_head.weight".to_string(), table);
        tensors.insert("model.layers.0.self_attn.rotary_emb.inv_freq".to_string(), tensor(&[4], 1.0));
    })
    .unwrap();
    reload("gpt2", |tensors| {
        let old = std::mem::take(tensors);
        tensors.extend(old.into_iter().map(|(name, tensor)| (name.replace("transformer.", ""), tensor)));
        tensors.insert("h.0.attn.bias".to_string(), tensor(&[1, 1, 32, 32], 1.0));
    })
    .unwrap();
}

#[test]
fn half_precision_weights_are_widened() {
    let (_, config, seed) = tiny::cases().remove(0);
    let (decoder, parameters) = tiny::build(&config, seed).unwrap();
    let dir = tempfile::tempdir().unwrap();
    decoder.save(&parameters, dir.path(), &[]).unwrap();
    let path = dir.path().join(WEIGHTS);
    let narrow: Vec<(String, Tensor)> = load_safetensors(&path)
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_dtype(DType::Bf16)))
        .collect();
    let entries: Vec<(String, &Tensor)> = narrow.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    save_safetensors(&path, &entries, &BTreeMap::new()).unwrap();
    let (decoder, loaded) = Decoder::load(dir.path()).unwrap();
    let [wide, narrow] = [&parameters, &loaded].map(|parameters| parameters.get(decoder.embedding()).to_f32_vec());
    assert!(wide.iter().zip(&narrow).all(|(wide, narrow)| (wide - narrow).abs() <= wide.abs() / 256.0));
    assert_ne!(wide, narrow);
}

#[test]
fn broken_folders_are_named() {
    let load = |dir: &Path| Decoder::load(dir).unwrap_err().to_string();
    let (_, config, seed) = tiny::cases().remove(0);
    let (decoder, parameters) = tiny::build(&config, seed).unwrap();
    let dir = tempfile::tempdir().unwrap();
    assert!(load(dir.path()).contains("config.json: "));
    decoder.save(&parameters, dir.path(), &[]).unwrap();

    let path = dir.path().join(WEIGHTS);
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 5, 100, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(load(dir.path()).contains(WEIGHTS), "{}", load(dir.path()));
    }
    fs::remove_file(&path).unwrap();
    assert!(load(dir.path()).contains(WEIGHTS));
    fs::write(dir.path().join("model.safetensors.index.json"), "{}").unwrap();
    assert!(load(dir.path()).contains("split over several files"));

    fs::write(dir.path().join("config.json"), "{").unwrap();
    assert!(load(dir.path()).contains("config.json: not valid JSON"));
    fs::write(dir.path().join("generation_config.json"), r#"{"eos_token_id": "x"}"#).unwrap();
    assert!(Decoder::stop_tokens(dir.path()).unwrap_err().to_string().contains("eos_token_id"));
}

#[test]
fn config_keys_that_transformers_needs_are_there() {
    let decoder = Decoder::new(DecoderConfig::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    decoder.save(&decoder.init(1), dir.path(), &[0, 2]).unwrap();
    let config: Value = serde_json::from_slice(&fs::read(dir.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], "LlamaForCausalLM");
    assert_eq!(config["rope_theta"], config["rope_parameters"]["rope_theta"]);
    assert_eq!(config["head_dim"], 32);
    let other = DecoderConfig { hidden_size: 128, ..DecoderConfig::default() };
    let other = Decoder::new(other).unwrap();
    let message = decoder.save(&other.init(1), dir.path(), &[]).unwrap_err().to_string();
    assert!(message.contains("tensor model.embed_tokens.weight has shape [4096, 128]"), "{message}");
}

#[test]
fn folders_of_other_kinds_are_refused_by_their_class() {
    for (name, case) in tiny::all_cases() {
        let (_, parameters) = case.shape.build(case.seed).unwrap();
        let dir = tempfile::tempdir().unwrap();
        case.shape.save(&parameters, dir.path()).unwrap();
        for (_, other) in tiny::all_cases() {
            if std::mem::discriminant(&other.shape) != std::mem::discriminant(&case.shape) {
                let message = other.shape.load(dir.path()).unwrap_err().to_string();
                assert!(message.contains("is not supported here\nhint: supported is "), "{name}: {message}");
            }
        }
    }
}

#[test]
fn older_names_of_bert_and_its_other_heads_are_understood() {
    reload("bert", |tensors| {
        let old = std::mem::take(tensors);
        let rename = |name: String| {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        };
        tensors.extend(old.into_iter().map(|(name, tensor)| (rename(name), tensor)));
        for (copy, original) in
            [("decoder.weight", "bert.embeddings.word_embeddings.weight"), ("decoder.bias", "cls.predictions.bias")]
        {
            let original = tensors[original].clone();
            tensors.insert(format!("cls.predictions.{copy}"), original);
        }
        tensors.insert("bert.embeddings.position_ids".to_string(), tensor(&[1, 16], 0.0));
        tensors.insert("bert.pooler.dense.weight".to_string(), tensor(&[32, 32], 0.0));
        tensors.insert("cls.seq_relationship.bias".to_string(), tensor(&[2], 0.0));
    })
    .unwrap();
    let untied = reload("bert", |tensors| {
        tensors.insert("cls.predictions.decoder.weight".to_string(), tensor(&[97, 32], 0.0));
    });
    assert!(untied.unwrap_err().contains("differs from bert.embeddings.word_embeddings.weight, although the two"));
    let extra = reload("bert", |tensors| {
        tensors.insert("classifier.weight".to_string(), tensor(&[2, 32], 0.0));
    });
    assert!(extra.unwrap_err().contains("do not belong to this architecture, the first is classifier.weight"));
}

#[test]
fn the_head_of_t5_is_tied_unless_the_file_has_another() {
    let copies = |tensors: &mut BTreeMap<String, Tensor>| {
        let table = tensors["shared.weight"].clone();
        for name in ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"] {
            tensors.insert(name.to_string(), table.clone());
        }
        let unused = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";
        tensors.insert(unused.to_string(), tensor(&[8, 4], 0.0));
    };
    let is_tied = |shape| matches!(shape, Shape::EncoderDecoder(config) if config.tie_word_embeddings);
    assert!(is_tied(reload("t5", copies).unwrap()));
    assert!(is_tied(reload("t5-v1.1", copies).unwrap()));
    let other = reload("t5", |tensors| {
        tensors.insert("lm_head.weight".to_string(), tensor(&[97, 32], 0.5));
    });
    assert!(!is_tied(other.unwrap()));
    let crooked = reload("t5", |tensors| {
        tensors.insert("encoder.embed_tokens.weight".to_string(), tensor(&[97, 32], 0.5));
    });
    assert!(crooked.unwrap_err().contains("encoder.embed_tokens.weight: differs from shared.weight"));
    let missing = reload("t5", |tensors| {
        tensors.remove("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    });
    assert!(missing.unwrap_err().contains("1 tensors are missing"));
}
