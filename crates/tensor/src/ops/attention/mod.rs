//! Scaled dot-product attention, with the mask given as a value.

mod bias;
mod mask;

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::attention as kernel;
use crate::{DType, Result, Tape, Tensor, TensorError, Var};

pub(crate) use bias::DistanceBias;
pub use bias::{AttentionBias, alibi_slopes, t5_bucket};
pub use mask::Mask;
pub(crate) use mask::Spans;

/// The name that errors use.
const OP: &str = "attention";

/// The sizes of an attention operation. `n_heads` is a multiple of `n_kv_heads` (grouped queries, Ainslie et al. 2023).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionShape {
    /// Sequences.
    pub batch: usize,
    /// Tokens a sequence of queries; keys and values have as many, unless [`Mask::Cross`] says otherwise.
    pub time: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; query head h uses number h · n_kv_heads / n_heads.
    pub n_kv_heads: usize,
    /// Columns a head.
    pub head_dim: usize,
}

/// How scores become weights: softmax over the keys that `mask` shows of cap · tanh(scale · q · kᵀ / cap) + bias.
///
/// The order is that of the references: Gemma 2 caps what was scaled before it masks; FlashAttention adds ALiBi after
/// the cap. [`From<Mask>`] gives the plain rule.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionRule {
    /// Which keys a query sees.
    pub mask: Mask,
    /// What distance adds to a score.
    pub bias: AttentionBias,
    /// The bound of scores before the bias (Gemma 2's `attn_logit_softcapping`, 50); positive.
    pub soft_cap: Option<f32>,
    /// What q · kᵀ is multiplied by, positive; 1 / √head_dim without. T5 has 1, Gemma `query_pre_attn_scalar`^(−1/2).
    pub scale: Option<f32>,
}

impl From<Mask> for AttentionRule {
    fn from(mask: Mask) -> AttentionRule {
        AttentionRule { mask, bias: AttentionBias::None, soft_cap: None, scale: None }
    }
}

/// An [`AttentionRule`] worked out for the sizes of an operation.
pub(crate) struct Scoring {
    pub(crate) spans: Spans,
    pub(crate) scale: f32,
    pub(crate) soft_cap: Option<f32>,
    pub(crate) bias: Option<DistanceBias>,
    /// What the products are computed in, as far as the instruction set does it.
    pub(crate) compute: DType,
}

impl Tape<'_> {
    /// softmax(q · kᵀ / √head_dim) · v for every head, over the keys that `mask` lets a query see: the plain case of
    /// [`Tape::attention_with`].
    ///
    /// # Errors
    /// When a shape does not fit `shape`, or the mask does not fit the batch.
    pub fn attention(&mut self, q: Var, k: Var, v: Var, shape: &AttentionShape, mask: &Mask) -> Result<Var> {
        self.attention_with(q, k, v, shape, &mask.clone().into())
    }

    /// softmax(scores) · v for every head, with scores by `rule`: q (batch · time, n_heads · head_dim), k and v
    /// (batch · time, n_kv_heads · head_dim), or (batch · key_time, …) under [`Mask::Cross`] → the shape of q. A query
    /// that sees no key gets zeros.
    ///
    /// Probabilities are never kept; the backward pass computes them again from one number a row.
    ///
    /// With products in bf16 and AMX the operands of all products, probabilities and their slopes among them, are rounded
    /// to bf16; scores, softmax and sums stay f32. Values are then within some 2⁻⁸ of what they are in f32 (relative to
    /// their size together). Other instruction sets multiply in f32 here, which is as fast for them.
    ///
    /// # Errors
    /// When a shape does not fit `shape`, or a part of the rule does not fit it or is out of its domain.
    pub fn attention_with(
        &mut self,
        q: Var,
        k: Var,
        v: Var,
        shape: &AttentionShape,
        rule: &AttentionRule,
    ) -> Result<Var> {
        let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
        let (rows, columns) = (batch * time, n_heads * head_dim);
        if rows * columns == 0 || n_kv_heads == 0 {
            return Err(TensorError::Empty { op: OP, shape: vec![batch, time, n_heads, n_kv_heads, head_dim] });
        }
        if !n_heads.is_multiple_of(n_kv_heads) {
            let what = format!("{n_heads} query heads cannot share {n_kv_heads} key/value heads evenly");
            return Err(TensorError::argument(OP, what));
        }
        let spans = Spans::new(&rule.mask, batch, time)?;
        let narrow = (batch * spans.key_time, n_kv_heads * head_dim);
        for (var, expected) in [(q, (rows, columns)), (k, narrow), (v, narrow)] {
            self.present(OP, var)?;
            let found = self.shape(var);
            if found != expected {
                return Err(TensorError::shape(OP, [found.0, found.1], [expected.0, expected.1]));
            }
        }
        let scale = check_scaling(OP, rule.scale, rule.soft_cap, head_dim)?;
        let bias = DistanceBias::new(self.parameters, rule.bias, shape, spans.key_time)?;
        let needs = self.needs(q) || self.needs(k) || self.needs(v);
        let needs = needs || bias.as_ref().is_some_and(|bias| bias.is_trainable(self.parameters));
        let compute = self.parameters.compute_dtype();
        let scoring = Scoring { spans, scale, soft_cap: rule.soft_cap, bias, compute };
        let (out, log_sum_exp) = forward(shape, &scoring, [self.data(q), self.data(k), self.data(v)]);
        let op = Op::Attention { q, k, v, shape: *shape, scoring, log_sum_exp };
        Ok(self.push(Tensor::matrix(rows, columns, out), op, needs))
    }
}

/// The values of [`Tape::attention_with`], and the logarithm of every row's softmax sum.
pub(crate) fn forward(shape: &AttentionShape, scoring: &Scoring, [q, k, v]: [&[f32]; 3]) -> (Buffer, Buffer) {
    let mut out = Buffer::scratch(q.len());
    let mut log_sum_exp = Buffer::scratch(shape.batch * shape.time * shape.n_heads);
    kernel::forward(shape, scoring, (q, k, v), &mut out, &mut log_sum_exp);
    (out, log_sum_exp)
}

/// What products are multiplied by; an error when that or the cap is not a positive number.
pub(crate) fn check_scaling(
    op: &'static str,
    scale: Option<f32>,
    soft_cap: Option<f32>,
    head_dim: usize,
) -> Result<f32> {
    let scale = scale.unwrap_or(1.0 / (head_dim as f32).sqrt());
    for (what, number) in [("scale", scale), ("soft cap", soft_cap.unwrap_or(1.0))] {
        if !(number > 0.0 && number.is_finite()) {
            return Err(TensorError::argument(op, format!("the {what} {number} is not a positive number")));
        }
    }
    Ok(scale)
}

/// The derivative of [`Tape::attention_with`]; `y` is its output.
pub(crate) fn backward(
    to: &mut Slopes,
    (q, k, v): (Var, Var, Var),
    shape: &AttentionShape,
    scoring: &Scoring,
    y: &[f32],
    log_sum_exp: &[f32],
    dy: &[f32],
) {
    let is_bias_learned = scoring.bias.as_ref().is_some_and(|bias| bias.is_trainable(to.parameters));
    let values = (to.value(q), to.value(k), to.value(v));
    let slopes = kernel::backward(shape, scoring, values, (y, log_sum_exp, dy), is_bias_learned);
    for (var, slope) in [(q, slopes.q), (k, slopes.k), (v, slopes.v)] {
        super::elementwise::give(to, var, slope);
    }
    if let Some(bias) = scoring.bias.as_ref().filter(|_| is_bias_learned) {
        bias.add_gradient(to, &slopes.bias);
    }
}
