//! Muon: momentum whose matrix is made orthogonal before it moves the weights (Jordan and others, "Muon: an optimizer
//! for hidden layers in neural networks", 2024), as `torch.optim.Muon` computes it, in f32 throughout.
//!
//! ```text
//! M ← μ M + (1 − μ) G        U = (1 − μ) G + μ M  (Nesterov)        W ← (1 − η λ) W − η s O,   O ≈ U (UᵀU)^(−½)
//! ```
//!
//! with μ momentum, η learning rate, λ decay and s = 0.2 √max(rows, columns), which gives a step the size an AdamW step
//! has (Liu and others, "Muon is scalable for LLM training", 2025, section 2.2), so that one learning rate serves both.

use super::keep;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::matmul::{Format, Matrix, Packed, product, product_columns};
use crate::kernels::vector;
use crate::{DType, Gradients, ParamId, Parameters, Result, TensorError};

/// The numbers of one Muon step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonConfig {
    /// The learning rate of this step.
    pub lr: f32,
    /// Decay of the mean of gradients.
    pub momentum: f32,
    /// Decoupled decay: a weight loses `lr · weight_decay` of itself a step.
    pub weight_decay: f32,
}

impl Default for MuonConfig {
    /// PyTorch's defaults.
    fn default() -> Self {
        MuonConfig { lr: 1e-3, momentum: 0.95, weight_decay: 0.1 }
    }
}

/// Newton–Schulz iterations, and the coefficients of x ← a x + b x³ + c x⁵ on singular values: five steps bring all of
/// (0, 1] to about 1 ± 0.3, which trains as well as the exact factor (Jordan and others, 2024).
const ITERATIONS: usize = 5;
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
const EPS: f64 = 1e-7;

/// The mean of gradients of every matrix it moves.
#[derive(Clone, Debug)]
pub struct Muon {
    momentum: Vec<Vec<f32>>,
}

impl Muon {
    /// Zero momentum for the matrices that `takes` names.
    pub fn new(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> Muon {
        let of = |(id, _, tensor): (ParamId, &str, &crate::Tensor)| {
            if takes(id) && tensor.shape().len() == 2 { vec![0.0; tensor.len()] } else { Vec::new() }
        };
        Muon { momentum: parameters.iter().map(of).collect() }
    }

    /// One step with gradients multiplied by `grad_scale`; weights decay where `decays` says so. Frozen parameters, and
    /// those that are not Muon's, stay.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &MuonConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        let decays: Buffer<u8> = Buffer::collect(
            self.momentum.len(),
            (0..self.momentum.len()).map(|id| decays(ParamId::from_index(id)).into()),
        );
        // A matrix a task: the products of one are too small to be worth sharing out, and there are many matrices.
        parameters.for_each_beside(&mut self.momentum, |id, shape, values, momentum| {
            let gradient = gradients.get(id);
            let &[rows, columns] = shape else { return };
            if momentum.is_empty() || gradient.len() != momentum.len() || values.len() != momentum.len() {
                return;
            }
            let mut update: Buffer = Buffer::copy_of(gradient);
            for (update, mean) in update.iter_mut().zip(momentum) {
                let gradient = *update * grad_scale;
                *mean += (1.0 - config.momentum) * (gradient - *mean);
                *update = gradient + config.momentum * (*mean - gradient);
            }
            orthogonalize(&mut update, rows, columns);
            let keep = keep(config.lr, config.weight_decay, decays[id.index()] != 0);
            let rate = (f64::from(config.lr) * 0.2 * (rows.max(columns) as f64).sqrt()) as f32;
            for (value, step) in values.iter_mut().zip(&*update) {
                *value = *value * keep - rate * step;
            }
        });
        parameters.refresh();
    }

    /// The mean of gradients of `id`; empty for one that is not Muon's.
    pub fn momentum(&self, id: ParamId) -> &[f32] {
        self.momentum.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// Put back the mean of gradients of `id`, when a run is resumed.
    ///
    /// # Errors
    /// When the length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, momentum: &[f32]) -> Result<()> {
        const OP: &str = "Muon::load";
        let limit = self.momentum.len() as u64;
        let missing = || TensorError::Index { op: OP, what: "parameter", index: id.index() as u64, limit };
        let mean = self.momentum.get_mut(id.index()).ok_or_else(missing)?;
        check_length(OP, "momentum", momentum.len(), mean.len())?;
        mean.copy_from_slice(momentum);
        Ok(())
    }
}

