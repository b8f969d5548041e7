//! What can go wrong when counting models are trained, written or read.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ngram::{MAX_ORDER, MAX_VOCABULARY};

/// A failure of a counting model.
#[derive(Debug, Error)]
pub enum SlmError {
    /// An order that is not supported.
    #[error("an n-gram order of {order} is not between 1 and {MAX_ORDER}\nhint: change the key `order`")]
    Order {
        /// The order asked for.
        order: usize,
    },
    /// A vocabulary that is empty or does not fit the packed n-grams.
    #[error(
        "a vocabulary of {vocabulary_size} ids is not between 1 and {MAX_VOCABULARY}\nhint: use a tokenizer with a \
         smaller vocabulary"
    )]
    VocabularySize {
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// A token id the vocabulary does not have.
    #[error("document {document}: token id {id} at position {position} is outside the vocabulary of {vocabulary_size}")]
    UnknownToken {
        /// Index of the document.
        document: usize,
        /// Index of the token in it.
        position: usize,
        /// The id.
        id: u32,
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// The beginning or end token is not in the vocabulary.
    #[error("the {name} token {id} is outside the vocabulary of {vocabulary_size}")]
    Boundary {
        /// `beginning` or `end`.
        name: &'static str,
        /// Its id.
        id: u32,
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// No tokens to count.
    #[error("there is not one token to learn from\nhint: check the corpus the model is trained on")]
    Empty,
    /// More different n-grams than can be indexed.
    #[error("more than 2^32 different n-grams of order {order}\nhint: lower the key `order` or use less text")]
    TooMany {
        /// Their order.
        order: usize,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk or the quota is full.
    #[error(
        "no space left on the device while writing {}\nhint: free some space or choose another disk with --out DIR",
        path.display()
    )]
    NoSpace {
        /// The file being written.
        path: PathBuf,
    },
    /// A longer model where a unigram model is wanted.
    #[error("{} holds n-grams up to order {order}, expected single tokens only", path.display())]
    NotUnigram {
        /// The file.
        path: PathBuf,
        /// Its order.
        order: usize,
    },
    /// An ARPA file that does not say what it should.
    #[error("{}, line {line}: {message}", path.display())]
    Arpa {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
}

impl SlmError {
    /// Wraps what the operating system said; a full disk becomes [`SlmError::NoSpace`].
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SlmError::NoSpace { path: path.to_owned() },
            _ => SlmError::Io { action, path: path.to_owned(), source },
        }
    }
}
