//! Mixing: here are sources and what each shall contribute, give me how many tokens that is of each, and a stream that has
//! those shares from its beginning on.
//!
//! A source is weighed in one of three ways, which exclude each other (as MosaicML's streams do): `share`, its part of the
//! whole; `repeat`, how often it is gone through; `choose`, how many tokens are taken. Shares are *relative* and need a
//! total; the other two are *absolute* and make one. `temperature` a takes the place of weights: p ~ n^a over the sizes
//! (0.7 for multilingual BERT, 0.3 for XLM-R and mT5).
//!
//! [`draw`] takes documents to these targets; [`sampler`] says for any index which source a block of tokens comes from.

pub mod draw;
pub mod presets;
pub mod sampler;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Up to so many epochs repeated text is worth almost as much as new text (Muennighoff et al. 2023, arXiv 2305.16264).
pub const EPOCHS_NEARLY_FREE: f64 = 4.0;
/// How far shares may be from one together.
const TOLERANCE: f64 = 1e-6;

/// A mixture as it stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mixture {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where it was published.
    pub citation: String,
    /// Divide shares by their sum where that is not one.
    pub normalise: bool,
    /// Take shares from the sizes of the sources: p ~ n^temperature.
    pub temperature: Option<f64>,
    /// The sources.
    pub source: Vec<Source>,
}

/// One source of a mixture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Files or a folder; published mixtures name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<std::path::PathBuf>,
    /// Its part of all tokens, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How often it is gone through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<f64>,
    /// How many tokens are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choose: Option<u64>,
    /// How often its publishers went through it; a fact, not a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
}

/// What is wrong with a mixture.
#[derive(Debug, Error, PartialEq)]
pub enum MixError {
    /// There is nothing to mix.
    #[error("the mixture has no source\nhint: name one with --source NAME=PATH:SHARE")]
    Empty,
    /// Two sources of one name.
    #[error("two sources are called {name}")]
    SameName {
        /// The name.
        name: String,
    },
    /// A weight that is negative, infinite or no number.
    #[error("source {name}: {key} is {value}, but must be a number from 0 on")]
    Weight {
        /// The source.
        name: String,
        /// Which weight.
        key: &'static str,
        /// The value found.
        value: f64,
    },
    /// Shares beside absolute weights, or two weights in one source.
    #[error(
        "source {name}: {what}\nhint: share, repeat and choose exclude each other, and share excludes them for all sources"
    )]
    Mode {
        /// The source.
        name: String,
        /// What stands beside what.
        what: String,
    },
    /// Shares that are no parts of a whole.
    #[error(
        "the shares {shares} sum to {sum}, not to 1\nhint: --normalise (or normalise = true) divides them by their sum"
    )]
    Sum {
        /// `a 0.5, b 0.6`.
        shares: String,
        /// Their sum.
        sum: f64,
    },
    /// Relative weights without a total, or absolute ones with one.
    #[error("{what}")]
    Total {
        /// Which it is.
        what: &'static str,
    },
    /// A source without any token that something shall come from.
    #[error("source {name} is empty, but {tokens} tokens shall come from it")]
    EmptySource {
        /// The source.
        name: String,
        /// Its target.
        tokens: u64,
    },
    /// Every weight is zero.
    #[error("all sources have the share 0")]
    Nothing,
}

/// What one source shall contribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its part of the whole.
    pub share: f64,
    /// In tokens.
    pub tokens: u64,
    /// What it has, in tokens.
    pub available: u64,
    /// How often it is gone through.
    pub epochs: f64,
}

