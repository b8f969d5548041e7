//! The last projection together with softmax and its loss, over groups of rows: the (rows, vocabulary) logits, by far
//! the largest array of a step, never exist as a whole.
//!
//! A thread takes a few rows through everything that needs only them (product, softmax, slope by x), so that their
//! logits stay in its second-level cache; the weights' slope is then one product over the group.

use super::Op;
use super::embedding::check_ids;
use super::linear::{LinearIds, add_bias_gradient, check_bias, check_weight};
use crate::backward::Slopes as BackwardSlopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::matmul::{Format, Matrix, Packed, matmul_gram, product_block};
use crate::kernels::{softmax, vector};
use crate::{Parameters, Result, Tape, Tensor, TensorError, Var, threads};

/// Rows a thread takes at once: whole register tiles of every kernel, whose logits stay in the second-level cache.
const UNIT: usize = 24;
/// Rows whose logits are held at once: enough units for a handful of threads.
const GROUP: usize = 16 * UNIT;

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
pub(crate) struct Slopes {
    dx: Buffer,
    d_weight: Buffer,
    d_bias: Buffer,
}

/// Where the slopes of a group of rows are added, as far as they are wanted.
#[derive(Default)]
struct SlopeSinks<'a> {
    /// (all rows, inner).
    x: Option<&'a mut [f32]>,
    /// (vocabulary, inner).
    weight: Option<&'a mut [f32]>,
    /// (vocabulary).
    bias: Option<&'a mut [f32]>,
}

/// The projection's weights (vocabulary, inner), packed once for all groups, and its bias.
struct Projection<'p> {
    bias: Option<&'p [f32]>,
    inner: usize,
    vocabulary: usize,
    format: Format,
    /// For x · weightᵀ.
    forward: Packed,
    /// For slope · weight, where a slope is wanted.
    backward: Option<Packed>,
}

/// What one thread works on: some rows of x, gathered, their logits, a value each, and their slopes by x.
struct Unit<'a, V> {
    rows: &'a [usize],
    x: &'a mut [f32],
    logits: &'a mut [f32],
    values: &'a mut [V],
    dx: Option<&'a mut [f32]>,
}

