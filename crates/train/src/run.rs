//! The one training loop. Pre-training, tuning and alignment differ in what they hand it, not in how it goes.
//!
//! An update is: micro-batches forward and backward into one gradient, its global norm, clipping, the optimiser. After it come,
//! where due, evaluation, a line of the log and a checkpoint. Nothing random is carried from step to step, so the state
//! of a run is its weights, the optimiser's state and the number of updates.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nn::Network;
use tensor::Parameters;

use crate::batch::DataSet;
use crate::checkpoint::{self, Checkpoints, Identity, Progress};
use crate::config::TrainConfig;
use crate::error::{Result, TrainError};
use crate::histograms::Histograms;
use crate::metrics::{self, EVENTS_FILE, Logs, METRICS_FILE, WEIGHTS_KEY};
use crate::objective::Objective;
use crate::observer::{Observer, StepMetrics};
use crate::spikes::{Spike, Verdict};
use crate::update::{Measured, Trainer, check, last_checkpoint_note, optimizer};

/// Text the model is measured on while it learns, and never learns from.
#[derive(Clone, Copy)]
pub struct HeldOut<'a> {
    /// The rows; the first `eval_batches` batches of them are read, in their stored order.
    pub data: &'a dyn DataSet,
    /// Bytes of text a target token stands for, to give the loss in bits a byte.
    pub bytes_per_token: Option<f64>,
}

/// One stage of a model's life.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The section of the recipe the settings come from (`pretrain`, `tune`, `align`), for messages.
    pub section: &'a str,
    /// The model.
    pub network: &'a dyn Network,
    /// What it learns.
    pub objective: &'a dyn Objective,
    /// What it learns from.
    pub data: &'a dyn DataSet,
    /// What it is measured on.
    pub held_out: Option<HeldOut<'a>>,
    /// How.
    pub config: &'a TrainConfig,
    /// Where checkpoints and logs go; made if missing. A run of the same stage goes on from what it finds here.
    pub work: &'a Path,
    /// Asked between updates; `true` ends the run at a checkpoint.
    pub interrupt: &'a (dyn Fn() -> bool + Sync),
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All updates were taken; `parameters` hold the result.
    Finished(Summary),
    /// It was interrupted; the same call goes on from the checkpoint.
    Interrupted {
        /// Updates taken.
        step: u64,
        /// Where they are kept.
        checkpoint: PathBuf,
    },
}

/// A finished run in numbers.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Summary {
    /// Updates taken.
    pub steps: u64,
    /// Tokens read, padding left out.
    pub tokens: u64,
    /// Seconds of work, interruptions left out.
    pub seconds: f64,
    /// Loss of the last update.
    pub loss: Option<f64>,
    /// Loss on the held-out batches at the end.
    pub eval_loss: Option<f64>,
    /// The same in bits a byte.
    pub eval_bits_per_byte: Option<f64>,
    /// Lowest loss on the held-out batches.
    pub best_eval_loss: Option<f64>,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// The log, one JSON object a line.
    pub metrics: PathBuf,
    /// The TensorBoard event file.
    pub events: PathBuf,
}

