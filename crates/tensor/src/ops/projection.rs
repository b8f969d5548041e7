//! The last projection together with softmax and its loss, over blocks of rows: the (rows, vocabulary) logits, by far
//! the largest array of a step, never exist as a whole.

use super::Op;
use super::embedding::check_ids;
use super::linear::check_weight;
use crate::backward::Slopes as BackwardSlopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::matmul::{Format, Matrix, Packed, matmul_gram, matmul_packed};
use crate::kernels::{softmax, vector};
use crate::{ParamId, Parameters, Result, Tape, Tensor, TensorError, Var, threads};

/// Rows of logits held at once.
const ROWS: usize = 256;

/// Derivatives of a loss with slope 1, found in the forward pass while the logits were there.
pub(crate) struct Slopes {
    dx: Buffer,
    d_weight: Buffer,
}

/// The projection's weights (vocabulary, inner), packed once for all blocks.
struct Projection {
    inner: usize,
    vocabulary: usize,
    format: Format,
    /// For x · weightᵀ.
    forward: Packed,
    /// For slope · weight, where a slope is wanted.
    backward: Option<Packed>,
}

impl Projection {
    fn new(parameters: &Parameters, weight: ParamId, is_differentiated: bool) -> Projection {
        let tensor = parameters.get(weight);
        let (vocabulary, inner) = (tensor.shape()[0], tensor.shape()[1]);
        let weights = Matrix::rows(tensor.values(), inner);
        let format = Format::of(parameters.compute_dtype());
        Projection {
            inner,
            vocabulary,
            format,
            forward: Packed::parallel(format, weights.t(), inner, vocabulary),
            backward: is_differentiated.then(|| Packed::parallel(format, weights, vocabulary, inner)),
        }
    }
}

/// A block of logits: counted rows of x, gathered, and their projection.
struct Block {
    /// Rows of x in the block.
    rows: Vec<usize>,
    /// (rows, inner).
    x: Buffer,
    /// (rows, vocabulary).
    logits: Buffer,
}

impl Block {
    fn new(rows: &[usize], x: &[f32], projection: &Projection) -> Block {
        let &Projection { inner, vocabulary, .. } = projection;
        let mut gathered = Buffer::scratch(rows.len() * inner);
        for (out, &row) in gathered.chunks_exact_mut(inner).zip(rows) {
            out.copy_from_slice(&x[row * inner..][..inner]);
        }
        let mut logits = Buffer::scratch(rows.len() * vocabulary);
        matmul_packed(inner, Matrix::rows(&gathered, inner), &projection.forward, &mut logits, false);
        Block { rows: rows.to_vec(), x: gathered, logits }
    }

    /// From `logits` holding their slopes: adds to rows of dx and to d_weight.
    fn add_slopes(&self, projection: &Projection, dx: Option<&mut [f32]>, d_weight: Option<&mut [f32]>) {
        let &Projection { inner, vocabulary, format, .. } = projection;
        let rows = self.rows.len();
        if let (Some(dx), Some(weights)) = (dx, &projection.backward) {
            let mut part = Buffer::scratch(rows * inner);
            matmul_packed(vocabulary, Matrix::rows(&self.logits, vocabulary), weights, &mut part, false);
            for (part, &row) in part.chunks_exact(inner).zip(&self.rows) {
                vector::add_assign(part, &mut dx[row * inner..][..inner]);
            }
        }
        if let Some(d_weight) = d_weight {
            matmul_gram(format, (vocabulary, inner, rows), &self.logits, &self.x, d_weight);
        }
    }
}

