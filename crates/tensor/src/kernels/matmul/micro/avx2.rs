//! The 6 × 16 tile of AVX2.

use std::arch::x86_64::*;

use super::{Strip, by_height};

/// # Safety
/// The processor has AVX2 and FMA and its tiles lie inside their operands.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn single(strip: &Strip, c: &mut [f32]) {
    by_height!(avx2_six, avx2_rows, strip, c.as_mut_ptr(), 6, 5 4 3 2 1);
}

/// # Safety
/// As [`single`], and the strip has a whole tile at `a` and `c`.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn avx2_six(strip: &Strip, a: *const f32, c: *mut f32) {
    // SAFETY: passed on from the caller.
    unsafe { avx2_store(strip, sums_of_six(strip, a), c) }
}

/// # Safety
/// As [`single`], and the strip has a tile of `MR` rows at `a` and `c`.
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_rows<const MR: usize>(strip: &Strip, a: *const f32, c: *mut f32) {
    // SAFETY: passed on from the caller.
    unsafe { avx2_store(strip, sums_of::<MR>(strip, a), c) }
}

/// One step of a 6 × 16 tile: the panel's row in ymm12 and ymm13, a value of each of a's rows in turn in ymm14 and
/// ymm15, sums in ymm0 to ymm11.
macro_rules! step {
    () => {
        "vmovups ymm12, [{b}]
         vmovups ymm13, [{b} + 32]
         vbroadcastss ymm14, [{a}]
         vbroadcastss ymm15, [{a} + {row}]
         vfmadd231ps ymm0, ymm12, ymm14
         vfmadd231ps ymm1, ymm13, ymm14
         vbroadcastss ymm14, [{a} + 2 * {row}]
         vfmadd231ps ymm2, ymm12, ymm15
         vfmadd231ps ymm3, ymm13, ymm15
         vbroadcastss ymm15, [{lower}]
         vfmadd231ps ymm4, ymm12, ymm14
         vfmadd231ps ymm5, ymm13, ymm14
         vbroadcastss ymm14, [{lower} + {row}]
         vfmadd231ps ymm6, ymm12, ymm15
         vfmadd231ps ymm7, ymm13, ymm15
         vbroadcastss ymm15, [{lower} + 2 * {row}]
         vfmadd231ps ymm8, ymm12, ymm14
         vfmadd231ps ymm9, ymm13, ymm14
         add {a}, {column}
         add {lower}, {column}
         add {b}, 64
         vfmadd231ps ymm10, ymm12, ymm15
         vfmadd231ps ymm11, ymm13, ymm15"
    };
}

/// The sums of a whole tile. In assembly because the compiler recomputes the six addresses of a's rows every step
/// from one pointer, which costs a tenth of the speed.
///
/// # Safety
/// As [`single`], and the strip has a whole tile at `a`.
#[target_feature(enable = "avx2,fma")]
unsafe fn sums_of_six(strip: &Strip, a: *const f32) -> [[__m256; 2]; 6] {
    let mut sums = [[_mm256_setzero_ps(); 2]; 6];
    let [[s0, s1], [s2, s3], [s4, s5], [s6, s7], [s8, s9], [s10, s11]] = &mut sums;
    // SAFETY: reads `steps` values of each of six rows of a, and `steps` rows of the panel, which `Kernel::run`
    // asserts to lie within the operands; writes registers only. There is at least one step.
    unsafe {
        std::arch::asm!(
            "2:",
            step!(),
            "dec {steps}",
            "jnz 2b",
            a = inout(reg) a => _,
            lower = inout(reg) a.wrapping_add(3 * strip.row_stride) => _,
            b = inout(reg) strip.b.as_ptr() => _,
            steps = inout(reg) strip.steps => _,
            row = in(reg) 4 * strip.row_stride,
            column = in(reg) 4 * strip.column_stride,
            inout("ymm0") *s0, inout("ymm1") *s1, inout("ymm2") *s2, inout("ymm3") *s3,
            inout("ymm4") *s4, inout("ymm5") *s5, inout("ymm6") *s6, inout("ymm7") *s7,
            inout("ymm8") *s8, inout("ymm9") *s9, inout("ymm10") *s10, inout("ymm11") *s11,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack, readonly),
        );
    }
    sums
}

/// The sums of a tile of any height.
///
/// # Safety
/// As [`single`], and the strip has a tile of `MR` rows at `a`.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn sums_of<const MR: usize>(strip: &Strip, a: *const f32) -> [[__m256; 2]; MR] {
    let mut sums = [[_mm256_setzero_ps(); 2]; MR];
    // SAFETY: as in `sums_of_six`.
    unsafe {
        let mut b = strip.b.as_ptr();
        for step in 0..strip.steps {
            let right = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
            for i in 0..MR {
                let left = _mm256_broadcast_ss(&*a.add(step * strip.column_stride + i * strip.row_stride));
                sums[i][0] = _mm256_fmadd_ps(left, right[0], sums[i][0]);
                sums[i][1] = _mm256_fmadd_ps(left, right[1], sums[i][1]);
            }
            b = b.add(16);
        }
    }
    sums
}

/// Writes a tile's sums, or adds them to what is there.
///
/// # Safety
/// As [`single`], and the strip has a tile of `MR` rows at `c`.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn avx2_store<const MR: usize>(strip: &Strip, sums: [[__m256; 2]; MR], c: *mut f32) {
    // SAFETY: rows of c lie within the output, which `Kernel::run` asserts; a narrow tile keeps to its width.
    unsafe {
        if strip.width < 16 {
            let copy = sums;
            avx2_store_narrow(strip, &copy, c);
            return;
        }
        for i in 0..MR {
            let [mut first, mut second] = sums[i];
            let c = c.add(i * strip.stride);
            if strip.is_added {
                first = _mm256_add_ps(first, _mm256_loadu_ps(c));
                second = _mm256_add_ps(second, _mm256_loadu_ps(c.add(8)));
            }
            _mm256_storeu_ps(c, first);
            _mm256_storeu_ps(c.add(8), second);
        }
    }
}

/// As [`avx2_store`] for the last panel; apart from it, because an array on the stack would take the sums of whole
/// tiles there too.
///
/// # Safety
/// As [`avx2_store`].
#[target_feature(enable = "avx2,fma")]
#[cold]
unsafe fn avx2_store_narrow(strip: &Strip, sums: &[[__m256; 2]], c: *mut f32) {
    for (i, &[first, second]) in sums.iter().enumerate() {
        let mut lanes = [0.0f32; 16];
        // SAFETY: sixteen values have room for two registers; as in `avx2_store` otherwise.
        unsafe {
            _mm256_storeu_ps(lanes.as_mut_ptr(), first);
            _mm256_storeu_ps(lanes.as_mut_ptr().add(8), second);
            let c = c.add(i * strip.stride);
            for j in 0..strip.width {
                *c.add(j) = if strip.is_added { *c.add(j) + lanes[j] } else { lanes[j] };
            }
        }
    }
}
