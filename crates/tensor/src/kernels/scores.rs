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

/// What stands between products and the softmax, but for a factor, which is returned because the softmax takes it along.
pub(crate) fn prepare(scores: &mut [f32], scale: f32, soft_cap: Option<f32>, bias: Option<&[f32]>) -> f32 {
    let mut factor = scale;
    if let Some(cap) = soft_cap {
        bend(scores, factor / cap, cap);
        factor = 1.0;
    }
    if let Some(bias) = bias {
        add_bias(scores, factor, bias);
        factor = 1.0;
    }
    factor
}

impl Scoring {
    /// What is added to a row's scores.
    fn bias_of(&self, row: &Row) -> Option<&[f32]> {
        self.bias.as_ref().map(|bias| bias.row(row.head, row.t, &row.keys))
    }

    /// From products to probabilities; returns the logarithm of the softmax's sum. No keys have no probabilities, and a
    /// sum of 0.
    pub(crate) fn probabilities(&self, row: &Row, scores: &mut [f32]) -> f32 {
        let factor = prepare(scores, self.scale, self.soft_cap, self.bias_of(row));
        let (max, sum) = softmax::exponentials(scores, factor);
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
        let factor = match self.soft_cap {
            Some(cap) => {
                bend_with_slopes(p, self.scale / cap, cap, cap_slopes);
                prepare(p, 1.0, None, self.bias_of(row))
            }
            None => prepare(p, self.scale, None, self.bias_of(row)),
        };
        debug_assert_eq!(factor, 1.0, "a cap or a bias takes the factor along");
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
    fn bend(x: &mut [f32], factor: f32, cap: f32) = bend_body
}

#[inline(always)]
fn bend_body<const FMA: bool>(x: &mut [f32], factor: f32, cap: f32) {
    for x in x {
        *x = cap * tanh::<FMA>(factor * *x);
    }
}

dispatch! {
    /// As [`bend`], with `slopes = 1 − tanh²`: the derivative where `cap · factor` is 1.
    fn bend_with_slopes(x: &mut [f32], factor: f32, cap: f32, slopes: &mut [f32]) = bend_with_slopes_body
}

#[inline(always)]
fn bend_with_slopes_body<const FMA: bool>(x: &mut [f32], factor: f32, cap: f32, slopes: &mut [f32]) {
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
