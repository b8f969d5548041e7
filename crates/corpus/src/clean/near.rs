//! Near-duplicates: MinHash signatures (Broder 1997) over shingles of tokens, locality-sensitive hashing in bands
//! (Indyk and Motwani 1998), and then the true Jaccard similarity of every candidate pair. Clusters are the connected
//! components of the verified pairs; the first document in corpus order stays for its cluster.
//!
//! Verification is why the bands can be wide open: a false candidate costs time, not a document. Signatures are 32-bit
//! multiply-shift hashes of 64-bit shingle hashes.

use std::collections::HashMap;

use lang::rng::Rng;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::NearDuplicatesConfig;
use super::stage::{Drop, Stage};
use crate::text::hashes;

/// Each document of a bucket is compared with this many documents before it and with the bucket's first ones, so that
/// a bucket of ten thousand copies costs half a million comparisons, not fifty million.
const NEIGHBOURS: usize = 40;
const FIRSTS: usize = 10;

/// The set of shingles of `text`, sorted: hashes of runs of `size` tokens; of all tokens when there are fewer.
pub fn shingles(text: &str, size: usize) -> Vec<u64> {
    let tokens = hashes(text);
    if tokens.is_empty() {
        return Vec::new();
    }
    let size = size.clamp(1, tokens.len());
    let mut out: Vec<u64> = tokens.windows(size).map(combine).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Hash of a run of token hashes; order matters.
pub(super) fn combine(run: &[u64]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for &token in run {
        state = (state ^ token).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^= state >> 32;
    }
    state
}

/// Jaccard similarity of two sorted sets.
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    let union = a.len() + b.len() - common;
    if union == 0 { 0.0 } else { common as f64 / union as f64 }
}

/// The hash functions of a signature: `h(x) = (a x + b) >> 32` modulo 2^64, with odd `a`.
struct Permutations(Vec<(u64, u64)>);

impl Permutations {
    fn new(count: usize) -> Self {
        // The seed is fixed: which hash functions are used is no choice of the caller's, and results must not change.
        let mut rng = Rng::for_item(0, "minhash", count as u64);
        Permutations((0..count).map(|_| (rng.next_u64() | 1, rng.next_u64())).collect())
    }

    fn signature(&self, shingles: &[u64]) -> Vec<u32> {
        let mut least = vec![u32::MAX; self.0.len()];
        for &shingle in shingles {
            for (slot, &(a, b)) in least.iter_mut().zip(&self.0) {
                let hash = (shingle.wrapping_mul(a).wrapping_add(b) >> 32) as u32;
                *slot = (*slot).min(hash);
            }
        }
        least
    }
}

/// Pairs `(earlier, later)` of `sets` whose true Jaccard similarity is at least the threshold, with it; sorted.
/// Sets must be sorted; an empty set resembles nothing.
pub fn pairs(sets: &[Vec<u64>], config: &NearDuplicatesConfig) -> Vec<(usize, usize, f64)> {
    let permutations = Permutations::new(config.bands * config.rows);
    let band_hashes: Vec<Vec<u64>> = sets
        .par_iter()
        .map(|set| {
            if set.is_empty() {
                return Vec::new();
            }
            let signature = permutations.signature(set);
            signature.chunks(config.rows).map(|band| xxh3_64(&band_bytes(band))).collect()
        })
        .collect();
    let mut candidates: Vec<(usize, usize)> = (0..config.bands)
        .into_par_iter()
        .flat_map_iter(|band| {
            let keyed = band_hashes.iter().enumerate().filter(|(_, hashes)| !hashes.is_empty());
            let mut entries: Vec<(u64, usize)> = keyed.map(|(index, hashes)| (hashes[band], index)).collect();
            entries.sort_unstable();
            let mut found = Vec::new();
            for bucket in entries.chunk_by(|a, b| a.0 == b.0) {
                for later in 1..bucket.len() {
                    let near = later.saturating_sub(NEIGHBOURS)..later;
                    let first = 0..FIRSTS.min(near.start);
                    found.extend(first.chain(near).map(|earlier| (bucket[earlier].1, bucket[later].1)));
                }
            }
            found
        })
        .collect();
    candidates.par_sort_unstable();
    candidates.dedup();
    let mut verified: Vec<(usize, usize, f64)> = candidates
        .into_par_iter()
        .filter_map(|(a, b)| {
            // |A| / |B| bounds the similarity from above.
            let (short, long) = (sets[a].len().min(sets[b].len()), sets[a].len().max(sets[b].len()));
            if (short as f64) < config.threshold * long as f64 {
                return None;
            }
            let similarity = jaccard(&sets[a], &sets[b]);
            (similarity >= config.threshold).then_some((a, b, similarity))
        })
        .collect();
    verified.par_sort_unstable_by_key(|&(a, b, _)| (a, b));
    verified
}

