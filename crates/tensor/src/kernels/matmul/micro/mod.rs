//! The register tile of a matrix product, for every instruction set.
//!
//! A tile holds up to MR × NR sums in registers and adds one rank-one update a step: a row of a packed panel of B times
//! one value of each of A's rows. Sizes: AVX-512 12 × 32 (24 of 32 registers), AVX2 6 × 16 (12 of 16), scalar 4 × 16.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::Isa;

#[cfg(target_arch = "x86_64")]
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
#[cfg(target_arch = "x86_64")]
use by_height;

/// Which register tile is used; fixed when an operand is packed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Products of f32 words.
    Single(Isa),
    /// Products of bf16 pairs, by `vdpbf16ps`.
    Pairs,
    /// Products of bf16 pairs, by the tile registers of AMX; a driver of its own (`tiles`) takes the place of strips.
    Tiles,
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
        Kernel::Single(match crate::isa() {
            Isa::Amx => Isa::Avx512,
            isa => isa,
        })
    }

    /// The kernel for bf16 pairs, where the instruction set in use has one that is worth using.
    ///
    /// `vdpbf16ps` is not on Intel's processors: there it made a training step 1.6 times slower than f32 products (Emerald
    /// Rapids), on AMD's Zen 4 1.6 times faster (benchmarks/LOG.md). Values rounded to bf16 and multiplied in f32 are then
    /// the better bf16. The two add in another order, so the maker decides and no measurement: a machine always gives the
    /// same bits.
    pub(crate) fn for_pairs() -> Option<Kernel> {
        match crate::isa() {
            Isa::Amx => Some(Kernel::Tiles),
            Isa::Avx512 if Kernel::has_pairs() && !is_intel() => Some(Kernel::Pairs),
            _ => None,
        }
    }

    /// Whether this processor has `vdpbf16ps`.
    pub(crate) fn has_pairs() -> bool {
        #[cfg(target_arch = "x86_64")]
        return Isa::Avx512.is_available() && is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Tallest tile.
    pub(crate) fn rows(self) -> usize {
        match self {
            Kernel::Single(Isa::Avx512 | Isa::Amx) | Kernel::Pairs => 12,
            Kernel::Tiles => 32,
            Kernel::Single(Isa::Avx2) => 6,
            Kernel::Single(Isa::Scalar) => 4,
        }
    }

    /// Tile and panel width.
    pub(crate) fn columns(self) -> usize {
        match self {
            Kernel::Single(Isa::Avx512 | Isa::Amx) | Kernel::Pairs | Kernel::Tiles => 32,
            Kernel::Single(Isa::Avx2 | Isa::Scalar) => 16,
        }
    }

    /// Compute a strip into `c`.
    pub(crate) fn run(self, strip: &Strip, c: &mut [f32]) {
        let (tiles, rest) = (strip.height / self.rows(), strip.height % self.rows());
        let reach = |tile: usize, rows: usize| {
            tile * strip.tile_stride + (rows - 1) * strip.row_stride + (strip.steps - 1) * strip.column_stride
        };
        assert!(self != Kernel::Tiles, "tiles have a driver of their own");
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
            Kernel::Single(Isa::Avx512 | Isa::Amx) => unsafe { avx512::single(strip, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Single(Isa::Avx2) => unsafe { avx2::single(strip, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; `for_pairs` looked for the instruction.
            Kernel::Pairs => unsafe { avx512::pairs(strip, c) },
            _ => scalar(strip, c),
        }
    }
}

/// Whether Intel made this processor; asked once, because in a virtual machine the question goes to the host.
fn is_intel() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        static IS_INTEL: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        *IS_INTEL.get_or_init(|| {
            let name = std::arch::x86_64::__cpuid(0);
            [name.ebx, name.edx, name.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
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
