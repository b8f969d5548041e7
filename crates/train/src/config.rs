//! The one plain configuration struct of every neural stage; recipes fill it, `validate` refuses what cannot work.

use nn::Network;
use serde::{Deserialize, Serialize};
use tensor::ParamId;
use tensor::optim::{AdafactorConfig, AdamWConfig, LionConfig, MuonConfig, Rule, SgdConfig, StepConfig};

use crate::error::{Result, TrainError};
use crate::schedule::{Cooldown, CooldownShape, Schedule, ScheduleKind};

/// Storage of matrices in forward and backward products; master weights and reductions stay f32.
///
/// `auto` is read as [`Precision::auto`], so that what is written down of a run says what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "AskedPrecision")]
pub enum Precision {
    /// 32-bit floats throughout.
    #[default]
    F32,
    /// bfloat16 matrices with f32 accumulation and f32 master weights.
    Bf16,
}

/// What a recipe may ask for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AskedPrecision {
    F32,
    Bf16,
    Auto,
}

impl From<AskedPrecision> for Precision {
    fn from(asked: AskedPrecision) -> Self {
        match asked {
            AskedPrecision::F32 => Precision::F32,
            AskedPrecision::Bf16 => Precision::Bf16,
            AskedPrecision::Auto => Precision::auto(),
        }
    }
}

impl Precision {
    /// The faster one with the instruction set in use: bf16 where AMX multiplies, f32 elsewhere. Not the default of a
    /// recipe, which then would give other weights on other machines without saying so.
    pub fn auto() -> Precision {
        if tensor::isa() == tensor::Isa::Amx { Precision::Bf16 } else { Precision::F32 }
    }
}

impl From<Precision> for tensor::DType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => tensor::DType::F32,
            Precision::Bf16 => tensor::DType::Bf16,
        }
    }
}

/// What of the forward pass is kept for the backward pass. The weights that come out are the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checkpointing {
    /// All that derivatives read.
    #[default]
    None,
    /// What each block reads; the block is computed again when its derivatives are due (Chen and others, 2016).
    Block,
}

/// The rule that makes steps of gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// AdamW for every parameter.
    #[default]
    AdamW,
    /// Muon for the matrices of the blocks, AdamW for tables, gains and biases.
    Muon,
    /// Lion for every parameter.
    Lion,
    /// Gradient descent with momentum for every parameter.
    Sgd,
    /// Adafactor for every parameter.
    Adafactor,
}

impl OptimizerKind {
    /// All of them.
    pub const ALL: [OptimizerKind; 5] =
        [OptimizerKind::AdamW, OptimizerKind::Muon, OptimizerKind::Lion, OptimizerKind::Sgd, OptimizerKind::Adafactor];

    /// The rule that moves a parameter of a model. Muon takes the matrices of the blocks; tables and the head are no
    /// maps between hidden states, and AdamW suits them better (Jordan and others, 2024).
    pub fn rule(self, network: &dyn Network, id: ParamId) -> Rule {
        match self {
            OptimizerKind::Muon if network.is_block_matrix(id) => Rule::Muon,
            OptimizerKind::AdamW | OptimizerKind::Muon => Rule::AdamW,
            OptimizerKind::Lion => Rule::Lion,
            OptimizerKind::Sgd => Rule::Sgd,
            OptimizerKind::Adafactor => Rule::Adafactor,
        }
    }

    /// How many f32 values it remembers of a model between updates.
    pub fn state_len(self, network: &dyn Network) -> u64 {
        let shapes = network.registry().shapes().enumerate();
        let of = |(index, (_, shape)): (usize, (&str, &[usize]))| {
            self.rule(network, ParamId::from_index(index)).state_len(shape) as u64
        };
        shapes.map(of).sum()
    }
}

