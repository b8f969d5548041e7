//! Named weights, in order, and their gradients.

use std::collections::HashMap;

use crate::kernels::softmax;
use crate::kernels::vector::{self, BLOCK};
use crate::{DType, Result, Tensor, TensorError, profile, threads};

/// The place of a parameter in its [`Parameters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(u32);

impl ParamId {
    /// The parameter that was added after `index` others.
    pub const fn from_index(index: usize) -> ParamId {
        ParamId(if index < u32::MAX as usize { index as u32 } else { u32::MAX })
    }

    /// How many parameters were added before it.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    value: Tensor,
    is_trainable: bool,
}

/// Named f32 master weights in the order they were added.
#[derive(Clone, Debug)]
pub struct Parameters {
    entries: Vec<Entry>,
    by_name: HashMap<String, ParamId>,
    compute: DType,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters::new()
    }
}

impl Parameters {
    /// No parameters; products in f32.
    pub fn new() -> Parameters {
        Parameters { entries: Vec::new(), by_name: HashMap::new(), compute: DType::F32 }
    }

    /// Add a parameter; a bf16 tensor is widened, since masters are f32.
    ///
    /// # Errors
    /// When the name is taken or the tensor is empty.
    pub fn add(&mut self, name: impl Into<String>, value: Tensor) -> Result<ParamId> {
        let name = name.into();
        if value.is_empty() {
            return Err(TensorError::Empty { op: "Parameters::add", shape: value.shape().to_vec() });
        }
        let id = ParamId::from_index(self.entries.len());
        if self.by_name.contains_key(&name) {
            return Err(TensorError::DuplicateParameter { name });
        }
        let value = if value.dtype() == DType::F32 { value } else { value.to_dtype(DType::F32) };
        self.by_name.insert(name.clone(), id);
        self.entries.push(Entry { name, value, is_trainable: true });
        Ok(id)
    }

    /// The parameter called `name`.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.by_name.get(name).copied()
    }

    /// The name of `id`; empty for an id of other parameters.
    pub fn name(&self, id: ParamId) -> &str {
        self.entries.get(id.index()).map_or("", |entry| &entry.name)
    }

    /// The f32 master of `id`.
    ///
    /// # Panics
    /// When `id` was not made by these parameters.
    pub fn get(&self, id: ParamId) -> &Tensor {
        &self.entries[id.index()].value
    }

    /// The f32 master values of `id`; call [`Parameters::refresh`] after changing them.
    ///
    /// # Panics
    /// When `id` was not made by these parameters.
    pub fn values_mut(&mut self, id: ParamId) -> &mut [f32] {
        match self.entries[id.index()].value.as_f32_mut() {
            Ok(values) => values,
            Err(_) => &mut [],
        }
    }

    /// Every parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &str, &Tensor)> {
        let place = |(index, entry)| {
            let entry: &Entry = entry;
            (ParamId::from_index(index), entry.name.as_str(), &entry.value)
        };
        self.entries.iter().enumerate().map(place)
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many values they hold together.
    pub fn elements(&self) -> usize {
        self.entries.iter().map(|entry| entry.value.len()).sum()
    }

    /// Freeze or thaw a parameter: a frozen one gets no gradient and no optimiser step.
    pub fn set_trainable(&mut self, id: ParamId, is_trainable: bool) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.is_trainable = is_trainable;
        }
    }

    /// Whether the optimiser moves this parameter; true until [`Parameters::set_trainable`] says otherwise.
    pub fn is_trainable(&self, id: ParamId) -> bool {
        self.entries.get(id.index()).is_some_and(|entry| entry.is_trainable)
    }

    /// What matrix products are computed in. With [`DType::Bf16`] weights and activations are rounded to bf16 and the
    /// products summed in f32; masters, norms, softmax, losses and the optimiser stay f32.
    pub fn set_compute_dtype(&mut self, dtype: DType) {
        self.compute = dtype;
    }

    /// What matrix products are computed in.
    pub fn compute_dtype(&self) -> DType {
        self.compute
    }

    /// Call after changing values through [`Parameters::values_mut`]. Weights are rounded where they are packed for a
    /// product, so there is nothing to bring up to date on this device; one that keeps copies will do it here.
    pub fn refresh(&mut self) {}

    /// The tensor of `id`, or an error that names the operation.
    pub(crate) fn checked(&self, op: &'static str, id: ParamId) -> Result<&Tensor> {
        let limit = self.entries.len() as u64;
        let missing = TensorError::Index { op, what: "parameter", index: id.index() as u64, limit };
        self.entries.get(id.index()).map(|entry| &entry.value).ok_or(missing)
    }
}

/// One sum of derivatives for every parameter, in their order.
#[derive(Clone, Debug)]
pub struct Gradients {
    values: Vec<Vec<f32>>,
}

impl Gradients {
    /// Zeros for every value of `parameters`.
    pub fn zeros_like(parameters: &Parameters) -> Gradients {
        Gradients { values: parameters.iter().map(|(_, _, tensor)| vec![0.0; tensor.len()]).collect() }
    }

    /// The gradient of `id`; empty for an id of other parameters.
    pub fn get(&self, id: ParamId) -> &[f32] {
        self.values.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// The gradient of `id`, to be changed; empty for an id of other parameters.
    pub fn get_mut(&mut self, id: ParamId) -> &mut [f32] {
        self.values.get_mut(id.index()).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Set all to zero.
    pub fn clear(&mut self) {
        let start = profile::start();
        self.for_each_block(|block| block.fill(0.0));
        profile::stop(start, "update", "clear gradients");
    }

    /// Multiply all by `factor`.
    pub fn scale(&mut self, factor: f32) {
        self.for_each_block(|block| softmax::scale(block, factor));
    }

    /// The Euclidean norm over all values, summed in f64 in a fixed order.
    pub fn norm(&self) -> f64 {
        let start = profile::start();
        let blocks = self.values.iter().flat_map(|values| values.chunks(BLOCK));
        let mut sums: Vec<(&[f32], f64)> = blocks.map(|block| (block, 0.0)).collect();
        threads::for_each_chunk(&mut sums, 1, |_, sums| {
            sums.iter_mut().for_each(|(block, sum)| *sum = vector::sum_of_squares(block));
        });
        let norm = sums.iter().map(|(_, sum)| sum).sum::<f64>().sqrt();
        profile::stop(start, "update", "gradient norm");
        norm
    }

    /// Add the gradients of another part of the batch.
    ///
    /// # Errors
    /// When `other` belongs to parameters of other shapes.
    pub fn add(&mut self, other: &Gradients) -> Result<()> {
        let lengths = |gradients: &Gradients| gradients.values.iter().map(Vec::len).collect::<Vec<_>>();
        if lengths(self) != lengths(other) {
            return Err(TensorError::shape("Gradients::add", lengths(self), lengths(other)));
        }
        for (sum, values) in self.values.iter_mut().zip(&other.values) {
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        Ok(())
    }

    /// `work` over blocks of all values, in parallel.
    fn for_each_block(&mut self, work: impl Fn(&mut [f32]) + Sync + Send) {
        let mut blocks: Vec<&mut [f32]> = self.values.iter_mut().flat_map(|values| values.chunks_mut(BLOCK)).collect();
        threads::for_each_chunk(&mut blocks, 1, |_, blocks| blocks.iter_mut().for_each(|block| work(block)));
    }

    /// Whether the shapes are those of `parameters`.
    pub(crate) fn fit(&self, parameters: &Parameters) -> bool {
        self.values.len() == parameters.len()
            && parameters.iter().zip(&self.values).all(|((_, _, tensor), values)| tensor.len() == values.len())
    }
}
