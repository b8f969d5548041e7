//! One configurable Transformer over the tensor engine, with Hugging Face import and export.
//!
//! One block (`blocks.rs`) makes three shapes: [`Decoder`] reads from left to right (LLaMA, Touvron et al. 2023; GPT-2,
//! Radford et al. 2019), [`Encoder`] fills masked tokens (BERT, Devlin et al. 2019), [`EncoderDecoder`] writes one text while
//! it reads another (T5, Raffel et al. 2020). A config says what a network looks like, [`Batch`] is what it reads, and `save`
//! and `load` speak the folder format of `transformers`.
//!
//! [`RecurrentModel`] is the generation before: layers of plain, LSTM or GRU cells.
//!
//! [`Network`] is what training code needs to know of a model, whatever it looks like inside.
//!
//! Nothing here knows a loss, an optimiser or a data set.

mod batch;
mod blocks;
mod config;
mod copying;
mod cost;
mod decoder;
mod dropout;
mod encoder;
mod encoder_decoder;
mod error;
mod huggingface;
mod layout;
mod network;
mod recurrent;
mod registry;

pub use batch::{Batch, Source};
pub use config::{DecoderConfig, ExpertsConfig, Family, MlpKind, NormKind, PositionKind};
pub use cost::{MemoryEstimate, StepShape, TokenValues};
pub use decoder::Decoder;
pub use encoder::{Encoder, EncoderConfig};
pub use encoder_decoder::{EncoderDecoder, EncoderDecoderConfig};
pub use error::NnError;
pub use huggingface::Model;
pub use layout::{AttentionIds, CrossIds, LayerIds, MlpIds, NormIds};
pub use network::{Network, Pass, SideLoss};
pub use recurrent::{RecurrentConfig, RecurrentModel};
pub use registry::Registry;
pub use tensor::LinearIds;
