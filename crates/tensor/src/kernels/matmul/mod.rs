//! Matrix products: B packed into panels, A read where it lies, cut into fixed blocks.
//!
//! The plan is that of BLIS (Van Zee & van de Geijn 2015): a register tile of MR × NR sums runs down a panel of packed
//! B. What differs is A, which is not packed when its rows are contiguous: activations are read twelve rows at a time,
//! and those rows fit the first-level cache.
//!
//! In f32 the speed is that of the `gemm` crate (`examples/products.rs` measures both). These kernels exist for what
//! that crate does not offer: bf16 operands rounded while they are packed, weights and keys packed once and shared by
//! many blocks, and blocks small enough to share out without packing again.
//!
//! No sum depends on how many threads there are: a block's place and depth follow from the shapes.

mod micro;
mod pack;
pub(crate) mod tiles;
mod transpose;

pub(crate) use micro::Kernel;
pub(crate) use pack::{Format, Packed};

use std::ops::Range;

use crate::buffer::Buffer;
use crate::kernels::vector;
use crate::threads;

/// Steps of one pass of the register tile over rows of a: a panel of this depth is read from the second-level cache while
/// the tile works, and 384, 768 and their multiples, which models like, are whole passes.
const DEPTH: usize = 384;
/// Steps of one pass of a weight gradient.
const GRAM_DEPTH: usize = 256;
/// Values of a weight gradient up to which it is small.
const SMALL: usize = 1 << 18;
/// Most rows a block of a weight gradient: its part of a, packed for one pass, stays in the second-level cache.
const GRAM_ROWS: usize = 384;

/// Widest left operand of a weight gradient that is read where it lies: its rows of one pass stay in the second-level
/// cache without getting into each other's sets. Packing a wider one costs less than the misses.
const DIRECT: usize = 288;
/// Steps of one pass over such an operand: a line of every row of a has to stay in the first-level cache.
const DIRECT_DEPTH: usize = 256;

/// A view of a matrix: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major, rows `stride` apart.
    pub(crate) fn rows(data: &'a [f32], stride: usize) -> Matrix<'a> {
        Matrix { data, row_stride: stride, column_stride: 1 }
    }

    /// The transpose.
    pub(crate) fn t(self) -> Matrix<'a> {
        Matrix { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    /// The matrix without its first `rows` rows.
    pub(crate) fn below(self, rows: usize) -> Matrix<'a> {
        Matrix { data: &self.data[rows * self.row_stride..], ..self }
    }

    /// Whether an m × n matrix lies inside the data.
    fn holds(&self, m: usize, n: usize) -> bool {
        m == 0 || n == 0 || (m - 1) * self.row_stride + (n - 1) * self.column_stride < self.data.len()
    }
}

/// `c (m, n) (+)= a (m, k) · b`, b packed; in parallel over blocks of rows. `c` is contiguous.
pub(crate) fn matmul_packed(k: usize, a: Matrix, b: &Packed, c: &mut [f32], is_added: bool) {
    matmul_packed_then(k, a, b, c, is_added, |_| {});
}

/// As [`matmul_packed`], and `then` on every block of rows as soon as it is there, while the caches hold it.
pub(crate) fn matmul_packed_then(
    k: usize,
    a: Matrix,
    b: &Packed,
    c: &mut [f32],
    is_added: bool,
    then: impl Fn(&mut [f32]) + Sync + Send,
) {
    assert!(b.steps() == b.format().words(k), "a product of different depths");
    if c.is_empty() {
        return;
    }
    let rows = block_rows(b.format(), c.len() / b.columns(), k);
    threads::for_each_chunk(c, rows * b.columns(), |block, c| {
        product_block(k, a.below(block * rows), b, c, is_added);
        then(c);
    });
}

/// Rows a block of a product of `m` rows and depth `k`: some 100 to 200, in whole register tiles of every kernel, so that
/// two threads or four have equal shares. It follows from the shape alone, because sums over blocks may be put on it.
pub(crate) fn block_rows(format: Format, m: usize, k: usize) -> usize {
    const TILE: usize = 12;
    if format.is_tiles() {
        return tiles::block_rows(m, k);
    }
    let tiles = m.div_ceil(TILE);
    let cost = |height: &usize| -> usize {
        let blocks = tiles.div_ceil(*height);
        (blocks.div_ceil(2) * 2 + blocks.div_ceil(4) * 4) * height
    };
    (8..=16).min_by_key(cost).unwrap_or(8) * TILE
}

