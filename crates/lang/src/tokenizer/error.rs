//! What can go wrong with tokenizers.

use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong when a tokenizer is trained, read, written or used.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not JSON, is cut off, or a field has another type than it should.
    #[error("{path}:{line}:{column}: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A file contradicts itself or lacks something.
    #[error("{path}: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place in the file.
        problem: String,
    },
    /// A file names a component this program does not know, or a setting that it cannot follow.
    #[error("{path}: {place}: {name} is not supported\nhint: known are {known}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Where in the file: `model`, `normalizer.normalizers[1]`, …
        place: String,
        /// What the file asks for.
        name: String,
        /// What could stand there.
        known: String,
    },
    /// A tokenizer does things that a format has no words for.
    #[error("{format} cannot hold this tokenizer: {problem}")]
    CannotHold {
        /// The format.
        format: &'static str,
        /// What would be lost.
        problem: String,
    },
    /// Bytes that are no text were given to a vocabulary without tokens for bytes.
    #[error("byte {offset} of the input is not UTF-8, and this vocabulary has no token for single bytes")]
    NotText {
        /// Where the first such byte stands, from 0.
        offset: usize,
    },
    /// Tokens cannot be drawn at random so.
    #[error("{problem}")]
    Regularization {
        /// What is wrong.
        problem: String,
    },
    /// A training setting that cannot work.
    #[error("{key}: {problem}\nhint: change `{key}`")]
    Config {
        /// The setting, a field of [`TrainConfig`](super::TrainConfig).
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The characters of a corpus do not fit the vocabulary that is wanted.
    #[error("vocab_size: {problem}\nhint: raise `vocab_size`, or lower `character_coverage` or `limit_alphabet`")]
    Alphabet {
        /// How many there are and how many are wanted.
        problem: String,
    },
    /// There was no text to train on.
    #[error("the corpus has no text to train a tokenizer on\nhint: check that the input documents are not empty")]
    EmptyCorpus,
}
