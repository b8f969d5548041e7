//! Refusals name the operation and both shapes.

use std::sync::Arc;

use tensor::{
    AttentionBias, AttentionRule, AttentionShape, Gradients, LinearIds, Mask, ParamId, Parameters, Tape, Tensor,
    t5_bucket,
};

use crate::support::{add, noise};

#[test]
fn messages() {
    let mut parameters = Parameters::new();
    let table = add(&mut parameters, "table", &[4, 3], 1);
    let other = add(&mut parameters, "other", &[5, 7], 2);
    let gain = add(&mut parameters, "gain", &[7], 3);
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.embedding(table, &[0, 1]).unwrap();
    let wide = tape.embedding(other, &[0, 1]).unwrap();
    let empty = tape.input(Tensor::from_f32([0, 3], Vec::new()).unwrap());
    let shape = AttentionShape { batch: 1, time: 2, n_heads: 3, n_kv_heads: 3, head_dim: 1 };
    let packed = Mask::Packed { document_of: Arc::from([0u32]) };
    let refusals = [
        (tape.embedding(table, &[0, 4]), "embedding: token id 4 is out of range, it must be below 4"),
        (tape.embedding(table, &[]), "embedding: the shape [0] has no elements"),
        (tape.embedding(ParamId::from_index(9), &[0]), "embedding: parameter 9 is out of range, it must be below 3"),
        (tape.linear(x, other, None), "linear: shapes [2, 3] and [5, 7] do not fit"),
        (tape.linear(empty, table, None), "linear: the shape [0, 3] has no elements"),
        (tape.linear(x, table, Some(gain)), "linear: shapes [4, 3] and [7] do not fit"),
        (tape.rms_norm(x, gain, 1e-5), "rms_norm: shapes [2, 3] and [7] do not fit"),
        (tape.layer_norm(x, gain, gain, 1e-5), "layer_norm: shapes [2, 3] and [7] do not fit"),
        (tape.rope(x, &[0, 1], 2, 1e4), "rope: heads of 2 do not fit 3 columns"),
        (tape.rope(x, &[0, 1], 3, 1e4), "rope: heads of 3 do not fit 3 columns"),
        (tape.rope(x, &[0, 1], 0, 1e4), "rope: heads of 0 do not fit 3 columns"),
        (tape.attention(x, x, wide, &shape, &Mask::Full), "attention: shapes [2, 7] and [2, 3] do not fit"),
        (tape.attention(x, x, x, &shape, &packed), "attention: 1 document numbers, expected 2"),
        (
            tape.attention(x, x, x, &AttentionShape { n_kv_heads: 2, ..shape }, &Mask::Full),
            "attention: 3 query heads cannot share 2 key/value heads evenly",
        ),
        (
            tape.attention(x, x, x, &AttentionShape { time: 0, ..shape }, &Mask::Full),
            "attention: the shape [1, 0, 3, 3, 1] has no elements",
        ),
        (tape.add(x, wide), "add: shapes [2, 3] and [2, 7] do not fit"),
        (tape.mul(x, wide), "mul: shapes [2, 3] and [2, 7] do not fit"),
        (tape.swiglu(x, wide), "swiglu: shapes [2, 3] and [2, 7] do not fit"),
        (tape.geglu(x, wide), "geglu: shapes [2, 3] and [2, 7] do not fit"),
        (tape.gelu_erf(empty), "gelu_erf: the shape [0, 3] has no elements"),
        (tape.relu(empty), "relu: the shape [0, 3] has no elements"),
        (tape.silu(empty), "silu: the shape [0, 3] has no elements"),
        (tape.tanh(empty), "tanh: the shape [0, 3] has no elements"),
        (tape.gather(x, &[1, 2]), "gather: row 2 is out of range, it must be below 2"),
        (tape.gather(x, &[]), "gather: the shape [0] has no elements"),
        (tape.gather(empty, &[0]), "gather: the shape [0, 3] has no elements"),
        (tape.dropout(x, 1.0, 0), "dropout: the probability 1 is not in [0, 1)"),
        (tape.dropout(x, f32::NAN, 0), "dropout: the probability NaN is not in [0, 1)"),
        (
            tape.linear_cross_entropy(x, table, &[0, 4], &[1.0; 2]),
            "linear_cross_entropy: token id 4 is out of range, it must be below 4",
        ),
        (tape.linear_cross_entropy(x, table, &[0], &[1.0; 2]), "linear_cross_entropy: 1 targets, expected 2"),
        (tape.linear_cross_entropy(x, table, &[0; 2], &[1.0]), "linear_cross_entropy: 1 weights, expected 2"),
        (
            tape.linear_cross_entropy(x, table, &[0; 2], &[0.0; 2]),
            "linear_cross_entropy: every row is ignored or has weight zero, so there is nothing to learn from",
        ),
        (tape.linear_log_probs(x, other, &[Some(0), None]), "linear_log_probs: shapes [2, 3] and [5, 7] do not fit"),
        (
            tape.linear_cross_entropy(x, LinearIds { weight: table, bias: Some(gain) }, &[0; 2], &[1.0; 2]),
            "linear_cross_entropy: shapes [4, 3] and [7] do not fit",
        ),
        (tape.segment_sum(x, &[None, None], 1), "segment_sum: shapes [2, 3] and [2, 1] do not fit"),
        (tape.sum(empty), "sum: the shape [0, 3] has no elements"),
    ];
    for (found, expected) in refusals {
        assert_eq!(found.unwrap_err().to_string(), expected);
    }
    let column = tape.input(Tensor::from_f32([2, 1], vec![0.0; 2]).unwrap());
    let error = tape.segment_sum(column, &[None, Some(3)], 3).unwrap_err();
    assert_eq!(error.to_string(), "segment_sum: segment 3 is out of range, it must be below 3");
}

