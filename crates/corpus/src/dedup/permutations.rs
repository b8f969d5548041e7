//! The hash functions of MinHash signatures, as datatrove and the rensa family define them, and kernels that apply a
//! hundred of them to every shingle.
//!
//! - *Mersenne* (datsketch, datatrove, text-dedup): `((a x + b) mod 2^64) mod (2^61 - 1)`, parameters drawn by NumPy's
//!   `RandomState(seed).randint`. The product wraps before it is reduced; that is what the peers compute, so no 128-bit
//!   product is needed.
//! - *Multiply-shift* (our own presets): `(a x + b) mod 2^32` with odd `a` over 32-bit shingle hashes, sixteen a
//!   register. The shingle hashes are random already, so a linear step per function is enough; the S-curve test holds it
//!   to that.
//!
//! Kernels are plain loops over arrays of fixed length, compiled by `pulp` for the widest instruction set there is.

use lang::rng::Rng;
use pulp::Arch;

/// 2^61 - 1.
pub const MERSENNE: u64 = (1 << 61) - 1;

/// Functions that one pass over the shingles applies: four 512-bit registers of either width.
const LANES_32: usize = 64;
const LANES_64: usize = 32;

/// A family of hash functions with its parameters.
#[derive(Clone, Debug)]
pub struct Permutations {
    arch: Arch,
    count: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Mersenne { a: Vec<[u64; LANES_64]>, b: Vec<[u64; LANES_64]> },
    MultiplyShift { a: Vec<[u32; LANES_32]>, b: Vec<[u32; LANES_32]> },
}

/// Least hashes so far, one a function.
#[derive(Clone, Debug)]
pub struct Least(Lanes);

#[derive(Clone, Debug)]
enum Lanes {
    Wide(Vec<[u64; LANES_64]>),
    Narrow(Vec<[u32; LANES_32]>),
}

impl Permutations {
    /// The peers' functions: NumPy's `RandomState(seed)` gives all `a` in `1..2^61-1` and then all `b` in `0..2^61-1`.
    pub fn mersenne(count: usize, seed: u32) -> Permutations {
        let mut twister = MersenneTwister::new(seed);
        let a: Vec<u64> = (0..count).map(|_| 1 + twister.below(MERSENNE - 2)).collect();
        let b: Vec<u64> = (0..count).map(|_| twister.below(MERSENNE - 1)).collect();
        Permutations { arch: Arch::new(), count, kind: Kind::Mersenne { a: in_lanes(&a), b: in_lanes(&b) } }
    }

    /// Our own functions.
    pub fn multiply_shift(count: usize, seed: u32) -> Permutations {
        let mut rng = Rng::for_item(u64::from(seed), "multiply-shift", 0);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..count {
            a.push((rng.next_u64() >> 32) as u32 | 1);
            b.push((rng.next_u64() >> 32) as u32);
        }
        Permutations { arch: Arch::new(), count, kind: Kind::MultiplyShift { a: in_lanes(&a), b: in_lanes(&b) } }
    }

    /// How many functions there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Nothing seen yet.
    pub fn start(&self) -> Least {
        Least(match &self.kind {
            Kind::Mersenne { a, .. } => Lanes::Wide(vec![[u64::MAX; LANES_64]; a.len()]),
            Kind::MultiplyShift { a, .. } => Lanes::Narrow(vec![[u32::MAX; LANES_32]; a.len()]),
        })
    }

    /// Takes in the hashes of some shingles. Multiply-shift reads their upper 32 bits.
    pub fn update(&self, least: &mut Least, shingles: &[u64]) {
        match (&self.kind, &mut least.0) {
            (Kind::Mersenne { a, b }, Lanes::Wide(least)) => {
                self.arch.dispatch(Mersenne { shingles, a, b, least });
            }
            (Kind::MultiplyShift { a, b }, Lanes::Narrow(least)) => {
                let mut narrow = [0u32; 256];
                for chunk in shingles.chunks(narrow.len()) {
                    for (narrow, &wide) in narrow.iter_mut().zip(chunk) {
                        *narrow = (wide >> 32) as u32;
                    }
                    let shingles = &narrow[..chunk.len()];
                    self.arch.dispatch(MultiplyShift { shingles, a, b, least });
                }
            }
            _ => unreachable!("`start` gives lanes of the family's own width"),
        }
    }

    /// The signature: the least hash of every function.
    pub fn signature(&self, least: &Least) -> Vec<u64> {
        match &least.0 {
            Lanes::Wide(lanes) => lanes.iter().flatten().take(self.count).copied().collect(),
            Lanes::Narrow(lanes) => lanes.iter().flatten().take(self.count).map(|&h| u64::from(h)).collect(),
        }
    }

