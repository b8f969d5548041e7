//! Same seed, same bits, for any number of threads.

use std::sync::Arc;

use tensor::optim::{Optimizer, Rule, StepConfig};
use tensor::{AttentionShape, DType, Gradients, Mask, Tape, set_threads};

use crate::attention_cases::{operands, rules, run};
use crate::support::Model;

/// The bits of all weights after three steps of training.
fn train(model: &Model, mask: &Mask, rows: usize, batch: usize, compute: DType) -> Vec<u32> {
    let mut parameters = model.parameters();
    parameters.set_compute_dtype(compute);
    let embedding = parameters.id("embedding").unwrap();
    let mut optimizer = Optimizer::new(&parameters, &|id| if id == embedding { Rule::AdamW } else { Rule::Muon });
    let mut gradients = Gradients::zeros_like(&parameters);
    let head = parameters.id("embedding").unwrap();
    for step in 0..3 {
        gradients.clear();
        let ids: Vec<u32> = (0..rows).map(|i| ((i * 31 + step) % model.vocabulary) as u32).collect();
        let targets: Vec<u32> = ids.iter().map(|id| (id + 5) % model.vocabulary as u32).collect();
        let weights: Vec<f32> = (0..rows).map(|i| (i % 4) as f32 / rows as f32).collect();
        let mut tape = Tape::new(&parameters);
        let hidden = model.hidden(&mut tape, &ids, batch, mask).unwrap();
        let loss = tape.linear_cross_entropy(hidden, head, &targets, &weights).unwrap();
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        drop(tape);
        let norm = gradients.norm() as f32;
        optimizer.step(&mut parameters, &gradients, &StepConfig::default(), 1.0 / norm, &|_| true);
    }
    parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).map(f32::to_bits).collect()
}

#[test]
fn threads_never_show() {
    let document_of: Arc<[u32]> = (0..1100).map(|i| (i / 70) as u32).collect();
    for (mask, compute) in [(Mask::Causal, DType::F32), (Mask::Packed { document_of }, DType::Bf16)] {
        let run = |threads| {
            set_threads(threads).unwrap();
            train(&Model::SMALL, &mask, 1100, 5, compute)
        };
        let one = run(1);
        assert!(one.iter().all(|&bits| f32::from_bits(bits).is_finite()));
        for threads in [2, 3, 1] {
            assert!(run(threads) == one, "{threads} threads give other bits");
        }
    }
}

#[test]
fn threads_never_show_in_attention() {
    let shape = AttentionShape { batch: 3, time: 130, n_heads: 4, n_kv_heads: 2, head_dim: 9 };
    let document_of: Arc<[u32]> = (0..390).map(|i| (i / 50) as u32).collect();
    let masks = [Mask::PackedFull { document_of }, Mask::Cross { key_time: 77, seen: Arc::from([77, 5, 0]) }];
    for mask in masks {
        let parameters = operands(&shape, &mask);
        for rule in rules(&mask) {
            let bits = |threads| -> Vec<u32> {
                set_threads(threads).unwrap();
                run(&parameters, &shape, &rule).into_iter().flatten().map(f32::to_bits).collect()
            };
            let one = bits(1);
            for threads in [2, 3] {
                assert!(bits(threads) == one, "{rule:?}: {threads} threads give other bits");
            }
        }
    }
}

#[test]
fn a_batch_is_its_rows() {
    // The loss of sequences together is the sum of their losses alone.
    let model = Model::SMALL;
    let parameters = model.parameters();
    let head = parameters.id("embedding").unwrap();
    let ids: Vec<u32> = (0..60).map(|i| (i * 17 % 97) as u32).collect();
    let loss = |ids: &[u32], batch| {
        let mut tape = Tape::forward_only(&parameters);
        // Dropout depends on the place of an element, so it stays out of this.
        let hidden = Model { layers: 0, ..model }.hidden(&mut tape, ids, batch, &Mask::Causal);
        let hidden = hidden.unwrap();
        let loss = tape.linear_cross_entropy(hidden, head, ids, &vec![1.0; ids.len()]).unwrap();
        tape.value(loss).to_f32_vec()[0]
    };
    let together = loss(&ids, 3);
    let apart: f32 = ids.chunks(20).map(|ids| loss(ids, 1)).sum();
    assert!((together - apart).abs() < 1e-4 * together.abs(), "{together} {apart}");
}
