//! The tiny models give the logits, loss and gradients that `transformers` and PyTorch autograd give for the folders
//! we export (goldens made by `oracle/export.py`, versions inside).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;

use nn::{Batch, DecoderConfig, Network as _};
use serde::Deserialize;
use tensor::weights::load_safetensors;
use tensor::{Gradients, Tape};

#[derive(Deserialize)]
struct Golden {
    class: String,
    config: DecoderConfig,
    seed: u64,
    ids: Vec<Vec<u32>>,
    logits: Vec<f32>,
    loss: f32,
    gradients: BTreeMap<String, GoldenGradient>,
}

#[derive(Deserialize)]
struct GoldenGradient {
    norm: f32,
    indices: Vec<usize>,
    values: Vec<f32>,
}

fn goldens() -> Vec<Golden> {
    let texts = [
        include_str!("goldens/llama-tied.json"),
        include_str!("goldens/llama-untied-bias.json"),
        include_str!("goldens/gpt2.json"),
    ];
    texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn logits_agree_with_transformers() {
    for golden in goldens() {
        let (decoder, parameters) = tiny::build(&golden.config, golden.seed).unwrap();
        let mut tape = Tape::forward_only(&parameters);
        let hidden = decoder.hidden(&mut tape, &Batch::causal(&golden.ids).unwrap(), None).unwrap();
        let logits = tape.logits(hidden, decoder.head().weight).unwrap();
        let logits = tape.value(logits).to_f32_vec();
        assert_eq!(logits.len(), golden.logits.len());
        let worst = logits.iter().zip(&golden.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let largest = golden.logits.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        assert!(largest > 1.0, "{}: the golden says nothing, its logits are within {largest}", golden.class);
        assert!(worst <= 1e-5 * largest.max(1.0), "{}: {worst} of {largest}", golden.class);
    }
}

#[test]
fn loss_and_gradients_agree_with_autograd() {
    for golden in goldens() {
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
        let loss = tape.linear_cross_entropy(hidden, decoder.head().weight, &targets, &weights).unwrap();
        let value = tape.value(loss).to_f32_vec()[0];
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        assert!((value - golden.loss).abs() <= 1e-5 * golden.loss, "{}: loss {value} {}", golden.class, golden.loss);

        // Saved as if they were weights, the gradients take the names and layouts of the golden.
        let names: Vec<String> = decoder.registry().shapes().map(|(name, _)| name.to_string()).collect();
        for name in &names {
            let id = parameters.id(name).unwrap();
            let gradient = gradients.get(id).to_vec();
            parameters.values_mut(id).copy_from_slice(&gradient);
        }
        let dir = tempfile::tempdir().unwrap();
        decoder.save(&parameters, dir.path(), &[]).unwrap();
        let ours = load_safetensors(&dir.path().join("model.safetensors")).unwrap();
        assert_eq!(ours.keys().collect::<Vec<_>>(), golden.gradients.keys().collect::<Vec<_>>());
        for (name, expected) in &golden.gradients {
            let ours = ours[name].to_f32_vec();
            let size = expected.norm / (ours.len() as f32).sqrt();
            let norm = ours.iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!(
                (norm - expected.norm).abs() <= 1e-4 * expected.norm + 1e-6,
                "{name}: norm {norm} {}",
                expected.norm
            );
            for (&index, &value) in expected.indices.iter().zip(&expected.values) {
                let difference = (ours[index] - value).abs();
                assert!(difference <= 1e-4 * (size + value.abs()) + 1e-7, "{name}[{index}]: {} {value}", ours[index]);
            }
        }
    }
}
