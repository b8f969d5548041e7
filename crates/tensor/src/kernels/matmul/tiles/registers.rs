//! The tile registers of AMX: 32 × 32 sums in four of them, two rows and two columns of operands in the other four.
//!
//! A tile is 16 rows of 64 bytes. One `tdpbf16ps` multiplies 16 rows of 32 bf16 by 32 × 16, which are 16 rows of 16
//! pairs, and adds 256 sums in f32. Intrinsics for AMX are not stable in Rust 1.95 (rust-lang/rust#126622), assembly is.
//!
//! What the kernel should reach, by counting and **not measured**: a step down the depth is four loads and four products.
//! A product occupies the unit for 16 cycles, 1024 operations a cycle, so a step takes 64 cycles, in which 64 cache lines
//! are read: one a cycle of the two that the first-level cache can give. Half of those lines (a panel of B) are in that
//! cache and half (the rows of A) come from the second level, 32 bytes a cycle. Loading and storing the sums costs four loads
//! and four stores of 16 lines for at most 16 steps, an eighth of the cache's time. At 2 GHz that is a bound of 2 TFLOP/s
//! a core; where the second level delivers half of what it should, one of 1.
//!
//! The arithmetic is that of the manual's pseudo-code (Intel SDM volume 2, TDPBF16PS): pairs' first and second products
//! are summed apart over a tile's 16 pairs, both sums are added, then added to what was there; every step rounds to
//! nearest even, and numbers too small for a normal f32 count as zero. [`plain`] does the same in plain Rust.

#[cfg(target_arch = "x86_64")]
use super::assembly as x86;
use crate::isa::amx;

/// Rows of a tile.
pub(super) const ROWS: usize = 16;
/// Words of a row of a tile: pairs of bf16, or f32 sums.
pub(super) const WORDS: usize = 16;
/// Words of a tile.
pub(super) const TILE: usize = ROWS * WORDS;
/// Rows and columns of sums that are held at once: two tiles each way.
pub(super) const SIDE: usize = 2 * ROWS;

/// What is multiplied into a block of up to 32 × 32 sums.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    /// Tiles of A along the depth, one behind the other: those of the first 16 rows here, those of the others
    /// `tile_stride` words on.
    pub(super) left: &'a [f32],
    pub(super) tile_stride: usize,
    /// A panel of B: rows of 32 words, 16 of them for every tile.
    pub(super) right: &'a [f32],
    /// Tiles along the depth.
    pub(super) tiles: usize,
    /// Rows and columns of sums that are wanted.
    pub(super) height: usize,
    pub(super) width: usize,
    /// Between rows of the sums, in values.
    pub(super) stride: usize,
    pub(super) is_added: bool,
}

/// The right to use this thread's tile registers, configured while it lives: eight whole tiles.
///
/// No code that the compiler emits touches them, and a thread keeps them when it is interrupted, so the configuration
/// stays from one piece of assembly to the next; no sum does.
pub(super) struct Tiles {
    is_real: bool,
    /// Not to be sent to another thread, whose registers are not configured.
    _here: std::marker::PhantomData<*const ()>,
}

impl Tiles {
    /// Configure them; on other instruction sets the plain version stands in. Must not be done twice at once on one thread.
    pub(super) fn configure() -> Tiles {
        let is_real = crate::isa() == crate::Isa::Amx && !amx::is_plain();
        #[cfg(target_arch = "x86_64")]
        if is_real {
            // SAFETY: `isa` says that this process may use AMX.
            unsafe { x86::configure() };
        }
        Tiles { is_real, _here: std::marker::PhantomData }
    }

