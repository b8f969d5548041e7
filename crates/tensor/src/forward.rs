//! The operations over plain slices, for token-by-token decoding with a cache: no tape, no derivative.

use crate::error::check_length;
use crate::kernels::matmul::{Format, Matrix, matmul};
use crate::kernels::rope::{Turns, rotate_in_place};
use crate::kernels::scores::prepare;
use crate::kernels::{activation, decode, norm, softmax, vector};
use crate::ops::attention::check_scaling;
use crate::ops::router::{check_top_k, share_out};
use crate::{DType, Result, Tensor, TensorError, threads};

/// Weights below which a single row's product stays on one thread.
const SERIAL: usize = 1 << 19;

/// `out = x · weightᵀ + bias`: x (rows, in), weight (out, in), bias (out), out (rows, out).
///
/// # Errors
/// When the lengths do not fit.
pub fn linear(x: &[f32], rows: usize, weight: &Tensor, bias: Option<&Tensor>, out: &mut [f32]) -> Result<()> {
    const OP: &str = "forward::linear";
    let (outer, inner) = weight.matrix_shape(OP)?;
    check_length(OP, "inputs", x.len(), rows * inner)?;
    check_length(OP, "outputs", out.len(), rows * outer)?;
    let weights = weight.as_f32()?;
    if rows == 1 {
        // One token reads every weight once: it is worth a second thread only when that takes longer than waking it.
        let outputs = if outer * inner < SERIAL { outer } else { 64 };
        threads::for_each_chunk(out, outputs, |block, out| {
            decode::matvec(x, &weights[block * outputs * inner..], out);
        });
    } else {
        let weights = Matrix::rows(weights, inner).t();
        matmul(Format::of(DType::F32), (rows, outer, inner), Matrix::rows(x, inner), weights, out, false);
    }
    if let Some(bias) = bias {
        let bias = bias.as_f32()?;
        check_length(OP, "biases", bias.len(), outer)?;
        out.chunks_exact_mut(outer).for_each(|out| vector::add_assign(bias, out));
    }
    Ok(())
}

/// Root-mean-square norm of every row: x and out (rows, width), gain (width).
///
/// # Errors
/// When the lengths do not fit.
pub fn rms_norm(x: &[f32], gain: &Tensor, eps: f32, out: &mut [f32]) -> Result<()> {
    let rows = check_rows("forward::rms_norm", x, gain, out)?;
    norm::rms_forward(x, gain.as_f32()?, eps, out, &mut vec![0.0; rows]);
    Ok(())
}

/// Layer norm of every row: x and out (rows, width), gain and bias (width).
///
/// # Errors
/// When the lengths do not fit.
pub fn layer_norm(x: &[f32], gain: &Tensor, bias: &Tensor, eps: f32, out: &mut [f32]) -> Result<()> {
    const OP: &str = "forward::layer_norm";
    let rows = check_rows(OP, x, gain, out)?;
    check_length(OP, "biases", bias.len(), gain.len())?;
    norm::layer_forward(x, gain.as_f32()?, bias.as_f32()?, eps, out, &mut vec![0.0; 2 * rows]);
    Ok(())
}

fn check_rows(op: &'static str, x: &[f32], gain: &Tensor, out: &[f32]) -> Result<usize> {
    if gain.is_empty() || !x.len().is_multiple_of(gain.len()) {
        return Err(TensorError::shape(op, [x.len()], gain.shape()));
    }
    check_length(op, "outputs", out.len(), x.len())?;
    Ok(x.len() / gain.len())
}

/// Rotary positions where they lie: x (positions, heads · head_dim), as [`crate::Tape::rope`].
///
/// # Errors
/// When head_dim is odd or the lengths do not fit.
pub fn rope(x: &mut [f32], positions: &[u32], head_dim: usize, theta: f32) -> Result<()> {
    if positions.is_empty() || !x.len().is_multiple_of(positions.len()) {
        return Err(TensorError::shape("rope", [x.len()], [positions.len(), head_dim]));
    }
    let width = x.len() / positions.len();
    crate::ops::rope::check(width, head_dim)?;
    rotate_in_place(x, width, 0, &Turns::new(positions, head_dim, theta), 1.0);
    Ok(())
}

/// The `top_k` most likely experts of each token with their weights, which sum to 1, as [`crate::Tape::route`]: `logits`
/// (tokens, experts), `chosen` and `weights` (tokens, `top_k`).
///
/// # Errors
/// When there is no token, `top_k` is no number of experts, or the lengths do not fit.
pub fn route(logits: &[f32], n_experts: usize, top_k: usize, chosen: &mut [u32], weights: &mut [f32]) -> Result<()> {
    const OP: &str = "forward::route";
    check_top_k(OP, top_k, n_experts)?;
    if logits.is_empty() || !logits.len().is_multiple_of(n_experts) {
        return Err(TensorError::shape(OP, [logits.len()], [n_experts]));
    }
    check_length(OP, "choices", chosen.len(), logits.len() / n_experts * top_k)?;
    check_length(OP, "weights", weights.len(), chosen.len())?;
    share_out(logits, top_k, true, chosen, weights);
    Ok(())
}

