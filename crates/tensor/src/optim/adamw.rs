//! AdamW: Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), as `torch.optim.AdamW`
//! computes it, in one pass over weights, gradients and moments.

use crate::error::check_length;
use crate::kernels::lanes::{dispatch, fma};
use crate::kernels::vector::BLOCK;
use crate::{Gradients, ParamId, Parameters, Result, TensorError, threads};

/// The numbers of one AdamW step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// The learning rate of this step.
    pub lr: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled decay: a weight loses `lr · weight_decay` of itself a step.
    pub weight_decay: f32,
}

impl Default for AdamWConfig {
    /// PyTorch's defaults.
    fn default() -> Self {
        AdamWConfig { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

/// First and second moments of every parameter, and how many steps they have seen.
#[derive(Clone, Debug)]
pub struct AdamW {
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
    steps: u64,
}

/// What one pass needs, worked out once a step.
#[derive(Clone, Copy)]
struct Update {
    beta1: f32,
    beta2: f32,
    grad_scale: f32,
    /// 1 − lr · weight_decay
    keep: f32,
    /// lr / (1 − beta1ᵗ)
    rate: f32,
    /// 1 / √(1 − beta2ᵗ)
    root: f32,
    eps: f32,
}

impl AdamW {
    /// Zero moments for `parameters`.
    pub fn new(parameters: &Parameters) -> AdamW {
        AdamW::for_some(parameters, &|_| true)
    }

    /// Zero moments for the parameters that `takes` names; the others are left alone.
    pub fn for_some(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> AdamW {
        let zeros: Vec<Vec<f32>> = parameters
            .iter()
            .map(|(id, _, tensor)| if takes(id) { vec![0.0; tensor.len()] } else { Vec::new() })
            .collect();
        AdamW { first: zeros.clone(), second: zeros, steps: 0 }
    }

    /// One step with gradients multiplied by `grad_scale` (clipping, means); weights decay where `decays` says so.
    /// Frozen parameters stay. Rounded copies of the weights are refreshed.
    ///
    /// Gradients and parameters that do not belong to these moments are left alone.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &AdamWConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        self.steps += 1;
        let t = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction1 = 1.0 - f64::from(config.beta1).powi(t);
        let correction2 = 1.0 - f64::from(config.beta2).powi(t);
        let count = parameters.len().min(self.first.len());
        for id in (0..count).map(ParamId::from_index) {
            if !parameters.is_trainable(id) {
                continue;
            }
            let decay = if decays(id) { f64::from(config.lr) * f64::from(config.weight_decay) } else { 0.0 };
            let update = Update {
                beta1: config.beta1,
                beta2: config.beta2,
                grad_scale,
                keep: (1.0 - decay) as f32,
                rate: (f64::from(config.lr) / correction1) as f32,
                root: (1.0 / correction2.sqrt()) as f32,
                eps: config.eps,
            };
            let (first, second) = (&mut self.first[id.index()], &mut self.second[id.index()]);
            let (gradient, values) = (gradients.get(id), parameters.values_mut(id));
            if gradient.len() != values.len() || first.len() != values.len() {
                continue;
            }
            let state = ((&mut first[..], BLOCK), (&mut second[..], BLOCK));
            threads::for_each_chunk3((values, BLOCK), state.0, state.1, |block, values, first, second| {
                update_block(values, &gradient[block * BLOCK..], first, second, &update);
            });
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

    /// The mean of gradients of `id`; empty for an id of other parameters.
    pub fn first_moment(&self, id: ParamId) -> &[f32] {
        self.first.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// The mean of squared gradients of `id`; empty for an id of other parameters.
    pub fn second_moment(&self, id: ParamId) -> &[f32] {
        self.second.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// Put back both moments of `id`, when a run is resumed.
    ///
    /// # Errors
    /// When a length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, first: &[f32], second: &[f32]) -> Result<()> {
        const OP: &str = "AdamW::load";
        let limit = self.first.len() as u64;
        let missing = || TensorError::Index { op: OP, what: "parameter", index: id.index() as u64, limit };
        let m = self.first.get_mut(id.index()).ok_or_else(missing)?;
        let v = self.second.get_mut(id.index()).ok_or_else(missing)?;
        check_length(OP, "first moments", first.len(), m.len())?;
        check_length(OP, "second moments", second.len(), v.len())?;
        m.copy_from_slice(first);
        v.copy_from_slice(second);
        Ok(())
    }
}

dispatch! {
    fn update_block(
        values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], update: &Update,
    ) = update_body
}

#[inline(always)]
fn update_body<const FMA: bool>(
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    update: &Update,
) {
    let &Update { beta1, beta2, grad_scale, keep, rate, root, eps } = update;
    for (((p, &g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
        let g = g * grad_scale;
        *m = fma::<FMA>(1.0 - beta1, g - *m, *m);
        *v = fma::<FMA>((1.0 - beta2) * g, g, beta2 * *v);
        *p = fma::<FMA>(*p, keep, -rate * *m / (v.sqrt() * root + eps));
    }
}
