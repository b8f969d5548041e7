//! Small values worked out by hand or from another formula.

use tensor::{DType, Parameters, Tape, Tensor};

use crate::support::{add, noise, rows_of};

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 2e-6 * expected.abs().max(1.0), "{found} instead of {expected}");
    }
}

fn map(x: &[f32], op: impl Fn(&mut Tape, tensor::Var) -> tensor::Var) -> Vec<f32> {
    let parameters = Parameters::new();
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.input(Tensor::from_f32([1, x.len()], x.to_vec()).unwrap());
    let y = op(&mut tape, x);
    tape.value(y).to_f32_vec()
}

#[test]
fn activations() {
    let x = [-3.0, -1.0, -0.1, 0.0, 0.5, 2.0];
    let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    close(&map(&x, |tape, x| tape.gelu(x).unwrap()), &x.map(|x| gelu(f64::from(x)) as f32));
    let silu: Vec<f32> = x.iter().map(|&x| (f64::from(x) / (1.0 + f64::from(-x).exp())) as f32 * x).collect();
    close(&map(&x, |tape, x| tape.swiglu(x, x).unwrap()), &silu);
    close(&map(&[1000.0, -1000.0], |tape, x| tape.swiglu(x, x).unwrap()), &[1e6, 0.0]);
    close(&map(&[100.0, -100.0], |tape, x| tape.gelu(x).unwrap()), &[100.0, 0.0]);
}

#[test]
fn activations_at_the_edges() {
    type Curve = fn(&mut Tape, tensor::Var) -> tensor::Result<tensor::Var>;
    let curves: [(Curve, [f32; 3]); 4] = [
        (|tape, x| tape.gelu_erf(x), [0.0, 0.0, 1e4]),
        (|tape, x| tape.relu(x), [0.0, 0.0, 1e4]),
        (|tape, x| tape.silu(x), [0.0, 0.0, 1e4]),
        (|tape, x| tape.tanh(x), [-1.0, 0.0, 1.0]),
    ];
    for (curve, expected) in curves {
        assert_eq!(map(&[-1e4, 0.0, 1e4], |tape, x| curve(tape, x).unwrap()), expected);
        assert!(map(&[f32::NAN], |tape, x| curve(tape, x).unwrap())[0].is_nan());
    }
    assert_eq!(map(&[-1e4, 0.0, 1e4], |tape, x| tape.geglu(x, x).unwrap()), [0.0, 0.0, 1e8]);
}

/// Differences mean nothing at the corner, so the slopes of relu are told one by one.
#[test]
fn relu_has_a_corner() {
    let mut parameters = Parameters::new();
    let x = parameters.add("x", Tensor::from_f32([1, 5], vec![-2.0, -0.0, 0.0, 1e-30, 3.0]).unwrap()).unwrap();
    let mut gradients = tensor::Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let value = rows_of(&mut tape, x);
    let y = tape.relu(value).unwrap();
    assert_eq!(tape.value(y).to_f32_vec(), [0.0, 0.0, 0.0, 1e-30, 3.0]);
    tape.backward(y, &[2.0, 3.0, 4.0, 5.0, 6.0], &mut gradients).unwrap();
    assert_eq!(gradients.get(x), [0.0, 0.0, 0.0, 5.0, 6.0]);
}

#[test]
fn gather_takes_rows() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[300, 7], 1);
    let mut tape = Tape::forward_only(&parameters);
    let x = rows_of(&mut tape, x);
    let values = tape.value(x).to_f32_vec();
    let rows: Vec<u32> = (0..1000).map(|i| i * i % 300).collect();
    let y = tape.gather(x, &rows).unwrap();
    let expected = rows.iter().flat_map(|&row| values[row as usize * 7..][..7].to_vec());
    assert_eq!(tape.value(y).to_f32_vec(), expected.collect::<Vec<_>>());
}

#[test]
fn norms() {
    let mut parameters = Parameters::new();
    let gain = parameters.add("gain", Tensor::from_f32([2], vec![1.0, 2.0]).unwrap()).unwrap();
    let bias = parameters.add("bias", Tensor::from_f32([2], vec![0.5, 0.0]).unwrap()).unwrap();
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.input(Tensor::from_f32([1, 2], vec![3.0, 4.0]).unwrap());
    let y = tape.rms_norm(x, gain, 0.0).unwrap();
    close(&tape.value(y).to_f32_vec(), &[3.0 / 12.5f32.sqrt(), 8.0 / 12.5f32.sqrt()]);
    let y = tape.layer_norm(x, gain, bias, 0.0).unwrap();
    close(&tape.value(y).to_f32_vec(), &[-0.5, 2.0]);
}

