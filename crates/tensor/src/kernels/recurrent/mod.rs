//! Recurrent cells over whole sequences: the loop over time, forward and backward.
//!
//! Legend: B batch, T time, H hidden units, G gates of the cell. Rows of activations are b · T + t. Everything that does
//! not hang on the step before is a product over all B · T rows and stands in `ops::recurrent`; here is the rest, a
//! product of B rows a step and the cell's arithmetic behind it.
//!
//! A step is cut into blocks of [`UNITS`] units. A block's product takes the columns of all gates of its units, so that
//! the thread that has them also computes those units' new state; the weights are packed once a call. After a step the
//! threads meet, because every unit's next product reads all units. Which thread takes a block never shows: blocks are
//! cut by shape, and each unit's sums run over all of the depth in one order.

mod gru;
mod lstm;
mod rnn;

use std::ops::Range;

use super::lanes::LANES;
use super::matmul::{Format, Packed, Words};
use crate::buffer::Buffer;
use crate::kernels::matmul::Matrix;
use crate::ops::recurrent::Cell;
use crate::threads::{self, Grid, Order};

/// Units a block: the width of the widest packed panel, so that a block is one panel a gate (or two).
const UNITS: usize = 32;

/// What is computed: a cell over `batch` sequences of `time` steps.
#[derive(Clone, Copy)]
pub(crate) struct Sequences<'a> {
    pub(crate) cell: Cell,
    pub(crate) batch: usize,
    pub(crate) time: usize,
    pub(crate) hidden: usize,
    /// (B · T): whether a document starts at the token, which then sees nothing of what came before; empty for none. The
    /// first step of a sequence is never marked: it sees the initial state.
    pub(crate) starts: &'a [u8],
}

impl Sequences<'_> {
    /// Whether the state after step `t` of sequence `b` goes on to the next step. The last one goes to whoever carries on.
    fn continues(&self, b: usize, t: usize) -> bool {
        t + 1 >= self.time || self.starts.is_empty() || self.starts[b * self.time + t + 1] == 0
    }

    /// Where step `t` of every sequence lies in a matrix (B · T, groups · H).
    fn step<'d>(&self, data: &'d mut [f32], t: usize, groups: usize) -> Grid<'d> {
        let width = groups * self.hidden;
        Grid::new(data, t * width, (self.batch, self.time * width), (groups, self.hidden))
    }

    /// A matrix (B, groups · H) of one step.
    fn state<'d>(&self, data: &'d mut [f32], groups: usize) -> Grid<'d> {
        let width = groups * self.hidden;
        Grid::new(data, 0, (self.batch, width), (groups, self.hidden))
    }

    /// The value before each in its sequence: `initial` (B, H) at first, zeros without one and where a document starts.
    /// values and the result are (B · T, H).
    pub(crate) fn previous(&self, values: &[f32], initial: Option<&[f32]>) -> Buffer {
        let (time, hidden) = (self.time, self.hidden);
        let mut out = Buffer::scratch(self.batch * time * hidden);
        threads::for_each_chunk(&mut out, time * hidden, |b, out| {
            let (first, rest) = out.split_at_mut(hidden);
            match initial {
                Some(initial) => first.copy_from_slice(&initial[b * hidden..][..hidden]),
                None => first.fill(0.0),
            }
            rest.copy_from_slice(&values[b * time * hidden..][..rest.len()]);
            for (t, row) in rest.chunks_exact_mut(hidden).enumerate() {
                if !self.continues(b, t) {
                    row.fill(0.0);
                }
            }
        });
        out
    }
}

/// One step of a block of units, as the cells' arithmetic sees it.
struct Step<'a> {
    sequences: Sequences<'a>,
    t: usize,
    /// The block.
    units: Range<usize>,
}

impl Step<'_> {
    fn batch(&self) -> usize {
        self.sequences.batch
    }

    fn width(&self) -> usize {
        self.units.len()
    }

    fn continues(&self, b: usize) -> bool {
        self.sequences.continues(b, self.t)
    }

    /// The block's part of group `group` of the row of sequence `b`, in a matrix (B · T, groups · H).
    #[inline(always)]
    fn part<'d>(&self, data: &'d [f32], b: usize, (group, groups): (usize, usize)) -> &'d [f32] {
        let Sequences { time, hidden, .. } = self.sequences;
        &data[((b * time + self.t) * groups + group) * hidden + self.units.start..][..self.units.len()]
    }
}

