//! The decoder itself: initial weights and the forward pass on a tape.

use lang::rng::Rng;
use tensor::{AttentionShape, ParamId, Parameters, Tape, Tensor, Var};

use crate::layout::{Layout, Start};
use crate::{Batch, DecoderConfig, Family, LayerIds, LinearIds, MlpIds, NnError, NormIds, PositionKind};

/// A decoder-only Transformer: its shape and where its weights live. The weights themselves are a
/// [`Parameters`] made by [`Decoder::init`] or [`Decoder::load`], so that they can be trained, averaged or swapped.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: DecoderConfig,
    family: Family,
    layout: Layout,
}

impl Decoder {
    /// A decoder of this shape, or why the shape cannot be.
    pub fn new(config: DecoderConfig) -> Result<Decoder, NnError> {
        config.check()?;
        let family = config.family()?;
        let layout = Layout::new(&config, family);
        Ok(Decoder { config, family, layout })
    }

    /// Fresh weights: matrices normal with standard deviation `init_std`, the last layer of each residual branch
    /// divided by `sqrt(2 n_layers)`, gains one, biases zero. Each parameter has its own stream of random numbers,
    /// named after it, so that its values depend on `seed`, its name and its shape alone.
    pub fn init(&self, seed: u64) -> Parameters {
        let std = self.config.init_std;
        let residual = std / (2.0 * self.config.n_layers as f64).sqrt();
        let mut parameters = Parameters::new();
        for entry in &self.layout.entries {
            let len = entry.shape.iter().product();
            let mut rng = Rng::for_item(seed, &entry.name, 0);
            let values: Vec<f32> = match entry.start {
                Start::Normal => (0..len).map(|_| (rng.normal() * std) as f32).collect(),
                Start::Residual => (0..len).map(|_| (rng.normal() * residual) as f32).collect(),
                Start::One => vec![1.0; len],
                Start::Zero => vec![0.0; len],
            };
            let tensor = Tensor::from_f32(entry.shape.as_slice(), values).expect("there are `len` values");
            parameters.add(&entry.name, tensor).expect("names differ and a checked config has no empty shape");
        }
        parameters
    }

    /// Whether `parameters` are this decoder's: same names, order and shapes.
    pub fn check_parameters(&self, parameters: &Parameters) -> Result<(), NnError> {
        let path = || "parameters".into();
        for (index, entry) in self.layout.entries.iter().enumerate() {
            let id = parameters.id(&entry.name).filter(|&id| id == ParamId::from_index(index));
            let Some(id) = id else {
                return Err(NnError::MissingTensor { path: path(), name: entry.name.clone(), count: 1 });
            };
            let found = parameters.get(id).shape();
            if found != entry.shape {
                let (name, found, expected) = (entry.name.clone(), found.to_vec(), entry.shape.clone());
                return Err(NnError::TensorShape { path: path(), name, found, expected });
            }
        }
        match parameters.iter().nth(self.layout.entries.len()) {
            None => Ok(()),
            Some((id, _, _)) => {
                let count = parameters.len() - self.layout.entries.len();
                Err(NnError::ExtraTensor { path: path(), name: parameters.name(id).to_string(), count })
            }
        }
    }

