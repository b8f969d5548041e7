//! Direct preference optimisation: Rafailov et al., "Direct Preference Optimization: Your Language Model is Secretly a
//! Reward Model", 2023, equation 7.
//!
//! With y_w preferred over y_l, π the model and π_ref the model training started from,
//!
//! ```text
//! h = log π(y_w|x)/π_ref(y_w|x) − log π(y_l|x)/π_ref(y_l|x)        L = −log σ(β h)
//! ```
//!
//! With label smoothing ε (conservative DPO, Mitchell 2023) L = −(1−ε) log σ(βh) − ε log σ(−βh). The loss is so small a
//! function of two numbers a pair that its derivative is written out and seeded into the tape at the log-probabilities.

use nn::Network;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tensor::{Tape, Var};

use crate::batch::{Counts, TrainBatch};
use crate::config::TrainConfig;
use crate::error::{Result, TrainError};
use crate::objective::{Objective, Scored};

/// The settings of [`Dpo`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DpoConfig {
    /// β: how dearly leaving the reference model is paid for.
    pub beta: f64,
    /// ε: the share of labels taken to be wrong.
    pub label_smoothing: f64,
    /// Weight of the negative log-likelihood of the preferred answers, in nats a token, added to the loss (TRL's
    /// `rpo_alpha`; Pang et al., 2024). It keeps the answers themselves likely, which DPO alone does not.
    pub sft_weight: f64,
}

impl Default for DpoConfig {
    fn default() -> Self {
        DpoConfig { beta: 0.1, label_smoothing: 0.0, sft_weight: 0.0 }
    }
}

