//! Activations.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::activation;
use crate::kernels::vector::BLOCK;
use crate::{Result, Tape, Tensor, Var, threads};

impl Tape<'_> {
    /// gate · σ(gate) · up, elementwise (Shazeer 2020).
    ///
    /// # Errors
    /// When the shapes differ or are empty.
    pub fn swiglu(&mut self, gate: Var, up: Var) -> Result<Var> {
        let (rows, columns) = self.same_shape("swiglu", gate, up)?;
        let out = swiglu_forward(self.data(gate), self.data(up));
        let needs = self.needs(gate) || self.needs(up);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::SwiGlu { gate, up }, needs))
    }

    /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), elementwise: GPT-2's `gelu_new`.
    ///
    /// # Errors
    /// When x is empty.
    pub fn gelu(&mut self, x: Var) -> Result<Var> {
        let (rows, columns) = self.non_empty("gelu", x)?;
        let out = gelu_forward(self.data(x));
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Gelu { x }, needs))
    }
}

/// The values of [`Tape::swiglu`].
pub(crate) fn swiglu_forward(gates: &[f32], ups: &[f32]) -> Buffer {
    let mut out = Buffer::scratch(gates.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        activation::swiglu_forward(&gates[block * BLOCK..], &ups[block * BLOCK..], out);
    });
    out
}

/// The values of [`Tape::gelu`].
pub(crate) fn gelu_forward(values: &[f32]) -> Buffer {
    let mut out = Buffer::scratch(values.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        activation::gelu_forward(&values[block * BLOCK..], out);
    });
    out
}

/// The derivative of [`Tape::swiglu`].
pub(crate) fn swiglu_backward(to: &mut Slopes, gate: Var, up: Var, mut dy: Buffer) {
    let mut d_gate = Buffer::scratch(dy.len());
    let (gates, ups) = (to.value(gate), to.value(up));
    threads::for_each_chunk2(&mut d_gate, BLOCK, &mut dy, BLOCK, |block, d_gate, dy| {
        activation::swiglu_backward(&gates[block * BLOCK..], &ups[block * BLOCK..], dy, d_gate);
    });
    super::elementwise::give(to, gate, d_gate);
    super::elementwise::give(to, up, dy);
}

/// The derivative of [`Tape::gelu`].
pub(crate) fn gelu_backward(to: &mut Slopes, x: Var, mut dy: Buffer) {
    let values = to.value(x);
    threads::for_each_chunk(&mut dy, BLOCK, |block, dy| activation::gelu_backward(&values[block * BLOCK..], dy));
    super::elementwise::give(to, x, dy);
}
