//! The backward table: which derivative belongs to which operation, on one page.
//!
//! Values are visited from the last to the first. A value's slope (dL/dvalue) is complete when it is visited, because
//! everything that uses it came later on the tape. What a derivative reads and the tape let go is made again before its visit.

use crate::buffer::Buffer;
use crate::keep::restore;
use crate::lists::{Lists, Node};
use crate::ops::rope::Cached;
use crate::ops::{self, Op};
use crate::watch::{Part, Seen};
use crate::{Gradients, Parameters, Tape, Var, profile};

/// The slopes found so far, and where parameters' slopes go.
pub(crate) struct Slopes<'t> {
    pub(crate) nodes: &'t [Node],
    pub(crate) parameters: &'t Parameters,
    pub(crate) gradients: &'t mut Gradients,
    of: &'t mut [Option<Buffer>],
    /// Whose slopes the operation at hand has added to, while somebody watches.
    touched: Option<Vec<usize>>,
}

impl Slopes<'_> {
    pub(crate) fn value(&self, var: Var) -> &[f32] {
        self.nodes[var.index()].value.values()
    }

    pub(crate) fn needs(&self, var: Var) -> bool {
        self.nodes[var.index()].needs_gradient
    }

    /// Take the slope of `var` to add to it: the buffer, and whether it is new and holds nothing meaningful yet.
    pub(crate) fn take(&mut self, var: Var) -> (Buffer, bool) {
        match self.of[var.index()].take() {
            Some(slope) => (slope, false),
            None => (Buffer::scratch(self.nodes[var.index()].len()), true),
        }
    }

    /// As [`Slopes::take`], with zeros for a new one.
    pub(crate) fn take_zeroed(&mut self, var: Var) -> Buffer {
        let (mut slope, is_new) = self.take(var);
        if is_new {
            slope.fill(0.0);
        }
        slope
    }

    /// Put a slope back after adding to it.
    pub(crate) fn put(&mut self, var: Var, slope: Buffer) {
        self.of[var.index()] = Some(slope);
        if let Some(touched) = &mut self.touched {
            touched.push(var.index());
        }
    }

    /// Shows what `node`'s derivative has added to.
    fn show(&mut self, node: &Node, scope: &str, watcher: &mut dyn FnMut(&Seen)) {
        let op = node.op.name();
        for index in self.touched.as_mut().map(std::mem::take).unwrap_or_default() {
            let columns = self.nodes[index].value.shape().last().copied().unwrap_or(1).max(1);
            let parameter = node.op.parameters().first().copied();
            if let Some(values) = self.of[index].as_deref() {
                watcher(&Seen { part: Part::Slope, scope, op, parameter, columns, values });
            }
        }
        for id in node.op.parameters().into_iter().filter(|&id| self.parameters.is_trainable(id)) {
            let columns = self.parameters.get(id).shape().last().copied().unwrap_or(1).max(1);
            let values = self.gradients.get(id);
            watcher(&Seen { part: Part::Gradient, scope, op, parameter: Some(id), columns, values });
        }
    }
}

/// Adds the derivatives of Σ `seed` · `loss` to `gradients`; shapes were checked. When `is_last`, what the tape keeps of a
/// value goes with the visit to it.
pub(crate) fn run(
    tape: &mut Tape,
    loss: Var,
    seed: &[f32],
    gradients: &mut Gradients,
    is_last: bool,
    mut watcher: Option<&mut dyn FnMut(&Seen)>,
) {
    let Tape { parameters, lists, .. } = tape;
    let Lists { nodes, turns, slopes: of, scopes, .. } = lists;
    of.clear();
    of.resize_with(loss.index() + 1, || None);
    of[loss.index()] = Some(Buffer::copy_of(seed));
    for index in (0..=loss.index()).rev() {
        if let Some(dy) = of[index].take().filter(|_| nodes[index].needs_gradient) {
            let start = profile::start();
            if nodes[index].op.reads_output() {
                restore(nodes, parameters, turns, index);
            }
            let (before, rest) = nodes.split_at_mut(index);
            let node = &mut rest[0];
            for input in node.op.inputs(parameters).filter(|input| input.is_read) {
                restore(before, parameters, turns, input.var.index());
            }
            if is_last && !node.op.reads_output() {
                node.value.drop_values();
            }
            let touched = watcher.is_some().then(Vec::new);
            let mut slopes = Slopes { nodes: before, parameters, gradients, of, touched };
            step(node, dy, turns, is_last, &mut slopes);
            profile::stop(start, "backward", node.op.name());
            if let Some(watcher) = &mut watcher {
                slopes.show(node, scopes.of(node), *watcher);
            }
        }
        let node = &mut nodes[index];
        node.drop_restored();
        if is_last {
            node.op = Op::Forgotten(node.op.name());
            node.value.drop_values();
        }
    }
    gradients.fill_missing(parameters);
}

