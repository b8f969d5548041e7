//! Models learned by counting: here are documents as token ids; give me a language model without a single gradient.
//!
//! [`Unigram`] knows how often each token is, [`NGram`] what follows the last few tokens. Both implement
//! [`lang::model::LanguageModel`], so they are scored, sampled and evaluated as a neural model is.
//!
//! Nothing here knows a tensor or a gradient.

mod documents;
mod error;
mod ngram;
mod unigram;

pub use error::SlmError;
pub use ngram::{ARPA_FILE, Discounts, MAX_ORDER, NGram, NGramConfig};
pub use unigram::Unigram;
