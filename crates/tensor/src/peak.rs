//! What this machine can do at most, so that a measured rate can be told as a share of it.
//!
//! [`arithmetic`] runs a loop whose sums never leave their registers, on all threads, with the instruction the matrix
//! products use; [`read_bandwidth`] streams an array too large for the caches through all threads. Both take the best of
//! many short passes: on a shared machine the mean tells of the neighbours.
//!
//! Unlike the other kernels these loops are intrinsics, because a compiler given plain Rust may keep sums in memory or
//! find out what they come to. The sums are exact small integers, so the plain version checks the others to the bit.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::kernels::lanes::dispatch;
use crate::kernels::matmul::{Kernel, tiles};
use crate::{DType, Isa, isa, threads};

/// The highest rate of floating-point operations, and what it was reached with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The instruction of the loop.
    pub instruction: &'static str,
    /// Operations a second of all threads together; a multiplication and an addition are two.
    pub flops_per_second: f64,
}

/// Time for a measurement: long enough for the clock of the cores to settle under wide vectors.
const PATIENCE: Duration = Duration::from_millis(300);
/// Steps of the register loop in one block of work: some tenths of a millisecond.
const ROUNDS: u32 = 1 << 16;
/// How many times fewer rounds the loop over tiles makes: one takes 64 cycles, those of the others some 12.
const TILE_SHARE: u32 = 4;
/// Blocks a thread; more than one, so that a thread that was held up does not hold up the pass.
const BLOCKS: usize = 4;
/// Words of a block of memory, 1 MiB.
const BLOCK_WORDS: usize = 1 << 17;

/// The peak of products in `dtype` with the instruction set and the number of threads in use. Where no bf16 instruction is
/// used, bf16 products are f32 products of rounded values and have the peak of those.
pub fn arithmetic(dtype: DType) -> Peak {
    let kernel = RegisterLoop::of(dtype);
    let mut sums = vec![0.0f64; threads::threads() * BLOCKS];
    let seconds = best_seconds(|| {
        threads::for_each_chunk(&mut sums, 1, |_, sums| sums.fill(kernel.run(ROUNDS)));
    });
    // What the loops came to is looked at, so that they cannot be left out.
    let operations = sums.iter().map(|&sum| 2.0 * black_box(sum)).sum::<f64>();
    Peak { instruction: kernel.instruction(), flops_per_second: operations / seconds }
}

/// Bytes a second that all threads together read from an array of `bytes`; more than the caches hold makes it the
/// bandwidth of memory.
pub fn read_bandwidth(bytes: usize) -> f64 {
    let mut words = vec![0u64; (bytes / size_of::<u64>()).max(1)];
    // Zeros would be one page of the system's, mapped many times over; and written by all threads, because memory lies
    // near the core that first touched it.
    threads::for_each_chunk(&mut words, BLOCK_WORDS, |_, words| words.fill(1));
    let mut blocks: Vec<(&[u64], u64)> = words.chunks(BLOCK_WORDS).map(|block| (block, 0)).collect();
    let seconds = best_seconds(|| {
        threads::for_each_chunk(&mut blocks, 1, |_, blocks| {
            blocks.iter_mut().for_each(|(words, sum)| *sum = sum_of_words(words));
        });
    });
    black_box(&blocks);
    size_of_val(words.as_slice()) as f64 / seconds
}

/// The shortest time `work` took, over as many runs as the patience allows and at least two: the first one wakes the
/// threads.
fn best_seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut best = f64::INFINITY;
    let mut runs = 0;
    while runs < 2 || start.elapsed() < PATIENCE {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    // A clock too coarse to see the work must not make the rate infinite.
    best.max(1e-9)
}

dispatch! {
    /// The wrapping sum; whole numbers, because their order is the compiler's to choose.
    fn sum_of_words(words: &[u64]) -> u64 = sum_of_words_body
}

#[inline(always)]
fn sum_of_words_body<const FMA: bool>(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum: u64, &word| sum.wrapping_add(word))
}

/// A loop of multiplications and additions in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RegisterLoop {
    /// f32, with the vectors of an instruction set.
    Single(Isa),
    /// Pairs of bf16 summed in f32.
    Pairs,
    /// The same in the tile registers of AMX.
    Tiles,
}

impl RegisterLoop {
    /// The loop over what the matrix products of `dtype` use.
    fn of(dtype: DType) -> RegisterLoop {
        match dtype {
            DType::F32 => RegisterLoop::Single(isa()),
            DType::Bf16 => match Kernel::for_pairs() {
                Some(Kernel::Tiles) => RegisterLoop::Tiles,
                Some(Kernel::Pairs) => RegisterLoop::Pairs,
                Some(Kernel::Single(_)) | None => RegisterLoop::Single(isa()),
            },
        }
    }