/// Sixteen values from `at`, with zeros past the end.
#[inline(always)]
fn load(x: &[f32], at: usize) -> [f32; LANES] {
    let x = &x[at..];
    match x.first_chunk::<LANES>() {
        Some(lanes) => *lanes,
        None => super::lanes::padded(x, 0.0),
    }
}

/// Sixteen values to `at`; what is past the end is left out.
#[inline(always)]
fn store(out: &mut [f32], at: usize, lanes: [f32; LANES]) {
    let out = &mut out[at..];
    match out.first_chunk_mut::<LANES>() {
        Some(out) => *out = lanes,
        None => out.copy_from_slice(&lanes[..out.len()]),
    }
}

/// `function` of every lane.
#[inline(always)]
fn map(x: [f32; LANES], function: impl Fn(f32) -> f32) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = function(x[lane]);
    }
    out
}

/// The sum of three, in this order.
#[inline(always)]
fn sum3(a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = a[lane] + b[lane] + c[lane];
    }
    out
}

/// What a whole forward pass reads and fills.
pub(crate) struct Forward<'a> {
    /// The gates' biases (G, H), those of input and state added; for a GRU the candidate's has the input's only, and a
    /// fourth row has the state's.
    pub(crate) bias: &'a [f32],
    /// (states · B, H): hidden states, then an LSTM's cells; zeros without.
    pub(crate) initial: Option<&'a [f32]>,
    /// (B · T, G · H): the inputs' part of the gates, replaced by the gates' values.
    pub(crate) gates: &'a mut [f32],
    /// (B · T, H): an LSTM's cells, or what a GRU's reset gate multiplies; nothing for a plain RNN.
    pub(crate) inner: &'a mut [f32],
    /// (B · T, H): the hidden states.
    pub(crate) out: &'a mut [f32],
    /// (states · B, H): the state after the last step.
    pub(crate) last: &'a mut [f32],
}

/// Runs all steps; `weight` is the state's (G · H, H).
pub(crate) fn forward(sequences: &Sequences, format: Format, weight: &[f32], pass: Forward) {
    let &Sequences { cell, batch, time, hidden, .. } = sequences;
    let gates = cell.gates();
    let mut matrices = weight.chunks_exact(hidden * hidden);
    // As many as there are gates, at most four.
    let packed: [Option<Packed>; 4] = std::array::from_fn(|_| {
        let gate = matrices.next()?;
        Some(Packed::parallel(format, Matrix::rows(gate, hidden).t(), hidden, hidden))
    });
    let Forward { bias, initial, gates: values, inner, out, last } = pass;
    let (last_hidden, cells) = last.split_at_mut(batch * hidden);
    let (mut now, mut next) = (Buffer::zeros(batch * hidden), Buffer::scratch(batch * hidden));
    cells.fill(0.0);
    if let Some(initial) = initial {
        let (hidden, initial_cells) = initial.split_at(batch * hidden);
        now.copy_from_slice(hidden);
        cells.copy_from_slice(initial_cells);
    }
    let mut room = Buffer::scratch(0);
    for t in 0..time {
        let order = Order::Own { is_reversed: t % 2 == 1 };
        let words = Words::of(format, &now, hidden, &mut room);
        let product = |step: &Step| {
            let width = step.width();
            let mut product = Buffer::scratch(batch * gates * width);
            for (gate, packed) in packed.iter().flatten().enumerate() {
                let out = &mut product[gate * width..];
                words.product(step.units.clone(), packed, out, gates * width);
            }
            product
        };
        let step = |units| Step { sequences: *sequences, t, units };
        let of_bias = |units: &Range<usize>, row: usize| &bias[row * hidden + units.start..][..units.len()];
        let shared = [sequences.step(values, t, gates), sequences.state(&mut next, 1), sequences.step(out, t, 1)];
        match cell {
            Cell::Rnn => threads::for_each_columns(shared, UNITS, order, |units, columns| {
                let step = step(units);
                rnn::forward(&step, &product(&step), of_bias(&step.units, 0), columns);
            }),
            Cell::Lstm => {
                let [a, b, c] = shared;
                let grids = [a, b, c, sequences.state(cells, 1), sequences.step(inner, t, 1)];
                threads::for_each_columns(grids, UNITS, order, |units, columns| {
                    let step = step(units);
                    let bias = [0, 1, 2, 3].map(|row| of_bias(&step.units, row));
                    lstm::forward(&step, &product(&step), bias, columns);
                });
            }
            Cell::Gru => {
                let [a, b, c] = shared;
                let grids = [a, b, c, sequences.step(inner, t, 1)];
                threads::for_each_columns(grids, UNITS, order, |units, columns| {
                    let step = step(units);
                    let bias = [0, 1, 2, 3].map(|row| of_bias(&step.units, row));
                    gru::forward(&step, &product(&step), bias, &now, columns);
                });
            }
        }
        std::mem::swap(&mut now, &mut next);
    }
    last_hidden.copy_from_slice(&now);
}

