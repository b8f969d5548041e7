//! Optimisers: from gradients to the next weights, each in one pass over a parameter.
//!
//! [`Optimizer`] is what a training loop holds: it takes the matrices of the network's body by the rule that was chosen
//! and everything else (tables, gains, biases) by AdamW, as every recipe with [`Muon`] does.

mod adamw;
mod muon;

use std::collections::BTreeSet;

pub use adamw::{AdamW, AdamWConfig};
pub use muon::{Muon, MuonConfig};

use crate::{Gradients, ParamId, Parameters, Result};

/// The numbers of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepConfig {
    /// For what AdamW takes.
    pub adamw: AdamWConfig,
    /// For what Muon takes.
    pub muon: MuonConfig,
}

/// The state of every parameter under its rule.
#[derive(Clone, Debug)]
pub struct Optimizer {
    adamw: AdamW,
    muon: Muon,
    by_muon: BTreeSet<usize>,
}

impl Optimizer {
    /// Fresh state: Muon for the matrices that `by_muon` names, AdamW for all else.
    pub fn new(parameters: &Parameters, by_muon: &dyn Fn(ParamId) -> bool) -> Optimizer {
        let chosen: BTreeSet<usize> = parameters
            .iter()
            .filter(|&(id, _, tensor)| tensor.shape().len() == 2 && by_muon(id))
            .map(|(id, _, _)| id.index())
            .collect();
        let is_chosen = |id: ParamId| chosen.contains(&id.index());
        Optimizer {
            adamw: AdamW::for_some(parameters, &|id| !is_chosen(id)),
            muon: Muon::new(parameters, &is_chosen),
            by_muon: chosen,
        }
    }

    /// One step with gradients multiplied by `grad_scale` (clipping, means); weights decay where `decays` says so.
    /// Frozen parameters stay. Rounded copies of the weights are refreshed.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        config: &StepConfig,
        grad_scale: f32,
        decays: &dyn Fn(ParamId) -> bool,
    ) {
        if !self.by_muon.is_empty() {
            self.muon.step(parameters, gradients, &config.muon, grad_scale, decays);
        }
        self.adamw.step(parameters, gradients, &config.adamw, grad_scale, decays);
    }

    /// What is remembered of a parameter between steps, by the letter it has in checkpoints: `m` is the mean of
    /// gradients, `v` (AdamW only) the mean of their squares.
    pub fn state(&self, id: ParamId) -> Vec<(&'static str, &[f32])> {
        if self.by_muon.contains(&id.index()) {
            vec![("m", self.muon.momentum(id))]
        } else {
            vec![("m", self.adamw.first_moment(id)), ("v", self.adamw.second_moment(id))]
        }
    }

    /// Put back what [`state`](Optimizer::state) gave, in the same order, when a run is resumed.
    ///
    /// # Errors
    /// When a length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, state: &[Vec<f32>]) -> Result<()> {
        let part = |index: usize| state.get(index).map_or(&[][..], Vec::as_slice);
        if self.by_muon.contains(&id.index()) {
            self.muon.load(id, part(0))
        } else {
            self.adamw.load(id, part(0), part(1))
        }
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.adamw.steps()
    }

    /// Set the number of steps taken, when a run is resumed.
    pub fn set_step(&mut self, steps: u64) {
        self.adamw.set_step(steps);
    }
}
