//! Language models whose context is a state: layers of plain, LSTM or GRU cells between a token table and a head
//! (Mikolov et al. 2010; Sundermeyer et al. 2012; Zaremba et al. 2014).
//!
//! Parameters are called as a PyTorch module calls them that has an `nn.Embedding` named `embedding`, an `nn.LSTM` (or
//! `nn.RNN`, `nn.GRU`) named `rnn` and an `nn.Linear` without bias named `head`, so its state dict is ours.

mod config;
mod folder;

pub use config::RecurrentConfig;

use serde_json::{Value, json};
use tensor::{Cell, Mask, ParamId, RecurrentShape, RecurrentWeights, Tape, Tensor, Var};

use crate::dropout::Dropout;
use crate::registry::Role;
use crate::{Batch, LinearIds, Network, NnError, Pass, Registry, TokenValues};

/// A recurrent language model: its shape and where its weights live. The weights themselves are a
/// [`Parameters`](tensor::Parameters) made by [`Network::init`] or [`RecurrentModel::load`].
#[derive(Clone, Debug)]
pub struct RecurrentModel {
    config: RecurrentConfig,
    registry: Registry,
    embedding: ParamId,
    layers: Vec<RecurrentWeights>,
    head: ParamId,
}

impl RecurrentModel {
    /// A model of this shape, or why the shape cannot be.
    pub fn new(config: RecurrentConfig) -> Result<RecurrentModel, NnError> {
        config.check()?;
        let mut registry = Registry::default();
        // PyTorch begins a recurrent layer so; here the tables begin alike, because its N(0, 1) for embeddings makes
        // logits of the size of √hidden_size where the head is tied.
        let bound = 1.0 / (config.hidden_size as f64).sqrt();
        let (hidden, outer) = (config.hidden_size, config.cell.gates() * config.hidden_size);
        let table = [config.vocab_size, config.embedding_size];
        let embedding = registry.uniform("embedding.weight", &table, bound, Role::Table);
        let layers = (0..config.n_layers)
            .map(|layer| {
                let inputs = if layer == 0 { config.embedding_size } else { hidden };
                let mut inner = |name: &str, shape: &[usize]| {
                    registry.uniform(&format!("rnn.{name}_l{layer}"), shape, bound, Role::Inner)
                };
                RecurrentWeights {
                    input: inner("weight_ih", &[outer, inputs]),
                    hidden: inner("weight_hh", &[outer, hidden]),
                    input_bias: Some(inner("bias_ih", &[outer])),
                    hidden_bias: Some(inner("bias_hh", &[outer])),
                }
            })
            .collect();
        let head = match config.tie_word_embeddings {
            true => embedding,
            false => registry.uniform("head.weight", &[config.vocab_size, hidden], bound, Role::Table),
        };
        Ok(RecurrentModel { config, registry, embedding, layers, head })
    }

    /// The shape.
    pub fn config(&self) -> &RecurrentConfig {
        &self.config
    }

    /// The token table (vocab_size, embedding_size).
    pub fn embedding(&self) -> ParamId {
        self.embedding
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[RecurrentWeights] {
        &self.layers
    }

    /// As [`Network::hidden`], going on from `states` (one a layer, as this gives them; zeros where there are none): the
    /// hidden states and the state of every layer after the last token. Handing those to the next batch as values is
    /// truncated backpropagation through time (Williams & Peng 1990), where no slope goes back across batches.
    ///
    /// # Errors
    /// When batch or states do not fit the model.
    pub fn hidden_from(
        &self,
        tape: &mut Tape,
        batch: &Batch,
        states: &[Tensor],
        dropout: Option<(f32, u64)>,
    ) -> Result<(Var, Vec<Var>), NnError> {
        let document_of = self.check_batch(batch)?;
        if !states.is_empty() && states.len() != self.layers.len() {
            return Err(NnError::Batch(format!("{} states for {} layers", states.len(), self.layers.len())));
        }
        // Only what goes from layer to layer is dropped, never what goes from step to step (Zaremba et al. 2014).
        let mut dropout = Dropout::new(dropout);
        let x = tape.embedding(self.embedding, &batch.ids)?;
        let mut x = dropout.apply(tape, x)?;
        let mut last = Vec::with_capacity(self.layers.len());
        for (layer, weights) in self.layers.iter().enumerate() {
            let initial = states.get(layer).map(|state| tape.input(state.clone()));
            let &Batch { batch, time, .. } = batch;
            let shape = RecurrentShape { cell: self.config.cell, batch, time, initial, document_of };
            let found = tape.recurrent(x, weights, &shape)?;
            last.push(found.state);
            x = dropout.apply(tape, found.output)?;
        }
        Ok((x, last))
    }

    /// The document of every token, where several are packed into a row.
    fn check_batch<'b>(&self, batch: &'b Batch) -> Result<Option<&'b [u32]>, NnError> {
        batch.check(self.config.vocab_size, None)?;
        batch.check_reader("a recurrent model", false, 1)?;
        match &batch.mask {
            Mask::Causal => Ok(None),
            Mask::Packed { document_of } => Ok(Some(document_of)),
            mask => Err(NnError::Batch(format!("a recurrent model reads from left to right, not under {mask:?}"))),
        }
    }
}

impl Network for RecurrentModel {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn describe(&self) -> Value {
        json!(self.config)
    }

    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        Ok(self.hidden_from(tape, batch, &[], dropout)?.0)
    }

    fn pass(
        &self,
        tape: &mut Tape,
        batch: &Batch,
        carried: &[Tensor],
        dropout: Option<(f32, u64)>,
    ) -> Result<Pass, NnError> {
        let (hidden, state) = self.hidden_from(tape, batch, carried, dropout)?;
        Ok(Pass { hidden, losses: Vec::new(), state })
    }

    fn has_state(&self) -> bool {
        true
    }

    fn head(&self) -> LinearIds {
        LinearIds { weight: self.head, bias: None }
    }

    fn flops_per_token(&self, _time: usize, target_share: f64) -> f64 {
        let head = target_share * (self.config.vocab_size * self.config.hidden_size) as f64;
        6.0 * (self.registry.inner_matrix_elements() as f64 + head)
    }

    fn token_values(&self) -> TokenValues {
        let c = &self.config;
        let [hidden, gates, states] = [c.hidden_size, c.cell.gates(), c.cell.states()].map(|size| size as u64);
        // Gates, hidden states with the last one and alone, and what a cell has inside.
        let inside = if c.cell == Cell::Rnn { 0 } else { 1 };
        let kept = hidden * (gates + 2 + inside);
        // The slopes of a layer's gates (a GRU has two kinds), its states one step before, what flows in.
        let kinds = if c.cell == Cell::Gru { 2 } else { 1 };
        let flowing = hidden * (kinds * gates + states + 1);
        let around = c.embedding_size as u64;
        TokenValues {
            parts: c.n_layers as u64,
            kept,
            checkpointed: kept,
            again: 0,
            flowing,
            gradients: 0,
            around,
            at_loss: hidden,
        }
    }
}
