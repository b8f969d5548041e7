//! The tiny models of five families give the logits, loss and gradients that `transformers` and PyTorch autograd give for
//! the folders we export, and the losses and weights of ten AdamW steps (goldens made by `oracle/export.py`, versions
//! inside).

use std::collections::BTreeMap;

use nn::Network;
use serde::Deserialize;
use serde_json::Value;
use tensor::optim::{AdamWConfig, Optimizer, Rule, StepConfig};
use tensor::weights::load_safetensors;
use tensor::{Gradients, Parameters, Tape};

use crate::ledger::Entry;
use crate::tiny::{Case, Rows, Shape};

/// What `oracle/export.py` wrote of a case.
#[derive(Deserialize)]
pub struct Golden {
    class: String,
    versions: BTreeMap<String, String>,
    #[serde(flatten)]
    pub case: Case,
    logits: Vec<f64>,
    loss: f64,
    gradients: BTreeMap<String, Sampled>,
    steps: Steps,
    pub saved: Saved,
}

/// A tensor's norm and some of its values.
#[derive(Deserialize)]
struct Sampled {
    norm: f64,
    indices: Vec<usize>,
    values: Vec<f64>,
}

/// Ten updates: the settings, the loss before each, and the weights after the last.
#[derive(Deserialize)]
struct Steps {
    lr: f32,
    betas: [f32; 2],
    eps: f32,
    weight_decay: f32,
    clip_norm: f64,
    losses: Vec<f64>,
    weights: BTreeMap<String, Sampled>,
}

/// The folder that `transformers` writes of the model.
#[derive(Deserialize)]
pub struct Saved {
    pub config: Value,
    pub tensors: BTreeMap<String, Vec<usize>>,
}

pub fn goldens() -> Vec<(&'static str, Golden)> {
    let texts = [
        ("LLaMA shape, tied head", include_str!("../goldens/llama-tied.json")),
        ("LLaMA shape, biases, head of its own", include_str!("../goldens/llama-untied-bias.json")),
        ("GPT-2 shape", include_str!("../goldens/gpt2.json")),
        ("Mixtral shape, with its losses of the router", include_str!("../goldens/mixtral.json")),
        ("BERT shape, padded rows, two segments", include_str!("../goldens/bert.json")),
        ("T5 shape, padded sources", include_str!("../goldens/t5.json")),
        ("T5 1.1 shape, head of its own", include_str!("../goldens/t5-v1.1.json")),
    ];
    texts.into_iter().map(|(name, text)| (name, serde_json::from_str(text).unwrap())).collect()
}

pub fn entries() -> Vec<Entry> {
    goldens().iter().flat_map(|(name, golden)| compare(name, golden)).collect()
}

fn compare(name: &str, golden: &Golden) -> [Entry; 4] {
    let reference = format!("transformers {} ({})", golden.versions["transformers"], golden.class);
    let entry = |aspect, bound| Entry::new(name, aspect, reference.clone(), bound);
    let (mut forward, mut gradient) = (entry("forward", 1e-5), entry("gradient", 1e-5));
    let Case { shape, seed, rows } = &golden.case;
    let (network, mut parameters) = shape.build(*seed).unwrap();
    compare_logits(&mut forward, golden, &*network, &parameters);
    let (loss, gradients) = loss_and_gradients(&*network, &parameters, shape, &rows[0]);
    forward.compare_f64(&[loss], &[golden.loss]);
    let mut holder = parameters.clone();
    for (id, _, _) in parameters.iter() {
        holder.values_mut(id).copy_from_slice(gradients.get(id));
    }
    compare_sampled(&mut gradient, &as_stored(shape, &holder), &golden.gradients);

    // AdamW divides gradients by their size: where that is little but rounding (the biases of keys), so are steps.
    let (mut losses, mut weights) = (entry("ten steps: loss", 1e-5), entry("ten steps: weights", 1e-4));
    let steps = &golden.steps;
    let &Steps { lr, betas: [beta1, beta2], eps, weight_decay, clip_norm, .. } = steps;
    let config = StepConfig { adamw: AdamWConfig { lr, beta1, beta2, eps, weight_decay }, ..StepConfig::default() };
    let mut optimizer = Optimizer::new(&parameters, &|_| Rule::AdamW);
    let mut found = Vec::new();
    for step in 0..steps.losses.len() {
        let (loss, gradients) = loss_and_gradients(&*network, &parameters, shape, &rows[step % rows.len()]);
        found.push(loss);
        let scale = (clip_norm / (gradients.norm() + 1e-6)).min(1.0) as f32;
        optimizer.step(&mut parameters, &gradients, &config, scale, &|id| network.decays(id));
    }
    assert!(found.len() == 10 && found[9] < 0.9 * found[0], "{name}: little was learnt: {found:?}");
    losses.compare_f64(&found, &steps.losses);
    compare_sampled(&mut weights, &as_stored(shape, &parameters), &steps.weights);
    [forward, gradient, losses, weights]
}

