//! Settings of document deduplication, and those of other tools under their names.
//!
//! The bands and rows of the peers are published figures (FineWeb 2406.17557 and datatrove, RefinedWeb 2306.01116 after Lee
//! et al. 2107.06499, RedPajama-V2's README, NeMo Curator's and data-juicer's defaults, text-dedup's and SlimPajama's thresholds);
//! a pair of similarity `s` is found with probability `1 - (1 - s^rows)^bands`.

use serde::{Deserialize, Serialize};

use super::normalise::Normalisation;
use super::permutations::Permutations;
use super::shingles::{Shingle, ShingleHash};
use crate::error::CorpusError;

/// Which documents count as the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentOptions {
    /// Name of the preset these started from.
    pub preset: String,
    /// Documents equal after this are exact duplicates; none: no exact pass.
    pub exact: Option<Normalisation>,
    /// Documents that share most of their shingles; none: only exact duplicates.
    pub near: Option<NearOptions>,
    /// Which document of a cluster stays.
    pub representative: Representative,
}

/// MinHash signatures in bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearOptions {
    /// Applied before words or characters are read.
    pub normalisation: Normalisation,
    /// What a shingle is.
    pub shingle: Shingle,
    /// How its bytes are hashed.
    pub hash: ShingleHash,
    /// A text shorter than a shingle is one shingle; otherwise it has none and resembles nothing.
    pub whole_if_short: bool,
    /// The hash functions of the signature.
    pub family: Family,
    /// Seed of their parameters.
    pub seed: u32,
    /// Bands of the signature.
    pub bands: usize,
    /// Hashes in a band.
    pub rows: usize,
    /// Candidates are compared and must have at least this Jaccard similarity; none: sharing a band is enough.
    pub verify: Option<f64>,
}

/// Families of hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// 64 bits modulo 2^61 - 1, as datasketch and datatrove compute it.
    Mersenne,
    /// 32-bit multiply-shift.
    MultiplyShift,
}

/// Which document of a cluster stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Representative {
    /// The first in the order of the corpus.
    First,
    /// The one with most bytes; the first of these.
    Longest,
}

/// Names [`DocumentOptions::preset`] knows.
pub const PRESETS: [&str; 11] = [
    "default",
    "exact",
    "fineweb",
    "datatrove",
    "refinedweb",
    "redpajama-0.7",
    "redpajama-0.8",
    "redpajama-0.9",
    "nemo",
    "data-juicer",
    "text-dedup",
];

/// From this similarity on two documents are duplicates by default. A point below 0.8: tools count shingles at the seams
/// of a text a little differently, and a pair that is 0.80 elsewhere should be found here.
pub const THRESHOLD: f64 = 0.79;

impl Default for DocumentOptions {
    fn default() -> Self {
        let near = NearOptions {
            normalisation: Normalisation::NONE,
            shingle: Shingle::Tokens(5),
            hash: ShingleHash::Xxh3,
            whole_if_short: true,
            family: Family::MultiplyShift,
            seed: 0,
            bands: 25,
            rows: 5,
            verify: Some(THRESHOLD),
        };
        DocumentOptions {
            preset: "default".to_string(),
            exact: Some(Normalisation::FOLDED),
            near: Some(near),
            representative: Representative::First,
        }
    }
}

impl DocumentOptions {
    /// The settings of this name; none when there are none.
    pub fn preset(name: &str) -> Option<DocumentOptions> {
        let mut options = DocumentOptions { preset: name.to_string(), ..DocumentOptions::default() };
        let (normalisation, shingle, hash, seed, bands, rows) = match name {
            "default" => return Some(options),
            "exact" => {
                options.near = None;
                return Some(options);
            }
            "fineweb" => (Normalisation::ALL, Shingle::Words(5), ShingleHash::Sha1, 1, 14, 8),
            "datatrove" => (Normalisation::ALL, Shingle::Words(5), ShingleHash::Xxh64, 1, 14, 8),
            "refinedweb" => (Normalisation::ALL, Shingle::Words(5), ShingleHash::Xxh64, 1, 450, 20),
            "redpajama-0.7" => (Normalisation::WORDS, Shingle::Words(13), ShingleHash::Sha1, 42, 14, 9),
            "redpajama-0.8" => (Normalisation::WORDS, Shingle::Words(13), ShingleHash::Sha1, 42, 9, 13),
            "redpajama-0.9" => (Normalisation::WORDS, Shingle::Words(13), ShingleHash::Sha1, 42, 5, 25),
            "nemo" => (Normalisation::NONE, Shingle::Characters(24), ShingleHash::Xxh3, 42, 20, 13),
            "data-juicer" => (Normalisation::FOLDED, Shingle::Words(5), ShingleHash::Sha1, 42, 32, 8),
            "text-dedup" => {
                let (bands, rows) = best_bands(0.7, 240);
                (Normalisation::WORDS, Shingle::Words(5), ShingleHash::Sha1, 42, bands, rows)
            }
            _ => return None,
        };
        options.near = Some(NearOptions {
            normalisation,
            shingle,
            hash,
            whole_if_short: false,
            family: Family::Mersenne,
            seed,
            bands,
            rows,
            verify: None,
        });
        Some(options)
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`CorpusError::Setting`].
    pub fn check(&self) -> Result<(), CorpusError> {
        let refuse = |key, value: String, expected: &str| {
            Err(CorpusError::Setting { key, value, expected: expected.to_string() })
        };
        if self.exact.is_none() && self.near.is_none() {
            return refuse("exact", "none".to_string(), "there when near duplicates are not looked for");
        }
        let Some(near) = &self.near else { return Ok(()) };
        if !(1..=1000).contains(&near.shingle.size()) {
            return refuse("shingle", near.shingle.size().to_string(), "from 1 to 1000");
        }
        if !(1..=10_000).contains(&near.bands) || !(1..=1000).contains(&near.rows) {
            let value = format!("{} bands of {} rows", near.bands, near.rows);
            return refuse("bands", value, "at most 10000 bands of at most 1000 rows, and at least one of one");
        }
        match near.verify {
            Some(threshold) if !(threshold > 0.0 && threshold <= 1.0) => {
                refuse("threshold", threshold.to_string(), "above 0 and at most 1")
            }
            _ => Ok(()),
        }
    }

