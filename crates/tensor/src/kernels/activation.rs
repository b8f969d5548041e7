//! Gated and plain activations, forward and backward, and dropout.

use super::lanes::{dispatch, fma, normal, sigmoid, tanh};

dispatch! {
    /// `out = gate · σ(gate) · up` (Shazeer, "GLU variants improve Transformer", 2020).
    fn swiglu_forward(gate: &[f32], up: &[f32], out: &mut [f32]) = swiglu_forward_body
}

#[inline(always)]
fn swiglu_forward_body<const FMA: bool>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate * sigmoid::<FMA>(gate) * up;
    }
}

dispatch! {
    /// `d_gate = dy · up · σ(gate) · (1 + gate · (1 − σ(gate)))`, `d_up = dy · gate · σ(gate)`; `dy` stands where `d_up`
    /// is wanted, because this loop takes as long as its memory.
    fn swiglu_backward(gate: &[f32], up: &[f32], dy: &mut [f32], d_gate: &mut [f32]) = swiglu_backward_body
}

#[inline(always)]
fn swiglu_backward_body<const FMA: bool>(gate: &[f32], up: &[f32], dy: &mut [f32], d_gate: &mut [f32]) {
    for (((dy, d_gate), &gate), &up) in dy.iter_mut().zip(d_gate).zip(gate).zip(up) {
        let s = sigmoid::<FMA>(gate);
        *d_gate = *dy * up * s * fma::<FMA>(gate, 1.0 - s, 1.0);
        *dy = *dy * gate * s;
    }
}

dispatch! {
    /// As [`swiglu_forward`], over the gate.
    fn swiglu_in_place(gate: &mut [f32], up: &[f32]) = swiglu_in_place_body
}

#[inline(always)]
fn swiglu_in_place_body<const FMA: bool>(gate: &mut [f32], up: &[f32]) {
    for (gate, &up) in gate.iter_mut().zip(up) {
        *gate = *gate * sigmoid::<FMA>(*gate) * up;
    }
}

/// √(2/π)
const SCALE: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

dispatch! {
    /// `out = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))` (Hendrycks & Gimpel 2016), the form GPT-2 uses.
    fn gelu_forward(x: &[f32], out: &mut [f32]) = gelu_forward_body
}

#[inline(always)]
fn gelu_forward_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = 0.5 * x * (1.0 + tanh::<FMA>(SCALE * x * fma::<FMA>(CUBIC, x * x, 1.0)));
    }
}

dispatch! {
    /// As [`gelu_forward`], where it lies.
    fn gelu_in_place(x: &mut [f32]) = gelu_in_place_body
}

#[inline(always)]
fn gelu_in_place_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x = 0.5 * *x * (1.0 + tanh::<FMA>(SCALE * *x * fma::<FMA>(CUBIC, *x * *x, 1.0)));
    }
}

dispatch! {
    /// `dy = dy · gelu′(x)`: the slope by x, where that by the output stood.
    fn gelu_backward(x: &[f32], dy: &mut [f32]) = gelu_backward_body
}

#[inline(always)]
fn gelu_backward_body<const FMA: bool>(x: &[f32], dy: &mut [f32]) {
    for (dy, &x) in dy.iter_mut().zip(x) {
        let t = tanh::<FMA>(SCALE * x * fma::<FMA>(CUBIC, x * x, 1.0));
        let inner = SCALE * fma::<FMA>(3.0 * CUBIC, x * x, 1.0);
        *dy *= 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
    }
}

/// The tanh-form of gelu and its slope.
#[inline(always)]
fn gelu_and_slope<const FMA: bool>(x: f32) -> (f32, f32) {
    let t = tanh::<FMA>(SCALE * x * fma::<FMA>(CUBIC, x * x, 1.0));
    let inner = SCALE * fma::<FMA>(3.0 * CUBIC, x * x, 1.0);
    (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner)
}

dispatch! {
    /// `gate = gelu(gate) · up` in the tanh form.
    fn geglu_in_place(gate: &mut [f32], up: &[f32]) = geglu_in_place_body
}

#[inline(always)]
fn geglu_in_place_body<const FMA: bool>(gate: &mut [f32], up: &[f32]) {
    for (gate, &up) in gate.iter_mut().zip(up) {
        *gate = gelu_and_slope::<FMA>(*gate).0 * up;
    }
}

dispatch! {
    /// `d_gate = dy · up · gelu′(gate)`, `d_up = dy · gelu(gate)`, where `dy` stands, as in [`swiglu_backward`].
    fn geglu_backward(gate: &[f32], up: &[f32], dy: &mut [f32], d_gate: &mut [f32]) = geglu_backward_body
}

