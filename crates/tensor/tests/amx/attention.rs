//! Attention in bf16: three loops in f64 with operands rounded where the kernels round them, and how far that is from f32.

use tensor::{AttentionShape, DType, Gradients, Isa, Mask, Parameters, Tape, set_isa, set_threads, testing};

use crate::emulator::{self, Amx};
use crate::support::{add, distance, noise, rows_of};
use crate::turn;

/// The output and the slopes of q, k and v.
fn attend(shape: &AttentionShape, mask: &Mask, compute: DType) -> [Vec<f32>; 4] {
    let (rows, wide, narrow) =
        (shape.batch * shape.time, shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim);
    let mut parameters = Parameters::new();
    let ids = [
        add(&mut parameters, "q", &[rows, wide], 1),
        add(&mut parameters, "k", &[rows, narrow], 2),
        add(&mut parameters, "v", &[rows, narrow], 3),
    ];
    parameters.set_compute_dtype(compute);
    let mut gradients = Gradients::zeros_like(&parameters);
    let mut tape = Tape::new(&parameters);
    let [q, k, v] = ids.map(|id| rows_of(&mut tape, id));
    let y = tape.attention(q, k, v, shape, mask).unwrap();
    tape.backward(y, &noise(rows * wide, 4), &mut gradients).unwrap();
    let [dq, dk, dv] = ids.map(|id| gradients.get(id).to_vec());
    [tape.value(y).to_f32_vec(), dq, dk, dv]
}

/// The same by loops, in f64 but for the operands of products.
fn reference(shape: &AttentionShape, is_causal: bool) -> [Vec<f32>; 4] {
    let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
    let (wide, narrow) = (n_heads * head_dim, n_kv_heads * head_dim);
    let values =
        |columns: usize, seed| -> Vec<f64> { noise(batch * time * columns, seed).into_iter().map(f64::from).collect() };
    let (q, k, v, dy) = (values(wide, 1), values(narrow, 2), values(narrow, 3), values(wide, 4));
    let round = |x: f64| half::bf16::from_f32(x as f32).to_f64();
    let mut out = [vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]];
    let scale = 1.0 / (head_dim as f64).sqrt();
    for (b, head, t) in (0..batch).flat_map(|b| (0..n_heads).flat_map(move |h| (0..time).map(move |t| (b, h, t)))) {
        let query = (b * time + t) * wide + head * head_dim;
        let key = |s: usize| (b * time + s) * narrow + head / (n_heads / n_kv_heads) * head_dim;
        let keys = 0..if is_causal { t + 1 } else { time };
        let dot = |x: &[f64], at: usize, y: &[f64], with: usize| -> f64 {
            (0..head_dim).map(|i| round(x[at + i]) * round(y[with + i])).sum()
        };
        let scores: Vec<f64> = keys.clone().map(|s| scale * dot(&q, query, &k, key(s))).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        let p: Vec<f64> = scores.iter().map(|score| (score - largest).exp() / sum).collect();
        for i in 0..head_dim {
            out[0][query + i] = keys.clone().map(|s| round(p[s]) * round(v[key(s) + i])).sum();
        }
        let inner: f64 = (0..head_dim).map(|i| dy[query + i] * out[0][query + i]).sum();
        for s in keys {
            let slope = p[s] * (dot(&dy, query, &v, key(s)) - inner) * scale;
            for i in 0..head_dim {
                out[1][query + i] += round(slope) * round(k[key(s) + i]);
                out[2][key(s) + i] += round(slope) * round(q[query + i]);
                out[3][key(s) + i] += round(p[s]) * round(dy[query + i]);
            }
        }
    }
    out.map(|values| values.into_iter().map(|x| x as f32).collect())
}

#[test]
fn attention_rounds_its_operands_and_nothing_else() {
    let Some((_turn, amx)) = turn() else { return };
    for (batch, time, n_heads, n_kv_heads, head_dim) in
        [(1, 1, 1, 1, 1), (2, 70, 4, 2, 8), (1, 130, 2, 1, 33), (1, 64, 2, 2, 64), (1, 33, 3, 3, 20)]
    {
        let shape = AttentionShape { batch, time, n_heads, n_kv_heads, head_dim };
        for (mask, is_causal) in [(Mask::Causal, true), (Mask::Full, false)] {
            let before = emulator::products();
            let found = attend(&shape, &mask, DType::Bf16);
            assert!(amx == Amx::Processor || emulator::products() > before, "AMX is not used");
            for ((found, expected), what) in
                found.iter().zip(&reference(&shape, is_causal)).zip(["y", "dq", "dk", "dv"])
            {
                // A probability or slope near a rounding boundary may fall on either side, 2⁻⁸ apart, but few do. The
                // slope of a row with one key is nothing but rounding.
                let (error, size) = (distance(found, expected), expected.iter().fold(0.0f32, |a, b| a.max(b.abs())));
                assert!(error < 1e-3 || size < 1e-6, "{shape:?} {mask:?} {what}: {error}");
            }
            let exact = attend(&shape, &mask, DType::F32);
            for ((found, exact), what) in found.iter().zip(&exact).zip(["y", "dq", "dk", "dv"]) {
                let (error, size) = (distance(found, exact), exact.iter().fold(0.0f32, |a, b| a.max(b.abs())));
                assert!(error < 1e-2 || size < 1e-6, "{shape:?} {mask:?} {what}: {error} from f32");
            }
            testing::set_plain_tiles(true);
            let plain = attend(&shape, &mask, DType::Bf16);
            testing::set_plain_tiles(false);
            assert!(amx == Amx::Processor || plain == found, "{shape:?}: other bits than the plain version");
            set_threads(3).unwrap();
            assert!(attend(&shape, &mask, DType::Bf16) == found, "{shape:?}: threads show");
            set_threads(1).unwrap();
        }
    }
}

#[test]
fn without_tiles_attention_stays_in_f32() {
    let Some((_turn, _)) = turn() else { return };
    let shape = AttentionShape { batch: 2, time: 50, n_heads: 4, n_kv_heads: 2, head_dim: 16 };
    set_isa(Isa::Avx512).unwrap();
    assert!(attend(&shape, &Mask::Causal, DType::Bf16) == attend(&shape, &Mask::Causal, DType::F32));
}
