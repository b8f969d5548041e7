//! A classifier of quality: logistic regression over hashed words and pairs of words, as fastText's (arXiv 1607.01759) and the filters of
//! GPT-3 and DCLM are, trained from good and bad documents.
//!
//! A document counts by which words and pairs it has and not how often, scaled to length 1, so that long and short documents weigh the
//! same. Training goes over the documents one after another in an order drawn from the seed, with a step for every weight (AdaGrad), so
//! the weights are the same bits for any number of threads; only the features are worked out in parallel.

use std::fs;
use std::path::Path;

use lang::rng::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::signals::hash;
use crate::text::tokens;

/// Name of the file with the settings.
pub const SETTINGS: &str = "classifier.json";
/// Name of the file with the weights: little-endian 32-bit floats, a weight a bucket.
pub const WEIGHTS: &str = "weights.f32";
/// Words of a document that are looked at.
const LOOK_AT: usize = 20_000;

/// How a classifier is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Buckets of features: a power of two.
    pub buckets: usize,
    /// Longest run of words that is a feature.
    pub n: usize,
    /// Passes over the documents.
    pub epochs: usize,
    /// Size of a step.
    pub rate: f64,
    /// How much weights are drawn to zero.
    pub decay: f64,
    /// Words of a piece: longer documents are trained on as several pieces, so that a few long ones are many examples.
    pub piece: usize,
    /// Of the order of the documents.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig { buckets: 1 << 18, n: 2, epochs: 5, rate: 0.2, decay: 1e-5, piece: 300, seed: 0 }
    }
}

/// A document to learn from.
pub struct Example<'t> {
    /// Its text.
    pub text: &'t str,
    /// Whether it is a good one.
    pub good: bool,
}

/// A trained classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    config: TrainConfig,
    bias: f64,
    weights: Vec<f32>,
    /// Documents it was trained on: good, bad.
    documents: (usize, usize),
}

#[derive(Serialize, Deserialize)]
struct Header {
    format_version: u32,
    config: TrainConfig,
    bias: f64,
    good_documents: usize,
    bad_documents: usize,
}

