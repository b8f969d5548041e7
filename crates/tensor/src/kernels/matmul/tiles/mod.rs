//! Products by the tile registers of AMX: which rows meet which panels in what order.
//!
//! The plan is that of the other kernels (see the parent), with numbers of its own. A block of rows of A is packed whole
//! and stays in the second-level cache. Then come the panels of B, 512 of the depth at a time (32 KiB, which stay in the
//! first level), and all rows of the block pass each; sums wait in the output between two passes. Unlike in the other
//! formats A is given as it is and rounded here, so that the rows of activations, the columns of a weight's gradient and
//! the probabilities of attention all come the same way.
//!
//! No sum depends on how many rows are worked on at once: passes along the depth follow from the shapes.

#[cfg(target_arch = "x86_64")]
mod assembly;
mod pack;
mod registers;

#[cfg(target_arch = "x86_64")]
pub(crate) use registers::count;

use std::ops::Range;

use super::Packed;
use registers::{Block, ROWS, SIDE, TILE, Tiles};

/// Tiles along the depth of one pass, at most.
const PASS: usize = 16;
/// Packed values of A that a block of rows may have: half a mebibyte in bf16, a quarter of the second-level cache of the
/// processors that have AMX.
const LEFT: usize = 1 << 18;
/// Values of the depth, and rows, that a pass of a weight gradient takes: as many values of A together. Less depth would
/// read and write the gradient more often, fewer rows the packed operand.
pub(super) const GRAM_DEPTH: usize = 1024;
pub(super) const GRAM_ROWS: usize = LEFT / GRAM_DEPTH;

/// Words of a column of a packed panel: whole tiles.
pub(super) fn words(depth: usize) -> usize {
    pack::tiles(depth) * ROWS
}

/// Rows of a block of `c (m, n) = a (m, k) · b` that a thread takes: enough to use a panel of B often, few enough for the
/// cache, and enough blocks for a handful of threads.
pub(super) fn block_rows(m: usize, k: usize) -> usize {
    let fit = (LEFT / k.max(1)).clamp(2 * SIDE, 8 * SIDE) / SIDE * SIDE;
    fit.min(m.div_ceil(4).next_multiple_of(SIDE))
}

pub(super) use pack::{left, left_words, panel as fill_panel};

/// The operands of a product on this thread: `c (m, columns) (+)= left (m, k) · b[first.., columns]`.
pub(super) struct Product<'a> {
    pub(super) m: usize,
    pub(super) k: usize,
    /// As [`left`] packs it.
    pub(super) left: &'a [f32],
    pub(super) b: &'a Packed,
    /// Where in the depth of b; a multiple of 32.
    pub(super) first: usize,
    /// Of b; the first starts a panel.
    pub(super) columns: Range<usize>,
    /// Between rows of c.
    pub(super) stride: usize,
    pub(super) is_added: bool,
}

impl Product<'_> {
    pub(super) fn run(&self, c: &mut [f32]) {
        let &Product { m, k, left, b, first, ref columns, stride, is_added } = self;
        assert!(first.is_multiple_of(pack::DEPTH), "a product from inside a tile");
        assert!(
            words(first) + words(k) <= b.steps() && columns.end <= b.columns(),
            "a product outside its packed operand"
        );
        assert!(columns.start.is_multiple_of(SIDE), "a product from inside a panel");
        if k == 0 {
            if !is_added {
                (0..m).for_each(|row| c[row * stride..][..columns.len()].fill(0.0));
            }
            return;
        }
        let registers = Tiles::configure();
        for column in columns.clone().step_by(SIDE) {
            let width = SIDE.min(columns.end - column);
            let panel = b.panel(column, words(first));
            pass(
                &registers,
                left,
                panel,
                (m, width, pack::tiles(k)),
                &mut c[column - columns.start..],
                stride,
                is_added,
            );
        }
    }
}

/// `c (m, width) (+)= left · panel` for m rows of packed A and a panel of packed B, `tiles` deep.
fn pass(
    registers: &Tiles,
    left: &[f32],
    panel: &[f32],
    (m, width, tiles): (usize, usize, usize),
    c: &mut [f32],
    stride: usize,
    is_added: bool,
) {
    // Passes of equal length, so that none has much of the sums' coming and going for little work.
    let length = tiles.div_ceil(tiles.div_ceil(PASS));
    for from in (0..tiles).step_by(length) {
        for row in (0..m).step_by(SIDE) {
            let block = Block {
                left: &left[(row / ROWS * tiles + from) * TILE..],
                tile_stride: tiles * TILE,
                right: &panel[from * ROWS * SIDE..],
                tiles: length.min(tiles - from),
                height: SIDE.min(m - row),
                width,
                stride,
                is_added: is_added || from > 0,
            };
            registers.multiply(&block, &mut c[row * stride..]);
        }
    }
}
