//! The instructions of AMX, as pieces of assembly: one for every shape of a block of sums.

use std::arch::asm;

use super::registers::{Block, ROWS, SIDE, TILE, WORDS};

/// Palette 1: bytes a row in 16-bit numbers from byte 16 on, rows from byte 48 on, for eight tiles (Intel SDM
/// volume 2, LDTILECFG).
#[repr(align(64))]
struct Configuration([u8; 64]);

static WHOLE: Configuration = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        bytes[16 + 2 * tile] = 4 * WORDS as u8;
        bytes[48 + tile] = ROWS as u8;
        tile += 1;
    }
    Configuration(bytes)
};

/// # Safety
/// This process may use AMX.
pub(super) unsafe fn configure() {
    // SAFETY: 64 bytes are read; the tile registers belong to nobody else on this thread.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE.0, options(nostack, readonly)) };
}

/// # Safety
/// This process may use AMX.
pub(super) unsafe fn release() {
    // SAFETY: touches no memory; registers without configuration cost nothing when threads change.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
}

/// Where the tiles of a block lie.
struct Pointers {
    left: *const f32,
    /// As `left`, for the lower 16 rows.
    under: *const f32,
    right: *const f32,
    tiles: usize,
    is_added: bool,
    out: *mut f32,
    /// As `out`, for the lower 16 rows.
    lower: *mut f32,
    /// Between rows of the sums, in bytes.
    stride: usize,
}

/// One shape of a block: what loads, clears and stores its sums, and one step down the depth; then the operands that
/// only two rows of tiles have.
macro_rules! shape {
    ($name:ident, $load:literal, $zero:literal, $step:literal, $store:literal $(, $name_of:ident = $in:tt($class:ident) $at:ident $(=> $gone:tt)?)*) => {
        /// # Safety
        /// As [`multiply`], for this shape.
        unsafe fn $name(at: &Pointers) {
            // SAFETY: passed on from the caller. Sums are in tmm0 to tmm3, rows of A in tmm4 and tmm5, columns of B
            // in tmm6 and tmm7; rows of A lie 64 bytes apart, those of B 128.
            unsafe {
                asm!(
                    "test {added:e}, {added:e}",
                    "jz 3f",
                    $load,
                    "jmp 2f",
                    "3:",
                    $zero,
                    "2:",
                    $step,
                    "add {left}, 1024",
                    "add {right}, 2048",
                    "dec {tiles}",
                    "jnz 2b",
                    $store,
                    left = inout(reg) at.left => _,
                    right = inout(reg) at.right => _,
                    tiles = inout(reg) at.tiles => _,
                    added = in(reg) u32::from(at.is_added),
                    near = in(reg) 64usize,
                    far = in(reg) 128usize,
                    out = in(reg) at.out,
                    stride = in(reg) at.stride,
                    $($name_of = $in($class) at.$at $(=> $gone)?,)*
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

shape!(
    one_by_one,
    "tileloadd tmm0, [{out} + {stride}]",
    "tilezero tmm0",
    "tileloadd tmm6, [{right} + {far}]
     tileloadd tmm4, [{left} + {near}]
     tdpbf16ps tmm0, tmm4, tmm6",
    "tilestored [{out} + {stride}], tmm0"
);

shape!(
    one_by_two,
    "tileloadd tmm0, [{out} + {stride}]
     tileloadd tmm1, [{out} + {stride} + 64]",
    "tilezero tmm0
     tilezero tmm1",
    "tileloadd tmm6, [{right} + {far}]
     tileloadd tmm4, [{left} + {near}]
     tdpbf16ps tmm0, tmm4, tmm6
     tileloadd tmm7, [{right} + {far} + 64]
     tdpbf16ps tmm1, tmm4, tmm7",
    "tilestored [{out} + {stride}], tmm0
     tilestored [{out} + {stride} + 64], tmm1"
);

shape!(
    two_by_one,
    "tileloadd tmm0, [{out} + {stride}]
     tileloadd tmm2, [{lower} + {stride}]",
    "tilezero tmm0
     tilezero tmm2",
    "tileloadd tmm6, [{right} + {far}]
     tileloadd tmm4, [{left} + {near}]
     tdpbf16ps tmm0, tmm4, tmm6
     tileloadd tmm5, [{under} + {near}]
     tdpbf16ps tmm2, tmm5, tmm6
     add {under}, 1024",
    "tilestored [{out} + {stride}], tmm0
     tilestored [{lower} + {stride}], tmm2",
    lower = in(reg) lower,
    under = inout(reg) under => _
);

shape!(
    two_by_two,
    "tileloadd tmm0, [{out} + {stride}]
     tileloadd tmm1, [{out} + {stride} + 64]
     tileloadd tmm2, [{lower} + {stride}]
     tileloadd tmm3, [{lower} + {stride} + 64]",
    "tilezero tmm0
     tilezero tmm1
     tilezero tmm2
     tilezero tmm3",
    "tileloadd tmm6, [{right} + {far}]
     tileloadd tmm4, [{left} + {near}]
     tdpbf16ps tmm0, tmm4, tmm6
     tileloadd tmm7, [{right} + {far} + 64]
     tdpbf16ps tmm1, tmm4, tmm7
     tileloadd tmm5, [{under} + {near}]
     tdpbf16ps tmm2, tmm5, tmm6
     tdpbf16ps tmm3, tmm5, tmm7
     add {under}, 1024",
    "tilestored [{out} + {stride}], tmm0
     tilestored [{out} + {stride} + 64], tmm1
     tilestored [{lower} + {stride}], tmm2
     tilestored [{lower} + {stride} + 64], tmm3",
    lower = in(reg) lower,
    under = inout(reg) under => _
);

/// # Safety
/// The tile registers are configured; the block's height and width are those of whole tiles, all of which lie inside
/// their operands and `out`.
pub(super) unsafe fn multiply(block: &Block, out: *mut f32) {
    let left = block.left.as_ptr();
    let at = Pointers {
        left,
        // Only followed where there are lower rows.
        under: left.wrapping_add(block.tile_stride),
        right: block.right.as_ptr(),
        tiles: block.tiles,
        is_added: block.is_added,
        out,
        lower: out.wrapping_add(ROWS * block.stride),
        stride: block.stride * size_of::<f32>(),
    };
    // SAFETY: passed on from the caller.
    unsafe {
        match (block.height, block.width) {
            (SIDE, SIDE) => two_by_two(&at),
            (SIDE, _) => two_by_one(&at),
            (_, SIDE) => one_by_two(&at),
            _ => one_by_one(&at),
        }
    }
}

/// # Safety
/// The tile registers are configured; a tile lies at `one` and four at `out`.
pub(super) unsafe fn count(rounds: u32, one: *const f32, out: *mut f32) {
    // SAFETY: passed on from the caller. Reads one tile and writes four; the loop runs at least once.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "tileloadd tmm4, [{one} + {near}]",
            "tileloadd tmm5, [{one} + {near}]",
            "tileloadd tmm6, [{one} + {near}]",
            "tileloadd tmm7, [{one} + {near}]",
            "test {rounds}, {rounds}",
            "jz 3f",
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {rounds}",
            "jnz 2b",
            "3:",
            "tilestored [{out} + {near}], tmm0",
            "tilestored [{out} + {near} + {tile}], tmm1",
            "tilestored [{out} + {near} + 2 * {tile}], tmm2",
            "tilestored [{out} + {near} + 3 * {tile}], tmm3",
            one = in(reg) one,
            out = in(reg) out,
            near = in(reg) 64usize,
            rounds = inout(reg) u64::from(rounds) => _,
            tile = const size_of::<f32>() * TILE,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
