//! The last projection together with softmax and its loss. How it goes through the vocabulary without ever holding all
//! logits stands in `kernels/projection.rs`.

use super::Op;
use super::embedding::check_each_id;
use super::linear::{LinearIds, check_bias, check_weight};
use super::reduce::{NONE, numbers_of};
use crate::backward::Slopes as BackwardSlopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::matmul::Format;
use crate::kernels::projection::{Projection, RowSlope, Sinks};
use crate::kernels::{softmax, vector};
use crate::{Parameters, Result, Tape, Tensor, TensorError, Var, threads};

/// What is added to the cross-entropy of [`Tape::linear_cross_entropy_with`], and which rows it leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// ε: the share of every target that is spread evenly over the vocabulary (Szegedy et al. 2016), in [0, 1].
    pub label_smoothing: f32,
    /// Weight of log²Z, where Z is a row's sum of exponentials (PaLM, Chowdhery et al. 2022; ST-MoE, Zoph et al. 2022):
    /// it keeps logits from drifting, which softmax alone does not see.
    pub z_loss: f32,
    /// A target that marks a row as not counted, whatever its weight.
    pub ignored_target: Option<u32>,
}

/// What [`Tape::linear_cross_entropy_with`] found.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyLoss {
    /// What is differentiated, (1, 1): the sum of the parts below.
    pub total: Var,
    /// `Σᵢ wᵢ · −log pᵢ[targetᵢ]`, the same whatever else is added.
    pub negative_log_likelihood: f64,
    /// What label smoothing adds: `Σᵢ wᵢ · ε · (log pᵢ[targetᵢ] − meanₖ log pᵢ[k])`.
    pub smoothing: f64,
    /// `Σᵢ wᵢ · z_loss · log²Zᵢ`.
    pub z_loss: f64,
}

/// Derivatives of a loss with slope 1, found in the forward pass while the logits were there.
#[derive(Clone, Default)]
pub(crate) struct Slopes {
    dx: Buffer,
    d_weight: Buffer,
    d_bias: Buffer,
}