    /// `sums (height, width) (+)= left · right`.
    pub(super) fn multiply(&self, block: &Block, sums: &mut [f32]) {
        let &Block { left, tile_stride, right, tiles, height, width, stride, is_added } = block;
        assert!((1..=SIDE).contains(&height) && (1..=SIDE).contains(&width) && tiles > 0, "no block of sums");
        let below = if height > ROWS { tile_stride } else { 0 };
        assert!(below + tiles * TILE <= left.len(), "tiles outside their left operand");
        assert!(tiles * ROWS * SIDE <= right.len(), "tiles outside their panel");
        assert!(width <= stride && (height - 1) * stride + width <= sums.len(), "a block outside its output");
        if height.is_multiple_of(ROWS) && width.is_multiple_of(WORDS) {
            return self.whole(block, sums);
        }
        // At the edges whole tiles of sums are held here.
        let mut edge = Edge([0.0; SIDE * SIDE]);
        if is_added {
            for (edge, sums) in edge.0.chunks_exact_mut(SIDE).zip(sums.chunks(stride)).take(height) {
                edge[..width].copy_from_slice(&sums[..width]);
            }
        }
        let (tall, wide) = (height.next_multiple_of(ROWS), width.next_multiple_of(WORDS));
        self.whole(&Block { height: tall, width: wide, stride: SIDE, ..*block }, &mut edge.0);
        for (edge, sums) in edge.0.chunks_exact(SIDE).zip(sums.chunks_mut(stride)).take(height) {
            sums[..width].copy_from_slice(&edge[..width]);
        }
    }

    /// As [`Tiles::multiply`], for whole tiles.
    fn whole(&self, block: &Block, sums: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if self.is_real {
            // SAFETY: the registers are configured on this thread for as long as `self` lives. `multiply` asserted that
            // all tiles lie inside their operands: those of the sums are whole here, and each is within `height` rows
            // and `width` columns. Covered by tests/amx.
            unsafe { x86::multiply(block, sums.as_mut_ptr()) };
            return;
        }
        plain(block, sums);
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if self.is_real {
            // SAFETY: `configure` found that this process may use AMX.
            unsafe { x86::release() };
        }
    }
}

/// A block of sums on the stack; aligned, so that a row of a tile is one cache line.
#[repr(align(64))]
struct Edge([f32; SIDE * SIDE]);

/// A number too small for a normal f32 becomes zero of the same sign.
#[inline(always)]
pub(super) fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { x }
}

/// The first and second bf16 of a word.
#[inline(always)]
fn halves(word: f32) -> [f32; 2] {
    let bits = word.to_bits();
    [flushed(f32::from_bits(bits << 16)), flushed(f32::from_bits(bits & 0xffff_0000))]
}

/// The plain version: the oracle of the assembly, and what the tests of other processors run. A product of two bf16 is
/// exact in f32, so multiplying and adding rounds once, as the fused instruction does.
fn plain(block: &Block, sums: &mut [f32]) {
    for row in 0..block.height {
        let left = &block.left[row / ROWS * block.tile_stride + row % ROWS * WORDS..];
        for column in (0..block.width).step_by(WORDS) {
            let sums = &mut sums[row * block.stride + column..][..WORDS];
            if !block.is_added {
                sums.fill(0.0);
            }
            for tile in 0..block.tiles {
                let mut parts = [[0.0f32; WORDS]; 2];
                for pair in 0..WORDS {
                    let a = halves(left[tile * TILE + pair]);
                    let b = &block.right[(tile * ROWS + pair) * SIDE + column..][..WORDS];
                    for j in 0..WORDS {
                        let b = halves(b[j]);
                        parts[0][j] = flushed(a[0] * b[0] + parts[0][j]);
                        parts[1][j] = flushed(a[1] * b[1] + parts[1][j]);
                    }
                }
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = flushed(flushed(*sum) + flushed(parts[0][j] + parts[1][j]));
                }
            }
        }
    }
}

/// Multiplies ones into four tiles of sums `rounds` times: returns how many multiplications and additions that was, as
/// the sums tell. The loop of [`crate::peak`].
#[cfg(target_arch = "x86_64")]
pub(crate) fn count(rounds: u32) -> f64 {
    assert!(crate::isa() == crate::Isa::Amx, "AMX is not in use");
    let (mut one, mut sums) = (Edge([0.0; SIDE * SIDE]), Edge([0.0; SIDE * SIDE]));
    // A pair of ones in bf16.
    one.0[..TILE].fill(f32::from_bits(0x3f80_3f80));
    let tiles = Tiles { is_real: true, _here: std::marker::PhantomData };
    // SAFETY: `isa` says that this process may use AMX. One tile is read, four are written, and that much is there.
    // Covered by tests/amx.
    unsafe {
        x86::configure();
        x86::count(rounds, one.0.as_ptr(), sums.0.as_mut_ptr());
    }
    drop(tiles);
    sums.0.iter().map(|&sum| f64::from(sum)).sum()
}
