//! Attention against its definition in f64, under every mask, bias and cap, and the masks against each other.

use std::sync::Arc;

use tensor::{
    AttentionBias, AttentionRule, AttentionShape, Gradients, Mask, ParamId, Parameters, Tape, Tensor, alibi_slopes,
    t5_bucket,
};

use crate::attention_cases::{BUCKETS, T5, TABLE, key_rows, masks, operands, rules, run};
use crate::gradients::check;
use crate::support::{add, noise, rows_of};

fn sees(mask: &Mask, time: usize, b: usize, query: usize, key: usize) -> bool {
    let is_near = |window: &usize| query.saturating_sub(key) < *window;
    let is_one_document = |document_of: &[u32]| {
        let (low, high) = (b * time + key.min(query), b * time + key.max(query));
        document_of[low..=high].iter().all(|document| *document == document_of[low])
    };
    match mask {
        Mask::Causal => key <= query,
        Mask::Full => true,
        Mask::SlidingWindow { window } => key <= query && is_near(window),
        Mask::Prefix { length } => key <= query || key < *length,
        Mask::Prefixes { lengths } => key <= query || key < lengths[b],
        Mask::Packed { document_of } => key <= query && is_one_document(document_of),
        Mask::PackedFull { document_of } => is_one_document(document_of),
        Mask::PackedWindow { document_of, window } => key <= query && is_near(window) && is_one_document(document_of),
        Mask::Cross { seen, .. } => key < seen[b],
    }
}

/// The definition, score by score: what [`run`] gives, each value with the sum of the sizes of what was added up for it,
/// which rounding is proportional to.
fn brute_force(parameters: &Parameters, shape: &AttentionShape, rule: &AttentionRule) -> Vec<Vec<(f64, f64)>> {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let key_time = key_rows(shape, &rule.mask) / batch;
    let (wide, narrow) = (n_heads * head_dim, n_kv_heads * head_dim);
    let [q, k, v, table] = [0, 1, 2, 3].map(|index| -> Vec<f64> {
        parameters.get(ParamId::from_index(index)).to_f32_vec().into_iter().map(f64::from).collect()
    });
    let dy: Vec<f64> = noise(q.len(), 9).into_iter().map(f64::from).collect();
    let sizes = [&dy, &v].map(|values| values.iter().map(|x| x.abs()).collect::<Vec<f64>>());
    let scale = rule.scale.map_or(1.0 / (head_dim as f64).sqrt(), f64::from);
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let bucket = |t: usize, s: usize| match rule.bias {
        AttentionBias::T5Buckets { bidirectional, max_distance, .. } => {
            Some(t5_bucket(s as i64 - t as i64, BUCKETS, bidirectional, max_distance).unwrap())
        }
        _ => None,
    };
    let mut found = [&q, &q, &k, &v, &table].map(|values| vec![(0.0f64, 0.0f64); values.len()]);
    fn term(to: &mut (f64, f64), (value, size): (f64, f64), factor: f64) {
        *to = (to.0 + value * factor, to.1 + (size * factor).abs());
    }
    for b in 0..batch {
        for head in 0..n_heads {
            let slope = if rule.bias == AttentionBias::Alibi { f64::from(alibi_slopes(n_heads)[head]) } else { 0.0 };
            let q_at = |t: usize| (b * time + t) * wide + head * head_dim;
            let k_at = |s: usize| (b * key_time + s) * narrow + head * n_kv_heads / n_heads * head_dim;
            for t in 0..time {
                let keys: Vec<usize> = (0..key_time).filter(|&s| sees(&rule.mask, time, b, t, s)).collect();
                // Scores, and how they change with the product: 1 − tanh² is as exact as 1, not as what it is.
                let scores = keys.iter().map(|&s| {
                    let scaled = scale * dot(&q[q_at(t)..][..head_dim], &k[k_at(s)..][..head_dim]);
                    let (capped, bend) = rule.soft_cap.map(f64::from).map_or((scaled, (1.0, 1.0)), |cap| {
                        let tanh = (scaled / cap).tanh();
                        (cap * tanh, (1.0 - tanh * tanh, 1.1 - tanh * tanh))
                    });
                    let learned = bucket(t, s).map_or(0.0, |bucket| table[bucket * n_heads + head]);
                    (capped - slope * t.abs_diff(s) as f64 + learned, (bend.0 * scale, bend.1 * scale))
                });
                let (weights, bends): (Vec<f64>, Vec<(f64, f64)>) =
                    scores.map(|(score, bend)| (score.exp(), bend)).unzip();
                let total: f64 = weights.iter().sum();
                let p: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
                let dots = |dy: &[f64], v: &[f64]| -> Vec<f64> {
                    keys.iter().map(|&s| dot(&dy[q_at(t)..][..head_dim], &v[k_at(s)..][..head_dim])).collect()
                };
                let (dp, dp_sizes) = (dots(&dy, &v), dots(&sizes[0], &sizes[1]));
                let (inner, inner_size) = (dot(&p, &dp), dot(&p, &dp_sizes));
                for (i, &s) in keys.iter().enumerate() {
                    let d_score = (p[i] * (dp[i] - inner), p[i] * (dp_sizes[i] + inner_size));
                    if let Some(bucket) = bucket(t, s) {
                        term(&mut found[4][bucket * n_heads + head], d_score, 1.0);
                    }
                    let d_product = (d_score.0 * bends[i].0, d_score.1 * bends[i].1);
                    for c in 0..head_dim {
                        term(&mut found[0][q_at(t) + c], (p[i], p[i]), v[k_at(s) + c]);
                        term(&mut found[1][q_at(t) + c], d_product, k[k_at(s) + c]);
                        term(&mut found[2][k_at(s) + c], d_product, q[q_at(t) + c]);
                        term(&mut found[3][k_at(s) + c], (p[i], p[i]), dy[q_at(t) + c]);
                    }
                }
            }
        }
    }
    found.into()
}