/// One row of the table.
fn step(node: &mut Node, dy: Buffer, turns: &[Cached], is_last: bool, to: &mut Slopes) {
    let y = node.value.values();
    match &mut node.op {
        Op::Input | Op::Forgotten(_) => {}
        Op::Embedding { table, ids } => ops::embedding::backward(to, *table, ids, &dy),
        Op::Linear { x, weight, bias } => ops::linear::backward(to, *x, *weight, *bias, &dy),
        Op::RmsNorm { x, gain, inverse, .. } => ops::norm::rms_backward(to, *x, *gain, inverse, &dy),
        Op::LayerNorm { x, gain, bias, statistics, .. } => {
            ops::norm::layer_backward(to, *x, *gain, *bias, statistics, &dy);
        }
        Op::Rope { x, turns: index } => {
            ops::rope::backward(to, *x, &turns[*index].turns, node.value.shape()[1], dy);
        }
        Op::Attention { q, k, v, shape, scoring, log_sum_exp } => {
            ops::attention::backward(to, (*q, *k, *v), shape, scoring, y, log_sum_exp, &dy);
        }
        Op::SwiGlu { gate, up } => ops::activation::swiglu_backward(to, *gate, *up, dy),
        Op::Gelu { x } => ops::activation::gelu_backward(to, *x, dy),
        Op::GeGlu { gate, up } => ops::activation::geglu_backward(to, *gate, *up, dy),
        Op::Curve { x, curve } => ops::activation::curve_backward(to, *x, *curve, dy),
        Op::Add { a, b } => ops::elementwise::add_backward(to, *a, *b, dy),
        Op::Mul { a, b } => ops::elementwise::mul_backward(to, *a, *b, &dy),
        Op::Scale { x, factor } => ops::elementwise::scale_backward(to, *x, *factor, &dy),
        Op::Dropout { x, p, seed } => ops::elementwise::dropout_backward(to, *x, *p, *seed, &dy),
        Op::LinearCrossEntropy { x, head, slopes } => {
            // The slopes are as large as the weights: they become the gradient where there is none yet.
            let slopes = if is_last { std::mem::take(slopes) } else { slopes.clone() };
            ops::projection::cross_entropy_backward(to, *x, *head, slopes, dy[0]);
        }
        Op::LinearLogProbs { x, head, targets } => {
            ops::projection::log_probs_backward(to, *x, *head, targets, &dy);
        }
        Op::Route { logits, chosen, is_renormalized } => {
            ops::router::route_backward(to, *logits, chosen, *is_renormalized, y, &dy);
        }
        Op::Experts { x, weights, experts, kept } => ops::experts::backward(to, *x, *weights, experts, kept, &dy),
        Op::RouterLoss { logits, slopes, .. } => ops::router::loss_backward(to, logits, slopes, dy[0]),
        Op::Recurrent { x, kept } => ops::recurrent::backward(to, *x, kept, y, &dy),
        Op::Gather { x, rows } => ops::rows::gather_backward(to, *x, rows, &dy),
        Op::Rows { x, first } => ops::rows::backward(to, *x, *first, node.value.shape()[1], &dy),
        Op::SegmentSum { x, segment_of } => ops::reduce::segment_sum_backward(to, *x, segment_of, &dy),
        Op::Sum { x, factor } => ops::reduce::sum_backward(to, *x, *factor, dy[0]),
    }
}
