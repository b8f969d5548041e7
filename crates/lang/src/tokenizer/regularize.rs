//! Cutting texts into tokens at random, so that a model that is trained sees more than one way: BPE dropout (Provilkov et al., 2020)
//! and sub-word regularisation (Kudo, 2018).
//!
//! What is drawn is a function of the seed and of the number of the text, never of what was drawn before.

use super::{Tokenizer, TokenizerError};
use crate::rng::Rng;

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Regularization {
    /// BPE: each time a join is chosen, every possible one is passed over with this probability.
    Dropout {
        /// From 0, which is plain encoding, to 1, which leaves single bytes or characters.
        probability: f64,
    },
    /// Unigram: a way to cut a piece is drawn by its probability to the power of `alpha`.
    Sampling {
        /// From 0, where all ways are equally likely; the larger, the nearer to plain encoding.
        alpha: f64,
        /// Draw from this many of the most probable ways; `None`: from all.
        n_best: Option<usize>,
    },
}

impl Regularization {
    fn check(&self) -> Result<(), TokenizerError> {
        let refuse = |problem: String| Err(TokenizerError::Regularization { problem });
        match *self {
            Regularization::Dropout { probability } if !(0.0..=1.0).contains(&probability) => {
                refuse(format!("dropout is a probability from 0 to 1, not {probability}"))
            }
            Regularization::Sampling { alpha, .. } if !(alpha >= 0.0 && alpha.is_finite()) => {
                refuse(format!("alpha is a number from 0, not {alpha}"))
            }
            Regularization::Sampling { n_best: Some(0), .. } => refuse("there must be one way to draw from".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Tokenizer {
    /// The tokens of `text`, the `index`-th text, cut at random. Special tokens spelt out in it are ordinary text unless
    /// `parse_special`.
    ///
    /// # Errors
    /// [`TokenizerError::Regularization`] when a setting makes no sense or the model cannot be cut so: dropout is for BPE, sampling for
    /// Unigram.
    pub fn encode_regularized(
        &self,
        text: &str,
        how: Regularization,
        parse_special: bool,
        seed: u64,
        index: u64,
    ) -> Result<Vec<u32>, TokenizerError> {
        how.check()?;
        let pipeline = &self.core.pipeline;
        if !pipeline.model.can_be_drawn(how) {
            let problem = match how {
                Regularization::Dropout { .. } => "dropout is for BPE, and this is another model",
                Regularization::Sampling { .. } => "sampling is for Unigram, and this is another model",
            };
            return Err(TokenizerError::Regularization { problem: problem.to_owned() });
        }
        let mut rng = Rng::for_item(seed, "tokens", index);
        let mut ids = Vec::with_capacity(text.len() / 2);
        pipeline.draw(text, parse_special, how, &mut rng, &mut ids);
        Ok(ids)
    }
}
