//! The tape: every operation's output, and what its derivative will need.

use crate::buffer::Buffer;
use crate::error::check_length;
use crate::lists::{Lists, Node};
use crate::ops::Op;
use crate::watch::{Part, Seen};
use crate::{DType, Gradients, Parameters, Result, Tensor, TensorError, backward, keep, profile};

/// A value on a [`Tape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var(u32);

impl Var {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a tape shows the values to that are put on it. Borrowed, since a boxed one would have to be dropped, and every
/// tape would hold on to its parameters to the end of its block.
type Watcher<'p> = &'p mut (dyn FnMut(&Seen) + 'p);

/// Records one step's operations over `parameters`. All values are matrices (rows, columns), with rows = batch · time
/// for activations; the operations stand in `ops`, one file a group.
///
/// Vars belong to the tape that made them. Passing another tape's is an error of the program and may panic.
pub struct Tape<'p> {
    pub(crate) parameters: &'p Parameters,
    pub(crate) lists: Lists,
    pub(crate) is_recording: bool,
    pub(crate) checkpoints: bool,
    /// The first node of the part under [`Tape::checkpoint`]; 0 outside of one.
    pub(crate) part_from: usize,
    watcher: Option<Watcher<'p>>,
    /// When the last operation ended, while the time of each is measured.
    clock: Option<std::time::Instant>,
}

impl<'p> Tape<'p> {
    /// A tape that can be differentiated.
    pub fn new(parameters: &'p Parameters) -> Tape<'p> {
        Tape {
            parameters,
            lists: Lists::take(),
            is_recording: true,
            checkpoints: false,
            part_from: 0,
            watcher: None,
            clock: profile::start(),
        }
    }

    /// A tape for values only: operations keep nothing for a derivative.
    pub fn forward_only(parameters: &'p Parameters) -> Tape<'p> {
        Tape { is_recording: false, ..Tape::new(parameters) }
    }

    /// From here on, operations belong to this part of the model, such as `layers.3.self_attn`. Errors and watchers name
    /// it; the numbers do not depend on it.
    pub fn scope(&mut self, part: impl std::fmt::Display) {
        self.lists.scopes.begin(part);
    }

    /// Show every value that is put on the tape from here on, at the moment it is made.
    pub fn watch(&mut self, watcher: &'p mut (dyn FnMut(&Seen) + 'p)) {
        self.watcher = Some(watcher);
    }

    /// `error` with the part of the model that the tape is in, when it was an operation of this tape that failed.
    pub fn located(&self, error: TensorError) -> TensorError {
        match (self.lists.scopes.name(self.lists.scopes.now()), error) {
            ("", error) | (_, error @ TensorError::In { .. }) => error,
            (part, error) => TensorError::In { part: part.to_owned(), source: Box::new(error) },
        }
    }

    /// Put a value on the tape; no derivative is taken by it. A bf16 tensor is widened.
    pub fn input(&mut self, tensor: Tensor) -> Var {
        let (rows, columns) = match tensor.shape() {
            &[rows, columns] => (rows, columns),
            shape => {
                let columns = shape.last().copied().unwrap_or(1);
                (tensor.len().checked_div(columns).unwrap_or(0), columns)
            }
        };
        let wide = if tensor.dtype() == DType::F32 { tensor } else { tensor.to_dtype(DType::F32) };
        let value = Tensor::matrix(rows, columns, Buffer::copy_of(wide.values()));
        self.push(value, Op::Input, false)
    }

    /// The value of `var`; without its values once it was [released](Tape::release).
    ///
    /// # Panics
    /// When `var` was made by a longer tape.
    pub fn value(&self, var: Var) -> &Tensor {
        &self.lists.nodes[var.index()].value
    }

    /// The rows and columns of `var`.
    ///
    /// # Panics
    /// When `var` was made by a longer tape.
    pub fn shape(&self, var: Var) -> (usize, usize) {
        match self.value(var).shape() {
            &[rows, columns] => (rows, columns),
            _ => (0, 0),
        }
    }

    /// The parameters the tape reads.
    pub fn parameters(&self) -> &'p Parameters {
        self.parameters
    }

    /// Add the derivatives of Σ `seed` · `loss` by every trainable parameter to `gradients`.
    ///
    /// `seed` is dL/d`loss`, one number for each of its values: `[1.0]` when `loss` is the objective itself.
    ///
    /// # Errors
    /// When the tape does not record, or `seed` or `gradients` do not fit.
    pub fn backward(&mut self, loss: Var, seed: &[f32], gradients: &mut Gradients) -> Result<()> {
        self.check_backward(loss, seed, gradients)?;
        backward::run(self, loss, seed, gradients, false, None);
        Ok(())
    }

