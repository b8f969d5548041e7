//! `onto pretrain cooldown`: another end for a run whose rate had not begun to fall.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Session;
use super::stages::{Start, pretrain_documents, pretrain_shards};
use crate::cli::CooldownArguments;
use crate::run::record::{self, Source};

pub fn cooldown(session: &Session, arguments: &CooldownArguments) -> Result<()> {
    let out = session.out()?;
    let (folder, record) = record::find(&arguments.run, "pretrain")?;
    let mut recipe = record.recipe()?;
    let schedule = recipe.pretrain.train.schedule();
    let Some(decay) = schedule.decay_start() else {
        bail!(
            "the rate of {} falls from beginning to end, so nothing can be appended to it\nhint: begin a run with \
             --set pretrain.schedule=constant (or wsd, inverse-sqrt)",
            arguments.run.display()
        );
    };
    let Some((step, checkpoint)) = newest_until(&folder, decay)? else {
        bail!(
            "{} holds no checkpoint from before the rate falls (at most {decay} steps)\nhint: pretrain.checkpoint_every \
             sets how often one is written",
            folder.display()
        );
    };
    let train = &mut recipe.pretrain.train;
    train.steps = step + arguments.steps;
    train.cooldown_steps = arguments.steps;
    if let Some(shape) = arguments.shape {
        train.cooldown_shape = shape.into();
    }
    // The warm-up was a share of other steps.
    train.warmup_steps = schedule.warmup_steps;
    let problems = recipe.problems();
    if !problems.is_empty() {
        bail!("the cooldown cannot work:\n  {}", problems.join("\n  "));
    }
    session.terminal.say(&format!(
        "  going on from {} with a cooldown of {} steps",
        checkpoint.display(),
        arguments.steps
    ));
    let start = Start { checkpoint };
    match &record.source {
        Source::Documents { data, tokenizer } => {
            pretrain_documents(session, &recipe, data, tokenizer, &out, Some(start))
        }
        Source::Shards { shards, held_out_bytes, tokenizer } => {
            pretrain_shards(session, &recipe, (shards, *held_out_bytes), tokenizer, &out, start)
        }
        Source::Instances { .. } => bail!("{} is no pre-training run", arguments.run.display()),
    }
}

/// The newest checkpoint after at most `limit` steps.
fn newest_until(folder: &Path, limit: u64) -> Result<Option<(u64, PathBuf)>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(step) = name.strip_prefix("checkpoint-").and_then(|step| step.parse::<u64>().ok()) else { continue };
        if step <= limit && newest.as_ref().is_none_or(|(found, _)| step > *found) {
            newest = Some((step, path));
        }
    }
    Ok(newest)
}
