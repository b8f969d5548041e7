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

/// One tile's work: `c (height, width) (+)= a (height, steps) · b`.
pub(crate) struct Tile<'a> {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) steps: usize,
    pub(crate) a: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
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

    /// Compute one tile into `c`.
    pub(crate) fn run(self, tile: &Tile, c: &mut [f32]) {
        let last = (tile.height - 1) * tile.row_stride + (tile.steps - 1) * tile.column_stride;
        assert!(last < tile.a.len() && tile.steps * self.columns() <= tile.b.len(), "a tile outside its operands");
        assert!((tile.height - 1) * tile.stride + tile.width <= c.len(), "a tile outside its output");
        assert!(tile.height <= self.rows() && tile.width <= self.columns(), "a tile larger than its kernel");
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a kernel is made from `isa`, which only returns instruction sets found on this processor; the
            // assertions above keep every access inside its slice. Covered by the tests of `matmul` and tests/isa.rs.
            Kernel::Single(Isa::Avx512) => unsafe { x86::avx512(tile, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Single(Isa::Avx2) => unsafe { x86::avx2(tile, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; `for_pairs` looked for the instruction.
            Kernel::Pairs => unsafe { x86::pairs(tile, c) },
            _ => scalar(tile, c),
        }
    }
}

/// The plain version: the oracle of the others, and what other processors run.
fn scalar(tile: &Tile, c: &mut [f32]) {
    const NR: usize = 16;
    let (rows, _) = tile.b.as_chunks::<NR>();
    for i in 0..tile.height {
        let mut sums = [0.0f32; NR];
        let a = &tile.a[i * tile.row_stride..];
        for (step, b) in rows[..tile.steps].iter().enumerate() {
            let a = a[step * tile.column_stride];
            for j in 0..NR {
                sums[j] += a * b[j];
            }
        }
        for (c, sum) in c[i * tile.stride..][..tile.width].iter_mut().zip(sums) {
            *c = if tile.is_added { *c + sum } else { sum };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Tile;

    /// Calls `$kernel::<height>` for the tile's height.
    macro_rules! by_height {
        ($kernel:ident, $tile:expr, $c:expr, $($height:literal)*) => {
            match $tile.height {
                // SAFETY: passed on from the caller.
                $($height => unsafe { $kernel::<$height>($tile, $c) },)*
                _ => {}
            }
        };
    }

    /// # Safety
    /// The processor has AVX-512 F and the tile lies inside its operands.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(tile: &Tile, c: &mut [f32]) {
        by_height!(avx512_rows, tile, c.as_mut_ptr(), 12 11 10 9 8 7 6 5 4 3 2 1);
    }

    /// A tile over a loop whose step is `$step(left, right, sum)`.
    macro_rules! wide_tile {
        ($tile:expr, $c:expr, $rows:expr, $step:expr) => {{
            let (tile, c) = ($tile, $c);
            let mut sums = [[_mm512_setzero_ps(); 2]; $rows];
            let row = tile.row_stride;
            // SAFETY: offsets stay within the operands, which `Kernel::run` asserts; `wrapping_add` for the groups of
            // rows that a short tile does not have, and masks keep narrow tiles to their width.
            unsafe {
                let mut b = tile.b.as_ptr();
                // Three rows a pointer: the other two are within the reach of an address's scaled index.
                let a = tile.a.as_ptr();
                let mut groups = [a, a.wrapping_add(3 * row), a.wrapping_add(6 * row), a.wrapping_add(9 * row)];
                for _ in 0..tile.steps {
                    let right = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16))];
                    for i in 0..$rows {
                        let left = _mm512_set1_ps(*groups[i / 3].add(i % 3 * row));
                        sums[i][0] = $step(left, right[0], sums[i][0]);
                        sums[i][1] = $step(left, right[1], sums[i][1]);
                    }
                    b = b.add(32);
                    groups = groups.map(|group| group.wrapping_add(tile.column_stride));
                }
                if tile.width == 32 {
                    for i in 0..$rows {
                        let c = c.add(i * tile.stride);
                        let [mut first, mut second] = sums[i];
                        if tile.is_added {
                            first = _mm512_add_ps(first, _mm512_loadu_ps(c));
                            second = _mm512_add_ps(second, _mm512_loadu_ps(c.add(16)));
                        }
                        _mm512_storeu_ps(c, first);
                        _mm512_storeu_ps(c.add(16), second);
                    }
                    return;
                }
                let mask = (1u32 << tile.width) - 1;
                let masks = [mask as u16, (mask >> 16) as u16];
                for i in 0..$rows {
                    for half in 0..2 {
                        let c = c.add(i * tile.stride).wrapping_add(16 * half);
                        let mut sum = sums[i][half];
                        if tile.is_added {
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
    unsafe fn avx512_rows<const MR: usize>(tile: &Tile, c: *mut f32) {
        wide_tile!(tile, c, MR, |left, right, sum| _mm512_fmadd_ps(left, right, sum));
    }

    /// # Safety
    /// The processor has AVX-512 F and BF16 and the tile lies inside its operands.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn pairs(tile: &Tile, c: &mut [f32]) {
        by_height!(pairs_rows, tile, c.as_mut_ptr(), 12 11 10 9 8 7 6 5 4 3 2 1);
    }

    /// # Safety
    /// As [`pairs`], and the height is `MR`.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn pairs_rows<const MR: usize>(tile: &Tile, c: *mut f32) {
        wide_tile!(tile, c, MR, |left: __m512, right: __m512, sum| {
            // Within the macro's unsafe block: both types are 64 bytes, and any bits are bf16.
            let [left, right] = [left, right].map(|words| std::mem::transmute::<__m512, __m512bh>(words));
            _mm512_dpbf16_ps(sum, left, right)
        });
    }

    /// # Safety
    /// The processor has AVX2 and FMA and the tile lies inside its operands.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(tile: &Tile, c: &mut [f32]) {
        by_height!(avx2_rows, tile, c.as_mut_ptr(), 6 5 4 3 2 1);
    }

    /// # Safety
    /// As [`avx2`], and the height is `MR`.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2_rows<const MR: usize>(tile: &Tile, c: *mut f32) {
        let mut sums = [[_mm256_setzero_ps(); 2]; MR];
        let row = tile.row_stride;
        // SAFETY: as in `avx512_rows`.
        unsafe {
            let mut b = tile.b.as_ptr();
            let a = tile.a.as_ptr();
            let mut groups = [a, a.wrapping_add(3 * row)];
            for _ in 0..tile.steps {
                let right = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
                for i in 0..MR {
                    let left = _mm256_broadcast_ss(&*groups[i / 3].add(i % 3 * row));
                    sums[i][0] = _mm256_fmadd_ps(left, right[0], sums[i][0]);
                    sums[i][1] = _mm256_fmadd_ps(left, right[1], sums[i][1]);
                }
                b = b.add(16);
                groups = groups.map(|group| group.wrapping_add(tile.column_stride));
            }
            for i in 0..MR {
                let c = c.add(i * tile.stride);
                if tile.width == 16 {
                    if tile.is_added {
                        sums[i][0] = _mm256_add_ps(sums[i][0], _mm256_loadu_ps(c));
                        sums[i][1] = _mm256_add_ps(sums[i][1], _mm256_loadu_ps(c.add(8)));
                    }
                    _mm256_storeu_ps(c, sums[i][0]);
                    _mm256_storeu_ps(c.add(8), sums[i][1]);
                } else {
                    let mut lane = [0.0f32; 16];
                    _mm256_storeu_ps(lane.as_mut_ptr(), sums[i][0]);
                    _mm256_storeu_ps(lane.as_mut_ptr().add(8), sums[i][1]);
                    for j in 0..tile.width {
                        *c.add(j) = if tile.is_added { *c.add(j) + lane[j] } else { lane[j] };
                    }
                }
            }
        }
    }
}
