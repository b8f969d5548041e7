//! Scaled dot-product attention, with the mask given as a value.

use std::ops::Range;
use std::sync::Arc;

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::attention as kernel;
use crate::{Result, Tape, Tensor, TensorError, Var};

/// Which keys a query may see. Queries and keys are the tokens of one row of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Itself and what came before (decoders).
    Causal,
    /// Everything (encoders).
    Full,
    /// Causal inside a document, nothing outside: several documents packed into one row of the batch.
    Packed {
        /// One number a token, (batch · time): a document is a run of equal numbers within a row of the batch.
        document_of: Arc<[u32]>,
    },
    /// The first `length` tokens see each other; later ones see those and what came before (prefix language models).
    Prefix {
        /// Tokens of the prefix, the same for every row of the batch.
        length: usize,
    },
}

/// The sizes of an attention operation. `n_heads` is a multiple of `n_kv_heads` (grouped queries, Ainslie et al. 2023).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionShape {
    /// Sequences.
    pub batch: usize,
    /// Tokens a sequence.
    pub time: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; query head h uses number h · n_kv_heads / n_heads.
    pub n_kv_heads: usize,
    /// Columns a head.
    pub head_dim: usize,
}

/// The keys every query sees, as a range: all our masks are ranges.
pub(crate) struct Spans {
    time: usize,
    /// (time) when all rows of the batch are alike, (batch · time) otherwise; start and end.
    spans: Vec<(u32, u32)>,
}

impl Spans {
    fn new(mask: &Mask, shape: &AttentionShape) -> Spans {
        let time = shape.time;
        let spans = match mask {
            Mask::Causal => (0..time).map(|t| (0, t as u32 + 1)).collect(),
            Mask::Full => vec![(0, time as u32); time],
            Mask::Prefix { length } => (0..time).map(|t| (0, (t + 1).max(*length).min(time) as u32)).collect(),
            Mask::Packed { document_of } => {
                let mut spans = Vec::with_capacity(document_of.len());
                for row in document_of.chunks(time) {
                    let mut start = 0;
                    for t in 0..row.len() {
                        if t > 0 && row[t] != row[t - 1] {
                            start = t as u32;
                        }
                        spans.push((start, t as u32 + 1));
                    }
                }
                spans
            }
        };
        Spans { time, spans }
    }

    /// The keys that query `t` of sequence `b` sees; never empty.
    pub(crate) fn of(&self, b: usize, t: usize) -> (usize, usize) {
        let base = if self.spans.len() > self.time { b * self.time } else { 0 };
        let (start, end) = self.spans[base + t];
        (start as usize, end as usize)
    }

    /// The keys that any query of a block sees.
    pub(crate) fn union(&self, b: usize, block: Range<usize>) -> (usize, usize) {
        let spans = block.map(|t| self.of(b, t));
        spans.fold((usize::MAX, 0), |(low, high), (start, end)| (low.min(start), high.max(end)))
    }
}

impl Tape<'_> {
    /// softmax(q · kᵀ / √head_dim) · v for every head, over the keys that `mask` lets a query see: q (batch · time,
    /// n_heads · head_dim), k and v (batch · time, n_kv_heads · head_dim) → the shape of q.
    ///
    /// Probabilities are never kept; the backward pass computes them again from one number a row.
    ///
    /// # Errors
    /// When a shape does not fit `shape`, or the mask does not fit the batch.
    pub fn attention(&mut self, q: Var, k: Var, v: Var, shape: &AttentionShape, mask: &Mask) -> Result<Var> {
        const OP: &str = "attention";
        let &AttentionShape { batch, time, n_heads, n_kv_heads, head_dim } = shape;
        let (rows, columns) = (batch * time, n_heads * head_dim);
        if rows * columns == 0 || n_kv_heads == 0 {
            return Err(TensorError::Empty { op: OP, shape: vec![batch, time, n_heads, n_kv_heads, head_dim] });
        }
        if !n_heads.is_multiple_of(n_kv_heads) {
            let what = format!("{n_heads} query heads cannot share {n_kv_heads} key/value heads evenly");
            return Err(TensorError::argument(OP, what));
        }
        for (var, columns) in [(q, columns), (k, n_kv_heads * head_dim), (v, n_kv_heads * head_dim)] {
            let found = self.shape(var);
            if found != (rows, columns) {
                return Err(TensorError::shape(OP, [found.0, found.1], [rows, columns]));
            }
        }
        if let Mask::Packed { document_of } = mask {
            check_length(OP, "document numbers", document_of.len(), rows)?;
        }
        let spans = Spans::new(mask, shape);
        let (mut out, mut log_sum_exp) = (Buffer::scratch(rows * columns), Buffer::scratch(rows * n_heads));
        kernel::forward(shape, &spans, (self.data(q), self.data(k), self.data(v)), &mut out, &mut log_sum_exp);
        let needs = self.needs(q) || self.needs(k) || self.needs(v);
        let op = Op::Attention { q, k, v, shape: *shape, spans, log_sum_exp };
        Ok(self.push(Tensor::matrix(rows, columns, out), op, needs))
    }
}

/// The derivative of [`Tape::attention`]; `y` is its output.
pub(crate) fn backward(
    to: &mut Slopes,
    (q, k, v): (Var, Var, Var),
    shape: &AttentionShape,
    spans: &Spans,
    y: &[f32],
    log_sum_exp: &[f32],
    dy: &[f32],
) {
    let slopes = kernel::backward(shape, spans, (to.value(q), to.value(k), to.value(v)), (y, log_sum_exp, dy));
    for (var, slope) in [q, k, v].into_iter().zip(slopes) {
        super::elementwise::give(to, var, slope);
    }
}
