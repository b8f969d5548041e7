//! The model shapes that are measured: one slice, so that help, errors and the oracle script know the same ones.

use anyhow::Result;
use nn::{Decoder, DecoderConfig, Encoder, EncoderConfig, Network, RecurrentConfig, RecurrentModel};
use tensor::Cell;

use crate::cli::BenchFamily;
use crate::terminal::Usage;

/// What a preset's layers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layers {
    /// Blocks of a decoder-only Transformer, in the family that is asked for.
    Decoder {
        /// How many heads, each with keys and values of its own.
        n_heads: usize,
    },
    /// Blocks of an encoder that fills masked tokens.
    Encoder {
        /// How many heads.
        n_heads: usize,
    },
    /// Recurrent layers over a table of vectors as wide as they, with a head of its own.
    Recurrent {
        /// What a step computes.
        cell: Cell,
    },
}

/// A model and a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// What `--preset` takes.
    pub name: &'static str,
    /// What its layers are.
    pub layers: Layers,
    /// How many of them.
    pub n_layers: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
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
pub const PRESETS: [Preset; 5] = [
    Preset {
        name: "tiny",
        layers: Layers::Decoder { n_heads: 4 },
        n_layers: 4,
        hidden_size: 128,
        vocab_size: 512,
        batch_size: 16,
        sequence_length: 64,
        learning_rate: 1e-3,
    },
    Preset {
        name: "small",
        layers: Layers::Decoder { n_heads: 6 },
        n_layers: 6,
        hidden_size: 384,
        vocab_size: 8192,
        batch_size: 8,
        sequence_length: 512,
        learning_rate: 1e-3,
    },
    Preset {
        name: "gpt2",
        layers: Layers::Decoder { n_heads: 12 },
        n_layers: 12,
        hidden_size: 768,
        vocab_size: 50_257,
        batch_size: 4,
        sequence_length: 512,
        learning_rate: 3e-4,
    },
    Preset {
        name: "bert",
        layers: Layers::Encoder { n_heads: 6 },
        n_layers: 12,
        hidden_size: 384,
        vocab_size: 8192,
        batch_size: 8,
        sequence_length: 512,
        // Norms after the branches learn nothing from a rate as high as others take without a warm-up.
        learning_rate: 1e-4,
    },
    // The medium LSTM of Zaremba et al. 2014 and its batch.
    Preset {
        name: "lstm",
        layers: Layers::Recurrent { cell: Cell::Lstm },
        n_layers: 2,
        hidden_size: 650,
        vocab_size: 10_000,
        batch_size: 20,
        sequence_length: 35,
        learning_rate: 1e-3,
    },
];

/// Share of the tokens that an encoder is asked for (Devlin et al. 2019).
pub const MASK_SHARE: f64 = 0.15;

/// The preset of this name.
pub fn find(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let names = PRESETS.map(|preset| preset.name).join(", ");
        Usage(format!("--preset {name}: no such preset\nhint: presets are {names}")).into()
    })
}

impl Preset {
    /// The model. Decoders come in two families, GPT-2's unless another is asked for.
    ///
    /// # Errors
    /// When a family is asked of what has none.
    pub fn network(&self, family: Option<BenchFamily>) -> Result<Box<dyn Network>> {
        match self.layers {
            Layers::Decoder { n_heads } => {
                let family = family.unwrap_or(BenchFamily::Gpt2);
                Ok(Box::new(Decoder::new(self.decoder_config(n_heads, family))?))
            }
            Layers::Encoder { .. } | Layers::Recurrent { .. } if family.is_some() => {
                let problem = format!("--family is for decoders, and {} is none", self.name);
                Err(Usage(format!("{problem}\nhint: leave --family out")).into())
            }
            Layers::Encoder { n_heads } => {
                let &Preset { n_layers, hidden_size, vocab_size, sequence_length, .. } = self;
                Ok(Box::new(Encoder::new(EncoderConfig {
                    vocab_size,
                    hidden_size,
                    n_layers,
                    n_heads,
                    intermediate_size: 4 * hidden_size,
                    max_position_embeddings: sequence_length,
                    ..EncoderConfig::default()
                })?))
            }
            Layers::Recurrent { cell } => {
                let &Preset { n_layers, hidden_size, vocab_size, .. } = self;
                let embedding_size = hidden_size;
                Ok(Box::new(RecurrentModel::new(RecurrentConfig {
                    cell,
                    vocab_size,
                    embedding_size,
                    hidden_size,
                    n_layers,
                    ..RecurrentConfig::default()
                })?))
            }
        }
    }