impl DpoConfig {
    /// Refuses values the loss is not defined for; `section` is the recipe section.
    pub fn validate(&self, section: &str) -> Result<()> {
        let cases = [
            ("beta", self.beta, self.beta > 0.0 && self.beta.is_finite(), "above 0"),
            (
                "label_smoothing",
                self.label_smoothing,
                (0.0..0.5).contains(&self.label_smoothing),
                "at least 0 and below 0.5",
            ),
            ("sft_weight", self.sft_weight, self.sft_weight >= 0.0 && self.sft_weight.is_finite(), "at least 0"),
        ];
        for (key, value, valid, allowed) in cases {
            if !valid {
                return Err(TrainError::Config {
                    key: format!("{section}.{key}"),
                    value: value.to_string(),
                    allowed: allowed.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl DpoConfig {
    /// Refuses what the settings of the loop ask of the loss and this one does not give: a smoothing other than its own,
    /// and a z-loss, which is about single tokens.
    pub fn check_settings(&self, config: &TrainConfig, section: &str) -> Result<()> {
        let refuse = |key: &str, value: f64, allowed: String| {
            Err(TrainError::Config { key: format!("{section}.{key}"), value: value.to_string(), allowed })
        };
        if config.z_loss != 0.0 {
            return refuse("z_loss", config.z_loss, "0: the preference loss is about answers, not tokens".to_owned());
        }
        if config.label_smoothing != 0.0 && config.label_smoothing != self.label_smoothing {
            let allowed = format!("{}, as of the preference loss", self.label_smoothing);
            return refuse("label_smoothing", config.label_smoothing, allowed);
        }
        Ok(())
    }
}

/// The sigmoid loss over pairs; batches come from [`PreferencePairs`](crate::PreferencePairs).
#[derive(Clone, Copy, Debug, Default)]
pub struct Dpo {
    /// Its settings.
    pub config: DpoConfig,
}

/// The loss of one pair and its derivative by `h`.
fn pair_loss(h: f64, beta: f64, label_smoothing: f64) -> (f64, f64) {
    let z = beta * h;
    let loss = (1.0 - label_smoothing) * softplus(-z) + label_smoothing * softplus(z);
    let slope = -(1.0 - label_smoothing) * sigmoid(-z) + label_smoothing * sigmoid(z);
    (loss, beta * slope)
}

/// log(1 + eᶻ) = −log σ(−z), for any z.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 { 1.0 / (1.0 + (-z).exp()) } else { z.exp() / (1.0 + z.exp()) }
}

/// Log-probability of each answer of the batch: (answers, 1).
pub(crate) fn answer_log_probs(tape: &mut Tape, hidden: Var, network: &dyn Network, batch: &TrainBatch) -> Result<Var> {
    let targets: Vec<Option<u32>> =
        batch.answer_of.iter().zip(&batch.targets).map(|(answer, &target)| answer.map(|_| target)).collect();
    let rows = network.before_head(tape, hidden)?;
    let token_log_probs = tape.linear_log_probs(rows, network.head(), &targets)?;
    Ok(tape.segment_sum(token_log_probs, &batch.answer_of, 2 * batch.counts.pairs as usize)?)
}

impl Objective for Dpo {
    fn describe(&self) -> Value {
        let DpoConfig { beta, label_smoothing, sft_weight } = self.config;
        json!({ "objective": "dpo", "beta": beta, "label_smoothing": label_smoothing, "sft_weight": sft_weight })
    }

    fn score(
        &self,
        tape: &mut Tape,
        hidden: Var,
        network: &dyn Network,
        batch: &TrainBatch,
        totals: &Counts,
    ) -> Result<Scored> {
        let answers = 2 * batch.counts.pairs as usize;
        if answers == 0 || batch.reference.len() != answers || batch.answer_of.len() != batch.targets.len() {
            return Err(TrainError::Data("preference training needs batches of preference pairs".to_owned()));
        }
        let output = answer_log_probs(tape, hidden, network, batch)?;
        let policy = tape.value(output).to_f32_vec();
        let DpoConfig { beta, label_smoothing, sft_weight } = self.config;
        let per_pair = 1.0 / totals.pairs.max(1) as f64;
        let per_token = sft_weight / totals.chosen_targets.max(1) as f64;
        let (mut loss, mut margin, mut accuracy) = (0.0, 0.0, 0.0);
        let (mut chosen_reward, mut rejected_reward) = (0.0, 0.0);
        let mut seed = Vec::with_capacity(policy.len());
        for (policy, reference) in policy.chunks_exact(2).zip(batch.reference.chunks_exact(2)) {
            let [chosen, rejected] = [0, 1].map(|i| f64::from(policy[i]) - f64::from(reference[i]));
            let h = chosen - rejected;
            let (pair, slope) = pair_loss(h, beta, label_smoothing);
            loss += pair * per_pair - f64::from(policy[0]) * per_token;
            seed.push((slope * per_pair - per_token) as f32);
            seed.push((-slope * per_pair) as f32);
            margin += beta * h * per_pair;
            accuracy += f64::from(u8::from(h > 0.0)) * per_pair;
            chosen_reward += beta * chosen * per_pair;
            rejected_reward += beta * rejected * per_pair;
        }
        let measures = vec![
            ("reward_margin", margin),
            ("reward_accuracy", accuracy),
            ("reward_chosen", chosen_reward),
            ("reward_rejected", rejected_reward),
        ];
        Ok(Scored { loss, output, seed, measures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: h = 0 gives ln 2 and slope −β/2; β h = ln 3 gives σ = 3/4, so loss −ln 0.75 and slope −β/4.
    #[test]
    fn pair_loss_has_the_hand_computed_values() {
        let close = |got: (f64, f64), want: (f64, f64)| {
            assert!((got.0 - want.0).abs() < 1e-12 && (got.1 - want.1).abs() < 1e-12, "{got:?} is not {want:?}");
        };
        close(pair_loss(0.0, 0.1, 0.0), (2f64.ln(), -0.05));
        close(pair_loss(3f64.ln() / 0.5, 0.5, 0.0), (-(0.75f64.ln()), -0.125));
        // Smoothing ε = 0.1: 0.9 · −ln ¾ + 0.1 · −ln ¼, slope β(−0.9 · ¼ + 0.1 · ¾).
        close(pair_loss(3f64.ln(), 1.0, 0.1), (-0.9 * 0.75f64.ln() - 0.1 * 0.25f64.ln(), -0.15));
    }

    #[test]
    fn the_slope_is_the_derivative() {
        for h in [-30.0, -2.0, -0.1, 0.0, 0.7, 5.0, 30.0] {
            for label_smoothing in [0.0, 0.2] {
                let at = |h| pair_loss(h, 0.3, label_smoothing).0;
                let numeric = (at(h + 1e-5) - at(h - 1e-5)) / 2e-5;
                assert!((pair_loss(h, 0.3, label_smoothing).1 - numeric).abs() < 1e-8, "h = {h}");
            }
        }
    }

    #[test]
    fn far_apart_answers_stay_finite() {
        for h in [-1e6, 1e6] {
            let (loss, slope) = pair_loss(h, 1.0, 0.1);
            assert!(loss.is_finite() && slope.is_finite());
        }
    }

    #[test]
    fn settings_that_mean_nothing_here_are_refused() {
        let dpo = DpoConfig { label_smoothing: 0.1, ..DpoConfig::default() };
        let told = |config: TrainConfig| dpo.check_settings(&config, "align").map_err(|error| error.to_string());
        assert_eq!(told(TrainConfig { label_smoothing: 0.1, ..TrainConfig::default() }), Ok(()));
        let error = told(TrainConfig { label_smoothing: 0.2, ..TrainConfig::default() }).unwrap_err();
        assert!(error.starts_with("`align.label_smoothing` is 0.2"), "{error}");
        let error = told(TrainConfig { z_loss: 1e-4, ..TrainConfig::default() }).unwrap_err();
        assert!(error.starts_with("`align.z_loss` is 0.0001"), "{error}");
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let config = DpoConfig { beta: 0.0, ..DpoConfig::default() };
        assert_eq!(config.validate("align").unwrap_err().to_string(), "`align.beta` is 0, but it must be above 0");
        let config = DpoConfig { label_smoothing: 0.5, ..DpoConfig::default() };
        assert!(config.validate("align").unwrap_err().to_string().contains("`align.label_smoothing` is 0.5"));
    }
}
