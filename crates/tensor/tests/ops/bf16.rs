//! Products in bf16: operands are rounded, everything else is f32.

use tensor::optim::{AdamW, AdamWConfig};
use tensor::{DType, Gradients, Mask, Parameters, Tape, Tensor};

use crate::support::{Model, add, distance, noise, rows_of};

fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&x| half::bf16::from_f32(x).to_f32()).collect()
}

#[test]
fn products_are_those_of_rounded_operands() {
    for (rows, inner, outer) in [(3, 7, 5), (1, 1, 1), (130, 65, 70), (37, 300, 33)] {
        let mut parameters = Parameters::new();
        let x = add(&mut parameters, "x", &[rows, inner], 1);
        let weight = add(&mut parameters, "w", &[outer, inner], 2);
        let dy = noise(rows * outer, 3);
        let run = |parameters: &Parameters, dy: &[f32]| {
            let mut gradients = Gradients::zeros_like(parameters);
            let mut tape = Tape::new(parameters);
            let input = rows_of(&mut tape, x);
            let y = tape.linear(input, weight, None).unwrap();
            tape.backward(y, dy, &mut gradients).unwrap();
            [tape.value(y).to_f32_vec(), gradients.get(x).to_vec(), gradients.get(weight).to_vec()]
        };
        parameters.set_compute_dtype(DType::Bf16);
        let found = run(&parameters, &dy);
        parameters.set_compute_dtype(DType::F32);
        for id in [x, weight] {
            let values = rounded(parameters.get(id).as_f32().unwrap());
            parameters.values_mut(id).copy_from_slice(&values);
        }
        let expected = run(&parameters, &rounded(&dy));
        for (found, expected) in found.iter().zip(&expected) {
            assert!(distance(found, expected) < 1e-5, "{rows} {inner} {outer}: {}", distance(found, expected));
        }
    }
}

#[test]
fn a_model_is_close_to_its_f32_self_and_learns() {
    let model = Model::SMALL;
    let mut parameters = model.parameters();
    let head = parameters.id("embedding").unwrap();
    let ids: Vec<u32> = (0..96).map(|i| (i * 13 % 97) as u32).collect();
    let targets: Vec<u32> = ids.iter().map(|id| (id + 1) % 97).collect();
    let weights = vec![1.0 / 96.0; 96];
    let step = |parameters: &Parameters| {
        let mut gradients = Gradients::zeros_like(parameters);
        let mut tape = Tape::new(parameters);
        let hidden = model.hidden(&mut tape, &ids, 2, &Mask::Causal).unwrap();
        let loss = tape.linear_cross_entropy(hidden, head, &targets, &weights).unwrap();
        tape.backward(loss, &[1.0], &mut gradients).unwrap();
        (tape.value(loss).to_f32_vec()[0], gradients)
    };
    let (exact_loss, exact) = step(&parameters);
    parameters.set_compute_dtype(DType::Bf16);
    let (loss, gradients) = step(&parameters);
    assert!((loss - exact_loss).abs() < 0.02 * exact_loss, "{loss} {exact_loss}");
    assert!(loss != exact_loss);
    for (id, name, _) in parameters.iter().filter(|(_, name, _)| name.contains('.')) {
        if exact.get(id).iter().any(|&g| g != 0.0) {
            assert!(distance(gradients.get(id), exact.get(id)) < 0.05, "{name}");
        }
    }
    let mut optimizer = AdamW::new(&parameters);
    for _ in 0..30 {
        let (_, gradients) = step(&parameters);
        let config = AdamWConfig { lr: 5e-3, ..AdamWConfig::default() };
        optimizer.step(&mut parameters, &gradients, &config, 1.0, &|_| true);
    }
    assert!(step(&parameters).0 < 0.5 * loss);
}

#[test]
fn masters_stay_exact_and_copies_follow() {
    let mut parameters = Parameters::new();
    let weight = add(&mut parameters, "w", &[2, 2], 1);
    let master = parameters.get(weight).to_f32_vec();
    parameters.set_compute_dtype(DType::Bf16);
    assert_eq!(parameters.get(weight).to_f32_vec(), master);
    let product = |parameters: &Parameters| {
        let mut tape = Tape::forward_only(parameters);
        let x = tape.input(Tensor::from_f32([1, 2], vec![1.0, 0.0]).unwrap());
        let y = tape.linear(x, weight, None).unwrap();
        tape.value(y).to_f32_vec()
    };
    parameters.values_mut(weight).fill(2.0);
    parameters.refresh();
    assert_eq!(product(&parameters), [2.0, 2.0]);
}
