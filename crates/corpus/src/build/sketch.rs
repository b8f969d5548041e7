//! How many documents something stands in, for more things than fit into memory: counters that things share by hash
//! (count-min sketch, Cormode and Muthukrishnan 2005). A count is never too low; it is too high when both counters of a
//! thing are shared. Adding commutes, so any number of workers counts the same.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counters by hash.
pub(super) struct Sketch {
    counters: Vec<AtomicU32>,
    mask: u64,
}

impl Sketch {
    /// 2^`bits` counters of four bytes.
    pub(super) fn new(bits: u32) -> Self {
        let counters = (0..1usize << bits).map(|_| AtomicU32::new(0)).collect();
        Sketch { counters, mask: (1 << bits) - 1 }
    }

    fn places(&self, hash: u64) -> [usize; 2] {
        // The halves of the hash after another round of mixing; equal places would only count double, so they differ.
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = mixed >> 32 & self.mask;
        let second = (mixed ^ hash >> 29).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 30 & self.mask;
        [first as usize, if second == first { (first ^ 1) as usize } else { second as usize }]
    }

    /// Counts one document with the thing of this hash.
    pub(super) fn add(&self, hash: u64) {
        for place in self.places(hash) {
            self.counters[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Documents with it, or more.
    pub(super) fn count(&self, hash: u64) -> u32 {
        let counts = self.places(hash).map(|place| self.counters[place].load(Ordering::Relaxed));
        counts[0].min(counts[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_never_too_low_and_seldom_too_high() {
        let sketch = Sketch::new(14);
        let hash = |n: u64| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes());
        for n in 0..2000 {
            for _ in 0..n % 7 {
                sketch.add(hash(n));
            }
        }
        assert!((0..2000).all(|n| u64::from(sketch.count(hash(n))) >= n % 7));
        let exact = (0..2000).filter(|&n| u64::from(sketch.count(hash(n))) == n % 7).count();
        // Each of two counters is shared with probability 1 - exp(-4000 / 16384) = 0.22, both with 0.05.
        assert!(exact > 1850, "{exact}");
    }
}
