//! Root-mean-square norm (Zhang & Sennrich 2019) and layer norm (Ba, Kiros & Hinton 2016), forward and backward.
//!
//! Shapes: x, dy, dx (rows, width); gain, bias (width); one statistic a row.

use super::lanes::{dispatch, dot, fma, sum, sum2};

/// Rows a block; gains' gradients are summed by block, then over blocks in order.
pub(crate) const ROWS: usize = 64;

dispatch! {
    /// `out = x · r · gain` with `r = 1 / √(mean(x²) + eps)`; keeps `r` a row in `inverse`.
    fn rms_forward(x: &[f32], gain: &[f32], eps: f32, out: &mut [f32], inverse: &mut [f32]) = rms_forward_body
}

#[inline(always)]
fn rms_forward_body<const FMA: bool>(x: &[f32], gain: &[f32], eps: f32, out: &mut [f32], inverse: &mut [f32]) {
    let width = gain.len();
    let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(inverse);
    for ((x, out), inverse) in rows {
        let r = 1.0 / (dot::<FMA>(x, x) / width as f32 + eps).sqrt();
        *inverse = r;
        for ((out, &x), &gain) in out.iter_mut().zip(x).zip(gain) {
            *out = x * r * gain;
        }
    }
}

dispatch! {
    /// `dx += r · (dy·gain − x · r² · mean(dy·gain·x))`, `d_gain += Σ dy · x · r`.
    fn rms_backward(
        x: &[f32], gain: &[f32], inverse: &[f32], dy: &[f32], dx: &mut [f32], d_gain: &mut [f32], is_first: bool,
    ) = rms_backward_body
}

#[inline(always)]
fn rms_backward_body<const FMA: bool>(
    x: &[f32],
    gain: &[f32],
    inverse: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    d_gain: &mut [f32],
    is_first: bool,
) {
    let width = gain.len();
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width)).zip(inverse);
    for (((x, dy), dx), &r) in rows {
        for ((d_gain, &x), &dy) in d_gain.iter_mut().zip(x).zip(dy) {
            *d_gain = fma::<FMA>(x * r, dy, *d_gain);
        }
        // dx holds dy·gain first, so that the row is read once.
        let product = gained_dot::<FMA>(x, dy, gain);
        let slope = -product * r * r * r / width as f32;
        if is_first {
            for (((dx, &x), &dy), &gain) in dx.iter_mut().zip(x).zip(dy).zip(gain) {
                *dx = fma::<FMA>(dy * gain, r, x * slope);
            }
        } else {
            for (((dx, &x), &dy), &gain) in dx.iter_mut().zip(x).zip(dy).zip(gain) {
                *dx += fma::<FMA>(dy * gain, r, x * slope);
            }
        }
    }
}

/// Σ x · dy · gain.
#[inline(always)]
fn gained_dot<const FMA: bool>(x: &[f32], dy: &[f32], gain: &[f32]) -> f32 {
    const LANES: usize = super::lanes::LANES;
    let mut sums = [0.0f32; LANES];
    let ((x, x_rest), (dy, dy_rest)) = (x.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
    let (gain, gain_rest) = gain.as_chunks::<LANES>();
    for ((x, dy), gain) in x.iter().zip(dy).zip(gain) {
        for i in 0..LANES {
            sums[i] = fma::<FMA>(x[i] * gain[i], dy[i], sums[i]);
        }
    }
    if !x_rest.is_empty() {
        let [x, dy, gain] = [x_rest, dy_rest, gain_rest].map(|rest| super::lanes::padded(rest, 0.0));
        for i in 0..LANES {
            sums[i] = fma::<FMA>(x[i] * gain[i], dy[i], sums[i]);
        }
    }
    super::lanes::tree_sum(sums)
}

dispatch! {
    /// `out = (x − mean) · r · gain + bias` with `r = 1 / √(variance + eps)`; keeps `mean, r` a row in `statistics`.
    fn layer_forward(
        x: &[f32], gain: &[f32], bias: &[f32], eps: f32, out: &mut [f32], statistics: &mut [f32],
    ) = layer_forward_body
}

#[inline(always)]
fn layer_forward_body<const FMA: bool>(
    x: &[f32],
    gain: &[f32],
    bias: &[f32],
    eps: f32,
    out: &mut [f32],
    statistics: &mut [f32],
) {
    let width = gain.len();
    let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(statistics.chunks_exact_mut(2));
    for ((x, out), statistics) in rows {
        let mean = sum(x) / width as f32;
        let variance = sum2(x, x, mean, |x, _, sum| fma::<FMA>(x - mean, x - mean, sum)) / width as f32;
        let r = 1.0 / (variance + eps).sqrt();
        statistics.copy_from_slice(&[mean, r]);
        for (((out, &x), &gain), &bias) in out.iter_mut().zip(x).zip(gain).zip(bias) {
            *out = fma::<FMA>((x - mean) * r, gain, bias);
        }
    }
}

dispatch! {
    /// With `n = (x − mean)·r` and `g = dy·gain`: `dx += r · (g − mean(g) − n · mean(g·n))`, `d_gain += Σ dy · n`,
    /// `d_bias += Σ dy`; `d_both` holds `d_gain` and then `d_bias`.
    fn layer_backward(
        x: &[f32], gain: &[f32], statistics: &[f32], dy: &[f32], dx: &mut [f32], d_both: &mut [f32], is_first: bool,
    ) = layer_backward_body
}

#[inline(always)]
fn layer_backward_body<const FMA: bool>(
    x: &[f32],
    gain: &[f32],
    statistics: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    d_both: &mut [f32],
    is_first: bool,
) {
    let width = gain.len();
    let (d_gain, d_bias) = d_both.split_at_mut(width);
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
    for (((x, dy), dx), statistics) in rows.zip(statistics.chunks_exact(2)) {
        let (mean, r) = (statistics[0], statistics[1]);
        for (((d_gain, d_bias), &x), &dy) in d_gain.iter_mut().zip(d_bias.iter_mut()).zip(x).zip(dy) {
            *d_gain = fma::<FMA>((x - mean) * r, dy, *d_gain);
            *d_bias += dy;
        }
        let g_mean = dot::<FMA>(dy, gain) / width as f32;
        // Σ g·n = r · (Σ g·x − mean · Σ g)
        let g_n_mean = r * (gained_dot::<FMA>(x, dy, gain) / width as f32 - mean * g_mean);
        let slope = |x: f32, dy: f32, gain: f32| r * (dy * gain - g_mean - (x - mean) * r * g_n_mean);
        let values = dx.iter_mut().zip(x).zip(dy).zip(gain);
        if is_first {
            values.for_each(|(((dx, &x), &dy), &gain)| *dx = slope(x, dy, gain));
        } else {
            values.for_each(|(((dx, &x), &dy), &gain)| *dx += slope(x, dy, gain));
        }
    }
}
