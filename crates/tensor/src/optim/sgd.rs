//! Gradient descent with momentum, as `torch.optim.SGD` with no dampening computes it, in one pass over weights,
//! gradients and momentum.
//!
//! ```text
//! g ← g + λ θ        m ← μ m + g        θ ← θ − η m,   or θ ← θ − η (g + μ m)  (Nesterov)
//! ```
//!
//! As in PyTorch the decay λ is coupled: it is the derivative of ½ λ θ² and goes through the momentum like the rest of
//! the gradient. The momentum is a sum and not a mean: at μ = 0.9 a steady gradient moves a weight ten times as far as
//! at μ = 0.

use super::{is_movable, load_into, zeros};
use crate::kernels::lanes::{dispatch, fma};
use crate::kernels::vector::BLOCK;
use crate::{Gradients, ParamId, Parameters, Result, threads};

/// The numbers of one step of gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    /// The learning rate of this step.
    pub lr: f32,
    /// Decay of the sum of gradients; 0 is plain descent.
    pub momentum: f32,
    /// Coupled decay: `weight_decay` times a weight is added to its gradient.
    pub weight_decay: f32,
    /// Whether the step looks ahead along the momentum (Sutskever and others 2013).
    pub nesterov: bool,
}

impl Default for SgdConfig {
    /// PyTorch's defaults.
    fn default() -> Self {
        SgdConfig { lr: 1e-3, momentum: 0.0, weight_decay: 0.0, nesterov: false }
    }
}

/// The decaying sum of gradients of every parameter it moves.
#[derive(Clone, Debug)]
pub struct Sgd {
    momentum: Vec<Vec<f32>>,
}

/// What one pass needs, worked out once a step.
#[derive(Clone, Copy)]
struct Update {
    rate: f32,
    momentum: f32,
    decay: f32,
    nesterov: bool,
    grad_scale: f32,
}

impl Sgd {
    /// Zero momentum for the parameters that `takes` names.
    pub fn new(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> Sgd {
        Sgd { momentum: zeros(parameters, takes) }
    }

    /// One step with gradients multiplied by `grad_scale`; weights decay where `decays` says so. Frozen parameters, and
    /// those that are not of this rule, stay.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &SgdConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        for id in (0..self.momentum.len()).map(ParamId::from_index) {
            if !is_movable(parameters, id) {
                continue;
            }
            let update = Update {
                rate: config.lr,
                momentum: config.momentum,
                decay: if decays(id) { config.weight_decay } else { 0.0 },
                nesterov: config.nesterov,
                grad_scale,
            };
            let momentum = &mut self.momentum[id.index()];
            let (gradient, values) = (gradients.get(id), parameters.values_mut(id));
            if gradient.len() != values.len() || momentum.len() != values.len() {
                continue;
            }
            threads::for_each_chunk2(values, BLOCK, momentum, BLOCK, |block, values, momentum| {
                update_block(values, &gradient[block * BLOCK..], momentum, &update);
            });
        }
        parameters.refresh();
    }

    /// The decaying sum of gradients of `id`; empty for one that is not of this rule.
    pub fn momentum(&self, id: ParamId) -> &[f32] {
        self.momentum.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// Put back the sum of gradients of `id`, when a run is resumed.
    ///
    /// # Errors
    /// When the length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, momentum: &[f32]) -> Result<()> {
        load_into("Sgd::load", "momentum", &mut self.momentum, id, momentum)
    }
}

dispatch! {
    fn update_block(values: &mut [f32], gradient: &[f32], momentum: &mut [f32], update: &Update) = update_body
}

#[inline(always)]
fn update_body<const FMA: bool>(values: &mut [f32], gradient: &[f32], momentum: &mut [f32], update: &Update) {
    let &Update { rate, momentum: mu, decay, nesterov, grad_scale } = update;
    for ((p, &g), m) in values.iter_mut().zip(gradient).zip(momentum) {
        let g = fma::<FMA>(decay, *p, g * grad_scale);
        // PyTorch begins with the gradient itself, which is what a sum that begins at zero gives.
        *m = fma::<FMA>(mu, *m, g);
        let step = if nesterov { fma::<FMA>(mu, *m, g) } else { *m };
        *p = fma::<FMA>(-rate, step, *p);
    }
}
