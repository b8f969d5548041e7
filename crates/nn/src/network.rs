//! What every neural model is to the code that trains it: parameters with names, hidden states for a batch, and a head.

use serde_json::Value;
use tensor::{ParamId, Parameters, Tape, Tensor, Var};

use crate::{Batch, LinearIds, MemoryEstimate, NnError, Registry, StepShape, TokenValues, cost};

/// What a network makes of a batch.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The hidden state of every token, (batch * time, hidden size).
    pub hidden: Var,
    /// What is minimised beside the objective.
    pub losses: Vec<SideLoss>,
    /// The state after the last token of every row, a value a layer, where the network has such.
    pub state: Vec<Var>,
}

impl Pass {
    /// Hidden states and nothing else.
    pub fn plain(hidden: Var) -> Pass {
        Pass { hidden, losses: Vec::new(), state: Vec::new() }
    }
}

/// A loss that a network has of its own, whatever it is trained for.
#[derive(Clone, Copy, Debug)]
pub struct SideLoss {
    /// What it is called in a log.
    pub name: &'static str,
    /// Its value, (1, 1): a mean over the tokens of the batch.
    pub value: Var,
    /// What it is multiplied by in what is minimised.
    pub weight: f64,
}

/// A network that gives a hidden state for every token it reads and a head that makes logits of hidden states.
///
/// It is its shape and where its weights live. The weights themselves are a [`Parameters`], so that they can be trained,
/// averaged or swapped.
pub trait Network: Send + Sync {
    /// The parameters: names, shapes, beginnings.
    fn registry(&self) -> &Registry;

    /// The shape as plain numbers: networks that differ in what they compute differ here.
    fn describe(&self) -> Value;

    /// The hidden state of every token of `batch`, (batch * time, hidden size).
    ///
    /// `dropout` is a probability and a seed, which should differ from step to step; which values may be dropped is the
    /// network's own.
    ///
    /// # Errors
    /// When the batch does not fit the network.
    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError>;

    /// As [`Network::hidden`], for training: with the network's own losses, and going on from the state that an earlier batch
    /// of the same rows ended with, as values: no slope goes back into that batch. `carried` is empty for rows that begin.
    ///
    /// # Errors
    /// When the batch or the state does not fit the network.
    fn pass(
        &self,
        tape: &mut Tape,
        batch: &Batch,
        carried: &[Tensor],
        dropout: Option<(f32, u64)>,
    ) -> Result<Pass, NnError> {
        match carried.is_empty() {
            true => Ok(Pass::plain(self.hidden(tape, batch, dropout)?)),
            false => Err(NnError::Batch("this network has no state to go on from".to_string())),
        }
    }

    /// Whether [`Network::pass`] gives a state and can go on from one.
    fn has_state(&self) -> bool {
        false
    }

    /// Rows of hidden states made ready for the [`head`](Network::head). What this costs is only worth paying for the
    /// rows whose logits are wanted.
    ///
    /// # Errors
    /// When the rows are not of this network.
    fn before_head(&self, _tape: &mut Tape, rows: Var) -> Result<Var, NnError> {
        Ok(rows)
    }

    /// The output projection: a matrix (vocabulary size, hidden size), which may be the embedding table, and a bias where
    /// there is one.
    fn head(&self) -> LinearIds;

    /// Floating-point operations to train on one token in rows of `time` tokens, when the head is asked about
    /// `target_share` of the tokens: six for every weight of a matrix product (tables are no products) and
    /// `12 n_layers hidden_size time` for attention, counted over the whole square as is customary (Chowdhery et al.
    /// 2022, appendix B).
    fn flops_per_token(&self, time: usize, target_share: f64) -> f64;

    /// What a token of a training step makes the tape keep.
    fn token_values(&self) -> TokenValues;

    /// What training needs at its peak, within a tenth: a benchmark and a test hold it against what is measured.
    fn training_memory(&self, step: &StepShape) -> MemoryEstimate {
        let head = self.registry().shapes().nth(self.head().weight.index());
        let (vocabulary, hidden) = match head {
            Some((_, &[vocabulary, hidden])) => (vocabulary as u64, hidden as u64),
            _ => (0, 0),
        };
        cost::estimate(self.n_parameters() as u64, (vocabulary, hidden), self.token_values(), step)
    }

    /// Fresh weights, a function of `seed` and the shape: see [`Registry::init`].
    fn init(&self, seed: u64) -> Parameters {
        self.registry().init(seed)
    }

    /// Whether `parameters` are this network's: same names, order and shapes.
    ///
    /// # Errors
    /// The first that differs, by name.
    fn check_parameters(&self, parameters: &Parameters) -> Result<(), NnError> {
        self.registry().check(parameters)
    }

    /// How many weights the network has; a tied head counts once.
    fn n_parameters(&self) -> usize {
        self.registry().elements()
    }

    /// How many weights stand in no table and not in the head: the N of the scaling laws (Kaplan et al. 2020).
    fn n_parameters_non_embedding(&self) -> usize {
        let shapes = self.registry().shapes().enumerate();
        let inner = shapes.filter(|(index, _)| !self.registry().is_table(ParamId::from_index(*index)));
        inner.map(|(_, (_, shape))| shape.iter().product::<usize>()).sum()
    }

    /// Whether weight decay applies to a parameter: to matrices, not to gains and biases.
    fn decays(&self, id: ParamId) -> bool {
        self.registry().is_matrix(id)
    }

    /// Whether a parameter is a matrix inside the network, which maps hidden states to hidden states: neither a table nor
    /// the head, neither a gain nor a bias.
    fn is_block_matrix(&self, id: ParamId) -> bool {
        self.registry().is_matrix(id) && !self.registry().is_table(id)
    }
}
