//! Recurrent cells over whole sequences: plain, LSTM and GRU, in the layout of PyTorch's weights.

use super::Op;
use super::elementwise::give;
use super::linear::{add_bias_gradient, check_weight};
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::matmul::{Format, Matrix, matmul, matmul_gram};
use crate::kernels::recurrent::{self as kernel, Sequences};
use crate::kernels::vector;
use crate::{ParamId, Result, Tape, Tensor, TensorError, Var, profile};

/// What a step computes from its input x and the state h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// h′ = tanh(W x + U h + b) (Elman 1990).
    Rnn,
    /// Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000): gates input, forget, cell, output.
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014): gates reset, update, candidate. The reset gate multiplies U h + b′, not h,
    /// as in cuDNN and PyTorch.
    Gru,
}

impl Cell {
    /// Every cell.
    pub const ALL: [Cell; 3] = [Cell::Rnn, Cell::Lstm, Cell::Gru];

    /// Rows of a weight for each hidden unit.
    pub fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// Values a hidden unit carries from step to step: an LSTM has a cell beside its hidden state.
    pub fn states(self) -> usize {
        if self == Cell::Lstm { 2 } else { 1 }
    }

    /// The name that errors and measurements use.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Rnn => "rnn",
            Cell::Lstm => "lstm",
            Cell::Gru => "gru",
        }
    }
}

/// The parameters of one layer, as `torch.nn.LSTM` and its like have them; gates one below the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentWeights {
    /// `weight_ih` (gates · hidden, inputs).
    pub input: ParamId,
    /// `weight_hh` (gates · hidden, hidden).
    pub hidden: ParamId,
    /// `bias_ih` (gates · hidden).
    pub input_bias: Option<ParamId>,
    /// `bias_hh` (gates · hidden).
    pub hidden_bias: Option<ParamId>,
}

/// What a layer runs over: `batch` sequences of `time` steps each, from left to right.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentShape<'a> {
    /// The cell.
    pub cell: Cell,
    /// Sequences.
    pub batch: usize,
    /// Steps a sequence.
    pub time: usize,
    /// The state before the first step, (states · batch, hidden): hidden states of all sequences, then an LSTM's cells.
    /// Zeros without one.
    pub initial: Option<Var>,
    /// One number a token, (batch · time), where several documents are packed into one sequence: where it changes, the
    /// state is zero again. The first token of a sequence goes on from `initial`.
    pub document_of: Option<&'a [u32]>,
}

/// What a layer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Hidden states, (batch · time, hidden).
    pub output: Var,
    /// The state after the last step, laid out as [`RecurrentShape::initial`].
    pub state: Var,
}

/// What the derivative needs beyond the value, which holds the outputs and then the last state.
pub(crate) struct Kept {
    cell: Cell,
    batch: usize,
    time: usize,
    weights: RecurrentWeights,
    pub(crate) initial: Option<Var>,
    starts: Buffer<u8>,
    /// (batch · time, gates · hidden), after their activation.
    gates: Buffer,
    /// (batch · time, hidden): an LSTM's cells, or what a GRU's reset gate multiplies.
    inner: Buffer,
}

impl Kept {
    pub(crate) fn name(&self) -> &'static str {
        self.cell.name()
    }

    pub(crate) fn parameters(&self) -> Vec<ParamId> {
        let RecurrentWeights { input, hidden, input_bias, hidden_bias } = self.weights;
        [input, hidden].into_iter().chain(input_bias).chain(hidden_bias).collect()
    }

    fn sequences(&self, hidden: usize) -> Sequences<'_> {
        Sequences { cell: self.cell, batch: self.batch, time: self.time, hidden, starts: &self.starts }
    }
}

