//! What can go wrong with a model's shape, its input or its files.

use std::path::PathBuf;

use tensor::TensorError;
use thiserror::Error;

/// Errors of the `nn` crate.
#[derive(Debug, Error)]
pub enum NnError {
    /// The numbers of a [`DecoderConfig`](crate::DecoderConfig) do not fit together.
    #[error("model shape: {problem}\nhint: {hint}")]
    Config {
        /// What is wrong, with the numbers.
        problem: String,
        /// Which key to change.
        hint: String,
    },
    /// The rows, positions or documents of a [`Batch`](crate::Batch) do not fit together or do not fit the model.
    #[error("batch: {0}")]
    Batch(String),
    /// A token id the embedding table has no row for.
    #[error("token id {id} at position {at} is outside the vocabulary of {vocabulary_size}")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Its index in the batch.
        at: usize,
        /// How many rows the table has.
        vocabulary_size: usize,
    },
    /// A position the model has not been built for.
    #[error(
        "position {position} is beyond the model's {limit} positions\nhint: shorten the text or raise \
         max_position_embeddings"
    )]
    TooLong {
        /// The first position that does not fit.
        position: usize,
        /// `max_position_embeddings`.
        limit: usize,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file is not JSON.
    #[error("{path}: not valid JSON: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Line and column.
        source: serde_json::Error,
    },
    /// The folder holds a model of a family this crate has no name map for.
    #[error("{path}: architecture {found} is not supported here\nhint: supported is {supported}")]
    UnknownArchitecture {
        /// The config file.
        path: PathBuf,
        /// `architectures` and `model_type` as found.
        found: String,
        /// The classes that are supported.
        supported: String,
    },
    /// A key of `config.json` is missing, has the wrong type or asks for something not built.
    #[error("{path}: {key}: {problem}")]
    ConfigKey {
        /// The config file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The weight file lacks tensors that the config calls for.
    #[error("{path}: {count} tensors are missing, the first is {name}")]
    MissingTensor {
        /// The weight file.
        path: PathBuf,
        /// The first missing name.
        name: String,
        /// How many are missing.
        count: usize,
    },
    /// The weight file holds tensors that the config does not call for.
    #[error("{path}: {count} tensors do not belong to this architecture, the first is {name}")]
    ExtraTensor {
        /// The weight file.
        path: PathBuf,
        /// The first unexpected name.
        name: String,
        /// How many are unexpected.
        count: usize,
    },
    /// A tensor has another shape than the config calls for.
    #[error("{path}: tensor {name} has shape {found:?}, the config asks for {expected:?}")]
    TensorShape {
        /// The weight file, or `parameters` for weights in memory.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape wanted.
        expected: Vec<usize>,
    },
    /// A tensor holds values no model can have.
    #[error("{path}: tensor {name}: {problem}")]
    TensorValue {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The engine refused an operation, or a weight file is damaged (the message names it).
    #[error(transparent)]
    Tensor(#[from] TensorError),
}