impl Tape<'_> {
    /// `Σᵢ weights[i] · −log softmax(x · Wᵀ + b)[i, targets[i]]`, (1, 1): x (rows, in), `head` W (vocabulary, in) with or
    /// without b (vocabulary). Rows with weight 0 cost nothing, and their targets are not looked at.
    ///
    /// # Errors
    /// When the shapes do not fit, a counted target is not below the vocabulary's size, or every weight is 0.
    pub fn linear_cross_entropy(
        &mut self,
        x: Var,
        head: impl Into<LinearIds>,
        targets: &[u32],
        weights: &[f32],
    ) -> Result<Var> {
        Ok(self.linear_cross_entropy_with(x, head, targets, weights, &CrossEntropy::default())?.total)
    }

    /// As [`Tape::linear_cross_entropy`], of targets mixed with the uniform distribution, with a price on log²Z, and
    /// without the rows whose target is the ignored one: with Z a row's sum of exponentials and K the vocabulary's size,
    /// `Σᵢ wᵢ · (log Zᵢ − (1 − ε) · logitsᵢ[targetᵢ] − ε/K · Σₖ logitsᵢ[k] + z_loss · log²Zᵢ)`. The smoothing is that of
    /// `torch.nn.functional.cross_entropy`.
    ///
    /// # Errors
    /// As [`Tape::linear_cross_entropy`], and when a setting is out of range; [`TensorError::NoTargets`] when no row
    /// counts.
    pub fn linear_cross_entropy_with(
        &mut self,
        x: Var,
        head: impl Into<LinearIds>,
        targets: &[u32],
        weights: &[f32],
        settings: &CrossEntropy,
    ) -> Result<CrossEntropyLoss> {
        const OP: &str = "linear_cross_entropy";
        let &CrossEntropy { label_smoothing, z_loss, ignored_target } = settings;
        if !(0.0..=1.0).contains(&label_smoothing) {
            return Err(TensorError::argument(OP, format!("the label smoothing {label_smoothing} is not in [0, 1]")));
        }
        if !(z_loss >= 0.0 && z_loss.is_finite()) {
            return Err(TensorError::argument(OP, format!("the weight {z_loss} of the z-loss is not at least 0")));
        }
        let (rows, inner) = self.non_empty(OP, x)?;
        let head = head.into();
        let vocabulary = check_head(self, OP, x, head)?;
        check_length(OP, "targets", targets.len(), rows)?;
        check_length(OP, "weights", weights.len(), rows)?;
        let is_counted = |row: usize| weights[row] != 0.0 && Some(targets[row]) != ignored_target;
        let counted = rows_that(rows, is_counted);
        if counted.is_empty() {
            return Err(TensorError::NoTargets { op: OP });
        }
        check_each_id(OP, counted.iter().map(|&row| targets[row]), vocabulary)?;

        let is_wanted = |id| self.is_recording && self.parameters.is_trainable(id);
        let x_needs = self.needs(x) && self.is_recording;
        let (w_needs, b_needs) = (is_wanted(head.weight), head.bias.is_some_and(is_wanted));
        let mut dx = Buffer::zeros(if x_needs { rows * inner } else { 0 });
        let mut d_weight = Buffer::zeros(if w_needs { vocabulary * inner } else { 0 });
        let mut d_bias = Buffer::zeros(if b_needs { vocabulary } else { 0 });
        let to = Sinks {
            x: x_needs.then_some(&mut *dx),
            weight: w_needs.then_some(&mut *d_weight),
            bias: b_needs.then_some(&mut *d_bias),
        };
        let mut sums = [0.0f64; 3];
        projection(self.parameters, head).run(&counted, self.data(x), &|row| targets[row], to, &mut |row, found| {
            let (weight, log_z) = (weights[row], found.log_z);
            let smoothing = label_smoothing * (found.at_target - found.mean);
            let parts = [log_z - found.at_target, smoothing, z_loss * log_z * log_z];
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum += f64::from(weight * part);
            }
            RowSlope {
                probability: weight * (1.0 + 2.0 * z_loss * log_z),
                everywhere: -weight * label_smoothing / vocabulary as f32,
                at_target: -weight * (1.0 - label_smoothing),
            }
        });
        let [negative_log_likelihood, smoothing, z_loss] = sums;
        let value = Tensor::matrix(1, 1, Buffer::copy_of(&[sums.iter().sum::<f64>() as f32]));
        let op = Op::LinearCrossEntropy { x, head, slopes: Slopes { dx, d_weight, d_bias } };
        let total = self.push(value, op, x_needs || w_needs || b_needs);
        Ok(CrossEntropyLoss { total, negative_log_likelihood, smoothing, z_loss })
    }

    /// `log softmax(x · Wᵀ + b)[i, targets[i]]` for every row, (rows, 1): x (rows, in), `head` W (vocabulary, in) with or
    /// without b (vocabulary). A row without a target is 0 and costs nothing.
    ///
    /// # Errors
    /// When the shapes do not fit or a target is not below the vocabulary's size.
    pub fn linear_log_probs(&mut self, x: Var, head: impl Into<LinearIds>, targets: &[Option<u32>]) -> Result<Var> {
        const OP: &str = "linear_log_probs";
        let (rows, _) = self.non_empty(OP, x)?;
        let head = head.into();
        let vocabulary = check_head(self, OP, x, head)?;
        check_length(OP, "targets", targets.len(), rows)?;
        check_each_id(OP, targets.iter().flatten().copied(), vocabulary)?;
        let counted = rows_that(rows, |row| targets[row].is_some());
        let mut out = Buffer::zeros(rows);
        let target_of = |row: usize| targets[row].unwrap_or_default();
        projection(self.parameters, head).run(
            &counted,
            self.data(x),
            &target_of,
            Sinks::default(),
            &mut |row, found| {
                out[row] = found.at_target - found.log_z;
                RowSlope::default()
            },
        );
        let is_trainable = |id| self.parameters.is_trainable(id);
        let needs = self.needs(x) || is_trainable(head.weight) || head.bias.is_some_and(is_trainable);
        let op = Op::LinearLogProbs { x, head, targets: numbers_of(targets) };
        Ok(self.push(Tensor::matrix(rows, 1, out), op, needs))
    }
}

