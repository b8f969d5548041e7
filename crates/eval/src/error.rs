//! What can go wrong in an evaluation.

use std::path::PathBuf;

use lang::chat::ChatError;
use lang::text::TextError;
use thiserror::Error;

/// What can go wrong in an evaluation.
#[derive(Debug, Error)]
pub enum EvalError {
    /// Nothing to measure.
    #[error("the evaluation set of {what} is empty\nhint: check the path of the held-out set in the recipe")]
    Empty {
        /// What the set holds.
        what: &'static str,
    },
    /// The chat template does not take the turns of an item.
    #[error("evaluation item {id}: {source}")]
    Chat {
        /// Name of the item.
        id: String,
        /// What the template says.
        source: ChatError,
    },
    /// The model failed on an item.
    #[error("evaluation item {id}: {source}")]
    Text {
        /// Name of the item.
        id: String,
        /// What the model says.
        source: TextError,
    },
    /// A result cannot be written as JSON.
    #[error("cannot write the results as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A result file cannot be written.
    #[error(
        "cannot write {}: {source}\nhint: check the space and the rights there, or give another folder with --out",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
