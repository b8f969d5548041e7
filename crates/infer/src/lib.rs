//! Neural models behind the [`LanguageModel`](lang::model::LanguageModel) contract: a key-value cache for reading and
//! writing token by token, and whole windows at once for scoring.
//!
//! Nothing here knows how a model was trained.

mod mixture;
mod model;
mod session;

pub use model::NeuralModel;
pub use session::NeuralSession;