/// The buckets of a run of words, sorted, each once.
fn features(words: &[u64], config: &TrainConfig) -> Vec<u32> {
    let mask = config.buckets - 1;
    let mut found = Vec::with_capacity(words.len() * config.n);
    for at in 0..words.len() {
        let mut run = 0;
        for &word in &words[at..words.len().min(at + config.n)] {
            run = hash::mix(run, word);
            found.push((run as usize & mask) as u32);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Hashes of the words of a text, in lower case; numbers are one word.
fn words(text: &str) -> Vec<u64> {
    use crate::text::TokenKind;
    tokens(text).take(LOOK_AT).map(|token| if token.kind == TokenKind::Number { 1 } else { token.hash() }).collect()
}

fn logistic(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

impl Classifier {
    /// Learns from examples. The same examples in the same order give the same bits.
    ///
    /// # Errors
    /// [`CorpusError::Classifier`] when good or bad examples are missing, or the settings are out of range.
    pub fn train(examples: &[Example<'_>], config: &TrainConfig) -> Result<Self, CorpusError> {
        let fail = |what: String| Err(CorpusError::Classifier { what });
        if !config.buckets.is_power_of_two()
            || config.buckets > 1 << 26
            || !(1..=5).contains(&config.n)
            || config.piece == 0
        {
            return fail("buckets must be a power of two up to 2^26, n 1 to 5 and piece at least 1".to_owned());
        }
        if !(config.rate.is_finite() && config.rate > 0.0 && (0.0..1.0).contains(&config.decay)) {
            return fail("rate must be a number above 0 and decay one from 0 to below 1".to_owned());
        }
        let good = examples.iter().filter(|example| example.good).count();
        let bad = examples.len() - good;
        if good == 0 || bad == 0 {
            return fail(format!("there must be good and bad documents: there are {good} and {bad}"));
        }
        let pieces: Vec<(bool, Vec<u32>)> = examples
            .par_iter()
            .flat_map_iter(|example| {
                let words = words(example.text);
                let pieces: Vec<_> =
                    words.chunks(config.piece).map(|piece| (example.good, features(piece, config))).collect();
                pieces
            })
            .filter(|(_, features)| !features.is_empty())
            .collect();
        // Both kinds weigh the same, however many there are of each.
        let count = pieces.iter().filter(|(good, _)| *good).count();
        let weigh =
            |good: bool| pieces.len() as f64 / 2.0 / (if good { count } else { pieces.len() - count }).max(1) as f64;
        let (weight_good, weight_bad) = (weigh(true), weigh(false));
        let mut weights = vec![0f32; config.buckets];
        let mut squares = vec![0f32; config.buckets];
        let (mut bias, mut bias_square) = (0f64, 0f64);
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        let mut rng = Rng::new(config.seed);
        for _ in 0..config.epochs {
            rng.shuffle(&mut order);
            for &index in &order {
                let (good, features) = &pieces[index];
                let scale = 1.0 / (features.len() as f64).sqrt();
                let sum: f64 = features.iter().map(|&feature| f64::from(weights[feature as usize])).sum();
                let error = logistic(sum * scale + bias) - f64::from(u8::from(*good));
                let error = error * if *good { weight_good } else { weight_bad };
                for &feature in features {
                    let at = feature as usize;
                    let gradient = (error * scale) as f32 + config.decay as f32 * weights[at];
                    squares[at] += gradient * gradient;
                    weights[at] -= config.rate as f32 * gradient / (squares[at].sqrt() + 1e-6);
                }
                bias_square += error * error;
                bias -= config.rate * 0.1 * error / (bias_square.sqrt() + 1e-6);
            }
        }
        Ok(Classifier { config: config.clone(), bias, weights, documents: (good, bad) })
    }

    /// The chance that a text is a good one, 0 to 1: the mean over its pieces, each by its words. 0.5 for a text without words.
    pub fn score(&self, text: &str) -> f64 {
        let words = words(text);
        let (mut sum, mut weight) = (0.0, 0.0);
        for piece in words.chunks(self.config.piece) {
            let features = features(piece, &self.config);
            let total: f64 = features.iter().map(|&feature| f64::from(self.weights[feature as usize])).sum();
            sum += piece.len() as f64 * (total / (features.len() as f64).sqrt() + self.bias);
            weight += piece.len() as f64;
        }
        if weight == 0.0 { 0.5 } else { logistic(sum / weight) }
    }

    /// Good and bad documents it was trained on.
    pub fn documents(&self) -> (usize, usize) {
        self.documents
    }

    /// Writes the two files into a folder that exists.
    ///
    /// # Errors
    /// [`CorpusError::Io`].
    pub fn save(&self, folder: &Path) -> Result<(), CorpusError> {
        let header = Header {
            format_version: 1,
            config: self.config.clone(),
            bias: self.bias,
            good_documents: self.documents.0,
            bad_documents: self.documents.1,
        };
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|error| CorpusError::io(&path, "write", error))
        };
        let json = serde_json::to_string_pretty(&header)
            .map_err(|source| CorpusError::Json { id: SETTINGS.to_owned(), source })?;
        write(SETTINGS, format!("{json}\n").as_bytes())?;
        let bytes: Vec<u8> = self.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        write(WEIGHTS, &bytes)
    }

    /// Reads what [`Self::save`] wrote.
    ///
    /// # Errors
    /// [`CorpusError::Io`], and [`CorpusError::Classifier`] for files that do not fit each other or hold numbers that are none.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|error| CorpusError::io(&path, "read", error))
        };
        let fail = |what: String| CorpusError::Classifier { what: format!("{}: {what}", folder.display()) };
        let header: Header =
            serde_json::from_slice(&read(SETTINGS)?).map_err(|error| fail(format!("{SETTINGS}: {error}")))?;
        if header.format_version != 1 {
            return Err(fail(format!("format version {} is not known", header.format_version)));
        }
        let bytes = read(WEIGHTS)?;
        let weights: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let config = header.config;
        if weights.len() * 4 != bytes.len()
            || weights.len() != config.buckets
            || !config.buckets.is_power_of_two()
            || config.piece == 0
        {
            return Err(fail(format!("{} weights do not fit {} buckets", weights.len(), config.buckets)));
        }
        if !weights.iter().all(|weight| weight.is_finite()) || !header.bias.is_finite() {
            return Err(fail("a weight is no number".to_owned()));
        }
        Ok(Classifier { config, bias: header.bias, weights, documents: (header.good_documents, header.bad_documents) })
    }
}

/// Area under the ROC curve: the chance that a good document has a higher score than a bad one, ties counting half. `None` where one of
/// the kinds is missing.
pub fn area_under_curve(scores: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let good = sorted.iter().filter(|(_, good)| *good).count();
    let bad = sorted.len() - good;
    if good == 0 || bad == 0 {
        return None;
    }
    let (mut below, mut wins) = (0.0, 0.0);
    for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
        let good = ties.iter().filter(|(_, good)| *good).count() as f64;
        let bad = ties.len() as f64 - good;
        wins += good * (below + bad / 2.0);
        below += bad;
    }
    Some(wins / (good as f64 * bad as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<(String, bool)> {
        (0..60)
            .map(|n| match n % 2 {
                0 => (format!("The river {n} rises in the hills and is fed by the melting snow of spring."), true),
                _ => (format!("Buy cheap pills {n} now! Click here to win, free shipping, best price online."), false),
            })
            .collect()
    }

    #[test]
    fn good_is_told_from_bad_and_files_come_back() {
        let texts = examples();
        let examples: Vec<Example<'_>> = texts.iter().map(|(text, good)| Example { text, good: *good }).collect();
        let config = TrainConfig { buckets: 1 << 12, ..TrainConfig::default() };
        let classifier = Classifier::train(&examples, &config).unwrap();
        assert!(classifier.score("The hills are white with snow in spring.") > 0.6);
        assert!(classifier.score("Click here for the best price on pills") < 0.4);
        assert_eq!(classifier.score(""), 0.5);
        let folder = tempfile::tempdir().unwrap();
        classifier.save(folder.path()).unwrap();
        assert_eq!(Classifier::load(folder.path()).unwrap(), classifier);
        // Any number of threads gives the same bits.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
        assert_eq!(pool.install(|| Classifier::train(&examples, &config)).unwrap(), classifier);
        fs::write(folder.path().join(WEIGHTS), [0u8; 12]).unwrap();
        assert!(Classifier::load(folder.path()).unwrap_err().to_string().contains("do not fit"));
        assert!(Classifier::train(&examples[..1], &config).is_err());
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        assert_eq!(area_under_curve(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true)]), Some(1.0));
        assert_eq!(area_under_curve(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]), Some(0.75));
        assert_eq!(area_under_curve(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(area_under_curve(&[(0.5, true)]), None);
    }
}