/// Trains `parameters`, the weights the stage starts from, until all updates are taken or the run is interrupted.
///
/// When `work` holds a checkpoint of this very run (same data, starting weights, shape, objective and settings) it goes
/// on from there, and ends with the same bits as if it had never stopped, for any number of threads. The parameters keep
/// the compute type of `config.dtype`; their values are f32 either way.
///
/// # Errors
/// Settings out of range; a checkpoint of another run; a loss or gradient that is not a number (the weights are then
/// those before the update, and the last checkpoint stays); data, model or disk failures.
pub fn run(run: &Run, parameters: &mut Parameters, observer: &mut dyn Observer) -> Result<Outcome> {
    let config = run.config;
    check(run, parameters)?;
    fs::create_dir_all(run.work).map_err(TrainError::io(run.work))?;
    let checkpoints = Checkpoints {
        work: run.work,
        keep: config.keep_checkpoints,
        identity: identity(run, parameters)?,
        rollback: (config.guards_spikes() && config.spike_rollback > 0).then_some(config.spike_rollback),
        milestone: config.schedule().decay_start().filter(|&step| step > 0 && step < config.steps),
    };
    let mut optimizer = optimizer(run, parameters);
    let restored = checkpoints.restore(parameters, &mut optimizer, observer)?;
    // Only now: a run that is refused leaves the folder as it was.
    checkpoints.sign()?;
    parameters.set_compute_dtype(config.dtype.into());
    let (mut progress, mut logs, mut last_checkpoint) = match restored {
        Some(restored) => (restored.progress, Logs::begin(run.work, &restored.metrics)?, Some(restored.path)),
        None => (Progress::default(), Logs::begin(run.work, &[])?, None),
    };
    let mut histograms = Histograms::begin(run.work, progress.step)?;
    let mut trainer = Trainer::new(run, parameters);
    let order = trainer.order;
    if config.eval_every > 0 {
        trainer.read_held_out()?;
    }
    observer.started(progress.step, config.steps);
    let worked_before = progress.seconds;
    let clock = Instant::now();
    let fresh = last_checkpoint.is_none();
    if fresh && trainer.has_held_out() {
        // Where training starts from belongs on the curve: for tuning it is the measure of the model given.
        let evaluation = trainer.evaluate(parameters, 0, None)?;
        progress.evaluated(&evaluation);
        observer.evaluated(0, &evaluation);
        progress.seconds = clock.elapsed().as_secs_f64();
        logs.append(&metrics::record(0, progress.seconds, None, Some(&evaluation)))?;
    }

    loop {
        let step = progress.step;
        let finished = step >= config.steps;
        let interrupted = !finished && (run.interrupt)();
        let due = (step > 0 && is_multiple(step, config.checkpoint_every))
            || checkpoints.rollback.is_some_and(|every| is_multiple(step, every))
            || checkpoints.milestone == Some(step);
        if finished || interrupted || due {
            let position = order.position(step + progress.spikes.skipped);
            let already = last_checkpoint.as_ref().filter(|path| checkpoint::step_of(path) == Some(step)).cloned();
            let path = match already {
                Some(path) => path,
                None => {
                    let lines = logs.lines()?;
                    let seed = config.seed;
                    let path = checkpoints.save(&progress, seed, position, parameters, &optimizer, &lines, observer)?;
                    observer.checkpointed(step, &path);
                    path
                }
            };
            if finished {
                return Ok(Outcome::Finished(summary(run, &progress, path)));
            }
            if interrupted {
                return Ok(Outcome::Interrupted { step, checkpoint: path });
            }
            last_checkpoint = Some(path);
        }

        let step_clock = Instant::now();
        let index = step + progress.spikes.skipped;
        let measured = trainer.measure(parameters, index, &progress.carried)?;
        let verdict = if config.guards_spikes() { progress.spikes.judge(config, &measured) } else { None };
        if let Some(verdict) = verdict {
            let spike = spike_of(run, &trainer, parameters, (step, index), &measured, &verdict, &progress)?;
            if spike.number > config.spike_limit {
                let checkpoint = last_checkpoint_note(last_checkpoint.as_deref());
                let (limit, section) = (config.spike_limit, run.section.to_owned());
                return Err(TrainError::Spikes { spike: Box::new(spike), limit, checkpoint, section });
            }
            progress.seconds = worked_before + clock.elapsed().as_secs_f64();
            progress.spikes.leave_out(&spike);
            let line = metrics::spike_record(progress.seconds, &spike)?;
            if let Some(kept) = spike.rolled_back_to {
                let back = checkpoints.go_back(kept, parameters, &mut optimizer)?;
                let spikes = progress.spikes.back_to(back.progress.spikes);
                progress = Progress { seconds: progress.seconds, spikes, ..back.progress };
                histograms = Histograms::begin(run.work, kept)?;
                logs.rewind(run.work, &back.metrics)?;
                logs.append(&line)?;
                // The state gone back to now knows which batches to leave out.
                let (lines, seed) = (logs.lines()?, config.seed);
                let position = order.position(kept + progress.spikes.skipped);
                let path = checkpoints.save(&progress, seed, position, parameters, &optimizer, &lines, observer)?;
                last_checkpoint = Some(path);
            } else {
                logs.append(&line)?;
            }
            observer.spiked(&spike);
            continue;
        }
        if !measured.is_finite() {
            return Err(trainer.refusal(
                parameters,
                (step, index),
                &progress.carried,
                &measured,
                last_checkpoint.as_deref(),
            ));
        }
        if is_multiple(step + 1, config.histogram_every) {
            histograms.append(&trainer.histograms(parameters, step + 1, index, &progress.carried)?)?;
        }
        progress.spikes.accept(config, &measured);
        let update = trainer.apply(parameters, &mut optimizer, step, measured);
        progress.step += 1;
        progress.carried = update.carried;
        progress.tokens += update.counts.tokens;
        progress.unlogged.0 += update.counts.tokens;
        progress.unlogged.1 += step_clock.elapsed().as_secs_f64();
        progress.last_loss = Some(update.loss);
        progress.seconds = worked_before + clock.elapsed().as_secs_f64();
        let step = progress.step;
        let position = order.position(step + progress.spikes.skipped);
        let metrics = StepMetrics {
            step,
            steps: config.steps,
            tokens: progress.tokens,
            epoch: position.epoch as f64 + position.row as f64 / order.row_count as f64,
            loss: update.loss,
            learning_rate: update.learning_rate,
            grad_norm: update.grad_norm,
            tokens_per_second: progress.unlogged.0 as f64 / progress.unlogged.1.max(1e-9),
            seconds: progress.seconds,
            measures: update.measures,
        };
        observer.step(&metrics);
        let last = step == config.steps;
        let evaluate = config.eval_every > 0 && trainer.has_held_out() && (last || step % config.eval_every == 0);
        let evaluation =
            if evaluate { Some(trainer.evaluate(parameters, step, last_checkpoint.as_deref())?) } else { None };
        if let Some(evaluation) = &evaluation {
            progress.evaluated(evaluation);
            progress.seconds = worked_before + clock.elapsed().as_secs_f64();
            observer.evaluated(step, evaluation);
        }
        // What the weights are is written down where a checkpoint is due, so that a replayed step can be told from them
        // after the checkpoints are gone.
        let witnessed = last || is_multiple(step, config.checkpoint_every);
        if evaluation.is_some() || witnessed || step % config.log_every == 0 {
            let mut record = metrics::record(step, progress.seconds, Some(&metrics), evaluation.as_ref());
            if witnessed {
                record.insert(WEIGHTS_KEY.to_owned(), checkpoint::digest_of(parameters)?.into());
            }
            logs.append(&record)?;
            progress.unlogged = (0, 0.0);
        }
    }
}

