//! The 12 × 32 tile of AVX-512, over f32 or over pairs of bf16.

use std::arch::x86_64::*;

use super::{Strip, by_height};

/// # Safety
/// The processor has AVX-512 F and its tiles lie inside their operands.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn single(strip: &Strip, c: &mut [f32]) {
    by_height!(avx512_twelve, avx512_rows, strip, c.as_mut_ptr(), 12, 11 10 9 8 7 6 5 4 3 2 1);
}

/// # Safety
/// The processor has AVX-512 F and BF16 and its tiles lie inside their operands.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn pairs(strip: &Strip, c: &mut [f32]) {
    by_height!(pairs_twelve, pairs_rows, strip, c.as_mut_ptr(), 12, 11 10 9 8 7 6 5 4 3 2 1);
}

/// Bytes of the panel that are asked for before they are needed: sixteen steps of a tile, which is about what the
/// third-level cache takes to answer.
const AHEAD: usize = 2048;

/// One step of a 12 × 32 tile by `$multiply`: the panel's row in zmm24 and zmm25, values of a's rows in zmm26 to
/// zmm31, sums in zmm0 to zmm23.
macro_rules! wide_step {
    ($multiply:literal, $at:literal) => {
        concat!(
            "vmovups zmm24, [{b} + 128 * ",
            $at,
            "]\n",
            "vmovups zmm25, [{b} + 128 * ",
            $at,
            " + 64]\n",
            "prefetcht0 [{b} + 128 * ",
            $at,
            " + {ahead}]\n",
            "prefetcht0 [{b} + 128 * ",
            $at,
            " + {ahead} + 64]\n",
            "vbroadcastss zmm26, [{a}]\n",
            "vbroadcastss zmm27, [{a} + {row}]\n",
            "vbroadcastss zmm28, [{a} + 2 * {row}]\n",
            $multiply,
            " zmm0, zmm26, zmm24\n",
            $multiply,
            " zmm1, zmm26, zmm25\n",
            "vbroadcastss zmm29, [{a} + {three}]\n",
            $multiply,
            " zmm2, zmm27, zmm24\n",
            $multiply,
            " zmm3, zmm27, zmm25\n",
            "vbroadcastss zmm30, [{a} + 4 * {row}]\n",
            $multiply,
            " zmm4, zmm28, zmm24\n",
            $multiply,
            " zmm5, zmm28, zmm25\n",
            "vbroadcastss zmm31, [{a} + {five}]\n",
            $multiply,
            " zmm6, zmm29, zmm24\n",
            $multiply,
            " zmm7, zmm29, zmm25\n",
            "vbroadcastss zmm26, [{a} + 2 * {three}]\n",
            $multiply,
            " zmm8, zmm30, zmm24\n",
            $multiply,
            " zmm9, zmm30, zmm25\n",
            "vbroadcastss zmm27, [{a} + {seven}]\n",
            $multiply,
            " zmm10, zmm31, zmm24\n",
            $multiply,
            " zmm11, zmm31, zmm25\n",
            "vbroadcastss zmm28, [{a} + 8 * {row}]\n",
            $multiply,
            " zmm12, zmm26, zmm24\n",
            $multiply,
            " zmm13, zmm26, zmm25\n",
            "vbroadcastss zmm29, [{a} + {nine}]\n",
            $multiply,
            " zmm14, zmm27, zmm24\n",
            $multiply,
            " zmm15, zmm27, zmm25\n",
            "vbroadcastss zmm30, [{a} + 2 * {five}]\n",
            $multiply,
            " zmm16, zmm28, zmm24\n",
            $multiply,
            " zmm17, zmm28, zmm25\n",
            "vbroadcastss zmm31, [{a} + {eleven}]\n",
            $multiply,
            " zmm18, zmm29, zmm24\n",
            $multiply,
            " zmm19, zmm29, zmm25\n",
            "add {a}, {column}\n",
            $multiply,
            " zmm20, zmm30, zmm24\n",
            $multiply,
            " zmm21, zmm30, zmm25\n",
            $multiply,
            " zmm22, zmm31, zmm24\n",
            $multiply,
            " zmm23, zmm31, zmm25\n",
        )
    };
}

