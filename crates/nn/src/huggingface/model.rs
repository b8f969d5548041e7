//! A model of any kind that stands in a folder: found out by looking, and used through [`Network`].

use std::path::Path;

use tensor::Parameters;

use super::folder::{CONFIG, read_json};
use super::keys::Keys;
use crate::{Decoder, Encoder, EncoderDecoder, Network, NnError, RecurrentModel};

/// A network of one of the kinds that have folders.
#[derive(Clone, Debug)]
pub enum Model {
    /// Reads from left to right and says what follows.
    Decoder(Decoder),
    /// Sees all of a row and says what stood where tokens are masked.
    Encoder(Encoder),
    /// Reads one text and writes another.
    EncoderDecoder(EncoderDecoder),
    /// Reads from left to right, with a state in place of the text read.
    Recurrent(RecurrentModel),
}

/// Every class of `transformers` that is read, with its model type; the last one is ours.
const CLASSES: [(&str, &str); 7] = [
    ("LlamaForCausalLM", "llama"),
    ("MixtralForCausalLM", "mixtral"),
    ("GPT2LMHeadModel", "gpt2"),
    ("BertForMaskedLM", "bert"),
    ("BertForPreTraining", "bert"),
    ("T5ForConditionalGeneration", "t5"),
    ("RecurrentForCausalLM", "onto_recurrent"),
];

impl Model {
    /// Read a model from a folder with `config.json` and `model.safetensors`; the class that the config names says which
    /// kind it is.
    ///
    /// # Errors
    /// What the folder lacks, or what in it is not supported, by file and key or tensor.
    pub fn load(dir: &Path) -> Result<(Model, Parameters), NnError> {
        let path = dir.join(CONFIG);
        let value = read_json(&path)?;
        let keys = Keys { path: &path, value: &value };
        Ok(match keys.architecture(&CLASSES)? {
            "bert" => {
                let (network, parameters) = Encoder::load(dir)?;
                (Model::Encoder(network), parameters)
            }
            "t5" => {
                let (network, parameters) = EncoderDecoder::load(dir)?;
                (Model::EncoderDecoder(network), parameters)
            }
            "onto_recurrent" => {
                let (network, parameters) = RecurrentModel::load(dir)?;
                (Model::Recurrent(network), parameters)
            }
            _ => {
                let (network, parameters) = Decoder::load(dir)?;
                (Model::Decoder(network), parameters)
            }
        })
    }

    /// Write the model into the folder `dir`, as the loader of its kind reads it. `eos_token_ids` are the tokens that end
    /// an answer, for kinds whose folders say so (the config's own when the list is empty).
    ///
    /// # Errors
    /// When the parameters are not this network's, or the folder cannot be written.
    pub fn save(&self, parameters: &Parameters, dir: &Path, eos_token_ids: &[u32]) -> Result<(), NnError> {
        match self {
            Model::Decoder(network) => network.save(parameters, dir, eos_token_ids),
            Model::Encoder(network) => network.save(parameters, dir),
            Model::EncoderDecoder(network) => network.save(parameters, dir),
            Model::Recurrent(network) => network.save(parameters, dir, eos_token_ids),
        }
    }

    /// The network, whatever kind it is.
    pub fn network(&self) -> &dyn Network {
        match self {
            Model::Decoder(network) => network,
            Model::Encoder(network) => network,
            Model::EncoderDecoder(network) => network,
            Model::Recurrent(network) => network,
        }
    }

    /// How many token ids there are.
    pub fn vocabulary_size(&self) -> usize {
        match self {
            Model::Decoder(network) => network.config().vocab_size,
            Model::Encoder(network) => network.config().vocab_size,
            Model::EncoderDecoder(network) => network.config().vocab_size,
            Model::Recurrent(network) => network.config().vocab_size,
        }
    }

    /// The longest row in tokens, where there is a limit.
    pub fn context_length(&self) -> Option<usize> {
        match self {
            Model::Decoder(network) => Some(network.config().max_position_embeddings),
            Model::Encoder(network) => Some(network.config().max_position_embeddings),
            Model::EncoderDecoder(_) | Model::Recurrent(_) => None,
        }
    }
}
