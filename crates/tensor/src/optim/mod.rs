//! Optimisers: from gradients to the next weights, each in as few passes over a parameter as its rule allows.
//!
//! [`Optimizer`] is what a training loop holds: it takes every parameter by the [`Rule`] that was chosen for it, and by
//! AdamW what is no matrix but was given to [`Muon`].

mod adafactor;
mod adamw;
mod lion;
mod muon;
mod sgd;

pub use adafactor::{Adafactor, AdafactorConfig};
pub use adamw::{AdamW, AdamWConfig};
pub use lion::{Lion, LionConfig};
pub use muon::{Muon, MuonConfig};
pub use sgd::{Sgd, SgdConfig};

use crate::error::check_length;
use crate::{Gradients, ParamId, Parameters, Result, TensorError, profile};

/// The rule that moves a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// [`AdamW`].
    #[default]
    AdamW,
    /// [`Muon`], for matrices; AdamW takes what is none.
    Muon,
    /// [`Lion`].
    Lion,
    /// [`Sgd`].
    Sgd,
    /// [`Adafactor`].
    Adafactor,
}

impl Rule {
    /// The rule itself, or AdamW where it has nothing to say of this shape.
    pub fn for_shape(self, shape: &[usize]) -> Rule {
        if self == Rule::Muon && shape.len() != 2 { Rule::AdamW } else { self }
    }

    /// How many f32 values it remembers of a parameter of this shape between steps.
    pub fn state_len(self, shape: &[usize]) -> usize {
        let len = shape.iter().product::<usize>();
        match (self.for_shape(shape), shape) {
            (Rule::AdamW, _) => 2 * len,
            (Rule::Muon | Rule::Lion | Rule::Sgd, _) => len,
            (Rule::Adafactor, [rows, columns]) => rows + columns,
            (Rule::Adafactor, _) => len,
        }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepConfig {
    /// For what AdamW takes.
    pub adamw: AdamWConfig,
    /// For what Muon takes.
    pub muon: MuonConfig,
    /// For what Lion takes.
    pub lion: LionConfig,
    /// For what gradient descent takes.
    pub sgd: SgdConfig,
    /// For what Adafactor takes.
    pub adafactor: AdafactorConfig,
}

/// The state of every parameter under its rule.
#[derive(Clone, Debug)]
pub struct Optimizer {
    rules: Vec<Rule>,
    adamw: AdamW,
    muon: Muon,
    lion: Lion,
    sgd: Sgd,
    adafactor: Adafactor,
    steps: u64,
}

impl Optimizer {
    /// Fresh state: every parameter under the rule that `rule_of` gives, or AdamW where that rule cannot take it.
    pub fn new(parameters: &Parameters, rule_of: &dyn Fn(ParamId) -> Rule) -> Optimizer {
        let rules: Vec<Rule> = parameters.iter().map(|(id, _, tensor)| rule_of(id).for_shape(tensor.shape())).collect();
        let is = |rule: Rule| {
            let rules = &rules;
            move |id: ParamId| rules.get(id.index()) == Some(&rule)
        };
        Optimizer {
            adamw: AdamW::for_some(parameters, &is(Rule::AdamW)),
            muon: Muon::new(parameters, &is(Rule::Muon)),
            lion: Lion::new(parameters, &is(Rule::Lion)),
            sgd: Sgd::new(parameters, &is(Rule::Sgd)),
            adafactor: Adafactor::new(parameters, &is(Rule::Adafactor)),
            rules,
            steps: 0,
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
        let start = profile::start();
        self.steps += 1;
        // Every rule finds its own: it has no state of the parameters of another.
        self.adamw.step(parameters, gradients, &config.adamw, grad_scale, decays);
        self.muon.step(parameters, gradients, &config.muon, grad_scale, decays);
        self.lion.step(parameters, gradients, &config.lion, grad_scale, decays);
        self.sgd.step(parameters, gradients, &config.sgd, grad_scale, decays);
        self.adafactor.step(parameters, gradients, &config.adafactor, grad_scale, decays);
        profile::stop(start, "update", "optimiser");
    }

    /// What is remembered of a parameter between steps, by the letter it has in checkpoints: `m` is the mean of
    /// gradients (of gradient descent: their decaying sum), `v` the mean of their squares, `r` and `c` the same over rows
    /// and columns of a matrix.
    pub fn state(&self, id: ParamId) -> Vec<(&'static str, &[f32])> {
        match self.rule(id) {
            Rule::AdamW => vec![("m", self.adamw.first_moment(id)), ("v", self.adamw.second_moment(id))],
            Rule::Muon => vec![("m", self.muon.momentum(id))],
            Rule::Lion => vec![("m", self.lion.mean(id))],
            Rule::Sgd => vec![("m", self.sgd.momentum(id))],
            Rule::Adafactor => self.adafactor.moments(id),
        }
    }

    /// Put back what [`state`](Optimizer::state) gave, in the same order, when a run is resumed.
    ///
    /// # Errors
    /// When a length is not that of the parameter.
    pub fn load(&mut self, id: ParamId, state: &[Vec<f32>]) -> Result<()> {
        let part = |index: usize| state.get(index).map_or(&[][..], Vec::as_slice);
        match self.rule(id) {
            Rule::AdamW => self.adamw.load(id, part(0), part(1)),
            Rule::Muon => self.muon.load(id, part(0)),
            Rule::Lion => self.lion.load(id, part(0)),
            Rule::Sgd => self.sgd.load(id, part(0)),
            Rule::Adafactor => self.adafactor.load(id, state),
        }
    }

    /// The rule that moves `id`.
    pub fn rule(&self, id: ParamId) -> Rule {
        self.rules.get(id.index()).copied().unwrap_or_default()
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Set the number of steps taken, when a run is resumed.
    pub fn set_step(&mut self, steps: u64) {
        self.steps = steps;
        self.adamw.set_step(steps);
        self.adafactor.set_step(steps);
    }
}

/// A zero for every value of the parameters that `takes` names, nothing for the others.
fn zeros(parameters: &Parameters, takes: &dyn Fn(ParamId) -> bool) -> Vec<Vec<f32>> {
    let of = |(id, _, tensor): (ParamId, &str, &crate::Tensor)| vec![0.0; if takes(id) { tensor.len() } else { 0 }];
    parameters.iter().map(of).collect()
}

/// Whether a step may move a parameter: there is one with this number, and it is trained.
fn is_movable(parameters: &Parameters, id: ParamId) -> bool {
    id.index() < parameters.len() && parameters.is_trainable(id)
}

/// What decoupled decay leaves of a weight.
fn keep(lr: f32, weight_decay: f32, decays: bool) -> f32 {
    let decay = if decays { f64::from(lr) * f64::from(weight_decay) } else { 0.0 };
    (1.0 - decay) as f32
}

/// Puts `values` back as the state of `id`, for a rule that has one list a parameter.
fn load_into(op: &'static str, what: &'static str, state: &mut [Vec<f32>], id: ParamId, values: &[f32]) -> Result<()> {
    let limit = state.len() as u64;
    let missing = || TensorError::Index { op, what: "parameter", index: id.index() as u64, limit };
    let kept = state.get_mut(id.index()).ok_or_else(missing)?;
    check_length(op, what, values.len(), kept.len())?;
    kept.copy_from_slice(values);
    Ok(())
}
