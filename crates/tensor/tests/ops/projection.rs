//! The blocked projection losses against whole logits.

use tensor::{CrossEntropy, Gradients, LinearIds, ParamId, Parameters, Tape, Tensor, TensorError};

use crate::support::{add, distance, noise, rows_of};

/// −log softmax of the whole logits at the targets, in f64.
fn losses(parameters: &Parameters, x: ParamId, head: LinearIds, targets: &[u32]) -> Vec<f64> {
    let mut tape = Tape::forward_only(parameters);
    let x = rows_of(&mut tape, x);
    let logits = tape.logits(x, head).unwrap();
    let columns = tape.shape(logits).1;
    let values = tape.value(logits).to_f32_vec();
    let one = |(row, &target): (&[f32], &u32)| {
        let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        total.ln() - f64::from(row[target as usize])
    };
    values.chunks_exact(columns).zip(targets).map(one).collect()
}

#[test]
fn blocks_sum_to_the_whole() {
    // More rows than a block, a vocabulary that no panel divides.
    let sizes = [(1, 1, 1), (3, 5, 1), (600, 24, 77)];
    for ((rows, inner, vocabulary), has_bias) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)]) {
        let mut parameters = Parameters::new();
        let x = add(&mut parameters, "x", &[rows, inner], 1);
        let weight = add(&mut parameters, "w", &[vocabulary, inner], 2);
        let bias = has_bias.then(|| add(&mut parameters, "b", &[vocabulary], 3));
        let weight = LinearIds { weight, bias };
        let targets: Vec<u32> = (0..rows).map(|i| (i * 31 % vocabulary) as u32).collect();
        let expected = losses(&parameters, x, weight, &targets);
        let weights: Vec<f32> = (0..rows).map(|i| [1.0, 0.0, 0.25][i % 3]).collect();

        let mut tape = Tape::forward_only(&parameters);
        let hidden = rows_of(&mut tape, x);
        let loss = tape.linear_cross_entropy(hidden, weight, &targets, &weights).unwrap();
        let sum: f64 = expected.iter().zip(&weights).map(|(loss, &weight)| loss * f64::from(weight)).sum();
        let found = f64::from(tape.value(loss).as_f32().unwrap()[0]);
        assert!((found - sum).abs() <= 1e-5 * sum.abs() + 1e-6, "{found} instead of {sum}");
        let some: Vec<Option<u32>> = (0..rows).map(|i| (i % 4 != 2).then_some(targets[i])).collect();
        let log_probs = tape.linear_log_probs(hidden, weight, &some).unwrap();
        for ((found, expected), target) in tape.value(log_probs).as_f32().unwrap().iter().zip(&expected).zip(&some) {
            let expected = if target.is_some() { -expected } else { 0.0 };
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }
}

#[test]
fn both_losses_have_the_same_gradients() {
    let (rows, inner, vocabulary) = (520, 16, 40);
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[rows, inner], 1);
    let weight = add(&mut parameters, "w", &[vocabulary, inner], 2);
    let targets: Vec<u32> = (0..rows).map(|i| (i * 7 % vocabulary) as u32).collect();
    let weights: Vec<f32> = noise(rows, 3).into_iter().map(|x| if x < -0.5 { 0.0 } else { x }).collect();
    let [mut a, mut b] = [0; 2].map(|_| Gradients::zeros_like(&parameters));
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let loss = tape.linear_cross_entropy(hidden, weight, &targets, &weights).unwrap();
    tape.backward(loss, &[-3.0], &mut a).unwrap();
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    // Every row has a slope here, also those that count for nothing: they must be left out for want of a target.
    let some: Vec<Option<u32>> = targets.iter().zip(&weights).map(|(&id, &w)| (w != 0.0).then_some(id)).collect();
    let log_probs = tape.linear_log_probs(hidden, weight, &some).unwrap();
    let seed: Vec<f32> = weights.iter().map(|&weight| if weight == 0.0 { 1.0 } else { 3.0 * weight }).collect();
    tape.backward(log_probs, &seed, &mut b).unwrap();
    for id in [x, weight] {
        assert!(distance(a.get(id), b.get(id)) < 1e-5);
    }
}

#[test]
fn rows_without_targets_are_zero() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[2, 3], 1);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let log_probs = tape.linear_log_probs(hidden, x, &[None, None]).unwrap();
    assert_eq!(tape.value(log_probs).as_f32().unwrap(), [0.0, 0.0]);
    tape.backward(log_probs, &[1.0, 1.0], &mut gradients).unwrap();
    assert_eq!(gradients.norm(), 0.0);
}

