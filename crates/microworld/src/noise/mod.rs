//! What is planted into a corpus, how much of it, and where.

pub(crate) mod boilerplate;
pub(crate) mod duplicates;
pub(crate) mod foreign;
pub(crate) mod gibberish;
pub(crate) mod leak;
pub(crate) mod personal;

use crate::corpus::CorpusConfig;
use lang::rng::Rng;
use serde::{Deserialize, Serialize};

/// Shares of the documents that get each kind of noise, each in `[0, 1]`.
///
/// The five kinds that concern a whole document exclude each other, so their shares should not sum to more than 1 (if they
/// do, the later ones are cut). Boilerplate and personal data are planted into documents without any of the five, and may
/// meet in one document.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseConfig {
    /// Lines of page furniture.
    pub boilerplate: f64,
    /// Copies of an earlier document.
    pub exact_duplicate: f64,
    /// Copies of an earlier document with small edits.
    pub near_duplicate: f64,
    /// Personal data inside sentences.
    pub pii: f64,
    /// Text in no language.
    pub gibberish: f64,
    /// Text in a language that is neither English nor Chinese.
    pub wrong_language: f64,
    /// Documents into which an evaluation item is pasted.
    pub test_leak: f64,
}

impl NoiseConfig {
    /// No noise.
    pub const NONE: NoiseConfig = NoiseConfig {
        boilerplate: 0.0,
        exact_duplicate: 0.0,
        near_duplicate: 0.0,
        pii: 0.0,
        gibberish: 0.0,
        wrong_language: 0.0,
        test_leak: 0.0,
    };

    /// The one dial: 0 is clean, 1 is a corpus in which about a quarter of the documents are noise as a whole and another
    /// quarter hold noisy lines. Values outside `[0, 1]` are clamped.
    pub fn level(level: f64) -> NoiseConfig {
        let level = level.clamp(0.0, 1.0);
        NoiseConfig {
            boilerplate: 0.16 * level,
            exact_duplicate: 0.06 * level,
            near_duplicate: 0.06 * level,
            pii: 0.10 * level,
            gibberish: 0.05 * level,
            wrong_language: 0.06 * level,
            test_leak: 0.02 * level,
        }
    }
}

impl Default for NoiseConfig {
    /// No noise.
    fn default() -> Self {
        NoiseConfig::NONE
    }
}

/// What stands at one place of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// A document to keep, perhaps with noisy lines or pieces.
    Lines {
        boilerplate: bool,
        personal: bool,
    },
    ExactDuplicate {
        of: usize,
    },
    NearDuplicate {
        of: usize,
    },
    Gibberish,
    WrongLanguage,
    /// Index of the leaked evaluation item.
    TestLeak {
        item: usize,
    },
}

const CLEAN: Planted = Planted::Lines { boilerplate: false, personal: false };

/// How often an original is looked for before a duplicate is given up (the place then holds a clean document).
const ORIGINAL_TRIES: usize = 64;

/// What stands at `index`.
pub(crate) fn plan(config: &CorpusConfig, index: usize) -> Planted {
    let mut rng = Rng::for_item(config.seed, &config.split.stream("noise plan"), index as u64);
    let noise = &config.noise;
    let mut left = rng.unit();
    let mut within = |share: f64| {
        let hit = left < share;
        left -= share;
        hit
    };
    if within(noise.exact_duplicate) {
        return original(config, &mut rng, index).map_or(CLEAN, |of| Planted::ExactDuplicate { of });
    }
    if within(noise.near_duplicate) {
        return original(config, &mut rng, index).map_or(CLEAN, |of| Planted::NearDuplicate { of });
    }
    if within(noise.gibberish) {
        return Planted::Gibberish;
    }
    if within(noise.wrong_language) {
        return Planted::WrongLanguage;
    }
    if within(noise.test_leak) {
        let item = rng.index(config.eval_items.len());
        return if config.eval_items.is_empty() { CLEAN } else { Planted::TestLeak { item } };
    }
    // The shares are of all documents, these are drawn among the rest.
    let rest =
        1.0 - (noise.exact_duplicate + noise.near_duplicate + noise.gibberish + noise.wrong_language + noise.test_leak);
    Planted::Lines {
        boilerplate: rng.chance(noise.boilerplate / rest.max(1e-9)),
        personal: rng.chance(noise.pii / rest.max(1e-9)),
    }
}

/// An earlier place that holds a wholly clean document.
fn original(config: &CorpusConfig, rng: &mut Rng, index: usize) -> Option<usize> {
    (0..ORIGINAL_TRIES.min(index)).map(|_| rng.index(index)).find(|&candidate| is_clean(config, candidate))
}

/// Whether the place surely holds a clean document. Failed duplicates do not count, which spares a recursion.
fn is_clean(config: &CorpusConfig, index: usize) -> bool {
    let mut rng = Rng::for_item(config.seed, &config.split.stream("noise plan"), index as u64);
    let noise = &config.noise;
    let duplicates = noise.exact_duplicate + noise.near_duplicate;
    rng.unit() >= duplicates && plan(config, index) == CLEAN
}
