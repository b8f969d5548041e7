//! What an operation takes, what its derivative reads of that, and how its value is made again: the second table beside
//! `backward.rs`. [`crate::Tape::release`] and [`crate::Tape::checkpoint`] stand on it.

use super::rope::Cached;
use super::{Op, activation, attention, elementwise, embedding, experts, linear, norm, rope, rows};
use crate::buffer::Buffer;
use crate::lists::Node;
use crate::{Parameters, Var};

/// The pattern of operations whose values [`again`] does not make.
macro_rules! unrepeatable {
    () => {
        Op::Input
            | Op::Forgotten(_)
            | Op::LinearCrossEntropy { .. }
            | Op::LinearLogProbs { .. }
            | Op::Route { .. }
            | Op::RouterLoss { .. }
            | Op::Recurrent { .. }
            | Op::SegmentSum { .. }
            | Op::Sum { .. }
    };
}

/// An input of an operation.
pub(crate) struct Taken {
    pub(crate) var: Var,
    /// Whether the derivative reads its value.
    pub(crate) is_read: bool,
}

impl Op {
    /// Every input, in order.
    pub(crate) fn inputs(&self, parameters: &Parameters) -> impl Iterator<Item = Taken> {
        let read = |var: &Var| Some(Taken { var: *var, is_read: true });
        let passed = |var: &Var| Some(Taken { var: *var, is_read: false });
        let mut more: &[Var] = &[];
        let inputs = match self {
            Op::Input | Op::Forgotten(_) | Op::Embedding { .. } => [None, None, None],
            Op::Linear { x, weight, .. } => {
                [Some(Taken { var: *x, is_read: parameters.is_trainable(*weight) }), None, None]
            }
            Op::RmsNorm { x, .. } | Op::LayerNorm { x, .. } | Op::Gelu { x } | Op::Curve { x, .. } => {
                [read(x), None, None]
            }
            Op::LinearLogProbs { x, .. } => [read(x), None, None],
            Op::Attention { q, k, v, .. } => [read(q), read(k), read(v)],
            Op::SwiGlu { gate: a, up: b } | Op::GeGlu { gate: a, up: b } | Op::Mul { a, b } => [read(a), read(b), None],
            Op::Add { a, b } => [passed(a), passed(b), None],
            Op::Rope { x, .. } | Op::Rows { x, .. } | Op::Scale { x, .. } | Op::Dropout { x, .. } => {
                [passed(x), None, None]
            }
            // Its slopes were found in the forward pass.
            Op::LinearCrossEntropy { x, .. } => [passed(x), None, None],
            Op::Gather { x, .. } | Op::SegmentSum { x, .. } | Op::Sum { x, .. } => [passed(x), None, None],
            Op::Route { logits, .. } => [read(logits), None, None],
            Op::Experts { x, weights, .. } => [read(x), read(weights), None],
            Op::Recurrent { x, kept } => [read(x), kept.initial.as_ref().and_then(read), None],
            Op::RouterLoss { logits, .. } => {
                more = logits;
                [None, None, None]
            }
        };
        inputs.into_iter().flatten().chain(more.iter().filter_map(passed))
    }

    /// Whether the derivative reads the value itself.
    pub(crate) fn reads_output(&self) -> bool {
        matches!(self, Op::Attention { .. } | Op::Route { .. } | Op::Recurrent { .. })
    }

    /// Whether making the value again costs little beside what follows from it: a pass over memory.
    pub(crate) fn is_cheap(&self) -> bool {
        matches!(
            self,
            Op::RmsNorm { .. }
                | Op::LayerNorm { .. }
                | Op::SwiGlu { .. }
                | Op::Gelu { .. }
                | Op::GeGlu { .. }
                | Op::Curve { .. }
                | Op::Mul { .. }
                | Op::Scale { .. }
        )
    }

    /// Whether [`again`] can make the value.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self, unrepeatable!())
    }
}

/// The `len` values of an operation, made again from those of its inputs by the code that made it: the same bits. `None` where
/// that is not offered.
pub(crate) fn again(op: &Op, len: usize, nodes: &[Node], parameters: &Parameters, turns: &[Cached]) -> Option<Buffer> {
    let value = |var: Var| nodes[var.index()].value.values();
    let weights = |id| parameters.get(id).values();
    Some(match op {
        Op::Embedding { table, ids } => embedding::forward(weights(*table), parameters.get(*table).shape()[1], ids),
        Op::Linear { x, weight, bias } => linear::forward(parameters, value(*x), *weight, *bias),
        Op::RmsNorm { x, gain, eps, .. } => norm::rms_forward(value(*x), weights(*gain), *eps).0,
        Op::LayerNorm { x, gain, bias, eps, .. } => {
            norm::layer_forward(value(*x), weights(*gain), weights(*bias), *eps).0
        }
        Op::Rope { x, turns: index } => {
            rope::forward(value(*x), nodes[x.index()].value.shape()[1], &turns[*index].turns)
        }
        Op::Attention { q, k, v, shape, scoring, .. } => {
            attention::forward(shape, scoring, [value(*q), value(*k), value(*v)]).0
        }
        Op::SwiGlu { gate, up } => activation::swiglu_forward(value(*gate), value(*up)),
        Op::Gelu { x } => activation::gelu_forward(value(*x)),
        Op::GeGlu { gate, up } => activation::geglu_forward(value(*gate), value(*up)),
        Op::Curve { x, curve } => activation::curve_forward(*curve, value(*x)),
        Op::Add { a, b } => elementwise::sum(value(*a), value(*b)),
        Op::Mul { a, b } => elementwise::product(value(*a), value(*b)),
        Op::Scale { x, factor } => elementwise::scaled(value(*x), *factor),
        Op::Dropout { x, p, seed } => elementwise::dropped(value(*x), *p, *seed),
        Op::Experts { x, weights: shares, experts, kept } => {
            let width = nodes[x.index()].value.shape()[1];
            experts::forward(parameters, value(*x), width, value(*shares), experts, &kept.plan).0
        }
        Op::Gather { x, rows } => embedding::forward(value(*x), nodes[x.index()].value.shape()[1], rows),
        Op::Rows { x, first } => {
            let columns = nodes[x.index()].value.shape()[1];
            rows::forward(&value(*x)[first * columns..][..len])
        }
        unrepeatable!() => return None,
    })
}
