//! Every instruction set of this processor against the plain version, in a process of its own because the choice is
//! global.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "ops/attention_cases.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod attention_cases;
#[path = "ops/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use std::sync::Arc;

use attention_cases::{masks, operands, rules, run};
use support::{Layer, Model, add, distance, noise, rows_of};
use tensor::optim::{AdamW, AdamWConfig, Muon, MuonConfig, Optimizer, Rule, StepConfig};
use tensor::{
    AttentionShape, Cell, DType, Gradients, Isa, Mask, Parameters, Result, Tape, Tensor, Var, available_isas, forward,
    isa, set_isa,
};

/// The loss, all gradients and all weights after one step, of one instruction set.
fn step(compute: DType, mask: &Mask, batch: usize) -> [Vec<f32>; 3] {
    let model = Model::SMALL;
    let mut parameters = model.parameters();
    parameters.set_compute_dtype(compute);
    let head = parameters.id("embedding").unwrap();
    let ids: Vec<u32> = (0..330).map(|i| (i * 13 % 97) as u32).collect();
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = model.hidden(&mut tape, &ids, batch, mask).unwrap();
    let hidden = tape.gelu(hidden).unwrap();
    let loss = tape.linear_cross_entropy(hidden, head, &ids, &vec![0.01; 330]).unwrap();
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    let loss = tape.value(loss).to_f32_vec();
    drop(tape);
    let all: Vec<f32> = parameters.iter().flat_map(|(id, _, _)| gradients.get(id).to_vec()).collect();
    // A large eps keeps the update smooth: Adam divides tiny gradients, and their rounding, by their own size.
    let config = AdamWConfig { eps: 1e-2, ..AdamWConfig::default() };
    AdamW::new(&parameters).step(&mut parameters, &gradients, &config, 1.0, &|_| true);
    [loss, all, parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()).collect()]
}

/// Every activation over values in [−8, 8), one after another, and their gradients.
fn activations() -> Vec<f32> {
    type Gated = fn(&mut Tape, Var, Var) -> Result<Var>;
    let all: [Gated; 7] = [
        |tape, x, up| tape.swiglu(x, up),
        |tape, x, up| tape.geglu(x, up),
        |tape, x, _| tape.gelu(x),
        |tape, x, _| tape.gelu_erf(x),
        |tape, x, _| tape.relu(x),
        |tape, x, _| tape.silu(x),
        |tape, x, _| tape.tanh(x),
    ];
    let mut parameters = Parameters::new();
    let ids = [add(&mut parameters, "x", &[43, 83], 1), add(&mut parameters, "up", &[43, 83], 2)];
    parameters.values_mut(ids[0]).iter_mut().for_each(|x| *x *= 8.0);
    let mut found = Vec::new();
    for activation in all {
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let [x, up] = ids.map(|id| rows_of(&mut tape, id));
        let y = activation(&mut tape, x, up).unwrap();
        tape.backward(y, &noise(43 * 83, 3), &mut gradients).unwrap();
        found.extend(tape.value(y).to_f32_vec());
        ids.iter().for_each(|&id| found.extend(gradients.get(id)));
    }
    found
}

/// A matrix after one step of Muon.
fn muon_step((rows, columns): (usize, usize)) -> Vec<f32> {
    let mut parameters = Parameters::new();
    let id = parameters.add("w", Tensor::from_f32([rows, columns], noise(rows * columns, 4)).unwrap()).unwrap();
    let mut gradients = Gradients::zeros_like(&parameters);
    gradients.get_mut(id).copy_from_slice(&noise(rows * columns, 5));
    Muon::new(&parameters, &|_| true).step(&mut parameters, &gradients, &MuonConfig::default(), 1.0, &|_| true);
    parameters.get(id).to_f32_vec()
}

/// Weights after two steps by the rules that the model above is not trained by; two, so that what the
/// first remembered is used.
fn optimizer_steps() -> Vec<f32> {
    let mut all = Vec::new();
    for rule in [Rule::Lion, Rule::Sgd, Rule::Adafactor] {
        let mut parameters = Parameters::new();
        let ids = [add(&mut parameters, "matrix", &[70, 83], 1), add(&mut parameters, "gain", &[83], 2)];
        let mut optimizer = Optimizer::new(&parameters, &|_| rule);
        let mut gradients = Gradients::zeros_like(&parameters);
        for step in 3..5 {
            for id in ids {
                gradients.get_mut(id).copy_from_slice(&noise(parameters.get(id).len(), step));
            }
            optimizer.step(&mut parameters, &gradients, &StepConfig::default(), 0.7, &|_| true);
        }
        all.extend(parameters.iter().flat_map(|(_, _, tensor)| tensor.to_f32_vec()));
    }
    all
}

