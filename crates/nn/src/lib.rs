//! One configurable decoder over the tensor engine, with Hugging Face import and export.
//!
//! [`DecoderConfig`] says what the network looks like, [`Decoder`] lays its weights out and writes its forward pass on
//! a tape, [`Batch`] is what it reads, and [`Decoder::save`] / [`Decoder::load`] speak the folder format of
//! `transformers`. Two families are covered: LLaMA (Touvron et al. 2023) and GPT-2 (Radford et al. 2019).
//!
//! [`RecurrentModel`] is the generation before: layers of plain, LSTM or GRU cells.
//!
//! [`Network`] is what training code needs to know of a model, whatever it looks like inside.
//!
//! Nothing here knows a loss, an optimiser or a data set.

mod batch;
mod config;
mod copying;
mod cost;
mod decoder;
mod dropout;
mod error;
mod huggingface;
mod layout;
mod network;
mod recurrent;
mod registry;

pub use batch::Batch;
pub use config::{DecoderConfig, Family, MlpKind, NormKind, PositionKind};
pub use cost::{MemoryEstimate, StepShape, TokenValues};
pub use decoder::Decoder;
pub use error::NnError;
pub use layout::{LayerIds, MlpIds, NormIds};
pub use network::Network;
pub use recurrent::{RecurrentConfig, RecurrentModel};
pub use registry::Registry;
pub use tensor::LinearIds;
