//! The register tile of a matrix product, for every instruction set.
//!
//! A tile holds up to MR × NR sums in registers and adds one rank-one update a step: a row of a packed panel of B times
//! one value of each of A's rows. Sizes: AVX-512 12 × 32 (24 of 32 registers), AVX2 6 × 16 (12 of 16), scalar 4 × 16.

use crate::Isa;

/// Which register tile is used; fixed when an operand is packed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Products of f32 words.
    Single(Isa),
    /// Products of bf16 pairs, by `vdpbf16ps`.
    Pairs,
}

/// The work of one panel of B: tiles one below the other, `c (height, width) (+)= a (height, steps) · b`. Rows run inside,
/// so that the panel stays in the first-level cache while the rows of A, fewer bytes a tile, stream past it.
pub(crate) struct Strip<'a> {
    /// Rows of all tiles together; the last tile may be short.
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) steps: usize,
    pub(crate) a: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
    /// Between the first rows of two tiles of a.
    pub(crate) tile_stride: usize,
    /// `steps` rows of a panel, each as wide as the kernel.
    pub(crate) b: &'a [f32],
    /// Between rows of c.
    pub(crate) stride: usize,
    pub(crate) is_added: bool,
}

impl Kernel {
    /// The widest panel of any kernel.
    pub(super) const WIDEST: usize = 32;

    /// The f32 kernel of the instruction set in use.
    pub(crate) fn chosen() -> Kernel {
        Kernel::Single(crate::isa())
    }

    /// The kernel for bf16 pairs, where the instruction set in use has one.
    pub(crate) fn for_pairs() -> Option<Kernel> {
        #[cfg(target_arch = "x86_64")]
        if crate::isa() == Isa::Avx512 && is_x86_feature_detected!("avx512bf16") {
            return Some(Kernel::Pairs);
        }
        None
    }

    /// Tallest tile.
    pub(crate) fn rows(self) -> usize {
        match self {
            Kernel::Single(Isa::Avx512) | Kernel::Pairs => 12,
            Kernel::Single(Isa::Avx2) => 6,
            Kernel::Single(Isa::Scalar) => 4,
        }
    }

    /// Tile and panel width.
    pub(crate) fn columns(self) -> usize {
        match self {
            Kernel::Single(Isa::Avx512) | Kernel::Pairs => 32,
            Kernel::Single(Isa::Avx2 | Isa::Scalar) => 16,
        }
    }

