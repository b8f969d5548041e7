//! The slice functions give what the tape gives.

use tensor::{AttentionShape, Mask, Parameters, Tape, Tensor, forward};

use crate::support::{add, distance, noise};

#[test]
fn slices_agree_with_the_tape() {
    let (rows, inner, outer) = (5, 40, 67);
    let mut parameters = Parameters::new();
    let weight = add(&mut parameters, "w", &[outer, inner], 1);
    let bias = add(&mut parameters, "b", &[outer], 2);
    let gain = add(&mut parameters, "g", &[inner], 3);
    let shift = add(&mut parameters, "s", &[inner], 4);
    let x = noise(rows * inner, 5);
    let mut tape = Tape::forward_only(&parameters);
    let input = tape.input(Tensor::from_f32([rows, inner], x.clone()).unwrap());

    let y = tape.linear(input, weight, Some(bias)).unwrap();
    let (w, b) = (parameters.get(weight), parameters.get(bias));
    let mut out = vec![0.0; rows * outer];
    forward::linear(&x, rows, w, Some(b), &mut out).unwrap();
    assert!(distance(&out, tape.value(y).as_f32().unwrap()) < 1e-6);
    // A single row goes another way.
    let mut one = vec![0.0; outer];
    forward::linear(&x[..inner], 1, w, Some(b), &mut one).unwrap();
    assert!(distance(&one, &out[..outer]) < 1e-6);

    let mut out = vec![0.0; rows * inner];
    let y = tape.rms_norm(input, gain, 1e-5).unwrap();
    forward::rms_norm(&x, parameters.get(gain), 1e-5, &mut out).unwrap();
    assert_eq!(out, tape.value(y).to_f32_vec());
    let y = tape.layer_norm(input, gain, shift, 1e-5).unwrap();
    forward::layer_norm(&x, parameters.get(gain), parameters.get(shift), 1e-5, &mut out).unwrap();
    assert_eq!(out, tape.value(y).to_f32_vec());

    let positions = [3, 4, 5, 6, 900];
    let y = tape.rope(input, &positions, 8, 1e4).unwrap();
    let mut turned = x.clone();
    forward::rope(&mut turned, &positions, 8, 1e4).unwrap();
    assert_eq!(turned, tape.value(y).to_f32_vec());

    let y = tape.swiglu(input, input).unwrap();
    let mut gate = x.clone();
    forward::swiglu(&mut gate, &x).unwrap();
    assert_eq!(gate, tape.value(y).to_f32_vec());
    let y = tape.gelu(input).unwrap();
    let mut activated = x.clone();
    forward::gelu(&mut activated);
    assert_eq!(activated, tape.value(y).to_f32_vec());
}

#[test]
fn cached_attention_is_causal_attention() {
    let shape = AttentionShape { batch: 1, time: 70, n_heads: 4, n_kv_heads: 2, head_dim: 8 };
    let (time, wide, narrow) = (70, 32, 16);
    let (q, k, v) = (noise(time * wide, 1), noise(time * narrow, 2), noise(time * narrow, 3));
    let parameters = Parameters::new();
    let mut tape = Tape::forward_only(&parameters);
    let mut input =
        |columns: usize, values: &[f32]| tape.input(Tensor::from_f32([time, columns], values.to_vec()).unwrap());
    let [qs, ks, vs] = [input(wide, &q), input(narrow, &k), input(narrow, &v)];
    let y = tape.attention(qs, ks, vs, &shape, &Mask::Causal).unwrap();
    let expected = tape.value(y).to_f32_vec();
    for t in [0, 1, 47, 69] {
        let mut out = vec![0.0; wide];
        let (keys, values) = (&k[..(t + 1) * narrow], &v[..(t + 1) * narrow]);
        forward::attend_cached(&q[t * wide..][..wide], keys, values, t + 1, 4, 2, 8, &mut out).unwrap();
        assert!(distance(&out, &expected[t * wide..][..wide]) < 1e-5);
    }
}

#[test]
fn log_softmax_sums_to_one() {
    for size in [1, 5, 16, 1000] {
        let mut x: Vec<f32> = noise(size, 1).iter().map(|x| 30.0 * x).collect();
        forward::log_softmax(&mut x);
        let total: f64 = x.iter().map(|&x| f64::from(x).exp()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{size}: {total}");
    }
}

#[test]
fn lengths_are_checked() {
    let weight = Tensor::from_f32([2, 3], vec![0.0; 6]).unwrap();
    let gain = Tensor::from_f32([3], vec![0.0; 3]).unwrap();
    let mut out = [0.0; 2];
    assert!(forward::linear(&[0.0; 4], 1, &weight, None, &mut out).is_err());
    assert!(forward::linear(&[0.0; 3], 1, &weight, Some(&gain), &mut out).is_err());
    assert!(forward::rms_norm(&[0.0; 4], &gain, 1e-5, &mut [0.0; 4]).is_err());
    assert!(forward::rope(&mut [0.0; 4], &[], 2, 1e4).is_err());
    assert!(forward::swiglu(&mut [0.0; 4], &[0.0; 3]).is_err());
    assert!(forward::attend_cached(&[0.0; 4], &[], &[], 0, 1, 1, 4, &mut [0.0; 4]).is_err());
}
