//! One update of a run: what its batch says of the weights, and the step the optimiser makes of it.
//!
//! The two are apart so that what was measured can be judged before anything is changed.

use std::cell::RefCell;
use std::path::Path;

use lang::rng::Rng;
use tensor::optim::Optimizer;
use tensor::{Gradients, Parameters, Seen, Tape, Tensor, Var};

use crate::batch::{Counts, DataOrder, DataSet, TrainBatch};
use crate::carried::Carried;
use crate::config::{Checkpointing, TrainConfig};
use crate::error::{Result, TrainError};
use nn::SideLoss;

use crate::histograms::{self, Histogram};
use crate::objective::Scored;
use crate::observer::Evaluation;
use crate::run::Run;
use crate::trap::{self, Rows, Trap};

/// What the loop works with between updates.
pub(crate) struct Trainer<'a> {
    run: &'a Run<'a>,
    pub(crate) order: DataOrder,
    gradients: Gradients,
    held_out: Vec<(Vec<u64>, TrainBatch)>,
}

/// What the batch of one update says of the weights as they are; the gradient stays with the [`Trainer`].
pub(crate) struct Measured {
    pub(crate) loss: f64,
    /// Global norm of the gradient; NaN where the loss is no number and no gradient was taken.
    pub(crate) grad_norm: f64,
    counts: Counts,
    measures: Vec<(&'static str, f64)>,
    /// What the next batch goes on from.
    carried: Carried,
}

impl Measured {
    #[cfg(test)]
    pub(crate) fn of(loss: f64, grad_norm: f64) -> Measured {
        let (counts, carried) = (Counts::default(), Carried::default());
        Measured { loss, grad_norm, counts, measures: Vec::new(), carried }
    }

    /// Whether an update can be made of it.
    pub(crate) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.grad_norm.is_finite()
    }
}

/// What came of one update.
pub(crate) struct Update {
    pub(crate) loss: f64,
    pub(crate) learning_rate: f64,
    pub(crate) grad_norm: f64,
    pub(crate) counts: Counts,
    pub(crate) measures: Vec<(&'static str, f64)>,
    pub(crate) carried: Carried,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(run: &'a Run<'a>, parameters: &Parameters) -> Trainer<'a> {
        let config = run.config;
        let order = order(config, run.data);
        Trainer { run, order, gradients: Gradients::none_like(parameters), held_out: Vec::new() }
    }

    /// The micro-batches of batch `index` (from 0), with the rows they hold.
    fn micro_batches(&self, index: u64) -> Result<Vec<(Vec<u64>, TrainBatch)>> {
        let micros = 0..self.run.config.gradient_accumulation as u64;
        let rows = micros.map(|micro| self.order.indices(index, micro));
        rows.map(|rows| self.run.data.rows(&rows).map(|batch| (rows, batch))).collect()
    }

    /// Loss and gradient of batch `index` (from 0), which goes on from `carried` where that is its state.
    pub(crate) fn measure(&mut self, parameters: &Parameters, index: u64, carried: &Carried) -> Result<Measured> {
        let micro_batches = self.micro_batches(index)?;
        // They come back as the backward pass lets go of what the forward pass kept.
        self.gradients.forget();
        let Scores { loss, counts, measures, mut carried } =
            accumulate(self.run, parameters, &micro_batches, (index, carried), Some(&mut self.gradients))?;
        if self.order.begins(index + 1) {
            carried = Carried::default();
        }
        let grad_norm = if loss.is_finite() { self.gradients.norm() } else { f64::NAN };
        Ok(Measured { loss, grad_norm, counts, measures, carried })
    }

    /// Shows every value of batch `index`, forward and backward. Changes nothing.
    pub(crate) fn trace(
        &self,
        parameters: &Parameters,
        index: u64,
        carried: &Carried,
        watcher: &mut dyn FnMut(&Seen),
    ) -> Result<()> {
        let batches = self.micro_batches(index)?;
        let totals = totals(&batches);
        let mut gradients = Gradients::zeros_like(parameters);
        let watcher = RefCell::new(watcher);
        for (micro, (_, batch)) in batches.iter().enumerate() {
            let mut forward = |seen: &Seen| (*watcher.borrow_mut())(seen);
            let mut tape = Tape::new(parameters);
            tape.watch(&mut forward);
            let from = (dropout(self.run.config, index, micro), carried.of(index, micro));
            let (scored, _) = score(self.run, &mut tape, batch, &totals, from)?;
            let mut backward = |seen: &Seen| (*watcher.borrow_mut())(seen);
            tape.backward_watched(scored.output, &scored.seed, &mut gradients, &mut backward)?;
        }
        Ok(())
    }

