//! `onto pretrain|tune|align replay`: steps of a run taken again and compared bit by bit.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lang::instance::{Conversation, Preference};
use serde_json::{Value, json};
use tensor::{Part, Seen, Statistics};
use train::ReplayedStep;

use super::Session;
use super::corpora::read_paths;
use super::stages::{instances, shards_of};
use super::vocabulary::load;
use crate::cli::ReplayArguments;
use crate::recipe::Recipe;
use crate::run::neural::{self, Prepared};
use crate::run::record::{self, Record, Source};
use crate::run::stage::Context;
use crate::terminal::{TrainingProgress, line_to_stdout};

pub fn replay(session: &Session, section: &str, arguments: &ReplayArguments) -> Result<()> {
    let (folder, record) = record::find(&arguments.run, section)?;
    let isa = tensor::isa().name();
    if record.isa != isa {
        session.terminal.warn(&format!(
            "the run computed with {}, this is {isa}, whose last bits may differ\nhint: --isa {}",
            record.isa, record.isa
        ));
    }
    let recipe = record.recipe()?;
    let context = session.context(&folder);
    let scratch = Scratch::new(&folder)?;
    let mut prepared = prepare(session, &context, &recipe, &record, &scratch.0)?;
    if !session.global.json {
        line_to_stdout(&format!("{:>8} {:>8} {:>12} {:>12}  weights", "step", "batch", "loss", "grad norm"))?;
    }
    let mut printed = Ok(());
    let mut heard = |step: &ReplayedStep| {
        if !session.global.json && printed.is_ok() {
            printed = line_to_stdout(&line(step));
        }
    };
    let mut lines = Vec::new();
    let names: Vec<String> = prepared.parameters.iter().map(|(_, name, _)| name.to_owned()).collect();
    let mut trace = |seen: &Seen| lines.push(trace_line(seen, &names));
    let traced: Option<&mut dyn FnMut(&Seen)> = if arguments.trace { Some(&mut trace) } else { None };
    let mut observer = TrainingProgress::new(&context.terminal, "replay");
    let replayed = prepared.stage.replay(
        prepared.model.network(),
        &mut prepared.parameters,
        &prepared.config,
        &folder,
        arguments.step,
        &mut observer,
        &mut heard,
        traced,
    )?;
    drop(observer);
    printed?;
    let difference = replayed.first_difference.as_ref();
    if session.global.json {
        let difference = difference.map(|(step, measure, recorded, found)| {
            json!({"step": step, "measure": measure, "recorded": recorded, "found": found})
        });
        line_to_stdout(
            &json!({"run": folder, "section": section, "step": arguments.step, "from": replayed.from,
                    "checkpoint": replayed.checkpoint, "compared": replayed.compared,
                    "equal": difference.is_none() && replayed.compared > 0, "first_difference": difference,
                    "steps": replayed.steps, "trace": lines})
            .to_string(),
        )?;
    } else {
        for line in &lines {
            line_to_stdout(&trace_text(line))?;
        }
    }
    if let Some((step, measure, recorded, found)) = difference {
        bail!("step {step} is not what it was: its {measure} was {recorded}, and is {found} now");
    }
    if replayed.compared == 0 {
        bail!("the log says nothing of these steps\nhint: {section}.log_every sets which steps it tells of");
    }
    let from =
        replayed.checkpoint.as_ref().map_or_else(|| "the beginning".to_owned(), |path| path.display().to_string());
    session.terminal.say(&format!(
        "  steps {} to {} are the same to the last bit, taken again from {from} ({} numbers compared)",
        replayed.from + 1,
        arguments.step,
        replayed.compared
    ));
    Ok(())
}

/// The stage as it was begun.
fn prepare(session: &Session, context: &Context, recipe: &Recipe, record: &Record, scratch: &Path) -> Result<Prepared> {
    match &record.source {
        Source::Shards { shards, held_out_bytes, tokenizer } => {
            neural::prepare_pretrain(recipe, context, shards, *held_out_bytes, load(tokenizer)?)
        }
        Source::Documents { data, tokenizer } => {
            let tokenizer = load(tokenizer)?;
            let (documents, _) = read_paths(session, data)?;
            let bytes = shards_of(recipe, documents, &tokenizer, scratch)?;
            neural::prepare_pretrain(recipe, context, scratch, bytes, tokenizer)
        }
        Source::Instances { model, data } if record.section == "tune" => {
            let conversations: Vec<Conversation> = instances(context, data)?;
            neural::prepare_tune(recipe, context, model, &conversations)
        }
        Source::Instances { model, data } => {
            let preferences: Vec<Preference> = instances(context, data)?;
            neural::prepare_align(recipe, context, model, &preferences)
        }
    }
}

/// A folder for shards made again; removed with the value.
pub struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path) -> Result<Scratch> {
        let path = folder.join(format!(".replay-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover costs disk, not truth.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn line(step: &ReplayedStep) -> String {
    let mark = |recorded: Option<f64>, found: f64| match recorded {
        Some(recorded) if recorded == found => "=",
        Some(_) => "≠",
        None => " ",
    };
    let weights = step.weights.as_ref().map_or_else(String::new, |weights| {
        let sign = match &weights.recorded {
            Some(recorded) if *recorded == weights.found => "=",
            Some(_) => "≠",
            None => " ",
        };
        format!("{}{sign}", &weights.found[..weights.found.len().min(16)])
    });
    let (loss, norm) = (&step.loss, &step.grad_norm);
    format!(
        "{:>8} {:>8} {:>11.6}{} {:>11.6}{}  {weights}",
        step.step,
        step.batch,
        loss.found,
        mark(loss.recorded, loss.found),
        norm.found,
        mark(norm.recorded, norm.found),
    )
    .trim_end()
    .to_owned()
}

fn trace_line(seen: &Seen, names: &[String]) -> Value {
    let part = match seen.part {
        Part::Output => "output",
        Part::Slope => "slope",
        Part::Gradient => "gradient",
    };
    let statistics = Statistics::of(seen.values);
    json!({"part": part, "layer": seen.scope, "op": seen.op,
           "parameter": seen.parameter.and_then(|id| names.get(id.index())),
           "count": statistics.count, "not_finite": statistics.not_finite, "least": statistics.least,
           "greatest": statistics.greatest, "mean": statistics.mean(), "rms": statistics.root_mean_square()})
}

fn trace_text(line: &Value) -> String {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let number = |key: &str| line[key].as_f64().unwrap_or_default();
    format!(
        "{:<8} {:<20} {:<22} least {:>10.3e} greatest {:>10.3e} rms {:>10.3e} not finite {:>3}  {}",
        text("part"),
        text("layer"),
        text("op"),
        number("least"),
        number("greatest"),
        number("rms"),
        line["not_finite"],
        text("parameter")
    )
    .trim_end()
    .to_owned()
}
