//! The pre-flight look at memory: what training will need, and what would make it fit where it does not.

use anyhow::{Result, bail};
use nn::{MemoryEstimate, Network, StepShape};
use train::{Checkpointing, OptimizerKind, TrainConfig};

/// How the settings are called where they were given.
pub trait Names {
    /// What to write to have this value of a key: `activation_checkpointing`, `optimizer`, `batch_size` or
    /// `gradient_accumulation`.
    fn setting(&self, key: &str, value: &str) -> String;
    /// What to make smaller when nothing else helps.
    fn smaller(&self) -> &str;
}

/// What training with these settings needs; `rows` is how many rows of the network a row of the batch is (two for pairs).
pub fn estimate(network: &dyn Network, config: &TrainConfig, rows: usize) -> MemoryEstimate {
    network.training_memory(&StepShape {
        batch: config.batch_size.saturating_mul(rows),
        time: config.sequence_length,
        accumulates: config.gradient_accumulation > 1,
        checkpoints: config.activation_checkpointing == Checkpointing::Block,
        optimiser_values: config.optimizer.state_len(network),
    })
}

/// Refuses settings that need more than `limit` (what `--memory` allows, or what the machine has free), naming those that
/// would fit. Gives the estimate.
pub fn check(
    network: &dyn Network,
    config: &TrainConfig,
    rows: usize,
    limit: Option<u64>,
    names: &dyn Names,
) -> Result<MemoryEstimate> {
    let needed = estimate(network, config, rows);
    let allowed = limit.or_else(available_memory);
    let Some(allowed) = allowed.filter(|&allowed| needed.total() > allowed) else { return Ok(needed) };
    let mib = |bytes: u64| bytes >> 20;
    let hint = match fitting(network, config, rows, allowed) {
        Some(fits) => {
            let total = mib(estimate(network, &fits, rows).total());
            format!("{} would need about {total} MiB", changes(config, &fits, names).join(" with "))
        }
        None => format!("the weights alone are too many: {}", names.smaller()),
    };
    let whose = if limit.is_some() { "that --memory allows" } else { "this machine has free" };
    bail!("training needs about {} MiB, more than the {} MiB {whose}\nhint: {hint}", mib(needed.total()), mib(allowed))
}

/// Settings that fit, the first of those that change the least: what leaves the weights as they come out, before another
/// optimiser; of micro-batches the largest.
fn fitting(network: &dyn Network, config: &TrainConfig, rows: usize, allowed: u64) -> Option<TrainConfig> {
    let mut optimizers = vec![config.optimizer];
    optimizers.push(OptimizerKind::Adafactor);
    for optimizer in optimizers {
        for activation_checkpointing in [config.activation_checkpointing, Checkpointing::Block] {
            let parts = (1..=config.batch_size).filter(|parts| config.batch_size.is_multiple_of(*parts));
            for parts in parts {
                let tried = TrainConfig {
                    optimizer,
                    activation_checkpointing,
                    batch_size: config.batch_size / parts,
                    gradient_accumulation: config.gradient_accumulation.saturating_mul(parts),
                    ..config.clone()
                };
                if estimate(network, &tried, rows).total() <= allowed {
                    return Some(tried);
                }
            }
        }
    }
    None
}

/// What differs, in the words of whoever asks.
fn changes(from: &TrainConfig, to: &TrainConfig, names: &dyn Names) -> Vec<String> {
    let mut changes = Vec::new();
    if from.activation_checkpointing != to.activation_checkpointing {
        changes.push(names.setting("activation_checkpointing", "block"));
    }
    if from.batch_size != to.batch_size {
        changes.push(names.setting("batch_size", &to.batch_size.to_string()));
        changes.push(names.setting("gradient_accumulation", &to.gradient_accumulation.to_string()));
    }
    if from.optimizer != to.optimizer {
        changes.push(names.setting("optimizer", "adafactor"));
    }
    changes.retain(|change| !change.is_empty());
    changes
}

/// Bytes of memory that are free or can be made so, where the system says.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use nn::{Decoder, DecoderConfig};

    use super::*;

    struct Plain;

    impl Names for Plain {
        fn setting(&self, key: &str, value: &str) -> String {
            format!("{key}={value}")
        }
        fn smaller(&self) -> &str {
            "lower it"
        }
    }

    /// What the hint names fits, and less would not: a chain of limits, each just below what the one before needs.
    #[test]
    fn the_hint_fits() {
        let network = Decoder::new(DecoderConfig::gpt2(1000, 128, 6, 4)).unwrap();
        let mut config = TrainConfig { batch_size: 32, sequence_length: 512, ..TrainConfig::default() };
        let mut hints = Vec::new();
        loop {
            let needed = estimate(&network, &config, 1).total();
            assert!(check(&network, &config, 1, Some(needed), &Plain).is_ok());
            let Err(error) = check(&network, &config, 1, Some(needed - 1), &Plain) else {
                panic!("too much is allowed")
            };
            let message = error.to_string();
            let Some(fits) = fitting(&network, &config, 1, needed - 1) else {
                assert!(message.ends_with("the weights alone are too many: lower it"), "{message}");
                break;
            };
            assert!(estimate(&network, &fits, 1).total() < needed, "{fits:?}");
            let updates = |config: &TrainConfig| config.batch_size * config.gradient_accumulation;
            assert_eq!(updates(&fits), updates(&config));
            hints.push(changes(&config, &fits, &Plain).join(" "));
            config = fits;
        }
        assert_eq!(hints[0], "batch_size=16 gradient_accumulation=2");
        assert!(hints.iter().any(|hint| hint.starts_with("activation_checkpointing=block")), "{hints:?}");
        assert!(hints.iter().any(|hint| hint.contains("optimizer=adafactor")), "{hints:?}");
    }
}
