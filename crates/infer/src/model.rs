//! A decoder and its weights as a language model.

use std::path::Path;

use lang::model::{LanguageModel, ModelError, Session};
use nn::{Batch, Decoder, Network as _, NnError};
use tensor::{DType, Parameters, Tape, TensorError};

use crate::NeuralSession;

/// A decoder with its weights, ready to read text. Any number of sessions can run on it from any threads.
pub struct NeuralModel {
    decoder: Decoder,
    parameters: Parameters,
}

impl NeuralModel {
    /// The model of a decoder and weights that belong to it. Products are in f32 whatever the weights were trained in,
    /// so that reading with the cache and scoring whole windows say the same.
    pub fn new(decoder: Decoder, mut parameters: Parameters) -> Result<NeuralModel, NnError> {
        decoder.check_parameters(&parameters)?;
        parameters.set_compute_dtype(DType::F32);
        Ok(NeuralModel { decoder, parameters })
    }

    /// The model in a Hugging Face folder (see [`Decoder::load`]).
    pub fn load(dir: &Path) -> Result<NeuralModel, NnError> {
        let (decoder, parameters) = Decoder::load(dir)?;
        Ok(NeuralModel { decoder, parameters })
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Its weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The decoder and the weights back, to train them further.
    pub fn into_parts(self) -> (Decoder, Parameters) {
        (self.decoder, self.parameters)
    }

    /// A reading position with nothing read; the same as [`LanguageModel::session`] with its type known, so that it
    /// can be cloned to try several continuations of one beginning.
    pub fn neural_session(&self) -> NeuralSession<'_> {
        NeuralSession::new(self)
    }

    pub(crate) fn check_ids(&self, ids: &[u32]) -> Result<(), ModelError> {
        check_ids(ids, self.vocabulary_size())
    }

    /// Log-probabilities of the tokens after the inputs `ids[from..]`, with all of `ids` but the last as context.
    fn window(&self, ids: &[u32], from: usize) -> Result<Vec<f32>, ModelError> {
        let inputs = &ids[..ids.len() - 1];
        let mut tape = Tape::forward_only(&self.parameters);
        let batch = Batch::causal(&[inputs]).map_err(from_nn)?;
        let hidden = self.decoder.hidden(&mut tape, &batch, None).map_err(from_nn)?;
        // The head is a large part of a small model's work: it is spared for tokens scored before.
        let targets: Vec<Option<u32>> = (0..inputs.len()).map(|at| (at >= from).then_some(ids[at + 1])).collect();
        let log_probs = tape.linear_log_probs(hidden, self.decoder.head().weight, &targets).map_err(from_tensor)?;
        Ok(tape.value(log_probs).to_f32_vec().split_off(from))
    }
}

impl LanguageModel for NeuralModel {
    fn vocabulary_size(&self) -> usize {
        self.decoder.config().vocab_size
    }

    fn context_length(&self) -> Option<usize> {
        Some(self.decoder.config().max_position_embeddings)
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(NeuralSession::new(self))
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.check_ids(ids)?;
        let context = self.decoder.config().max_position_embeddings;
        let n_targets = ids.len().saturating_sub(1);
        let mut out = Vec::with_capacity(n_targets);
        while out.len() < n_targets {
            // Tokens before `start` are forgotten; half a context before the next target is kept.
            let start = if out.is_empty() { 0 } else { out.len() - context / 2 };
            let end = (start + context).min(n_targets);
            out.extend(self.window(&ids[start..=end], out.len() - start)?);
        }
        Ok(out)
    }
}

pub(crate) fn check_ids(ids: &[u32], vocabulary_size: usize) -> Result<(), ModelError> {
    match ids.iter().find(|&&id| id as usize >= vocabulary_size) {
        Some(&id) => Err(ModelError::UnknownToken { id, vocabulary_size }),
        None => Ok(()),
    }
}

pub(crate) fn from_nn(error: NnError) -> ModelError {
    ModelError::Other(error.to_string())
}

pub(crate) fn from_tensor(error: TensorError) -> ModelError {
    ModelError::Other(error.to_string())
}