#[test]
fn attention_is_its_definition() {
    for (time, n_heads, n_kv_heads, head_dim) in [
        (1, 1, 1, 2),
        (2, 1, 1, 1),
        (5, 2, 1, 8),
        (47, 2, 2, 3),
        (49, 4, 2, 16),
        (60, 1, 1, 65),
        (131, 3, 1, 32),
        (300, 2, 1, 5),
    ] {
        let shape = AttentionShape { batch: 2, time, n_heads, n_kv_heads, head_dim };
        for mask in masks(time) {
            let parameters = operands(&shape, &mask);
            // Long sequences: every mask, with one rule of each bias.
            let step = if time > 100 { 5 } else { 1 };
            for rule in rules(&mask).into_iter().step_by(step) {
                let (found, expected) = (run(&parameters, &shape, &rule), brute_force(&parameters, &shape, &rule));
                for (what, (found, expected)) in
                    ["out", "dq", "dk", "dv", "dtable"].iter().zip(found.iter().zip(&expected))
                {
                    for (found, (expected, size)) in found.iter().zip(expected) {
                        let error = (f64::from(*found) - expected).abs();
                        assert!(error <= 2e-5 * size, "{what} of {shape:?} under {rule:?}: {error} of {size}");
                    }
                }
            }
        }
    }
}

#[test]
fn derivatives_are_differences() {
    let packed = |ids: &[u32]| -> Arc<[u32]> { Arc::from(ids) };
    let masks = [
        Mask::Causal,
        Mask::Full,
        Mask::SlidingWindow { window: 2 },
        Mask::Prefix { length: 2 },
        Mask::Prefix { length: 100 },
        Mask::Prefixes { lengths: Arc::from([3, 0]) },
        Mask::Packed { document_of: packed(&[1, 1, 2, 2, 2, 7, 7, 7, 7, 8]) },
        Mask::PackedFull { document_of: packed(&[0, 0, 0, 1, 1, 0, 0, 0, 0, 0]) },
        Mask::PackedWindow { document_of: packed(&[1, 1, 2, 2, 2, 7, 7, 7, 7, 8]), window: 2 },
        Mask::Cross { key_time: 3, seen: Arc::from([3, 1]) },
        Mask::Cross { key_time: 7, seen: Arc::from([5, 0]) },
    ];
    for mask in masks {
        for rule in rules(&mask) {
            let n_kv_heads = if rule.bias == AttentionBias::None { 1 } else { 2 };
            let shape = AttentionShape { batch: 2, time: 5, n_heads: 2, n_kv_heads, head_dim: 3 };
            let narrow = [key_rows(&shape, &rule.mask), n_kv_heads * 3];
            let shapes: [&[usize]; 4] = [&[10, 6], &narrow, &narrow, &[BUCKETS, 2]];
            let rule = rule.clone();
            check(&format!("attention {rule:?} {n_kv_heads}"), &shapes, &move |tape, p| {
                let [q, k, v] = [p[0], p[1], p[2]].map(|id| rows_of(tape, id));
                let q = tape.scale(q, 2.0).unwrap();
                tape.attention_with(q, k, v, &shape, &rule).unwrap()
            });
        }
    }
    check("attention of a value to itself", &[&[7, 6]], &|tape, p| {
        let x = rows_of(tape, p[0]);
        let shape = AttentionShape { batch: 1, time: 7, n_heads: 3, n_kv_heads: 3, head_dim: 2 };
        let y = tape.attention(x, x, x, &shape, &Mask::Causal).unwrap();
        tape.add(x, y).unwrap()
    });
    check("one table in two layers", &[&[5, 4], &[BUCKETS, 2]], &|tape, p| {
        let shape = AttentionShape { batch: 1, time: 5, n_heads: 2, n_kv_heads: 2, head_dim: 2 };
        let bias = AttentionBias::T5Buckets { table: p[1], bidirectional: true, max_distance: 12 };
        let rule = AttentionRule { bias, scale: Some(1.0), ..Mask::Full.into() };
        let x = rows_of(tape, p[0]);
        let y = tape.attention_with(x, x, x, &shape, &rule).unwrap();
        tape.attention_with(y, x, y, &shape, &rule).unwrap()
    });
}