impl<'p> Projection<'p> {
    fn new(parameters: &'p Parameters, head: LinearIds, is_differentiated: bool) -> Projection<'p> {
        let tensor = parameters.get(head.weight);
        let (vocabulary, inner) = (tensor.shape()[0], tensor.shape()[1]);
        let weights = Matrix::rows(tensor.values(), inner);
        let format = Format::of(parameters.compute_dtype());
        Projection {
            bias: head.bias.map(|bias| parameters.get(bias).values()),
            inner,
            vocabulary,
            format,
            forward: Packed::parallel(format, weights.t(), inner, vocabulary),
            backward: is_differentiated.then(|| Packed::parallel(format, weights, vocabulary, inner)),
        }
    }

    /// For a group of `rows` of `x`: `body(row, its logits, its value)`, which may leave slopes where the logits were;
    /// what those slopes are is added `to` where they are wanted.
    fn group<V: Send>(
        &self,
        rows: &[usize],
        x: &[f32],
        values: &mut [V],
        to: SlopeSinks,
        body: impl Fn(usize, &mut [f32], &mut V) + Sync + Send,
    ) {
        let &Projection { inner, vocabulary, format, .. } = self;
        let (mut gathered, mut logits) =
            (Buffer::scratch(rows.len() * inner), Buffer::scratch(rows.len() * vocabulary));
        // Rows that follow each other are added to where they belong; others by way of a copy.
        let is_run = rows[rows.len() - 1] - rows[0] + 1 == rows.len();
        let mut parts = Buffer::zeros(if to.x.is_some() && !is_run { rows.len() * inner } else { 0 });
        let (mut scattered, direct) = match to.x {
            Some(dx) if is_run => (None, Some(&mut dx[rows[0] * inner..][..rows.len() * inner])),
            Some(dx) => (Some(dx), Some(&mut *parts)),
            None => (None, None),
        };
        let mut slopes = direct.map(|direct| direct.chunks_mut(UNIT * inner));
        let units = rows.chunks(UNIT).zip(gathered.chunks_mut(UNIT * inner)).zip(logits.chunks_mut(UNIT * vocabulary));
        let mut units: Vec<Unit<V>> = units
            .zip(values.chunks_mut(UNIT))
            .map(|(((rows, x), logits), values)| Unit {
                rows,
                x,
                logits,
                values,
                dx: slopes.as_mut().and_then(Iterator::next),
            })
            .collect();
        threads::for_each_chunk(&mut units, 1, |_, units| {
            units.iter_mut().for_each(|unit| self.unit(unit, x, &body));
        });
        drop(units);
        if let Some(dx) = &mut scattered {
            for (part, &row) in parts.chunks_exact(inner).zip(rows) {
                vector::add_assign(part, &mut dx[row * inner..][..inner]);
            }
        }
        if let Some(d_bias) = to.bias {
            add_bias_gradient(&logits, d_bias);
        }
        if let Some(d_weight) = to.weight {
            matmul_gram(format, (vocabulary, inner, rows.len()), &logits, &gathered, d_weight);
        }
    }

    fn unit<V>(&self, unit: &mut Unit<V>, x: &[f32], body: &(impl Fn(usize, &mut [f32], &mut V) + Sync)) {
        let &Projection { inner, vocabulary, .. } = self;
        for (out, &row) in unit.x.chunks_exact_mut(inner).zip(unit.rows) {
            out.copy_from_slice(&x[row * inner..][..inner]);
        }
        product_block(inner, Matrix::rows(unit.x, inner), &self.forward, unit.logits, false);
        if let Some(bias) = self.bias {
            unit.logits.chunks_exact_mut(vocabulary).for_each(|logits| vector::add_assign(bias, logits));
        }
        let rows = unit.logits.chunks_exact_mut(vocabulary).zip(&mut *unit.values).zip(unit.rows);
        rows.for_each(|((logits, value), &row)| body(row, logits, value));
        if let (Some(dx), Some(weights)) = (&mut unit.dx, &self.backward) {
            product_block(vocabulary, Matrix::rows(unit.logits, vocabulary), weights, dx, true);
        }
    }
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
        let is_counted = |row: &usize| weights[*row] != 0.0 && Some(targets[*row]) != ignored_target;
        let counted: Vec<usize> = (0..rows).filter(is_counted).collect();
        if counted.is_empty() {
            return Err(TensorError::NoTargets { op: OP });
        }
        check_ids(OP, &counted.iter().map(|&row| targets[row]).collect::<Vec<_>>(), vocabulary)?;

        let is_wanted = |id| self.is_recording && self.parameters.is_trainable(id);
        let x_needs = self.needs(x) && self.is_recording;
        let (w_needs, b_needs) = (is_wanted(head.weight), head.bias.is_some_and(is_wanted));
        let projection = Projection::new(self.parameters, head, x_needs);
        let mut dx = Buffer::zeros(if x_needs { rows * inner } else { 0 });
        let mut d_weight = Buffer::zeros(if w_needs { vocabulary * inner } else { 0 });
        let mut d_bias = Buffer::zeros(if b_needs { vocabulary } else { 0 });
        let uniform = label_smoothing / vocabulary as f32;
        let mut sums = [0.0f64; 3];
        for rows in counted.chunks(GROUP) {
            let mut losses = vec![[0.0f32; 3]; rows.len()];
            let to = SlopeSinks {
                x: x_needs.then_some(&mut *dx),
                weight: w_needs.then_some(&mut *d_weight),
                bias: b_needs.then_some(&mut *d_bias),
            };
            projection.group(rows, self.data(x), &mut losses, to, |row, logits, loss| {
                let (target, weight) = (targets[row] as usize, weights[row]);
                let at_target = logits[target];
                let mean = if uniform > 0.0 { (vector::sum(logits) / vocabulary as f64) as f32 } else { 0.0 };
                let (max, sum) = softmax::exponentials(logits, 1.0);
                let log_z = max + sum.ln();
                let smoothing = if uniform > 0.0 { label_smoothing * (at_target - mean) } else { 0.0 };
                *loss = [log_z - at_target, smoothing, z_loss * log_z * log_z].map(|part| weight * part);
                softmax::scale(logits, weight * (1.0 + 2.0 * z_loss * log_z) / sum);
                if uniform > 0.0 {
                    logits.iter_mut().for_each(|slope| *slope -= weight * uniform);
                }
                logits[target] -= weight * (1.0 - label_smoothing);
            });
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum += losses.iter().map(|loss| f64::from(loss[part])).sum::<f64>();
            }
        }
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
        let counted: Vec<usize> = (0..rows).filter(|&row| targets[row].is_some()).collect();
        if !counted.is_empty() {
            check_ids(OP, &targets.iter().flatten().copied().collect::<Vec<_>>(), vocabulary)?;
        }
        let projection = Projection::new(self.parameters, head, false);
        let (mut out, mut log_sum_exp) = (Buffer::zeros(rows), Buffer::zeros(rows));
        for rows in counted.chunks(GROUP) {
            let mut values = vec![(0.0, 0.0); rows.len()];
            projection.group(rows, self.data(x), &mut values, SlopeSinks::default(), |row, logits, value| {
                let at_target = targets[row].map_or(0.0, |target| logits[target as usize]);
                *value = (at_target, softmax::log_sum_exp(logits));
            });
            for (&row, (at_target, sum)) in rows.iter().zip(values) {
                out[row] = at_target - sum;
                log_sum_exp[row] = sum;
            }
        }
        let is_trainable = |id| self.parameters.is_trainable(id);
        let needs = self.needs(x) || is_trainable(head.weight) || head.bias.is_some_and(is_trainable);
        let op = Op::LinearLogProbs { x, head, targets: targets.to_vec(), log_sum_exp };
        Ok(self.push(Tensor::matrix(rows, 1, out), op, needs))
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
pub(crate) fn cross_entropy_backward(to: &mut BackwardSlopes, x: Var, head: LinearIds, slopes: &Slopes, dy: f32) {
    const BLOCK: usize = vector::BLOCK;
    if to.needs(x) {
        let mut dx = to.take_zeroed(x);
        threads::for_each_chunk(&mut dx, BLOCK, |block, dx| vector::add_scaled(dy, &slopes.dx[block * BLOCK..], dx));
        to.put(x, dx);
    }
    for (id, slope) in [(Some(head.weight), &slopes.d_weight), (head.bias, &slopes.d_bias)] {
        let Some(id) = id.filter(|&id| to.parameters.is_trainable(id)) else { continue };
        threads::for_each_chunk(to.gradients.get_mut(id), BLOCK, |block, gradient| {
            vector::add_scaled(dy, &slope[block * BLOCK..], gradient);
        });
    }
}

/// The derivative of [`Tape::linear_log_probs`]; the logits are computed again, rows with slope 0 or no target skipped.
pub(crate) fn log_probs_backward(
    to: &mut BackwardSlopes,
    x: Var,
    head: LinearIds,
    targets: &[Option<u32>],
    log_sum_exp: &[f32],
    dy: &[f32],
) {
    let parameters = to.parameters;
    let projection = Projection::new(parameters, head, to.needs(x));
    let counted: Vec<usize> = (0..dy.len()).filter(|&row| dy[row] != 0.0 && targets[row].is_some()).collect();
    let mut dx = to.needs(x).then(|| to.take_zeroed(x));
    let bias = head.bias.filter(|&id| parameters.is_trainable(id));
    let mut d_bias = Buffer::zeros(bias.map_or(0, |_| projection.vocabulary));
    for rows in counted.chunks(GROUP) {
        let mut values = vec![(); rows.len()];
        let x = to.nodes[x.index()].value.values();
        let weight = parameters.is_trainable(head.weight).then(|| to.gradients.get_mut(head.weight));
        let sinks = SlopeSinks { x: dx.as_deref_mut(), weight, bias: bias.map(|_| &mut *d_bias) };
        projection.group(rows, x, &mut values, sinks, |row, logits, ()| {
            softmax::probabilities(logits, 1.0, log_sum_exp[row]);
            softmax::scale(logits, -dy[row]);
            if let Some(target) = targets[row] {
                logits[target as usize] += dy[row];
            }
        });
    }
    if let Some(bias) = bias {
        vector::add_assign(&d_bias, to.gradients.get_mut(bias));
    }
    if let Some(dx) = dx {
        to.put(x, dx);
    }
}
