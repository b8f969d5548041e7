//! Adafactor: steps of an adaptive size without a second moment a weight (Shazeer & Stern, "Adafactor: adaptive
//! learning rates with sublinear memory cost", 2018, algorithms 4 and 5), as `torch.optim.Adafactor` computes it.
//!
//! ```text
//! ρ = min(η, 1/√t)      α = max(ε₂, rms θ) ρ      θ ← (1 − η λ) θ      β = t^decay
//! rᵢ ← (1 − β) rᵢ + β mean over j of gᵢⱼ²         cⱼ ← (1 − β) cⱼ + β mean over i of gᵢⱼ²
//! vᵢⱼ = rᵢ cⱼ / max(mean r, ε₁)                   u = g / √max(v, ε₁²)
//! θ ← θ − α u / max(1, rms u / d)
//! ```
//!
//! A matrix remembers one number a row and one a column; anything else remembers v itself, which then is the decaying
//! mean of g². (PyTorch also factors stacks of matrices; no model here has one.) A step is relative to the size of the
//! weights it moves. PyTorch departs from the paper, and this follows PyTorch: ε₁ bounds v from below instead of being
//! added to g², and η stands where ρ has 10⁻².
//!
//! One pass cannot do: a weight's step depends on the whole row and column of the gradient, and its size on all steps
//! of the parameter. So the gradient is read three times and the weights twice, in blocks of rows, and nothing as large
//! as the weights is stored in between. Sums over blocks are added in their order.

use super::{is_movable, keep};
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::lanes::{dispatch, fma, sum2};
use crate::kernels::vector::{self, BLOCK};
use crate::{Gradients, ParamId, Parameters, Result, TensorError, threads};

/// The numbers of one Adafactor step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdafactorConfig {
    /// The largest relative learning rate of this step; 1/√t bounds it too.
    pub lr: f32,
    /// The newest gradient has the weight t^`beta2_decay` in the second moment after t steps.
    pub beta2_decay: f32,
    /// Lower bound of the root of the second moment.
    pub eps1: f32,
    /// Lower bound of the size of weights that a step is relative to.
    pub eps2: f32,
    /// The largest root of the mean square of a step, before α.
    pub clip_threshold: f32,
    /// Decoupled decay: a weight loses `lr · weight_decay` of itself a step.
    pub weight_decay: f32,
}

impl Default for AdafactorConfig {
    /// PyTorch's defaults for f32.
    fn default() -> Self {
        AdafactorConfig {
            lr: 1e-2,
            beta2_decay: -0.8,
            eps1: f32::EPSILON,
            eps2: 1e-3,
            clip_threshold: 1.0,
            weight_decay: 0.0,
        }
    }
}

/// Mean squares of the gradients of every parameter it moves, and how many steps they have seen.
#[derive(Clone, Debug)]
pub struct Adafactor {
    moments: Vec<Moment>,
    steps: u64,
}

/// The second moment of one parameter. What is not a matrix is a single row here, without a number for the row, and so
/// a single block: gains and biases are short.
#[derive(Clone, Debug, Default)]
struct Moment {
    rows: Vec<f32>,
    columns: Vec<f32>,
}

/// What the last two passes need, worked out once a parameter.
#[derive(Clone, Copy)]
struct Update {
    grad_scale: f32,
    /// ε₁²
    floor: f32,
    /// 1 − η λ
    keep: f32,
    /// α / max(1, rms u / d)
    rate: f32,
}

/// Most blocks a parameter is cut into: each has a sum for every column.
const MOST_BLOCKS: usize = 64;

