//! The gated recurrent unit (Cho et al. 2014) as cuDNN and PyTorch have it, with the reset gate behind the state's
//! product: r, z = σ of W x + U h + b; n = tanh(Wₙ x + b + r · (Uₙ h + b′)); h′ = (1 − z) · n + z · h.

use super::{Step, load, map, store, sum3};
use crate::kernels::lanes::{LANES, dispatch, fma, sigmoid, tanh};
use crate::threads::Columns;

dispatch! {
    /// `hidden` is the state (B, H) before. Columns: gates, next state, output, what the reset gate multiplies.
    fn forward(step: &Step, product: &[f32], bias: [&[f32]; 4], hidden: &[f32], columns: [Columns; 4]) = forward_body
}

#[inline(always)]
fn forward_body<const FMA: bool>(
    step: &Step,
    product: &[f32],
    bias: [&[f32]; 4],
    hidden: &[f32],
    columns: [Columns; 4],
) {
    let [mut gates, mut next, mut out, mut inner] = columns;
    let width = step.width();
    let states = hidden.chunks_exact(step.sequences.hidden);
    for ((b, product), hidden) in product.chunks_exact(3 * width).enumerate().zip(states) {
        let continues = step.continues(b);
        let hidden = &hidden[step.units.clone()];
        let [reset, update, candidate] = gates.row(b);
        let ([next], [out], [inner]) = (next.row(b), out.row(b), inner.row(b));
        let (product_r, rest) = product.split_at(width);
        let (product_z, product_n) = rest.split_at(width);
        for at in (0..width).step_by(LANES) {
            let r = map(sum3(load(reset, at), load(product_r, at), load(bias[0], at)), sigmoid::<FMA>);
            let z = map(sum3(load(update, at), load(product_z, at), load(bias[1], at)), sigmoid::<FMA>);
            let mut m = load(product_n, at);
            let (x, bias, of_state) = (load(candidate, at), load(bias[2], at), load(bias[3], at));
            let mut n = [0.0; LANES];
            for lane in 0..LANES {
                m[lane] += of_state[lane];
                n[lane] = fma::<FMA>(r[lane], m[lane], x[lane] + bias[lane]);
            }
            let n = map(n, tanh::<FMA>);
            let mut h = load(hidden, at);
            for lane in 0..LANES {
                h[lane] = fma::<FMA>(z[lane], h[lane] - n[lane], n[lane]);
            }
            store(reset, at, r);
            store(update, at, z);
            store(candidate, at, n);
            store(inner, at, m);
            store(out, at, h);
            store(next, at, if continues { h } else { [0.0; LANES] });
        }
    }
}

dispatch! {
    /// Read: gates, what the reset gate multiplied, hidden states one step before, slopes of the output. Columns: slope
    /// that is carried to the hidden state before, slopes for its product, slopes of the gates, the latter for the product
    /// of all steps.
    fn backward(step: &Step, product: &[f32], read: [&[f32]; 4], columns: [Columns; 4]) = backward_body
}

#[inline(always)]
fn backward_body<const FMA: bool>(step: &Step, product: &[f32], read: [&[f32]; 4], columns: [Columns; 4]) {
    let [mut carried, mut d_products, mut d_gates, mut d_all_products] = columns;
    let [gates, inner, previous, dy] = read;
    for (b, product) in product.chunks_exact(step.width()).enumerate() {
        let continues = step.continues(b);
        let (reset, update) = (step.part(gates, b, (0, 3)), step.part(gates, b, (1, 3)));
        let (candidate, inner) = (step.part(gates, b, (2, 3)), step.part(inner, b, (0, 1)));
        let (previous, dy) = (step.part(previous, b, (0, 1)), step.part(dy, b, (0, 1)));
        let [slope_r, slope_z, slope_n] = d_gates.row(b);
        let [product_r, product_z, product_n] = d_products.row(b);
        let [all_r, all_z, all_n] = d_all_products.row(b);
        let [carried] = carried.row(b);
        for at in (0..step.width()).step_by(LANES) {
            let mut dh = load(dy, at);
            if continues {
                dh = sum3(dh, load(product, at), load(carried, at));
            }
            let (r, z, n) = (load(reset, at), load(update, at), load(candidate, at));
            let (before, m) = (load(previous, at), load(inner, at));
            let (mut dr, mut dz, mut dn, mut dm) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                dn[lane] = dh[lane] * (1.0 - z[lane]) * (1.0 - n[lane] * n[lane]);
                dr[lane] = dn[lane] * m[lane] * r[lane] * (1.0 - r[lane]);
                dz[lane] = dh[lane] * (before[lane] - n[lane]) * z[lane] * (1.0 - z[lane]);
                dm[lane] = dn[lane] * r[lane];
                dh[lane] *= z[lane];
            }
            store(carried, at, dh);
            store(slope_r, at, dr);
            store(slope_z, at, dz);
            store(slope_n, at, dn);
            store(product_r, at, dr);
            store(product_z, at, dz);
            store(product_n, at, dm);
            store(all_r, at, dr);
            store(all_z, at, dz);
            store(all_n, at, dm);
        }
    }
}
