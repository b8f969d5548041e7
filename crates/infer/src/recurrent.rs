//! Recurrent models behind the contract: what was read is a state, so a text of any length is read in pieces, and writing a
//! token costs the same wherever it stands.

use lang::model::{LanguageModel, ModelError, Session};
use nn::{Batch, Network as _, NnError, RecurrentModel};
use tensor::{DType, Parameters, Tape, Tensor, forward};

use crate::model::{check_ids, from_nn, from_tensor};

/// Tokens read in one pass at most: enough to keep products busy, little enough to keep the tape small.
const PASS: usize = 256;

/// A recurrent model with its weights, ready to read text.
pub struct RecurrentLanguageModel {
    network: RecurrentModel,
    parameters: Parameters,
}

impl RecurrentLanguageModel {
    /// The model of a network and weights that belong to it. Products are in f32 whatever the weights were trained in.
    ///
    /// # Errors
    /// When the weights are of another network.
    pub fn new(network: RecurrentModel, mut parameters: Parameters) -> Result<RecurrentLanguageModel, NnError> {
        network.check_parameters(&parameters)?;
        parameters.set_compute_dtype(DType::F32);
        Ok(RecurrentLanguageModel { network, parameters })
    }

    /// Reads a piece of a text from `states` on, which are then those after it; gives `found` the tape with the hidden
    /// state of every token of the piece.
    fn read<T>(
        &self,
        ids: &[u32],
        states: &mut Vec<Tensor>,
        found: impl FnOnce(&mut Tape, tensor::Var) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let mut tape = Tape::forward_only(&self.parameters);
        let batch = Batch::causal(&[ids]).map_err(from_nn)?;
        let (hidden, last) = self.network.hidden_from(&mut tape, &batch, states, None).map_err(from_nn)?;
        let result = found(&mut tape, hidden)?;
        *states = last.into_iter().map(|state| tape.value(state).clone()).collect();
        Ok(result)
    }
}

impl LanguageModel for RecurrentLanguageModel {
    fn vocabulary_size(&self) -> usize {
        self.network.config().vocab_size
    }

    fn context_length(&self) -> Option<usize> {
        None
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(RecurrentSession {
            model: self,
            states: Vec::new(),
            last: Vec::new(),
            read: 0,
            log_probs: vec![0.0; self.vocabulary_size()],
            is_current: false,
        })
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        check_ids(ids, self.vocabulary_size())?;
        let Some(n_targets) = ids.len().checked_sub(1) else { return Ok(Vec::new()) };
        let mut out = Vec::with_capacity(n_targets);
        let mut states = Vec::new();
        while out.len() < n_targets {
            let start = out.len();
            let end = (start + PASS).min(n_targets);
            let targets: Vec<Option<u32>> = ids[start + 1..=end].iter().copied().map(Some).collect();
            out.extend(self.read(&ids[start..end], &mut states, |tape, hidden| {
                let found = tape.linear_log_probs(hidden, self.network.head(), &targets).map_err(from_tensor)?;
                Ok(tape.value(found).to_f32_vec())
            })?);
        }
        Ok(out)
    }
}

/// A reading position: the state after everything read.
struct RecurrentSession<'m> {
    model: &'m RecurrentLanguageModel,
    /// One a layer; none before the first token.
    states: Vec<Tensor>,
    /// Hidden state of the last token read, (hidden_size).
    last: Vec<f32>,
    read: usize,
    /// (vocabulary_size), for the last token read when `is_current`.
    log_probs: Vec<f32>,
    is_current: bool,
}

impl Session for RecurrentSession<'_> {
    fn feed(&mut self, ids: &[u32]) -> Result<(), ModelError> {
        check_ids(ids, self.model.vocabulary_size())?;
        for ids in ids.chunks(PASS) {
            self.is_current = false;
            let width = self.model.network.config().hidden_size;
            self.last = self.model.read(ids, &mut self.states, |tape, hidden| {
                let values = tape.value(hidden).as_f32().map_err(from_tensor)?;
                Ok(values[values.len() - width..].to_vec())
            })?;
            self.read += ids.len();
        }
        Ok(())
    }

    fn next_log_probs(&mut self) -> Result<&[f32], ModelError> {
        if !self.is_current {
            if self.last.is_empty() {
                return Err(ModelError::Other("nothing has been read: feed the beginning-of-text token first".into()));
            }
            let head = self.model.parameters.get(self.model.network.head().weight);
            forward::linear(&self.last, 1, head, None, &mut self.log_probs).map_err(from_tensor)?;
            forward::log_softmax(&mut self.log_probs);
            self.is_current = true;
        }
        Ok(&self.log_probs)
    }

    fn tokens_read(&self) -> usize {
        self.read
    }
}
