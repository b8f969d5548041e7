//! The experts of a mixture: tokens are gathered by expert, go through its feed-forward block, and are added back with
//! their weights (Shazeer et al. 2017; the blocks are Mixtral's SwiGLU, Jiang et al. 2024).
//!
//! No token is dropped and no expert has a capacity: an expert's part is as long as the tokens sent to it. The order
//! inside a part is that of the tokens, and a token's experts are added in the order of its choices, so that the number
//! of threads never shows.

use std::sync::Arc;

use super::Op;
use super::router::Routing;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::kernels::matmul::{Format, Matrix, matmul, matmul_gram};
use crate::kernels::{activation, softmax, vector};
use crate::{ParamId, Parameters, Result, Tape, Tensor, TensorError, Var, threads};

/// Rows a block.
const ROWS: usize = 64;

/// The weights of one expert, `down(silu(gate(x)) · up(x))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertIds {
    /// (inner, width); goes through silu.
    pub gate: ParamId,
    /// (inner, width); is multiplied by it.
    pub up: ParamId,
    /// (width, inner).
    pub down: ParamId,
}

/// Which token stands where once they are gathered by expert. A choice is a token's slot: token · top_k + slot.
pub(crate) struct Plan {
    /// The choice at each gathered row.
    choice_at: Vec<u32>,
    /// The gathered row of each choice.
    row_of: Vec<u32>,
    /// The first gathered row of each expert, and the number of all.
    starts: Vec<usize>,
    top_k: usize,
}

impl Plan {
    fn new(chosen: &[u32], n_experts: usize, top_k: usize) -> Plan {
        let mut starts = vec![0; n_experts + 1];
        chosen.iter().for_each(|&expert| starts[expert as usize + 1] += 1);
        (0..n_experts).for_each(|expert| starts[expert + 1] += starts[expert]);
        let mut next = starts.clone();
        let (mut choice_at, mut row_of) = (vec![0; chosen.len()], vec![0; chosen.len()]);
        for (choice, &expert) in chosen.iter().enumerate() {
            let row = &mut next[expert as usize];
            choice_at[*row] = choice as u32;
            row_of[choice] = *row as u32;
            *row += 1;
        }
        Plan { choice_at, row_of, starts, top_k }
    }

    /// The gathered rows of every expert that has any.
    fn parts(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        self.starts.windows(2).map(|pair| pair[0]..pair[1]).enumerate().filter(|(_, rows)| !rows.is_empty())
    }

    /// The tokens' rows of `x`, gathered.
    fn gather(&self, x: &[f32], width: usize) -> Buffer {
        let mut out = Buffer::scratch(self.choice_at.len() * width);
        threads::for_each_chunk(&mut out, ROWS * width, |block, out| {
            for (out, &choice) in out.chunks_exact_mut(width).zip(&self.choice_at[block * ROWS..]) {
                out.copy_from_slice(&x[choice as usize / self.top_k * width..][..width]);
            }
        });
        out
    }

    /// `out[token] += Σ over its choices of weight · gathered row`; without weights they are 1.
    fn scatter_add(&self, gathered: &[f32], weights: Option<&[f32]>, width: usize, out: &mut [f32]) {
        threads::for_each_chunk(out, ROWS * width, |block, out| {
            for (token, out) in (block * ROWS..).zip(out.chunks_exact_mut(width)) {
                for choice in token * self.top_k..(token + 1) * self.top_k {
                    let row = &gathered[self.row_of[choice] as usize * width..][..width];
                    vector::add_scaled(weights.map_or(1.0, |weights| weights[choice]), row, out);
                }
            }
        });
    }
}

/// What the derivative needs beyond the inputs' values.
pub(crate) struct Kept {
    pub(crate) plan: Plan,
    /// What goes into silu, and what it is multiplied by, of all gathered rows; empty where they are to be made again.
    gates: Buffer,
    ups: Buffer,
}

impl Kept {
    /// Lets go of what the derivative can make again.
    pub(crate) fn let_go(&mut self) {
        self.gates = Buffer::default();
        self.ups = Buffer::default();
    }
}

