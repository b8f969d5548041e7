//! The slice functions give what the tape gives.

use tensor::{
    AttentionBias, AttentionShape, Mask, ParamId, Parameters, Result, Tape, Tensor, Var, alibi_slopes, forward,
    t5_bucket,
};

use crate::attention_cases::{BUCKETS, operands, rules};
use crate::support::{add, distance, noise, rows_of};

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

    type Gated = (fn(&mut Tape, Var, Var) -> Result<Var>, fn(&mut [f32], &[f32]) -> Result<()>);
    let gated: [Gated; 2] =
        [(|tape, x, y| tape.swiglu(x, y), forward::swiglu), (|tape, x, y| tape.geglu(x, y), forward::geglu)];
    for (on_tape, in_place) in gated {
        let y = on_tape(&mut tape, input, input).unwrap();
        let mut gate = x.clone();
        in_place(&mut gate, &x).unwrap();
        assert_eq!(gate, tape.value(y).to_f32_vec());
    }
    let routing = tape.route(input, 3, true).unwrap();
    let (mut chosen, mut shares) = (vec![0; rows * 3], vec![0.0; rows * 3]);
    forward::route(&x, inner, 3, &mut chosen, &mut shares).unwrap();
    assert_eq!((&chosen[..], shares), (routing.chosen(), tape.value(routing.weights()).to_f32_vec()));
    let refused = forward::route(&x, inner, inner + 1, &mut chosen, &mut []).unwrap_err().to_string();
    assert_eq!(refused, "forward::route: a token cannot go to 41 of 40 experts");
    assert!(forward::route(&x[1..], inner, 3, &mut chosen, &mut [0.0; 15]).is_err());

    type Plain = (fn(&mut Tape, Var) -> Result<Var>, fn(&mut [f32]));
    let plain: [Plain; 3] = [
        (|tape, x| tape.gelu(x), forward::gelu),
        (|tape, x| tape.gelu_erf(x), forward::gelu_erf),
        (|tape, x| tape.relu(x), forward::relu),
    ];
    for (on_tape, in_place) in plain {
        let y = on_tape(&mut tape, input).unwrap();
        let mut activated = x.clone();
        in_place(&mut activated);
        assert_eq!(activated, tape.value(y).to_f32_vec());
    }
}

#[test]
fn cached_attention_is_causal_attention() {
    let shape = AttentionShape { batch: 1, time: 70, n_heads: 4, n_kv_heads: 2, head_dim: 8 };
    let (wide, narrow) = (32, 16);
    for (mask, window) in [(Mask::Causal, 70), (Mask::SlidingWindow { window: 9 }, 9)] {
        let parameters = operands(&shape, &mask);
        let [q, k, v, table] = [0, 1, 2, 3].map(|index| parameters.get(ParamId::from_index(index)).as_f32().unwrap());
        for rule in rules(&mask) {
            let mut tape = Tape::forward_only(&parameters);
            let [qs, ks, vs] = [0, 1, 2].map(|index| rows_of(&mut tape, ParamId::from_index(index)));
            let y = tape.attention_with(qs, ks, vs, &shape, &rule).unwrap();
            let expected = tape.value(y).to_f32_vec();
            for t in [0usize, 1, 8, 9, 47, 69] {
                let first = (t + 1).saturating_sub(window);
                let of = |head: usize, s: usize| match rule.bias {
                    AttentionBias::None => 0.0,
                    AttentionBias::Alibi => alibi_slopes(4)[head] * (s as f32 - t as f32),
                    AttentionBias::T5Buckets { bidirectional, max_distance, .. } => {
                        table[t5_bucket(s as i64 - t as i64, BUCKETS, bidirectional, max_distance).unwrap() * 4 + head]
                    }
                };
                let bias: Vec<f32> = (0..4).flat_map(|head| (first..=t).map(move |s| of(head, s))).collect();
                let bias = (rule.bias != AttentionBias::None).then_some(&*bias);
                let rule = forward::CachedRule { bias, soft_cap: rule.soft_cap, scale: rule.scale };
                let (keys, values) = (&k[first * narrow..(t + 1) * narrow], &v[first * narrow..(t + 1) * narrow]);
                let shape = forward::CachedShape { len: t + 1 - first, n_heads: 4, n_kv_heads: 2, head_dim: 8 };
                let mut out = vec![0.0; wide];
                forward::attend_cached_with(&q[t * wide..][..wide], keys, values, &shape, &rule, &mut out).unwrap();
                let error = distance(&out, &expected[t * wide..][..wide]);
                assert!(error < 1e-5, "{mask:?} {rule:?}, query {t}: {error}");
                if rule == forward::CachedRule::default() {
                    let mut plain = vec![0.0; wide];
                    let q = &q[t * wide..][..wide];
                    forward::attend_cached(q, keys, values, shape.len, 4, 2, 8, &mut plain).unwrap();
                    assert_eq!(plain, out);
                }
            }
        }
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
    assert!(forward::geglu(&mut [0.0; 4], &[0.0; 3]).is_err());
    let shape = forward::CachedShape { len: 1, n_heads: 2, n_kv_heads: 1, head_dim: 2 };
    let plain = forward::CachedRule::default();
    let rules = [
        (forward::CachedRule { bias: Some(&[0.0; 3]), ..plain }, "attend_cached: 3 biases, expected 2"),
        (forward::CachedRule { scale: Some(-1.0), ..plain }, "attend_cached: the scale -1 is not a positive number"),
        (
            forward::CachedRule { soft_cap: Some(0.0), ..plain },
            "attend_cached: the soft cap 0 is not a positive number",
        ),
    ];
    for (rule, expected) in rules {
        let found = forward::attend_cached_with(&[0.0; 4], &[0.0; 2], &[0.0; 2], &shape, &rule, &mut [0.0; 4]);
        assert_eq!(found.unwrap_err().to_string(), expected);
    }
    assert!(forward::attend_cached(&[0.0; 4], &[], &[], 0, 1, 1, 4, &mut [0.0; 4]).is_err());
}