#[test]
fn every_instruction_set_agrees_with_the_plain_one() {
    let document_of: Arc<[u32]> = (0..330).map(|i| (i / 30) as u32).collect();
    let weight = Tensor::from_f32([70, 83], noise(70 * 83, 1)).unwrap();
    let x = noise(83, 2);
    for compute in [DType::F32, DType::Bf16] {
        for (mask, batch) in
            [(Mask::Causal, 3), (Mask::Full, 2), (Mask::Packed { document_of: document_of.clone() }, 2)]
        {
            set_isa(Isa::Scalar).unwrap();
            let expected = step(compute, &mask, batch);
            let mut plain = vec![0.0; 70];
            forward::linear(&x, 1, &weight, None, &mut plain).unwrap();
            for other in available_isas() {
                set_isa(other).unwrap();
                assert_eq!(isa(), other);
                // A value near a rounding boundary may fall on either side in bf16, 2⁻⁸ apart.
                let bound = if compute == DType::F32 { 2e-5 } else { 2e-2 };
                for (found, expected) in step(compute, &mask, batch).iter().zip(&expected) {
                    let error = distance(found, expected);
                    assert!(error < bound, "{other:?} {compute:?} {mask:?}: {error}");
                }
                let mut out = vec![0.0; 70];
                forward::linear(&x, 1, &weight, None, &mut out).unwrap();
                assert!(distance(&out, &plain) < 1e-6);
            }
        }
    }
    for cell in Cell::ALL {
        let layer = Layer { cell, batch: 14, time: 5, inputs: 30, hidden: 43 };
        let documents: Vec<u32> = (0..70).map(|row| row / 3).collect();
        for (compute, bound) in [(DType::F32, 2e-5), (DType::Bf16, 3e-2)] {
            set_isa(Isa::Scalar).unwrap();
            let expected = layer.step(compute, Some(&documents));
            for other in available_isas() {
                set_isa(other).unwrap();
                for (found, expected) in layer.step(compute, Some(&documents)).iter().zip(&expected) {
                    let error = distance(found, expected);
                    assert!(error < bound, "{other:?} {compute:?} {cell:?}: {error}");
                }
            }
        }
    }
    set_isa(Isa::Scalar).unwrap();
    let expected = activations();
    for other in available_isas() {
        set_isa(other).unwrap();
        // One by one, because the large values would hide what goes wrong in the tails.
        for (found, expected) in activations().iter().zip(&expected) {
            assert!((found - expected).abs() <= 2e-6 * expected.abs() + 1e-7, "{other:?}: {found} {expected}");
        }
    }
    let shape = AttentionShape { batch: 2, time: 53, n_heads: 4, n_kv_heads: 2, head_dim: 11 };
    for mask in masks(shape.time) {
        let parameters = operands(&shape, &mask);
        for rule in rules(&mask) {
            set_isa(Isa::Scalar).unwrap();
            let expected: Vec<f32> = run(&parameters, &shape, &rule).into_iter().flatten().collect();
            for other in available_isas() {
                set_isa(other).unwrap();
                let found: Vec<f32> = run(&parameters, &shape, &rule).into_iter().flatten().collect();
                let error = distance(&found, &expected);
                assert!(error < 2e-6, "{other:?} {rule:?}: {error}");
            }
        }
    }
    for shape in [(70, 33), (33, 130), (96, 96)] {
        set_isa(Isa::Scalar).unwrap();
        let expected = muon_step(shape);
        for other in available_isas() {
            set_isa(other).unwrap();
            let error = distance(&muon_step(shape), &expected);
            assert!(error < 1e-5, "{other:?} {shape:?}: {error}");
        }
    }
    set_isa(Isa::Scalar).unwrap();
    let expected = optimizer_steps();
    let parameters = Parameters::new();
    for other in available_isas() {
        set_isa(other).unwrap();
        let error = distance(&optimizer_steps(), &expected);
        assert!(error < 1e-6, "{other:?}: the rules are {error} apart");
        let mut tape = Tape::forward_only(&parameters);
        let x = tape.input(Tensor::from_f32([1, 3], vec![f32::NAN, 1.0, 2.0]).unwrap());
        let y = tape.gelu(x).unwrap();
        assert!(tape.value(y).to_f32_vec()[0].is_nan(), "{other:?} loses a NaN");
    }
}
