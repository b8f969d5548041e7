//! Products with a single row, as decoding token by token needs them: bound by reading memory, so nothing is packed.

use super::lanes::{LANES, dispatch, dot, fma, tree_sum};

/// Values of a row taken at once: four vectors with a sum each, which hides the latency of the additions.
const AT_ONCE: usize = 4 * LANES;

dispatch! {
    /// `out[i] = x · weights[i, ..]`, weights (out, x.len()).
    fn matvec(x: &[f32], weights: &[f32], out: &mut [f32]) = matvec_body
}

#[inline(always)]
fn matvec_body<const FMA: bool>(x: &[f32], weights: &[f32], out: &mut [f32]) {
    if x.is_empty() {
        out.fill(0.0);
        return;
    }
    let (x_chunks, x_rest) = x.as_chunks::<AT_ONCE>();
    for (out, row) in out.iter_mut().zip(weights.chunks_exact(x.len())) {
        let mut sums = [0.0f32; AT_ONCE];
        let (chunks, rest) = row.as_chunks::<AT_ONCE>();
        for (x, weights) in x_chunks.iter().zip(chunks) {
            for i in 0..AT_ONCE {
                sums[i] = fma::<FMA>(x[i], weights[i], sums[i]);
            }
        }
        let mut total = [0.0f32; LANES];
        for i in 0..LANES {
            total[i] = (sums[i] + sums[i + LANES]) + (sums[i + 2 * LANES] + sums[i + 3 * LANES]);
        }
        *out = tree_sum(total) + if rest.is_empty() { 0.0 } else { dot::<FMA>(x_rest, rest) };
    }
}

dispatch! {
    /// `scores[t] = q · keys[t, ..q.len()]`, rows of keys `width` apart.
    fn scores(q: &[f32], keys: &[f32], width: usize, scores: &mut [f32]) = scores_body
}

#[inline(always)]
fn scores_body<const FMA: bool>(q: &[f32], keys: &[f32], width: usize, scores: &mut [f32]) {
    for (score, key) in scores.iter_mut().zip(keys.chunks(width)) {
        *score = dot::<FMA>(q, &key[..q.len()]);
    }
}

dispatch! {
    /// `out = factor · Σₜ weights[t] · values[t, ..out.len()]`, rows of values `width` apart.
    fn mixture(weights: &[f32], factor: f32, values: &[f32], width: usize, out: &mut [f32]) = mixture_body
}

#[inline(always)]
fn mixture_body<const FMA: bool>(weights: &[f32], factor: f32, values: &[f32], width: usize, out: &mut [f32]) {
    out.fill(0.0);
    let columns = out.len();
    for (&weight, value) in weights.iter().zip(values.chunks(width)) {
        for (out, &value) in out.iter_mut().zip(&value[..columns]) {
            *out = fma::<FMA>(weight * factor, value, *out);
        }
    }
}
