//! Softmax rows, their logarithms, and the derivative of cross-entropy.

use super::lanes::{LANES, dispatch, exp, fma, maximum, padded, tree_sum};

dispatch! {
    /// `x = exp(scale · x − max)`; returns the maximum of `scale · x` and the sum of the exponentials.
    fn exponentials(x: &mut [f32], scale: f32) -> (f32, f32) = exponentials_body
}

#[inline(always)]
fn exponentials_body<const FMA: bool>(x: &mut [f32], scale: f32) -> (f32, f32) {
    let max = maximum(x) * scale;
    let mut sums = [0.0f32; LANES];
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp::<FMA>(fma::<FMA>(chunk[i], scale, -max));
            sums[i] += chunk[i];
        }
    }
    if !rest.is_empty() {
        let mut last = padded(rest, f32::NEG_INFINITY);
        for i in 0..LANES {
            last[i] = exp::<FMA>(fma::<FMA>(last[i], scale, -max));
            sums[i] += last[i];
        }
        rest.copy_from_slice(&last[..rest.len()]);
    }
    (max, tree_sum(sums))
}

dispatch! {
    /// The logarithm of the sum of exponentials; leaves `x` as it is.
    fn log_sum_exp(x: &[f32]) -> f32 = log_sum_exp_body
}

#[inline(always)]
fn log_sum_exp_body<const FMA: bool>(x: &[f32]) -> f32 {
    let max = maximum(x);
    let mut sums = [0.0f32; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += exp::<FMA>(chunk[i] - max);
        }
    }
    let last = padded(rest, f32::NEG_INFINITY);
    for i in 0..LANES {
        sums[i] += exp::<FMA>(last[i] - max);
    }
    max + tree_sum(sums).ln()
}

dispatch! {
    /// `x *= factor`.
    fn scale(x: &mut [f32], factor: f32) = scale_body
}

#[inline(always)]
fn scale_body<const FMA: bool>(x: &mut [f32], factor: f32) {
    for x in x {
        *x *= factor;
    }
}

dispatch! {
    /// Scores to probabilities, `p = exp(scale · p − shift)`, and the slope of probabilities to that of scores before
    /// scaling, `dp = p · (dp − inner) · scale`.
    fn attention_backward(p: &mut [f32], dp: &mut [f32], scale: f32, shift: f32, inner: f32) = attention_backward_body
}

#[inline(always)]
fn attention_backward_body<const FMA: bool>(p: &mut [f32], dp: &mut [f32], scale: f32, shift: f32, inner: f32) {
    for (dp, p) in dp.iter_mut().zip(p) {
        *p = exp::<FMA>(fma::<FMA>(*p, scale, -shift));
        *dp = *p * (*dp - inner) * scale;
    }
}