#[inline(always)]
fn geglu_backward_body<const FMA: bool>(gate: &[f32], up: &[f32], dy: &mut [f32], d_gate: &mut [f32]) {
    for (((dy, d_gate), &gate), &up) in dy.iter_mut().zip(d_gate).zip(gate).zip(up) {
        let (value, slope) = gelu_and_slope::<FMA>(gate);
        *d_gate = *dy * up * slope;
        *dy *= value;
    }
}

dispatch! {
    /// `x = x · Φ(x)`: gelu as it is defined, with the error function (Hendrycks & Gimpel 2016).
    fn gelu_erf_in_place(x: &mut [f32]) = gelu_erf_in_place_body
}

#[inline(always)]
fn gelu_erf_in_place_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x *= normal::<FMA>(*x).0;
    }
}

/// 1 / √(2π)
const DENSITY: f32 = 0.398_942_3;

dispatch! {
    /// `dy = dy · (Φ(x) + x · φ(x))`.
    fn gelu_erf_backward(x: &[f32], dy: &mut [f32]) = gelu_erf_backward_body
}

#[inline(always)]
fn gelu_erf_backward_body<const FMA: bool>(x: &[f32], dy: &mut [f32]) {
    for (dy, &x) in dy.iter_mut().zip(x) {
        let (share, density) = normal::<FMA>(x);
        *dy *= fma::<FMA>(x * DENSITY, density, share);
    }
}

dispatch! {
    /// `x = max(x, 0)`; a NaN stays one.
    fn relu_in_place(x: &mut [f32]) = relu_in_place_body
}

#[inline(always)]
fn relu_in_place_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x = if *x < 0.0 { 0.0 } else { *x };
    }
}

dispatch! {
    /// `dy = 0` unless x is over 0; at 0 the slope is 0, as in PyTorch.
    fn relu_backward(x: &[f32], dy: &mut [f32]) = relu_backward_body
}

#[inline(always)]
fn relu_backward_body<const FMA: bool>(x: &[f32], dy: &mut [f32]) {
    for (dy, &x) in dy.iter_mut().zip(x) {
        *dy = if x <= 0.0 { 0.0 } else { *dy };
    }
}

dispatch! {
    /// `x = x · σ(x)`.
    fn silu_in_place(x: &mut [f32]) = silu_in_place_body
}

#[inline(always)]
fn silu_in_place_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x *= sigmoid::<FMA>(*x);
    }
}

dispatch! {
    /// `dy = dy · σ(x) · (1 + x · (1 − σ(x)))`.
    fn silu_backward(x: &[f32], dy: &mut [f32]) = silu_backward_body
}

#[inline(always)]
fn silu_backward_body<const FMA: bool>(x: &[f32], dy: &mut [f32]) {
    for (dy, &x) in dy.iter_mut().zip(x) {
        let s = sigmoid::<FMA>(x);
        *dy *= s * fma::<FMA>(x, 1.0 - s, 1.0);
    }
}

dispatch! {
    /// `x = tanh(x)`.
    fn tanh_in_place(x: &mut [f32]) = tanh_in_place_body
}

#[inline(always)]
fn tanh_in_place_body<const FMA: bool>(x: &mut [f32]) {
    for x in x {
        *x = tanh::<FMA>(*x);
    }
}

dispatch! {
    /// `dy = dy · (1 − tanh²(x))`.
    fn tanh_backward(x: &[f32], dy: &mut [f32]) = tanh_backward_body
}

#[inline(always)]
fn tanh_backward_body<const FMA: bool>(x: &[f32], dy: &mut [f32]) {
    for (dy, &x) in dy.iter_mut().zip(x) {
        let t = tanh::<FMA>(x);
        *dy *= fma::<FMA>(-t, t, 1.0);
    }
}

dispatch! {
    /// `out (+)= x / (1 − p)` where the hash of (seed, element index) keeps the element, 0 elsewhere. `first` is the
    /// index of `x[0]`; the same call with dy in place of x is the derivative.
    fn dropout(x: &[f32], first: u64, seed: u64, p: f32, out: &mut [f32], is_added: bool) = dropout_body
}

#[inline(always)]
fn dropout_body<const FMA: bool>(x: &[f32], first: u64, seed: u64, p: f32, out: &mut [f32], is_added: bool) {
    let keep = 1.0 / (1.0 - p);
    // Kept when a uniform 24-bit number reaches p · 2²⁴.
    let limit = (f64::from(p) * f64::from(1u32 << 24)) as u32;
    for (i, (out, &x)) in out.iter_mut().zip(x).enumerate() {
        let value = if (hash(seed, first + i as u64) >> 40) as u32 >= limit { x * keep } else { 0.0 };
        *out = if is_added { *out + value } else { value };
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014) over a counter: every element has a random number of its own.
#[inline(always)]
fn hash(seed: u64, index: u64) -> u64 {
    let mut z = seed ^ index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
