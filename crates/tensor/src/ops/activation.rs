//! Activations.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::activation;
use crate::kernels::vector::BLOCK;
use crate::{Result, Tape, Tensor, Var, threads};

/// A function of one number, applied to each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    GeluErf,
    Relu,
    Silu,
    Tanh,
}

impl Curve {
    fn in_place(self) -> fn(&mut [f32]) {
        match self {
            Curve::GeluErf => activation::gelu_erf_in_place,
            Curve::Relu => activation::relu_in_place,
            Curve::Silu => activation::silu_in_place,
            Curve::Tanh => activation::tanh_in_place,
        }
    }

    /// `backward(x, dy)` leaves the slope by x where that by the output stood.
    fn backward(self) -> fn(&[f32], &mut [f32]) {
        match self {
            Curve::GeluErf => activation::gelu_erf_backward,
            Curve::Relu => activation::relu_backward,
            Curve::Silu => activation::silu_backward,
            Curve::Tanh => activation::tanh_backward,
        }
    }
}

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

    /// gelu(gate) · up, elementwise (Shazeer 2020), with the tanh form of [`Tape::gelu`]: T5 v1.1 and Gemma.
    ///
    /// # Errors
    /// When the shapes differ or are empty.
    pub fn geglu(&mut self, gate: Var, up: Var) -> Result<Var> {
        let (rows, columns) = self.same_shape("geglu", gate, up)?;
        let out = geglu_forward(self.data(gate), self.data(up));
        let needs = self.needs(gate) || self.needs(up);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::GeGlu { gate, up }, needs))
    }

    /// x · (1 + erf(x / √2)) / 2, elementwise: gelu as it is defined (Hendrycks & Gimpel 2016), BERT's `gelu`.
    ///
    /// # Errors
    /// When x is empty.
    pub fn gelu_erf(&mut self, x: Var) -> Result<Var> {
        self.curve("gelu_erf", x, Curve::GeluErf)
    }

    /// max(x, 0), elementwise: T5 before v1.1.
    ///
    /// # Errors
    /// When x is empty.
    pub fn relu(&mut self, x: Var) -> Result<Var> {
        self.curve("relu", x, Curve::Relu)
    }

    /// x · σ(x), elementwise.
    ///
    /// # Errors
    /// When x is empty.
    pub fn silu(&mut self, x: Var) -> Result<Var> {
        self.curve("silu", x, Curve::Silu)
    }

    /// tanh(x), elementwise: BERT's pooler.
    ///
    /// # Errors
    /// When x is empty.
    pub fn tanh(&mut self, x: Var) -> Result<Var> {
        self.curve("tanh", x, Curve::Tanh)
    }

    fn curve(&mut self, op: &'static str, x: Var, curve: Curve) -> Result<Var> {
        let (rows, columns) = self.non_empty(op, x)?;
        let out = curve_forward(curve, self.data(x));
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Curve { x, curve }, needs))
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

/// The values of [`Tape::geglu`].
pub(crate) fn geglu_forward(gates: &[f32], ups: &[f32]) -> Buffer {
    let mut out = Buffer::scratch(gates.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        out.copy_from_slice(&gates[block * BLOCK..][..out.len()]);
        activation::geglu_in_place(out, &ups[block * BLOCK..]);
    });
    out
}

/// The values of every [`Curve`].
pub(crate) fn curve_forward(curve: Curve, values: &[f32]) -> Buffer {
    let mut out = Buffer::scratch(values.len());
    let in_place = curve.in_place();
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        out.copy_from_slice(&values[block * BLOCK..][..out.len()]);
        in_place(out);
    });
    out
}

/// The derivative of [`Tape::swiglu`].
pub(crate) fn swiglu_backward(to: &mut Slopes, gate: Var, up: Var, dy: Buffer) {
    gated_backward(to, gate, up, dy, activation::swiglu_backward);
}

/// The derivative of [`Tape::geglu`].
pub(crate) fn geglu_backward(to: &mut Slopes, gate: Var, up: Var, dy: Buffer) {
    gated_backward(to, gate, up, dy, activation::geglu_backward);
}

/// `kernel(gate, up, dy, d_gate)` leaves the slope of `up` where dy was.
type GatedBackward = fn(&[f32], &[f32], &mut [f32], &mut [f32]);

fn gated_backward(to: &mut Slopes, gate: Var, up: Var, mut dy: Buffer, kernel: GatedBackward) {
    let mut d_gate = Buffer::scratch(dy.len());
    let (gates, ups) = (to.value(gate), to.value(up));
    threads::for_each_chunk2(&mut d_gate, BLOCK, &mut dy, BLOCK, |block, d_gate, dy| {
        kernel(&gates[block * BLOCK..], &ups[block * BLOCK..], dy, d_gate);
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

/// The derivative of every [`Curve`].
pub(crate) fn curve_backward(to: &mut Slopes, x: Var, curve: Curve, mut dy: Buffer) {
    let (values, backward) = (to.value(x), curve.backward());
    threads::for_each_chunk(&mut dy, BLOCK, |block, dy| backward(&values[block * BLOCK..], dy));
    super::elementwise::give(to, x, dy);
}
