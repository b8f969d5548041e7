//! Sums over rows.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::vector;
use crate::{Result, Tape, Tensor, TensorError, Var};

impl Tape<'_> {
    /// The sum of all values, (1, 1).
    ///
    /// # Errors
    /// When x is empty.
    pub fn sum(&mut self, x: Var) -> Result<Var> {
        self.non_empty("sum", x)?;
        self.scaled_sum(x, 1.0)
    }

    /// The mean of all values, (1, 1).
    ///
    /// # Errors
    /// When x is empty.
    pub fn mean(&mut self, x: Var) -> Result<Var> {
        let (rows, columns) = self.non_empty("mean", x)?;
        self.scaled_sum(x, 1.0 / (rows * columns) as f32)
    }

    fn scaled_sum(&mut self, x: Var, factor: f32) -> Result<Var> {
        let total = vector::sum(self.data(x)) * f64::from(factor);
        let needs = self.needs(x);
        let value = Tensor::matrix(1, 1, Buffer::copy_of(&[total as f32]));
        Ok(self.push(value, Op::Sum { x, factor }, needs))
    }

    /// Sums of a column by segment: x (rows, 1) → (segments, 1). A row without a segment counts nowhere; a segment
    /// without rows is 0.
    ///
    /// # Errors
    /// When x is not one column, `segment_of` not one entry a row, or an entry is not below `segments`.
    pub fn segment_sum(&mut self, x: Var, segment_of: &[Option<u32>], segments: usize) -> Result<Var> {
        const OP: &str = "segment_sum";
        let (rows, columns) = self.non_empty(OP, x)?;
        if columns != 1 {
            return Err(TensorError::shape(OP, [rows, columns], [rows, 1]));
        }
        check_length(OP, "segments of rows", segment_of.len(), rows)?;
        if segments == 0 {
            return Err(TensorError::Empty { op: OP, shape: vec![segments, 1] });
        }
        if let Some(&index) = segment_of.iter().flatten().find(|&&segment| segment as usize >= segments) {
            return Err(TensorError::Index { op: OP, what: "segment", index: index.into(), limit: segments as u64 });
        }
        let mut sums: Buffer<f64> = Buffer::zeros(segments);
        for (segment, &value) in segment_of.iter().zip(self.data(x)) {
            if let Some(segment) = segment {
                sums[*segment as usize] += f64::from(value);
            }
        }
        let mut out = Buffer::scratch(segments);
        out.iter_mut().zip(&*sums).for_each(|(out, &sum)| *out = sum as f32);
        let needs = self.needs(x);
        let op = Op::SegmentSum { x, segment_of: numbers_of(segment_of) };
        Ok(self.push(Tensor::matrix(segments, 1, out), op, needs))
    }
}

/// What stands for "none" where an operation keeps optional numbers; those there are stay below.
pub(crate) const NONE: u32 = u32::MAX;

/// Optional numbers in pooled memory, with [`NONE`] for none.
pub(crate) fn numbers_of(options: &[Option<u32>]) -> Buffer<u32> {
    Buffer::collect(options.len(), options.iter().map(|option| option.unwrap_or(NONE)))
}

/// The derivative of [`Tape::segment_sum`].
pub(crate) fn segment_sum_backward(to: &mut Slopes, x: Var, segment_of: &[u32], dy: &[f32]) {
    let mut dx = to.take_zeroed(x);
    for (dx, &segment) in dx.iter_mut().zip(segment_of) {
        *dx += if segment == NONE { 0.0 } else { dy[segment as usize] };
    }
    to.put(x, dx);
}

/// The derivative of [`Tape::sum`] and [`Tape::mean`].
pub(crate) fn sum_backward(to: &mut Slopes, x: Var, factor: f32, dy: f32) {
    let mut dx = to.take_zeroed(x);
    dx.iter_mut().for_each(|dx| *dx += factor * dy);
    to.put(x, dx);
}