    /// What the shape of the model is called.
    pub fn family(&self, family: Option<BenchFamily>) -> &'static str {
        match self.layers {
            Layers::Decoder { .. } => family.unwrap_or(BenchFamily::Gpt2).name(),
            Layers::Encoder { .. } => "bert",
            Layers::Recurrent { cell } => cell.name(),
        }
    }

    /// Operations that a token of a step needs. [`Network::flops_per_token`] counts attention over the whole square of a row,
    /// as is customary; over half a row it is what a causal model needs.
    pub fn flops_per_token(&self, network: &dyn Network) -> f64 {
        match self.layers {
            Layers::Encoder { .. } => network.flops_per_token(self.sequence_length, MASK_SHARE),
            Layers::Decoder { .. } | Layers::Recurrent { .. } => network.flops_per_token(self.sequence_length / 2, 1.0),
        }
    }

    /// The shape of a decoder in one of the two families.
    pub fn decoder_config(&self, n_heads: usize, family: BenchFamily) -> DecoderConfig {
        let &Preset { n_layers, hidden_size, vocab_size, sequence_length, .. } = self;
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
            let families = match preset.layers {
                Layers::Decoder { .. } => vec![None, Some(BenchFamily::Gpt2), Some(BenchFamily::Llama)],
                Layers::Encoder { .. } | Layers::Recurrent { .. } => vec![None],
            };
            for family in families {
                preset.network(family).unwrap();
            }
            assert!(help.contains(preset.name), "{} is not in:\n{help}", preset.name);
            assert_eq!(find(preset.name).unwrap(), &preset);
        }
    }

    /// The sizes that are in use elsewhere for a model of this name.
    #[test]
    fn parameters_are_as_many_as_elsewhere() {
        let count = |name| find(name).unwrap().network(None).unwrap().n_parameters();
        // 124 439 808 with 1024 positions; here are half of them.
        assert_eq!(count("gpt2"), 124_439_808 - 512 * 768);
        // Three tables and their norm; twelve blocks of four and two matrices, their biases and two norms; a dense layer, its
        // norm and a bias for every token.
        let (d, f) = (384, 1536);
        let block = 4 * (d * d + d) + 2 * d * f + f + d + 4 * d;
        assert_eq!(count("bert"), (8192 + 512 + 2) * d + 2 * d + 12 * block + d * d + 3 * d + 8192);
        // Two tables, and for each layer two matrices and two biases of four gates.
        assert_eq!(count("lstm"), 2 * 10_000 * 650 + 2 * 4 * 650 * (650 + 650 + 2));
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        let message = |name| find(name).unwrap_err().to_string();
        let error = find("lstm").unwrap().network(Some(BenchFamily::Llama)).err().unwrap().to_string();
        assert_eq!(error, "--family is for decoders, and lstm is none\nhint: leave --family out");
        let error = find("bert").unwrap().network(Some(BenchFamily::Gpt2)).err().unwrap().to_string();
        assert_eq!(error, "--family is for decoders, and bert is none\nhint: leave --family out");
        assert_eq!(message("huge"), "--preset huge: no such preset\nhint: presets are tiny, small, gpt2, bert, lstm");
    }
}
