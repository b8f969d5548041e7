//! `onto bench train`: real training steps of a preset, timed.
//!
//! The steps are those of `onto pretrain`: [`Stage::rehearse`] takes them with the loop's own update. The data are one
//! batch of random tokens, read in every step: nothing is known about random tokens but what was seen of them, so a loss
//! that falls shows that the steps learn.
//!
//! `tflops` counts what the model needs, not what the machine did: for every token six operations a weight of a matrix
//! product (two forward, four backward; the head counts, the tables do not), and for the attention of a decoder
//! `12 · layers · width · time / 2`, because a token of a causal row sees half of it on average. An encoder's tokens see all
//! of it, and of its head only the share of masked tokens counts, which is all that is computed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use ::train::{Masking, MemoryTokens, PretrainText, ScheduleKind, Stage, TimedUpdate, TrainConfig};
use anyhow::Result;
use lang::rng::Rng;
use nn::Network;
use serde_json::{Value, json};
use tensor::DType;
use tensor::peak::{self, Peak};
use tensor::profile::{self, Share};

use super::presets::{Layers, MASK_SHARE, Preset, find};
use super::{giga, peak_json, read_bandwidth};
use crate::cli::BenchTrainArguments;
use crate::commands::Session;
use crate::run::memory;
use crate::run::stage::peak_memory;
use crate::terminal::{Progress, Usage, grouped, line_to_stdout, to_stdout};

/// Two readings of the peak that are further apart than this tell of a machine that is not steady: other work on it, or a
/// changing clock.
const UNQUIET: f64 = 0.8;

/// Time of every operation, by phase and name.
type Shares = BTreeMap<(&'static str, &'static str), Share>;

/// What was measured.
struct Measured {
    preset: &'static Preset,
    family: &'static str,
    network: Box<dyn Network>,
    config: TrainConfig,
    warmup: u64,
    peak: Peak,
    /// The peak as it was read before and after the steps, in operations a second.
    peak_readings: [f64; 2],
    /// The same in f32: a processor's bf16 instruction can be the slower one.
    peak_f32: Peak,
    /// Every update, those of the warm-up first.
    updates: Vec<TimedUpdate>,
    /// Over the counted updates.
    shares: Shares,
    /// What memory was expected to be needed.
    estimated_bytes: u64,
    peak_rss_bytes: u64,
    read_bandwidth: f64,
}

pub fn train(session: &Session, arguments: &BenchTrainArguments) -> Result<()> {
    let preset = find(&arguments.preset)?;
    let network = preset.network(arguments.family)?;
    let config = TrainConfig {
        steps: arguments.steps + arguments.warmup,
        batch_size: preset.batch_size / arguments.gradient_accumulation as usize,
        gradient_accumulation: arguments.gradient_accumulation as usize,
        sequence_length: preset.sequence_length,
        learning_rate: preset.learning_rate,
        schedule: ScheduleKind::Constant,
        warmup_ratio: 0.0,
        dtype: arguments.dtype.into(),
        activation_checkpointing: arguments.activation_checkpointing.into(),
        optimizer: arguments.optimizer.into(),
        seed: session.seed(0),
        ..TrainConfig::default()
    };
    if !preset.batch_size.is_multiple_of(config.gradient_accumulation) {
        let (rows, parts) = (preset.batch_size, config.gradient_accumulation);
        return Err(Usage(format!(
            "--gradient-accumulation {parts}: {rows} rows cannot be cut into {parts} equal parts"
        ))
        .into());
    }
    let estimate = memory::check(&*network, &config, 1, session.global.memory, &Flags)?;
    session.terminal.say(&format!("about {} MiB of memory", estimate.total() >> 20));
    let before = peaks(config.dtype.into());
    let (updates, shares) = steps(session, preset, &*network, &config, arguments.warmup)?;
    let peak_rss_bytes = peak_memory();
    // A neighbour's load would lower the peak and so flatter the steps: it is measured on both sides of them.
    let after = peaks(config.dtype.into());
    let peak_readings = [before.0, after.0].map(|peak| peak.flops_per_second);
    let (peak, peak_f32) = (higher(before.0, after.0), higher(before.1, after.1));
    // Last of all, so that its array is no part of the memory that training needed.
    let read_bandwidth = read_bandwidth();
    let [first, second] = peak_readings;
    if first.min(second) < UNQUIET * first.max(second) {
        session.terminal.warn(&format!(
            "the peak was read at {:.1} GFLOP/s before and {:.1} after the steps: this machine is not steady, and shares of \
             the peak say little",
            giga(first),
            giga(second)
        ));
    }
    let warmup = arguments.warmup;
    let family = preset.family(arguments.family);
    let measured = Measured {
        preset,
        family,
        network,
        config,
        warmup,
        peak,
        peak_readings,
        peak_f32,
        updates,
        shares,
        estimated_bytes: estimate.total(),
        peak_rss_bytes,
        read_bandwidth,
    };
    if session.global.json {
        return line_to_stdout(&measured.to_json().to_string());
    }
    to_stdout(&measured.to_table())
}