impl Tape<'_> {
    /// The weighted sum of each token's experts: x (tokens, width) → (tokens, width), with the choices and weights of
    /// `routing`. Experts that no token chose cost nothing and get no gradient.
    ///
    /// # Errors
    /// When x is empty, the routing is of another number of tokens or experts, or the experts' shapes do not fit.
    pub fn experts(&mut self, x: Var, routing: &Routing, experts: &[ExpertIds]) -> Result<Var> {
        const OP: &str = "experts";
        let (tokens, width) = self.non_empty(OP, x)?;
        let expected = [tokens * routing.top_k, experts.len()];
        if expected != [routing.chosen.len(), routing.n_experts] {
            return Err(TensorError::shape(OP, [routing.chosen.len(), routing.n_experts], expected));
        }
        let inner = self.parameters.checked(OP, experts[0].gate)?.shape()[0];
        for expert in experts {
            for (id, expected) in
                [(expert.gate, [inner, width]), (expert.up, [inner, width]), (expert.down, [width, inner])]
            {
                let shape = self.parameters.checked(OP, id)?.shape();
                if *shape != expected {
                    return Err(TensorError::shape(OP, shape, expected));
                }
            }
        }
        let plan = Plan::new(&routing.chosen, experts.len(), routing.top_k);
        let (out, gates, ups) =
            forward(self.parameters, self.data(x), width, self.data(routing.weights), experts, &plan);
        let ids = experts.iter().flat_map(|expert| [expert.gate, expert.up, expert.down]);
        let needs =
            self.needs(x) || self.needs(routing.weights) || ids.into_iter().any(|id| self.parameters.is_trainable(id));
        let kept = Kept { plan, gates, ups };
        let op = Op::Experts { x, weights: routing.weights, experts: Arc::from(experts), kept };
        Ok(self.push(Tensor::matrix(tokens, width, out), op, needs))
    }
}

/// The weighted sum of each token's experts, and what their functions were made of: gates and ups.
pub(crate) fn forward(
    parameters: &Parameters,
    x: &[f32],
    width: usize,
    weights: &[f32],
    experts: &[ExpertIds],
    plan: &Plan,
) -> (Buffer, Buffer, Buffer) {
    let format = Format::of(parameters.compute_dtype());
    let inner = parameters.get(experts[0].gate).shape()[0];
    let gathered = plan.gather(x, width);
    let rows = plan.choice_at.len();
    let [mut gates, mut ups] = [0; 2].map(|_| Buffer::scratch(rows * inner));
    let mut branches = Buffer::scratch(rows * width);
    for (expert, part) in plan.parts() {
        let (rows, narrow, wide) =
            (part.len(), part.start * width..part.end * width, part.start * inner..part.end * inner);
        let (gates, ups) = (&mut gates[wide.clone()], &mut ups[wide]);
        open(parameters, &experts[expert], &gathered[narrow.clone()], width, gates, ups);
        let middle = swiglu(gates, ups, inner);
        let weight = Matrix::rows(parameters.get(experts[expert].down).values(), inner).t();
        matmul(format, (rows, width, inner), Matrix::rows(&middle, inner), weight, &mut branches[narrow], false);
    }
    let mut out = Buffer::zeros(x.len());
    plan.scatter_add(&branches, Some(weights), width, &mut out);
    (out, gates, ups)
}

/// Gates and ups of the rows `x` of one expert.
fn open(parameters: &Parameters, expert: &ExpertIds, x: &[f32], width: usize, gates: &mut [f32], ups: &mut [f32]) {
    let format = Format::of(parameters.compute_dtype());
    let (rows, inner) = (x.len() / width, gates.len() * width / x.len());
    for (id, out) in [(expert.gate, gates), (expert.up, ups)] {
        let weight = Matrix::rows(parameters.get(id).values(), width).t();
        matmul(format, (rows, inner, width), Matrix::rows(x, width), weight, out, false);
    }
}

/// `silu(gate) · up` of some rows.
fn swiglu(gates: &[f32], ups: &[f32], inner: usize) -> Buffer {
    let mut out = Buffer::scratch(gates.len());
    threads::for_each_chunk(&mut out, ROWS * inner, |block, out| {
        activation::swiglu_forward(&gates[block * ROWS * inner..], &ups[block * ROWS * inner..], out);
    });
    out
}