impl Tape<'_> {
    /// A recurrent layer over x (batch · time, inputs), whose row b · time + t is step t of sequence b.
    ///
    /// # Errors
    /// When x, the weights, the initial state or the document numbers do not fit `shape`.
    pub fn recurrent(&mut self, x: Var, weights: &RecurrentWeights, shape: &RecurrentShape) -> Result<Recurrence> {
        let &RecurrentShape { cell, batch, time, initial, document_of } = shape;
        let op = cell.name();
        let (rows, inner) = self.non_empty(op, x)?;
        if rows != batch * time {
            return Err(TensorError::shape(op, [rows, inner], [batch, time]));
        }
        let outer = check_weight(self, op, x, weights.input)?;
        let (gates, states) = (cell.gates(), cell.states());
        let hidden = outer / gates;
        let recurrent = self.parameters.checked(op, weights.hidden)?;
        if hidden == 0 || *recurrent.shape() != [gates * hidden, hidden] || outer != gates * hidden {
            return Err(TensorError::shape(op, [outer, inner], recurrent.shape()));
        }
        let bias = self.gate_biases(op, cell, hidden, weights)?;
        if let Some(initial) = initial {
            let found = self.shape(initial);
            if found != (states * batch, hidden) {
                return Err(TensorError::shape(op, [found.0, found.1], [states * batch, hidden]));
            }
        }
        let starts = match document_of {
            None => Buffer::default(),
            Some(documents) => {
                check_length(op, "document numbers", documents.len(), rows)?;
                let starts = |row: usize| !row.is_multiple_of(time) && documents[row] != documents[row - 1];
                Buffer::collect(rows, (0..rows).map(|row| u8::from(starts(row))))
            }
        };
        let format = Format::of(self.parameters.compute_dtype());
        let mut values = Buffer::scratch(rows * outer);
        let input_weight = Matrix::rows(self.parameters.get(weights.input).values(), inner);
        matmul(format, (rows, outer, inner), Matrix::rows(self.data(x), inner), input_weight.t(), &mut values, false);
        let mut kept = Buffer::scratch(if cell == Cell::Rnn { 0 } else { rows * hidden });
        let mut out = Buffer::scratch((rows + states * batch) * hidden);
        let (outputs, last) = out.split_at_mut(rows * hidden);
        let pass = kernel::Forward {
            bias: &bias,
            initial: initial.map(|initial| self.data(initial)),
            gates: &mut values,
            inner: &mut kept,
            out: outputs,
            last,
        };
        kernel::forward(&Sequences { cell, batch, time, hidden, starts: &starts }, format, recurrent.values(), pass);
        let biases = [weights.input_bias, weights.hidden_bias];
        let needs = self.needs(x)
            || initial.is_some_and(|initial| self.needs(initial))
            || [Some(weights.input), Some(weights.hidden)]
                .into_iter()
                .chain(biases)
                .flatten()
                .any(|id| self.parameters.is_trainable(id));
        let kept = Kept { cell, batch, time, weights: *weights, initial, starts, gates: values, inner: kept };
        let value = Tensor::matrix(rows + states * batch, hidden, out);
        let all = self.push(value, Op::Recurrent { x, kept }, needs);
        Ok(Recurrence { output: self.rows(all, 0, rows)?, state: self.rows(all, rows, states * batch)? })
    }

    /// The biases as [`kernel::Forward::bias`] wants them.
    fn gate_biases(&self, op: &'static str, cell: Cell, hidden: usize, weights: &RecurrentWeights) -> Result<Buffer> {
        let outer = cell.gates() * hidden;
        let rows = if cell == Cell::Gru { 4 } else { cell.gates() };
        let mut bias = Buffer::zeros(rows * hidden);
        let values = |id: ParamId| -> Result<&[f32]> {
            let tensor = self.parameters.checked(op, id)?;
            match tensor.len() == outer {
                true => Ok(tensor.values()),
                false => Err(TensorError::shape(op, [outer], tensor.shape())),
            }
        };
        if let Some(id) = weights.input_bias {
            bias[..outer].copy_from_slice(values(id)?);
        }
        if let Some(id) = weights.hidden_bias {
            let values = values(id)?;
            if cell == Cell::Gru {
                vector::add_assign(&values[..2 * hidden], &mut bias[..2 * hidden]);
                bias[3 * hidden..].copy_from_slice(&values[2 * hidden..]);
            } else {
                vector::add_assign(values, &mut bias);
            }
        }
        Ok(bias)
    }
}