/// What a backward pass reads and fills.
pub(crate) struct Backward<'a> {
    /// As the forward pass left them.
    pub(crate) gates: &'a [f32],
    pub(crate) inner: &'a [f32],
    /// (B · T, H): an LSTM's cells or a GRU's hidden states, each one step before; nothing for a plain RNN.
    pub(crate) previous: &'a [f32],
    /// (B · T, H): the hidden states.
    pub(crate) out: &'a [f32],
    /// (B · T, H): their slopes, without what comes back through the recurrence.
    pub(crate) dy: &'a [f32],
    /// (B · T, G · H): filled with the slopes of the gates before their activation, as the inputs' part has them.
    pub(crate) d_gates: &'a mut [f32],
    /// (B · T, G · H): for a GRU filled with the same as the state's part has them; elsewhere the two are equal and this
    /// is empty.
    pub(crate) d_products: &'a mut [f32],
    /// (states · B, H): the slopes of the last state, replaced by those of the initial one.
    pub(crate) carried: &'a mut [f32],
}

/// Runs all steps from the last to the first; `weight` is the state's (G · H, H).
pub(crate) fn backward(sequences: &Sequences, format: Format, weight: &[f32], pass: Backward) {
    let &Sequences { cell, batch, time, hidden, .. } = sequences;
    let gates = cell.gates();
    let depth = gates * hidden;
    let packed = Packed::parallel(format, Matrix::rows(weight, hidden), depth, hidden);
    let Backward { gates: values, inner, previous, out, dy, d_gates, d_products, carried } = pass;
    let (carried, d_cells) = carried.split_at_mut(batch * hidden);
    // The slopes of the state's product one step later. What they give is not there yet at the last step.
    let (mut later, mut now) = (Buffer::scratch(batch * depth), Buffer::scratch(batch * depth));
    let mut room = Buffer::scratch(0);
    for t in (0..time).rev() {
        let order = Order::Own { is_reversed: t % 2 == 1 };
        let words = Words::of(format, &later, depth, &mut room);
        let product = |step: &Step| product_of(step, &words, &packed, t + 1 < time);
        let step = |units| Step { sequences: *sequences, t, units };
        let shared = [sequences.state(carried, 1), sequences.state(&mut now, gates), sequences.step(d_gates, t, gates)];
        match cell {
            Cell::Rnn => threads::for_each_columns(shared, UNITS, order, |units, columns| {
                let step = step(units);
                rnn::backward(&step, &product(&step), out, dy, columns);
            }),
            Cell::Lstm => {
                let [a, b, c] = shared;
                threads::for_each_columns([a, b, c, sequences.state(d_cells, 1)], UNITS, order, |units, columns| {
                    let step = step(units);
                    lstm::backward(&step, &product(&step), [values, inner, previous, dy], columns);
                });
            }
            Cell::Gru => {
                let [a, b, c] = shared;
                threads::for_each_columns(
                    [a, b, c, sequences.step(d_products, t, gates)],
                    UNITS,
                    order,
                    |units, columns| {
                        let step = step(units);
                        gru::backward(&step, &product(&step), [values, inner, previous, dy], columns);
                    },
                );
            }
        }
        std::mem::swap(&mut later, &mut now);
    }
    let words = Words::of(format, &later, depth, &mut room);
    threads::for_each_columns([sequences.state(carried, 1)], UNITS, Order::Any, |units, [mut carried]| {
        let step = Step { sequences: *sequences, t: 0, units };
        let product = product_of(&step, &words, &packed, true);
        for (b, product) in product.chunks_exact(step.width()).enumerate() {
            let [carried] = carried.row(b);
            super::vector::add_assign(product, carried);
        }
    });
}

/// The slopes (B, units) that come back to a state from the products of the step after it, if there is one.
fn product_of(step: &Step, words: &Words, packed: &Packed, is_there: bool) -> Buffer {
    let mut product = Buffer::scratch(step.batch() * step.width());
    if is_there {
        words.product(step.units.clone(), packed, &mut product, step.width());
    } else {
        product.fill(0.0);
    }
    product
}
