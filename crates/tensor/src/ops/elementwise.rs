//! Sums, products, scaling and dropout, element by element.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::activation;
use crate::kernels::vector::{self, BLOCK};
use crate::{Result, Tape, Tensor, TensorError, Var, threads};

impl Tape<'_> {
    /// a + b.
    ///
    /// # Errors
    /// When the shapes differ or are empty.
    pub fn add(&mut self, a: Var, b: Var) -> Result<Var> {
        let (rows, columns) = self.same_shape("add", a, b)?;
        let out = sum(self.data(a), self.data(b));
        let needs = self.needs(a) || self.needs(b);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Add { a, b }, needs))
    }

    /// a · b, elementwise.
    ///
    /// # Errors
    /// When the shapes differ or are empty.
    pub fn mul(&mut self, a: Var, b: Var) -> Result<Var> {
        let (rows, columns) = self.same_shape("mul", a, b)?;
        let out = product(self.data(a), self.data(b));
        let needs = self.needs(a) || self.needs(b);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Mul { a, b }, needs))
    }

    /// factor · x.
    ///
    /// # Errors
    /// When x is empty.
    pub fn scale(&mut self, x: Var, factor: f32) -> Result<Var> {
        let (rows, columns) = self.non_empty("scale", x)?;
        let out = scaled(self.data(x), factor);
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Scale { x, factor }, needs))
    }

    /// Sets each element to zero with probability `p` and scales the others by 1 / (1 − p) (Srivastava et al. 2014).
    /// Which ones is a hash of `seed` and the element's index, so nothing but the seed is kept.
    ///
    /// # Errors
    /// When x is empty or `p` is not in [0, 1).
    pub fn dropout(&mut self, x: Var, p: f32, seed: u64) -> Result<Var> {
        const OP: &str = "dropout";
        let (rows, columns) = self.non_empty(OP, x)?;
        if !(0.0..1.0).contains(&p) {
            return Err(TensorError::argument(OP, format!("the probability {p} is not in [0, 1)")));
        }
        let out = dropped(self.data(x), p, seed);
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Dropout { x, p, seed }, needs))
    }
}

/// The values of [`Tape::add`].
pub(crate) fn sum(a: &[f32], b: &[f32]) -> Buffer {
    map2(a, b, |a, b| a + b)
}

/// The values of [`Tape::mul`].
pub(crate) fn product(a: &[f32], b: &[f32]) -> Buffer {
    map2(a, b, |a, b| a * b)
}

/// The values of [`Tape::scale`].
pub(crate) fn scaled(x: &[f32], factor: f32) -> Buffer {
    map2(x, x, |x, _| x * factor)
}

/// The values of [`Tape::dropout`].
pub(crate) fn dropped(values: &[f32], p: f32, seed: u64) -> Buffer {
    let mut out = Buffer::scratch(values.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        activation::dropout(&values[block * BLOCK..], (block * BLOCK) as u64, seed, p, out, false);
    });
    out
}

fn map2(a: &[f32], b: &[f32], map: impl Fn(f32, f32) -> f32 + Sync + Send) -> Buffer {
    let mut out = Buffer::scratch(a.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        let at = block * BLOCK;
        for ((out, &a), &b) in out.iter_mut().zip(&a[at..]).zip(&b[at..]) {
            *out = map(a, b);
        }
    });
    out
}

/// Add a finished slope to that of `var`, or make it that.
pub(crate) fn give(to: &mut Slopes, var: Var, slope: Buffer) {
    if !to.needs(var) {
        return;
    }
    let (mut sum, is_new) = to.take(var);
    if is_new {
        to.put(var, slope);
        return;
    }
    threads::for_each_chunk(&mut sum, BLOCK, |block, sum| vector::add_assign(&slope[block * BLOCK..], sum));
    to.put(var, sum);
}

/// The derivative of [`Tape::add`].
pub(crate) fn add_backward(to: &mut Slopes, a: Var, b: Var, dy: Buffer) {
    if to.needs(a) && to.needs(b) {
        give(to, a, dy.clone());
        give(to, b, dy);
    } else if to.needs(a) {
        give(to, a, dy);
    } else {
        give(to, b, dy);
    }
}

/// The derivative of [`Tape::mul`].
pub(crate) fn mul_backward(to: &mut Slopes, a: Var, b: Var, dy: &[f32]) {
    for (var, other) in [(a, b), (b, a)] {
        if to.needs(var) {
            let mut slope = to.take_zeroed(var);
            let other = to.value(other);
            threads::for_each_chunk(&mut slope, BLOCK, |block, slope| {
                vector::add_product(&dy[block * BLOCK..], &other[block * BLOCK..], slope);
            });
            to.put(var, slope);
        }
    }
}

/// The derivative of [`Tape::scale`].
pub(crate) fn scale_backward(to: &mut Slopes, x: Var, factor: f32, dy: &[f32]) {
    let mut dx = to.take_zeroed(x);
    threads::for_each_chunk(&mut dx, BLOCK, |block, dx| vector::add_scaled(factor, &dy[block * BLOCK..], dx));
    to.put(x, dx);
}

/// The derivative of [`Tape::dropout`]: the same elements, the same factor.
pub(crate) fn dropout_backward(to: &mut Slopes, x: Var, p: f32, seed: u64, dy: &[f32]) {
    let (mut dx, is_new) = to.take(x);
    threads::for_each_chunk(&mut dx, BLOCK, |block, dx| {
        activation::dropout(&dy[block * BLOCK..], (block * BLOCK) as u64, seed, p, dx, !is_new);
    });
    to.put(x, dx);
}
