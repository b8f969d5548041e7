//! What a run tells the world while it goes on; the terminal, or a test, stands behind it.

use std::path::Path;

use serde::Serialize;

use crate::spikes::Spike;

/// One update, measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepMetrics {
    /// Updates taken, this one included.
    pub step: u64,
    /// Updates of the whole run.
    pub steps: u64,
    /// Tokens read since the start of the run, padding left out.
    pub tokens: u64,
    /// Passes over the data since the start of the run.
    pub epoch: f64,
    /// The loss before the update; for next-token objectives the negative log-likelihood in nats a target, without what
    /// smoothing and z-loss add (the measure `total_loss` counts them).
    pub loss: f64,
    /// The rate this update was taken with.
    pub learning_rate: f64,
    /// Global norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Tokens a second since the last logged step, evaluation and checkpoints left out.
    pub tokens_per_second: f64,
    /// Seconds of work since the start of the run, interruptions left out.
    pub seconds: f64,
    /// Measures of the objective, such as `reward_accuracy`.
    pub measures: Vec<(&'static str, f64)>,
}

/// One pass over the held-out batches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The objective on them, in nats a target for next-token objectives.
    pub loss: f64,
    /// The loss in bits a byte of text, where the bytes are known.
    pub bits_per_byte: Option<f64>,
    /// How many targets (for preference training: targets of both answers) it is measured on.
    pub targets: u64,
    /// Measures of the objective, such as `reward_accuracy`.
    pub measures: Vec<(&'static str, f64)>,
}

/// Hears what happens. Every method has an empty body, so an implementation names only what it wants.
pub trait Observer {
    /// The run begins, or goes on, after `done` of `steps` updates.
    fn started(&mut self, done: u64, steps: u64) {
        let _ = (done, steps);
    }
    /// An update was taken.
    fn step(&mut self, metrics: &StepMetrics) {
        let _ = metrics;
    }
    /// The held-out batches were scored after `step` updates.
    fn evaluated(&mut self, step: u64, evaluation: &Evaluation) {
        let _ = (step, evaluation);
    }
    /// A checkpoint is whole on disk.
    fn checkpointed(&mut self, step: u64, path: &Path) {
        let _ = (step, path);
    }
    /// A batch was left out, and with it, where `rolled_back_to` says so, those since an earlier state.
    fn spiked(&mut self, spike: &Spike) {
        let _ = spike;
    }
    /// Something is wrong but work goes on: a damaged checkpoint, a file that could not be removed.
    fn warning(&mut self, message: &str) {
        let _ = message;
    }
}

/// Hears everything and does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