impl Tape<'_> {
    /// `Σᵢ weights[i] · −log softmax(x · weightᵀ)[i, targets[i]]`, (1, 1): x (rows, in), weight (vocabulary, in). Rows
    /// with weight 0 cost nothing, and their targets are not looked at.
    ///
    /// # Errors
    /// When the shapes do not fit, a counted target is not below the vocabulary's size, or every weight is 0.
    pub fn linear_cross_entropy(&mut self, x: Var, weight: ParamId, targets: &[u32], weights: &[f32]) -> Result<Var> {
        const OP: &str = "linear_cross_entropy";
        let (rows, inner) = self.non_empty(OP, x)?;
        let vocabulary = check_weight(self, OP, x, weight)?;
        check_length(OP, "targets", targets.len(), rows)?;
        check_length(OP, "weights", weights.len(), rows)?;
        let counted: Vec<usize> = (0..rows).filter(|&row| weights[row] != 0.0).collect();
        if counted.is_empty() {
            return Err(TensorError::NoTargets { op: OP });
        }
        check_ids(OP, &counted.iter().map(|&row| targets[row]).collect::<Vec<_>>(), vocabulary)?;

        let (x_needs, w_needs) = (self.needs(x), self.parameters.is_trainable(weight));
        let (x_needs, w_needs) = (x_needs && self.is_recording, w_needs && self.is_recording);
        let projection = Projection::new(self.parameters, weight, x_needs);
        let mut dx = Buffer::zeros(if x_needs { rows * inner } else { 0 });
        let mut d_weight = Buffer::zeros(if w_needs { vocabulary * inner } else { 0 });
        let mut loss = 0.0f64;
        for rows in counted.chunks(ROWS) {
            let mut block = Block::new(rows, self.data(x), &projection);
            let mut losses = Buffer::scratch(rows.len());
            threads::for_each_chunk2(&mut block.logits, 16 * vocabulary, &mut losses, 16, |part, logits, losses| {
                for (i, (logits, loss)) in logits.chunks_exact_mut(vocabulary).zip(losses).enumerate() {
                    let row = rows[part * 16 + i];
                    let target = targets[row] as usize;
                    let at_target = logits[target];
                    let (max, sum) = softmax::exponentials(logits, 1.0);
                    *loss = weights[row] * (max + sum.ln() - at_target);
                    softmax::scale(logits, weights[row] / sum);
                    logits[target] -= weights[row];
                }
            });
            loss += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
            block.add_slopes(&projection, x_needs.then_some(&mut *dx), w_needs.then_some(&mut *d_weight));
        }
        let value = Tensor::matrix(1, 1, Buffer::copy_of(&[loss as f32]));
        let op = Op::LinearCrossEntropy { x, weight, slopes: Slopes { dx, d_weight } };
        Ok(self.push(value, op, x_needs || w_needs))
    }

    /// `log softmax(x · weightᵀ)[i, targets[i]]` for every row, (rows, 1): x (rows, in), weight (vocabulary, in).
    ///
    /// # Errors
    /// When the shapes do not fit or a target is not below the vocabulary's size.
    pub fn linear_log_probs(&mut self, x: Var, weight: ParamId, targets: &[u32]) -> Result<Var> {
        const OP: &str = "linear_log_probs";
        let (rows, _) = self.non_empty(OP, x)?;
        let vocabulary = check_weight(self, OP, x, weight)?;
        check_length(OP, "targets", targets.len(), rows)?;
        check_ids(OP, targets, vocabulary)?;
        let projection = Projection::new(self.parameters, weight, false);
        let (mut out, mut log_sum_exp) = (Buffer::scratch(rows), Buffer::scratch(rows));
        let all: Vec<usize> = (0..rows).collect();
        for rows in all.chunks(ROWS) {
            let block = Block::new(rows, self.data(x), &projection);
            let (first, count) = (rows[0], rows.len());
            let (out, log_sum_exp) = (&mut out[first..][..count], &mut log_sum_exp[first..][..count]);
            threads::for_each_chunk2(out, 16, log_sum_exp, 16, |part, out, log_sum_exp| {
                for (i, (out, log_sum_exp)) in out.iter_mut().zip(log_sum_exp).enumerate() {
                    let row = part * 16 + i;
                    let logits = &block.logits[row * vocabulary..][..vocabulary];
                    *log_sum_exp = softmax::log_sum_exp(logits);
                    *out = logits[targets[first + row] as usize] - *log_sum_exp;
                }
            });
        }
        let needs = self.needs(x) || self.parameters.is_trainable(weight);
        let op = Op::LinearLogProbs { x, weight, targets: targets.to_vec(), log_sum_exp };
        Ok(self.push(Tensor::matrix(rows, 1, out), op, needs))
    }
}

/// The derivative of [`Tape::linear_cross_entropy`]: what the forward pass kept, times the loss's slope.
pub(crate) fn cross_entropy_backward(to: &mut BackwardSlopes, x: Var, weight: ParamId, slopes: &Slopes, dy: f32) {
    const BLOCK: usize = vector::BLOCK;
    if to.needs(x) {
        let mut dx = to.take_zeroed(x);
        threads::for_each_chunk(&mut dx, BLOCK, |block, dx| vector::add_scaled(dy, &slopes.dx[block * BLOCK..], dx));
        to.put(x, dx);
    }
    if to.parameters.is_trainable(weight) {
        threads::for_each_chunk(to.gradients.get_mut(weight), BLOCK, |block, gradient| {
            vector::add_scaled(dy, &slopes.d_weight[block * BLOCK..], gradient);
        });
    }
}

/// The derivative of [`Tape::linear_log_probs`]; the logits are computed again, rows with slope 0 skipped.
pub(crate) fn log_probs_backward(
    to: &mut BackwardSlopes,
    x: Var,
    weight: ParamId,
    targets: &[u32],
    log_sum_exp: &[f32],
    dy: &[f32],
) {
    let parameters = to.parameters;
    let projection = Projection::new(parameters, weight, to.needs(x));
    let vocabulary = projection.vocabulary;
    let counted: Vec<usize> = (0..dy.len()).filter(|&row| dy[row] != 0.0).collect();
    let mut dx = to.needs(x).then(|| to.take_zeroed(x));
    for rows in counted.chunks(ROWS) {
        let mut block = Block::new(rows, to.value(x), &projection);
        threads::for_each_chunk(&mut block.logits, 16 * vocabulary, |part, logits| {
            for (i, logits) in logits.chunks_exact_mut(vocabulary).enumerate() {
                let row = rows[part * 16 + i];
                softmax::probabilities(logits, 1.0, log_sum_exp[row]);
                softmax::scale(logits, -dy[row]);
                logits[targets[row] as usize] += dy[row];
            }
        });
        let d_weight = parameters.is_trainable(weight).then(|| to.gradients.get_mut(weight));
        block.add_slopes(&projection, dx.as_deref_mut(), d_weight);
    }
    if let Some(dx) = dx {
        to.put(x, dx);
    }
}
