//! The files of a model folder, whatever the model is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tensor::Parameters;

pub(crate) use super::weights::load;
use crate::{NnError, Registry};

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const GENERATION: &str = "generation_config.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// Write weights and `config` into `dir`, which is made when it is not there.
pub(crate) fn write_model(
    registry: &Registry,
    parameters: &Parameters,
    dir: &Path,
    config: &Value,
) -> Result<(), NnError> {
    registry.check(parameters)?;
    fs::create_dir_all(dir).map_err(|source| NnError::Io { path: dir.to_path_buf(), source })?;
    super::weights::write(registry, parameters, &dir.join(WEIGHTS))?;
    write_json(&dir.join(CONFIG), config)
}

/// Write weights, `config` and the tokens that begin a text and end an answer into `dir`, which is made when it is not
/// there.
pub(crate) fn write(
    registry: &Registry,
    parameters: &Parameters,
    dir: &Path,
    config: &Value,
    (bos, eos): (u32, &[u32]),
) -> Result<(), NnError> {
    write_model(registry, parameters, dir, config)?;
    write_json(&dir.join(GENERATION), &json!({ "bos_token_id": bos, "eos_token_id": eos }))
}

pub(crate) fn read_json(path: &Path) -> Result<Value, NnError> {
    let bytes = fs::read(path).map_err(|source| NnError::Io { path: path.to_path_buf(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| NnError::Json { path: path.to_path_buf(), source })
}

pub(crate) fn write_json(path: &Path, value: &Value) -> Result<(), NnError> {
    let text = format!("{value:#}\n");
    fs::write(path, text).map_err(|source| NnError::Io { path: path.to_path_buf(), source })
}