    /// Compute a strip into `c`.
    pub(crate) fn run(self, strip: &Strip, c: &mut [f32]) {
        let (tiles, rest) = (strip.height / self.rows(), strip.height % self.rows());
        let reach = |tile: usize, rows: usize| {
            tile * strip.tile_stride + (rows - 1) * strip.row_stride + (strip.steps - 1) * strip.column_stride
        };
        assert!(strip.height > 0 && strip.steps > 0, "an empty strip");
        assert!(tiles == 0 || reach(tiles - 1, self.rows()) < strip.a.len(), "a tile outside its left operand");
        assert!(rest == 0 || reach(tiles, rest) < strip.a.len(), "a short tile outside its left operand");
        assert!(strip.steps * self.columns() <= strip.b.len(), "a strip outside its panel");
        assert!((strip.height - 1) * strip.stride + strip.width <= c.len(), "a strip outside its output");
        assert!(strip.width <= self.columns(), "a strip wider than its kernel");
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a kernel is made from `isa`, which only returns instruction sets found on this processor; the
            // assertions above keep every access inside its slice. Covered by the tests of `matmul` and tests/isa.rs.
            Kernel::Single(Isa::Avx512) => unsafe { x86::avx512(strip, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Single(Isa::Avx2) => unsafe { x86::avx2(strip, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; `for_pairs` looked for the instruction.
            Kernel::Pairs => unsafe { x86::pairs(strip, c) },
            _ => scalar(strip, c),
        }
    }
}

/// The plain version: the oracle of the others, and what other processors run.
fn scalar(strip: &Strip, c: &mut [f32]) {
    const MR: usize = 4;
    const NR: usize = 16;
    let (rows, _) = strip.b.as_chunks::<NR>();
    for i in 0..strip.height {
        let mut sums = [0.0f32; NR];
        let a = &strip.a[i / MR * strip.tile_stride + i % MR * strip.row_stride..];
        for (step, b) in rows[..strip.steps].iter().enumerate() {
            let a = a[step * strip.column_stride];
            for j in 0..NR {
                sums[j] += a * b[j];
            }
        }
        for (c, sum) in c[i * strip.stride..][..strip.width].iter_mut().zip(sums) {
            *c = if strip.is_added { *c + sum } else { sum };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Strip;

    /// Calls `$whole` for the whole tiles of a strip and `$kernel::<height>` for a short one.
    macro_rules! by_height {
        ($whole:expr, $kernel:ident, $strip:expr, $c:expr, $rows:literal, $($height:literal)*) => {{
            let (strip, mut c): (&Strip, *mut f32) = ($strip, $c);
            let mut a = strip.a.as_ptr();
            for _ in 0..strip.height / $rows {
                // SAFETY: passed on from the caller: a whole tile lies inside its operands.
                unsafe { $whole(strip, a, c) };
                // The last steps may leave the operands; what is there is only used when a tile is.
                a = a.wrapping_add(strip.tile_stride);
                c = c.wrapping_add($rows * strip.stride);
            }
            match strip.height % $rows {
                // SAFETY: as above, for the short tile.
                $($height => unsafe { $kernel::<$height>(strip, a, c) },)*
                _ => {}
            }
        }};
    }

    /// # Safety
    /// The processor has AVX-512 F and its tiles lie inside their operands.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(strip: &Strip, c: &mut [f32]) {
        by_height!(avx512_rows::<12>, avx512_rows, strip, c.as_mut_ptr(), 12, 11 10 9 8 7 6 5 4 3 2 1);
    }

    /// A tile over a loop whose step is `$step(left, right, sum)`.
    macro_rules! wide_tile {
        ($strip:expr, $a:expr, $c:expr, $rows:expr, $step:expr) => {{
            let (strip, a, c): (&Strip, *const f32, *mut f32) = ($strip, $a, $c);
            let mut sums = [[_mm512_setzero_ps(); 2]; $rows];
            let row = strip.row_stride;
            // SAFETY: offsets stay within the operands, which `Kernel::run` asserts; `wrapping_add` for the groups of
            // rows that a short tile does not have, and masks keep narrow tiles to their width.
            unsafe {
                let mut b = strip.b.as_ptr();
                // Three rows a pointer: the other two are within the reach of an address's scaled index.
                let mut groups = [a, a.wrapping_add(3 * row), a.wrapping_add(6 * row), a.wrapping_add(9 * row)];
                for _ in 0..strip.steps {
                    let right = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16))];
                    for i in 0..$rows {
                        let left = _mm512_set1_ps(*groups[i / 3].add(i % 3 * row));
                        sums[i][0] = $step(left, right[0], sums[i][0]);
                        sums[i][1] = $step(left, right[1], sums[i][1]);
                    }
                    b = b.add(32);
                    groups = groups.map(|group| group.wrapping_add(strip.column_stride));
                }
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
                    return;
                }
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
    /// As [`avx512`], and the height is `MR`.
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512_rows<const MR: usize>(strip: &Strip, a: *const f32, c: *mut f32) {
        wide_tile!(strip, a, c, MR, |left, right, sum| _mm512_fmadd_ps(left, right, sum));
    }

    /// # Safety
    /// The processor has AVX-512 F and BF16 and its tiles lie inside their operands.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn pairs(strip: &Strip, c: &mut [f32]) {
        by_height!(pairs_rows::<12>, pairs_rows, strip, c.as_mut_ptr(), 12, 11 10 9 8 7 6 5 4 3 2 1);
    }

    /// # Safety
    /// As [`pairs`], and the height is `MR`.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn pairs_rows<const MR: usize>(strip: &Strip, a: *const f32, c: *mut f32) {
        wide_tile!(strip, a, c, MR, |left: __m512, right: __m512, sum| {
            // Within the macro's unsafe block: both types are 64 bytes, and any bits are bf16.
            let [left, right] = [left, right].map(|words| std::mem::transmute::<__m512, __m512bh>(words));
            _mm512_dpbf16_ps(sum, left, right)
        });
    }

    /// # Safety
    /// The processor has AVX2 and FMA and its tiles lie inside their operands.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(strip: &Strip, c: &mut [f32]) {
        by_height!(avx2_six, avx2_rows, strip, c.as_mut_ptr(), 6, 5 4 3 2 1);
    }

    /// # Safety
    /// As [`avx2`], and the strip has a whole tile at `a` and `c`.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn avx2_six(strip: &Strip, a: *const f32, c: *mut f32) {
        // SAFETY: passed on from the caller.
        unsafe { avx2_store(strip, sums_of_six(strip, a), c) }
    }

    /// # Safety
    /// As [`avx2`], and the strip has a tile of `MR` rows at `a` and `c`.
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
    /// As [`avx2`], and the strip has a whole tile at `a`.
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
    /// As [`avx2`], and the strip has a tile of `MR` rows at `a`.
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
    /// As [`avx2`], and the strip has a tile of `MR` rows at `c`.
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
}
