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
        let mut gates: [&mut [f32]; 4] = gates.row(b);
        let ([next], [out], [cell], [kept]) = (next.row(b), out.row(b), cells.row(b), kept.row(b));
        for at in (0..width).step_by(LANES) {
            let before = |gate: usize, x: &[f32]| {
                sum3(load(x, at), load(&product[gate * width..][..width], at), load(bias[gate], at))
            };
            let i = map(before(0, gates[0]), sigmoid::<FMA>);
            let f = map(before(1, gates[1]), sigmoid::<FMA>);
            let g = map(before(2, gates[2]), tanh::<FMA>);
            let o = map(before(3, gates[3]), sigmoid::<FMA>);
            let mut c = load(cell, at);
            for lane in 0..LANES {
                c[lane] = fma::<FMA>(f[lane], c[lane], i[lane] * g[lane]);
            }
            let mut h = map(c, tanh::<FMA>);
            for lane in 0..LANES {
                h[lane] *= o[lane];
            }
            for (gate, value) in gates.iter_mut().zip([i, f, g, o]) {
                store(gate, at, value);
            }
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
        let gates = [0, 1, 2, 3].map(|gate| step.part(gates, b, (gate, 4)));
        let [cell, previous, dy] = [cells, previous, dy].map(|data| step.part(data, b, (0, 1)));
        let (d_products, d_gates) = (d_products.row::<4>(b), d_gates.row::<4>(b));
        let ([carried], [d_cell]) = (carried.row(b), d_cells.row(b));
        for at in (0..step.width()).step_by(LANES) {
            let (mut dh, mut dc) = (load(dy, at), [0.0; LANES]);
            if continues {
                dh = sum3(dh, load(product, at), load(carried, at));
                dc = load(d_cell, at);
            }
            let [i, f, g, o] = gates.map(|gate| load(gate, at));
            let (before, t) = (load(previous, at), map(load(cell, at), tanh::<FMA>));
            let mut slopes = [[0.0; LANES]; 4];
            for lane in 0..LANES {
                dc[lane] += dh[lane] * o[lane] * (1.0 - t[lane] * t[lane]);
                slopes[0][lane] = dc[lane] * g[lane] * i[lane] * (1.0 - i[lane]);
                slopes[1][lane] = dc[lane] * before[lane] * f[lane] * (1.0 - f[lane]);
                slopes[2][lane] = dc[lane] * i[lane] * (1.0 - g[lane] * g[lane]);
                slopes[3][lane] = dh[lane] * t[lane] * o[lane] * (1.0 - o[lane]);
                dc[lane] *= f[lane];
            }
            for (gate, slopes) in slopes.into_iter().enumerate() {
                store(d_products[gate], at, slopes);
                store(d_gates[gate], at, slopes);
            }
            store(d_cell, at, dc);
            store(carried, at, [0.0; LANES]);
        }
    }
}