impl Adafactor {
    /// Zero moments for the parameters that `takes` names.
    pub fn new(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> Adafactor {
        let of = |(id, _, tensor): (ParamId, &str, &crate::Tensor)| match tensor.shape() {
            _ if !takes(id) => Moment::default(),
            &[rows, columns] => Moment { rows: vec![0.0; rows], columns: vec![0.0; columns] },
            _ => Moment { rows: Vec::new(), columns: vec![0.0; tensor.len()] },
        };
        Adafactor { moments: parameters.iter().map(of).collect(), steps: 0 }
    }

    /// One step with gradients multiplied by `grad_scale`; weights decay where `decays` says so. Frozen parameters, and
    /// those that are not Adafactor's, stay.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &AdafactorConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        self.steps += 1;
        for id in (0..self.moments.len()).map(ParamId::from_index) {
            if !is_movable(parameters, id) {
                continue;
            }
            let keep = keep(config.lr, config.weight_decay, decays(id));
            let (gradient, moment) = (gradients.get(id), &mut self.moments[id.index()]);
            let values = parameters.values_mut(id);
            let len = moment.columns.len() * moment.rows.len().max(1);
            if len == 0 || values.len() != len || gradient.len() != len {
                continue;
            }
            step_one(values, gradient, moment, self.steps, config, grad_scale, keep);
        }
        parameters.refresh();
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Set the number of steps taken, when a run is resumed.
    pub fn set_step(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// Mean squares of the rows and of the columns of a matrix, `r` and `c`; of every value of anything else, `v`. No
    /// values for a parameter that is not Adafactor's.
    pub fn moments(&self, id: ParamId) -> Vec<(&'static str, &[f32])> {
        match self.moments.get(id.index()) {
            Some(Moment { rows, columns }) if !rows.is_empty() => vec![("r", rows), ("c", columns)],
            Some(Moment { columns, .. }) => vec![("v", columns)],
            None => Vec::new(),
        }
    }

    /// Put back what [`moments`](Adafactor::moments) gave, in the same order, when a run is resumed.
    ///
    /// # Errors
    /// When a length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, state: &[Vec<f32>]) -> Result<()> {
        const OP: &str = "Adafactor::load";
        let limit = self.moments.len() as u64;
        let missing = || TensorError::Index { op: OP, what: "parameter", index: id.index() as u64, limit };
        let moment = self.moments.get_mut(id.index()).ok_or_else(missing)?;
        let part = |index: usize| state.get(index).map_or(&[][..], Vec::as_slice);
        if moment.rows.is_empty() {
            check_length(OP, "second moments", part(0).len(), moment.columns.len())?;
            moment.columns.copy_from_slice(part(0));
        } else {
            check_length(OP, "row moments", part(0).len(), moment.rows.len())?;
            check_length(OP, "column moments", part(1).len(), moment.columns.len())?;
            moment.rows.copy_from_slice(part(0));
            moment.columns.copy_from_slice(part(1));
        }
        Ok(())
    }
}

/// Step `t` (from 1) of one parameter.
fn step_one(
    values: &mut [f32],
    gradient: &[f32],
    moment: &mut Moment,
    t: u64,
    config: &AdafactorConfig,
    grad_scale: f32,
    keep: f32,
) {
    let (width, height) = (moment.columns.len(), moment.rows.len().max(1));
    let block_rows = BLOCK.div_ceil(width).max(height.div_ceil(MOST_BLOCKS));
    let block = block_rows * width;
    let newest = (t as f64).powf(f64::from(config.beta2_decay));

    // The squares of gradients, by column and by row, and of weights, of which every block of rows adds up its own.
    let parts = height.div_ceil(block_rows);
    let mut column_squares: Buffer = Buffer::zeros(parts * width);
    let mut row_squares: Buffer<f64> = Buffer::zeros(height);
    let mut weight_squares: Buffer<f64> = Buffer::zeros(parts);
    let outputs = ((&mut row_squares[..], block_rows), (&mut column_squares[..], width), (&mut weight_squares[..], 1));
    threads::for_each_chunk3(outputs.0, outputs.1, outputs.2, |index, row_squares, columns, weights| {
        let (gradient, values) = (&gradient[index * block..], &values[index * block..]);
        for (squares, gradient) in row_squares.iter_mut().zip(gradient.chunks(width)) {
            *squares = add_squares(gradient, grad_scale, columns);
        }
        weights[0] = vector::sum_of_squares(&values[..row_squares.len() * width]);
    });
    for (column, mean) in moment.columns.iter_mut().enumerate() {
        let squares: f64 = column_squares.chunks_exact(width).map(|columns| f64::from(columns[column])).sum();
        *mean = towards(*mean, squares / height as f64, newest);
    }
    for (mean, squares) in moment.rows.iter_mut().zip(&*row_squares) {
        *mean = towards(*mean, squares / width as f64, newest);
    }

    // rᵢ / max(mean r, ε₁), so that v is this times cⱼ.
    let mean_row = moment.rows.iter().map(|&r| f64::from(r)).sum::<f64>() / height as f64;
    let bounded = mean_row.max(f64::from(config.eps1)).max(f64::MIN_POSITIVE);
    let factors: Buffer = match moment.rows.is_empty() {
        true => Buffer::copy_of(&[1.0]),
        false => Buffer::collect(height, moment.rows.iter().map(|&r| (f64::from(r) / bounded) as f32)),
    };

    // The size of the step, from the squares of u.
    let columns = &moment.columns;
    // Never zero, so that a weight without a gradient gets no 0/0.
    let floor = (config.eps1 * config.eps1).max(f32::MIN_POSITIVE);
    let mut update = Update { grad_scale, floor, keep, rate: 0.0 };
    let mut update_squares_of: Buffer<f64> = Buffer::zeros(parts);
    threads::for_each_chunk(&mut update_squares_of, 1, |index, squares| {
        let rows = gradient[index * block..].chunks(width).zip(&factors[index * block_rows..]).take(block_rows);
        squares[0] = rows.map(|(gradient, &factor)| update_squares(gradient, columns, factor, &update)).sum();
    });
    let root_mean = |squares: f64| (squares / values.len() as f64).sqrt();
    let size = root_mean(weight_squares.iter().sum()).max(f64::from(config.eps2));
    let alpha = size * f64::from(config.lr).min(1.0 / (t as f64).sqrt());
    let excess = root_mean(update_squares_of.iter().sum()) / f64::from(config.clip_threshold);
    update.rate = (alpha / excess.max(1.0)) as f32;

    threads::for_each_chunk(values, block, |index, values| {
        let rows = gradient[index * block..].chunks(width).zip(&factors[index * block_rows..]);
        for (values, (gradient, &factor)) in values.chunks_mut(width).zip(rows) {
            update_row(values, gradient, columns, factor, &update);
        }
    });
}

/// `mean` after a value of weight `newest`.
fn towards(mean: f32, value: f64, newest: f64) -> f32 {
    (f64::from(mean) + newest * (value - f64::from(mean))) as f32
}

/// The sum of the squares of a row, which are also added to the sums of their columns.
fn add_squares(gradient: &[f32], scale: f32, columns: &mut [f32]) -> f64 {
    // As in `vector::sum_of_squares`: short sums in f32, their sum in f64.
    let pieces = gradient.chunks(1 << 10).zip(columns.chunks_mut(1 << 10));
    pieces.map(|(gradient, columns)| f64::from(add_squares_piece(gradient, scale, columns))).sum()
}

fn update_squares(gradient: &[f32], columns: &[f32], factor: f32, update: &Update) -> f64 {
    let pieces = gradient.chunks(1 << 10).zip(columns.chunks(1 << 10));
    pieces.map(|(gradient, columns)| f64::from(update_squares_piece(gradient, columns, factor, update))).sum()
}

dispatch! {
    fn add_squares_piece(gradient: &[f32], scale: f32, columns: &mut [f32]) -> f32 = add_squares_body
}

#[inline(always)]
fn add_squares_body<const FMA: bool>(gradient: &[f32], scale: f32, columns: &mut [f32]) -> f32 {
    for (sum, &g) in columns.iter_mut().zip(gradient) {
        let g = g * scale;
        *sum = fma::<FMA>(g, g, *sum);
    }
    sum2(gradient, gradient, 0.0, |g, _, sum| fma::<FMA>(g * scale, g * scale, sum))
}

dispatch! {
    fn update_squares_piece(
        gradient: &[f32], columns: &[f32], factor: f32, update: &Update,
    ) -> f32 = update_squares_body
}

#[inline(always)]
fn update_squares_body<const FMA: bool>(gradient: &[f32], columns: &[f32], factor: f32, update: &Update) -> f32 {
    let &Update { grad_scale, floor, .. } = update;
    sum2(gradient, columns, 0.0, |g, c, sum| {
        let u = g * grad_scale / (factor * c).max(floor).sqrt();
        fma::<FMA>(u, u, sum)
    })
}

dispatch! {
    fn update_row(values: &mut [f32], gradient: &[f32], columns: &[f32], factor: f32, update: &Update) = update_body
}

#[inline(always)]
fn update_body<const FMA: bool>(values: &mut [f32], gradient: &[f32], columns: &[f32], factor: f32, update: &Update) {
    let &Update { grad_scale, floor, keep, rate } = update;
    for ((p, &g), &c) in values.iter_mut().zip(gradient).zip(columns) {
        let u = g * grad_scale / (factor * c).max(floor).sqrt();
        *p = fma::<FMA>(*p, keep, -rate * u);
    }
}
