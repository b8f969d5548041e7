//! The last projection with its softmax, for a group of rows at a time.
//!
//! The (rows, vocabulary) logits are by far the largest array of a step and never exist as a whole. Those of a group lie
//! block by block of the vocabulary, each (group, columns): a block of the weights is packed once for all rows of the
//! group and read from the second-level cache, and the softmax is put together from what every block found of a row. (A
//! thread that took a few rows through the whole vocabulary read all weights from memory for each few rows: at 8192
//! words the products ran at 60 % of what the processor can do.)
//!
//! Legend: G rows of the group, V vocabulary, D columns of x; blocks of `COLUMNS` words.

use super::matmul::{Format, Matrix, Packed, Words, gram_alone, product_block};
use super::{softmax, vector};
use crate::buffer::Buffer;
use crate::threads;

/// Words a block: 1152 bytes a row, so that rows of a block lie in different sets of the first-level cache.
const COLUMNS: usize = 288;
/// Rows of a product before its next panel: they stay in the second-level cache.
const ROWS: usize = 96;
/// Columns of x's slopes a thread takes at least.
const NARROW: usize = 96;
/// Logits held at once: groups are as large as this allows, so that packing the weights costs little, ...
const LOGITS: usize = 1 << 23;
/// ... but within these bounds.
const GROUP: std::ops::RangeInclusive<usize> = 384..=1024;

/// The weights (V, D) and the bias (V).
pub(crate) struct Projection<'p> {
    pub(crate) weights: &'p [f32],
    pub(crate) bias: Option<&'p [f32]>,
    pub(crate) inner: usize,
    pub(crate) vocabulary: usize,
    pub(crate) format: Format,
}

/// What is known of a row of logits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// log Z, the logarithm of the sum of exponentials.
    pub(crate) log_z: f32,
    pub(crate) at_target: f32,
    /// The mean of the logits.
    pub(crate) mean: f32,
}

/// The slope by a row's logits: `probability · softmax + everywhere`, and `at_target` more at the target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowSlope {
    pub(crate) probability: f32,
    pub(crate) everywhere: f32,
    pub(crate) at_target: f32,
}

/// Where slopes are added, as far as they are wanted.
#[derive(Default)]
pub(crate) struct Sinks<'a> {
    /// (all rows, D).
    pub(crate) x: Option<&'a mut [f32]>,
    /// (V, D).
    pub(crate) weight: Option<&'a mut [f32]>,
    /// (V).
    pub(crate) bias: Option<&'a mut [f32]>,
}

impl Sinks<'_> {
    fn is_empty(&self) -> bool {
        self.x.is_none() && self.weight.is_none() && self.bias.is_none()
    }
}

/// What one block of the vocabulary found of a row: four numbers, so that they fit a buffer.
mod part {
    pub(super) const MAXIMUM: usize = 0;
    /// Of exponentials of logits less the maximum.
    pub(super) const SUM: usize = 1;
    pub(super) const TOTAL: usize = 2;
    pub(super) const AT_TARGET: usize = 3;
    pub(super) const SIZE: usize = 4;
    /// Later, in place of the maximum: what turns the block's exponentials into slopes.
    pub(super) const FACTOR: usize = 0;
}

