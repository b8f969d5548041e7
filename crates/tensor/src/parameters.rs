//! Named weights, in order, and their gradients.

use std::collections::HashMap;

use crate::buffer::Buffer;
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

    /// `work(id, shape, values, state)` for every parameter that is trained, with its entry of `state`, in parallel.
    pub(crate) fn for_each_beside<S: Send>(
        &mut self,
        state: &mut [S],
        work: impl Fn(ParamId, &[usize], &mut [f32], &mut S) + Sync + Send,
    ) {
        threads::for_each_chunk2(&mut self.entries, 1, state, 1, |index, entries, state| {
            for (entry, state) in entries.iter_mut().zip(state).filter(|(entry, _)| entry.is_trainable) {
                let shape = entry.value.shape();
                // A copy of the dimensions, because the values are borrowed to be changed: those of a matrix fit.
                let (mut dimensions, rank) = ([0; 4], shape.len());
                let Some(dimensions) = dimensions.get_mut(..rank) else { continue };
                dimensions.copy_from_slice(shape);
                if let Ok(values) = entry.value.as_f32_mut() {
                    work(ParamId::from_index(index), dimensions, values, state);
                }
            }
        });
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
///
/// A sum takes memory from the first derivative that is added to it until [`Gradients::forget`]: while a step's values pile
/// up there need be no gradients yet.
#[derive(Clone, Debug)]
pub struct Gradients {
    sums: Vec<Sum>,
}

#[derive(Clone, Debug)]
struct Sum {
    len: usize,
    /// `len` values, or none where nothing was added yet.
    values: Buffer,
}

impl Gradients {
    /// Zeros for every value of `parameters`.
    pub fn zeros_like(parameters: &Parameters) -> Gradients {
        let mut gradients = Gradients::none_like(parameters);
        gradients.sums.iter_mut().for_each(|sum| _ = sum.values_mut());
        gradients
    }

    /// No derivatives yet of `parameters`, and no memory for them: what is not there counts as zeros.
    pub fn none_like(parameters: &Parameters) -> Gradients {
        let sum = |tensor: &Tensor| Sum { len: tensor.len(), values: Buffer::default() };
        Gradients { sums: parameters.iter().map(|(_, _, tensor)| sum(tensor)).collect() }
    }

    /// The gradient of `id`; empty for an id of other parameters, and where no derivative was added yet.
    pub fn get(&self, id: ParamId) -> &[f32] {
        self.sums.get(id.index()).map_or(&[], |sum| &sum.values)
    }

    /// The gradient of `id`, to be changed; empty for an id of other parameters.
    pub fn get_mut(&mut self, id: ParamId) -> &mut [f32] {
        self.sums.get_mut(id.index()).map_or(&mut [], Sum::values_mut)
    }

    /// Set all to zero.
    pub fn clear(&mut self) {
        let start = profile::start();
        self.for_each_block(|block| block.fill(0.0));
        profile::stop(start, "update", "clear gradients");
    }

    /// As [`Gradients::clear`], and give the memory back until derivatives are added again.
    pub fn forget(&mut self) {
        self.sums.iter_mut().for_each(|sum| sum.values = Buffer::default());
    }

    /// Multiply all by `factor`.
    pub fn scale(&mut self, factor: f32) {
        self.for_each_block(|block| softmax::scale(block, factor));
    }

    /// The Euclidean norm over all values, summed in f64 in a fixed order.
    pub fn norm(&self) -> f64 {
        let start = profile::start();
        let largest = self.sums.iter().map(|sum| sum.values.len().div_ceil(BLOCK)).max().unwrap_or(0);
        let mut squares: Buffer<f64> = Buffer::scratch(largest);
        let mut total = 0.0;
        for Sum { values, .. } in &self.sums {
            let squares = &mut squares[..values.len().div_ceil(BLOCK)];
            threads::for_each_chunk(squares, 1, |index, squares| {
                let block = &values[index * BLOCK..];
                squares[0] = vector::sum_of_squares(&block[..block.len().min(BLOCK)]);
            });
            squares.iter().for_each(|squares| total += squares);
        }
        let norm = f64::sqrt(total);
        profile::stop(start, "update", "gradient norm");
        norm
    }

    /// Add the gradients of another part of the batch.
    ///
    /// # Errors
    /// When `other` belongs to parameters of other shapes.
    pub fn add(&mut self, other: &Gradients) -> Result<()> {
        let lengths = |gradients: &Gradients| gradients.sums.iter().map(|sum| sum.len).collect::<Vec<_>>();
        if self.sums.len() != other.sums.len() || self.sums.iter().zip(&other.sums).any(|(a, b)| a.len != b.len) {
            return Err(TensorError::shape("Gradients::add", lengths(self), lengths(other)));
        }
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            if !other.values.is_empty() {
                sum.values_mut().iter_mut().zip(&*other.values).for_each(|(sum, value)| *sum += value);
            }
        }
        Ok(())
    }

    /// `work` over blocks of all values, in parallel.
    fn for_each_block(&mut self, work: impl Fn(&mut [f32]) + Sync + Send) {
        for sum in &mut self.sums {
            threads::for_each_chunk(&mut sum.values, BLOCK, |_, block| work(block));
        }
    }

    /// Add `factor · slope` to the gradient of `id`; where there is none yet, `slope` becomes it.
    pub(crate) fn add_scaled(&mut self, id: ParamId, factor: f32, mut slope: Buffer) {
        let Some(sum) = self.sums.get_mut(id.index()).filter(|sum| sum.len == slope.len()) else { return };
        if sum.values.is_empty() {
            if factor != 1.0 {
                threads::for_each_chunk(&mut slope, BLOCK, |_, slope| softmax::scale(slope, factor));
            }
            sum.values = slope;
        } else {
            threads::for_each_chunk(&mut sum.values, BLOCK, |block, sum| {
                vector::add_scaled(factor, &slope[block * BLOCK..], sum);
            });
        }
    }

    /// Zeros where a backward pass added nothing to a parameter that is trained.
    pub(crate) fn fill_missing(&mut self, parameters: &Parameters) {
        for (index, sum) in self.sums.iter_mut().enumerate() {
            if parameters.is_trainable(ParamId::from_index(index)) {
                sum.values_mut();
            }
        }
    }

    /// Whether the shapes are those of `parameters`.
    pub(crate) fn fit(&self, parameters: &Parameters) -> bool {
        self.sums.len() == parameters.len()
            && parameters.iter().zip(&self.sums).all(|((_, _, tensor), sum)| tensor.len() == sum.len)
    }
}

impl Sum {
    /// The values, zeros where there were none.
    fn values_mut(&mut self) -> &mut [f32] {
        if self.values.len() != self.len {
            let mut zeros = Buffer::scratch(self.len);
            threads::for_each_chunk(&mut zeros, BLOCK, |_, zeros| zeros.fill(0.0));
            self.values = zeros;
        }
        &mut self.values
    }
}