    /// As [`Tape::backward`], for the last time: what the tape keeps is let go as the pass goes over it, so that gradients
    /// take its place.
    ///
    /// # Errors
    /// As [`Tape::backward`].
    pub fn finish(mut self, loss: Var, seed: &[f32], gradients: &mut Gradients) -> Result<()> {
        self.check_backward(loss, seed, gradients)?;
        backward::run(&mut self, loss, seed, gradients, true, None);
        Ok(())
    }

    /// As [`Tape::backward`], showing `watcher` what each operation adds to: first the slopes by its inputs, then the
    /// gradients of its parameters, both as they are after it. Slower, with the same result.
    ///
    /// # Errors
    /// As [`Tape::backward`].
    pub fn backward_watched(
        &mut self,
        loss: Var,
        seed: &[f32],
        gradients: &mut Gradients,
        watcher: &mut dyn FnMut(&Seen),
    ) -> Result<()> {
        self.check_backward(loss, seed, gradients)?;
        backward::run(self, loss, seed, gradients, false, Some(watcher));
        Ok(())
    }

    fn check_backward(&self, loss: Var, seed: &[f32], gradients: &Gradients) -> Result<()> {
        if !self.is_recording {
            return Err(TensorError::NotRecorded);
        }
        check_length("backward", "seeds", seed.len(), self.lists.nodes[loss.index()].len())?;
        if !gradients.fit(self.parameters) {
            return Err(TensorError::argument("backward", "the gradients belong to other parameters"));
        }
        Ok(())
    }

    /// An error that names the first operation with a value that is not finite, searched from the start of the tape to
    /// `var`; `Ok` when there is none.
    ///
    /// # Errors
    /// [`TensorError::NotFinite`].
    pub fn check_finite(&mut self, var: Var) -> Result<()> {
        let Lists { nodes, turns, scopes, .. } = &mut self.lists;
        for index in 0..=var.index() {
            // The first bad value may be one that was let go since.
            if nodes[index].op.is_repeatable() {
                keep::restore(nodes, self.parameters, turns, index);
            }
            let found = nodes[index].check_finite();
            nodes[index].drop_restored();
            found.map_err(|error| match scopes.of(&nodes[index]) {
                "" => error,
                part => TensorError::In { part: part.to_owned(), source: Box::new(error) },
            })?;
        }
        Ok(())
    }

    pub(crate) fn push(&mut self, value: Tensor, op: Op, needs_gradient: bool) -> Var {
        let var = Var(u32::try_from(self.lists.nodes.len()).unwrap_or(u32::MAX));
        let needs_gradient = needs_gradient && self.is_recording;
        profile::stop(self.clock, "forward", op.name());
        self.clock = profile::start();
        let scope = self.lists.scopes.now();
        if let Some(watcher) = &mut self.watcher {
            let columns = value.shape().last().copied().unwrap_or(1).max(1);
            let parameter = op.parameters().first().copied();
            let (scope, op, values) = (self.lists.scopes.name(scope), op.name(), value.values());
            watcher(&Seen { part: Part::Output, scope, op, parameter, columns, values });
        }
        // A tape that does not record lets go of what only a derivative would need.
        let op = if self.is_recording { op } else { Op::Forgotten(op.name()) };
        if needs_gradient {
            for input in op.inputs(self.parameters).filter(|input| input.is_read) {
                self.lists.nodes[input.var.index()].is_read = true;
            }
        }
        self.lists.nodes.push(Node {
            value,
            op,
            needs_gradient,
            scope: u32::try_from(scope).unwrap_or(u32::MAX),
            is_read: false,
            is_released: false,
            is_kept: false,
            is_restored: false,
        });
        var
    }

    /// The f32 values of `var`.
    pub(crate) fn data(&self, var: Var) -> &[f32] {
        self.lists.nodes[var.index()].value.values()
    }

    pub(crate) fn needs(&self, var: Var) -> bool {
        self.lists.nodes[var.index()].needs_gradient
    }

    /// An error when `var` was released.
    pub(crate) fn present(&self, op: &'static str, var: Var) -> Result<()> {
        match self.lists.nodes[var.index()].is_released {
            true => Err(TensorError::argument(op, "an input was released before")),
            false => Ok(()),
        }
    }

    /// An error unless `var` has at least one row and one column, and its values.
    pub(crate) fn non_empty(&self, op: &'static str, var: Var) -> Result<(usize, usize)> {
        self.present(op, var)?;
        let (rows, columns) = self.shape(var);
        match rows * columns {
            0 => Err(TensorError::Empty { op, shape: vec![rows, columns] }),
            _ => Ok((rows, columns)),
        }
    }

    /// An error unless both have the same shape.
    pub(crate) fn same_shape(&self, op: &'static str, a: Var, b: Var) -> Result<(usize, usize)> {
        let (left, right) = (self.shape(a), self.shape(b));
        match left == right {
            true => self.present(op, b).and_then(|()| self.non_empty(op, a)),
            false => Err(TensorError::shape(op, [left.0, left.1], [right.0, right.1])),
        }
    }
}