    /// What `update` computes, one shingle and one function at a time: the oracle of the kernels.
    #[cfg(test)]
    fn plain_signature(&self, shingles: &[u64]) -> Vec<u64> {
        (0..self.count)
            .map(|i| {
                let hash = |&x: &u64| match &self.kind {
                    Kind::Mersenne { a, b } => {
                        let (a, b) = (a[i / LANES_64][i % LANES_64], b[i / LANES_64][i % LANES_64]);
                        x.wrapping_mul(a).wrapping_add(b) % MERSENNE
                    }
                    Kind::MultiplyShift { a, b } => {
                        let (a, b) = (a[i / LANES_32][i % LANES_32], b[i / LANES_32][i % LANES_32]);
                        u64::from(((x >> 32) as u32).wrapping_mul(a).wrapping_add(b))
                    }
                };
                let empty = if matches!(self.kind, Kind::Mersenne { .. }) { u64::MAX } else { u64::from(u32::MAX) };
                shingles.iter().map(hash).min().unwrap_or(empty)
            })
            .collect()
    }
}

/// Cuts parameters into rows of lanes; what is over computes something nobody reads.
fn in_lanes<T: Copy + Default, const N: usize>(values: &[T]) -> Vec<[T; N]> {
    values
        .chunks(N)
        .map(|chunk| {
            let mut lanes = [T::default(); N];
            lanes[..chunk.len()].copy_from_slice(chunk);
            lanes
        })
        .collect()
}

struct Mersenne<'a> {
    shingles: &'a [u64],
    a: &'a [[u64; LANES_64]],
    b: &'a [[u64; LANES_64]],
    least: &'a mut [[u64; LANES_64]],
}

impl pulp::NullaryFnOnce for Mersenne<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((a, b), least) in self.a.iter().zip(self.b).zip(self.least) {
            let mut best = *least;
            for &x in self.shingles {
                for lane in 0..LANES_64 {
                    let wrapped = x.wrapping_mul(a[lane]).wrapping_add(b[lane]);
                    // At most p + 7, so one subtraction finishes the remainder: where it wraps, there was none to make.
                    let folded = (wrapped & MERSENNE) + (wrapped >> 61);
                    let reduced = folded.min(folded.wrapping_sub(MERSENNE));
                    best[lane] = best[lane].min(reduced);
                }
            }
            *least = best;
        }
    }
}

struct MultiplyShift<'a> {
    shingles: &'a [u32],
    a: &'a [[u32; LANES_32]],
    b: &'a [[u32; LANES_32]],
    least: &'a mut [[u32; LANES_32]],
}

impl pulp::NullaryFnOnce for MultiplyShift<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((a, b), least) in self.a.iter().zip(self.b).zip(self.least) {
            let mut best = *least;
            for &x in self.shingles {
                for lane in 0..LANES_32 {
                    let hash = x.wrapping_mul(a[lane]).wrapping_add(b[lane]);
                    best[lane] = best[lane].min(hash);
                }
            }
            *least = best;
        }
    }
}

/// MT19937 (Matsumoto and Nishimura 1998) as NumPy's `RandomState` seeds and reads it.
struct MersenneTwister {
    state: Vec<u32>,
    at: usize,
}

impl MersenneTwister {
    const N: usize = 624;
    const M: usize = 397;

    fn new(seed: u32) -> Self {
        let mut state = vec![seed];
        for i in 1..Self::N as u32 {
            let before = state[i as usize - 1];
            state.push((before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i));
        }
        MersenneTwister { state, at: Self::N }
    }

    fn next_u32(&mut self) -> u32 {
        if self.at == Self::N {
            for i in 0..Self::N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % Self::N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + Self::M) % Self::N] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A number from 0 to `most`, by NumPy's rejection under a mask.
    fn below(&mut self, most: u64) -> u64 {
        let mask = u64::MAX >> most.leading_zeros();
        loop {
            let high = u64::from(self.next_u32());
            let value = ((high << 32) | u64::from(self.next_u32())) & mask;
            if value <= most {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the reference implementation for seed 5489.
    #[test]
    fn the_twister_is_the_reference_one() {
        let mut twister = MersenneTwister::new(5489);
        let first: Vec<u32> = (0..5).map(|_| twister.next_u32()).collect();
        assert_eq!(first, [3_499_211_612, 581_869_302, 3_890_346_734, 3_586_334_585, 545_404_204]);
    }

    #[test]
    fn kernels_agree_with_the_plain_functions() {
        let mut rng = Rng::new(1);
        for count in [1, 31, 32, 33, 64, 65, 112, 450] {
            for family in [Permutations::mersenne(count, 1), Permutations::multiply_shift(count, 1)] {
                for shingles in [0, 1, 2, 255, 256, 257, 1000] {
                    let mut hashes: Vec<u64> = (0..shingles).map(|_| rng.next_u64()).collect();
                    // The edges of the reduction.
                    hashes.extend([0, 1, u64::MAX, MERSENNE, MERSENNE + 1, MERSENNE - 1].iter().take(shingles));
                    let mut least = family.start();
                    let (some, rest) = hashes.split_at(hashes.len() / 3);
                    family.update(&mut least, some);
                    family.update(&mut least, rest);
                    assert_eq!(family.signature(&least), family.plain_signature(&hashes), "{count} {shingles}");
                }
            }
        }
    }
}
