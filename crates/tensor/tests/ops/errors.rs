//! Refusals name the operation and both shapes.

use std::sync::Arc;

use tensor::{AttentionShape, Gradients, LinearIds, Mask, ParamId, Parameters, Tape, Tensor};

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
