//! Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000), gates in PyTorch's
//! order: i, f, g, o = σ, σ, tanh, σ of W x + U h + b; c′ = f · c + i · g; h′ = o · tanh(c′).

use super::{Step, load, map, store, sum3};
use crate::kernels::lanes::{LANES, dispatch, fma, sigmoid, tanh};
use crate::threads::Columns;

dispatch! {
    /// Columns: gates, next state, output, cell carried on, cell kept.
    fn forward(step: &Step, product: &[f32], bias: [&[f32]; 4], columns: [Columns; 5]) = forward_body
}

#[inline(always)]
fn forward_body<const FMA: bool>(step: &Step, product: &[f32], bias: [&[f32]; 4], columns: [Columns; 5]) {
    let [mut gates, mut next, mut out, mut cells, mut kept] = columns;
    let width = step.width();
    for (b, product) in product.chunks_exact(4 * width).enumerate() {
        let continues = step.continues(b);
        let [gate_i, gate_f, gate_g, gate_o] = gates.row(b);
        let ([next], [out], [cell], [kept]) = (next.row(b), out.row(b), cells.row(b), kept.row(b));
        let (product_if, product_go) = product.split_at(2 * width);
        let (product_i, product_f) = product_if.split_at(width);
        let (product_g, product_o) = product_go.split_at(width);
        for at in (0..width).step_by(LANES) {
            let i = map(sum3(load(gate_i, at), load(product_i, at), load(bias[0], at)), sigmoid::<FMA>);
            let f = map(sum3(load(gate_f, at), load(product_f, at), load(bias[1], at)), sigmoid::<FMA>);
            let g = map(sum3(load(gate_g, at), load(product_g, at), load(bias[2], at)), tanh::<FMA>);
            let o = map(sum3(load(gate_o, at), load(product_o, at), load(bias[3], at)), sigmoid::<FMA>);
            let mut c = load(cell, at);
            for lane in 0..LANES {
                c[lane] = fma::<FMA>(f[lane], c[lane], i[lane] * g[lane]);
            }
            let mut h = map(c, tanh::<FMA>);
            for lane in 0..LANES {
                h[lane] *= o[lane];
            }
            store(gate_i, at, i);
            store(gate_f, at, f);
            store(gate_g, at, g);
            store(gate_o, at, o);
            store(kept, at, c);
            store(out, at, h);
            let zeros = [0.0; LANES];
            store(cell, at, if continues { c } else { zeros });
            store(next, at, if continues { h } else { zeros });
        }
    }
}

dispatch! {
    /// Read: gates, cells, cells one step before, slopes of the output. Columns: slope that is carried to the hidden state
    /// before, slopes for its product, slopes of the gates, slope that is carried to the cell before.
    fn backward(step: &Step, product: &[f32], read: [&[f32]; 4], columns: [Columns; 4]) = backward_body
}

#[inline(always)]
fn backward_body<const FMA: bool>(step: &Step, product: &[f32], read: [&[f32]; 4], columns: [Columns; 4]) {
    let [mut carried, mut d_products, mut d_gates, mut d_cells] = columns;
    let [gates, cells, previous, dy] = read;
    for (b, product) in product.chunks_exact(step.width()).enumerate() {
        let continues = step.continues(b);
        let (gate_i, gate_f) = (step.part(gates, b, (0, 4)), step.part(gates, b, (1, 4)));
        let (gate_g, gate_o) = (step.part(gates, b, (2, 4)), step.part(gates, b, (3, 4)));
        let (cell, dy) = (step.part(cells, b, (0, 1)), step.part(dy, b, (0, 1)));
        let previous = step.part(previous, b, (0, 1));
        let [product_i, product_f, product_g, product_o] = d_products.row(b);
        let [slope_i, slope_f, slope_g, slope_o] = d_gates.row(b);
        let ([carried], [d_cell]) = (carried.row(b), d_cells.row(b));
        for at in (0..step.width()).step_by(LANES) {
            let (mut dh, mut dc) = (load(dy, at), [0.0; LANES]);
            if continues {
                dh = sum3(dh, load(product, at), load(carried, at));
                dc = load(d_cell, at);
            }
            let (i, f, g, o) = (load(gate_i, at), load(gate_f, at), load(gate_g, at), load(gate_o, at));
            let (before, t) = (load(previous, at), map(load(cell, at), tanh::<FMA>));
            let (mut di, mut df, mut dg, mut d_o) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                dc[lane] += dh[lane] * o[lane] * (1.0 - t[lane] * t[lane]);
                di[lane] = dc[lane] * g[lane] * i[lane] * (1.0 - i[lane]);
                df[lane] = dc[lane] * before[lane] * f[lane] * (1.0 - f[lane]);
                dg[lane] = dc[lane] * i[lane] * (1.0 - g[lane] * g[lane]);
                d_o[lane] = dh[lane] * t[lane] * o[lane] * (1.0 - o[lane]);
                dc[lane] *= f[lane];
            }
            store(product_i, at, di);
            store(product_f, at, df);
            store(product_g, at, dg);
            store(product_o, at, d_o);
            store(slope_i, at, di);
            store(slope_f, at, df);
            store(slope_g, at, dg);
            store(slope_o, at, d_o);
            store(d_cell, at, dc);
            store(carried, at, [0.0; LANES]);
        }
    }
}
