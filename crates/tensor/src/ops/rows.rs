//! Some rows of a value.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::vector::{self, BLOCK};
use crate::{Result, Tape, Tensor, TensorError, Var, threads};

impl Tape<'_> {
    /// Rows `first..first + count` of x (rows, columns) → (count, columns).
    ///
    /// # Errors
    /// When there are no such rows, or none.
    pub fn rows(&mut self, x: Var, first: usize, count: usize) -> Result<Var> {
        const OP: &str = "rows";
        let (rows, columns) = self.non_empty(OP, x)?;
        if count == 0 {
            return Err(TensorError::Empty { op: OP, shape: vec![count, columns] });
        }
        let end = first.saturating_add(count);
        if end > rows {
            return Err(TensorError::Index { op: OP, what: "row", index: end as u64 - 1, limit: rows as u64 });
        }
        let values = &self.data(x)[first * columns..end * columns];
        let out = forward(values);
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(count, columns, out), Op::Rows { x, first }, needs))
    }
}

/// The values of [`Tape::rows`], which are `values` themselves.
pub(crate) fn forward(values: &[f32]) -> Buffer {
    let mut out = Buffer::scratch(values.len());
    threads::for_each_chunk(&mut out, BLOCK, |block, out| {
        out.copy_from_slice(&values[block * BLOCK..][..out.len()]);
    });
    out
}

/// The derivative of [`Tape::rows`], `columns` to a row.
pub(crate) fn backward(to: &mut Slopes, x: Var, first: usize, columns: usize, dy: &[f32]) {
    let mut dx = to.take_zeroed(x);
    threads::for_each_chunk(&mut dx[first * columns..][..dy.len()], BLOCK, |block, dx| {
        vector::add_assign(&dy[block * BLOCK..], dx);
    });
    to.put(x, dx);
}