    /// How weights, gradients and the activations of the first micro-batch of batch `index` are spread, with the gradient
    /// that was measured last. `step` is the update about to be taken, from 1.
    pub(crate) fn histograms(
        &self,
        parameters: &Parameters,
        step: u64,
        index: u64,
        carried: &Carried,
    ) -> Result<Vec<Histogram>> {
        let mut found = Vec::new();
        for (id, name, tensor) in parameters.iter() {
            found.push(Histogram::of(step, "weight", name, tensor.as_f32()?));
            if parameters.is_trainable(id) {
                found.push(Histogram::of(step, "gradient", name, self.gradients.get(id)));
            }
        }
        let batches = self.micro_batches(index)?;
        if let Some((_, batch)) = batches.first() {
            let mut watch = |seen: &Seen| found.extend(histograms::of_seen(step, parameters, seen));
            let mut tape = Tape::forward_only(parameters);
            tape.watch(&mut watch);
            let from = (dropout(self.run.config, index, 0), carried.of(index, 0));
            score(self.run, &mut tape, batch, &totals(&batches), from)?;
        }
        Ok(found)
    }

    /// Takes update `step` (from 0) with what was measured last.
    pub(crate) fn apply(
        &mut self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        step: u64,
        measured: Measured,
    ) -> Update {
        let config = self.run.config;
        let Measured { loss, grad_norm, counts, measures, carried } = measured;
        // The small constant is PyTorch's clip_grad_norm_.
        let scale = if config.clip_norm > 0.0 { (config.clip_norm / (grad_norm + 1e-6)).min(1.0) } else { 1.0 };
        let factor = config.schedule().factor(step);
        let learning_rate = config.learning_rate * factor;
        let network = self.run.network;
        optimizer.step(parameters, &self.gradients, &config.step(factor), scale as f32, &|id| network.decays(id));
        Update { loss, learning_rate, grad_norm, counts, measures, carried }
    }

    /// The rows of batch `index`.
    pub(crate) fn rows(&self, index: u64) -> Vec<u64> {
        let micros = 0..self.run.config.gradient_accumulation as u64;
        micros.flat_map(|micro| self.order.indices(index, micro)).collect()
    }

    /// Where the first value that is no number comes from, found by going over batch `index` again.
    pub(crate) fn trap(
        &self,
        parameters: &Parameters,
        index: u64,
        carried: &Carried,
        measured: &Measured,
    ) -> Result<Option<Trap>> {
        let batches = self.micro_batches(index)?;
        let rows = Rows { data: self.run.data, batches: &batches, index: Some(index), carried };
        Ok(match measured.loss.is_finite() {
            false => trap::forward(self.run, parameters, &rows),
            true => trap::backward(self.run, parameters, &rows),
        })
    }

    /// Why no update can be made of what was measured on batch `index`. `step` is the update that was to be taken, from 0.
    pub(crate) fn refusal(
        &self,
        parameters: &Parameters,
        (step, index): (u64, u64),
        carried: &Carried,
        measured: &Measured,
        last_checkpoint: Option<&Path>,
    ) -> TrainError {
        let (what, value) = match measured.loss.is_finite() {
            false => ("the loss", measured.loss),
            true => ("the gradient norm", measured.grad_norm),
        };
        match self.trap(parameters, index, carried, measured) {
            Ok(trap) => non_finite(what, value, step + 1, trap, last_checkpoint),
            Err(error) => error,
        }
    }

    /// Reads the held-out rows as batches.
    pub(crate) fn read_held_out(&mut self) -> Result<()> {
        let Some(held_out) = self.run.held_out else {
            return Ok(());
        };
        let config = self.run.config;
        let row_count = held_out.data.row_count();
        let limit = if config.eval_batches == 0 { usize::MAX } else { config.eval_batches as usize };
        let batches: Vec<Vec<u64>> = if config.carry_state {
            let lanes = row_count.clamp(1, config.batch_size as u64);
            let length = row_count / lanes;
            (0..length).map(|row| (0..lanes).map(|lane| lane * length + row).collect()).take(limit).collect()
        } else {
            let rows: Vec<u64> = (0..row_count).collect();
            rows.chunks(config.batch_size).take(limit).map(<[u64]>::to_vec).collect()
        };
        let read = batches.into_iter().map(|rows| held_out.data.rows(&rows).map(|batch| (rows, batch)));
        self.held_out = read.collect::<Result<_>>()?;
        Ok(())
    }

