//! Some rows of a value.

use super::Op;
use super::embedding::{self, add_to_rows, check_indices};
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

    /// Row `rows[i]` of x (rows, columns) as row `i`: the tokens that a head looks at, such as the first of every
    /// sequence or the masked ones. A row may be asked for more than once.
    ///
    /// # Errors
    /// When no row is asked for, or one that x does not have.
    pub fn gather(&mut self, x: Var, rows: &[u32]) -> Result<Var> {
        const OP: &str = "gather";
        let (limit, columns) = self.non_empty(OP, x)?;
        check_indices(OP, "row", rows, limit)?;
        let value = Tensor::matrix(rows.len(), columns, embedding::forward(self.data(x), columns, rows));
        let needs = self.needs(x);
        Ok(self.push(value, Op::Gather { x, rows: Buffer::copy_of(rows) }, needs))
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

/// The derivative of [`Tape::gather`].
pub(crate) fn gather_backward(to: &mut Slopes, x: Var, rows: &[u32], dy: &[f32]) {
    let mut dx = to.take_zeroed(x);
    add_to_rows(&mut dx, rows, dy);
    to.put(x, dx);
}
