//! Sampling: here are the log-probabilities of the next token; give me one token.
//!
//! The steps and their order are those of Hugging Face `generate` (and of most servers): repetition penalty,
//! temperature, top-k (Fan et al. 2018), top-p (Holtzman et al. 2020), then a draw from what is left, renormalised.
//!
//! The repetition penalty θ is that of CTRL (Keskar et al. 2019, §4.1). The paper divides the scores of tokens seen
//! before by θ; that pushes a negative score *up*, so every implementation multiplies negative scores instead. Our
//! scores are log-probabilities, which are never positive: a token seen before gets `θ · log p`, its probability
//! becomes `p^θ` before renormalising. It does not depend, as on raw logits it does, on where the logits' zero happens
//! to lie.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rng::Rng;

/// How the next token is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// Divides the log-probabilities; 0 always takes the most probable token, the lowest id among equals.
    pub temperature: f32,
    /// Keep only the `top_k` most probable tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep only the smallest set of most probable tokens that together have at least this probability; 1 keeps all.
    pub top_p: f32,
    /// CTRL's θ for tokens that stand in the text already; 1 is off.
    pub repetition_penalty: f32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        SamplingConfig { temperature: 1.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0, seed: 0 }
    }
}

impl SamplingConfig {
    /// Always the most probable token.
    pub fn greedy() -> Self {
        SamplingConfig { temperature: 0.0, ..Self::default() }
    }

    /// Refuse values that mean nothing.
    pub fn validate(&self) -> Result<(), SamplingError> {
        let refuse = |key, value, allowed| Err(SamplingError::OutOfRange { key, value, allowed });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return refuse("temperature", self.temperature, "0 or more");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse("top_p", self.top_p, "above 0 and at most 1");
        }
        if !(self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0) {
            return refuse("repetition_penalty", self.repetition_penalty, "above 0 (1 is off)");
        }
        Ok(())
    }
}

/// What can go wrong when sampling.
#[derive(Debug, Error, PartialEq)]
pub enum SamplingError {
    /// A setting out of range.
    #[error(
        "{key} is {value}, which is not {allowed}\nhint: change --{} or the key `{key}` of the recipe",
        key.replace('_', "-")
    )]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: f32,
        /// What it may be.
        allowed: &'static str,
    },
    /// The model gave no token a probability.
    #[error("none of the {tokens} log-probabilities is a number above minus infinity")]
    Degenerate {
        /// How many were given.
        tokens: usize,
    },
}

/// A seeded chooser of tokens. Equal seeds and equal inputs give equal choices.
#[derive(Clone, Debug)]
pub struct Sampler {
    config: SamplingConfig,
    rng: Rng,
}

impl Sampler {
    /// A sampler at the start of its random stream.
    pub fn new(config: SamplingConfig) -> Result<Sampler, SamplingError> {
        config.validate()?;
        let rng = Rng::new(config.seed);
        Ok(Sampler { config, rng })
    }

    /// Choose the next token from natural-log probabilities (`log_probs[id]`), given the tokens that stand before it.
    /// Takes one random number, or none when greedy.
    pub fn sample(&mut self, log_probs: &[f32], previous: &[u32]) -> Result<u32, SamplingError> {
        let candidates = self.distribution(log_probs, previous);
        // What rounding leaves over at the end falls to the last candidate.
        let mut chosen = candidates.last().ok_or(SamplingError::Degenerate { tokens: log_probs.len() })?.0;
        if self.config.temperature > 0.0 {
            let mut left = self.rng.unit();
            for &(id, probability) in &candidates {
                left -= f64::from(probability);
                if left < 0.0 {
                    chosen = id;
                    break;
                }
            }
        }
        Ok(chosen)
    }