/// Padding has logits too, and nobody reads them.
fn compare_logits(forward: &mut Entry, golden: &Golden, network: &dyn Network, parameters: &Parameters) {
    let (shape, rows) = (&golden.case.shape, &golden.case.rows[0]);
    let mut tape = Tape::forward_only(parameters);
    let hidden = network.hidden(&mut tape, &rows.batch(shape), None).unwrap();
    let ready = network.before_head(&mut tape, hidden).unwrap();
    let logits = tape.logits(ready, network.head()).unwrap();
    let (_, width) = tape.shape(logits);
    let logits = tape.value(logits).as_f32().unwrap();
    assert_eq!(logits.len(), golden.logits.len());
    let largest = golden.logits.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    assert!(largest > 1.0, "{}: the golden says nothing, its logits are within {largest}", golden.class);
    let is_real: Vec<bool> = rows.is_real().into_iter().flat_map(|is_real| vec![is_real; width]).collect();
    let found = logits.iter().zip(&is_real).filter_map(|(logit, &is_real)| is_real.then_some(logit));
    let expected = golden.logits.iter().zip(&is_real).filter_map(|(&logit, &is_real)| is_real.then_some(logit));
    forward.compare(found, &expected.collect::<Vec<_>>());
}

fn loss_and_gradients(network: &dyn Network, parameters: &Parameters, shape: &Shape, rows: &Rows) -> (f64, Gradients) {
    let (targets, weights) = rows.targets(shape);
    let mut gradients = Gradients::zeros_like(parameters);
    let mut tape = Tape::new(parameters);
    let pass = network.pass(&mut tape, &rows.batch(shape), &[], None).unwrap();
    let ready = network.before_head(&mut tape, pass.hidden).unwrap();
    let mut loss = tape.linear_cross_entropy(ready, network.head(), &targets, &weights).unwrap();
    for side in pass.losses {
        let weighted = tape.scale(side.value, side.weight as f32).unwrap();
        loss = tape.add(loss, weighted).unwrap();
    }
    let value = f64::from(tape.value(loss).as_f32().unwrap()[0]);
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    (value, gradients)
}

fn compare_sampled(entry: &mut Entry, found: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Sampled>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in expected {
        let norm = found[name].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        entry.compare_f64(&[norm], &[expected.norm]);
        // Beside the norm, so that the few values are measured by the size of all.
        let size = expected.norm / (found[name].len() as f64).sqrt();
        let found = expected.indices.iter().map(|&index| f64::from(found[name][index])).chain([size]);
        let expected: Vec<f64> = expected.values.iter().copied().chain([size]).collect();
        entry.compare_f64(&found.collect::<Vec<_>>(), &expected);
    }
}

/// Saved as if they were weights, values take the names and layouts of the golden.
fn as_stored(shape: &Shape, parameters: &Parameters) -> BTreeMap<String, Vec<f32>> {
    let dir = tempfile::tempdir().unwrap();
    shape.save(parameters, dir.path()).unwrap();
    let tensors = load_safetensors(&dir.path().join("model.safetensors")).unwrap();
    tensors.into_iter().map(|(name, tensor)| (name, tensor.to_f32_vec())).collect()
}