/// As [`matmul_packed`] on this thread, for as many rows as `c` holds.
pub(crate) fn product_block(k: usize, a: Matrix, b: &Packed, c: &mut [f32], is_added: bool) {
    let (n, steps, format) = (b.columns(), b.steps(), b.format());
    let m = c.len() / n;
    if format.is_exact() || format.is_tiles() {
        product(m, k, a, b, 0, c, n, is_added);
        return;
    }
    assert!(a.column_stride == 1, "a rounded operand whose rows are not contiguous");
    let mut words = Buffer::scratch(m * steps);
    for (row, words) in words.chunks_exact_mut(steps.max(1)).enumerate() {
        format.along(&a.data[row * a.row_stride..][..k], words);
    }
    product(m, steps, Matrix::rows(&words, steps), b, 0, c, n, is_added);
}

/// The left operand of several products, made ready once: `a` itself where words are the values, rounded copies elsewhere.
pub(crate) struct Words<'a> {
    data: &'a [f32],
    rows: usize,
    /// Values a row.
    k: usize,
}

impl<'a> Words<'a> {
    /// The words of contiguous rows of `k` values; `room` is what copies are kept in.
    pub(crate) fn of(format: Format, a: &'a [f32], k: usize, room: &'a mut Buffer) -> Words<'a> {
        let rows = a.len() / k.max(1);
        if format.is_exact() {
            return Words { data: a, rows, k };
        }
        let steps = format.words(k);
        let needed = if format.is_tiles() { tiles::left_words(rows, k) } else { rows * steps };
        if room.len() != needed {
            *room = Buffer::scratch(needed);
        }
        if format.is_tiles() {
            tiles::left(Matrix::rows(a, k), rows, k, room);
        } else {
            for (row, words) in a.chunks_exact(k).zip(room.chunks_exact_mut(steps.max(1))) {
                format.along(row, words);
            }
        }
        Words { data: room, rows, k }
    }

    /// `c = rows · b` for some columns of `b`; the first of them starts a panel, rows of `c` are `stride` apart.
    pub(crate) fn product(&self, columns: Range<usize>, b: &Packed, c: &mut [f32], stride: usize) {
        let &Words { data, rows, k } = self;
        if b.format().is_tiles() {
            tiles::Product { m: rows, k, left: data, b, first: 0, columns, stride, is_added: false }.run(c);
        } else {
            let steps = b.format().words(k);
            product_columns(rows, columns, steps, Matrix::rows(data, steps), b, 0, c, stride, false);
        }
    }
}

/// `c (m, n) (+)= a (m, k) · b (k, n)` in parallel over blocks of rows; `c` is contiguous. In a format that rounds, the
/// rows of a are contiguous.
pub(crate) fn matmul(
    format: Format,
    (m, n, k): (usize, usize, usize),
    a: Matrix,
    b: Matrix,
    c: &mut [f32],
    is_added: bool,
) {
    assert!(c.len() == m * n, "a product outside its operands");
    matmul_packed(k, a, &Packed::parallel(format, b, k, n), c, is_added);
}

/// `c (m, n) (+)= a (m, steps) · b[first.., ..]` on this thread, over words of a and of packed b from step `first`; rows
/// of `c` are `stride` apart and `c` has as many columns as `b`. For the tile kernel, which rounds a itself, steps and
/// `first` count values, and `first` starts a tile.
pub(crate) fn product(
    m: usize,
    steps: usize,
    a: Matrix,
    b: &Packed,
    first: usize,
    c: &mut [f32],
    stride: usize,
    is_added: bool,
) {
    product_columns(m, 0..b.columns(), steps, a, b, first, c, stride, is_added);
}