/// `gate = gate · σ(gate) · up`.
///
/// # Errors
/// When the lengths differ.
pub fn swiglu(gate: &mut [f32], up: &[f32]) -> Result<()> {
    check_length("forward::swiglu", "values of up", up.len(), gate.len())?;
    activation::swiglu_in_place(gate, up);
    Ok(())
}

/// `x = gelu(x)` in the tanh form.
pub fn gelu(x: &mut [f32]) {
    activation::gelu_in_place(x);
}

/// `gate = gelu(gate) · up` in the tanh form.
///
/// # Errors
/// When the lengths differ.
pub fn geglu(gate: &mut [f32], up: &[f32]) -> Result<()> {
    check_length("forward::geglu", "values of up", up.len(), gate.len())?;
    activation::geglu_in_place(gate, up);
    Ok(())
}

/// `x = gelu(x)` with the error function.
pub fn gelu_erf(x: &mut [f32]) {
    activation::gelu_erf_in_place(x);
}

/// `x = max(x, 0)`.
pub fn relu(x: &mut [f32]) {
    activation::relu_in_place(x);
}

/// The sizes of one query row and its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedShape {
    /// Keys in the cache.
    pub len: usize,
    /// Query heads, a multiple of `n_kv_heads`.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Columns a head.
    pub head_dim: usize,
}

/// How one query row scores its cache: the part of a [`crate::AttentionRule`] that is not its mask. Under a sliding window
/// the cache holds, or the caller passes, its last keys only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CachedRule<'a> {
    /// What is added to every score, (n_heads, len): from [`crate::alibi_slopes`] or [`crate::t5_bucket`].
    pub bias: Option<&'a [f32]>,
    /// The bound of scores before the bias, positive.
    pub soft_cap: Option<f32>,
    /// What products are multiplied by, positive; 1 / √head_dim without.
    pub scale: Option<f32>,
}

/// One query row against a cache: q and out (n_heads · head_dim), keys and values (len, n_kv_heads · head_dim).
///
/// # Errors
/// When the lengths do not fit or `len` is 0.
pub fn attend_cached(
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    len: usize,
    n_heads: usize,
    n_kv_heads: usize,
    head_dim: usize,
    out: &mut [f32],
) -> Result<()> {
    let shape = CachedShape { len, n_heads, n_kv_heads, head_dim };
    attend_cached_with(q, keys, values, &shape, &CachedRule::default(), out)
}

/// As [`attend_cached`], with scores by `rule`.
///
/// # Errors
/// When the lengths do not fit, `len` is 0, or a number of the rule is out of its domain.
pub fn attend_cached_with(
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    shape: &CachedShape,
    rule: &CachedRule,
    out: &mut [f32],
) -> Result<()> {
    const OP: &str = "attend_cached";
    let &CachedShape { len, n_heads, n_kv_heads, head_dim } = shape;
    if len * n_heads * n_kv_heads * head_dim == 0 || !n_heads.is_multiple_of(n_kv_heads) {
        return Err(TensorError::shape(OP, [len, n_heads, head_dim], [len, n_kv_heads, head_dim]));
    }
    let width = n_kv_heads * head_dim;
    check_length(OP, "queries", q.len(), n_heads * head_dim)?;
    check_length(OP, "outputs", out.len(), q.len())?;
    check_length(OP, "keys", keys.len(), len * width)?;
    check_length(OP, "values", values.len(), len * width)?;
    if let Some(bias) = rule.bias {
        check_length(OP, "biases", bias.len(), n_heads * len)?;
    }
    let scale = check_scaling(OP, rule.scale, rule.soft_cap, head_dim)?;
    let mut scores = vec![0.0; len];
    for (head, (q, out)) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)).enumerate() {
        let at = head / (n_heads / n_kv_heads) * head_dim;
        decode::scores(q, &keys[at..], width, &mut scores);
        let bias = rule.bias.map(|bias| &bias[head * len..][..len]);
        let factor = prepare(&mut scores, scale, rule.soft_cap, bias);
        let (_, sum) = softmax::exponentials(&mut scores, factor);
        decode::mixture(&scores, 1.0 / sum, &values[at..], width, out);
    }
    Ok(())
}

/// `x = log softmax(x)`, one row.
pub fn log_softmax(x: &mut [f32]) {
    let shift = softmax::log_sum_exp(x);
    x.iter_mut().for_each(|x| *x -= shift);
}
