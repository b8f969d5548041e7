//! Where a loss or a gradient that is no number comes from.
//!
//! Nothing is checked while training goes well: a loss and a gradient norm tell when something is wrong. Only then the
//! batch is gone over again with somebody watching the tape, which finds the first value that is no number: forward, in
//! the order of operations, or backward, in the order of derivatives.

use std::fmt;

use serde::Serialize;
use tensor::{Gradients, Parameters, Part, Seen, Tape, Tensor};

use crate::batch::{DataSet, TrainBatch};
use crate::carried::Carried;
use crate::run::Run;
use crate::update::{dropout, score, totals};

/// The first value that is no number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trap {
    /// Whether it appeared on the way back, in a slope or a gradient.
    pub backward: bool,
    /// The operation, or, on the way back, the operation whose derivative it is.
    pub op: &'static str,
    /// The part of the model, such as `layers.3.mlp`.
    pub layer: String,
    /// The weight of the operation; where the value is a gradient, the parameter it is the gradient of.
    pub parameter: Option<String>,
    /// `output`, `slope` (of an input of the operation) or `gradient` (of its parameter).
    pub part: &'static str,
    /// The value; the largest one, where all are finite and only their squares are too large to be summed.
    pub value: f32,
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// The token the row belongs to, where rows are tokens.
    pub token: Option<Token>,
    /// A weight that was no number before the step: its name, row, column and value.
    pub weight: Option<(String, usize, usize, f32)>,
}

/// A token of a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// What it stands in: `row 17 of the data, place 3, document 5`.
    pub place: String,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trap { op, value, row, column, .. } = self;
        match (self.part, value.is_finite()) {
            (_, true) => write!(f, "all gradients are finite, but their squares are not; the largest is {value:e}")?,
            ("output", _) => write!(f, "going forward, the first such value is {value} in the output of {op}")?,
            (part, _) => write!(f, "going backward, the first such value is {value} in the {part} that {op} gives")?,
        }
        let layer = Some(self.layer.as_str()).filter(|layer| !layer.is_empty());
        let place: Vec<&str> = layer.into_iter().chain(self.parameter.as_deref()).collect();
        if !place.is_empty() {
            write!(f, " ({})", place.join(", "))?;
        }
        write!(f, " at row {row}, column {column}")?;
        if let Some(Token { id, place }) = &self.token {
            write!(f, ", which is token {id} of {place}")?;
        }
        if let Some((name, row, column, value)) = &self.weight {
            write!(f, "; {name} itself holds {value} at row {row}, column {column}")?;
        }
        Ok(())
    }
}

/// The batches to go over.
pub(crate) struct Rows<'a> {
    pub(crate) data: &'a dyn DataSet,
    pub(crate) batches: &'a [(Vec<u64>, TrainBatch)],
    /// The batch of the training order that they are the micro-batches of; none for held-out rows.
    pub(crate) index: Option<u64>,
    /// What they go on from.
    pub(crate) carried: &'a Carried,
}

impl Rows<'_> {
    /// What training drops in micro-batch `micro`, and the state it goes on from.
    fn from(&self, run: &Run, micro: usize) -> (Option<(f32, u64)>, &[Tensor]) {
        match self.index {
            Some(index) => (dropout(run.config, index, micro), self.carried.of(index, micro)),
            None => (None, &[]),
        }
    }

    /// The token of row `row` of a value of `rows` rows that micro-batch `micro` made.
    fn token(&self, micro: usize, row: usize, rows: usize) -> Option<Token> {
        let (indices, batch) = &self.batches[micro];
        let id = *batch.ids.get(row)?;
        (rows == batch.ids.len()).then(|| Token { id, place: self.data.place(indices, batch, row) })
    }
}

/// What a watcher keeps of the first value that is no number.
struct Found {
    part: Part,
    scope: String,
    op: &'static str,
    parameter: Option<tensor::ParamId>,
    rows: usize,
    at: (f32, usize, usize),
}

impl Found {
    fn in_value(seen: &Seen) -> Option<Found> {
        let at = seen.first_not_finite()?;
        let rows = seen.values.len() / seen.columns.max(1);
        Some(Found { part: seen.part, scope: seen.scope.to_owned(), op: seen.op, parameter: seen.parameter, rows, at })
    }