impl Projection<'_> {
    /// Takes the rows of `x` (any, D) that `rows` names through the projection, in groups: `finish(row, facts)` sees every
    /// row in order and says its slope, of which the derivatives are added `to` where they are wanted. `target_of` gives
    /// the target of a row.
    pub(crate) fn run(
        &self,
        rows: &[usize],
        x: &[f32],
        target_of: &(dyn Fn(usize) -> u32 + Sync),
        mut to: Sinks,
        finish: &mut dyn FnMut(usize, Row) -> RowSlope,
    ) {
        if rows.is_empty() {
            return;
        }
        let most = (LOGITS / self.vocabulary).clamp(*GROUP.start(), *GROUP.end());
        let groups = rows.len().div_ceil(most);
        for rows in rows.chunks(rows.len().div_ceil(groups).next_multiple_of(12)) {
            self.group(rows, x, target_of, &mut to, finish);
        }
    }

    fn group(
        &self,
        rows: &[usize],
        x: &[f32],
        target_of: &(dyn Fn(usize) -> u32 + Sync),
        to: &mut Sinks,
        finish: &mut dyn FnMut(usize, Row) -> RowSlope,
    ) {
        let &Projection { inner, vocabulary, .. } = self;
        let count = rows.len();
        let is_run = rows[count - 1] - rows[0] + 1 == count;
        let mut gathered = Buffer::scratch(if is_run { 0 } else { count * inner });
        for (out, &row) in gathered.chunks_exact_mut(inner).zip(rows) {
            out.copy_from_slice(&x[row * inner..][..inner]);
        }
        let x = if is_run { &x[rows[0] * inner..][..count * inner] } else { &*gathered };

        // Tiles round x themselves, once for all blocks and not once for each.
        let mut room = Buffer::scratch(0);
        let words = self.format.is_tiles().then(|| Words::of(self.format, x, inner, &mut room));
        let mut logits = Buffer::scratch(count * vocabulary);
        let mut parts = Buffer::scratch(vocabulary.div_ceil(COLUMNS) * count * part::SIZE);
        threads::for_each_chunk2(
            &mut logits,
            count * COLUMNS,
            &mut parts,
            count * part::SIZE,
            |block, logits, parts| self.logits(block, rows, (x, words.as_ref()), target_of, logits, parts),
        );
        let mut slopes = Buffer::scratch(2 * count);
        let mut is_flat = true;
        for (index, &row) in rows.iter().enumerate() {
            let (found, sum) = combine(&mut parts, index, count, vocabulary);
            let slope = finish(row, found);
            for parts in parts.chunks_exact_mut(count * part::SIZE) {
                parts[index * part::SIZE + part::FACTOR] *= slope.probability / sum;
            }
            slopes[2 * index] = slope.everywhere;
            slopes[2 * index + 1] = slope.at_target;
            is_flat &= slope.everywhere == 0.0;
        }
        if to.is_empty() {
            return;
        }
        let slope = |block: usize, logits: &mut [f32]| {
            self.slope(block, rows, target_of, &parts[block * count * part::SIZE..], &slopes, is_flat, logits);
        };
        match &mut to.weight {
            Some(weight) => {
                threads::for_each_chunk2(
                    &mut logits,
                    count * COLUMNS,
                    weight,
                    COLUMNS * inner,
                    |block, logits, weight| {
                        slope(block, logits);
                        gram_alone(self.format, (logits.len() / count, inner, count), logits, x, weight);
                    },
                );
            }
            None => threads::for_each_chunk(&mut logits, count * COLUMNS, slope),
        }
        if let Some(bias) = &mut to.bias {
            for (bias, logits) in bias.chunks_mut(COLUMNS).zip(logits.chunks(count * COLUMNS)) {
                vector::add_columns(logits, bias);
            }
        }
        if let Some(dx) = &mut to.x {
            self.slope_by_x(&logits, rows, dx);
        }
    }

    /// Words of a block.
    fn width(&self, block: usize) -> usize {
        COLUMNS.min(self.vocabulary - block * COLUMNS)
    }

    /// A block's logits, as exponentials of themselves less the largest of the row's block.
    fn logits(
        &self,
        block: usize,
        rows: &[usize],
        (x, words): (&[f32], Option<&Words>),
        target_of: &(dyn Fn(usize) -> u32 + Sync),
        logits: &mut [f32],
        parts: &mut [f32],
    ) {
        let (inner, width, first) = (self.inner, self.width(block), block * COLUMNS);
        let weights = Matrix::rows(&self.weights[first * inner..], inner).t();
        let weights = Packed::new(self.format, weights, inner, width);
        match words {
            Some(words) => words.product(0..width, &weights, logits, width),
            None => {
                for (from, logits) in logits.chunks_mut(ROWS * width).enumerate() {
                    product_block(inner, Matrix::rows(&x[from * ROWS * inner..], inner), &weights, logits, false);
                }
            }
        }
        let lines = logits.chunks_exact_mut(width).zip(parts.chunks_exact_mut(part::SIZE));
        for ((logits, parts), &row) in lines.zip(rows) {
            if let Some(bias) = self.bias {
                vector::add_assign(&bias[first..][..width], logits);
            }
            parts[part::TOTAL] = vector::block_sum(logits);
            let target = (target_of(row) as usize).wrapping_sub(first);
            parts[part::AT_TARGET] = logits.get(target).copied().unwrap_or(f32::NEG_INFINITY);
            (parts[part::MAXIMUM], parts[part::SUM]) = softmax::exponentials(logits, 1.0);
        }
    }

    /// From a block's exponentials to the slopes by its logits.
    fn slope(
        &self,
        block: usize,
        rows: &[usize],
        target_of: &(dyn Fn(usize) -> u32 + Sync),
        parts: &[f32],
        slopes: &[f32],
        is_flat: bool,
        logits: &mut [f32],
    ) {
        let (width, first) = (self.width(block), block * COLUMNS);
        let lines = logits.chunks_exact_mut(width).zip(parts.chunks_exact(part::SIZE)).zip(slopes.chunks_exact(2));
        for (((logits, parts), slopes), &row) in lines.zip(rows) {
            softmax::scale(logits, parts[part::FACTOR]);
            if !is_flat {
                logits.iter_mut().for_each(|slope| *slope += slopes[0]);
            }
            if let Some(slope) = logits.get_mut((target_of(row) as usize).wrapping_sub(first)) {
                *slope += slopes[1];
            }
        }
    }

    /// `dx[row] += slopes · weights`: threads share the columns of dx, so that each packs only its own of the weights.
    fn slope_by_x(&self, slopes: &[f32], rows: &[usize], dx: &mut [f32]) {
        let &Projection { inner, format, .. } = self;
        let count = rows.len();
        // How columns and rows are shared out shows in no sum.
        let wide = inner.div_ceil(threads::threads()).next_multiple_of(32).max(NARROW);
        let bands = threads::threads().div_ceil(inner.div_ceil(wide));
        let tall = count.div_ceil(bands).next_multiple_of(ROWS);
        let bands = count.div_ceil(tall);
        // A part of dx is (tall, wide); its last columns and rows are left alone where dx is smaller.
        let mut parts = Buffer::scratch(inner.div_ceil(wide) * bands * tall * wide);
        threads::for_each_chunk(&mut parts, tall * wide, |index, part| {
            let (column, band) = (index / bands * wide, index % bands * tall);
            let (columns, height) = (wide.min(inner - column), tall.min(count - band));
            let mut weights = Packed::empty(format, COLUMNS, columns);
            for (block, slopes) in slopes.chunks(count * COLUMNS).enumerate() {
                let width = self.width(block);
                weights.fill(Matrix::rows(&self.weights[block * COLUMNS * inner + column..], inner), width);
                let slopes = &slopes[band * width..][..height * width];
                let parts = part[..height * columns].chunks_mut(ROWS * columns);
                for (slopes, part) in slopes.chunks(ROWS * width).zip(parts) {
                    product_block(width, Matrix::rows(slopes, width), &weights, part, block > 0);
                }
            }
        });
        let add = |index: usize, dx: &mut [f32]| {
            for (column, dx) in dx.chunks_mut(wide).enumerate() {
                let part = (column * bands + index / tall) * tall * wide + index % tall * dx.len();
                vector::add_assign(&parts[part..], dx);
            }
        };
        if rows[count - 1] - rows[0] + 1 == count {
            threads::for_each_chunk(&mut dx[rows[0] * inner..][..count * inner], inner, add);
        } else {
            rows.iter().enumerate().for_each(|(index, &row)| add(index, &mut dx[row * inner..][..inner]));
        }
    }
}

/// What all blocks found of a row, and the sum of its exponentials less its maximum; leaves in every block's part the
/// factor from the block's exponentials to those.
fn combine(parts: &mut [f32], index: usize, count: usize, vocabulary: usize) -> (Row, f32) {
    let of_row = |parts: &mut [f32], visit: &mut dyn FnMut(&mut [f32])| {
        let blocks = parts.chunks_exact_mut(count * part::SIZE);
        blocks.for_each(|parts| visit(&mut parts[index * part::SIZE..][..part::SIZE]));
    };
    let (mut maximum, mut at_target) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    of_row(parts, &mut |part| {
        maximum = maximum.max(part[part::MAXIMUM]);
        at_target = at_target.max(part[part::AT_TARGET]);
    });
    let (mut sum, mut total) = (0.0, 0.0);
    of_row(parts, &mut |part| {
        let factor = (part[part::MAXIMUM] - maximum).exp();
        sum += factor * part[part::SUM];
        total += f64::from(part[part::TOTAL]);
        part[part::FACTOR] = factor;
    });
    (Row { log_z: maximum + sum.ln(), at_target, mean: (total / vocabulary as f64) as f32 }, sum)
}