/// How long, how fast and how carefully to train. Every key has a default; unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimiser updates.
    pub steps: u64,
    /// Sequences (for preference training: pairs) in one micro-batch.
    pub batch_size: usize,
    /// Micro-batches summed into one update.
    pub gradient_accumulation: usize,
    /// Tokens in one sequence.
    pub sequence_length: usize,
    /// Whether a recurrent model goes on from the state that the rows before ended with, which then follow each other from
    /// batch to batch; otherwise every row begins with a state of zeros, and rows come in random order.
    pub carry_state: bool,
    /// What of the forward pass is kept for the backward pass: memory against time, for the same weights.
    pub activation_checkpointing: Checkpointing,
    /// The rule that makes steps of gradients.
    pub optimizer: OptimizerKind,
    /// Peak learning rate. Adafactor's is relative to the size of the weights, and 1/√(updates) bounds it too.
    pub learning_rate: f64,
    /// Peak learning rate of what Muon moves; 0 takes `learning_rate`.
    pub muon_learning_rate: f64,
    /// Final learning rate over the peak; of the inverse square root, which has no end, the lowest.
    pub min_learning_rate_ratio: f64,
    /// Updates of linear warm-up; when 0, `warmup_ratio` decides.
    pub warmup_steps: u64,
    /// Warm-up as a share of the steps before the cooldown; only read when `warmup_steps` is 0.
    pub warmup_ratio: f64,
    /// Shape of the learning rate after the warm-up.
    pub schedule: ScheduleKind,
    /// Share of `steps` the decay of the WSD shapes takes, unless `cooldown_steps` says how long it is.
    pub decay_share: f64,
    /// The last updates, in which the rate falls to its minimum: for the constant rate, the inverse square root and the
    /// WSD shapes. What comes before does not depend on it. 0: none.
    pub cooldown_steps: u64,
    /// How the cooldown of the constant rate and of the inverse square root falls; the WSD shapes have their own.
    pub cooldown_shape: CooldownShape,
    /// Weight decay, on parameters of two dimensions; decoupled (Loshchilov & Hutter, 2019), except that SGD adds it to
    /// the gradient, as PyTorch does.
    pub weight_decay: f64,
    /// AdamW's decay of the first moment; Lion's share of the mean in a step.
    pub beta1: f64,
    /// AdamW's decay of the second moment; Lion's of the mean, which its paper sets to 0.98 or 0.99.
    pub beta2: f64,
    /// AdamW's ε.
    pub epsilon: f64,
    /// Muon's decay of the mean of gradients; SGD's of their sum, where 0 is plain descent.
    pub momentum: f64,
    /// Whether SGD looks ahead along its momentum; Muon always does.
    pub nesterov: bool,
    /// Largest global norm of the gradient; 0 turns clipping off.
    pub clip_norm: f64,
    /// Probability of dropping an activation.
    pub dropout: f64,
    /// Share of every target that is spread evenly over the vocabulary (Szegedy et al. 2016); in `align` the share of
    /// pairs taken to be labelled the wrong way round. The `loss` of the log leaves it out, `total_loss` counts it.
    pub label_smoothing: f64,
    /// Weight of log²Z in what is minimised, Z being the sum of a token's exponentials (PaLM takes 1e-4); 0 in `align`.
    /// The `loss` of the log leaves it out, `total_loss` counts it and `z_loss` is it alone.
    pub z_loss: f64,
    /// Updates between evaluations; 0 turns them off.
    pub eval_every: u64,
    /// Held-out batches an evaluation reads, from the first; 0 reads all.
    pub eval_batches: u64,
    /// Updates between checkpoints; 0 keeps only those at the end and on interruption.
    pub checkpoint_every: u64,
    /// How many checkpoints stay on disk.
    pub keep_checkpoints: usize,
    /// Seed of data order and dropout.
    pub seed: u64,
    /// Arithmetic of the matrix products: `f32`, `bf16`, or `auto` for the faster of the two on this machine.
    pub dtype: Precision,
    /// Updates between lines of the log.
    pub log_every: u64,
    /// Updates between histograms of weights, gradients and activations; 0: none. They cost a forward pass each.
    pub histogram_every: u64,
    /// A loss so many standard deviations above the mean of those before it is a spike: the run goes back to an earlier
    /// state and leaves out the batches it has seen since, as PaLM did. 0 turns the guard off. OLMo takes 6.
    pub spike_threshold: f64,
    /// The same for the global norm of the gradient, beside the loss.
    pub spike_norm_threshold: f64,
    /// How many losses before a step it is measured by; half of them are enough to begin.
    pub spike_window: u64,
    /// Updates between the states a spike goes back to; 0 keeps the weights and leaves out the one batch.
    pub spike_rollback: u64,
    /// Spikes a run may have; the next one ends it.
    pub spike_limit: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            steps: 1000,
            batch_size: 8,
            gradient_accumulation: 1,
            sequence_length: 256,
            carry_state: false,
            activation_checkpointing: Checkpointing::None,
            optimizer: OptimizerKind::AdamW,
            learning_rate: 1e-3,
            muon_learning_rate: 0.0,
            min_learning_rate_ratio: 0.1,
            warmup_steps: 0,
            warmup_ratio: 0.05,
            schedule: ScheduleKind::Cosine,
            decay_share: 0.2,
            cooldown_steps: 0,
            cooldown_shape: CooldownShape::Linear,
            weight_decay: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            momentum: 0.95,
            nesterov: false,
            clip_norm: 1.0,
            dropout: 0.0,
            label_smoothing: 0.0,
            z_loss: 0.0,
            eval_every: 100,
            eval_batches: 32,
            checkpoint_every: 200,
            keep_checkpoints: 2,
            seed: 0,
            dtype: Precision::F32,
            log_every: 1,
            histogram_every: 0,
            spike_threshold: 0.0,
            spike_norm_threshold: 0.0,
            spike_window: 128,
            spike_rollback: 100,
            spike_limit: 10,
        }
    }
}