/// What makes update `step` on batch `index` a spike, and what is left out because of it.
fn spike_of(
    run: &Run,
    trainer: &Trainer,
    parameters: &Parameters,
    (step, index): (u64, u64),
    measured: &Measured,
    verdict: &Verdict,
    progress: &Progress,
) -> Result<Spike> {
    let mut spike = verdict.spike(step + 1, progress.spikes.spikes + 1);
    if !measured.is_finite() {
        spike.trap = trainer.trap(parameters, index, &progress.carried, measured)?;
    }
    let every = run.config.spike_rollback;
    spike.rolled_back_to = (every > 0).then(|| progress.spikes.way_back(step, every));
    let kept = spike.rolled_back_to.unwrap_or(step);
    spike.skipped_batches = (kept + progress.spikes.skipped, index);
    spike.skipped = index + 1 - kept;
    spike.rows = trainer.rows(index);
    spike.skipped_rows = (spike.skipped_batches.0..=index).map(|index| trainer.rows(index)).collect();
    Ok(spike)
}

/// Whether `step` is one of every `every` steps; of none when that is 0.
fn is_multiple(step: u64, every: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}

pub(crate) fn identity(run: &Run, parameters: &Parameters) -> Result<Identity> {
    Ok(Identity {
        data: run.data.digest().to_owned(),
        start: checkpoint::digest_of(parameters)?,
        model: run.network.describe(),
        objective: run.objective.describe(),
        config: Identity::settings(run.config)?,
    })
}

fn summary(run: &Run, progress: &Progress, checkpoint: PathBuf) -> Summary {
    Summary {
        steps: progress.step,
        tokens: progress.tokens,
        seconds: progress.seconds,
        loss: progress.last_loss,
        eval_loss: progress.last_eval_loss,
        eval_bits_per_byte: progress.last_eval_bits_per_byte,
        best_eval_loss: progress.best_eval_loss,
        checkpoint,
        metrics: run.work.join(METRICS_FILE),
        events: run.work.join(EVENTS_FILE),
    }
}
