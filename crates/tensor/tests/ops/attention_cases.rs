//! Operands for attention, and every kind of mask and rule: what several tests go through.

use std::sync::Arc;

use tensor::{AttentionBias, AttentionRule, AttentionShape, Gradients, Mask, ParamId, Parameters, Tape};

use crate::support::{add, noise, rows_of};

/// Buckets of the tables of these tests.
pub const BUCKETS: usize = 8;
/// Where the table stands among the parameters: after q, k and v.
pub const TABLE: usize = 3;
/// A table for both directions.
pub const T5: AttentionBias =
    AttentionBias::T5Buckets { table: ParamId::from_index(TABLE), bidirectional: true, max_distance: 20 };
/// A table for earlier keys only.
pub const T5_ONE_WAY: AttentionBias =
    AttentionBias::T5Buckets { table: ParamId::from_index(TABLE), bidirectional: false, max_distance: 9 };

/// The rows of keys of a batch whose queries have `shape`.
pub fn key_rows(shape: &AttentionShape, mask: &Mask) -> usize {
    shape.batch * if let Mask::Cross { key_time, .. } = mask { *key_time } else { shape.time }
}

/// q, k, v and a table of buckets as parameters.
pub fn operands(shape: &AttentionShape, mask: &Mask) -> Parameters {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let mut parameters = Parameters::new();
    let narrow = [key_rows(shape, mask), n_kv_heads * head_dim];
    add(&mut parameters, "q", &[batch * time, n_heads * head_dim], 1);
    add(&mut parameters, "k", &narrow, 2);
    add(&mut parameters, "v", &narrow, 3);
    add(&mut parameters, "table", &[BUCKETS, n_heads], 4);
    // Large enough for a cap to bend: products have variance head_dim / 9.
    parameters.values_mut(ParamId::from_index(0)).iter_mut().for_each(|q| *q *= 3.0);
    parameters
}

/// The output, and the gradients of q, k, v and the table for slopes of noise.
pub fn run(parameters: &Parameters, shape: &AttentionShape, rule: &AttentionRule) -> Vec<Vec<f32>> {
    let mut gradients = Gradients::zeros_like(parameters);
    let mut tape = Tape::new(parameters);
    let [q, k, v] = [0, 1, 2].map(|index| rows_of(&mut tape, ParamId::from_index(index)));
    let out = tape.attention_with(q, k, v, shape, rule).unwrap();
    let count = tape.value(out).len();
    tape.backward(out, &noise(count, 9), &mut gradients).unwrap();
    let mut found = vec![tape.value(out).to_f32_vec()];
    found.extend((0..4).map(|index| gradients.get(ParamId::from_index(index)).to_vec()));
    found
}

/// Every kind of mask for a batch of two.
pub fn masks(time: usize) -> Vec<Mask> {
    let documents = |every: usize| -> Arc<[u32]> { (0..2 * time).map(|i| (i / every) as u32).collect() };
    vec![
        Mask::Causal,
        Mask::Full,
        Mask::SlidingWindow { window: 1 },
        Mask::SlidingWindow { window: 5 },
        Mask::SlidingWindow { window: 100 },
        Mask::SlidingWindow { window: usize::MAX },
        Mask::Prefix { length: 0 },
        Mask::Prefix { length: time / 2 },
        Mask::Prefixes { lengths: Arc::from([0, time / 3]) },
        Mask::Prefixes { lengths: Arc::from([2 * time, 1]) },
        Mask::Packed { document_of: documents(37) },
        Mask::Packed { document_of: documents(3) },
        Mask::PackedFull { document_of: documents(41) },
        Mask::PackedFull { document_of: documents(1) },
        Mask::padded(&[time / 2, time], time).unwrap(),
        Mask::PackedWindow { document_of: documents(23), window: 6 },
        Mask::Cross { key_time: 1, seen: Arc::from([1, 1]) },
        Mask::Cross { key_time: time + 70, seen: Arc::from([0, time + 70]) },
        Mask::Cross { key_time: time / 2 + 1, seen: Arc::from([time / 2 + 1, time / 4]) },
    ]
}

/// Every bias with and without a cap and another scale.
pub fn rules(mask: &Mask) -> Vec<AttentionRule> {
    let biases = [AttentionBias::None, AttentionBias::Alibi, T5, T5_ONE_WAY];
    let of = |bias| {
        [(None, None), (Some(1.5), None), (None, Some(1.0)), (Some(0.7), Some(0.3))]
            .map(|(soft_cap, scale)| AttentionRule { mask: mask.clone(), bias, soft_cap, scale })
    };
    biases.into_iter().flat_map(of).collect()
}