#[test]
fn packed_documents_are_separate_sequences() {
    let (n_heads, n_kv_heads, head_dim) = (2, 1, 8);
    let lengths = [3usize, 60, 1, 50, 14];
    let time: usize = lengths.iter().sum();
    let document_of: Arc<[u32]> = lengths.iter().enumerate().flat_map(|(i, &n)| vec![i as u32; n]).collect();
    let shape = AttentionShape { batch: 1, time, n_heads, n_kv_heads, head_dim };
    let masks = [
        (Mask::Packed { document_of: document_of.clone() }, Mask::Causal),
        (Mask::PackedFull { document_of: document_of.clone() }, Mask::Full),
        (Mask::PackedWindow { document_of, window: 9 }, Mask::SlidingWindow { window: 9 }),
    ];
    for (packed, apart) in masks {
        for (soft_cap, bias) in [(None, AttentionBias::None), (Some(2.0), AttentionBias::Alibi), (None, T5)] {
            let rule = |mask: &Mask| AttentionRule { mask: mask.clone(), bias, soft_cap, scale: None };
            let parameters = operands(&shape, &packed);
            let (packed, dy) = (rule(&packed), noise(time * n_heads * head_dim, 9));
            let together = run(&parameters, &shape, &packed);
            let mut start = 0;
            for length in lengths {
                let alone = AttentionShape { batch: 1, time: length, ..shape };
                let part = |x: &[f32]| x[start * (x.len() / time)..(start + length) * (x.len() / time)].to_vec();
                let mut document = Parameters::new();
                for (id, name, tensor) in parameters.iter() {
                    let values = tensor.to_f32_vec();
                    let (rows, values) = if id.index() == TABLE { (BUCKETS, values) } else { (length, part(&values)) };
                    document.add(name, Tensor::from_f32([rows, values.len() / rows], values).unwrap()).unwrap();
                }
                let mut gradients = Gradients::zeros_like(&document);
                let mut tape = Tape::new(&document);
                let [q, k, v] = [0, 1, 2].map(|index| rows_of(&mut tape, ParamId::from_index(index)));
                let out = tape.attention_with(q, k, v, &alone, &rule(&apart)).unwrap();
                tape.backward(out, &part(&dy), &mut gradients).unwrap();
                let found = [0, 1, 2].map(|index| gradients.get(ParamId::from_index(index)).to_vec());
                for (apart, together) in [tape.value(out).to_f32_vec()].iter().chain(&found).zip(&together) {
                    let worst = apart.iter().zip(part(together)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(worst < 1e-5, "{packed:?}, document at {start}: {worst}");
                }
                start += length;
            }
        }
    }
}

#[test]
fn ranges_are_what_is_seen() {
    for time in [1, 2, 9, 60] {
        for mask in masks(time) {
            let key_time = if let Mask::Cross { key_time, .. } = mask { key_time } else { time };
            let ranges = mask.ranges(2, time).unwrap();
            assert_eq!(ranges.len(), 2 * time);
            for (row, range) in ranges.iter().enumerate() {
                for key in 0..key_time {
                    let is_seen = sees(&mask, time, row / time, row % time, key);
                    assert_eq!(range.contains(&key), is_seen, "{mask:?}: query {row}, key {key}");
                }
            }
        }
    }
}

#[test]
fn a_query_without_keys_gets_zeros() {
    let shape = AttentionShape { batch: 3, time: 4, n_heads: 2, n_kv_heads: 1, head_dim: 3 };
    let mask = Mask::Cross { key_time: 2, seen: Arc::from([2, 0, 1]) };
    let parameters = operands(&shape, &mask);
    for rule in rules(&mask) {
        let found = run(&parameters, &shape, &rule);
        assert!(found.iter().flatten().all(|x| x.is_finite()), "{rule:?}");
        let row = |values: &[f32], b: usize| values[b * values.len() / 3..(b + 1) * values.len() / 3].to_vec();
        for values in &found[..4] {
            assert!(row(values, 1).iter().all(|&x| x == 0.0), "{rule:?}");
        }
        assert!(found[..2].iter().all(|values| row(values, 0).iter().any(|&x| x != 0.0)), "{rule:?}");
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[6, 4], 1);
    parameters.values_mut(x).iter_mut().for_each(|x| *x *= 1e3);
    let mut gradients = Gradients::zeros_like(&parameters);
    let shape = AttentionShape { batch: 1, time: 6, n_heads: 1, n_kv_heads: 1, head_dim: 4 };
    for (soft_cap, bias) in [(None, AttentionBias::None), (Some(50.0), AttentionBias::Alibi)] {
        let rule = AttentionRule { soft_cap, bias, ..Mask::Causal.into() };
        let mut tape = Tape::new(&parameters);
        let x = rows_of(&mut tape, x);
        let y = tape.attention_with(x, x, x, &shape, &rule).unwrap();
        tape.check_finite(y).unwrap();
        tape.backward(y, &[1.0; 24], &mut gradients).unwrap();
        assert!(gradients.norm().is_finite());
    }
}
