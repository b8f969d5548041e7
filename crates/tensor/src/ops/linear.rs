//! The linear map with an optional bias, and its derivatives.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::matmul::{
    Format, Matrix, Packed, block_rows, matmul_gram, matmul_packed, matmul_packed_then, product_block,
};
use crate::kernels::vector;
use crate::{ParamId, Parameters, Result, Tape, Tensor, TensorError, Var, profile, threads};

/// A linear layer: its weight (out, in) and bias (out), as in `torch.nn.Linear`. A parameter alone is one without a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearIds {
    /// The matrix.
    pub weight: ParamId,
    /// The bias, where there is one.
    pub bias: Option<ParamId>,
}

impl From<ParamId> for LinearIds {
    fn from(weight: ParamId) -> LinearIds {
        LinearIds { weight, bias: None }
    }
}

impl Tape<'_> {
    /// x · weightᵀ + bias: x (rows, in), weight (out, in), bias (out) → (rows, out). The layout of `weight` is that of
    /// `torch.nn.Linear`.
    ///
    /// # Errors
    /// When the shapes do not fit or x is empty.
    pub fn linear(&mut self, x: Var, weight: ParamId, bias: Option<ParamId>) -> Result<Var> {
        const OP: &str = "linear";
        let (rows, _) = self.non_empty(OP, x)?;
        let outer = check_weight(self, OP, x, weight)?;
        let mut needs = self.needs(x) || self.parameters.is_trainable(weight);
        if let Some(bias) = bias {
            check_bias(self, OP, weight, bias)?;
            needs |= self.parameters.is_trainable(bias);
        }
        let out = forward(self.parameters, self.data(x), weight, bias);
        Ok(self.push(Tensor::matrix(rows, outer, out), Op::Linear { x, weight, bias }, needs))
    }

    /// x · weightᵀ + bias for the last projection: x (rows, in), weight (vocabulary, in) → (rows, vocabulary).
    /// Training uses [`Tape::linear_cross_entropy`], which never holds the whole of this.
    ///
    /// # Errors
    /// When the shapes do not fit or x is empty.
    pub fn logits(&mut self, x: Var, head: impl Into<LinearIds>) -> Result<Var> {
        let LinearIds { weight, bias } = head.into();
        self.linear(x, weight, bias)
    }
}

/// The values of [`Tape::linear`].
pub(crate) fn forward(parameters: &Parameters, x: &[f32], weight: ParamId, bias: Option<ParamId>) -> Buffer {
    let tensor = parameters.get(weight);
    let (outer, inner) = (tensor.shape()[0], tensor.shape()[1]);
    let mut out = Buffer::scratch(x.len() / inner * outer);
    let format = Format::of(parameters.compute_dtype());
    let weights = Packed::parallel(format, Matrix::rows(tensor.values(), inner).t(), inner, outer);
    let x = Matrix::rows(x, inner);
    match bias.map(|bias| parameters.get(bias).values()) {
        None => matmul_packed(inner, x, &weights, &mut out, false),
        Some(bias) => matmul_packed_then(inner, x, &weights, &mut out, false, |out| {
            out.chunks_exact_mut(outer).for_each(|out| vector::add_assign(bias, out));
        }),
    }
    out
}

/// The first dimension of `weight`, when its second is the width of `x`.
pub(crate) fn check_weight(tape: &Tape, op: &'static str, x: Var, weight: ParamId) -> Result<usize> {
    let (rows, inner) = tape.shape(x);
    let tensor = tape.parameters.checked(op, weight)?;
    match *tensor.shape() {
        [outer, columns] if columns == inner => Ok(outer),
        _ => Err(TensorError::shape(op, [rows, inner], tensor.shape())),
    }
}

/// `Ok` when `bias` has a number for each output of `weight`.
pub(crate) fn check_bias(tape: &Tape, op: &'static str, weight: ParamId, bias: ParamId) -> Result<()> {
    let (weight, bias) = (tape.parameters.checked(op, weight)?.shape(), tape.parameters.checked(op, bias)?);
    match weight.first() == Some(&bias.len()) {
        true => Ok(()),
        false => Err(TensorError::shape(op, weight, bias.shape())),
    }
}

/// dx += dy · W, dW += dyᵀ · x, d_bias += Σ rows of dy.
pub(crate) fn backward(to: &mut Slopes, x: Var, weight: ParamId, bias: Option<ParamId>, dy: &[f32]) {
    let format = Format::of(to.parameters.compute_dtype());
    let outer = to.parameters.get(weight).shape()[0];
    let inner = to.parameters.get(weight).shape()[1];
    let rows = dy.len() / outer;
    let bias = bias.filter(|&bias| to.parameters.is_trainable(bias));
    let nodes = to.nodes;
    if to.parameters.is_trainable(weight) {
        let start = profile::start();
        let values = nodes[x.index()].value.values();
        matmul_gram(format, (outer, inner, rows), dy, values, to.gradients.get_mut(weight));
        profile::stop(start, "backward", "linear: weight");
    }
    if !to.needs(x) {
        if let Some(bias) = bias {
            add_bias_gradient(dy, to.gradients.get_mut(bias));
        }
        return;
    }
    let start = profile::start();
    let (mut dx, is_new) = to.take(x);
    let weights = Matrix::rows(to.parameters.get(weight).values(), inner);
    let weights = Packed::parallel(format, weights, outer, inner);
    match bias {
        None => matmul_packed(outer, Matrix::rows(dy, outer), &weights, &mut dx, !is_new),
        Some(bias) => {
            // The product has just read these rows, so that their sum costs no way to memory.
            let height = block_rows(format, rows, outer);
            let mut partial = Buffer::zeros(rows.div_ceil(height) * outer);
            threads::for_each_chunk2(&mut dx, height * inner, &mut partial, outer, |block, dx, partial| {
                let dy = &dy[block * height * outer..][..dx.len() / inner * outer];
                product_block(outer, Matrix::rows(dy, outer), &weights, dx, !is_new);
                vector::add_columns(dy, partial);
            });
            let gradient = to.gradients.get_mut(bias);
            partial.chunks_exact(outer).for_each(|partial| vector::add_assign(partial, gradient));
        }
    }
    to.put(x, dx);
    profile::stop(start, "backward", "linear: input");
}

/// `gradient += Σ rows of dy`, by blocks of rows that are then added in order.
pub(crate) fn add_bias_gradient(dy: &[f32], gradient: &mut [f32]) {
    const ROWS: usize = 256;
    let outer = gradient.len();
    let mut partial = Buffer::zeros(dy.len().div_ceil(ROWS * outer) * outer);
    threads::for_each_chunk(&mut partial, outer, |block, partial| {
        let rows = &dy[block * ROWS * outer..];
        vector::add_columns(&rows[..rows.len().min(ROWS * outer)], partial);
    });
    partial.chunks_exact(outer).for_each(|partial| vector::add_assign(partial, gradient));
}
