//! Packing: B in panels as wide as a register tile, so that the kernel reads consecutive memory; and the rounding to
//! bf16 that operands get on the way.
//!
//! Both operands are stored as 32-bit words in f32 buffers. A word is one f32, or two bf16 that follow each other in
//! depth (the first in the low half), which is what `vdpbf16ps` multiplies.

use super::micro::Kernel;
use super::transpose::transpose;
use super::{Matrix, tiles};
use crate::buffer::Buffer;
use crate::kernels::lanes::dispatch;
use crate::kernels::vector::{round_one, round_to_bf16};
use crate::{DType, threads};

/// What words hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// One f32.
    Exact,
    /// One f32 that was rounded to bf16: the portable way to multiply in bf16.
    Rounded,
    /// Two bf16.
    Pairs,
}

/// How operands are stored, and the kernel that multiplies them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(super) kernel: Kernel,
    words: Words,
}

impl Format {
    /// The format of products in `compute` on the instruction set in use.
    pub(crate) fn of(compute: DType) -> Format {
        match (compute, Kernel::for_pairs()) {
            (DType::F32, _) => Format { kernel: Kernel::chosen(), words: Words::Exact },
            (DType::Bf16, Some(kernel)) => Format { kernel, words: Words::Pairs },
            (DType::Bf16, None) => Format { kernel: Kernel::chosen(), words: Words::Rounded },
        }
    }

    /// The format of the products inside attention. bf16 pays there only in tiles: the operands of other kernels would be
    /// rounded for each of many small products.
    pub(crate) fn of_attention(compute: DType) -> Format {
        let format = Format::of(compute);
        if format.is_tiles() { format } else { Format::of(DType::F32) }
    }

    /// All formats of products in bf16 that run here, the instruction set in use or not.
    #[cfg(test)]
    pub(crate) fn all_of_bf16() -> Vec<Format> {
        let singles = crate::available_isas().into_iter().filter(|&isa| isa != crate::Isa::Amx).map(Kernel::Single);
        let mut all: Vec<Format> = singles.map(|kernel| Format { kernel, words: Words::Rounded }).collect();
        let pairs = [Kernel::has_pairs().then_some(Kernel::Pairs), Some(Kernel::Tiles)];
        all.extend(pairs.into_iter().flatten().map(|kernel| Format { kernel, words: Words::Pairs }));
        all
    }

    /// Whether products are those of tile registers, whose left operand is not packed before.
    pub(crate) fn is_tiles(self) -> bool {
        self.kernel == Kernel::Tiles
    }

    /// Whether words are the values as they are.
    pub(super) fn is_exact(self) -> bool {
        self.words == Words::Exact
    }

    /// Values a word holds, one behind the other in depth.
    pub(super) fn values_a_word(self) -> usize {
        if self.words == Words::Pairs { 2 } else { 1 }
    }

    /// Words for `depth` values, with those that only pad a tile.
    pub(super) fn words(self, depth: usize) -> usize {
        if self.is_tiles() { tiles::words(depth) } else { depth.div_ceil(self.values_a_word()) }
    }

    /// A row of values, its words along the row: `out` has `words(x.len())`.
    pub(super) fn along(self, x: &[f32], out: &mut [f32]) {
        match self.words {
            Words::Exact => out.copy_from_slice(x),
            Words::Rounded => round_to_bf16(x, out),
            Words::Pairs => pair_along(x, out),
        }
    }

    /// Row number `step` of words of row-major `x` (depth, stride), columns `first..first + out.len()`.
    fn across(self, x: &[f32], stride: usize, depth: usize, step: usize, first: usize, out: &mut [f32]) {
        let count = out.len();
        let row = |row: usize| &x[row * stride + first..][..count];
        match self.words {
            Words::Exact => out.copy_from_slice(row(step)),
            Words::Rounded => round_to_bf16(row(step), out),
            Words::Pairs if 2 * step + 1 < depth => pair_across(row(2 * step), row(2 * step + 1), out),
            Words::Pairs => pair_across(row(2 * step), &[0.0; Kernel::WIDEST][..count], out),
        }
    }
}

#[inline(always)]
pub(super) fn pair(first: f32, second: f32) -> f32 {
    f32::from_bits((round_one(first).to_bits() >> 16) | (round_one(second).to_bits() & 0xffff_0000))
}

dispatch! {
    fn pair_along(x: &[f32], out: &mut [f32]) = pair_along_body
}

#[inline(always)]
fn pair_along_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    let (pairs, rest) = x.as_chunks::<2>();
    for (out, &[first, second]) in out.iter_mut().zip(pairs) {
        *out = pair(first, second);
    }
    if let (Some(out), [last]) = (out.last_mut(), rest) {
        *out = pair(*last, 0.0);
    }
}