    /// The hidden states after the last norm, (batch * time, hidden_size), ready for the [`head`](Decoder::head).
    ///
    /// `dropout` is a probability and a seed: values are dropped after the embedding and at the end of each residual
    /// branch, as in GPT-2; the seed should differ from step to step.
    pub fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        self.check_batch(batch)?;
        let mut dropout = Dropout { setting: dropout.filter(|&(p, _)| p > 0.0), site: 0 };
        let c = &self.config;
        let shape = AttentionShape {
            batch: batch.batch,
            time: batch.time,
            n_heads: c.n_heads,
            n_kv_heads: c.n_kv_heads,
            head_dim: c.head_dim(),
        };
        let mut x = tape.embedding(self.layout.embedding, &batch.ids)?;
        if let Some(table) = self.layout.positions {
            let positions = tape.embedding(table, &batch.positions)?;
            x = tape.add(x, positions)?;
        }
        x = dropout.apply(tape, x)?;
        for layer in &self.layout.layers {
            let normed = self.norm(tape, x, &layer.attention_norm)?;
            let mut query = linear(tape, normed, &layer.query)?;
            let mut key = linear(tape, normed, &layer.key)?;
            let value = linear(tape, normed, &layer.value)?;
            if let PositionKind::Rope { theta } = c.position {
                query = tape.rope(query, &batch.positions, shape.head_dim, theta as f32)?;
                key = tape.rope(key, &batch.positions, shape.head_dim, theta as f32)?;
            }
            let attended = tape.attention(query, key, value, &shape, &batch.mask)?;
            let branch = linear(tape, attended, &layer.output)?;
            let branch = dropout.apply(tape, branch)?;
            x = tape.add(x, branch)?;

            let normed = self.norm(tape, x, &layer.mlp_norm)?;
            let branch = match &layer.mlp {
                MlpIds::Gated { gate, up, down } => {
                    let gate = linear(tape, normed, gate)?;
                    let up = linear(tape, normed, up)?;
                    let inner = tape.swiglu(gate, up)?;
                    linear(tape, inner, down)?
                }
                MlpIds::Plain { fc, proj } => {
                    let inner = linear(tape, normed, fc)?;
                    let inner = tape.gelu(inner)?;
                    linear(tape, inner, proj)?
                }
            };
            let branch = dropout.apply(tape, branch)?;
            x = tape.add(x, branch)?;
        }
        self.norm(tape, x, &self.layout.final_norm)
    }

    /// The shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The family the shape belongs to.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The output projection (vocab_size, hidden_size): the embedding table where the two are tied.
    pub fn head(&self) -> ParamId {
        self.layout.head
    }

    /// The token table (vocab_size, hidden_size).
    pub fn embedding(&self) -> ParamId {
        self.layout.embedding
    }

    /// The position table (max_position_embeddings, hidden_size), where positions are learned.
    pub fn position_table(&self) -> Option<ParamId> {
        self.layout.positions
    }

    /// The blocks, first to last.
    pub fn layers(&self) -> &[LayerIds] {
        &self.layout.layers
    }

    /// The norm after the last block.
    pub fn final_norm(&self) -> NormIds {
        self.layout.final_norm
    }

    /// Name and shape of every parameter, in the order of its id.
    pub fn parameter_shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.layout.entries.iter().map(|entry| (entry.name.as_str(), entry.shape.as_slice()))
    }

    /// Whether weight decay applies to a parameter: to matrices, not to gains and biases.
    pub fn decays(&self, id: ParamId) -> bool {
        self.layout.entries.get(id.index()).is_some_and(|entry| entry.shape.len() == 2)
    }

    /// Whether a parameter is a matrix inside a block, which maps hidden states to hidden states: neither a table nor the
    /// head, neither a gain nor a bias.
    pub fn is_block_matrix(&self, id: ParamId) -> bool {
        let tables = [Some(self.layout.embedding), self.layout.positions, Some(self.layout.head)];
        self.decays(id) && !tables.contains(&Some(id))
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    fn norm(&self, tape: &mut Tape, x: Var, norm: &NormIds) -> Result<Var, NnError> {
        let eps = self.config.norm_eps as f32;
        Ok(match norm.bias {
            None => tape.rms_norm(x, norm.gain, eps)?,
            Some(bias) => tape.layer_norm(x, norm.gain, bias, eps)?,
        })
    }

    fn check_batch(&self, batch: &Batch) -> Result<(), NnError> {
        let rows = batch.batch.checked_mul(batch.time);
        if rows != Some(batch.ids.len()) || batch.positions.len() != batch.ids.len() || batch.ids.is_empty() {
            return Err(NnError::Batch(format!(
                "{} rows of {} tokens, but {} ids and {} positions",
                batch.batch,
                batch.time,
                batch.ids.len(),
                batch.positions.len()
            )));
        }
        let vocabulary_size = self.config.vocab_size;
        if let Some((at, &id)) = batch.ids.iter().enumerate().find(|&(_, &id)| id as usize >= vocabulary_size) {
            return Err(NnError::UnknownToken { id, at, vocabulary_size });
        }
        let limit = self.config.max_position_embeddings;
        match batch.positions.iter().find(|&&position| position as usize >= limit) {
            Some(&position) => Err(NnError::TooLong { position: position as usize, limit }),
            None => Ok(()),
        }
    }
}

fn linear(tape: &mut Tape, x: Var, ids: &LinearIds) -> Result<Var, NnError> {
    Ok(tape.linear(x, ids.weight, ids.bias)?)
}

/// Gives each place where values are dropped its own seed.
struct Dropout {
    setting: Option<(f32, u64)>,
    site: u64,
}

impl Dropout {
    fn apply(&mut self, tape: &mut Tape, x: Var) -> Result<Var, NnError> {
        let Some((p, seed)) = self.setting else { return Ok(x) };
        self.site += 1;
        Ok(tape.dropout(x, p, Rng::for_item(seed, "dropout", self.site).next_u64())?)
    }
}