/// The arithmetic peaks in `dtype` and in f32.
fn peaks(dtype: DType) -> (Peak, Peak) {
    let peak = peak::arithmetic(dtype);
    (peak, if dtype == DType::F32 { peak } else { peak::arithmetic(DType::F32) })
}

fn higher(a: Peak, b: Peak) -> Peak {
    if a.flops_per_second >= b.flops_per_second { a } else { b }
}

/// Takes the updates; the time of every operation is kept from the end of the warm-up on.
fn steps(
    session: &Session,
    preset: &Preset,
    network: &dyn Network,
    config: &TrainConfig,
    warmup: u64,
) -> Result<(Vec<TimedUpdate>, Shares)> {
    let vocabulary = preset.vocab_size as u64;
    // Token 0 separates documents; the stream puts one in front, which makes the tokens a batch and its last target.
    let mut rng = Rng::for_item(config.seed, "bench tokens", 0);
    let tokens: Vec<u32> =
        (0..config.batch_size * config.sequence_length).map(|_| 1 + rng.below(vocabulary - 1) as u32).collect();
    let text = PretrainText {
        corpus: Arc::new(MemoryTokens::new([tokens])),
        held_out: None,
        end_of_text: 0,
        mask_documents: false,
    };
    let stage = match preset.layers {
        Layers::Encoder { .. } => {
            let vocabulary_size = preset.vocab_size as u32;
            let mask_token = vocabulary_size - 1;
            let masking = Masking { mask_token, vocabulary_size, share: MASK_SHARE, patterns: 1 };
            Stage::pretrain_masked(&text, &masking, config)?
        }
        Layers::Decoder { .. } | Layers::Recurrent { .. } => Stage::pretrain(&text, config)?,
    };
    let mut parameters = network.init(config.seed);
    let progress = RefCell::new(Progress::new(&session.terminal, "steps", config.steps));
    let mut updates: Vec<TimedUpdate> = Vec::new();
    profile::set_enabled(true);
    let outcome = stage.rehearse(network, &mut parameters, config, &mut |update| {
        updates.push(*update);
        progress.borrow_mut().set("", update.step as usize, config.steps as usize);
        if update.step == warmup {
            drop(profile::take());
        }
    });
    profile::set_enabled(false);
    outcome?;
    Ok((updates, profile::take()))
}

/// The flags of this command.
struct Flags;

impl memory::Names for Flags {
    fn setting(&self, key: &str, value: &str) -> String {
        match key {
            // Follows from the preset and the number of micro-batches.
            "batch_size" => String::new(),
            _ => format!("--{} {value}", key.replace('_', "-")),
        }
    }

    fn smaller(&self) -> &str {
        "choose a smaller --preset"
    }
}

impl Measured {
    /// Tokens of a step over the seconds of the counted steps: the median and the best.
    fn tokens_per_second(&self) -> (f64, f64) {
        let counted = self.updates.iter().skip(self.warmup as usize);
        let mut rates: Vec<f64> = counted.map(|update| update.tokens as f64 / update.seconds.max(1e-9)).collect();
        rates.sort_by(f64::total_cmp);
        let (low, high) = (rates.len().saturating_sub(1) / 2, rates.len() / 2);
        let at = |index: usize| rates.get(index).copied().unwrap_or(0.0);
        ((at(low) + at(high)) / 2.0, rates.last().copied().unwrap_or(0.0))
    }

    /// Operations a second that the model needs at the median rate.
    fn flops_per_second(&self) -> f64 {
        self.tokens_per_second().0 * self.preset.flops_per_token(&*self.network)
    }

    /// Seconds of a counted step on average.
    fn seconds_per_step(&self) -> f64 {
        let counted = &self.updates[self.warmup as usize..];
        counted.iter().map(|update| update.seconds).sum::<f64>() / counted.len().max(1) as f64
    }

    /// Operations with their seconds in a step and their share of it, the longest first within each phase's parts.
    fn operations(&self) -> Vec<Operation> {
        let steps = (self.updates.len() as u64 - self.warmup).max(1);
        let mut operations: Vec<Operation> = self
            .shares
            .iter()
            .map(|(&(phase, name), share)| {
                let seconds = share.seconds / steps as f64;
                Operation { phase, name, calls: share.calls / steps, seconds, share: seconds / self.seconds_per_step() }
            })
            .collect();
        operations.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        operations
    }

