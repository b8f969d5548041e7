//! A run that leaves nothing behind: the loop's own updates, timed, for benchmarks.
//!
//! A benchmark with a loop of its own would measure that loop. Here data order, loss, backward pass, clipping and
//! optimiser are those of [`run`](crate::run()); what is left out is what happens between updates.

use std::time::Instant;

use tensor::Parameters;

use crate::carried::Carried;
use crate::error::Result;
use crate::run::Run;
use crate::update::{Trainer, check, optimizer};

/// One update, as it was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedUpdate {
    /// Updates taken, this one included.
    pub step: u64,
    /// Tokens it read, padding left out.
    pub tokens: u64,
    /// Loss before it.
    pub loss: f64,
    /// Global norm of the gradient, before clipping.
    pub grad_norm: f64,
    /// Wall-clock seconds from reading the batch to the new weights.
    pub seconds: f64,
}

/// Takes all updates of `run` and tells `watch` about each; ends early where `run.interrupt` says so. Nothing is
/// evaluated, logged or saved, and `run.work` is not touched. The result is that of [`run`](crate::run()): the same
/// weights, with the compute type of the settings.
///
/// # Errors
/// Settings out of range; a loss or gradient that is not a number; data or model failures.
pub fn rehearse(run: &Run, parameters: &mut Parameters, watch: &mut dyn FnMut(&TimedUpdate)) -> Result<()> {
    check(run, parameters)?;
    let mut optimizer = optimizer(run, parameters);
    parameters.set_compute_dtype(run.config.dtype.into());
    let mut trainer = Trainer::new(run, parameters);
    let mut carried = Carried::default();
    for step in 0..run.config.steps {
        if (run.interrupt)() {
            break;
        }
        let clock = Instant::now();
        let measured = trainer.measure(parameters, step, &carried)?;
        if !measured.is_finite() {
            return Err(trainer.refusal(parameters, (step, step), &carried, &measured, None));
        }
        let update = trainer.apply(parameters, &mut optimizer, step, measured);
        carried = update.carried;
        watch(&TimedUpdate {
            step: step + 1,
            tokens: update.counts.tokens,
            loss: update.loss,
            grad_norm: update.grad_norm,
            seconds: clock.elapsed().as_secs_f64(),
        });
    }
    Ok(())
}
