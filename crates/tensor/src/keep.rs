//! What a tape keeps of a step, which is most of the memory that training needs.
//!
//! A derivative seldom needs all that was computed. Of `x + f(norm(x))` it needs x, and what norm(x) was follows from that.
//! [`Tape::release`] is how a model says that no operation to come will read a value; the tape then lets go of it when no
//! derivative reads it either, or when it is one pass over values that are kept anyway. [`Tape::checkpoint`] goes further:
//! of a whole part of the model only the input stays, and the part is computed again when its derivatives are due (Chen,
//! Xu, Zhang & Guestrin, "Training deep nets with sublinear memory cost", 2016). What is made again is made by the same code
//! from the same values (dropout is a function of its seed), so gradients are the same bits in every case.

use crate::lists::Node;
use crate::ops::Op;
use crate::ops::again::again;
use crate::ops::rope::Cached;
use crate::{Parameters, Tape, TensorError, Var};

impl Tape<'_> {
    /// No operation to come will read `var`: its values may go now. Derivatives are what they were without this; an operation
    /// that is given a released value refuses it.
    ///
    /// # Panics
    /// When `var` was made by a longer tape.
    pub fn release(&mut self, var: Var) {
        let index = var.index();
        // What a checkpointed part starts from is not the part's to release.
        if index < self.part_from {
            return;
        }
        let (before, rest) = self.lists.nodes.split_at_mut(index);
        let node = &mut rest[0];
        node.is_released = true;
        if !self.is_recording {
            return node.value.drop_values();
        }
        if !(node.is_read || node.needs_gradient && node.op.reads_output()) {
            // Inside a part that will be computed again, only what can be.
            if self.part_from == 0 || node.op.is_repeatable() {
                node.value.drop_values();
            }
            return;
        }
        let is_at_hand = |node: &Node| !node.is_absent() || (node.is_read && node.op.is_cheap());
        if node.op.is_cheap() && node.op.inputs(self.parameters).all(|input| is_at_hand(&before[input.var.index()])) {
            node.value.drop_values();
            for input in node.op.inputs(self.parameters) {
                before[input.var.index()].is_read = true;
            }
        }
    }

    /// [`Tape::release`] for several.
    ///
    /// # Panics
    /// When one was made by a longer tape.
    pub fn release_all(&mut self, vars: impl IntoIterator<Item = Var>) {
        vars.into_iter().for_each(|var| self.release(var));
    }

    /// `var` stays when the part under [`Tape::checkpoint`] that it was made in ends, because something after the part reads it.
    ///
    /// # Panics
    /// When `var` was made by a longer tape.
    pub fn keep(&mut self, var: Var) {
        self.lists.nodes[var.index()].is_kept = true;
    }

    /// Whether [`Tape::checkpoint`] does what it says; off at first, when it runs its part and no more. So a model can name its
    /// parts always, and whoever trains it decides between memory and time.
    pub fn set_checkpointing(&mut self, is_on: bool) {
        self.checkpoints = is_on;
    }

    /// `part(tape, x)`, of which nothing stays but its result and `x`: its values are computed again in the backward pass.
    /// That takes about a third of the part's time more and gives the same bits.
    ///
    /// The part may read values made before it, beside `x`. Its own, other than the result and those under [`Tape::keep`], are
    /// released when it ends. Parts do not nest: one within another is simply a piece of it.
    ///
    /// # Errors
    /// Those of the part.
    pub fn checkpoint<E: From<TensorError>>(
        &mut self,
        x: Var,
        part: impl FnOnce(&mut Self, Var) -> Result<Var, E>,
    ) -> Result<Var, E> {
        if !self.checkpoints || self.part_from > 0 || !self.is_recording {
            return part(self, x);
        }
        let first = self.lists.nodes.len();
        self.part_from = first;
        let result = part(self, x);
        self.part_from = 0;
        let result = result?;
        let (before, nodes) = self.lists.nodes.split_at_mut(first);
        for (index, node) in nodes.iter_mut().enumerate() {
            for input in node.op.inputs(self.parameters) {
                if let Some(outside) = before.get_mut(input.var.index()) {
                    outside.is_read = true;
                }
            }
            if first + index != result.index() && node.op.is_repeatable() && !node.is_kept {
                node.is_released = true;
                node.value.drop_values();
            }
            if let Op::Experts { kept, .. } = &mut node.op {
                kept.let_go();
            }
        }
        Ok(result)
    }
}

/// Makes the value of node `index` again where it was let go, and before that those of its inputs.
pub(crate) fn restore(nodes: &mut [Node], parameters: &Parameters, turns: &[Cached], index: usize) {
    if !nodes[index].is_absent() {
        return;
    }
    let (before, rest) = nodes.split_at_mut(index);
    let node = &mut rest[0];
    for input in node.op.inputs(parameters) {
        restore(before, parameters, turns, input.var.index());
    }
    if let Some(values) = again(&node.op, node.len(), before, parameters, turns) {
        node.value.put_values(values);
        node.is_restored = true;
    }
    // Inputs that no derivative reads were only needed for this.
    for input in node.op.inputs(parameters) {
        let input = &mut before[input.var.index()];
        if !input.is_read {
            input.drop_restored();
        }
    }
}
