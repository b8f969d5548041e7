//! The tiny models give the logits, loss and gradients that `transformers` and PyTorch autograd give for the folders
//! we export (goldens made by `oracle/export.py`, versions inside).

use std::collections::BTreeMap;

use nn::{Batch, DecoderConfig, Network as _};
use serde::Deserialize;
use tensor::weights::load_safetensors;
use tensor::{Gradients, Parameters, Tape};

use crate::ledger::Entry;
use crate::tiny;

/// One model: what it is, what went in, what came out.
#[derive(Deserialize)]
struct Golden {
    class: String,
    versions: BTreeMap<String, String>,
    config: DecoderConfig,
    seed: u64,
    ids: Vec<Vec<u32>>,
    logits: Vec<f64>,
    loss: f64,
    gradients: BTreeMap<String, GoldenGradient>,
}

/// The norm of a parameter's gradient and a few of its values.
#[derive(Deserialize)]
struct GoldenGradient {
    norm: f64,
    indices: Vec<usize>,
    values: Vec<f64>,
}

pub fn entries() -> Vec<Entry> {
    let texts = [
        ("LLaMA shape, tied head", include_str!("../goldens/llama-tied.json")),
        ("LLaMA shape, biases, head of its own", include_str!("../goldens/llama-untied-bias.json")),
        ("GPT-2 shape", include_str!("../goldens/gpt2.json")),
    ];
    texts.into_iter().flat_map(|(name, text)| compare(name, &serde_json::from_str(text).unwrap())).collect()
}

fn compare(name: &str, golden: &Golden) -> [Entry; 2] {
    let reference = format!("transformers {} ({})", golden.versions["transformers"], golden.class);
    let mut forward = Entry::new(name, "forward", reference.clone(), 1e-5);
    let mut gradient = Entry::new(name, "gradient", reference, 1e-5);
    let (decoder, mut parameters) = tiny::build(&golden.config, golden.seed).unwrap();
    let batch = Batch::causal(&golden.ids).unwrap();
    // As transformers does with labels = ids: each row's last position predicts nothing.
    let mut targets = Vec::new();
    let mut weights = Vec::new();
    for row in &golden.ids {
        targets.extend(row[1..].iter().copied().chain([0]));
        weights.extend(row[1..].iter().map(|_| 1.0 / (golden.ids.len() * (row.len() - 1)) as f32).chain([0.0]));
    }
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = decoder.hidden(&mut tape, &batch, None).unwrap();
    let logits = tape.logits(hidden, decoder.head().weight).unwrap();
    let largest = golden.logits.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    assert!(largest > 1.0, "{name}: the golden says nothing, its logits are within {largest}");
    forward.compare(tape.value(logits).as_f32().unwrap(), &golden.logits);
    let loss = tape.linear_cross_entropy(hidden, decoder.head().weight, &targets, &weights).unwrap();
    forward.compare(tape.value(loss).as_f32().unwrap(), &[golden.loss]);
    tape.backward(loss, &[1.0], &mut gradients).unwrap();

    let ours = in_their_layout(&decoder, &mut parameters, &gradients);
    assert_eq!(ours.keys().collect::<Vec<_>>(), golden.gradients.keys().collect::<Vec<_>>());
    for (name, expected) in &golden.gradients {
        let norm = ours[name].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        gradient.compare_f64(&[norm], &[expected.norm]);
        // Beside the norm, so that the few values are measured by the size of all.
        let size = expected.norm / (ours[name].len() as f64).sqrt();
        let found = expected.indices.iter().map(|&index| f64::from(ours[name][index])).chain([size]);
        let expected: Vec<f64> = expected.values.iter().copied().chain([size]).collect();
        gradient.compare_f64(&found.collect::<Vec<_>>(), &expected);
    }
    [forward, gradient]
}

/// Saved as if they were weights, the gradients take the names and layouts of the golden.
fn in_their_layout(
    decoder: &nn::Decoder,
    parameters: &mut Parameters,
    gradients: &Gradients,
) -> BTreeMap<String, Vec<f32>> {
    let names: Vec<String> = decoder.registry().shapes().map(|(name, _)| name.to_string()).collect();
    for name in &names {
        let id = parameters.id(name).unwrap();
        let gradient = gradients.get(id).to_vec();
        parameters.values_mut(id).copy_from_slice(&gradient);
    }
    let dir = tempfile::tempdir().unwrap();
    decoder.save(parameters, dir.path(), &[]).unwrap();
    let saved = load_safetensors(&dir.path().join("model.safetensors")).unwrap();
    saved.iter().map(|(name, tensor)| (name.clone(), tensor.to_f32_vec())).collect()
}
