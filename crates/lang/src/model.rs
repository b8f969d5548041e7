//! The contract every generation of language model implements, and the text interface written once on top of it.

use thiserror::Error;

/// What can go wrong when a model is asked something.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A token id the vocabulary does not have.
    #[error("token id {id} is outside the vocabulary of {vocabulary_size}")]
    UnknownToken {
        /// The id asked about.
        id: u32,
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// More tokens than the model can attend to.
    #[error("{tokens} tokens do not fit the context of {limit}")]
    ContextFull {
        /// How many were given.
        tokens: usize,
        /// How many fit.
        limit: usize,
    },
    /// Anything a particular model has to say.
    #[error("{0}")]
    Other(String),
}

/// A distribution over the next token given the tokens so far: n-gram, recurrent or Transformer alike.
pub trait LanguageModel: Send + Sync {
    /// How many token ids there are.
    fn vocabulary_size(&self) -> usize;

    /// Longest context the model can use at once, where it has a limit.
    fn context_length(&self) -> Option<usize>;

    /// A fresh reading position with nothing read. Callers feed the beginning-of-text token first.
    fn session(&self) -> Box<dyn Session + '_>;

    /// Natural-log probability of each of `ids[1..]` given all before it in `ids`; `ids.len() - 1` numbers.
    ///
    /// Models with a limited context slide a window with half of it kept, so that every token has at least that much
    /// context. The default asks a session token by token.
    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut session = self.session();
        let mut out = Vec::with_capacity(ids.len().saturating_sub(1));
        for pair in ids.windows(2) {
            session.feed(&pair[..1])?;
            let next = session.next_log_probs()?;
            let log_prob = next
                .get(pair[1] as usize)
                .ok_or(ModelError::UnknownToken { id: pair[1], vocabulary_size: next.len() })?;
            out.push(*log_prob);
        }
        Ok(out)
    }
}

/// A reading position inside a text: the state of a counting or recurrent model, the key-value cache of a Transformer.
pub trait Session: Send {
    /// Read more tokens.
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError>;

    /// Natural-log probabilities of every next token, `vocabulary_size` numbers whose exponentials sum to 1.
    fn next_log_probs(&mut self) -> Result<&[f32], ModelError>;

    /// How many tokens have been read.
    fn tokens_read(&self) -> usize;
}