    fn to_json(&self) -> Value {
        let (median, best) = self.tokens_per_second();
        let Measured { preset, config, peak, .. } = self;
        json!({
            "preset": preset.name,
            "dtype": config.dtype,
            "threads": tensor::threads(),
            "tokens_per_second": median,
            "tokens_per_second_best": best,
            "tflops": self.flops_per_second() / 1e12,
            "peak_fraction": self.flops_per_second() / peak.flops_per_second,
            "peak_rss_bytes": self.peak_rss_bytes,
            "estimated_bytes": self.estimated_bytes,
            "activation_checkpointing": config.activation_checkpointing,
            "gradient_accumulation": config.gradient_accumulation,
            "optimizer": config.optimizer,
            "loss_first": loss(self.updates.first()),
            "loss_last": loss(self.updates.last()),
            "family": self.family,
            "isa": tensor::isa().name(),
            "steps": config.steps - self.warmup,
            "warmup_steps": self.warmup,
            "parameters": self.network.n_parameters(),
            "batch_size": config.batch_size,
            "sequence_length": config.sequence_length,
            "learning_rate": config.learning_rate,
            "model": self.network.describe(),
            "seconds_per_step": self.updates[self.warmup as usize..].iter().map(|u| u.seconds).collect::<Vec<_>>(),
            "peak": peak_json(peak),
            "peak_readings": self.peak_readings,
            "peak_f32": peak_json(&self.peak_f32),
            "read_bytes_per_second": self.read_bandwidth,
            "operations": self.operations(),
        })
    }

    fn to_table(&self) -> String {
        let (median, best) = self.tokens_per_second();
        let family = self.family;
        let Preset { name, n_layers, hidden_size, vocab_size, batch_size, sequence_length, .. } = self.preset;
        let heads = match self.preset.layers {
            Layers::Decoder { n_heads } | Layers::Encoder { n_heads } => format!(", {n_heads} heads"),
            Layers::Recurrent { .. } => String::new(),
        };
        let dtype = json!(self.config.dtype);
        let mut out = format!(
            "{name}, {family} shape: {n_layers} layers, width {hidden_size}{heads}, vocabulary {vocab_size}, \
             {} parameters\n{} on {} threads, {}; {batch_size} × {sequence_length} tokens a step, {} steps after {} of \
             warm-up\n\n",
            grouped(self.network.n_parameters() as f64),
            dtype.as_str().unwrap_or_default(),
            tensor::threads(),
            tensor::isa().name(),
            self.config.steps - self.warmup,
            self.warmup,
        );
        let flops = self.flops_per_second();
        let told = |peak: &Peak| format!("{:.1} GFLOP/s ({})", giga(peak.flops_per_second), peak.instruction);
        let peak = match self.config.dtype {
            ::train::Precision::F32 => told(&self.peak),
            ::train::Precision::Bf16 => format!("{}; in f32 {}", told(&self.peak), told(&self.peak_f32)),
        };
        let lines = [
            ("tokens/s", format!("{} median, {} best", grouped(median), grouped(best))),
            (
                "model",
                format!("{:.1} GFLOP/s, {:.1} % of the peak", giga(flops), 100.0 * flops / self.peak.flops_per_second),
            ),
            ("peak", peak),
            ("memory read", format!("{:.1} GB/s at most", giga(self.read_bandwidth))),
            ("peak memory", format!("{} MiB, {} expected", self.peak_rss_bytes >> 20, self.estimated_bytes >> 20)),
            ("loss", format!("{:.4} → {:.4}", loss(self.updates.first()), loss(self.updates.last()))),
        ];
        for (name, value) in lines {
            out.push_str(&format!("{name:<12} {value}\n"));
        }
        out.push_str(&format!(
            "\n{:<10} {:<24} {:>6} {:>10} {:>7}\n",
            "phase", "operation", "calls", "ms a step", "share"
        ));
        let operations = self.operations();
        // A part, such as "linear: weight", is counted in its whole and stands below it.
        for whole in operations.iter().filter(|operation| !operation.name.contains(": ")) {
            out.push_str(&whole.to_line(whole.name));
            let prefix = format!("{}: ", whole.name);
            for part in operations.iter().filter(|part| part.phase == whole.phase) {
                if let Some(name) = part.name.strip_prefix(&prefix) {
                    out.push_str(&part.to_line(&format!("  of which {name}")));
                }
            }
        }
        out
    }
}

fn loss(update: Option<&TimedUpdate>) -> f64 {
    update.map_or(f64::NAN, |update| update.loss)
}

/// An operation's part of a step.
#[derive(serde::Serialize)]
struct Operation {
    phase: &'static str,
    #[serde(rename = "operation")]
    name: &'static str,
    calls: u64,
    seconds: f64,
    share: f64,
}

impl Operation {
    fn to_line(&self, name: &str) -> String {
        format!(
            "{:<10} {name:<24} {:>6} {:>10.2} {:>5.1} %\n",
            self.phase,
            self.calls,
            self.seconds * 1e3,
            100.0 * self.share
        )
    }
}