dispatch! {
    fn pair_across(first: &[f32], second: &[f32], out: &mut [f32]) = pair_across_body
}

#[inline(always)]
fn pair_across_body<const FMA: bool>(first: &[f32], second: &[f32], out: &mut [f32]) {
    for ((out, &first), &second) in out.iter_mut().zip(first).zip(second) {
        *out = pair(first, second);
    }
}

/// A matrix B (depth, columns) as words in panels of the kernel's width: panel, then step, then column; the last is
/// padded with zeros.
pub(crate) struct Packed {
    data: Buffer,
    steps: usize,
    columns: usize,
    format: Format,
}

impl Packed {
    /// Room for a matrix of at most `depth` rows; fill it before use.
    pub(crate) fn empty(format: Format, depth: usize, columns: usize) -> Packed {
        let (steps, width) = (format.words(depth), format.kernel.columns());
        Packed { data: Buffer::scratch(steps * columns.next_multiple_of(width)), steps, columns, format }
    }

    /// Pack `b` on this thread.
    pub(crate) fn new(format: Format, b: Matrix, depth: usize, columns: usize) -> Packed {
        let mut packed = Packed::empty(format, depth, columns);
        packed.fill(b, depth);
        packed
    }

    /// Pack `b` on all threads.
    pub(crate) fn parallel(format: Format, b: Matrix, depth: usize, columns: usize) -> Packed {
        let mut packed = Packed::empty(format, depth, columns);
        packed.fill_parallel(b, depth);
        packed
    }

    /// As [`Packed::fill`] on all threads.
    pub(crate) fn fill_parallel(&mut self, b: Matrix, depth: usize) {
        let &mut Packed { columns, format, .. } = self;
        let (width, panel) = (format.kernel.columns(), self.resize(&b, depth));
        // Panels below this many values are not worth a hand-over, and four at a time read whole runs of lines.
        let panels = (4096 / panel.max(1)).max(4);
        let used = panel * columns.div_ceil(width);
        threads::for_each_chunk(&mut self.data[..used], panel * panels, |block, out| {
            fill_panels(format, b, depth, columns, block * panels * width, panel.max(1), out);
        });
    }

    /// Make room for the first `depth` rows of `b`; the values of a panel.
    fn resize(&mut self, b: &Matrix, depth: usize) -> usize {
        let (width, steps) = (self.format.kernel.columns(), self.format.words(depth));
        assert!(b.holds(depth, self.columns), "packing outside a matrix");
        assert!(steps * self.columns.next_multiple_of(width) <= self.data.len(), "packing more than there is room for");
        self.steps = steps;
        steps * width
    }

    /// Pack the first `depth` rows of `b`, in place of what was there.
    pub(crate) fn fill(&mut self, b: Matrix, depth: usize) {
        let (width, steps) = (self.format.kernel.columns(), self.format.words(depth));
        self.resize(&b, depth);
        if steps == 0 {
            return;
        }
        let used = self.columns.div_ceil(width) * steps * width;
        fill_panels(self.format, b, depth, self.columns, 0, steps * width, &mut self.data[..used]);
    }

    /// Words a column.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The panel that starts at `column`, from `step` on.
    pub(super) fn panel(&self, column: usize, step: usize) -> &[f32] {
        let width = self.format.kernel.columns();
        &self.data[column / width * self.steps * width + step * width..]
    }
}

/// Panels of `panel` values one after the other: the columns from `first` on.
fn fill_panels(format: Format, b: Matrix, depth: usize, columns: usize, first: usize, panel: usize, out: &mut [f32]) {
    const STRIP: usize = 16;
    let width = format.kernel.columns();
    let panels = |out: &mut [f32], fill: &dyn Fn(usize, &mut [f32])| {
        out.chunks_mut(panel).enumerate().for_each(|(index, out)| fill(first + index * width, out));
    };
    if !(format.is_exact() && b.column_stride == 1) {
        panels(out, &|first, out| fill_panel(format, b, depth, columns, first, out));
        return;
    }
    // A few rows of all panels at a time: a row is then read in one run, and pages are visited once.
    for step in (0..depth).step_by(STRIP) {
        let steps = STRIP.min(depth - step);
        let rows = Matrix { data: &b.data[step * b.row_stride..], ..b };
        panels(out, &|first, out| {
            fill_panel(format, rows, steps, columns, first, &mut out[step * width..][..steps * width]);
        });
    }
}

