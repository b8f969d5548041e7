//! Neural models behind the [`LanguageModel`] contract. Decoders have a key-value cache for reading and
//! writing token by token, and are given whole windows at once for scoring; recurrent models carry a state; encoders score by
//! masking. [`open`] finds out which a folder holds.
//!
//! Nothing here knows how a model was trained.

mod masked;
mod mixture;
mod model;
mod recurrent;
mod session;

pub use masked::MaskedLanguageModel;
pub use model::NeuralModel;
pub use recurrent::RecurrentLanguageModel;
pub use session::NeuralSession;

use std::path::Path;

use lang::model::LanguageModel;
use lang::tokenizer::Tokenizer;
use nn::{Model, NnError};

/// The model in a folder, of whatever kind reads one text. The tokenizer is the model's own; encoders need to know from it
/// which token hides one.
///
/// # Errors
/// What the folder lacks, or that its model reads one text and writes another.
pub fn open(dir: &Path, tokenizer: &Tokenizer) -> Result<Box<dyn LanguageModel>, NnError> {
    let (model, parameters) = Model::load(dir)?;
    Ok(match model {
        Model::Decoder(network) => Box::new(NeuralModel::new(network, parameters)?),
        Model::Recurrent(network) => Box::new(RecurrentLanguageModel::new(network, parameters)?),
        Model::Encoder(network) => Box::new(MaskedLanguageModel::new(network, parameters, tokenizer)?),
        Model::EncoderDecoder(_) => {
            return Err(NnError::UnknownArchitecture {
                path: dir.join("config.json"),
                found: "T5ForConditionalGeneration, which reads one text and writes another,".to_owned(),
                supported: "a decoder, a recurrent model or an encoder".to_owned(),
            });
        }
    })
}