/// The sums of a whole tile. In assembly because the compiler spends twenty instructions a step on the addresses of
/// a's rows, some of them on the ports that multiply; six multiples of the row's length in registers need one.
macro_rules! sums_of_twelve {
    ($strip:expr, $a:expr, $multiply:literal) => {{
        let (strip, a): (&Strip, *const f32) = ($strip, $a);
        let mut sums = [[_mm512_setzero_ps(); 2]; 12];
        let row = 4 * strip.row_stride;
        let [[s0, s1], [s2, s3], [s4, s5], [s6, s7], [s8, s9], [s10, s11], rest @ ..] = &mut sums;
        let [[s12, s13], [s14, s15], [s16, s17], [s18, s19], [s20, s21], [s22, s23]] = rest;
        // Within its caller's unsafe block. There is at least one step; prefetches read nothing.
        std::arch::asm!(
                "sub {steps}, 4",
                "jl 3f",
                ".p2align 6",
                "2:",
                wide_step!($multiply, "0"),
                wide_step!($multiply, "1"),
                wide_step!($multiply, "2"),
                wide_step!($multiply, "3"),
                "add {b}, 512",
                "sub {steps}, 4",
                "jge 2b",
                "3:",
                "add {steps}, 4",
                "jz 5f",
                "4:",
                wide_step!($multiply, "0"),
                "add {b}, 128",
                "dec {steps}",
                "jnz 4b",
                "5:",
                a = inout(reg) a => _,
                b = inout(reg) strip.b.as_ptr() => _,
                steps = inout(reg) strip.steps as isize => _,
                ahead = const AHEAD,
                row = in(reg) row,
                three = in(reg) row.wrapping_mul(3),
                five = in(reg) row.wrapping_mul(5),
                seven = in(reg) row.wrapping_mul(7),
                nine = in(reg) row.wrapping_mul(9),
                eleven = in(reg) row.wrapping_mul(11),
                column = in(reg) 4 * strip.column_stride,
                inout("zmm0") *s0, inout("zmm1") *s1, inout("zmm2") *s2, inout("zmm3") *s3,
                inout("zmm4") *s4, inout("zmm5") *s5, inout("zmm6") *s6, inout("zmm7") *s7,
                inout("zmm8") *s8, inout("zmm9") *s9, inout("zmm10") *s10, inout("zmm11") *s11,
                inout("zmm12") *s12, inout("zmm13") *s13, inout("zmm14") *s14, inout("zmm15") *s15,
                inout("zmm16") *s16, inout("zmm17") *s17, inout("zmm18") *s18, inout("zmm19") *s19,
                inout("zmm20") *s20, inout("zmm21") *s21, inout("zmm22") *s22, inout("zmm23") *s23,
                out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _,
                out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
                options(nostack, readonly),
        );
        sums
    }};
}

/// Writes a tile's sums, or adds them to what is there. A macro, because a function would take them by memory.
macro_rules! wide_store {
    ($strip:expr, $sums:expr, $c:expr, $rows:expr) => {{
        let (strip, sums, c): (&Strip, [[__m512; 2]; $rows], *mut f32) = ($strip, $sums, $c);
        if strip.width == 32 {
            for i in 0..$rows {
                let c = c.add(i * strip.stride);
                let [mut first, mut second] = sums[i];
                if strip.is_added {
                    first = _mm512_add_ps(first, _mm512_loadu_ps(c));
                    second = _mm512_add_ps(second, _mm512_loadu_ps(c.add(16)));
                }
                _mm512_storeu_ps(c, first);
                _mm512_storeu_ps(c.add(16), second);
            }
        } else {
            let mask = (1u32 << strip.width) - 1;
            let masks = [mask as u16, (mask >> 16) as u16];
            for i in 0..$rows {
                for half in 0..2 {
                    let c = c.add(i * strip.stride).wrapping_add(16 * half);
                    let mut sum = sums[i][half];
                    if strip.is_added {
                        sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(masks[half], c));
                    }
                    _mm512_mask_storeu_ps(c, masks[half], sum);
                }
            }
        }
    }};
}