    fn trap(self, parameters: &Parameters, token: Option<Token>) -> Trap {
        let (value, row, column) = self.at;
        Trap {
            backward: self.part != Part::Output,
            op: self.op,
            layer: self.scope,
            parameter: self.parameter.map(|id| parameters.name(id).to_owned()),
            part: match self.part {
                Part::Output => "output",
                Part::Slope => "slope",
                Part::Gradient => "gradient",
            },
            value,
            row,
            column,
            token,
            weight: broken_weight(parameters),
        }
    }
}

/// The first value that is no number going forward; `None` when every operation's output is finite.
pub(crate) fn forward(run: &Run, parameters: &Parameters, rows: &Rows) -> Option<Trap> {
    let totals = totals(rows.batches);
    for (micro, (_, batch)) in rows.batches.iter().enumerate() {
        let mut first: Option<Found> = None;
        let mut watch = |seen: &Seen| {
            if first.is_none() {
                first = Found::in_value(seen);
            }
        };
        let mut tape = Tape::forward_only(parameters);
        tape.watch(&mut watch);
        // What fails here is found by what was seen before it.
        drop(score(run, &mut tape, batch, &totals, rows.from(run, micro)));
        let Some(mut found) = first else { continue };
        if found.op == "linear_cross_entropy" {
            // The loss is one number made of many rows; the row is the first whose own loss is no number.
            if let Some(row) = row_of_loss(run, parameters, batch, rows.from(run, micro)) {
                (found.at.1, found.rows) = (row, batch.ids.len());
            }
        }
        let token = rows.token(micro, found.at.1, found.rows);
        return Some(found.trap(parameters, token));
    }
    None
}

/// The first row of a batch whose loss is no number.
fn row_of_loss(
    run: &Run,
    parameters: &Parameters,
    batch: &TrainBatch,
    (dropout, carried): (Option<(f32, u64)>, &[Tensor]),
) -> Option<usize> {
    let mut tape = Tape::forward_only(parameters);
    let hidden = run.network.pass(&mut tape, &batch.input(), carried, dropout).ok()?.hidden;
    let counted = batch.targets.iter().zip(&batch.is_target);
    let targets: Vec<Option<u32>> = counted.map(|(&target, &counts)| counts.then_some(target)).collect();
    let rows = run.network.before_head(&mut tape, hidden).ok()?;
    let losses = tape.linear_log_probs(rows, run.network.head(), &targets).ok()?;
    tape.value(losses).to_f32_vec().iter().position(|loss| !loss.is_finite())
}

/// The first value that is no number going backward, where the losses are finite; or, when all gradients are finite and
/// only their norm is not, the largest of them.
pub(crate) fn backward(run: &Run, parameters: &Parameters, rows: &Rows) -> Option<Trap> {
    let totals = totals(rows.batches);
    let mut gradients = Gradients::zeros_like(parameters);
    for (micro, (_, batch)) in rows.batches.iter().enumerate() {
        let mut tape = Tape::new(parameters);
        let (scored, _) = score(run, &mut tape, batch, &totals, rows.from(run, micro)).ok()?;
        let mut first: Option<Found> = None;
        let mut watch = |seen: &Seen| {
            if first.is_none() {
                first = Found::in_value(seen);
            }
        };
        tape.backward_watched(scored.output, &scored.seed, &mut gradients, &mut watch).ok()?;
        drop(tape);
        if let Some(found) = first {
            let token = match found.part {
                Part::Gradient => None,
                _ => rows.token(micro, found.at.1, found.rows),
            };
            return Some(found.trap(parameters, token));
        }
    }
    largest(parameters, &gradients)
}

fn largest(parameters: &Parameters, gradients: &Gradients) -> Option<Trap> {
    let values = parameters
        .iter()
        .flat_map(|(id, _, _)| gradients.get(id).iter().enumerate().map(move |(index, value)| (id, index, *value)));
    let (id, index, value) = values.max_by(|a, b| a.2.abs().total_cmp(&b.2.abs()))?;
    let columns = parameters.get(id).shape().last().copied().unwrap_or(1).max(1);
    let at = (value, index / columns, index % columns);
    let found =
        Found { part: Part::Gradient, scope: String::new(), op: "gradient norm", parameter: Some(id), rows: 0, at };
    Some(found.trap(parameters, None))
}

/// The first weight that is no number.
fn broken_weight(parameters: &Parameters) -> Option<(String, usize, usize, f32)> {
    parameters.iter().find_map(|(_, name, tensor)| {
        let values = tensor.as_f32().ok()?;
        let columns = tensor.shape().last().copied().unwrap_or(1).max(1);
        let index = values.iter().position(|value| !value.is_finite())?;
        Some((name.to_owned(), index / columns, index % columns, values[index]))
    })
}