impl TrainConfig {
    /// Refuses values no run could use. `section` is where the keys stand in the recipe (`pretrain`, `tune`, `align`).
    ///
    /// # Errors
    /// [`TrainError::Config`] with the first key out of range and the range.
    pub fn validate(&self, section: &str) -> Result<()> {
        let refuse = |key: &str, value: String, allowed: &str| {
            Err(TrainError::Config { key: format!("{section}.{key}"), value, allowed: allowed.to_owned() })
        };
        let counts = [
            ("steps", self.steps),
            ("batch_size", self.batch_size as u64),
            ("gradient_accumulation", self.gradient_accumulation as u64),
            ("sequence_length", self.sequence_length as u64),
            ("keep_checkpoints", self.keep_checkpoints as u64),
            ("log_every", self.log_every),
            ("spike_window", self.spike_window),
        ];
        for (key, value) in counts {
            if value == 0 {
                return refuse(key, value.to_string(), "at least 1");
            }
        }
        // (key, value, low, low is allowed, high, high is allowed)
        let numbers = [
            ("learning_rate", self.learning_rate, 0.0, false, 10.0, true),
            ("muon_learning_rate", self.muon_learning_rate, 0.0, true, 10.0, true),
            ("min_learning_rate_ratio", self.min_learning_rate_ratio, 0.0, true, 1.0, true),
            ("warmup_ratio", self.warmup_ratio, 0.0, true, 1.0, false),
            ("decay_share", self.decay_share, 0.0, true, 1.0, true),
            ("weight_decay", self.weight_decay, 0.0, true, 10.0, true),
            ("beta1", self.beta1, 0.0, true, 1.0, false),
            ("beta2", self.beta2, 0.0, true, 1.0, false),
            ("epsilon", self.epsilon, 0.0, false, 1.0, true),
            ("momentum", self.momentum, 0.0, true, 1.0, false),
            ("clip_norm", self.clip_norm, 0.0, true, f64::MAX, true),
            ("dropout", self.dropout, 0.0, true, 1.0, false),
            ("spike_threshold", self.spike_threshold, 0.0, true, f64::MAX, true),
            ("spike_norm_threshold", self.spike_norm_threshold, 0.0, true, f64::MAX, true),
            ("label_smoothing", self.label_smoothing, 0.0, true, 1.0, false),
            ("z_loss", self.z_loss, 0.0, true, 1.0, true),
        ];
        for (key, value, low, low_allowed, high, high_allowed) in numbers {
            let above = value > low || (low_allowed && value == low);
            let below = value < high || (high_allowed && value == high);
            // A NaN fails both comparisons.
            if !(above && below) {
                let from = format!("{} {low}", if low_allowed { "at least" } else { "above" });
                let to = match (high == f64::MAX, high_allowed) {
                    (true, _) => String::new(),
                    (false, true) => format!(" and at most {high}"),
                    (false, false) => format!(" and below {high}"),
                };
                return refuse(key, value.to_string(), &format!("{from}{to}"));
            }
        }
        if self.nesterov && self.momentum == 0.0 {
            return refuse("nesterov", "true".to_owned(), &format!("false where `{section}.momentum` is 0"));
        }
        if self.warmup_steps >= self.steps {
            return refuse(
                "warmup_steps",
                self.warmup_steps.to_string(),
                &format!("below `{section}.steps`, which is {}", self.steps),
            );
        }
        let ends_by_itself = matches!(self.schedule, ScheduleKind::Cosine | ScheduleKind::Linear);
        if self.cooldown_steps > 0 && ends_by_itself {
            let allowed = format!("0 where `{section}.schedule` falls to the end by itself; constant and wsd do not");
            return refuse("cooldown_steps", self.cooldown_steps.to_string(), &allowed);
        }
        if self.cooldown_steps >= self.steps.max(1) - self.warmup_steps {
            let allowed = format!("less than the {} steps after the warm-up", self.steps - self.warmup_steps);
            return refuse("cooldown_steps", self.cooldown_steps.to_string(), &allowed);
        }
        Ok(())
    }

