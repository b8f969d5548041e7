//! Doors for this crate's own tests of AMX on machines without it. Nothing else may go through them.

use crate::isa::amx;

/// Take it for granted that AMX may be used.
///
/// # Safety
/// Something must carry out its instructions: the processor, or a handler of the signal that it raises instead.
pub unsafe fn assume_amx() {
    amx::assume();
}

/// With the instruction set AMX, multiply by the plain version of the tile products (or not any more): what the
/// instructions are compared with.
pub fn set_plain_tiles(is_plain: bool) {
    amx::set_plain(is_plain);
}

/// The loop that measures the peak of AMX, `rounds` times: how many multiplications and additions its sums tell.
///
/// # Panics
/// When AMX is not in use.
pub fn count_in_tiles(rounds: u32) -> f64 {
    #[cfg(target_arch = "x86_64")]
    return crate::kernels::matmul::tiles::count(rounds);
    #[cfg(not(target_arch = "x86_64"))]
    panic!("AMX is not in use ({rounds} rounds)");
}