    /// The tokens that can be chosen and their probabilities, most probable first, lower ids first among equals. Sums
    /// to 1; empty when no log-probability is a number above minus infinity.
    pub fn distribution(&self, log_probs: &[f32], previous: &[u32]) -> Vec<(u32, f32)> {
        let config = &self.config;
        let mut scores: Vec<(u32, f64)> =
            log_probs.iter().enumerate().map(|(id, &log_prob)| (id as u32, f64::from(log_prob))).collect();
        if config.repetition_penalty != 1.0 {
            let mut seen = previous.to_vec();
            seen.sort_unstable();
            seen.dedup();
            for id in seen {
                if let Some((_, score)) = scores.get_mut(id as usize) {
                    *score *= f64::from(config.repetition_penalty);
                }
            }
        }
        scores.retain(|(_, score)| *score > f64::NEG_INFINITY);
        let by_probability = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if config.temperature == 0.0 {
            return scores.into_iter().min_by(by_probability).map(|(id, _)| (id, 1.0)).into_iter().collect();
        }
        if config.top_k > 0 && config.top_k < scores.len() {
            scores.select_nth_unstable_by(config.top_k - 1, by_probability);
            scores.truncate(config.top_k);
        }
        scores.sort_unstable_by(by_probability);
        let Some(&(_, best)) = scores.first() else {
            return Vec::new();
        };
        // Subtracting the best first keeps exp from under- or overflowing at any temperature.
        for (_, score) in &mut scores {
            *score = ((*score - best) / f64::from(config.temperature)).exp();
        }
        let total: f64 = scores.iter().map(|(_, weight)| weight).sum();
        if config.top_p < 1.0 {
            let wanted = f64::from(config.top_p) * total;
            let mut mass = 0.0;
            let kept = scores.iter().position(|(_, weight)| {
                mass += weight;
                mass >= wanted
            });
            scores.truncate(kept.map_or(scores.len(), |last| last + 1));
        }
        let total: f64 = scores.iter().map(|(_, weight)| weight).sum();
        scores.into_iter().map(|(id, weight)| (id, (weight / total) as f32)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|p| p.ln()).collect()
    }

    fn config(temperature: f32, top_k: usize, top_p: f32, repetition_penalty: f32) -> SamplingConfig {
        SamplingConfig { temperature, top_k, top_p, repetition_penalty, seed: 11 }
    }

    /// Expected distributions worked out by hand, and the draws tested against them: chi-square below the 0.1 % point.
    #[test]
    fn distributions_are_the_defined_ones_and_draws_follow_them() {
        let p = [0.1, 0.4, 0.2, 0.3];
        // 99.9 % points of the chi-square distribution for 0, 1, 2 and 3 degrees of freedom.
        let critical = [0.0, 10.83, 13.82, 16.27];
        type Case = (SamplingConfig, &'static [u32], &'static [(u32, f32)]);
        let cases: [Case; 10] = [
            (config(1.0, 0, 1.0, 1.0), &[], &[(1, 0.4), (3, 0.3), (2, 0.2), (0, 0.1)]),
            // p² renormalised: .16 .09 .04 .01 over .30.
            (config(0.5, 0, 1.0, 1.0), &[], &[(1, 16. / 30.), (3, 0.3), (2, 4. / 30.), (0, 1. / 30.)]),
            (config(1.0, 2, 1.0, 1.0), &[], &[(1, 4. / 7.), (3, 3. / 7.)]),
            (config(1.0, 9, 1.0, 1.0), &[], &[(1, 0.4), (3, 0.3), (2, 0.2), (0, 0.1)]),
            (config(1.0, 0, 0.65, 1.0), &[], &[(1, 4. / 7.), (3, 3. / 7.)]),
            (config(1.0, 0, 0.75, 1.0), &[], &[(1, 4. / 9.), (3, 3. / 9.), (2, 2. / 9.)]),
            (config(1.0, 0, 0.01, 1.0), &[], &[(1, 1.0)]),
            // Top-p acts on what top-k left: 4/7 is not yet 0.6 of it.
            (config(1.0, 2, 0.6, 1.0), &[], &[(1, 4. / 7.), (3, 3. / 7.)]),
            // Tokens 1 and 3 become .16 and .09; 7 is outside and ignored.
            (config(1.0, 0, 1.0, 2.0), &[1, 3, 3, 7], &[(2, 20. / 55.), (1, 16. / 55.), (0, 10. / 55.), (3, 9. / 55.)]),
            (config(0.0, 0, 1.0, 1.0), &[], &[(1, 1.0)]),
        ];
        for (config, previous, expected) in cases {
            let mut sampler = Sampler::new(config.clone()).unwrap();
            let found = sampler.distribution(&logs(&p), previous);
            assert_eq!(found.len(), expected.len(), "{config:?}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-6, "{config:?}: {found:?}");
            }
            let draws = 20_000;
            let mut counts = [0u32; 4];
            for _ in 0..draws {
                counts[sampler.sample(&logs(&p), previous).unwrap() as usize] += 1;
            }
            let chi_square: f64 = expected
                .iter()
                .map(|&(id, p)| {
                    let expected = f64::from(p) * f64::from(draws);
                    (f64::from(counts[id as usize]) - expected).powi(2) / expected
                })
                .sum();
            assert!(chi_square <= critical[expected.len() - 1], "{config:?}: {counts:?}");
            assert_eq!(expected.iter().map(|&(id, _)| counts[id as usize]).sum::<u32>(), draws as u32);
        }
    }

