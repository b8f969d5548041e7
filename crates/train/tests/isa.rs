//! Every instruction set of this processor over whole models, in a process of its own because the choice is global.
#![allow(missing_docs, clippy::unwrap_used)]

use nn::{Batch, Decoder, DecoderConfig, Network as _};
use tensor::optim::{Optimizer, Rule, StepConfig};
use tensor::{CrossEntropy, DType, Gradients, Isa, Tape, available_isas, set_isa};

/// A model of each family, with sizes that no register divides.
fn models() -> [Decoder; 2] {
    let llama = DecoderConfig {
        vocab_size: 53,
        hidden_size: 36,
        n_layers: 2,
        n_heads: 6,
        n_kv_heads: 2,
        intermediate_size: 50,
        max_position_embeddings: 64,
        init_std: 0.2,
        ..DecoderConfig::default()
    };
    let gpt2 = DecoderConfig { max_position_embeddings: 64, init_std: 0.2, ..DecoderConfig::gpt2(53, 36, 2, 6) };
    [llama, gpt2].map(|config| Decoder::new(config).unwrap())
}

/// Losses of three updates, the slopes of the first, the weights after the last.
fn train(decoder: &Decoder, compute: DType) -> [Vec<f32>; 3] {
    let mut parameters = decoder.init(5);
    parameters.set_compute_dtype(compute);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut optimizer = Optimizer::new(&parameters, &|_| Rule::AdamW);
    // A large eps keeps the update smooth: Adam divides tiny gradients, and their rounding, by their own size.
    let mut step = StepConfig::default();
    step.adamw.eps = 1e-2;
    let rows: Vec<Vec<u32>> = (0..3).map(|row| (0..41).map(|at| (row * 17 + at * 7) % 53).collect()).collect();
    let targets: Vec<u32> = rows.iter().flatten().map(|id| (id + 7) % 53).collect();
    let weights = vec![1.0 / targets.len() as f32; targets.len()];
    let settings = CrossEntropy { label_smoothing: 0.1, z_loss: 1e-3, ignored_target: Some(11) };
    let (mut losses, mut slopes) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        gradients.clear();
        let mut tape = Tape::new(&parameters);
        let hidden = decoder.hidden(&mut tape, &Batch::causal(&rows).unwrap(), None).unwrap();
        let head = decoder.head().weight;
        let loss = tape.linear_cross_entropy_with(hidden, head, &targets, &weights, &settings).unwrap();
        tape.backward(loss.total, &[1.0], &mut gradients).unwrap();
        losses.extend(tape.value(loss.total).to_f32_vec());
        drop(tape);
        if slopes.is_empty() {
            slopes = parameters.iter().flat_map(|(id, _, _)| gradients.get(id).to_vec()).collect();
        }
        optimizer.step(&mut parameters, &gradients, &step, 1.0, &|id| decoder.decays(id));
    }
    [losses, slopes, parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).collect()]
}

/// The Euclidean distance of two lists, relative to the second.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    norm(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied())
}

/// Bounds, as Euclidean distances: 1e-5 in f32; 2e-2 in bf16, where a value near a rounding boundary may fall on either
/// side of it, 2⁻⁸ apart.
#[test]
fn whole_models_agree_on_every_instruction_set() {
    for decoder in models() {
        for (compute, bound) in [(DType::F32, 1e-5), (DType::Bf16, 2e-2)] {
            set_isa(Isa::Scalar).unwrap();
            let expected = train(&decoder, compute);
            assert!(expected[0][2] < expected[0][0], "{:?}", expected[0]);
            for isa in available_isas() {
                set_isa(isa).unwrap();
                for (found, expected) in train(&decoder, compute).iter().zip(&expected) {
                    let apart = distance(found, expected);
                    assert!(apart < bound, "{isa:?} {compute:?}: {apart}");
                }
            }
        }
    }
}