/// As [`product`], for some columns of `b` only; the first of them starts a panel.
pub(crate) fn product_columns(
    m: usize,
    columns: Range<usize>,
    steps: usize,
    a: Matrix,
    b: &Packed,
    first: usize,
    c: &mut [f32],
    stride: usize,
    is_added: bool,
) {
    let n = columns.len();
    if m == 0 || n == 0 {
        return;
    }
    let kernel = b.format().kernel;
    if b.format().is_tiles() {
        let mut left = Buffer::scratch(tiles::left_words(m, steps));
        tiles::left(a, m, steps, &mut left);
        tiles::Product { m, k: steps, left: &left, b, first, columns, stride, is_added }.run(c);
        return;
    }
    assert!(a.holds(m, steps) && Matrix::rows(c, stride).holds(m, n), "a product outside its operands");
    assert!(first + steps <= b.steps() && columns.end <= b.columns(), "a product outside its packed operand");
    assert!(columns.start.is_multiple_of(kernel.columns()), "a product from inside a panel");
    if steps == 0 {
        if !is_added {
            (0..m).for_each(|row| c[row * stride..][..n].fill(0.0));
        }
        return;
    }
    let rows = kernel.rows();
    for depth in (0..steps).step_by(DEPTH) {
        for column in (0..n).step_by(kernel.columns()) {
            let strip = micro::Strip {
                height: m,
                width: kernel.columns().min(n - column),
                steps: DEPTH.min(steps - depth),
                a: &a.data[depth * a.column_stride..],
                row_stride: a.row_stride,
                column_stride: a.column_stride,
                tile_stride: rows * a.row_stride,
                b: b.panel(columns.start + column, first + depth),
                stride,
                is_added: is_added || depth > 0,
            };
            kernel.run(&strip, &mut c[column..]);
        }
    }
}

/// `c (m, n) += aᵀ · b` for row-major a (depth, m) and b (depth, n): the product of weight gradients, where the depth is
/// the number of tokens. `c` is contiguous.
pub(crate) fn matmul_gram(format: Format, (m, n, depth): (usize, usize, usize), a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(c.len() == m * n && a.len() == depth * m && b.len() == depth * n, "a product outside its operands");
    if c.is_empty() || depth == 0 {
        return;
    }
    let pass = pass_of(format, m);
    if m * n <= SMALL { gram_by_depth(format, n, pass, a, b, c) } else { gram_by_rows(format, n, pass, a, b, c) }
}

/// A small output: every thread sums parts of the depth over the whole of it, packing for itself; the parts are then added
/// in order. Threads that shared packed rows would wait for each other's caches longer than they multiply.
fn gram_by_depth(format: Format, n: usize, pass: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    /// Parts worth having: enough for a handful of threads.
    const PARTS: usize = 8;
    let (m, depth) = (c.len() / n, b.len() / n);
    let part = depth.div_ceil(PARTS).next_multiple_of(pass);
    let parts = depth.div_ceil(part);
    if parts == 1 {
        return gram_passes(format, n, pass, a, b, c, true);
    }
    let mut partial = Buffer::scratch(parts * m * n);
    threads::for_each_chunk(&mut partial, m * n, |index, partial| {
        let (from, to) = (index * part, depth.min((index + 1) * part));
        gram_passes(format, n, pass, &a[from * m..to * m], &b[from * n..to * n], partial, false);
    });
    let block = vector::BLOCK.min(m.div_ceil(8) * n);
    threads::for_each_chunk(c, block, |index, c| {
        partial.chunks(m * n).for_each(|partial| vector::add_assign(&partial[index * block..], c));
    });
}

/// As [`matmul_gram`] on this thread.
pub(crate) fn gram_alone(format: Format, (m, n, depth): (usize, usize, usize), a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(c.len() == m * n && a.len() == depth * m && b.len() == depth * n, "a product outside its operands");
    if !c.is_empty() {
        gram_passes(format, n, pass_of(format, m), a, b, c, true);
    }
}

/// Values of the depth that one pass takes, for an output of `m` rows.
fn pass_of(format: Format, m: usize) -> usize {
    if format.is_tiles() {
        return tiles::GRAM_DEPTH;
    }
    let steps = if format.is_exact() && m <= DIRECT { DIRECT_DEPTH } else { GRAM_DEPTH };
    steps * format.values_a_word()
}

/// All of `c (m, n) (+)= aᵀ · b` on this thread, `pass` of the depth at a time.
fn gram_passes(format: Format, n: usize, pass: usize, a: &[f32], b: &[f32], c: &mut [f32], mut is_added: bool) {
    let (m, depth) = (c.len() / n, b.len() / n);
    let mut packed = Packed::empty(format, pass.min(depth), n);
    for from in (0..depth).step_by(pass) {
        let to = depth.min(from + pass);
        packed.fill(Matrix::rows(&b[from * n..], n), to - from);
        gram_block(&packed, m, 0, &a[from * m..to * m], c, is_added);
        is_added = true;
    }
}