/// The rows of `rows` for which `is_counted` holds.
fn rows_that(rows: usize, is_counted: impl Fn(usize) -> bool) -> Buffer<usize> {
    let count = (0..rows).filter(|&row| is_counted(row)).count();
    Buffer::collect(count, (0..rows).filter(|&row| is_counted(row)))
}

fn projection(parameters: &Parameters, head: LinearIds) -> Projection<'_> {
    let tensor = parameters.get(head.weight);
    Projection {
        weights: tensor.values(),
        bias: head.bias.map(|bias| parameters.get(bias).values()),
        inner: tensor.shape()[1],
        vocabulary: tensor.shape()[0],
        format: Format::of(parameters.compute_dtype()),
    }
}

/// The vocabulary's size, when weight and bias fit it and `x`.
fn check_head(tape: &Tape, op: &'static str, x: Var, head: LinearIds) -> Result<usize> {
    let vocabulary = check_weight(tape, op, x, head.weight)?;
    if let Some(bias) = head.bias {
        check_bias(tape, op, head.weight, bias)?;
    }
    Ok(vocabulary)
}

/// The derivative of [`Tape::linear_cross_entropy`]: what the forward pass kept, times the loss's slope.
pub(crate) fn cross_entropy_backward(to: &mut BackwardSlopes, x: Var, head: LinearIds, slopes: Slopes, dy: f32) {
    let Slopes { mut dx, d_weight, d_bias } = slopes;
    if to.needs(x) {
        if dy != 1.0 {
            threads::for_each_chunk(&mut dx, vector::BLOCK, |_, dx| softmax::scale(dx, dy));
        }
        super::elementwise::give(to, x, dx);
    }
    for (id, slope) in [(Some(head.weight), d_weight), (head.bias, d_bias)] {
        if let Some(id) = id.filter(|&id| to.parameters.is_trainable(id)) {
            to.gradients.add_scaled(id, dy, slope);
        }
    }
}

/// The derivative of [`Tape::linear_log_probs`]; the logits are computed again, rows with slope 0 or no target skipped.
pub(crate) fn log_probs_backward(to: &mut BackwardSlopes, x: Var, head: LinearIds, targets: &[u32], dy: &[f32]) {
    let parameters = to.parameters;
    let counted = rows_that(dy.len(), |row| dy[row] != 0.0 && targets[row] != NONE);
    let mut dx = to.needs(x).then(|| to.take_zeroed(x));
    let bias = head.bias.filter(|&id| parameters.is_trainable(id));
    let mut d_bias = Buffer::zeros(bias.map_or(0, |id| parameters.get(id).len()));
    let values = to.nodes[x.index()].value.values();
    let weight = parameters.is_trainable(head.weight).then(|| to.gradients.get_mut(head.weight));
    let sinks = Sinks { x: dx.as_deref_mut(), weight, bias: bias.map(|_| &mut *d_bias) };
    let target_of = |row: usize| targets[row];
    projection(parameters, head).run(&counted, values, &target_of, sinks, &mut |row, _| RowSlope {
        probability: -dy[row],
        everywhere: 0.0,
        at_target: dy[row],
    });
    if let Some(bias) = bias {
        vector::add_assign(&d_bias, to.gradients.get_mut(bias));
    }
    if let Some(dx) = dx {
        to.put(x, dx);
    }
}
