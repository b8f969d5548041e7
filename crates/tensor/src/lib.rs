//! Arrays, CPU kernels, one autograd tape, optimiser kernels and weight files.
//!
//! The bottom of the house: this crate knows no words and no models. A [`Tape`] records about twenty coarse operations
//! over [`Parameters`]; [`Tape::backward`] adds their derivatives to [`Gradients`]; [`optim::Optimizer`] takes the step.
//! [`forward`] holds the same operations over plain slices, for token-by-token decoding.
//!
//! Two promises hold everywhere. *Determinism*: work is cut into blocks whose layout depends on shapes alone and
//! reductions run over those blocks in order, so results are the same bits for any number of threads. *Oracles*: every
//! fast kernel keeps its plain scalar version beside it, and [`set_isa`] chooses between them at run time.

pub mod allocations;
pub mod forward;
pub mod optim;
pub mod peak;
pub mod profile;
#[doc(hidden)]
pub mod testing;
pub mod weights;

mod arena;
mod backward;
mod buffer;
mod error;
mod isa;
mod keep;
mod kernels;
mod lists;
mod ops;
mod parameters;
mod tape;
mod tensor;
mod threads;
mod watch;

pub use buffer::{MemoryUsage, memory_usage, release_buffers, reset_memory_peak};
pub use error::TensorError;
pub use isa::{Isa, available_isas, isa, refused_isa, set_isa};
pub use ops::attention::{AttentionBias, AttentionRule, AttentionShape, Mask, alibi_slopes, t5_bucket};
pub use ops::experts::ExpertIds;
pub use ops::linear::LinearIds;
pub use ops::projection::{CrossEntropy, CrossEntropyLoss};
pub use ops::recurrent::{Cell, Recurrence, RecurrentShape, RecurrentWeights};
pub use ops::router::Routing;
pub use parameters::{Gradients, ParamId, Parameters};
pub use tape::{Tape, Var};
pub use tensor::{DType, Tensor};
pub use threads::{set_threads, threads};
pub use watch::{Part, Seen, Statistics};

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, TensorError>;
