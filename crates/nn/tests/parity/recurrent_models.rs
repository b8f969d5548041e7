//! Recurrent language models with their first ten updates (`oracle/recurrent_model.py`).

use std::collections::BTreeMap;

use nn::{Batch, Network as _, RecurrentConfig, RecurrentModel};
use serde::Deserialize;
use tensor::optim::{AdamW, AdamWConfig};
use tensor::{Cell, Gradients, Parameters, Tape};

use crate::ledger::Entry;

#[derive(Deserialize)]
struct Golden {
    versions: BTreeMap<String, String>,
    vocab_size: usize,
    hidden_size: usize,
    n_layers: usize,
    ids: Vec<Vec<u32>>,
    targets: Vec<u32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cell: String,
    tied: bool,
    weights: BTreeMap<String, Weight>,
    logits: Vec<f64>,
    gradients: BTreeMap<String, Vec<f64>>,
    losses: Vec<f64>,
    trained: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Weight {
    shape: Vec<usize>,
    values: Vec<f32>,
}

pub fn entries() -> Vec<Entry> {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/recurrent.json")).unwrap();
    golden.cases.iter().flat_map(|case| compare(&golden, case)).collect()
}

fn compare(golden: &Golden, case: &Case) -> [Entry; 3] {
    let what = format!("{} language model{}", case.cell, if case.tied { ", tied head" } else { "" });
    let entry = |aspect, bound| Entry::new(&what, aspect, format!("torch {}", golden.versions["torch"]), bound);
    let (mut forward, mut gradient) = (entry("forward", 3e-6), entry("gradient", 3e-6));
    let mut steps = entry("ten steps: loss, weights", 1e-5);
    let config = RecurrentConfig {
        cell: Cell::ALL.into_iter().find(|cell| cell.name() == case.cell).unwrap(),
        vocab_size: golden.vocab_size,
        embedding_size: golden.hidden_size,
        hidden_size: golden.hidden_size,
        n_layers: golden.n_layers,
        tie_word_embeddings: case.tied,
        ..RecurrentConfig::default()
    };
    let model = RecurrentModel::new(config).unwrap();
    // Names and shapes are those of the state dict.
    let ours: BTreeMap<&str, &[usize]> = model.registry().shapes().collect();
    let theirs: BTreeMap<&str, &[usize]> =
        case.weights.iter().map(|(name, weight)| (name.as_str(), weight.shape.as_slice())).collect();
    assert_eq!(ours, theirs, "{what}");
    let mut parameters = model.init(0);
    for (name, weight) in &case.weights {
        let id = parameters.id(name).unwrap();
        parameters.values_mut(id).copy_from_slice(&weight.values);
    }
    let batch = Batch::causal(&golden.ids).unwrap();
    let step = |parameters: &Parameters| {
        let mut gradients = Gradients::zeros_like(parameters);
        let mut tape = Tape::new(parameters);
        let hidden = model.hidden(&mut tape, &batch, None).unwrap();
        let weights = vec![1.0 / golden.targets.len() as f32; golden.targets.len()];
        let head = model.head().weight;
        let loss = tape.linear_cross_entropy(hidden, head, &golden.targets, &weights).unwrap();
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        let logits = tape.logits(hidden, head).unwrap();
        (tape.value(logits).to_f32_vec(), tape.value(loss).to_f32_vec()[0], gradients)
    };
    let (logits, _, gradients) = step(&parameters);
    forward.compare(&logits, &case.logits);
    for (name, expected) in &case.gradients {
        gradient.compare(gradients.get(parameters.id(name).unwrap()), expected);
    }
    let mut optimizer = AdamW::new(&parameters);
    let config = AdamWConfig { lr: 0.03, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 };
    let mut losses = Vec::new();
    for _ in &case.losses {
        let (_, loss, gradients) = step(&parameters);
        losses.push(loss);
        let scale = (1.0 / (gradients.norm() + 1e-6)).min(1.0);
        optimizer.step(&mut parameters, &gradients, &config, scale as f32, &|id| model.decays(id));
    }
    assert!(case.losses[9] < case.losses[0] - 0.1, "{what}: nothing was learned");
    steps.compare(&losses, &case.losses);
    for (name, expected) in &case.trained {
        steps.compare(parameters.get(parameters.id(name).unwrap()).as_f32().unwrap(), expected);
    }
    [forward, gradient, steps]
}