/// One panel: the columns from `first` on.
pub(super) fn fill_panel(format: Format, b: Matrix, depth: usize, columns: usize, first: usize, out: &mut [f32]) {
    if format.is_tiles() {
        tiles::fill_panel(b, depth, columns, first, out);
        return;
    }
    let width = format.kernel.columns();
    let count = width.min(columns - first);
    let steps = format.words(depth);
    if b.column_stride == 1 {
        if format.is_exact() && count == width {
            let source = &b.data[first..];
            match width {
                32 => copy_rows::<32>(source, b.row_stride, steps, out),
                _ => copy_rows::<16>(source, b.row_stride, steps, out),
            }
            return;
        }
        for (step, out) in out.chunks_exact_mut(width).take(steps).enumerate() {
            format.across(b.data, b.row_stride, depth, step, first, &mut out[..count]);
            out[count..].fill(0.0);
        }
        return;
    }
    if count < width {
        out.fill(0.0);
    }
    const STRIP: usize = 16;
    if format.is_exact() && b.row_stride == 1 {
        // A strip of steps at a time keeps the lines being written in the first-level cache.
        for (strip, out) in out[..steps * width].chunks_mut(STRIP * width).enumerate() {
            let source = &b.data[first * b.column_stride + strip * STRIP..];
            transpose(source, b.column_stride, (out.len() / width, count), out, width);
        }
        return;
    }
    // A strip of steps at a time: every source column (contiguous in a transpose) then gives a few words a visit, and
    // the lines being written stay in the first-level cache.
    let values = format.values_a_word();
    let (mut line, mut words) = ([0.0; 2 * STRIP], [0.0; STRIP]);
    for (strip, out) in out.chunks_mut(STRIP * width).enumerate() {
        let from = strip * STRIP * values;
        if from >= depth {
            break;
        }
        let length = (STRIP * values).min(depth - from);
        let steps = format.words(length);
        for j in 0..count {
            let source = &b.data[from * b.row_stride + (first + j) * b.column_stride..];
            let source = if b.row_stride == 1 {
                &source[..length]
            } else {
                line.iter_mut().take(length).enumerate().for_each(|(i, value)| *value = source[i * b.row_stride]);
                &line[..length]
            };
            let source = if format.is_exact() {
                source
            } else {
                format.along(source, &mut words[..steps]);
                &words[..steps]
            };
            for (i, &word) in source.iter().enumerate() {
                out[i * width + j] = word;
            }
        }
    }
}

/// `height` columns from `first` of row-major `a` (depth, stride), as words in tiles of `tile` columns: tile, then step,
/// then column. What pads the last tile is never used.
pub(super) fn interleave(
    format: Format,
    a: &[f32],
    stride: usize,
    depth: usize,
    first: usize,
    height: usize,
    out: &mut [f32],
) {
    match format.kernel.rows() {
        12 => interleave_tiles::<12>(format, a, stride, depth, first, height, out),
        6 => interleave_tiles::<6>(format, a, stride, depth, first, height, out),
        _ => interleave_tiles::<4>(format, a, stride, depth, first, height, out),
    }
}

fn interleave_tiles<const TILE: usize>(
    format: Format,
    a: &[f32],
    stride: usize,
    depth: usize,
    first: usize,
    height: usize,
    out: &mut [f32],
) {
    // A few steps of every tile at a time: the rows being read then stay in the first-level cache, and what is written
    // is a run of cache lines a tile. Step by step, tiles a power of two apart would fight for the same cache sets.
    const STRIP: usize = 16;
    let steps = format.words(depth);
    let mut words = [0.0; TILE];
    for from in (0..steps).step_by(STRIP) {
        let strip = STRIP.min(steps - from);
        for (tile, out) in out.chunks_exact_mut(steps * TILE).enumerate().take(height.div_ceil(TILE)) {
            let column = first + tile * TILE;
            let count = TILE.min(height - tile * TILE);
            let (out, _) = out[from * TILE..].as_chunks_mut::<TILE>();
            for (step, out) in out[..strip].iter_mut().enumerate() {
                let step = from + step;
                if count < TILE {
                    format.across(a, stride, depth, step, column, &mut words[..count]);
                    *out = words;
                } else if let (true, Some(source)) = (format.is_exact(), a[step * stride + column..].first_chunk()) {
                    prefetch(a, (step + STRIP) * stride + column);
                    // By value: a copy between slices would be a call.
                    *out = *source;
                } else {
                    format.across(a, stride, depth, step, column, out);
                }
            }
        }
    }
}

/// The first `N` values of `steps` rows: a constant width compiles to vector moves instead of a call a row.
fn copy_rows<const N: usize>(source: &[f32], stride: usize, steps: usize, out: &mut [f32]) {
    let (out, _) = out.as_chunks_mut::<N>();
    for (step, out) in out[..steps].iter_mut().enumerate() {
        let row = &source[step * stride..];
        // One line a row is more than the hardware foresees: ask for the next panel while this one is worked on.
        prefetch(row, N);
        out.copy_from_slice(&row[..N]);
    }
}

/// Bring `data[index]` nearer; nothing happens outside the slice or where there is no such instruction.
#[inline(always)]
fn prefetch(data: &[f32], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = data.get(index) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see, and the address is that of a value.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, index);
}
