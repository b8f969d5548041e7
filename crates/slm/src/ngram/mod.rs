//! The n-gram model: interpolated modified Kneser–Ney smoothing (Chen & Goodman, "An empirical study of smoothing
//! techniques for language modeling", TR-10-98, 1998, §4.1.6), estimated as KenLM's `lmplz` does (Heafield et al., ACL
//! 2013).
//!
//! With a(·) the adjusted counts, D the discounts of the order, h the context and h' the context less its first token,
//!
//! ```text
//! p(w | h) = (a(hw) − D(a(hw))) / Σ_x a(hx)  +  γ(h) · p(w | h')
//! γ(h)     = (D₁N₁(h·) + D₂N₂(h·) + D₃₊N₃₊(h·)) / Σ_x a(hx)
//! ```
//!
//! ending in the uniform distribution over the vocabulary, so that every id has a probability above 0. a(·) is the raw
//! count for the highest order and for n-grams that begin with the beginning token; for all others it is the number of
//! different tokens seen before the n-gram.
//!
//! The n-grams stand in a trie of sorted arrays, one level an order: the entries of level k are ordered by their k
//! tokens, and every entry knows where its continuations begin in the next level.

mod arpa;
mod count;
mod estimate;
mod query;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::documents::check_boundaries;
use crate::error::SlmError;

pub use arpa::ARPA_FILE;

/// Highest order supported.
pub const MAX_ORDER: usize = 6;
/// Bits a token takes in a packed n-gram: six of them fit 128 bits.
const TOKEN_BITS: u32 = 21;
/// Largest vocabulary supported: about two million ids.
pub(crate) const MAX_VOCABULARY: usize = 1 << TOKEN_BITS;

/// How an n-gram model is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NGramConfig {
    /// Longest n-gram, 1 to [`MAX_ORDER`]: each token is predicted from the `order − 1` before it.
    pub order: usize,
    /// How many token ids there are.
    pub vocabulary_size: usize,
    /// The token that stands before every document. It is context only, never predicted, unless it equals `end`.
    pub beginning: u32,
    /// The token that is predicted at the end of every document.
    pub end: u32,
}

impl NGramConfig {
    fn validate(&self) -> Result<(), SlmError> {
        if !(1..=MAX_ORDER).contains(&self.order) {
            return Err(SlmError::Order { order: self.order });
        }
        if !(1..=MAX_VOCABULARY).contains(&self.vocabulary_size) {
            return Err(SlmError::VocabularySize { vocabulary_size: self.vocabulary_size });
        }
        check_boundaries(self.beginning, self.end, self.vocabulary_size)
    }
}

/// The discounts of one order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discounts {
    /// D₁, D₂ and D₃₊: what is taken from n-grams with an adjusted count of 1, 2, and 3 or more.
    pub amounts: [f64; 3],
    /// True when the counts of counts did not allow an estimate (too little text, or text too regular) and the fixed
    /// discounts 0.5, 1 and 1.5 were taken, as with `lmplz --discount_fallback`.
    pub fallback: bool,
}

/// An n-gram language model over token ids. Probabilities are kept in `f64`, as natural logarithms.
#[derive(Clone, Debug)]
pub struct NGram {
    vocabulary_size: usize,
    /// `levels[k - 1]` holds the k-grams.
    levels: Vec<Level>,
    discounts: Vec<Discounts>,
}

/// All n-grams of one order, sorted by their tokens.
#[derive(Clone, Debug, Default)]
struct Level {
    /// Last token of each n-gram. The first level is dense: entry i is token i.
    words: Vec<u32>,
    /// ln p(last token | the others).
    log_probs: Vec<f64>,
    /// ln γ of the n-gram as a context; 0 where nothing follows. Empty on the highest level.
    log_backoffs: Vec<f64>,
    /// Where the continuations of each entry begin in the next level, and at the end where the last ones end. Empty on
    /// the highest level.
    children: Vec<u32>,
}

impl NGram {
    /// Train on documents of token ids. They may be bare or have the beginning and end tokens around them already.
    ///
    /// Memory: 16 bytes a different n-gram and order while counting, about 24 a different n-gram afterwards. The result
    /// does not depend on the number of threads.
    ///
    /// # Errors
    /// When the configuration makes no sense, an id is outside the vocabulary, or there is no token at all.
    pub fn train<D: AsRef<[u32]>>(
        documents: impl IntoIterator<Item = D>,
        config: &NGramConfig,
    ) -> Result<NGram, SlmError> {
        config.validate()?;
        let mut counter = count::Counter::new(config);
        for (index, document) in documents.into_iter().enumerate() {
            counter.add(index, document.as_ref())?;
        }
        estimate::estimate(counter.finish()?, config)
    }

    /// A model of order 1 with these natural-log probabilities.
    pub(crate) fn of_unigrams(log_probs: Vec<f64>) -> NGram {
        let words: Vec<u32> = (0..log_probs.len() as u32).collect();
        let level = Level { words, log_probs, ..Level::default() };
        NGram { vocabulary_size: level.words.len(), levels: vec![level], discounts: Vec::new() }
    }

    /// The natural-log probabilities of a model of order 1; `None` for a higher order.
    pub(crate) fn into_unigrams(mut self) -> Option<Vec<f64>> {
        if self.levels.len() == 1 { self.levels.pop().map(|level| level.log_probs) } else { None }
    }

    /// The longest n-gram.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// How many different n-grams there are of each order, from 1 up. The first is the size of the vocabulary.
    pub fn n_grams(&self) -> Vec<usize> {
        self.levels.iter().map(|level| level.words.len()).collect()
    }

    /// The discounts of each order, from 1 up; empty for a model read from a file, which does not record them.
    pub fn discounts(&self) -> &[Discounts] {
        &self.discounts
    }
}

/// The lowest `tokens` tokens of a packed n-gram.
fn low_tokens(tokens: usize) -> u128 {
    (1u128 << (TOKEN_BITS * tokens as u32)) - 1
}

/// Where the continuations of every context begin in `keys` (packed (k+1)-grams, sorted), given the packed k-grams
/// `contexts`, sorted too. `Err` is the index of the first key whose context is not there.
fn link(contexts: impl ExactSizeIterator<Item = u128>, keys: &[u128]) -> Result<Vec<u32>, usize> {
    let mut children = Vec::with_capacity(contexts.len() + 1);
    let mut next = 0;
    children.push(0);
    for context in contexts {
        while next < keys.len() && keys[next] >> TOKEN_BITS == context {
            next += 1;
        }
        // Fewer than 2^32 keys: both callers have checked.
        children.push(next as u32);
        if next < keys.len() && keys[next] >> TOKEN_BITS < context {
            return Err(next);
        }
    }
    if next < keys.len() { Err(next) } else { Ok(children) }
}