    /// Whether loss spikes are looked for.
    pub fn guards_spikes(&self) -> bool {
        self.spike_threshold > 0.0 || self.spike_norm_threshold > 0.0
    }

    /// The numbers of an update at `factor` of the peak learning rate, for every rule.
    pub(crate) fn step(&self, factor: f64) -> StepConfig {
        let lr = (self.learning_rate * factor) as f32;
        let weight_decay = self.weight_decay as f32;
        let (beta1, beta2, momentum) = (self.beta1 as f32, self.beta2 as f32, self.momentum as f32);
        StepConfig {
            adamw: AdamWConfig { lr, beta1, beta2, eps: self.epsilon as f32, weight_decay },
            muon: MuonConfig { lr: (self.muon_learning_rate() * factor) as f32, momentum, weight_decay },
            lion: LionConfig { lr, beta1, beta2, weight_decay },
            sgd: SgdConfig { lr, momentum, weight_decay, nesterov: self.nesterov },
            adafactor: AdafactorConfig { lr, weight_decay, ..AdafactorConfig::default() },
        }
    }

    /// Peak learning rate of what Muon moves.
    pub fn muon_learning_rate(&self) -> f64 {
        if self.muon_learning_rate > 0.0 { self.muon_learning_rate } else { self.learning_rate }
    }

    /// The schedule these settings describe; `learning_rate · factor(step)` is the rate of an update.
    pub fn schedule(&self) -> Schedule {
        let part = |share: f64, of: u64| (share * of as f64).round() as u64;
        let before_cooldown = self.steps.saturating_sub(self.cooldown_steps);
        let is_wsd = matches!(self.schedule, ScheduleKind::Wsd | ScheduleKind::WsdSqrt);
        let cools = self.cooldown_steps > 0;
        Schedule {
            kind: self.schedule,
            steps: self.steps,
            warmup_steps: match self.warmup_steps {
                0 => part(self.warmup_ratio, before_cooldown),
                steps => steps,
            },
            decay_steps: if cools { self.cooldown_steps } else { part(self.decay_share, self.steps) },
            min_ratio: self.min_learning_rate_ratio,
            cooldown: (cools && !is_wsd).then_some(Cooldown { steps: self.cooldown_steps, shape: self.cooldown_shape }),
        }
    }

    /// Whether the first `steps` updates have the rates they have under `other`, to the last bit.
    pub(crate) fn has_rates_of(&self, other: &TrainConfig, steps: u64) -> bool {
        let (ours, theirs) = (self.schedule(), other.schedule());
        (0..steps).all(|step| ours.factor(step).to_bits() == theirs.factor(step).to_bits())
    }
}