    pub(crate) fn has_held_out(&self) -> bool {
        !self.held_out.is_empty()
    }

    /// Scores the held-out batches after `step` updates.
    pub(crate) fn evaluate(
        &self,
        parameters: &Parameters,
        step: u64,
        last_checkpoint: Option<&Path>,
    ) -> Result<Evaluation> {
        let nothing = Carried::default();
        let Scores { loss, counts, measures, .. } =
            accumulate(self.run, parameters, &self.held_out, (step, &nothing), None)?;
        if !loss.is_finite() {
            let data = self.run.held_out.map_or(self.run.data, |held_out| held_out.data);
            let rows = Rows { data, batches: &self.held_out, index: None, carried: &nothing };
            let trap = trap::forward(self.run, parameters, &rows);
            return Err(non_finite("the loss on the held-out batches", loss, step, trap, last_checkpoint));
        }
        let bytes_per_token = self.run.held_out.and_then(|held_out| held_out.bytes_per_token);
        let bits_per_byte = bytes_per_token.map(|bytes| loss / (std::f64::consts::LN_2 * bytes));
        Ok(Evaluation { loss, bits_per_byte, targets: counts.targets, measures })
    }
}

/// Batches taken together.
#[derive(Default)]
struct Scores {
    loss: f64,
    counts: Counts,
    measures: Vec<(&'static str, f64)>,
    carried: Carried,
}

/// Scores batches as one; adds their gradient to `gradients` where those are given, and only then drops activations.
/// Stops at the first whose loss is no number.
fn accumulate(
    run: &Run,
    parameters: &Parameters,
    batches: &[(Vec<u64>, TrainBatch)],
    (index, carried): (u64, &Carried),
    mut gradients: Option<&mut Gradients>,
) -> Result<Scores> {
    let mut scores = Scores { counts: totals(batches), carried: Carried::towards(index + 1), ..Scores::default() };
    // Held-out batches follow each other, where training batches of one update lie side by side.
    let mut before: Vec<Tensor> = Vec::new();
    for (micro, (_, batch)) in batches.iter().enumerate() {
        let mut tape = match gradients {
            Some(_) => Tape::new(parameters),
            None => Tape::forward_only(parameters),
        };
        let dropout = gradients.is_some().then(|| dropout(run.config, index, micro)).flatten();
        let from = if gradients.is_some() { carried.of(index, micro) } else { &before };
        let (scored, state) = score(run, &mut tape, batch, &scores.counts, (dropout, from))?;
        if run.config.carry_state {
            match gradients.is_some() {
                true => scores.carried.push(&tape, &state),
                false => before = state.iter().map(|&var| tape.value(var).clone()).collect(),
            }
        }
        scores.loss += scored.loss;
        for (name, share) in scored.measures {
            match scores.measures.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += share,
                None => scores.measures.push((name, share)),
            }
        }
        if !scores.loss.is_finite() {
            break;
        }
        if let Some(gradients) = gradients.as_deref_mut() {
            tape.finish(scored.output, &scored.seed, gradients)?;
        }
    }
    Ok(scores)
}

/// What the batches of one update hold together.
pub(crate) fn totals(batches: &[(Vec<u64>, TrainBatch)]) -> Counts {
    let mut counts = Counts::default();
    batches.iter().for_each(|(_, batch)| counts += batch.counts);
    counts
}

/// One micro-batch through model and objective, with what is dropped and the state it goes on from; and the state it ends
/// with. Failures of an operation name the part of the model.
pub(crate) fn score(
    run: &Run,
    tape: &mut Tape,
    batch: &TrainBatch,
    totals: &Counts,
    (dropout, carried): (Option<(f32, u64)>, &[Tensor]),
) -> Result<(Scored, Vec<Var>)> {
    tape.set_checkpointing(run.config.activation_checkpointing == Checkpointing::Block);
    let passed = run.network.pass(tape, &batch.input(), carried, dropout).map_err(TrainError::from);
    let scored = passed.and_then(|pass| {
        tape.scope("loss");
        let scored = run.objective.score(tape, pass.hidden, run.network, batch, totals)?;
        let share = batch.counts.tokens as f64 / totals.tokens.max(1) as f64;
        Ok((with_losses(tape, scored, &pass.losses, share)?, pass.state))
    });
    scored.map_err(|error| error.located(tape))
}

