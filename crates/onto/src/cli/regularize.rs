//! What can be typed to have texts cut into tokens at random.

use clap::Args;
use lang::tokenizer::Regularization;

/// Cutting at random.
#[derive(Clone, Debug, Args)]
pub struct RegularizationArguments {
    /// Encoding with BPE: pass over every merge with this probability, each time one is chosen (BPE dropout); --seed.
    #[arg(long, value_name = "P", allow_negative_numbers = true, conflicts_with = "sample")]
    pub dropout: Option<f64>,
    /// Encoding with Unigram: draw a way to cut by its probability to the power of this (sub-word regularisation); --seed.
    #[arg(long, value_name = "ALPHA", allow_negative_numbers = true)]
    pub sample: Option<f64>,
    /// With --sample: draw from this many of the best ways [default: from all].
    #[arg(long, value_name = "N", allow_negative_numbers = true, requires = "sample")]
    pub n_best: Option<usize>,
}

impl RegularizationArguments {
    /// What was asked for.
    pub fn how(&self) -> Option<Regularization> {
        let dropout = self.dropout.map(|probability| Regularization::Dropout { probability });
        dropout.or(self.sample.map(|alpha| Regularization::Sampling { alpha, n_best: self.n_best }))
    }
}
