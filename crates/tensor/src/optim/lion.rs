//! Lion: every weight moves by the learning rate, against the sign of a mean of gradients (Chen and others, "Symbolic
//! discovery of optimization algorithms", 2023, algorithm 2), in one pass over weights, gradients and means.
//!
//! ```text
//! c ← β₁ m + (1 − β₁) g        θ ← θ − η (sign c + λ θ)        m ← β₂ m + (1 − β₂) g
//! ```
//!
//! A step is larger than an AdamW step of the same rate: the paper takes a third to a tenth of its learning rate and a
//! decay larger by as much.

use super::{is_movable, keep, load_into, zeros};
use crate::kernels::lanes::{dispatch, fma};
use crate::kernels::vector::BLOCK;
use crate::{Gradients, ParamId, Parameters, Result, threads};

/// The numbers of one Lion step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LionConfig {
    /// The learning rate of this step.
    pub lr: f32,
    /// Share of the mean in what gives the sign.
    pub beta1: f32,
    /// Decay of the mean of gradients.
    pub beta2: f32,
    /// Decoupled decay: a weight loses `lr · weight_decay` of itself a step.
    pub weight_decay: f32,
}

impl Default for LionConfig {
    /// The defaults of the authors' program.
    fn default() -> Self {
        LionConfig { lr: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

/// The mean of gradients of every parameter it moves.
#[derive(Clone, Debug)]
pub struct Lion {
    mean: Vec<Vec<f32>>,
}

/// What one pass needs, worked out once a step.
#[derive(Clone, Copy)]
struct Update {
    beta1: f32,
    beta2: f32,
    grad_scale: f32,
    keep: f32,
    rate: f32,
}

impl Lion {
    /// Zero means for the parameters that `takes` names.
    pub fn new(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> Lion {
        Lion { mean: zeros(parameters, takes) }
    }

    /// One step with gradients multiplied by `grad_scale`; weights decay where `decays` says so. Frozen parameters, and
    /// those that are not Lion's, stay.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &LionConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        for id in (0..self.mean.len()).map(ParamId::from_index) {
            if !is_movable(parameters, id) {
                continue;
            }
            let update = Update {
                beta1: config.beta1,
                beta2: config.beta2,
                grad_scale,
                keep: keep(config.lr, config.weight_decay, decays(id)),
                rate: config.lr,
            };
            let mean = &mut self.mean[id.index()];
            let (gradient, values) = (gradients.get(id), parameters.values_mut(id));
            if gradient.len() != values.len() || mean.len() != values.len() {
                continue;
            }
            threads::for_each_chunk2(values, BLOCK, mean, BLOCK, |block, values, mean| {
                update_block(values, &gradient[block * BLOCK..], mean, &update);
            });
        }
        parameters.refresh();
    }

    /// The mean of gradients of `id`; empty for one that is not Lion's.
    pub fn mean(&self, id: ParamId) -> &[f32] {
        self.mean.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// Put back the mean of gradients of `id`, when a run is resumed.
    ///
    /// # Errors
    /// When the length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, mean: &[f32]) -> Result<()> {
        load_into("Lion::load", "means", &mut self.mean, id, mean)
    }
}

dispatch! {
    fn update_block(values: &mut [f32], gradient: &[f32], mean: &mut [f32], update: &Update) = update_body
}

#[inline(always)]
fn update_body<const FMA: bool>(values: &mut [f32], gradient: &[f32], mean: &mut [f32], update: &Update) {
    let &Update { beta1, beta2, grad_scale, keep, rate } = update;
    for ((p, &g), m) in values.iter_mut().zip(gradient).zip(mean) {
        let g = g * grad_scale;
        let c = fma::<FMA>(1.0 - beta1, g - *m, *m);
        // The sign of zero is zero, so that what gets no gradient stays; a NaN stays one.
        let sign = if c.abs() > 0.0 { 1f32.copysign(c) } else { c };
        *p = fma::<FMA>(*p, keep, -rate * sign);
        *m = fma::<FMA>(1.0 - beta2, g - *m, *m);
    }
}
