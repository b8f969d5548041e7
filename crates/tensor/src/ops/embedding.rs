//! Rows of a table by index.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::vector;
use crate::{ParamId, Result, Tape, Tensor, TensorError, Var, threads};

/// Rows of output a block.
const ROWS: usize = 64;

impl Tape<'_> {
    /// Row `ids[i]` of `table` (vocabulary, columns) as row `i`: (ids, columns).
    ///
    /// # Errors
    /// When there are no ids or one is not below the vocabulary's size.
    pub fn embedding(&mut self, table: ParamId, ids: &[u32]) -> Result<Var> {
        const OP: &str = "embedding";
        let tensor = self.parameters.checked(OP, table)?;
        let (vocabulary, columns) = tensor.matrix_shape(OP)?;
        check_ids(OP, ids, vocabulary)?;
        let out = forward(tensor.values(), columns, ids);
        let needs = self.parameters.is_trainable(table);
        let value = Tensor::matrix(ids.len(), columns, out);
        Ok(self.push(value, Op::Embedding { table, ids: Buffer::copy_of(ids) }, needs))
    }
}

/// The values of [`Tape::embedding`]: rows `ids` of `table`.
pub(crate) fn forward(table: &[f32], columns: usize, ids: &[u32]) -> Buffer {
    let mut out = Buffer::scratch(ids.len() * columns);
    threads::for_each_chunk(&mut out, ROWS * columns, |block, out| {
        for (out, &id) in out.chunks_exact_mut(columns).zip(&ids[block * ROWS..]) {
            out.copy_from_slice(&table[id as usize * columns..][..columns]);
        }
    });
    out
}

/// An error for an empty list of ids, or an id that is not below `limit`.
pub(crate) fn check_ids(op: &'static str, ids: &[u32], limit: usize) -> Result<()> {
    check_indices(op, "token id", ids, limit)
}

/// As [`check_ids`], for indices of `what`.
pub(crate) fn check_indices(op: &'static str, what: &'static str, indices: &[u32], limit: usize) -> Result<()> {
    if indices.is_empty() {
        return Err(TensorError::Empty { op, shape: vec![0] });
    }
    check_each(op, what, indices.iter().copied(), limit)
}

/// An error for an id that is not below `limit`.
pub(crate) fn check_each_id(op: &'static str, ids: impl Iterator<Item = u32>, limit: usize) -> Result<()> {
    check_each(op, "token id", ids, limit)
}

fn check_each(
    op: &'static str,
    what: &'static str,
    mut indices: impl Iterator<Item = u32>,
    limit: usize,
) -> Result<()> {
    match indices.find(|&index| index as usize >= limit) {
        Some(index) => Err(TensorError::Index { op, what, index: index.into(), limit: limit as u64 }),
        None => Ok(()),
    }
}

/// Adds every row's slope to its table row, each table row in the order of the ids.
pub(crate) fn backward(to: &mut Slopes, table: ParamId, ids: &[u32], dy: &[f32]) {
    add_to_rows(to.gradients.get_mut(table), ids, dy);
}

/// Adds each row of `rows` to the row of `table` that its id says, each of these in the order of the ids.
pub(crate) fn add_to_rows(table: &mut [f32], ids: &[u32], rows: &[f32]) {
    let columns = rows.len() / ids.len();
    let mut order: Buffer<u32> = Buffer::collect(ids.len(), 0..ids.len() as u32);
    order.sort_unstable_by_key(|&row| (ids[row as usize], row));
    // Table rows are split evenly, so that threads own disjoint parts of the table.
    let block_rows = (table.len() / columns).div_ceil(16).max(1);
    threads::for_each_chunk(table, block_rows * columns, |block, table| {
        let first = block * block_rows;
        let last = first + table.len() / columns;
        let start = order.partition_point(|&row| (ids[row as usize] as usize) < first);
        for &row in &order[start..] {
            let id = ids[row as usize] as usize;
            if id >= last {
                break;
            }
            let row = &rows[row as usize * columns..][..columns];
            vector::add_assign(row, &mut table[(id - first) * columns..][..columns]);
        }
    });
}
