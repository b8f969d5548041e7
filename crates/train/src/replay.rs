//! Steps of a run taken again and compared bit by bit with what its log and its checkpoints say.
//!
//! A batch is a function of seed and step, so a run can be taken up at any checkpoint (or at its beginning) and brought to
//! any step: its losses, gradient norms and weights are then those that were written down, or something is not what it
//! was: the data, the program, the instruction set, or the machine.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use tensor::{Parameters, Seen};

use crate::carried::Carried;
use crate::checkpoint::{self, Checkpoints, IDENTITY_FILE, Identity};
use crate::error::{Result, TrainError};
use crate::metrics::{EVENT_KEY, METRICS_FILE, WEIGHTS_KEY, read_metrics};
use crate::observer::Observer;
use crate::run::{Run, identity};
use crate::update::{Trainer, check, optimizer};

/// A number or digest as it was written down, where it was, and as it came out now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared<T> {
    /// What the log or a checkpoint says.
    pub recorded: Option<T>,
    /// What came out.
    pub found: T,
}

impl<T: PartialEq> Compared<T> {
    fn differs(&self) -> bool {
        self.recorded.as_ref().is_some_and(|recorded| *recorded != self.found)
    }
}

/// One step, taken again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayedStep {
    /// Updates taken, this one included.
    pub step: u64,
    /// The batch it was taken on, from 0; other than `step - 1` after spikes.
    pub batch: u64,
    /// The loss before it.
    pub loss: Compared<f64>,
    /// The global norm of the gradient.
    pub grad_norm: Compared<f64>,
    /// The rate it was taken with.
    pub learning_rate: Compared<f64>,
    /// SHA-256 over all weights after it; only where it was written down, and after the last step.
    pub weights: Option<Compared<String>>,
}

impl ReplayedStep {
    /// The first measure that differs: its name, what was written down, what came out.
    fn difference(&self) -> Option<(&'static str, String, String)> {
        let numbers = [("loss", &self.loss), ("grad_norm", &self.grad_norm), ("learning_rate", &self.learning_rate)];
        let number = numbers.into_iter().find(|(_, compared)| compared.differs());
        let text = |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"));
        if let Some((name, compared)) = number {
            return Some((name, text(compared.recorded), text(Some(compared.found))));
        }
        let weights = self.weights.as_ref().filter(|weights| weights.differs())?;
        Some((WEIGHTS_KEY, weights.recorded.clone().unwrap_or_default(), weights.found.clone()))
    }

    /// How many measures there was something to compare with for.
    fn compared(&self) -> u64 {
        let numbers = [&self.loss, &self.grad_norm, &self.learning_rate];
        let weights = self.weights.as_ref().is_some_and(|weights| weights.recorded.is_some());
        numbers.iter().filter(|compared| compared.recorded.is_some()).count() as u64 + u64::from(weights)
    }
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// Updates taken where it began.
    pub from: u64,
    /// The checkpoint it began from; none for the beginning of the run.
    pub checkpoint: Option<PathBuf>,
    /// The steps.
    pub steps: Vec<ReplayedStep>,
    /// How many measures were compared.
    pub compared: u64,
    /// The first that differs: step, measure, what was written down, what came out.
    pub first_difference: Option<(u64, String, String, String)>,
}

