//! Which documents go where, and in which order: functions of the seed and a document's number alone, so that any number
//! of threads and any chunking of the input give the same files.

use crate::rng::Rng;

/// The order of `documents` documents under `seed`: a permutation of their numbers (Fisher–Yates).
pub fn shuffled(documents: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..documents).collect();
    Rng::for_item(seed, "shards.order", 0).shuffle(&mut order);
    order
}

/// Which part document `index` belongs to, when parts have these shares (which sum to 1).
pub fn part(index: u64, shares: &[f64], seed: u64) -> usize {
    let place = Rng::for_item(seed, "shards.split", index).unit();
    let mut sum = 0.0;
    for (part, share) in shares.iter().enumerate() {
        sum += share;
        if place < sum {
            return part;
        }
    }
    shares.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_there_once_and_elsewhere() {
        let mut order = shuffled(1000, 7);
        assert_ne!(order, shuffled(1000, 8));
        assert_eq!(order, shuffled(1000, 7));
        assert!(order.iter().enumerate().filter(|(place, document)| place == *document).count() < 20);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
    }

    #[test]
    fn parts_have_their_shares() {
        let shares = [0.9, 0.1];
        let n_second = (0..10_000).filter(|&index| part(index, &shares, 3) == 1).count();
        assert!((900..1100).contains(&n_second), "{n_second}");
    }
}