    fn instruction(self) -> &'static str {
        match self {
            RegisterLoop::Single(Isa::Scalar) => "multiply and add",
            RegisterLoop::Single(Isa::Avx2) => "vfmadd ymm",
            RegisterLoop::Single(Isa::Avx512 | Isa::Amx) => "vfmadd zmm",
            RegisterLoop::Pairs => "vdpbf16ps zmm",
            RegisterLoop::Tiles => "tdpbf16ps tmm",
        }
    }

    /// Multiplies one by one and adds it, `rounds` times in every lane: returns how many times that was in all.
    fn run(self, rounds: u32) -> f64 {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `of` and the tests take instruction sets from `isa` and `available_isas`, which only name those
            // found on this processor. Covered by the tests of this file.
            RegisterLoop::Single(Isa::Avx512 | Isa::Amx) => unsafe { x86::avx512(rounds) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            RegisterLoop::Single(Isa::Avx2) => unsafe { x86::avx2(rounds) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; `of` asked whether there is the instruction.
            RegisterLoop::Pairs => unsafe { x86::pairs(rounds) },
            #[cfg(target_arch = "x86_64")]
            RegisterLoop::Tiles => tiles::count(rounds / TILE_SHARE),
            _ => scalar(rounds),
        }
    }
}

/// The plain version: the oracle of the others. Eight vectors of four, the width every x86-64 has, are enough for an
/// addition to be under way in each of its stages.
fn scalar(rounds: u32) -> f64 {
    let one = black_box(1.0f32);
    let mut sums = [0.0f32; 32];
    for _ in 0..rounds {
        // The product takes the sum of the round before, so it cannot be taken out of the loop.
        for sum in &mut sums {
            *sum = *sum * one + one;
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(rounds: u32) -> f64 {
        // Twelve sums of sixteen registers: two a cycle for four cycles would need eight.
        let one = _mm256_set1_ps(black_box(1.0));
        let mut sums = [_mm256_setzero_ps(); 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, one, one);
            }
        }
        let mut total = 0.0;
        for sum in sums {
            let mut lanes = [0.0f32; 8];
            // SAFETY: there is room for eight lanes.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
            total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        }
        total
    }

    /// # Safety
    /// The processor has AVX-512 F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(rounds: u32) -> f64 {
        let one = _mm512_set1_ps(black_box(1.0));
        let mut sums = [_mm512_setzero_ps(); 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, one, one);
            }
        }
        total(sums)
    }

    /// # Safety
    /// The processor has AVX-512 F and BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn pairs(rounds: u32) -> f64 {
        let one = _mm512_cvtneps_pbh(_mm512_set1_ps(black_box(1.0)));
        // SAFETY: both types are 32 bytes, and any bits are bf16.
        let one = _mm512_broadcast_i64x4(unsafe { std::mem::transmute::<__m256bh, __m256i>(one) });
        // SAFETY: both types are 64 bytes, and any bits are bf16.
        let one = unsafe { std::mem::transmute::<__m512i, __m512bh>(one) };
        let mut sums = [_mm512_setzero_ps(); 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, one, one);
            }
        }
        total(sums)
    }

    /// The sum of all lanes.
    #[target_feature(enable = "avx512f")]
    fn total(sums: [__m512; 24]) -> f64 {
        let mut total = 0.0;
        for sum in sums {
            let mut lanes = [0.0f32; 16];
            // SAFETY: there is room for sixteen lanes.
            unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), sum) };
            total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::available_isas;

    /// Every lane counts the rounds, twice with pairs: the plain version gives the sum of 32 lanes, the others of theirs.
    #[test]
    fn the_loops_count_right() {
        let lanes = |isa| match isa {
            Isa::Scalar => 32.0,
            Isa::Avx2 => 96.0,
            Isa::Avx512 | Isa::Amx => 384.0,
        };
        for rounds in [0, 1, 1000, ROUNDS] {
            let plain = scalar(rounds) / lanes(Isa::Scalar);
            assert_eq!(plain, f64::from(rounds));
            for isa in available_isas() {
                assert_eq!(RegisterLoop::Single(isa).run(rounds), plain * lanes(isa), "{isa:?}");
            }
            if Kernel::has_pairs() {
                assert_eq!(RegisterLoop::Pairs.run(rounds), 2.0 * plain * lanes(Isa::Avx512));
            }
            if RegisterLoop::of(DType::Bf16) == RegisterLoop::Tiles {
                assert_eq!(RegisterLoop::Tiles.run(rounds), f64::from(rounds / TILE_SHARE) * 32.0 * 1024.0);
            }
        }
    }

    #[test]
    fn words_are_all_read() {
        for count in [0usize, 1, 7, 64, 1001] {
            let words: Vec<u64> = (1..=count as u64).collect();
            assert_eq!(sum_of_words(&words), (count * (count + 1) / 2) as u64);
        }
        assert_eq!(sum_of_words(&[u64::MAX, 2]), 1);
    }

    #[test]
    fn rates_are_positive_numbers() {
        for dtype in [DType::F32, DType::Bf16] {
            let peak = arithmetic(dtype);
            assert!(peak.flops_per_second.is_finite() && peak.flops_per_second > 0.0, "{peak:?}");
        }
        for bytes in [0, 9, 3 << 20] {
            let rate = read_bandwidth(bytes);
            assert!(rate.is_finite() && rate > 0.0, "{bytes} bytes: {rate}");
        }
    }
}