impl Mixture {
    /// The weights, checked without knowing sizes: names, modes, signs and the sum of shares.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), MixError> {
        if self.source.is_empty() {
            return Err(MixError::Empty);
        }
        for (index, source) in self.source.iter().enumerate() {
            let name = || source.name.clone();
            if self.source[..index].iter().any(|other| other.name == source.name) {
                return Err(MixError::SameName { name: name() });
            }
            for (key, value) in [("share", source.share), ("repeat", source.repeat)] {
                if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
                    return Err(MixError::Weight { name: name(), key, value });
                }
            }
            if source.repeat.is_some() && source.choose.is_some() {
                return Err(MixError::Mode { name: name(), what: "repeat stands beside choose".into() });
            }
            let absolute = source.repeat.is_some() || source.choose.is_some();
            if source.share.is_some() && absolute {
                return Err(MixError::Mode { name: name(), what: "share stands beside repeat or choose".into() });
            }
            if self.is_relative() && self.temperature.is_none() && source.share.is_none() {
                return Err(MixError::Mode { name: name(), what: "it has no share, and others have".into() });
            }
            if self.temperature.is_some() && (absolute || source.share.is_some()) {
                return Err(MixError::Mode { name: name(), what: "a weight stands beside temperature".into() });
            }
        }
        if let Some(value) = self.temperature.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            return Err(MixError::Weight { name: "(all)".into(), key: "temperature", value });
        }
        let sum: f64 = self.source.iter().filter_map(|source| source.share).sum();
        let relative = self.source.iter().any(|source| source.share.is_some());
        if relative && sum == 0.0 {
            return Err(MixError::Nothing);
        }
        if relative && !self.normalise && (sum - 1.0).abs() > TOLERANCE {
            let shares: Vec<String> =
                self.source.iter().map(|source| format!("{} {}", source.name, source.share.unwrap_or(0.0))).collect();
            return Err(MixError::Sum { shares: shares.join(", "), sum: (sum * 1e9).round() / 1e9 });
        }
        Ok(())
    }

    /// Whether weights are parts of a total.
    pub fn is_relative(&self) -> bool {
        self.temperature.is_some() || self.source.iter().any(|source| source.share.is_some())
    }

    /// The targets for sources of these sizes in tokens; `total` where weights are relative.
    ///
    /// # Errors
    /// What [`Mixture::check`] finds, a total that is missing or too many, an empty source.
    ///
    /// # Panics
    /// When `sizes` is not as long as the sources: the caller made it from them.
    pub fn resolve(&self, sizes: &[u64], total: Option<u64>) -> Result<Vec<Target>, MixError> {
        self.check()?;
        assert_eq!(sizes.len(), self.source.len());
        let tokens: Vec<u64> = match (self.is_relative(), total) {
            (true, None) => return Err(MixError::Total { what: "shares need a total\nhint: --tokens N" }),
            (false, Some(_)) => {
                let what = "repeat and choose make the total themselves\nhint: leave --tokens out, or give shares";
                return Err(MixError::Total { what });
            }
            (true, Some(total)) => {
                let weights: Vec<f64> = match self.temperature {
                    // An empty source has no part, even where a is 0.
                    Some(a) => sizes.iter().map(|&n| if n == 0 { 0.0 } else { (n as f64).powf(a) }).collect(),
                    None => self.source.iter().map(|source| source.share.unwrap_or(0.0)).collect(),
                };
                apportion(total, &weights).ok_or(MixError::Nothing)?
            }
            (false, None) => {
                let absolute = |(source, &size): (&Source, &u64)| {
                    source.choose.unwrap_or_else(|| (size as f64 * source.repeat.unwrap_or(1.0)).round() as u64)
                };
                self.source.iter().zip(sizes).map(absolute).collect()
            }
        };
        let all: u64 = tokens.iter().sum();
        let targets = self.source.iter().zip(sizes).zip(tokens).map(|((source, &available), tokens)| {
            if available == 0 && tokens > 0 {
                return Err(MixError::EmptySource { name: source.name.clone(), tokens });
            }
            Ok(Target {
                name: source.name.clone(),
                share: tokens as f64 / all.max(1) as f64,
                tokens,
                available,
                epochs: tokens as f64 / available.max(1) as f64,
            })
        });
        targets.collect()
    }
}