#[test]
fn rope_turns_halves_together() {
    let turned = map(&[1.0, 2.0, 3.0, 4.0], |tape, x| tape.rope(x, &[5], 4, 100.0).unwrap());
    // Frequencies 1 and 100^(−1/2).
    let (a, b) = (5.0f32, 0.5f32);
    close(
        &turned,
        &[
            a.cos() - 3.0 * a.sin(),
            2.0 * b.cos() - 4.0 * b.sin(),
            3.0 * a.cos() + a.sin(),
            4.0 * b.cos() + 2.0 * b.sin(),
        ],
    );
}

#[test]
fn dropout_keeps_its_share_and_the_mean() {
    let x = vec![1.0; 40_000];
    let y = map(&x, |tape, x| tape.dropout(x, 0.3, 5).unwrap());
    let kept = y.iter().filter(|&&y| y != 0.0).count();
    assert!((kept as f64 / 40_000.0 - 0.7).abs() < 0.01, "{kept}");
    assert!(y.iter().all(|&y| y == 0.0 || (y - 1.0 / 0.7).abs() < 1e-6));
    assert_eq!(y, map(&x, |tape, x| tape.dropout(x, 0.3, 5).unwrap()));
    assert_ne!(y, map(&x, |tape, x| tape.dropout(x, 0.3, 6).unwrap()));
    assert_eq!(x, map(&x, |tape, x| tape.dropout(x, 0.0, 5).unwrap()));
}

#[test]
fn linear_and_reductions() {
    let mut parameters = Parameters::new();
    let weight = parameters.add("w", Tensor::from_f32([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()).unwrap();
    let bias = parameters.add("b", Tensor::from_f32([3], vec![0.5, 0.0, -1.0]).unwrap()).unwrap();
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.input(Tensor::from_f32([2, 2], vec![1.0, 1.0, -1.0, 2.0]).unwrap());
    let y = tape.linear(x, weight, Some(bias)).unwrap();
    assert_eq!(tape.value(y).to_f32_vec(), [3.5, 7.0, 10.0, 3.5, 5.0, 6.0]);
    let (sum, mean) = (tape.sum(y).unwrap(), tape.mean(y).unwrap());
    assert_eq!((tape.value(sum).to_f32_vec(), tape.value(mean).to_f32_vec()), (vec![35.0], vec![35.0 / 6.0]));
}

#[test]
fn tensors_convert() {
    let values = noise(50, 1);
    let wide = Tensor::from_f32([5, 10], values.clone()).unwrap();
    let narrow = wide.to_dtype(DType::Bf16);
    assert_eq!((narrow.dtype(), narrow.shape(), narrow.len()), (DType::Bf16, &[5, 10][..], 50));
    assert!(narrow.as_f32().is_err() && wide.as_bf16().is_err());
    for (x, y) in values.iter().zip(narrow.to_dtype(DType::F32).as_f32().unwrap()) {
        assert!((x - y).abs() <= x.abs() / 256.0, "{x} {y}");
    }
    assert_eq!(Tensor::zeros([2, 3], DType::Bf16).to_f32_vec(), [0.0; 6]);
}

#[test]
fn a_tape_can_be_differentiated_twice() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[3, 4], 1);
    let mut gradients = tensor::Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let y = rows_of(&mut tape, x);
    let y = tape.mul(y, y).unwrap();
    let y = tape.sum(y).unwrap();
    tape.backward(y, &[1.0], &mut gradients).unwrap();
    let once = gradients.get(x).to_vec();
    tape.backward(y, &[1.0], &mut gradients).unwrap();
    assert!(gradients.get(x).iter().zip(&once).all(|(twice, once)| *twice == 2.0 * once));
    assert!((gradients.norm() - once.iter().map(|g| f64::from(2.0 * g).powi(2)).sum::<f64>().sqrt()).abs() < 1e-5);
    gradients.clear();
    assert_eq!(gradients.norm(), 0.0);
}