#[test]
fn attention_rules() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[6, 4], 1);
    let table = add(&mut parameters, "table", &[8, 3], 2);
    let flat = add(&mut parameters, "flat", &[16], 3);
    let shape = AttentionShape { batch: 2, time: 3, n_heads: 2, n_kv_heads: 2, head_dim: 2 };
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.embedding(x, &[0, 1, 2, 3, 4, 5]).unwrap();
    let document_of: Arc<[u32]> = Arc::from([0u32; 5]);
    let cross = |key_time, seen: &[usize]| Mask::Cross { key_time, seen: Arc::from(seen) };
    let masks = [
        (Mask::PackedFull { document_of: document_of.clone() }, "5 document numbers, expected 6"),
        (Mask::PackedWindow { document_of, window: 2 }, "5 document numbers, expected 6"),
        (Mask::SlidingWindow { window: 0 }, "a window of 0 keys leaves a query nothing to see"),
        (
            Mask::PackedWindow { document_of: Arc::from([0; 6]), window: 0 },
            "a window of 0 keys leaves a query nothing to see",
        ),
        (Mask::Prefixes { lengths: Arc::from([1; 3]) }, "3 lengths of prefixes, expected 2"),
        (cross(0, &[0, 0]), "the shape [2, 0] has no elements"),
        (cross(3, &[3]), "1 counts of keys, expected 2"),
        (cross(3, &[3, 4]), "count of keys 4 is out of range, it must be below 4"),
        (cross(4, &[3, 4]), "shapes [6, 4] and [8, 4] do not fit"),
    ];
    let masks = masks.map(|(mask, expected)| (AttentionRule::from(mask), expected));
    let plain = AttentionRule::from(Mask::Full);
    let t5 = |table, bidirectional, max_distance| AttentionRule {
        bias: AttentionBias::T5Buckets { table, bidirectional, max_distance },
        ..plain.clone()
    };
    let missing = ParamId::from_index(7);
    let rules = [
        (AttentionRule { scale: Some(0.0), ..plain.clone() }, "the scale 0 is not a positive number"),
        (AttentionRule { scale: Some(f32::NAN), ..plain.clone() }, "the scale NaN is not a positive number"),
        (AttentionRule { soft_cap: Some(-1.0), ..plain.clone() }, "the soft cap -1 is not a positive number"),
        (AttentionRule { soft_cap: Some(f32::INFINITY), ..plain.clone() }, "the soft cap inf is not a positive number"),
        (t5(table, true, 20), "shapes [8, 3] and [8, 2] do not fit"),
        (t5(missing, true, 20), "parameter 7 is out of range, it must be below 3"),
    ];
    for (rule, expected) in masks.into_iter().chain(rules) {
        let error = tape.attention_with(x, x, x, &shape, &rule).unwrap_err();
        assert_eq!(error.to_string(), format!("attention: {expected}"));
    }
    assert!(tape.attention_with(x, x, x, &shape, &t5(flat, true, 20)).is_err());

    let error = Mask::padded(&[3, 4], 3).unwrap_err();
    assert_eq!(error.to_string(), "Mask::padded: length of a row 4 is out of range, it must be below 4");
    for (n_buckets, bidirectional, max_distance) in [(3, true, 9), (1, false, 9), (0, true, 9), (8, false, 4)] {
        let error = t5_bucket(1, n_buckets, bidirectional, max_distance).unwrap_err().to_string();
        let kind = if bidirectional { "in both directions" } else { "in one direction" };
        assert_eq!(error, format!("attention: {n_buckets} buckets cannot hold distances up to {max_distance} {kind}"));
    }
}