    #[test]
    fn equals_are_taken_by_id() {
        let p = [0.25; 4];
        let kept = |config| -> Vec<u32> {
            Sampler::new(config).unwrap().distribution(&logs(&p), &[]).iter().map(|c| c.0).collect()
        };
        assert_eq!(kept(config(0.0, 0, 1.0, 1.0)), [0]);
        assert_eq!(kept(config(1.0, 2, 1.0, 1.0)), [0, 1]);
        assert_eq!(kept(config(1.0, 0, 0.75, 1.0)), [0, 1, 2]);
    }

    #[test]
    fn seeds_repeat_and_differ() {
        let p = logs(&[0.01; 100]);
        let draw = |seed| -> Vec<u32> {
            let mut sampler = Sampler::new(SamplingConfig { seed, ..SamplingConfig::default() }).unwrap();
            (0..20).map(|_| sampler.sample(&p, &[]).unwrap()).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn extremes_do_no_harm() {
        let sharp = Sampler::new(config(1e-30, 0, 1.0, 1.0)).unwrap();
        assert_eq!(sharp.distribution(&logs(&[0.2, 0.8]), &[])[0], (1, 1.0));
        let flat = Sampler::new(config(1e30, 0, 1.0, 1.0)).unwrap();
        assert_eq!(flat.distribution(&logs(&[0.2, 0.8]), &[]), [(1, 0.5), (0, 0.5)]);
        // Impossible tokens stay impossible, not-a-number counts as impossible.
        let mut plain = Sampler::new(SamplingConfig::default()).unwrap();
        let odd = [f32::NEG_INFINITY, f32::NAN, 0.0];
        assert_eq!(plain.distribution(&odd, &[]), [(2, 1.0)]);
        assert_eq!(plain.sample(&odd[..2], &[]), Err(SamplingError::Degenerate { tokens: 2 }));
        assert_eq!(plain.sample(&[], &[]), Err(SamplingError::Degenerate { tokens: 0 }));
    }

    #[test]
    fn senseless_settings_are_refused() {
        let cases = [
            (config(-1.0, 0, 1.0, 1.0), "temperature is -1"),
            (config(f32::NAN, 0, 1.0, 1.0), "temperature is NaN"),
            (config(1.0, 0, 0.0, 1.0), "top_p is 0"),
            (config(1.0, 0, 1.1, 1.0), "top_p is 1.1"),
            (config(1.0, 0, 1.0, 0.0), "--repetition-penalty"),
        ];
        for (config, expected) in cases {
            let error = Sampler::new(config).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
