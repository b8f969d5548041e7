//! Where every weight lives: the registry of parameters in the order and under the names of Hugging Face, how each
//! begins, and how each tensor of a weight file is made of them.

use lang::rng::Rng;
use tensor::{ParamId, Parameters, Tensor};

use crate::{LinearIds, NnError, NormIds};

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform between minus this and this.
    Uniform(f64),
    /// All ones.
    One,
    /// All zeros.
    Zero,
}

/// What a matrix of parameters is to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Maps hidden states to hidden states, or is a gain or a bias.
    Inner,
    /// Looked up or projected to, by token, position or distance: embedding tables and the head.
    Table,
}

/// One parameter of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub start: Start,
    pub role: Role,
}

/// One tensor of a weight file: which parameters it holds, one after another along their output dimension.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub name: String,
    pub parts: Vec<usize>,
    /// Whether the file holds it as (in, out).
    pub transposed: bool,
}

/// The parameters of a network: their names, shapes and beginnings, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(crate) entries: Vec<Entry>,
    pub(crate) stored: Vec<Stored>,
}

impl Registry {
    /// Fresh weights. Each parameter has its own stream of random numbers, named after it, so that its values depend on
    /// `seed`, its name, its shape and its spread alone.
    pub fn init(&self, seed: u64) -> Parameters {
        let mut parameters = Parameters::new();
        for entry in &self.entries {
            let len = entry.shape.iter().product();
            let mut rng = Rng::for_item(seed, &entry.name, 0);
            let values: Vec<f32> = match entry.start {
                Start::Normal(std) => (0..len).map(|_| (rng.normal() * std) as f32).collect(),
                Start::Uniform(bound) => (0..len).map(|_| ((2.0 * rng.unit() - 1.0) * bound) as f32).collect(),
                Start::One => vec![1.0; len],
                Start::Zero => vec![0.0; len],
            };
            let tensor = Tensor::from_f32(entry.shape.as_slice(), values).expect("there are `len` values");
            parameters.add(&entry.name, tensor).expect("names differ and a checked config has no empty shape");
        }
        parameters
    }

    /// Whether `parameters` are these: same names, order and shapes.
    ///
    /// # Errors
    /// The first that differs, by name.
    pub fn check(&self, parameters: &Parameters) -> Result<(), NnError> {
        let path = || "parameters".into();
        for (index, entry) in self.entries.iter().enumerate() {
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
        match parameters.iter().nth(self.entries.len()) {
            None => Ok(()),
            Some((id, _, _)) => {
                let count = parameters.len() - self.entries.len();
                Err(NnError::ExtraTensor { path: path(), name: parameters.name(id).to_string(), count })
            }
        }
    }

    /// Name and shape of every parameter, in the order of its id.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().map(|entry| (entry.name.as_str(), entry.shape.as_slice()))
    }

    /// How many weights there are.
    pub fn elements(&self) -> usize {
        self.shapes().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    /// Whether a parameter is a matrix.
    pub fn is_matrix(&self, id: ParamId) -> bool {
        self.entries.get(id.index()).is_some_and(|entry| entry.shape.len() == 2)
    }

    /// Whether a parameter is a table: embeddings of tokens, positions or distances, or the head.
    pub fn is_table(&self, id: ParamId) -> bool {
        self.entries.get(id.index()).is_some_and(|entry| entry.role == Role::Table)
    }

    /// How many weights stand in the matrices that are no tables.
    pub(crate) fn inner_matrix_elements(&self) -> usize {
        let inner = |entry: &&Entry| entry.shape.len() == 2 && entry.role == Role::Inner;
        self.entries.iter().filter(inner).map(|entry| entry.shape.iter().product::<usize>()).sum()
    }

    /// A parameter without a place on disk yet.
    fn entry(&mut self, name: String, shape: Vec<usize>, start: Start, role: Role) -> usize {
        self.entries.push(Entry { name, shape, start, role });
        self.entries.len() - 1
    }

    /// A parameter that a file holds as it is.
    fn same(&mut self, name: &str, shape: Vec<usize>, start: Start, role: Role) -> ParamId {
        let index = self.entry(name.to_string(), shape, start, role);
        self.stored.push(Stored { name: name.to_string(), parts: vec![index], transposed: false });
        ParamId::from_index(index)
    }

    /// A table with a row for every token, position or distance.
    pub(crate) fn table(&mut self, name: &str, rows: usize, columns: usize, std: f64) -> ParamId {
        self.same(name, vec![rows, columns], Start::Normal(std), Role::Table)
    }

    /// A parameter of any shape that begins uniform between `-bound` and `bound`.
    pub(crate) fn uniform(&mut self, name: &str, shape: &[usize], bound: f64, role: Role) -> ParamId {
        self.same(name, shape.to_vec(), Start::Uniform(bound), role)
    }

    /// A gain or a bias.
    pub(crate) fn vector(&mut self, name: &str, width: usize, start: Start) -> ParamId {
        self.same(name, vec![width], start, Role::Inner)
    }

    /// `NAME.weight` and, where asked for, `NAME.bias` of a norm over `width` columns.
    pub(crate) fn norm(&mut self, name: &str, width: usize, has_bias: bool) -> NormIds {
        let gain = self.vector(&format!("{name}.weight"), width, Start::One);
        let bias = has_bias.then(|| self.vector(&format!("{name}.bias"), width, Start::Zero));
        NormIds { gain, bias }
    }

    /// `NAME.weight` (out, in) with standard deviation `std` and, where asked for, `NAME.bias`.
    pub(crate) fn linear(&mut self, name: &str, (out, inputs): (usize, usize), std: f64, has_bias: bool) -> LinearIds {
        let weight = self.same(&format!("{name}.weight"), vec![out, inputs], Start::Normal(std), Role::Inner);
        let bias = has_bias.then(|| self.vector(&format!("{name}.bias"), out, Start::Zero));
        LinearIds { weight, bias }
    }

    /// A linear layer with a bias whose weight a file holds transposed (`Conv1D` of GPT-2).
    pub(crate) fn conv1d(&mut self, name: &str, sizes: (usize, usize), std: f64) -> LinearIds {
        let ids = self.linear(name, sizes, std, true);
        let weight = format!("{name}.weight");
        for stored in self.stored.iter_mut().rev().take(2).filter(|stored| stored.name == weight) {
            stored.transposed = true;
        }
        ids
    }

    /// Three square linear layers that a file holds as one `Conv1D`.
    pub(crate) fn fused(
        &mut self,
        folder: &str,
        fused: &str,
        names: [&str; 3],
        width: usize,
        std: f64,
    ) -> [LinearIds; 3] {
        let pairs = names.map(|name| {
            let weight =
                self.entry(format!("{folder}.{name}.weight"), vec![width, width], Start::Normal(std), Role::Inner);
            (weight, self.entry(format!("{folder}.{name}.bias"), vec![width], Start::Zero, Role::Inner))
        });
        let weights = pairs.iter().map(|pair| pair.0).collect();
        let biases = pairs.iter().map(|pair| pair.1).collect();
        self.stored.push(Stored { name: format!("{folder}.{fused}.weight"), parts: weights, transposed: true });
        self.stored.push(Stored { name: format!("{folder}.{fused}.bias"), parts: biases, transposed: false });
        let param = ParamId::from_index;
        pairs.map(|(weight, bias)| LinearIds { weight: param(weight), bias: Some(param(bias)) })
    }
}