/// What an objective gave and the losses of the network beside it, of which this micro-batch has a `share` by its tokens.
fn with_losses(tape: &mut Tape, scored: Scored, losses: &[SideLoss], share: f64) -> Result<Scored> {
    if losses.is_empty() {
        return Ok(scored);
    }
    let Scored { loss, output, seed, mut measures } = scored;
    // One number with a slope of one, as losses are, of an output that may have several.
    let mut sum = output;
    if seed != [1.0] {
        let (rows, columns) = tape.shape(output);
        let seed = tape.input(Tensor::from_f32([rows, columns], seed)?);
        let weighted = tape.mul(output, seed)?;
        sum = tape.sum(weighted)?;
    }
    let mut total = 0.0;
    for &SideLoss { name, value, weight } in losses {
        let found = f64::from(tape.value(value).as_f32()?.first().copied().unwrap_or(f32::NAN));
        total += weight * share * found;
        measures.push((name, share * found));
        let weighted = tape.scale(value, (weight * share) as f32)?;
        sum = tape.add(sum, weighted)?;
    }
    match measures.iter_mut().find(|(name, _)| *name == "total_loss") {
        Some((_, all)) => *all += total,
        None => measures.push(("total_loss", loss + total)),
    }
    // A router that is no number shows in the loss, which is what is watched.
    let loss = if total.is_finite() { loss } else { total };
    Ok(Scored { loss, output: sum, seed: vec![1.0], measures })
}

/// The order in which a run visits the rows of its data.
pub(crate) fn order(config: &TrainConfig, data: &dyn DataSet) -> DataOrder {
    DataOrder {
        row_count: data.row_count().max(1),
        batch_size: config.batch_size,
        gradient_accumulation: config.gradient_accumulation,
        seed: config.seed,
        is_continued: config.carry_state,
    }
}

/// Refuses a run that no model, data or settings can make.
pub(crate) fn check(run: &Run, parameters: &Parameters) -> Result<()> {
    run.config.validate(run.section)?;
    run.network.check_parameters(parameters)?;
    if !run.config.carry_state {
        return Ok(());
    }
    let refuse = |allowed: String| {
        Err(TrainError::Config { key: format!("{}.carry_state", run.section), value: "true".to_owned(), allowed })
    };
    if !run.network.has_state() {
        return refuse("false: only a recurrent model has a state to carry".to_owned());
    }
    if !run.data.is_running_text() || run.held_out.is_some_and(|held_out| !held_out.data.is_running_text()) {
        return refuse("false, unless the rows are running text whose documents are not separated".to_owned());
    }
    let order = order(run.config, run.data);
    if order.row_count < order.lanes() {
        let (rows, lanes) = (order.row_count, order.lanes());
        return refuse(format!("false: the text has {rows} rows, an update {lanes}, and each is to go on by itself"));
    }
    Ok(())
}

/// Fresh optimiser state, each parameter under the rule that suits it.
pub(crate) fn optimizer(run: &Run, parameters: &Parameters) -> Optimizer {
    Optimizer::new(parameters, &|id| run.config.optimizer.rule(run.network, id))
}

/// The share of activations that training drops, with a seed of its own for every micro-batch of every batch.
pub(crate) fn dropout(config: &TrainConfig, index: u64, micro: usize) -> Option<(f32, u64)> {
    let index = index * config.gradient_accumulation as u64 + micro as u64;
    let seed = || Rng::for_item(config.seed, "dropout", index).next_u64();
    (config.dropout > 0.0).then(|| (config.dropout as f32, seed()))
}

fn non_finite(
    what: &'static str,
    value: f64,
    step: u64,
    trap: Option<Trap>,
    last_checkpoint: Option<&Path>,
) -> TrainError {
    let checkpoint = last_checkpoint_note(last_checkpoint);
    TrainError::NonFinite { what, value, step, trap: trap.map(Box::new), checkpoint }
}

/// Where a run that failed can be gone on from, for messages.
pub(crate) fn last_checkpoint_note(last_checkpoint: Option<&Path>) -> String {
    last_checkpoint.map(|path| format!("; the last checkpoint is {}", path.display())).unwrap_or_default()
}
