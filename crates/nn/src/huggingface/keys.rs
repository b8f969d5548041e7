//! Typed access to the keys of a `config.json`.

use std::path::Path;

use serde_json::Value;

use crate::NnError;

/// Typed access to the keys, with errors that name file and key. A `null` counts as absent.
pub(super) struct Keys<'a> {
    pub path: &'a Path,
    pub value: &'a Value,
}

impl Keys<'_> {
    /// The `model_type` of the file, when it is one of `known` pairs of a class of transformers and its model type; a file
    /// names either.
    pub(super) fn architecture(&self, known: &[(&str, &'static str)]) -> Result<&'static str, NnError> {
        if !self.value.is_object() {
            return Err(self.refuse("(top level)", "expected a JSON object"));
        }
        let class = self.value.get("architectures").and_then(|list| list.get(0)).and_then(Value::as_str);
        let model_type = self.value.get("model_type").and_then(Value::as_str);
        let is_meant = |&&(known, its_type): &&(&str, &'static str)| match class {
            Some(class) => class == known,
            None => model_type == Some(its_type),
        };
        let found = known.iter().find(is_meant);
        found.map(|&(_, model_type)| model_type).ok_or_else(|| NnError::UnknownArchitecture {
            path: self.path.to_path_buf(),
            found: match (class, model_type) {
                (Some(class), _) => class.to_string(),
                (None, Some(model_type)) => format!("with model_type {model_type}"),
                (None, None) => "(no architectures and no model_type)".to_string(),
            },
            supported: known.iter().map(|&(class, _)| class).collect::<Vec<_>>().join(" and "),
        })
    }

    /// Refuses a flag that is set otherwise than the arithmetic here has it.
    pub(super) fn must_be(&self, key: &str, expected: bool) -> Result<(), NnError> {
        match self.flag(key, expected)? == expected {
            true => Ok(()),
            false => Err(self.refuse(key, &format!("{} is not supported", !expected))),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn refuse(&self, key: &str, problem: &str) -> NnError {
        NnError::ConfigKey { path: self.path.to_path_buf(), key: key.to_string(), problem: problem.to_string() }
    }

    pub(super) fn size(&self, key: &str, default: Option<usize>) -> Result<usize, NnError> {
        match (self.get(key), default) {
            (Some(value), _) => value
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| self.refuse(key, &format!("expected a whole number, found {value}"))),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.refuse(key, "missing")),
        }
    }

    pub(super) fn number(&self, key: &str, default: f64) -> Result<f64, NnError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_f64().ok_or_else(|| self.refuse(key, &format!("expected a number, found {value}")))
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, NnError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.refuse(key, &format!("expected true or false, found {value}")))
    }

    /// A token id; the first one of a list. Without the key, transformers' default where the vocabulary has it.
    pub(super) fn token(&self, key: &str, default: u32, vocab_size: usize) -> Result<u32, NnError> {
        let Some(value) = self.get(key) else {
            let last = vocab_size.saturating_sub(1);
            return Ok(default.min(u32::try_from(last).unwrap_or(u32::MAX)));
        };
        let first = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        let id = first.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| self.refuse(key, &format!("expected a token id, found {value}")))
    }

    pub(super) fn only(&self, key: &str, supported: &[&str]) -> Result<(), NnError> {
        match self.get(key) {
            Some(value) if !supported.iter().any(|name| value.as_str() == Some(name)) => {
                Err(self.refuse(key, &format!("{value} is not supported, only {}", supported.join(" and "))))
            }
            _ => Ok(()),
        }
    }
}