fn band_bytes(band: &[u32]) -> Vec<u8> {
    band.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

/// Union-find in which the root of a set is its smallest member.
struct Clusters(Vec<usize>);

impl Clusters {
    fn root(&mut self, mut item: usize) -> usize {
        while self.0[item] != item {
            self.0[item] = self.0[self.0[item]];
            item = self.0[item];
        }
        item
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = stage.config.near_duplicates.clone();
    let (indices, sets): (Vec<usize>, Vec<Vec<u64>>) =
        stage.map(|document| shingles(&document.text, config.shingle)).into_iter().unzip();
    let verified = pairs(&sets, &config);
    let mut clusters = Clusters((0..sets.len()).collect());
    let mut best: HashMap<usize, f64> = HashMap::new();
    for &(a, b, similarity) in &verified {
        clusters.join(a, b);
        let most = best.entry(b).or_insert(similarity);
        *most = most.max(similarity);
    }
    for item in 0..sets.len() {
        let root = clusters.root(item);
        if root != item {
            let representative = &stage.documents[indices[root]].id;
            // A member other than the root has an earlier neighbour, unless chains join it from later ones only.
            let similarity = best.get(&item).copied().unwrap_or(config.threshold);
            let reason =
                format!("similar_text: {similarity:.2} of the shingles shared, from {:.2} on", config.threshold);
            let duplicate_of = Some(representative.clone());
            stage.drop(indices[item], Drop { reason, duplicate_of });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: std::ops::Range<u64>) -> Vec<u64> {
        let mut out: Vec<u64> = items.map(|i| combine(&[i])).collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn jaccard_by_hand() {
        assert_eq!(jaccard(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(jaccard(&[], &[]), 0.0);
        assert_eq!(jaccard(&[7], &[7]), 1.0);
    }

    /// Pairs with a true similarity of 0.8 are found in 98 of 100 cases and more, and all that is found is true.
    #[test]
    fn pairs_are_found_as_the_curve_says() {
        let config = NearDuplicatesConfig::default();
        let mut sets = Vec::new();
        for pair in 0..400u64 {
            // 80 common of 100 in the union: 0.8.
            let base = pair * 1000;
            sets.push(set(base..base + 90));
            sets.push(set(base + 10..base + 100));
        }
        let found = pairs(&sets, &config);
        assert!(found.len() >= 392, "{} of 400", found.len());
        assert!(found.iter().all(|&(a, b, s)| a / 2 == b / 2 && (s - 0.8).abs() < 1e-9));
    }

    /// All pairs by brute force on sets with random overlap.
    #[test]
    fn pairs_agree_with_brute_force() {
        let config = NearDuplicatesConfig::default();
        let mut rng = Rng::new(5);
        let sets: Vec<Vec<u64>> = (0..120)
            .map(|_| {
                let start = rng.below(3) * 500 + rng.below(40);
                set(start..start + 80 + rng.below(30))
            })
            .collect();
        let mut expected = Vec::new();
        for b in 0..sets.len() {
            for a in 0..b {
                if jaccard(&sets[a], &sets[b]) >= config.threshold {
                    expected.push((a, b));
                }
            }
        }
        let found: Vec<(usize, usize)> = pairs(&sets, &config).into_iter().map(|(a, b, _)| (a, b)).collect();
        let hits = found.iter().filter(|pair| expected.binary_search_by_key(&(pair.1, pair.0), |p| (p.1, p.0)).is_ok());
        assert_eq!(hits.count(), found.len());
        assert!(found.len() * 100 >= expected.len() * 97, "{} of {}", found.len(), expected.len());
    }

    #[test]
    fn shingles_of_short_and_chinese_texts() {
        assert_eq!(shingles("one two", 5).len(), 1);
        assert_eq!(shingles("今天天气很好", 5).len(), 2);
        assert!(shingles("...", 5).is_empty());
        assert_eq!(shingles("The cat, sat on a mat", 5), shingles("the CAT sat on a mat!", 5));
    }
}
