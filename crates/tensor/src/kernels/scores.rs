//! What happens to a row of attention scores between two products: scale, soft cap, bias, softmax; and back.
//!
//! Plain attention takes one pass over a row each way. A cap or a bias takes one more each, over a row that is still in
//! the first-level cache.

use std::ops::Range;

use super::lanes::{dispatch, fma, tanh};
use super::{softmax, vector};
use crate::ops::attention::Scoring;

/// One row of scores: query `t` of `head`, and the keys it sees.
pub(crate) struct Row {
    pub(crate) head: usize,
    pub(crate) t: usize,
    pub(crate) keys: Range<usize>,
}

impl Scoring {
    /// From products to probabilities; returns the logarithm of the softmax's sum. No keys have no probabilities, and a
    /// sum of 0.
    pub(crate) fn probabilities(&self, row: &Row, scores: &mut [f32]) -> f32 {
        let mut scale = self.scale;
        if let Some(cap) = self.soft_cap {
            soft_cap(scores, scale / cap, cap);
            scale = 1.0;
        }
        if let Some(bias) = &self.bias {
            add_bias(scores, scale, bias.row(row.head, row.t, &row.keys));
            scale = 1.0;
        }
        let (max, sum) = softmax::exponentials(scores, scale);
        softmax::scale(scores, 1.0 / sum);
        max + sum.ln()
    }

    /// From products `p` to probabilities again, by the sum's logarithm `shift`, and from their slopes `dp` to those of
    /// the products; `inner` is Σ p · dp. The slopes of the biases are added to `d_bias`, one number a distance;
    /// `cap_slopes` is room for a row, where there is a cap.
    pub(crate) fn slopes(
        &self,
        row: &Row,
        (p, dp): (&mut [f32], &mut [f32]),
        (shift, inner): (f32, f32),
        d_bias: Option<&mut [f32]>,
        cap_slopes: &mut [f32],
    ) {
        if self.soft_cap.is_none() && self.bias.is_none() {
            softmax::attention_backward(p, dp, self.scale, shift, inner);
            return;
        }
        let mut scale = self.scale;
        if let Some(cap) = self.soft_cap {
            soft_cap_with_slopes(p, scale / cap, cap, cap_slopes);
            scale = 1.0;
        }
        if let Some(bias) = &self.bias {
            add_bias(p, scale, bias.row(row.head, row.t, &row.keys));
        }
        softmax::attention_backward(p, dp, 1.0, shift, inner);
        if let (Some(bias), Some(d_bias)) = (&self.bias, d_bias) {
            vector::add_assign(dp, &mut d_bias[bias.at(row.t, &row.keys)]);
        }
        if self.soft_cap.is_some() {
            vector::mul_assign(cap_slopes, dp);
        }
        if self.scale != 1.0 {
            softmax::scale(dp, self.scale);
        }
    }
}

dispatch! {
    /// `x = cap · tanh(factor · x)`.
    fn soft_cap(x: &mut [f32], factor: f32, cap: f32) = soft_cap_body
}

#[inline(always)]
fn soft_cap_body<const FMA: bool>(x: &mut [f32], factor: f32, cap: f32) {
    for x in x {
        *x = cap * tanh::<FMA>(factor * *x);
    }
}

dispatch! {
    /// As [`soft_cap`], with `slopes = 1 − tanh²`: the derivative where `cap · factor` is 1.
    fn soft_cap_with_slopes(x: &mut [f32], factor: f32, cap: f32, slopes: &mut [f32]) = soft_cap_with_slopes_body
}

#[inline(always)]
fn soft_cap_with_slopes_body<const FMA: bool>(x: &mut [f32], factor: f32, cap: f32, slopes: &mut [f32]) {
    for (x, slope) in x.iter_mut().zip(slopes) {
        let t = tanh::<FMA>(factor * *x);
        *slope = fma::<FMA>(-t, t, 1.0);
        *x = cap * t;
    }
}

dispatch! {
    /// `x = scale · x + bias`.
    fn add_bias(x: &mut [f32], scale: f32, bias: &[f32]) = add_bias_body
}

#[inline(always)]
fn add_bias_body<const FMA: bool>(x: &mut [f32], scale: f32, bias: &[f32]) {
    for (x, &bias) in x.iter_mut().zip(bias) {
        *x = fma::<FMA>(scale, *x, bias);
    }
}
