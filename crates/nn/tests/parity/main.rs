//! Every golden of this crate within its bound. The same entries make the table of `PARITY.md` at the root.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

use tensor::Tensor;
use tensor::weights::load_safetensors;

#[path = "../../../tensor/tests/parity/ledger.rs"]
#[allow(dead_code, reason = "shared with the other crates")]
mod ledger;
mod models;
mod recurrent_models;
#[path = "../support/tiny.rs"]
mod tiny;

#[test]
fn recurrent_models_are_those_of_pytorch() {
    ledger::check(&recurrent_models::entries());
}

#[test]
fn models_are_those_of_transformers() {
    ledger::check(&models::entries());
}

#[test]
fn goldens_are_those_of_the_cases() {
    let goldens = models::goldens();
    assert_eq!(goldens.len(), tiny::all_cases().len());
    for ((name, case), (_, golden)) in tiny::all_cases().into_iter().zip(&goldens) {
        assert_eq!(serde_json::to_value(&case).unwrap(), serde_json::to_value(&golden.case).unwrap(), "{name}");
    }
}

/// The config as `transformers` writes it, beside weights under the names that it gives them, is the model again.
#[test]
fn folders_that_transformers_writes_are_read() {
    for (name, golden) in models::goldens() {
        let shape = &golden.case.shape;
        let (_, parameters) = shape.build(golden.case.seed).unwrap();
        let dir = tempfile::tempdir().unwrap();
        shape.save(&parameters, dir.path()).unwrap();
        let weights = load_safetensors(&dir.path().join("model.safetensors")).unwrap();
        let ours: BTreeMap<&str, &[usize]> = weights.iter().map(|(name, x)| (name.as_str(), x.shape())).collect();
        let theirs: BTreeMap<&str, &[usize]> =
            golden.saved.tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        assert_eq!(ours, theirs, "{name}");

        fs::write(dir.path().join("config.json"), golden.saved.config.to_string()).unwrap();
        let (found, loaded) = shape.load(dir.path()).unwrap();
        assert_eq!(&found, shape, "{name}");
        let values = |(_, name, tensor): (_, &str, &Tensor)| (name.to_owned(), tensor.to_f32_vec());
        assert!(parameters.iter().map(values).eq(loaded.iter().map(values)), "{name}");
    }
}
