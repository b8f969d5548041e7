//! The simple recurrent cell (Elman 1990): h′ = tanh(W x + U h + b).

use super::{Step, load, map, store, sum3};
use crate::kernels::lanes::{LANES, dispatch, tanh};
use crate::threads::Columns;

dispatch! {
    /// Columns: gate, next state, output.
    fn forward(step: &Step, product: &[f32], bias: &[f32], columns: [Columns; 3]) = forward_body
}

#[inline(always)]
fn forward_body<const FMA: bool>(step: &Step, product: &[f32], bias: &[f32], columns: [Columns; 3]) {
    let [mut gates, mut next, mut out] = columns;
    for (b, product) in product.chunks_exact(step.width()).enumerate() {
        let continues = step.continues(b);
        let ([gate], [next], [out]) = (gates.row(b), next.row(b), out.row(b));
        for at in (0..step.width()).step_by(LANES) {
            let h = map(sum3(load(gate, at), load(product, at), load(bias, at)), tanh::<FMA>);
            store(gate, at, h);
            store(out, at, h);
            store(next, at, if continues { h } else { [0.0; LANES] });
        }
    }
}

dispatch! {
    /// Columns: slope that is carried to the state before, slopes for its product, slopes of the gate.
    fn backward(step: &Step, product: &[f32], out: &[f32], dy: &[f32], columns: [Columns; 3]) = backward_body
}

#[inline(always)]
fn backward_body<const FMA: bool>(step: &Step, product: &[f32], out: &[f32], dy: &[f32], columns: [Columns; 3]) {
    let [mut carried, mut d_products, mut d_gates] = columns;
    for (b, product) in product.chunks_exact(step.width()).enumerate() {
        let continues = step.continues(b);
        let (out, dy) = (step.part(out, b, (0, 1)), step.part(dy, b, (0, 1)));
        let ([carried], [d_product], [d_gate]) = (carried.row(b), d_products.row(b), d_gates.row(b));
        for at in (0..step.width()).step_by(LANES) {
            let mut dh = load(dy, at);
            if continues {
                dh = sum3(dh, load(product, at), load(carried, at));
            }
            let h = load(out, at);
            for lane in 0..LANES {
                dh[lane] *= 1.0 - h[lane] * h[lane];
            }
            store(carried, at, [0.0; LANES]);
            store(d_product, at, dh);
            store(d_gate, at, dh);
        }
    }
}
