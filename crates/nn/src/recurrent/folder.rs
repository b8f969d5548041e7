//! Folders of recurrent models: laid out as those of Hugging Face, with a `model_type` of our own, because no class of
//! `transformers` is one of these. The tensors are those of a PyTorch state dict.

use std::path::Path;

use serde_json::{Value, json};
use tensor::Parameters;

use super::{RecurrentConfig, RecurrentModel};
use crate::huggingface::folder;
use crate::{Network as _, NnError};

/// What `config.json` says this is.
const MODEL_TYPE: &str = "onto_recurrent";
const ARCHITECTURE: &str = "RecurrentForCausalLM";
const HEAD: &str = "head.weight";

impl RecurrentModel {
    /// Write the model into the folder `dir`, which is made when it is not there. `eos_token_ids` are the tokens that
    /// end an answer (the config's own when the list is empty). The bytes depend on the weights and the shape alone.
    pub fn save(&self, parameters: &Parameters, dir: &Path, eos_token_ids: &[u32]) -> Result<(), NnError> {
        self.check_parameters(parameters)?;
        let own = [self.config.eos_token_id];
        let eos = if eos_token_ids.is_empty() { &own[..] } else { eos_token_ids };
        let mut config = json!({ "architectures": [ARCHITECTURE], "model_type": MODEL_TYPE, "dtype": "float32" });
        if let (Value::Object(config), Value::Object(shape)) = (&mut config, json!(self.config)) {
            config.extend(shape);
        }
        folder::write(&self.registry, parameters, dir, &config, (self.config.bos_token_id, eos))
    }

    /// Read a model from a folder that [`RecurrentModel::save`] wrote, weights in f32, f16 or bf16 (widened to f32).
    pub fn load(dir: &Path) -> Result<(RecurrentModel, Parameters), NnError> {
        let path = dir.join(folder::CONFIG);
        let mut value = folder::read_json(&path)?;
        let refuse = |key: &str, problem: String| NnError::ConfigKey { path: path.clone(), key: key.into(), problem };
        let found = value.get("model_type").cloned().unwrap_or_default();
        if found != MODEL_TYPE {
            return Err(refuse("model_type", format!("expected {MODEL_TYPE:?}, found {found}")));
        }
        if let Value::Object(keys) = &mut value {
            keys.retain(|key, _| !["architectures", "model_type", "dtype"].contains(&key.as_str()));
        }
        let config: RecurrentConfig =
            serde_json::from_value(value).map_err(|error| refuse("(top level)", error.to_string()))?;
        let model = RecurrentModel::new(config)?;
        let weights = dir.join(folder::WEIGHTS);
        let mut found = folder::load(&weights)?;
        if model.config.tie_word_embeddings {
            found.drop_copy(HEAD, &model.registry.entries[0].name)?;
        }
        let parameters = found.into_parameters(&model.registry)?;
        Ok((model, parameters))
    }
}