/// The derivative of [`Tape::experts`]. With y = Σ w · down(m), m = silu(gate) · up: the slope of m before its weight is
/// dy · down, so that of w is its product with m.
pub(crate) fn backward(to: &mut Slopes, x: Var, weights: Var, experts: &[ExpertIds], kept: &Kept, dy: &[f32]) {
    let Kept { plan, gates, ups } = kept;
    let (nodes, parameters) = (to.nodes, to.parameters);
    let format = Format::of(parameters.compute_dtype());
    let width = nodes[x.index()].value.shape()[1];
    let rows = plan.choice_at.len();
    let inner = parameters.get(experts[0].gate).shape()[0];
    let weight_of = nodes[weights.index()].value.values();
    let gathered = plan.gather(nodes[x.index()].value.values(), width);
    let slopes = plan.gather(dy, width);
    let mut d_gathered = Buffer::scratch(if to.needs(x) { rows * width } else { 0 });
    let mut d_weights = Buffer::scratch(rows);
    for (expert, part) in plan.parts() {
        let ExpertIds { gate, up, down } = experts[expert];
        let (rows, narrow, wide) =
            (part.len(), part.start * width..part.end * width, part.start * inner..part.end * inner);
        let mut again = [0; 2].map(|_| Buffer::default());
        let (gates, ups) = if gates.is_empty() {
            again = again.map(|_| Buffer::scratch(rows * inner));
            let [gates, ups] = &mut again;
            open(parameters, &experts[expert], &gathered[narrow.clone()], width, gates, ups);
            (&**gates, &**ups)
        } else {
            (&gates[wide.clone()], &ups[wide])
        };
        let mut middle = swiglu(gates, ups, inner);
        let mut d_middle = Buffer::scratch(rows * inner);
        let dy = &slopes[narrow.clone()];
        let matrix = |id: ParamId| parameters.get(id).values();
        let down_matrix = Matrix::rows(matrix(down), inner);
        matmul(format, (rows, inner, width), Matrix::rows(dy, width), down_matrix, &mut d_middle, false);
        threads::for_each_chunk(&mut d_weights[part.clone()], ROWS, |block, out| {
            let from = block * ROWS * inner;
            vector::row_dots(&d_middle[from..], &middle[from..], inner, out);
        });
        let choices = &plan.choice_at[part];
        threads::for_each_chunk2(&mut middle, ROWS * inner, &mut d_middle, ROWS * inner, |block, middle, d_middle| {
            let rows = middle.chunks_exact_mut(inner).zip(d_middle.chunks_exact_mut(inner));
            for ((middle, d_middle), &choice) in rows.zip(&choices[block * ROWS..]) {
                softmax::scale(middle, weight_of[choice as usize]);
                softmax::scale(d_middle, weight_of[choice as usize]);
            }
        });
        if parameters.is_trainable(down) {
            matmul_gram(format, (width, inner, rows), dy, &middle, to.gradients.get_mut(down));
        }
        let (mut d_up, mut d_gate) = (d_middle, middle);
        threads::for_each_chunk2(&mut d_gate, ROWS * inner, &mut d_up, ROWS * inner, |block, d_gate, d_up| {
            let from = block * ROWS * inner;
            activation::swiglu_backward(&gates[from..], &ups[from..], d_up, d_gate);
        });
        for (id, slope, is_added) in [(gate, &d_gate, false), (up, &d_up, true)] {
            if parameters.is_trainable(id) {
                let x = &gathered[narrow.clone()];
                matmul_gram(format, (inner, width, rows), slope, x, to.gradients.get_mut(id));
            }
            if to.needs(x) {
                let (slope, out) = (Matrix::rows(slope, inner), &mut d_gathered[narrow.clone()]);
                matmul(format, (rows, width, inner), slope, Matrix::rows(matrix(id), width), out, is_added);
            }
        }
    }
    if to.needs(x) {
        let mut dx = to.take_zeroed(x);
        plan.scatter_add(&d_gathered, None, width, &mut dx);
        to.put(x, dx);
    }
    if to.needs(weights) {
        let mut slope = to.take_zeroed(weights);
        slope.iter_mut().zip(&plan.row_of).for_each(|(slope, &row)| *slope += d_weights[row as usize]);
        to.put(weights, slope);
    }
}
