//! Operands on their way into tiles: rounded to bf16, two that follow each other in depth to a word.
//!
//! A lies in tiles of 16 rows × 16 words, those of 16 rows one behind the other along the depth; B in panels of 32 words
//! a row, as the other kernels have it, so that a tile of it is 16 half rows. What pads either to whole tiles is zero.
//!
//! Conversion is `vcvtne2ps2bf16`, 32 values in one instruction, which like the products takes numbers too small for
//! a normal f32 as zero. An operand whose memory runs down the depth in the wrong direction passes through a transposition
//! of 16 × 16 words in registers. By counting instructions, and **not measured**: in the right direction 32 values take
//! two loads, a conversion and a store, about 3 cycles; across, 512 values take some 100, a fifth of a cycle each. A value of A
//! then serves n products and one of B m, at 1024 operations a cycle: for 384 columns that is 0.75 cycles of the tile unit
//! for 0.1 of packing.

use super::super::Matrix;
use super::super::pack::pair;
use super::registers::{ROWS, SIDE, TILE, WORDS, flushed};

/// Values along the depth in a tile.
pub(super) const DEPTH: usize = 2 * WORDS;

/// Tiles that `depth` values need.
pub(super) fn tiles(depth: usize) -> usize {
    depth.div_ceil(DEPTH)
}

/// Words of A packed: rows to a multiple of 16, depth to whole tiles.
pub(in super::super) fn left_words(m: usize, k: usize) -> usize {
    m.div_ceil(ROWS) * tiles(k) * TILE
}

/// The first m × k of `a`, into tiles.
pub(in super::super) fn left(a: Matrix, m: usize, k: usize, out: &mut [f32]) {
    assert!(a.holds(m, k) && out.len() >= left_words(m, k), "packing outside a matrix");
    let out = &mut out[..left_words(m, k)];
    #[cfg(target_arch = "x86_64")]
    if is_fast() && (a.column_stride == 1 || a.row_stride == 1) {
        // SAFETY: the instructions were looked for, and the assertion holds all that is read. Covered by the test of this
        // file.
        unsafe { if a.column_stride == 1 { x86::left_rows(a, m, k, out) } else { x86::left_columns(a, m, k, out) } };
        return;
    }
    plain_left(a, m, k, out);
}

/// Columns `first..` of `b` (depth, columns), as one panel of up to 32.
pub(in super::super) fn panel(b: Matrix, depth: usize, columns: usize, first: usize, out: &mut [f32]) {
    let words = tiles(depth) * ROWS * SIDE;
    assert!(b.holds(depth, columns) && first < columns && out.len() >= words, "packing outside a matrix");
    let (out, width) = (&mut out[..words], SIDE.min(columns - first));
    #[cfg(target_arch = "x86_64")]
    if is_fast() && (b.column_stride == 1 || b.row_stride == 1) {
        // SAFETY: as in `left`.
        unsafe {
            if b.column_stride == 1 {
                x86::panel_rows(b, depth, first, width, out);
            } else {
                x86::panel_columns(b, depth, first, width, out);
            }
        }
        return;
    }
    plain_panel(b, depth, first, width, out);
}

/// Whether this processor converts 32 values at once, which every one with AMX does.
#[cfg(target_arch = "x86_64")]
fn is_fast() -> bool {
    is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512bw")
}

/// The value of row `i` and column `l` of an m × k matrix, and zero outside of it.
fn value(x: Matrix, (m, k): (usize, usize), i: usize, l: usize) -> f32 {
    if i < m && l < k { flushed(x.data[i * x.row_stride + l * x.column_stride]) } else { 0.0 }
}

/// The plain version of [`left`]: its oracle.
fn plain_left(a: Matrix, m: usize, k: usize, out: &mut [f32]) {
    for (tile, out) in out.chunks_exact_mut(TILE).enumerate() {
        let (row, depth) = (tile / tiles(k) * ROWS, tile % tiles(k) * DEPTH);
        for (at, out) in out.iter_mut().enumerate() {
            let (i, l) = (row + at / WORDS, depth + at % WORDS * 2);
            *out = pair(value(a, (m, k), i, l), value(a, (m, k), i, l + 1));
        }
    }
}