/// A large output: a pass takes some of the depth; all threads pack its rows of b, then each takes rows of the output
/// through all panels. Packing by every thread for itself reads b once a thread, and parts of the depth read the output
/// once a part; both lost.
fn gram_by_rows(format: Format, n: usize, pass: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    let (m, depth) = (c.len() / n, b.len() / n);
    // Which thread sums a row of c does not change its sum, so blocks may follow the number of threads.
    let most = if format.is_tiles() { tiles::GRAM_ROWS } else { GRAM_ROWS };
    let shares = threads::threads() * m.div_ceil(most * threads::threads());
    let block_rows = m.div_ceil(shares).next_multiple_of(format.kernel.rows()).min(most);
    let mut packed = Packed::empty(format, pass.min(depth), n);
    for from in (0..depth).step_by(pass) {
        let to = depth.min(from + pass);
        packed.fill_parallel(Matrix::rows(&b[from * n..], n), to - from);
        threads::for_each_chunk(c, block_rows * n, |index, c| {
            gram_block(&packed, m, index * block_rows, &a[from * m..to * m], c, true);
        });
    }
}

/// Rows `row..` of `c (+)= aᵀ · b`, as many as `c` holds: a is (depth, m).
fn gram_block(b: &Packed, m: usize, row: usize, a: &[f32], c: &mut [f32], is_added: bool) {
    let (n, format, depth) = (b.columns(), b.format(), a.len() / m);
    let (height, steps, kernel) = (c.len() / n, format.words(depth), format.kernel);
    if format.is_tiles() {
        product(height, depth, Matrix::rows(&a[row..], m).t(), b, 0, c, n, is_added);
        return;
    }
    let is_direct = format.is_exact() && m <= DIRECT;
    let mut left = Buffer::scratch(if is_direct { 0 } else { height.next_multiple_of(kernel.rows()) * steps });
    let (tiles, column_stride, tile_stride) = if is_direct {
        (&a[row..], m, kernel.rows())
    } else {
        // Tiles of a: (steps, tile) one after the other, so that a register tile reads consecutive memory.
        pack::interleave(format, a, m, depth, row, height, &mut left);
        (&*left, kernel.rows(), steps * kernel.rows())
    };
    for column in (0..n).step_by(kernel.columns()) {
        let strip = micro::Strip {
            height,
            width: kernel.columns().min(n - column),
            steps,
            a: tiles,
            row_stride: 1,
            column_stride,
            tile_stride,
            b: b.panel(column, 0),
            stride: n,
            is_added,
        };
        kernel.run(&strip, &mut c[column..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32).map(|i| ((i * 7919 + seed * 104_729) % 1013) as f32 / 506.0 - 1.0).collect()
    }

    fn naive(m: usize, n: usize, k: usize, a: Matrix, b: Matrix, c: &mut [f32]) {
        for i in 0..m {
            for j in 0..n {
                let terms = (0..k).map(|l| {
                    let (x, y) = (i * a.row_stride + l * a.column_stride, l * b.row_stride + j * b.column_stride);
                    f64::from(a.data[x]) * f64::from(b.data[y])
                });
                c[i * n + j] += terms.sum::<f64>() as f32;
            }
        }
    }

    fn close(found: &[f32], expected: &[f32], k: usize, what: &str) {
        for (found, expected) in found.iter().zip(expected) {
            let bound = 1e-5 * (k as f32).sqrt().max(1.0) + 2e-6 * expected.abs();
            assert!((found - expected).abs() <= bound, "{what}: {found} instead of {expected}");
        }
    }

    #[test]
    fn products_agree_with_three_loops_in_every_layout() {
        let sizes = [(1, 1, 1), (12, 32, 8), (13, 33, 7), (5, 17, 300), (97, 31, 65), (200, 300, 17), (3, 270, 520)];
        for (m, n, k) in sizes {
            let (a, b, start) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
            for layout in 0..4 {
                let left = if layout & 1 == 0 { Matrix::rows(&a, k) } else { Matrix::rows(&a, m).t() };
                let right = if layout & 2 == 0 { Matrix::rows(&b, n) } else { Matrix::rows(&b, k).t() };
                for is_added in [false, true] {
                    let mut expected = if is_added { start.clone() } else { vec![0.0; m * n] };
                    naive(m, n, k, left, right, &mut expected);
                    let mut found = start.clone();
                    matmul(Format::of(DType::F32), (m, n, k), left, right, &mut found, is_added);
                    close(&found, &expected, k, &format!("{m} {n} {k} layout {layout}"));
                }
            }
        }
    }

    #[test]
    fn weight_gradients_agree_with_three_loops() {
        for (m, n, depth) in [(1, 1, 1), (13, 33, 5), (64, 20, 1300), (100, 37, 513), (800, 3, 700), (70, 70, 2500)] {
            let (a, b, start) = (numbers(depth * m, 1), numbers(depth * n, 2), numbers(m * n, 3));
            let (mut expected, mut found) = (start.clone(), start);
            naive(m, n, depth, Matrix::rows(&a, m).t(), Matrix::rows(&b, n), &mut expected);
            matmul_gram(Format::of(DType::F32), (m, n, depth), &a, &b, &mut found);
            close(&found, &expected, depth, &format!("{m} {n} {depth}"));
        }
    }

    #[test]
    fn parts_of_a_packed_matrix() {
        let (m, n, k) = (7, 70, 40);
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let packed = Packed::new(Format::of(DType::F32), Matrix::rows(&b, n), k, n);
        let (first, steps, columns) = (9, 20, 35);
        let mut expected = vec![0.0; m * columns];
        naive(m, columns, steps, Matrix::rows(&a, k), Matrix::rows(&b[first * n + 32..], n), &mut expected);
        let mut found = vec![0.0; m * columns];
        product_columns(m, 32..32 + columns, steps, Matrix::rows(&a, k), &packed, first, &mut found, columns, false);
        close(&found, &expected, steps, "part");
    }

    #[test]
    fn bf16_products_are_those_of_rounded_operands() {
        for format in Format::all_of_bf16() {
            products_are_those_of_rounded_operands(format);
        }
    }

    /// Too much for the emulator of tests/amx: a gradient that is not summed by parts, in more than one pass.
    #[test]
    fn large_weight_gradients_in_tiles_agree_with_three_loops() {
        let format = Format::all_of_bf16().into_iter().find(|format| format.is_tiles()).unwrap();
        let (m, n, depth) = (530, 500, 1030);
        let round = |x: Vec<f32>| x.into_iter().map(vector::round_one).collect::<Vec<f32>>();
        let (a, b, start) = (round(numbers(depth * m, 1)), round(numbers(depth * n, 2)), numbers(m * n, 3));
        let (mut expected, mut found) = (start.clone(), start);
        naive(m, n, depth, Matrix::rows(&a, m).t(), Matrix::rows(&b, n), &mut expected);
        matmul_gram(format, (m, n, depth), &a, &b, &mut found);
        close(&found, &expected, depth, "a large gradient");
    }

    fn products_are_those_of_rounded_operands(format: Format) {
        let round = |x: &[f32]| x.iter().map(|&x| vector::round_one(x)).collect::<Vec<f32>>();
        let sizes = [(1, 1, 1), (12, 32, 8), (13, 33, 7), (97, 31, 65), (200, 300, 17), (3, 270, 1025), (50, 40, 600)];
        for (m, n, k) in sizes {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let (exact_a, exact_b) = (round(&a), round(&b));
            let mut expected = vec![0.0; m * n];
            naive(m, n, k, Matrix::rows(&exact_a, k), Matrix::rows(&exact_b, k).t(), &mut expected);
            let mut found = vec![0.0; m * n];
            matmul(format, (m, n, k), Matrix::rows(&a, k), Matrix::rows(&b, k).t(), &mut found, false);
            close(&found, &expected, k, &format!("{format:?} transposed {m} {n} {k}"));
            expected.fill(0.0);
            naive(m, n, k, Matrix::rows(&exact_a, k), Matrix::rows(&exact_b, n), &mut expected);
            matmul(format, (m, n, k), Matrix::rows(&a, k), Matrix::rows(&b, n), &mut found, false);
            close(&found, &expected, k, &format!("{format:?} plain {m} {n} {k}"));
            expected.fill(1.0);
            naive(m, n, k, Matrix::rows(&exact_a, m).t(), Matrix::rows(&exact_b, n), &mut expected);
            found.fill(1.0);
            matmul_gram(format, (m, n, k), &a, &b, &mut found);
            close(&found, &expected, k, &format!("{format:?} gradient {m} {n} {k}"));
        }
    }
}
