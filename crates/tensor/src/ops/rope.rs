//! Rotary position embedding.

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::rope::{Turns, rotate, rotate_in_place};
use crate::{Result, Tape, Tensor, TensorError, Var, threads};

/// Rows a block.
const ROWS: usize = 64;

/// Turns made once a tape: every layer of a model asks for the same ones.
pub(crate) struct Cached {
    positions: Buffer<u32>,
    theta: f32,
    pub(crate) turns: Turns,
}

impl Tape<'_> {
    /// Turn every head of x (rows, heads · head_dim) by its row's position (Su et al. 2021), in Hugging Face's
    /// half-split layout; angles are position · theta^(−2i / head_dim).
    ///
    /// # Errors
    /// When head_dim is odd or zero, does not divide the columns, or there is not one position a row.
    pub fn rope(&mut self, x: Var, positions: &[u32], head_dim: usize, theta: f32) -> Result<Var> {
        const OP: &str = "rope";
        let (rows, columns) = self.non_empty(OP, x)?;
        check(columns, head_dim)?;
        check_length(OP, "positions", positions.len(), rows)?;
        let turns = self.turns(positions, head_dim, theta);
        let out = forward(self.data(x), columns, &self.lists.turns[turns].turns);
        let needs = self.needs(x);
        Ok(self.push(Tensor::matrix(rows, columns, out), Op::Rope { x, turns }, needs))
    }

    /// The place of these turns in the tape's list.
    fn turns(&mut self, positions: &[u32], head_dim: usize, theta: f32) -> usize {
        let is_same = |cached: &Cached| {
            cached.turns.head_dim == head_dim && cached.theta == theta && *cached.positions == *positions
        };
        if let Some(index) = self.lists.turns.iter().position(is_same) {
            return index;
        }
        let turns = Turns::new(positions, head_dim, theta);
        self.lists.turns.push(Cached { positions: Buffer::copy_of(positions), theta, turns });
        self.lists.turns.len() - 1
    }
}

/// The values of [`Tape::rope`].
pub(crate) fn forward(values: &[f32], columns: usize, turns: &Turns) -> Buffer {
    let mut out = Buffer::scratch(values.len());
    threads::for_each_chunk(&mut out, ROWS * columns, |block, out| {
        rotate(&values[block * ROWS * columns..], out, columns, block * ROWS, turns);
    });
    out
}

/// An error unless heads of `head_dim` fill `columns` and split in halves.
pub(crate) fn check(columns: usize, head_dim: usize) -> Result<()> {
    match head_dim == 0 || !head_dim.is_multiple_of(2) || !columns.is_multiple_of(head_dim) {
        true => Err(TensorError::argument("rope", format!("heads of {head_dim} do not fit {columns} columns"))),
        false => Ok(()),
    }
}

/// The derivative turns back.
pub(crate) fn backward(to: &mut Slopes, x: Var, turns: &Turns, columns: usize, mut dy: Buffer) {
    threads::for_each_chunk(&mut dy, ROWS * columns, |block, dy| {
        rotate_in_place(dy, columns, block * ROWS, turns, -1.0);
    });
    super::elementwise::give(to, x, dy);
}