/// The derivative of [`Tape::recurrent`]; `y` and `dy` hold outputs and then the last state.
///
/// Only the loop over time is sequential. It leaves the slopes of all gates, from which the gradients of the weights are
/// one product each over all steps, and so is the slope of x.
pub(crate) fn backward(to: &mut Slopes, x: Var, kept: &Kept, y: &[f32], dy: &[f32]) {
    let Kept { cell, batch, time, weights, initial, .. } = *kept;
    let parts = match cell {
        Cell::Rnn => ["rnn: steps", "rnn: weights", "rnn: input"],
        Cell::Lstm => ["lstm: steps", "lstm: weights", "lstm: input"],
        Cell::Gru => ["gru: steps", "gru: weights", "gru: input"],
    };
    let format = Format::of(to.parameters.compute_dtype());
    let (rows, gates, states) = (batch * time, cell.gates(), cell.states());
    let hidden = y.len() / (rows + states * batch);
    let outer = gates * hidden;
    let sequences = kept.sequences(hidden);
    let (y, _) = y.split_at(rows * hidden);
    let (dy, d_last) = dy.split_at(rows * hidden);
    let start = profile::start();
    let (initial_hidden, initial_cells) = match initial {
        Some(initial) => {
            let (hidden, cells) = to.value(initial).split_at(batch * hidden);
            (Some(hidden), Some(cells))
        }
        None => (None, None),
    };
    let previous = sequences.previous(y, initial_hidden);
    let previous_cells = (cell == Cell::Lstm).then(|| sequences.previous(&kept.inner, initial_cells));
    let mut d_gates = Buffer::scratch(rows * outer);
    let mut d_products = Buffer::scratch(if cell == Cell::Gru { rows * outer } else { 0 });
    let mut carried = Buffer::copy_of(d_last);
    let pass = kernel::Backward {
        gates: &kept.gates,
        inner: &kept.inner,
        previous: previous_cells.as_ref().unwrap_or(&previous),
        out: y,
        dy,
        d_gates: &mut d_gates,
        d_products: &mut d_products,
        carried: &mut carried,
    };
    kernel::backward(&sequences, format, to.parameters.get(weights.hidden).values(), pass);
    drop(previous_cells);
    profile::stop(start, "backward", parts[0]);

    let d_products = if cell == Cell::Gru { &d_products } else { &d_gates };
    let start = profile::start();
    if to.parameters.is_trainable(weights.hidden) {
        let gradient = to.gradients.get_mut(weights.hidden);
        matmul_gram(format, (outer, hidden, rows), d_products, &previous, gradient);
    }
    drop(previous);
    let inner = to.nodes[x.index()].value.len() / rows;
    if to.parameters.is_trainable(weights.input) {
        let values = to.nodes[x.index()].value.values();
        matmul_gram(format, (outer, inner, rows), &d_gates, values, to.gradients.get_mut(weights.input));
    }
    for (bias, slopes) in [(weights.input_bias, &d_gates), (weights.hidden_bias, d_products)] {
        if let Some(bias) = bias.filter(|&bias| to.parameters.is_trainable(bias)) {
            add_bias_gradient(slopes, to.gradients.get_mut(bias));
        }
    }
    profile::stop(start, "backward", parts[1]);
    if to.needs(x) {
        let start = profile::start();
        let (mut dx, is_new) = to.take(x);
        let weight = Matrix::rows(to.parameters.get(weights.input).values(), inner);
        matmul(format, (rows, inner, outer), Matrix::rows(&d_gates, outer), weight, &mut dx, !is_new);
        to.put(x, dx);
        profile::stop(start, "backward", parts[2]);
    }
    if let Some(initial) = initial {
        give(to, initial, carried);
    }
}