#[test]
fn parameters_and_gradients() {
    let mut parameters = Parameters::new();
    let id = add(&mut parameters, "a", &[2, 3], 1);
    let error = parameters.add("a", Tensor::from_f32([1], vec![0.0]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "a parameter named a exists already");
    let error = Tensor::from_f32([2, 3], noise(5, 1)).unwrap_err();
    assert_eq!(error.to_string(), "from_f32: 5 values, expected 6");
    assert!(Tensor::from_f32([usize::MAX, 2], Vec::new()).is_err());

    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::forward_only(&parameters);
    let y = tape.embedding(id, &[0]).unwrap();
    let error = tape.backward(y, &[1.0; 3], &mut gradients).unwrap_err();
    assert!(error.to_string().starts_with("backward: the tape was made with forward_only"));
    let mut tape = Tape::new(&parameters);
    let y = tape.embedding(id, &[0]).unwrap();
    assert_eq!(tape.backward(y, &[1.0], &mut gradients).unwrap_err().to_string(), "backward: 1 seeds, expected 3");
    let mut others = Gradients::zeros_like(&Parameters::new());
    assert!(tape.backward(y, &[1.0; 3], &mut others).is_err());
    assert!(gradients.add(&others).is_err());
}

/// A refusal inside a part of a model names the operation, both shapes and the part.
#[test]
fn refusals_name_the_part_of_the_model() {
    let mut parameters = Parameters::new();
    let table = add(&mut parameters, "table", &[4, 3], 1);
    let wide = add(&mut parameters, "wide", &[5, 7], 2);
    let mut tape = Tape::forward_only(&parameters);
    let x = tape.embedding(table, &[0, 1]).unwrap();
    let error = tape.linear(x, wide, None).unwrap_err();
    assert_eq!(tape.located(error).to_string(), "linear: shapes [2, 3] and [5, 7] do not fit");
    tape.scope("layers.0.mlp");
    tape.scope("layers.1.self_attn");
    let error = tape.linear(x, wide, None).unwrap_err();
    let located = tape.located(error);
    assert_eq!(located.to_string(), "linear: shapes [2, 3] and [5, 7] do not fit (in layers.1.self_attn)");
    tape.scope("layers.2.mlp");
    assert!(tape.located(located).to_string().ends_with("(in layers.1.self_attn)"), "the first place stands");
}