    /// Sets the similarity from which documents are duplicates. Candidates are verified from now on, and where the
    /// bands would miss pairs at the threshold they are chosen anew: at most as many hashes as before or 256, such that a pair
    /// at the threshold is a candidate with probability 0.995 where that can be.
    pub fn set_threshold(&mut self, threshold: f64) {
        if let Some(near) = &mut self.near {
            near.verify = Some(threshold);
            if near.chance(threshold) < 0.995 && threshold > 0.0 && threshold < 1.0 {
                let hashes = (near.bands * near.rows).max(256);
                let rows = (1..=20).rev().find(|&rows| chance(threshold, hashes / rows, rows) >= 0.995).unwrap_or(1);
                near.rows = rows;
                near.bands =
                    (1..hashes / rows).find(|&bands| chance(threshold, bands, rows) >= 0.995).unwrap_or(hashes / rows);
            }
        }
    }
}

impl NearOptions {
    /// The probability that a pair of Jaccard similarity `s` becomes a candidate.
    pub fn chance(&self, s: f64) -> f64 {
        chance(s, self.bands, self.rows)
    }

    pub(crate) fn permutations(&self) -> Permutations {
        let count = self.bands * self.rows;
        match self.family {
            Family::Mersenne => Permutations::mersenne(count, self.seed),
            Family::MultiplyShift => Permutations::multiply_shift(count, self.seed),
        }
    }
}

fn chance(s: f64, bands: usize, rows: usize) -> f64 {
    1.0 - (1.0 - s.powi(rows as i32)).powi(bands as i32)
}

/// Bands and rows out of at most `hashes` for which the S-curve has least area on the wrong sides of `threshold`, both
/// sides weighing the same: what datasketch and text-dedup choose.
pub fn best_bands(threshold: f64, hashes: usize) -> (usize, usize) {
    const STEP: f64 = 0.001;
    let area = |from: f64, to: f64, f: &dyn Fn(f64) -> f64| {
        let steps = ((to - from) / STEP).round() as usize;
        (0..steps).map(|i| f(from + (i as f64 + 0.5) * STEP) * STEP).sum::<f64>()
    };
    let mut best = (f64::INFINITY, 1, 1);
    for bands in 1..=hashes {
        for rows in 1..=hashes / bands {
            let wrong = area(0.0, threshold, &|s| chance(s, bands, rows))
                + area(threshold, 1.0, &|s| 1.0 - chance(s, bands, rows));
            if wrong < best.0 {
                best = (wrong, bands, rows);
            }
        }
    }
    (best.1, best.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_valid_preset() {
        for name in PRESETS {
            let options = DocumentOptions::preset(name).unwrap();
            assert_eq!(options.preset, name);
            options.check().unwrap();
        }
        assert!(DocumentOptions::preset("other").is_none());
    }

    /// The table of published bands and rows: chances at 0.6, 0.7, 0.8 and 0.9.
    #[test]
    fn curves_are_the_published_ones() {
        let check = |name: &str, expected: [f64; 4]| {
            let near = DocumentOptions::preset(name).unwrap().near.unwrap();
            for (s, expected) in [0.6, 0.7, 0.8, 0.9].into_iter().zip(expected) {
                assert!((near.chance(s) - expected).abs() < 6e-4, "{name} {s}: {}", near.chance(s));
            }
        };
        check("fineweb", [0.211, 0.565, 0.924, 0.9996]);
        check("refinedweb", [0.016, 0.302, 0.995, 1.0]);
        check("redpajama-0.7", [0.132, 0.438, 0.867, 0.999]);
        check("redpajama-0.8", [0.012, 0.084, 0.399, 0.929]);
        check("redpajama-0.9", [0.0, 0.001, 0.019, 0.311]);
        check("nemo", [0.026, 0.177, 0.677, 0.997]);
        check("data-juicer", [0.418, 0.850, 0.997, 1.0]);
    }

    /// datasketch 2.0.0: `_optimal_param(threshold, num_perm, 0.5, 0.5)`.
    #[test]
    fn bands_are_those_datasketch_chooses() {
        assert_eq!(best_bands(0.7, 240), (24, 10));
        assert_eq!(best_bands(0.8, 128), (9, 13));
        assert_eq!(best_bands(0.5, 128), (25, 5));
    }

    #[test]
    fn a_threshold_brings_bands_that_reach_it() {
        for threshold in [0.3, 0.5, 0.7, 0.79, 0.8, 0.95] {
            for name in ["default", "fineweb", "redpajama-0.9"] {
                let mut options = DocumentOptions::preset(name).unwrap();
                options.set_threshold(threshold);
                let near = options.near.unwrap();
                assert_eq!(near.verify, Some(threshold));
                assert!(near.chance(threshold) >= 0.995, "{name} {threshold} {}x{}", near.bands, near.rows);
            }
        }
    }
}
