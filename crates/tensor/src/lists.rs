//! The lists of a tape. They go from one tape to the next, so that a steady step asks for no memory.

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::buffer::Buffer;
use crate::kernels::vector;
use crate::ops::Op;
use crate::ops::rope::Cached;
use crate::{Result, Tensor, TensorError};

/// A value on a tape.
pub(crate) struct Node {
    pub(crate) value: Tensor,
    pub(crate) op: Op,
    /// Whether a trainable parameter stands behind the value.
    pub(crate) needs_gradient: bool,
    /// Which of the tape's scopes the operation stands in.
    pub(crate) scope: u32,
    /// Whether a derivative reads the value, or something that is made again from it.
    pub(crate) is_read: bool,
    /// Whether the model has done with the value.
    pub(crate) is_released: bool,
    /// Whether the value outlives the checkpointed part it was made in.
    pub(crate) is_kept: bool,
    /// Whether the value was let go and made again for a while.
    pub(crate) is_restored: bool,
}

impl Node {
    /// Whether the value was let go; its shape stays.
    pub(crate) fn is_absent(&self) -> bool {
        self.value.is_empty() && self.len() > 0
    }

    /// Values it has, or had.
    pub(crate) fn len(&self) -> usize {
        self.value.shape().iter().product()
    }

    /// Let go of a value that was made again.
    pub(crate) fn drop_restored(&mut self) {
        if std::mem::take(&mut self.is_restored) {
            self.value.drop_values();
        }
    }

    /// An error that tells the first value that is not finite.
    pub(crate) fn check_finite(&self) -> Result<()> {
        let values = self.value.values();
        if vector::all_finite(values) {
            return Ok(());
        }
        let columns = self.value.shape().last().copied().unwrap_or(1).max(1);
        match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((index, &value)) => {
                let (row, column) = (index / columns, index % columns);
                Err(TensorError::NotFinite { op: self.op.name(), value, row, column })
            }
            None => Ok(()),
        }
    }
}

/// What a tape fills in a step.
#[derive(Default)]
pub(crate) struct Lists {
    pub(crate) nodes: Vec<Node>,
    /// Turns of [`crate::Tape::rope`], once for every list of positions.
    pub(crate) turns: Vec<Cached>,
    /// For the backward pass: the slope of every node.
    pub(crate) slopes: Vec<Option<Buffer>>,
    pub(crate) scopes: Scopes,
}

/// Lists of tapes that are gone.
static SPARE: Mutex<Vec<Lists>> = Mutex::new(Vec::new());

impl Lists {
    /// Empty ones.
    pub(crate) fn take() -> Lists {
        SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop().unwrap_or_default()
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.nodes.clear();
        self.turns.clear();
        self.slopes.clear();
        self.scopes.used = 0;
        // Those that were never used, as the ones left behind below, go.
        if self.nodes.capacity() > 0 {
            let lists = Lists {
                nodes: std::mem::take(&mut self.nodes),
                turns: std::mem::take(&mut self.turns),
                slopes: std::mem::take(&mut self.slopes),
                scopes: std::mem::take(&mut self.scopes),
            };
            SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(lists);
        }
    }
}

/// The parts of a model that were begun, in order. Number 0 is none.
#[derive(Default)]
pub(crate) struct Scopes {
    names: Vec<String>,
    used: usize,
}

impl Scopes {
    /// Begin a part.
    pub(crate) fn begin(&mut self, part: impl std::fmt::Display) {
        if self.names.len() == self.used {
            self.names.push(String::new());
        }
        let name = &mut self.names[self.used];
        name.clear();
        // Writing to a string fails only where the part's own `Display` does; then the name is what came so far.
        _ = write!(name, "{part}");
        self.used += 1;
    }

    /// The number of the part that was begun last.
    pub(crate) fn now(&self) -> usize {
        self.used
    }

    /// The name of a part; empty for number 0.
    pub(crate) fn name(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|index| self.names[..self.used].get(index)).map_or("", String::as_str)
    }

    /// The part of the model a value belongs to.
    pub(crate) fn of(&self, node: &Node) -> &str {
        self.name(node.scope as usize)
    }
}