/// The plain version of [`panel`]: its oracle.
fn plain_panel(b: Matrix, depth: usize, first: usize, width: usize, out: &mut [f32]) {
    for (at, out) in out.iter_mut().enumerate() {
        let (l, j) = (at / SIDE * 2, at % SIDE);
        let inside = (depth, if j < width { usize::MAX } else { 0 });
        *out = pair(value(b, inside, l, first + j), value(b, inside, l + 1, first + j));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{DEPTH, Matrix, ROWS, SIDE, TILE, WORDS, tiles};

    /// The first `count` of sixteen lanes.
    fn lanes(count: usize) -> u16 {
        if count >= 16 { u16::MAX } else { (1 << count) - 1 }
    }

    /// Up to 32 values that lie one behind the other, as a row of words; zeros for those that are not there.
    ///
    /// # Safety
    /// The processor has the features; `count` values lie at `from`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn along(from: *const f32, count: usize) -> __m512i {
        // SAFETY: what is not covered by the masks is not read; both types are 64 bytes and any bits are words.
        unsafe {
            let low = _mm512_maskz_loadu_ps(lanes(count), from);
            let high = _mm512_maskz_loadu_ps(lanes(count.saturating_sub(16)), from.wrapping_add(16));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
        }
    }

    /// Sixteen words from two rows, of which `count` (0 to 2) are there, `width` values each.
    ///
    /// # Safety
    /// The processor has the features; the values of rows that are there lie at `from`, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn across(from: *const f32, stride: usize, count: usize, width: usize) -> __m512i {
        // Word j: value j of the first row, then of the second, 16 places further on.
        const ORDER: [u16; 32] = {
            let mut order = [0; 32];
            let mut at = 0;
            while at < 32 {
                order[at] = (at / 2 + at % 2 * 16) as u16;
                at += 1;
            }
            order
        };
        let mask = |row| if row < count { lanes(width) } else { 0 };
        // SAFETY: as in `along`; the order is 64 bytes.
        unsafe {
            let first = _mm512_maskz_loadu_ps(mask(0), from);
            let second = _mm512_maskz_loadu_ps(mask(1), from.wrapping_add(stride));
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first));
            _mm512_permutexvar_epi16(_mm512_loadu_si512(ORDER.as_ptr().cast()), both)
        }
    }

    /// Rows and columns of 16 × 16 words change places: pairs of rows are interleaved, then pairs of those, then quarters
    /// change places twice.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn transposed(rows: [__m512i; 16]) -> [__m512i; 16] {
        let (mut pairs, mut fours, mut out) = (rows, rows, rows);
        for i in (0..16).step_by(2) {
            pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
            pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
        }
        for i in (0..16).step_by(4) {
            for half in 0..2 {
                fours[i + 2 * half] = _mm512_unpacklo_epi64(pairs[i + half], pairs[i + 2 + half]);
                fours[i + 2 * half + 1] = _mm512_unpackhi_epi64(pairs[i + half], pairs[i + 2 + half]);
            }
        }
        // Quarter q of fours[4 g + c] holds column 4 q + c of rows 4 g to 4 g + 3.
        for c in 0..4 {
            let even = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[c], fours[4 + c]);
            let odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[c], fours[4 + c]);
            let lower_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[8 + c], fours[12 + c]);
            let lower_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[8 + c], fours[12 + c]);
            out[c] = _mm512_shuffle_i32x4::<0b10_00_10_00>(even, lower_even);
            out[4 + c] = _mm512_shuffle_i32x4::<0b10_00_10_00>(odd, lower_odd);
            out[8 + c] = _mm512_shuffle_i32x4::<0b11_01_11_01>(even, lower_even);
            out[12 + c] = _mm512_shuffle_i32x4::<0b11_01_11_01>(odd, lower_odd);
        }
        out
    }

    /// Sixteen rows of words, `stride` words apart.
    ///
    /// # Safety
    /// The processor has AVX-512 F, and there is room.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store(rows: [__m512i; 16], out: *mut f32, stride: usize) {
        for (i, row) in rows.into_iter().enumerate() {
            // SAFETY: passed on from the caller.
            unsafe { _mm512_storeu_si512(out.add(i * stride).cast(), row) };
        }
    }

    /// A whose rows are contiguous.
    ///
    /// # Safety
    /// The processor has the features, `a` holds m × k and `out` is as long as that packed.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn left_rows(a: Matrix, m: usize, k: usize, out: &mut [f32]) {
        let (tiles, from, to) = (tiles(k), a.data.as_ptr(), out.as_mut_ptr());
        for i in 0..m.next_multiple_of(ROWS) {
            for tile in 0..tiles {
                let count = if i < m { DEPTH.min(k - tile * DEPTH) } else { 0 };
                // SAFETY: passed on from the caller; nothing is read of rows that only pad.
                unsafe {
                    let words = along(from.wrapping_add(i * a.row_stride + tile * DEPTH), count);
                    _mm512_storeu_si512(to.add((i / ROWS * tiles + tile) * TILE + i % ROWS * WORDS).cast(), words);
                }
            }
        }
    }

    /// A whose columns are contiguous.
    ///
    /// # Safety
    /// As [`left_rows`].
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn left_columns(a: Matrix, m: usize, k: usize, out: &mut [f32]) {
        let (tiles, from, to) = (tiles(k), a.data.as_ptr(), out.as_mut_ptr());
        for tile in 0..tiles {
            for row in 0..m.div_ceil(ROWS) {
                let mut words = [_mm512_setzero_si512(); 16];
                for (step, words) in words.iter_mut().enumerate() {
                    let depth = tile * DEPTH + 2 * step;
                    let at = from.wrapping_add(row * ROWS + depth * a.column_stride);
                    // SAFETY: passed on from the caller; nothing is read outside of m × k.
                    *words = unsafe { across(at, a.column_stride, k.saturating_sub(depth), m - row * ROWS) };
                }
                // SAFETY: as above, for a tile of the output.
                unsafe { store(transposed(words), to.add((row * tiles + tile) * TILE), WORDS) };
            }
        }
    }

    /// A panel of B whose rows are contiguous.
    ///
    /// # Safety
    /// The processor has the features, `b` holds `depth` rows of `first + width` columns, and `out` has room for the panel.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn panel_rows(b: Matrix, depth: usize, first: usize, width: usize, out: &mut [f32]) {
        let (from, to) = (b.data.as_ptr(), out.as_mut_ptr());
        for step in 0..tiles(depth) * ROWS {
            for half in [0, WORDS] {
                let at = from.wrapping_add(2 * step * b.row_stride + first + half);
                // SAFETY: passed on from the caller; nothing is read outside of the panel.
                unsafe {
                    let count = depth.saturating_sub(2 * step);
                    let words = across(at, b.row_stride, count, width.saturating_sub(half));
                    _mm512_storeu_si512(to.add(step * SIDE + half).cast(), words);
                }
            }
        }
    }

    /// A panel of B whose columns are contiguous.
    ///
    /// # Safety
    /// As [`panel_rows`].
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn panel_columns(b: Matrix, depth: usize, first: usize, width: usize, out: &mut [f32]) {
        let (from, to) = (b.data.as_ptr(), out.as_mut_ptr());
        for half in [0, WORDS] {
            for tile in 0..tiles(depth) {
                let mut words = [_mm512_setzero_si512(); 16];
                for (j, words) in words.iter_mut().enumerate().take(width.saturating_sub(half)) {
                    let at = from.wrapping_add((first + half + j) * b.column_stride + tile * DEPTH);
                    // SAFETY: passed on from the caller; nothing is read outside of the panel.
                    *words = unsafe { along(at, DEPTH.min(depth - tile * DEPTH)) };
                }
                // SAFETY: as above, for half a tile of the panel.
                unsafe { store(transposed(words), to.add(tile * ROWS * SIDE + half), SIDE) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes, the smallest and the largest among them.
    fn numbers(count: usize) -> Vec<f32> {
        let special = [0.0, -0.0, 1e-40, -3e-39, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, 1.0];
        let number = |i: usize| match i % 7 {
            0 => special[i / 7 % special.len()],
            _ => f32::from_bits((i as u32).wrapping_mul(2_654_435_761) & 0xbfff_ffff),
        };
        (0..count).map(number).collect()
    }

    fn bits(words: &[f32]) -> Vec<u32> {
        words.iter().map(|word| word.to_bits()).collect()
    }

    #[test]
    fn every_layout_packs_as_the_plain_version() {
        let sizes = [(1, 1), (16, 32), (32, 64), (17, 33), (5, 2), (50, 31), (33, 100), (64, 1), (1, 70)];
        for (m, k) in sizes {
            let data = numbers(m * k + 40);
            for x in [Matrix::rows(&data, k), Matrix::rows(&data, m).t()] {
                let mut expected = vec![0.0; left_words(m, k)];
                let mut found = vec![f32::NAN; left_words(m, k) + 3];
                plain_left(x, m, k, &mut expected);
                left(x, m, k, &mut found);
                assert_eq!(bits(&found[..expected.len()]), bits(&expected), "left {m} {k} {}", x.row_stride);
                assert!(found[expected.len()..].iter().all(|x| x.is_nan()), "too much is written");
                // As the right operand: m deep, k columns.
                for first in (0..k).step_by(SIDE) {
                    let words = tiles(m) * ROWS * SIDE;
                    let (mut expected, mut found) = (vec![0.0; words], vec![f32::NAN; words + 3]);
                    plain_panel(x, m, first, SIDE.min(k - first), &mut expected);
                    panel(x, m, k, first, &mut found);
                    assert_eq!(bits(&found[..words]), bits(&expected), "panel {m} {k} {first} {}", x.row_stride);
                    assert!(found[words..].iter().all(|x| x.is_nan()), "too much is written");
                }
            }
        }
    }

    #[test]
    fn a_nan_stays_one_and_every_word_has_its_place() {
        let data: Vec<f32> = (0..20 * 40).map(|i| if i == 41 { f32::NAN } else { (i % 250) as f32 }).collect();
        let mut out = vec![0.0; left_words(20, 40)];
        left(Matrix::rows(&data, 40), 20, 40, &mut out);
        for (i, l) in (0..20).flat_map(|i| (0..40).map(move |l| (i, l))) {
            let word = out[(i / 16 * 2 + l / 32) * TILE + i % 16 * 16 + l % 32 / 2].to_bits();
            let value = f32::from_bits(if l % 2 == 0 { word << 16 } else { word & 0xffff_0000 });
            assert!(value == data[i * 40 + l] || (value.is_nan() && i * 40 + l == 41), "{i} {l}: {value}");
        }
    }
}
