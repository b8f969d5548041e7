//! Hugging Face folders: `config.json`, `model.safetensors` and `generation_config.json`, written so that
//! `transformers` loads them as they are, and read back whoever wrote them.

mod bert;
mod config_json;
pub(crate) mod folder;
mod keys;
mod model;
mod t5;
mod weights;

pub use model::Model;

use std::path::Path;

use serde_json::Value;
use tensor::Parameters;

use crate::{Decoder, Family, Network as _, NnError};
use folder::{CONFIG, GENERATION, WEIGHTS, read_json};

const HEAD: &str = "lm_head.weight";

impl Decoder {
    /// Write the model into the folder `dir`, which is made when it is not there. `eos_token_ids` are the tokens that
    /// end an answer (the config's own when the list is empty). The bytes depend on the weights and the shape alone.
    pub fn save(&self, parameters: &Parameters, dir: &Path, eos_token_ids: &[u32]) -> Result<(), NnError> {
        let own = [self.config().eos_token_id];
        let eos = if eos_token_ids.is_empty() { &own[..] } else { eos_token_ids };
        let tokens = (self.config().bos_token_id, eos);
        folder::write(self.registry(), parameters, dir, &config_json::write(self), tokens)
    }

    /// Read a model from a folder with `config.json` and `model.safetensors`: `LlamaForCausalLM`, `MixtralForCausalLM` or
    /// `GPT2LMHeadModel`, weights in f32, f16 or bf16 (widened to f32).
    pub fn load(dir: &Path) -> Result<(Decoder, Parameters), NnError> {
        let path = dir.join(CONFIG);
        let config = config_json::read(&path, &read_json(&path)?)?;
        let decoder = Decoder::new(config)?;
        let weights = dir.join(WEIGHTS);
        let mut found = folder::load(&weights)?;
        found.rename(|name| canonical(decoder.family(), name));
        if decoder.config().tie_word_embeddings {
            found.drop_copy(HEAD, &decoder.registry().entries[0].name)?;
        }
        let parameters = found.into_parameters(decoder.registry())?;
        Ok((decoder, parameters))
    }

    /// The tokens that end an answer according to the `generation_config.json` of a folder; empty when it has none.
    pub fn stop_tokens(dir: &Path) -> Result<Vec<u32>, NnError> {
        let path = dir.join(GENERATION);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let ids = match read_json(&path)?.get("eos_token_id") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(ids)) => ids.clone(),
            Some(id) => vec![id.clone()],
        };
        let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        ids.iter().map(id).collect::<Option<_>>().ok_or_else(|| NnError::ConfigKey {
            path,
            key: "eos_token_id".to_string(),
            problem: "expected a token id or a list of them".to_string(),
        })
    }
}

/// The name that `transformers` writes today, or `None` for what is no weight. Older GPT-2 files have no `transformer.`
/// in front, and older files of both families hold constants (causal masks, rotary frequencies) beside the weights.
fn canonical(family: Family, name: String) -> Option<String> {
    match family {
        Family::Llama | Family::Mixtral if name.ends_with(".rotary_emb.inv_freq") => None,
        Family::Gpt2 if name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") => None,
        Family::Gpt2 if !name.starts_with("transformer.") && name != HEAD => Some(format!("transformer.{name}")),
        _ => Some(name),
    }
}
