//! The model shapes that are measured: one slice, so that help, errors and the oracle script know the same ones.

use anyhow::Result;
use nn::DecoderConfig;

use crate::cli::BenchFamily;
use crate::terminal::Usage;

/// A model and a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// What `--preset` takes.
    pub name: &'static str,
    /// How many blocks.
    pub n_layers: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// How many heads, each with keys and values of its own.
    pub n_heads: usize,
    /// How many token ids.
    pub vocab_size: usize,
    /// Rows of a step.
    pub batch_size: usize,
    /// Tokens of a row, which are also the longest context.
    pub sequence_length: usize,
    /// Constant rate of AdamW: usual for the width, so that the loss falls.
    pub learning_rate: f64,
}

/// Every preset, the smallest first.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "tiny",
        n_layers: 4,
        hidden_size: 128,
        n_heads: 4,
        vocab_size: 512,
        batch_size: 16,
        sequence_length: 64,
        learning_rate: 1e-3,
    },
    Preset {
        name: "small",
        n_layers: 6,
        hidden_size: 384,
        n_heads: 6,
        vocab_size: 8192,
        batch_size: 8,
        sequence_length: 512,
        learning_rate: 1e-3,
    },
    Preset {
        name: "gpt2",
        n_layers: 12,
        hidden_size: 768,
        n_heads: 12,
        vocab_size: 50_257,
        batch_size: 4,
        sequence_length: 512,
        learning_rate: 3e-4,
    },
];

/// Models a person may ask for by name and the engine cannot compute yet, with what is missing.
const NOT_YET: [(&str, &str); 2] =
    [("lstm", "recurrence over whole sequences"), ("bert", "an encoder that fills masked tokens")];

/// The preset of this name.
pub fn find(name: &str) -> Result<&'static Preset> {
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
        return Ok(preset);
    }
    let problem = match NOT_YET.iter().find(|(known, _)| *known == name) {
        Some((_, missing)) => format!("cannot be measured yet: it needs {missing}, which this version does not have"),
        None => "no such preset".to_owned(),
    };
    let names = PRESETS.map(|preset| preset.name).join(", ");
    Err(Usage(format!("--preset {name}: {problem}\nhint: presets are {names}")).into())
}

impl Preset {
    /// The shape of the model in one of the two families.
    pub fn config(&self, family: BenchFamily) -> DecoderConfig {
        let &Preset { n_layers, hidden_size, n_heads, vocab_size, sequence_length, .. } = self;
        match family {
            BenchFamily::Gpt2 => DecoderConfig {
                max_position_embeddings: sequence_length,
                ..DecoderConfig::gpt2(vocab_size, hidden_size, n_layers, n_heads)
            },
            BenchFamily::Llama => DecoderConfig {
                vocab_size,
                hidden_size,
                n_layers,
                n_heads,
                n_kv_heads: n_heads,
                // Three matrices of 8/3 the width hold as many weights as two of four times the width (Shazeer 2020).
                intermediate_size: (8 * hidden_size / 3).next_multiple_of(32),
                max_position_embeddings: sequence_length,
                ..DecoderConfig::default()
            },
        }
    }

    /// Tokens of a step.
    pub fn tokens(&self) -> usize {
        self.batch_size * self.sequence_length
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_preset_is_a_model_and_stands_in_the_help() {
        let mut command = crate::cli::Arguments::command();
        let train = command.find_subcommand_mut("bench").unwrap().find_subcommand_mut("train").unwrap();
        let help = train.render_long_help().to_string();
        for preset in PRESETS {
            for family in [BenchFamily::Gpt2, BenchFamily::Llama] {
                preset.config(family).check().unwrap();
            }
            assert!(help.contains(preset.name), "{} is not in:\n{help}", preset.name);
            assert_eq!(find(preset.name).unwrap(), &preset);
        }
    }

    /// The sizes that are in use elsewhere for a model of this name.
    #[test]
    fn gpt2_has_the_parameters_of_gpt2() {
        let config = find("gpt2").unwrap().config(BenchFamily::Gpt2);
        // 124 439 808 with 1024 positions; here are half of them.
        assert_eq!(nn::Network::n_parameters(&nn::Decoder::new(config).unwrap()), 124_439_808 - 512 * 768);
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        let message = |name| find(name).unwrap_err().to_string();
        assert!(message("lstm").contains("needs recurrence over whole sequences"));
        assert!(message("bert").contains("needs an encoder"));
        assert_eq!(message("huge"), "--preset huge: no such preset\nhint: presets are tiny, small, gpt2");
    }
}