/// Replaces a (rows, columns) matrix X by nearly the closest one whose singular values are all one.
///
/// Every iteration multiplies X by a polynomial of its Gram matrix, P = a I + b G + c G² with G = X Xᵀ. All these are
/// polynomials of the first G, so they commute: the iterations run on the small symmetric matrices alone (G ← P G P,
/// Q ← Q P), and X is read twice, for the first G and for the end, Q X. For a matrix three times as long as wide that is
/// less than half of the arithmetic. Rounding moves a square of a singular value by about 1e-7 of the largest, and P is
/// nearly constant so close to zero: the result is that of the plain iterations to some 1e-6, and to some per cent where
/// the matrix has hardly more than one direction, which is less than the 30 that five iterations leave.
fn orthogonalize(x: &mut [f32], rows: usize, columns: usize) {
    let norm = (vector::sum_of_squares(x).sqrt().max(EPS)) as f32;
    x.iter_mut().for_each(|x| *x /= norm);
    let [a, b, c] = COEFFICIENTS;
    // The Gram matrix of the shorter side, so that it is small.
    let (side, depth) = (rows.min(columns), rows.max(columns));
    let (x_rows, x_columns) = (Matrix::rows(x, columns), Matrix::rows(x, columns).t());
    let (left, right) = if rows <= columns { (x_rows, x_columns) } else { (x_columns, x_rows) };
    let square = || Buffer::scratch(side * side);
    let (mut gram, mut factor, mut next, mut total) = (square(), square(), square(), square());
    symmetric_product(side, depth, left, right, &mut gram);
    for iteration in 0..ITERATIONS {
        symmetric_product(side, side, Matrix::rows(&gram, side), Matrix::rows(&gram, side), &mut factor);
        for (index, (factor, gram)) in factor.iter_mut().zip(&*gram).enumerate() {
            let identity = if index % (side + 1) == 0 { a } else { 0.0 };
            *factor = identity + (b * gram + c * *factor);
        }
        let by = Matrix::rows(&factor, side);
        if iteration == 0 {
            total.copy_from_slice(&factor);
        } else {
            symmetric_product(side, side, Matrix::rows(&total, side), by, &mut next);
            std::mem::swap(&mut total, &mut next);
        }
        if iteration + 1 < ITERATIONS {
            symmetric_product(side, side, Matrix::rows(&gram, side), by, &mut next);
            symmetric_product(side, side, Matrix::rows(&next, side), by, &mut gram);
        }
    }
    let (total, mut end) = (Matrix::rows(&total, side), Buffer::scratch(x.len()));
    let (left, right) = if rows <= columns { (total, x_rows) } else { (x_rows, total) };
    let packed = Packed::new(Format::of(DType::F32), right, side, columns);
    product(rows, side, left, &packed, 0, &mut end, columns, false);
    x.copy_from_slice(&end);
}

/// `out = left (side, depth) · right (depth, side)`, where the product is known to be symmetric: only blocks on and above
/// the diagonal are computed, the others are their mirror images.
fn symmetric_product(side: usize, depth: usize, left: Matrix, right: Matrix, out: &mut [f32]) {
    /// Rows a block: whole panels of every kernel.
    const BLOCK: usize = 32;
    let packed = Packed::new(Format::of(DType::F32), right, depth, side);
    for first in (0..side).step_by(BLOCK) {
        let height = BLOCK.min(side - first);
        let out = &mut out[first * side + first..];
        product_columns(height, first..side, depth, left.below(first), &packed, 0, out, side, false);
    }
    for row in 1..side {
        for column in 0..row / BLOCK * BLOCK {
            out[row * side + column] = out[column * side + row];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1).
    fn noise(count: usize, mut state: u32) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn gram(x: &[f32], rows: usize, columns: usize) -> Vec<f64> {
        let side = rows.min(columns);
        let at = |i: usize, l: usize| f64::from(if rows <= columns { x[i * columns + l] } else { x[l * columns + i] });
        let depth = rows.max(columns);
        (0..side * side).map(|n| (0..depth).map(|l| at(n / side, l) * at(n % side, l)).sum()).collect()
    }

    /// Every diagonal value of the Gram matrix is a mean of squared singular values, which lie about 1.
    #[test]
    fn the_result_is_nearly_orthogonal() {
        for (rows, columns) in [(24, 24), (8, 40), (40, 8), (1, 7), (7, 1), (33, 70), (70, 33), (65, 65), (48, 130)] {
            let mut x = noise(rows * columns, 12345);
            orthogonalize(&mut x, rows, columns);
            let side = rows.min(columns);
            let gram = gram(&x, rows, columns);
            for i in 0..side {
                let diagonal = gram[i * side + i];
                assert!((0.3..1.7).contains(&diagonal), "{rows} × {columns}: {diagonal}");
            }
        }
    }

    /// As the rule is written: all of X through every iteration, in f64.
    fn plain(x: &[f32], rows: usize, columns: usize) -> Vec<f64> {
        let product = |(m, n, k): (usize, usize, usize), a: &dyn Fn(usize, usize) -> f64, b: &[f64]| -> Vec<f64> {
            (0..m * n).map(|at| (0..k).map(|l| a(at / n, l) * b[l * n + at % n]).sum()).collect()
        };
        let (side, long) = (rows.min(columns), rows.max(columns));
        // (side, long)
        let of = |i: usize| if rows <= columns { i } else { i % long * columns + i / long };
        let norm = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let mut wide: Vec<f64> = (0..x.len()).map(|i| f64::from(x[of(i)]) / norm).collect();
        let [a, b, c] = COEFFICIENTS.map(f64::from);
        for _ in 0..ITERATIONS {
            let transposed: Vec<f64> = (0..wide.len()).map(|i| wide[i % side * long + i / side]).collect();
            let gram = product((side, side, long), &|i, l| wide[i * long + l], &transposed);
            let square = product((side, side, side), &|i, l| gram[i * side + l], &gram);
            let factor: Vec<f64> = gram.iter().zip(&square).map(|(gram, square)| b * gram + c * square).collect();
            let moved = product((side, long, side), &|i, l| factor[i * side + l], &wide);
            wide.iter_mut().zip(&moved).for_each(|(x, moved)| *x = a * *x + moved);
        }
        let mut out = vec![0.0; x.len()];
        (0..x.len()).for_each(|i| out[of(i)] = wide[i]);
        out
    }

    #[test]
    fn iterating_on_the_gram_matrix_gives_what_the_rule_gives() {
        let sizes = [(6, 6), (31, 33), (33, 31), (64, 200), (200, 64), (65, 70), (130, 97)];
        for (rows, columns) in sizes {
            let mut x = noise(rows * columns, 7);
            let expected = plain(&x, rows, columns);
            orthogonalize(&mut x, rows, columns);
            for (found, expected) in x.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-5, "{rows} × {columns}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn a_zero_matrix_stays_zero() {
        let mut x = vec![0.0; 12];
        orthogonalize(&mut x, 3, 4);
        assert!(x.iter().all(|&x| x == 0.0));
    }
}
