//! Eight by eight values transposed in registers: packing reads a weight's rows and writes them as columns, and value by
//! value that took as long per weight as the products of many tokens.

/// `out[i * out_stride + j] = source[j * stride + i]` for i < `length` and j < `count`.
pub(super) fn transpose(
    source: &[f32],
    stride: usize,
    (length, count): (usize, usize),
    out: &mut [f32],
    out_stride: usize,
) {
    if length == 0 || count == 0 {
        return;
    }
    assert!((count - 1) * stride + length <= source.len(), "a transpose outside its source");
    assert!((length - 1) * out_stride + count <= out.len(), "a transpose outside its output");
    let mut whole = (0, 0);
    #[cfg(target_arch = "x86_64")]
    if crate::isa() != crate::Isa::Scalar {
        whole = (length / 8 * 8, count / 8 * 8);
        for i in (0..whole.0).step_by(8) {
            for j in (0..whole.1).step_by(8) {
                // SAFETY: every instruction set but the plain one has AVX2, and the assertions above hold all 64 values
                // of a block on both sides. Covered by the test of this file.
                unsafe {
                    let (from, to) = (source.as_ptr().add(j * stride + i), out.as_mut_ptr().add(i * out_stride + j));
                    x86::eight(from, stride, to, out_stride);
                }
            }
        }
    }
    // What no block covers, and all of it in the plain version.
    for j in 0..count {
        let first = if j < whole.1 { whole.0 } else { 0 };
        for i in first..length {
            out[i * out_stride + j] = source[j * stride + i];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// One block: pairs of rows are interleaved, then pairs of those, then halves change places.
    ///
    /// # Safety
    /// The processor has AVX2; eight values lie at each of eight rows on both sides.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn eight(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: passed on from the caller.
        let row = |i: usize| unsafe { _mm256_loadu_ps(from.add(i * stride)) };
        let rows = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
        let (mut pairs, mut fours) = ([_mm256_setzero_ps(); 8], [_mm256_setzero_ps(); 8]);
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
        }
        for i in 0..2 {
            for half in 0..2 {
                let (first, second) = (pairs[4 * i + half], pairs[4 * i + 2 + half]);
                fours[4 * i + 2 * half] = _mm256_shuffle_ps::<0b01_00_01_00>(first, second);
                fours[4 * i + 2 * half + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(first, second);
            }
        }
        for i in 0..4 {
            let low = _mm256_permute2f128_ps::<0x20>(fours[i], fours[4 + i]);
            let high = _mm256_permute2f128_ps::<0x31>(fours[i], fours[4 + i]);
            // SAFETY: passed on from the caller.
            unsafe {
                _mm256_storeu_ps(to.add(i * to_stride), low);
                _mm256_storeu_ps(to.add((4 + i) * to_stride), high);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_changes_places() {
        for (length, count) in [(1, 1), (8, 8), (16, 8), (9, 17), (7, 40), (33, 32)] {
            let (stride, out_stride) = (length + 3, count + 2);
            let source: Vec<f32> = (0..count * stride).map(|i| i as f32).collect();
            let mut out = vec![-1.0; length * out_stride];
            transpose(&source, stride, (length, count), &mut out, out_stride);
            for (index, &value) in out.iter().enumerate() {
                let (i, j) = (index / out_stride, index % out_stride);
                assert_eq!(value, if j < count { (j * stride + i) as f32 } else { -1.0 }, "{length} {count}: {i} {j}");
            }
        }
    }
}
