//! Attention against its definition, and the masks against each other.

use std::sync::Arc;

use tensor::{AttentionShape, Gradients, Mask, Parameters, Tape};

use crate::support::{add, distance, noise, rows_of};

/// Values and the three gradients of attention over noise.
fn run(shape: &AttentionShape, mask: &Mask, q: &[f32], k: &[f32], v: &[f32], dy: &[f32]) -> [Vec<f32>; 4] {
    let rows = shape.batch * shape.time;
    let mut parameters = Parameters::new();
    let ids = [("q", q), ("k", k), ("v", v)].map(|(name, values)| {
        let tensor = tensor::Tensor::from_f32([rows, values.len() / rows], values.to_vec()).unwrap();
        parameters.add(name, tensor).unwrap()
    });
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let [q, k, v] = ids.map(|id| rows_of(&mut tape, id));
    let out = tape.attention(q, k, v, shape, mask).unwrap();
    tape.backward(out, dy, &mut gradients).unwrap();
    let [dq, dk, dv] = ids.map(|id| gradients.get(id).to_vec());
    [tape.value(out).to_f32_vec(), dq, dk, dv]
}

fn sees(mask: &Mask, time: usize, b: usize, query: usize, key: usize) -> bool {
    match mask {
        Mask::Causal => key <= query,
        Mask::Full => true,
        Mask::Prefix { length } => key <= query || key < *length,
        Mask::Packed { document_of } => {
            key <= query
                && document_of[b * time + key..=b * time + query].iter().all(|d| *d == document_of[b * time + key])
        }
    }
}

/// The definition, in f64.
fn brute_force(shape: &AttentionShape, mask: &Mask, q: &[f32], k: &[f32], v: &[f32], dy: &[f32]) -> [Vec<f32>; 4] {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let (wide, narrow) = (n_heads * head_dim, n_kv_heads * head_dim);
    let mut out = [vec![0.0f64; q.len()], vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]];
    for b in 0..batch {
        for head in 0..n_heads {
            let q_at = |t: usize| (b * time + t) * wide + head * head_dim;
            let k_at = |t: usize| (b * time + t) * narrow + head * n_kv_heads / n_heads * head_dim;
            let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
            for t in 0..time {
                let seen: Vec<usize> = (0..time).filter(|&s| sees(mask, time, b, t, s)).collect();
                let scale = 1.0 / (head_dim as f64).sqrt();
                let row = |x: &[f32], at: usize| x[at..at + head_dim].to_vec();
                let weights: Vec<f64> =
                    seen.iter().map(|&s| (dot(&row(q, q_at(t)), &row(k, k_at(s))) * scale).exp()).collect();
                let total: f64 = weights.iter().sum();
                let p: Vec<f64> = weights.iter().map(|w| w / total).collect();
                let dp: Vec<f64> = seen.iter().map(|&s| dot(&row(dy, q_at(t)), &row(v, k_at(s)))).collect();
                let inner: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
                for (i, &s) in seen.iter().enumerate() {
                    let ds = p[i] * (dp[i] - inner) * scale;
                    for c in 0..head_dim {
                        out[0][q_at(t) + c] += p[i] * f64::from(v[k_at(s) + c]);
                        out[1][q_at(t) + c] += ds * f64::from(k[k_at(s) + c]);
                        out[2][k_at(s) + c] += ds * f64::from(q[q_at(t) + c]);
                        out[3][k_at(s) + c] += p[i] * f64::from(dy[q_at(t) + c]);
                    }
                }
            }
        }
    }
    out.map(|values| values.into_iter().map(|x| x as f32).collect())
}

#[test]
fn attention_is_its_definition() {
    let documents = |rows: usize, every: usize| -> Arc<[u32]> { (0..rows).map(|i| (i / every) as u32).collect() };
    for (time, n_heads, n_kv_heads, head_dim) in
        [(1, 1, 1, 2), (5, 2, 1, 8), (47, 2, 2, 3), (49, 4, 2, 16), (131, 3, 1, 32)]
    {
        let shape = AttentionShape { batch: 2, time, n_heads, n_kv_heads, head_dim };
        let rows = 2 * time;
        let [q, dy] = [1, 2].map(|seed| noise(rows * n_heads * head_dim, seed));
        let [k, v] = [3, 4].map(|seed| noise(rows * n_kv_heads * head_dim, seed));
        let masks = [
            Mask::Causal,
            Mask::Full,
            Mask::Prefix { length: 0 },
            Mask::Prefix { length: time / 2 },
            Mask::Packed { document_of: documents(rows, 37) },
            Mask::Packed { document_of: documents(rows, 3) },
        ];
        for mask in masks {
            let (found, expected) = (run(&shape, &mask, &q, &k, &v, &dy), brute_force(&shape, &mask, &q, &k, &v, &dy));
            for (what, (found, expected)) in ["out", "dq", "dk", "dv"].iter().zip(found.iter().zip(&expected)) {
                // One key has weight 1 whatever q and k are: their slopes are 0 up to rounding.
                let error = distance(found, expected) * if time == 1 && what.contains(['q', 'k']) { 0.0 } else { 1.0 };
                assert!(error < 1e-5, "{what} of {shape:?} under {mask:?}: {error}");
            }
        }
    }
}

#[test]
fn packed_documents_are_separate_sequences() {
    let (n_heads, n_kv_heads, head_dim) = (2, 1, 8);
    let lengths = [3usize, 60, 1, 50, 14];
    let time: usize = lengths.iter().sum();
    let document_of: Arc<[u32]> = lengths.iter().enumerate().flat_map(|(i, &n)| vec![i as u32; n]).collect();
    let shape = AttentionShape { batch: 1, time, n_heads, n_kv_heads, head_dim };
    let [q, dy] = [1, 2].map(|seed| noise(time * n_heads * head_dim, seed));
    let [k, v] = [3, 4].map(|seed| noise(time * n_kv_heads * head_dim, seed));
    let together = run(&shape, &Mask::Packed { document_of }, &q, &k, &v, &dy);
    let mut start = 0;
    for length in lengths {
        let alone = AttentionShape { batch: 1, time: length, ..shape };
        let part = |x: &[f32]| x[start * (x.len() / time)..(start + length) * (x.len() / time)].to_vec();
        let apart = run(&alone, &Mask::Causal, &part(&q), &part(&k), &part(&v), &part(&dy));
        for (apart, together) in apart.iter().zip(&together) {
            let worst = apart.iter().zip(part(together)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "document at {start}: {worst}");
        }
        start += length;
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let mut parameters = Parameters::new();
    let x = add(&mut parameters, "x", &[6, 4], 1);
    parameters.values_mut(x).iter_mut().for_each(|x| *x *= 1e3);
    let mut tape = Tape::forward_only(&parameters);
    let x = rows_of(&mut tape, x);
    let shape = AttentionShape { batch: 1, time: 6, n_heads: 1, n_kv_heads: 1, head_dim: 4 };
    let y = tape.attention(x, x, x, &shape, &Mask::Causal).unwrap();
    tape.check_finite(y).unwrap();
}