#[test]
fn nothing_to_learn_is_an_error() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[2, 3], 1);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let error = tape.linear_cross_entropy(hidden, x, &[0, 1], &[0.0, 0.0]).unwrap_err();
    assert!(matches!(error, TensorError::NoTargets { .. }), "{error}");
}

#[test]
fn ignored_rows_are_as_if_they_were_not_there() {
    let (rows, ignored) = (40, 4_294_967_196);
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[rows, 6], 1);
    let weight = add(&mut parameters, "w", &[11, 6], 2);
    let targets: Vec<u32> = (0..rows).map(|i| if i % 3 == 1 { ignored } else { (i % 11) as u32 }).collect();
    let by_weight: Vec<f32> = targets.iter().map(|&target| if target == ignored { 0.0 } else { 1.0 }).collect();
    let settings = CrossEntropy { label_smoothing: 0.1, z_loss: 0.01, ignored_target: Some(ignored) };
    let run = |weights: &[f32], settings: &CrossEntropy| {
        let mut gradients = Gradients::zeros_like(&parameters);
        let mut tape = Tape::new(&parameters);
        let hidden = rows_of(&mut tape, x);
        let loss = tape.linear_cross_entropy_with(hidden, weight, &targets, weights, settings).unwrap();
        tape.backward(loss.total, &[1.0], &mut gradients).unwrap();
        let total = tape.value(loss.total).to_f32_vec()[0];
        let parts = loss.negative_log_likelihood + loss.smoothing + loss.z_loss;
        assert!((f64::from(total) - parts).abs() < 1e-6 * parts);
        [vec![total], gradients.get(x).to_vec(), gradients.get(weight).to_vec()]
    };
    let found = run(&vec![1.0; rows], &settings);
    assert_eq!(found, run(&by_weight, &CrossEntropy { ignored_target: None, ..settings }));
    assert!(
        found[1].chunks(6).zip(&targets).all(|(row, &target)| (target == ignored) == row.iter().all(|&g| g == 0.0))
    );
}

#[test]
fn every_label_ignored_is_an_error_and_no_nan() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[3, 2], 1);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let settings = CrossEntropy { ignored_target: Some(7), ..CrossEntropy::default() };
    let error = tape.linear_cross_entropy_with(hidden, x, &[7; 3], &[1.0; 3], &settings).unwrap_err();
    assert!(matches!(error, TensorError::NoTargets { .. }), "{error}");
    assert!(error.to_string().contains("every row is ignored"), "{error}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[2, 3], 1);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let cases = [
        (1.5, 0.0, "linear_cross_entropy: the label smoothing 1.5 is not in [0, 1]"),
        (f32::NAN, 0.0, "linear_cross_entropy: the label smoothing NaN is not in [0, 1]"),
        (0.0, -1.0, "linear_cross_entropy: the weight -1 of the z-loss is not at least 0"),
        (0.0, f32::INFINITY, "linear_cross_entropy: the weight inf of the z-loss is not at least 0"),
    ];
    for (label_smoothing, z_loss, expected) in cases {
        let settings = CrossEntropy { label_smoothing, z_loss, ignored_target: None };
        let error = tape.linear_cross_entropy_with(hidden, x, &[0, 1], &[1.0; 2], &settings).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn frozen_weights_get_no_gradient() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[4, 3], 1);
    let inner = add(&mut parameters, "inner", &[3, 3], 2);
    let head = add(&mut parameters, "head", &[5, 3], 3);
    for id in [inner, head] {
        parameters.set_trainable(id, false);
    }
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let hidden = rows_of(&mut tape, x);
    let hidden = tape.linear(hidden, inner, None).unwrap();
    let loss = tape.linear_cross_entropy(hidden, head, &[0, 1, 2, 3], &[1.0; 4]).unwrap();
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
    assert!(gradients.get(x).iter().any(|&g| g != 0.0));
    assert!([inner, head].iter().all(|&id| gradients.get(id).iter().all(|&g| g == 0.0)));

    let mut tape = Tape::new(&parameters);
    let input = tape.input(Tensor::from_f32([4, 3], noise(12, 1)).unwrap());
    let loss = tape.linear_cross_entropy(input, head, &[0, 1, 2, 3], &[1.0; 4]).unwrap();
    tape.backward(loss, &[1.0], &mut gradients).unwrap();
}
