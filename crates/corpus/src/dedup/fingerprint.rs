//! What deduplication knows of a document: the hash of its normalised text, the keys of its signature's bands, and its
//! set of shingles.

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::permutations::Permutations;
use super::presets::DocumentOptions;
use super::shingles::shingles;
use crate::error::CorpusError;

/// A set of shingles keeps its least so many members. Larger sets are compared by those (bottom-k sketches, Cohen and
/// Kaplan 2007): the estimate of their similarity is off by 0.002 at worst, one standard deviation, and no document, however
/// long, costs more than a quarter of a mebibyte.
pub const LARGEST_SET: usize = 1 << 16;

/// What is kept of one document. Made by [`Fingerprinter::fingerprint`], on any thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Hash of the normalised text; 0 when there is no exact pass.
    pub exact: u128,
    /// A key for each band; empty for a text without shingles.
    pub bands: Vec<u64>,
    /// The least [`LARGEST_SET`] shingles' upper 32 bits, sorted; empty unless candidates are verified.
    pub set: Vec<u32>,
    /// Bytes of the text.
    pub bytes: u64,
}

/// Makes fingerprints.
#[derive(Clone, Debug)]
pub struct Fingerprinter {
    options: DocumentOptions,
    permutations: Option<Permutations>,
}

impl Fingerprinter {
    /// # Errors
    /// [`CorpusError::Setting`] for options that cannot work.
    pub fn new(options: &DocumentOptions) -> Result<Fingerprinter, CorpusError> {
        options.check()?;
        let permutations = options.near.as_ref().map(|near| near.permutations());
        Ok(Fingerprinter { options: options.clone(), permutations })
    }

    /// The signature of a text: the least value of every hash function over its shingles, `bands * rows` of them; none
    /// for a text without shingles. With the presets `fineweb` and `datatrove` these are datatrove's numbers, as long as
    /// words stand between spaces.
    pub fn signature(&self, text: &str) -> Option<Vec<u64>> {
        self.shingled(text, false).map(|(signature, _)| signature)
    }

    fn shingled(&self, text: &str, keep_set: bool) -> Option<(Vec<u64>, Vec<u32>)> {
        let (near, permutations) = (self.options.near.as_ref()?, self.permutations.as_ref()?);
        let mut normalised = String::new();
        if !matches!(near.shingle, super::shingles::Shingle::Tokens(_)) {
            near.normalisation.apply(text, &mut normalised);
        }
        let mut least = permutations.start();
        let mut set = LeastSet::default();
        let mut any = false;
        shingles(text, &normalised, near.shingle, near.hash, near.whole_if_short, |some| {
            any = true;
            permutations.update(&mut least, some);
            if keep_set {
                set.extend(some);
            }
        });
        any.then(|| (permutations.signature(&least), set.finish()))
    }

    /// The fingerprint of a text.
    pub fn fingerprint(&self, text: &str) -> Fingerprint {
        let mut out = Fingerprint { bytes: text.len() as u64, ..Fingerprint::default() };
        if let Some(normalisation) = &self.options.exact {
            let mut normalised = String::new();
            normalisation.apply(text, &mut normalised);
            out.exact = xxh3_128(normalised.as_bytes());
        }
        if let Some(near) = &self.options.near
            && let Some((signature, set)) = self.shingled(text, near.verify.is_some())
        {
            let mut bytes = Vec::with_capacity(near.rows * 8);
            for (band, hashes) in signature.chunks(near.rows).enumerate() {
                bytes.clear();
                bytes.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
                out.bands.push(xxh3_64_with_seed(&bytes, band as u64));
            }
            out.set = set;
        }
        out
    }
}

/// Collects the least members of a set.
#[derive(Default)]
struct LeastSet(Vec<u32>);

impl LeastSet {
    fn extend(&mut self, hashes: &[u64]) {
        self.0.extend(hashes.iter().map(|hash| (hash >> 32) as u32));
        if self.0.len() >= 4 * LARGEST_SET {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.truncate(LARGEST_SET);
    }

    fn finish(mut self) -> Vec<u32> {
        self.shrink();
        self.0
    }
}

/// Jaccard similarity of two sorted sets; an estimate where one of them was cut at [`LARGEST_SET`].
pub fn similarity(a: &[u32], b: &[u32]) -> f64 {
    // The least members of the union are known only as far as both sets are.
    let most = if a.len().max(b.len()) >= LARGEST_SET { LARGEST_SET } else { usize::MAX };
    let (mut i, mut j, mut common, mut union) = (0, 0, 0usize, 0usize);
    while i < a.len() && j < b.len() && union < most {
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
        common += usize::from(x == y);
        union += 1;
    }
    let union = (union + (a.len() - i) + (b.len() - j)).min(most);
    if union == 0 { 0.0 } else { common as f64 / union as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_by_hand() {
        assert_eq!(similarity(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(similarity(&[], &[]), 0.0);
        assert_eq!(similarity(&[7], &[7]), 1.0);
        assert_eq!(similarity(&[7], &[]), 0.0);
        assert_eq!(similarity(&[1, 2], &[3, 4]), 0.0);
    }

    #[test]
    fn cut_sets_give_an_estimate() {
        let hashes = |range: std::ops::Range<u64>| {
            let mut set = LeastSet::default();
            let all: Vec<u64> = range.map(|i| xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes())).collect();
            for some in all.chunks(500) {
                set.extend(some);
            }
            set.finish()
        };
        let (a, b) = (hashes(0..900_000), hashes(100_000..1_000_000));
        assert_eq!(a.len(), LARGEST_SET);
        assert!((similarity(&a, &b) - 0.8).abs() < 0.006, "{}", similarity(&a, &b));
        let small = hashes(0..1000);
        assert!(similarity(&a, &small) < 0.005);
    }

    #[test]
    fn empty_texts_have_no_bands() {
        let maker = Fingerprinter::new(&DocumentOptions::default()).unwrap();
        assert!(maker.fingerprint("").bands.is_empty());
        assert!(maker.fingerprint(" \n").bands.is_empty());
        assert_eq!(maker.fingerprint("").exact, maker.fingerprint(" \n").exact);
        assert_eq!(maker.fingerprint("A b").bands.len(), 25);
    }
}