#[cfg(test)]
mod tests {
    use nn::{Decoder, DecoderConfig};

    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        TrainConfig::default().validate("pretrain").unwrap();
    }

    #[test]
    fn a_value_out_of_range_names_key_and_range() {
        let valid = TrainConfig::default;
        let cases = [
            (TrainConfig { steps: 0, ..valid() }, "`pretrain.steps` is 0, but it must be at least 1"),
            (TrainConfig { batch_size: 0, ..valid() }, "`pretrain.batch_size` is 0, but it must be at least 1"),
            (
                TrainConfig { learning_rate: 0.0, ..valid() },
                "`pretrain.learning_rate` is 0, but it must be above 0 and at most 10",
            ),
            (
                TrainConfig { learning_rate: f64::NAN, ..valid() },
                "`pretrain.learning_rate` is NaN, but it must be above 0 and at most 10",
            ),
            (TrainConfig { dropout: 1.0, ..valid() }, "`pretrain.dropout` is 1, but it must be at least 0 and below 1"),
            (
                TrainConfig { label_smoothing: 1.0, ..valid() },
                "`pretrain.label_smoothing` is 1, but it must be at least 0 and below 1",
            ),
            (
                TrainConfig { z_loss: f64::NAN, ..valid() },
                "`pretrain.z_loss` is NaN, but it must be at least 0 and at most 1",
            ),
            (TrainConfig { beta2: -0.5, ..valid() }, "`pretrain.beta2` is -0.5, but it must be at least 0 and below 1"),
            (TrainConfig { clip_norm: -1.0, ..valid() }, "`pretrain.clip_norm` is -1, but it must be at least 0"),
            (
                TrainConfig { nesterov: true, momentum: 0.0, ..valid() },
                "`pretrain.nesterov` is true, but it must be false where `pretrain.momentum` is 0",
            ),
            (
                TrainConfig { cooldown_steps: 5, ..valid() },
                "`pretrain.cooldown_steps` is 5, but it must be 0 where `pretrain.schedule` falls to the end by itself; \
                 constant and wsd do not",
            ),
            (
                TrainConfig { cooldown_steps: 990, warmup_steps: 10, schedule: ScheduleKind::Constant, ..valid() },
                "`pretrain.cooldown_steps` is 990, but it must be less than the 990 steps after the warm-up",
            ),
            (
                TrainConfig { spike_threshold: -1.0, ..valid() },
                "`pretrain.spike_threshold` is -1, but it must be at least 0",
            ),
            (TrainConfig { spike_window: 0, ..valid() }, "`pretrain.spike_window` is 0, but it must be at least 1"),
            (
                TrainConfig { warmup_steps: 1000, ..valid() },
                "`pretrain.warmup_steps` is 1000, but it must be below `pretrain.steps`, which is 1000",
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(config.validate("pretrain").unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_unknown_key_is_refused_and_a_missing_one_takes_its_default() {
        let config: TrainConfig =
            serde_json::from_str(r#"{"steps": 7, "schedule": "wsd-sqrt", "dtype": "bf16"}"#).unwrap();
        assert_eq!((config.steps, config.schedule, config.dtype), (7, ScheduleKind::WsdSqrt, Precision::Bf16));
        assert_eq!(config.batch_size, TrainConfig::default().batch_size);
        let config: TrainConfig = serde_json::from_str(r#"{"dtype": "auto"}"#).unwrap();
        assert_eq!(config.dtype, Precision::auto(), "written down as what it is");
        let error = serde_json::from_str::<TrainConfig>(r#"{"stepz": 7}"#).unwrap_err().to_string();
        assert!(error.contains("stepz"), "{error}");
    }

    #[test]
    fn every_optimizer_has_its_name() {
        let names = ["adamw", "muon", "lion", "sgd", "adafactor"];
        for (kind, name) in OptimizerKind::ALL.into_iter().zip(names) {
            let config: TrainConfig = serde_json::from_value(serde_json::json!({ "optimizer": name })).unwrap();
            assert_eq!(config.optimizer, kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
        assert!(serde_json::from_str::<OptimizerKind>("\"adam\"").is_err());
    }

    #[test]
    fn what_an_optimizer_remembers_is_counted_by_shape() {
        let config = DecoderConfig {
            vocab_size: 24,
            hidden_size: 16,
            n_layers: 1,
            n_heads: 2,
            n_kv_heads: 1,
            intermediate_size: 32,
            ..DecoderConfig::default()
        };
        let decoder = Decoder::new(config).unwrap();
        // Of one block: queries, keys, values, output; gate, up, down. Beside them two tables and three gains.
        let matrices = [[16, 16], [8, 16], [8, 16], [16, 16], [32, 16], [32, 16], [16, 32]];
        let block: u64 = matrices.iter().map(|[rows, columns]| rows * columns).sum();
        let sides: u64 = matrices.iter().map(|[rows, columns]| rows + columns).sum();
        let tables = if decoder.config().tie_word_embeddings { 1 } else { 2 };
        let all = block + tables * 24 * 16 + 3 * 16;
        assert_eq!(all, decoder.n_parameters() as u64);
        let expected = [2 * all, 2 * all - block, all, all, sides + tables * (24 + 16) + 3 * 16];
        assert_eq!(OptimizerKind::ALL.map(|kind| kind.state_len(&decoder)), expected);
    }

    #[test]
    fn warmup_comes_from_the_ratio_unless_steps_are_given() {
        let mut config = TrainConfig { steps: 200, warmup_ratio: 0.1, ..TrainConfig::default() };
        assert_eq!(config.schedule().warmup_steps, 20);
        config.warmup_steps = 5;
        assert_eq!(config.schedule().warmup_steps, 5);
    }
}