/// Takes the updates of `run` up to `step` again, from the newest whole checkpoint in `run.work` before it, or from
/// `parameters`, the weights the run started from; `parameters` then hold the weights after `step`. `run.work` is only
/// read: it holds the log and, where there are any, checkpoints. `heard` is told of each step, `trace` is shown every
/// value of the last one.
///
/// # Errors
/// Settings out of range; a step the log does not reach; a log of another run; data or model failures.
pub fn replay(
    run: &Run,
    parameters: &mut Parameters,
    step: u64,
    observer: &mut dyn Observer,
    heard: &mut dyn FnMut(&ReplayedStep),
    trace: Option<&mut dyn FnMut(&Seen)>,
) -> Result<Replayed> {
    check(run, parameters)?;
    let log = run.work.join(METRICS_FILE);
    let records = read_metrics(&log)?;
    let reached = records.iter().filter_map(|record| record.get("step")?.as_u64()).max().unwrap_or_default();
    if step == 0 || step > reached.min(run.config.steps) {
        return Err(TrainError::NoSuchStep { path: log, step, reached: reached.min(run.config.steps) });
    }
    let identity = identity(run, parameters)?;
    check_identity(&run.work.join(IDENTITY_FILE), &identity)?;
    let checkpoints = Checkpoints { work: run.work, keep: usize::MAX, identity, rollback: None, milestone: None };
    let mut optimizer = optimizer(run, parameters);
    let restored = checkpoints.restore_before(step, parameters, &mut optimizer, observer)?;
    let (from, mut carried, checkpoint) = match restored {
        Some(restored) => (restored.progress.step, restored.progress.carried, Some(restored.path)),
        None => (0, Carried::default(), None),
    };
    // What a later checkpoint says of the weights is as good as what the log says.
    let witness = checkpoints.weights_at(step, parameters, &optimizer)?;
    parameters.set_compute_dtype(run.config.dtype.into());

    let mut trainer = Trainer::new(run, parameters);
    let mut trace = trace;
    let mut steps = Vec::new();
    for done in from..step {
        let batch = done + skipped_before(&records, done);
        if done + 1 == step
            && let Some(trace) = trace.take()
        {
            trainer.trace(parameters, batch, &carried, trace)?;
        }
        let measured = trainer.measure(parameters, batch, &carried)?;
        if !measured.is_finite() {
            return Err(trainer.refusal(parameters, (done, batch), &carried, &measured, checkpoint.as_deref()));
        }
        let update = trainer.apply(parameters, &mut optimizer, done, measured);
        carried = update.carried;
        let record = line_of(&records, done + 1);
        let number = |key: &str| record.and_then(|record| record.get(key)).and_then(Value::as_f64);
        let said = record.and_then(|record| record.get(WEIGHTS_KEY)).and_then(Value::as_str).map(str::to_owned);
        let said = said.or_else(|| witness.clone().filter(|_| done + 1 == step));
        let replayed = ReplayedStep {
            step: done + 1,
            batch,
            loss: Compared { recorded: number("loss"), found: update.loss },
            grad_norm: Compared { recorded: number("grad_norm"), found: update.grad_norm },
            learning_rate: Compared { recorded: number("learning_rate"), found: update.learning_rate },
            weights: match said.is_some() || done + 1 == step {
                true => Some(Compared { recorded: said, found: checkpoint::digest_of(parameters)? }),
                false => None,
            },
        };
        heard(&replayed);
        steps.push(replayed);
    }
    let first_difference = steps.iter().find_map(|replayed| {
        let (measure, recorded, found) = replayed.difference()?;
        Some((replayed.step, measure.to_owned(), recorded, found))
    });
    let compared = steps.iter().map(ReplayedStep::compared).sum();
    Ok(Replayed { from, checkpoint, steps, compared, first_difference })
}

/// The line of the log that tells of a step.
fn line_of(records: &[Map<String, Value>], step: u64) -> Option<&Map<String, Value>> {
    let is_it = |record: &&Map<String, Value>| {
        !record.contains_key(EVENT_KEY) && record.get("step").and_then(Value::as_u64) == Some(step)
    };
    records.iter().rfind(is_it)
}

/// How many batches were left out before update `done` (from 0), by what the log says of spikes: the last that went back
/// to where that update was still to be taken.
fn skipped_before(records: &[Map<String, Value>], done: u64) -> u64 {
    let spikes = records.iter().filter_map(|record| record.get("spike"));
    let mut skipped = 0;
    for spike in spikes {
        let number = |key: &str| spike.get(key).and_then(Value::as_u64);
        let kept = number("rolled_back_to").or_else(|| number("step").map(|step| step.saturating_sub(1)));
        if kept.is_some_and(|kept| kept <= done) {
            skipped = number("skipped").unwrap_or(skipped);
        }
    }
    skipped
}

/// Whether the run that left `path` is the one with this identity.
fn check_identity(path: &Path, now: &Identity) -> Result<()> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(TrainError::io(path))?,
    };
    let damaged = |error: serde_json::Error| TrainError::Data(format!("{}: {error}", path.display()));
    let then: Identity = serde_json::from_slice(&bytes).map_err(damaged)?;
    match then.difference(&now.as_read_back()?, 0) {
        None => Ok(()),
        Some(reason) => Err(TrainError::NotThatRun { path: path.to_owned(), reason }),
    }
}
