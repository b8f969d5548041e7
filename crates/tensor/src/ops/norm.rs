//! Norms over the columns of every row.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::norm::{self, ROWS};
use crate::kernels::vector;
use crate::{ParamId, Result, Tape, Tensor, TensorError, Var, threads};

impl Tape<'_> {
    /// x / √(mean(x²) + eps) · gain over every row (Zhang & Sennrich 2019): x (rows, columns), gain (columns).
    ///
    /// # Errors
    /// When the shapes do not fit or x is empty.
    pub fn rms_norm(&mut self, x: Var, gain: ParamId, eps: f32) -> Result<Var> {
        const OP: &str = "rms_norm";
        let (rows, columns) = self.non_empty(OP, x)?;
        let gains = vector_parameter(self, OP, x, gain)?;
        let (out, inverse) = rms_forward(self.data(x), gains, eps);
        let needs = self.needs(x) || self.parameters.is_trainable(gain);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::RmsNorm { x, gain, eps, inverse }, needs))
    }

    /// (x − mean) / √(variance + eps) · gain + bias over every row (Ba, Kiros & Hinton 2016): x (rows, columns), gain
    /// and bias (columns).
    ///
    /// # Errors
    /// When the shapes do not fit or x is empty.
    pub fn layer_norm(&mut self, x: Var, gain: ParamId, bias: ParamId, eps: f32) -> Result<Var> {
        const OP: &str = "layer_norm";
        let (rows, columns) = self.non_empty(OP, x)?;
        let gains = vector_parameter(self, OP, x, gain)?;
        let biases = vector_parameter(self, OP, x, bias)?;
        let (out, statistics) = layer_forward(self.data(x), gains, biases, eps);
        let needs = self.needs(x) || self.parameters.is_trainable(gain) || self.parameters.is_trainable(bias);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::LayerNorm { x, gain, bias, eps, statistics }, needs))
    }
}

/// The values of a parameter with one value a column of `x`.
fn vector_parameter<'p>(tape: &Tape<'p>, op: &'static str, x: Var, id: ParamId) -> Result<&'p [f32]> {
    let (rows, columns) = tape.shape(x);
    let parameters = tape.parameters;
    let tensor = parameters.checked(op, id)?;
    match tensor.len() == columns {
        true => Ok(tensor.values()),
        false => Err(TensorError::shape(op, [rows, columns], tensor.shape())),
    }
}

/// The values of [`Tape::rms_norm`], and one statistic a row.
pub(crate) fn rms_forward(values: &[f32], gains: &[f32], eps: f32) -> (Buffer, Buffer) {
    let columns = gains.len();
    let (mut out, mut inverse) = (Buffer::scratch(values.len()), Buffer::scratch(values.len() / columns));
    threads::for_each_chunk2(&mut out, ROWS * columns, &mut inverse, ROWS, |block, out, inverse| {
        norm::rms_forward(&values[block * ROWS * columns..], gains, eps, out, inverse);
    });
    (out, inverse)
}

/// The values of [`Tape::layer_norm`], and two statistics a row.
pub(crate) fn layer_forward(values: &[f32], gains: &[f32], biases: &[f32], eps: f32) -> (Buffer, Buffer) {
    let columns = gains.len();
    let (mut out, mut statistics) = (Buffer::scratch(values.len()), Buffer::scratch(2 * values.len() / columns));
    threads::for_each_chunk2(&mut out, ROWS * columns, &mut statistics, 2 * ROWS, |block, out, statistics| {
        norm::layer_forward(&values[block * ROWS * columns..], gains, biases, eps, out, statistics);
    });
    (out, statistics)
}

/// The derivative of [`Tape::rms_norm`].
pub(crate) fn rms_backward(to: &mut Slopes, x: Var, gain: ParamId, inverse: &[f32], dy: &[f32]) {
    let gains = to.parameters.get(gain).values();
    let columns = gains.len();
    let mut partial = Buffer::zeros(inverse.len().div_ceil(ROWS) * columns);
    let (mut dx, is_new) = to.take(x);
    let values = to.value(x);
    threads::for_each_chunk2(&mut dx, ROWS * columns, &mut partial, columns, |block, dx, partial| {
        let at = block * ROWS * columns;
        norm::rms_backward(&values[at..], gains, &inverse[block * ROWS..], &dy[at..], dx, partial, is_new);
    });
    if to.parameters.is_trainable(gain) {
        let gradient = to.gradients.get_mut(gain);
        partial.chunks_exact(columns).for_each(|partial| vector::add_assign(partial, gradient));
    }
    to.put(x, dx);
}

/// The derivative of [`Tape::layer_norm`].
pub(crate) fn layer_backward(to: &mut Slopes, x: Var, gain: ParamId, bias: ParamId, statistics: &[f32], dy: &[f32]) {
    let gains = to.parameters.get(gain).values();
    let columns = gains.len();
    let mut partial = Buffer::zeros((statistics.len() / 2).div_ceil(ROWS) * 2 * columns);
    let (mut dx, is_new) = to.take(x);
    let values = to.value(x);
    threads::for_each_chunk2(&mut dx, ROWS * columns, &mut partial, 2 * columns, |block, dx, partial| {
        let at = block * ROWS * columns;
        norm::layer_backward(&values[at..], gains, &statistics[block * ROWS * 2..], &dy[at..], dx, partial, is_new);
    });
    for (id, first) in [(gain, 0), (bias, columns)] {
        if to.parameters.is_trainable(id) {
            let gradient = to.gradients.get_mut(id);
            partial.chunks_exact(2 * columns).for_each(|both| vector::add_assign(&both[first..][..columns], gradient));
        }
    }
    to.put(x, dx);
}