/// # Safety
/// As [`single`], and the strip has a whole tile at `a` and `c`.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn avx512_twelve(strip: &Strip, a: *const f32, c: *mut f32) {
    expect_tile::<12>(strip, c);
    // SAFETY: reads `steps` values of each of twelve rows of a, and `steps` rows of the panel, and writes twelve rows of
    // c, which `Kernel::run` asserts to lie within the operands.
    unsafe {
        let sums = sums_of_twelve!(strip, a, "vfmadd231ps");
        wide_store!(strip, sums, c, 12);
    }
}

/// # Safety
/// As [`pairs`], and the strip has a whole tile at `a` and `c`.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
unsafe fn pairs_twelve(strip: &Strip, a: *const f32, c: *mut f32) {
    expect_tile::<12>(strip, c);
    // SAFETY: reads `steps` values of each of twelve rows of a, and `steps` rows of the panel, and writes twelve rows of
    // c, which `Kernel::run` asserts to lie within the operands.
    unsafe {
        let sums = sums_of_twelve!(strip, a, "vdpbf16ps");
        wide_store!(strip, sums, c, 12);
    }
}

/// The sums of a short tile, whose step is `$step(left, right, sum)`.
macro_rules! sums_of_few {
    ($strip:expr, $a:expr, $rows:expr, $step:expr) => {{
        let (strip, a): (&Strip, *const f32) = ($strip, $a);
        let mut sums = [[_mm512_setzero_ps(); 2]; $rows];
        let mut b = strip.b.as_ptr();
        for step in 0..strip.steps {
            let right = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16))];
            for i in 0..$rows {
                let left = _mm512_set1_ps(*a.add(step * strip.column_stride + i * strip.row_stride));
                sums[i][0] = $step(left, right[0], sums[i][0]);
                sums[i][1] = $step(left, right[1], sums[i][1]);
            }
            b = b.add(32);
        }
        sums
    }};
}

/// # Safety
/// As [`single`], and the strip has a tile of `MR` rows at `a` and `c`.
#[target_feature(enable = "avx512f")]
unsafe fn avx512_rows<const MR: usize>(strip: &Strip, a: *const f32, c: *mut f32) {
    // SAFETY: offsets stay within the operands, which `Kernel::run` asserts.
    unsafe {
        let sums = sums_of_few!(strip, a, MR, |left, right, sum| _mm512_fmadd_ps(left, right, sum));
        wide_store!(strip, sums, c, MR);
    }
}

/// # Safety
/// As [`pairs`], and the strip has a tile of `MR` rows at `a` and `c`.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn pairs_rows<const MR: usize>(strip: &Strip, a: *const f32, c: *mut f32) {
    // SAFETY: as in `avx512_rows`; both types are 64 bytes, and any bits are bf16.
    unsafe {
        let sums = sums_of_few!(strip, a, MR, |left: __m512, right: __m512, sum| {
            let [left, right] = [left, right].map(|words| std::mem::transmute::<__m512, __m512bh>(words));
            _mm512_dpbf16_ps(sum, left, right)
        });
        wide_store!(strip, sums, c, MR);
    }
}

/// Ask for the lines of a tile that will be written once its sums are done. A prefetch reads nothing that the program
/// can see, so any address will do.
#[target_feature(enable = "avx512f")]
#[inline]
fn expect_tile<const MR: usize>(strip: &Strip, c: *const f32) {
    for i in 0..MR {
        let c = c.wrapping_add(i * strip.stride);
        _mm_prefetch::<_MM_HINT_T0>(c.cast());
        _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(strip.width - 1).cast());
    }
}