/// `total` cut into whole parts by weight, the largest remainders first; nothing when all weights are zero.
pub fn apportion(total: u64, weights: &[f64]) -> Option<Vec<u64>> {
    let sum: f64 = weights.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return None;
    }
    let exact: Vec<f64> = weights.iter().map(|weight| total as f64 * (weight / sum)).collect();
    let mut parts: Vec<u64> = exact.iter().map(|part| part.floor() as u64).collect();
    let mut order: Vec<usize> = (0..parts.len()).filter(|&index| weights[index] > 0.0).collect();
    order.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())).then(a.cmp(&b)));
    let given: u64 = parts.iter().sum();
    for &index in order.iter().cycle().take(total.saturating_sub(given) as usize) {
        parts[index] += 1;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture(text: &str) -> Mixture {
        toml::from_str(text).unwrap()
    }

    fn tokens(text: &str, sizes: &[u64], total: Option<u64>) -> Vec<u64> {
        mixture(text).resolve(sizes, total).unwrap().iter().map(|target| target.tokens).collect()
    }

    #[test]
    fn three_ways_of_weighing() {
        let relative = "[[source]]\nname = 'a'\nshare = 0.9\n[[source]]\nname = 'b'\nshare = 0.1";
        assert_eq!(tokens(relative, &[50, 1000], Some(1000)), [900, 100]);
        let targets = mixture(relative).resolve(&[50, 1000], Some(1000)).unwrap();
        assert_eq!((targets[0].epochs, targets[1].epochs), (18.0, 0.1));
        let absolute =
            "[[source]]\nname = 'a'\nrepeat = 2.5\n[[source]]\nname = 'b'\nchoose = 7\n[[source]]\nname = 'c'";
        assert_eq!(tokens(absolute, &[10, 100, 30], None), [25, 7, 30]);
        // Devlin's numbers: a = 0.7 lifts one token of a hundred to 3.8 %.
        let heated = tokens(
            "temperature = 0.7\n[[source]]\nname = 'a'\n[[source]]\nname = 'b'",
            &[990_000, 10_000],
            Some(100_000),
        );
        assert_eq!(heated, [96_145, 3_855]);
    }

    #[test]
    fn parts_are_whole_and_complete() {
        assert_eq!(apportion(10, &[1.0, 1.0, 1.0]), Some(vec![4, 3, 3]));
        assert_eq!(apportion(3, &[0.5, 0.0, 0.5]), Some(vec![2, 0, 1]));
        assert_eq!(apportion(5, &[0.0]), None);
        let parts = apportion(1_000_003, &[0.67, 0.15, 0.045, 0.045, 0.045, 0.025, 0.02]).unwrap();
        assert_eq!(parts.iter().sum::<u64>(), 1_000_003);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fails = |text: &str, part: &str| {
            let error =
                mixture(text).resolve(&[5, 0][..mixture(text).source.len()], Some(100)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        fails("", "no source");
        fails("[[source]]\nname='a'\nshare=0.5\n[[source]]\nname='b'\nshare=0.8", "a 0.5, b 0.8 sum to 1.3, not to 1");
        fails("[[source]]\nname='a'\nshare=-1.0", "source a: share is -1");
        fails("[[source]]\nname='a'\nshare=0.5\nrepeat=1.0", "source a: share stands beside");
        fails("[[source]]\nname='a'\nshare=0.5\n[[source]]\nname='b'\nrepeat=1.0", "source b: it has no share");
        fails("[[source]]\nname='a'\nshare=0.5\n[[source]]\nname='a'\nshare=0.5", "two sources are called a");
        fails("[[source]]\nname='a'\nshare=0.5\n[[source]]\nname='b'\nshare=0.5", "source b is empty, but 50 tokens");
        fails("[[source]]\nname='a'\nrepeat=2.0", "make the total themselves");
        fails("[[source]]\nname='a'\nshare=0.0", "share 0");
        fails("temperature=-1.0\n[[source]]\nname='a'", "temperature is -1");
    }
}
