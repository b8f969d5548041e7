//! `onto ngram|pretrain|tune|align`: one stage of a life by its own command, over the same code as `onto run`.

use std::path::Path;

use anyhow::{Context as _, Result};
use lang::artifact;
use lang::instance::{Conversation, Preference};
use serde_json::{Map, json};
use slm::{NGram, NGramConfig};

use super::corpora::read_paths;
use super::vocabulary::load;
use super::{Session, finished};
use crate::cli::{NgramCommand, NgramTrainArguments, TrainArguments};
use crate::recipe::Recipe;
use crate::run::neural::{self, Workplace};
use crate::run::source::{from_file, hold_out};
use crate::run::stage::Stage;
use crate::run::text::{HELD_OUT_SHARD, TRAIN_SHARD, write_shard};
use crate::terminal::Usage;

pub fn ngram(session: &Session, command: &NgramCommand) -> Result<()> {
    let NgramCommand::Train(arguments) = command;
    train_ngram(session, arguments)
}

fn train_ngram(session: &Session, arguments: &NgramTrainArguments) -> Result<()> {
    let out = session.out()?;
    let tokenizer = load(&arguments.tokenizer)?;
    let (documents, mut inputs) = read_paths(session, &arguments.paths)?;
    inputs.push(artifact::input(&arguments.tokenizer, "tokenizer")?);
    let context = session.context(&out);
    let config = json!({"order": arguments.order});
    let stage = Stage { name: "ngram", kind: "ngram", path: &out, config, seed: session.seed(0), inputs };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let encoded: Vec<Vec<u32>> = documents.iter().map(|document| tokenizer.encode(&document.text)).collect();
        let config = NGramConfig {
            order: arguments.order,
            vocabulary_size: tokenizer.vocabulary_size(),
            beginning: tokenizer.beginning_of_text(),
            end: tokenizer.end_of_text(),
        };
        let model = NGram::train(&encoded, &config)?;
        model.save(&dir.join("ngram.arpa"))?;
        tokenizer.save(dir)?;
        Ok(Map::new())
    })?;
    finished(session, &out, &manifest, record.skipped)
}

/// The recipe whose section sets a stage, with the flags that every command takes.
fn recipe(session: &Session, arguments: &TrainArguments) -> Result<Recipe> {
    let mut overrides = session.global.set.clone();
    if let Some(seed) = session.global.seed {
        overrides.push(format!("seed={seed}"));
    }
    Recipe::load(arguments.recipe.as_deref(), &overrides)
}

pub fn pretrain(session: &Session, arguments: &TrainArguments) -> Result<()> {
    let out = session.out()?;
    let recipe = recipe(session, arguments)?;
    let folder = arguments
        .tokenizer
        .as_deref()
        .ok_or_else(|| Usage("pretrain needs --tokenizer DIR\nhint: `onto tokenizer train` makes one".into()))?;
    let tokenizer = load(folder)?;
    let (documents, mut inputs) = read_paths(session, &arguments.data)?;
    inputs.push(artifact::input(folder, "tokenizer")?);
    let context = session.context(&out);
    let config = json!({"model": recipe.model, "pretrain": recipe.pretrain,
                        "held_out_share": recipe.corpus.held_out_share});
    let stage = Stage { name: "base", kind: "model", path: &out, config, seed: recipe.seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let workplace = Workplace::new(&out, logs(&out), key)?;
        let (training, held_out) = hold_out(documents, recipe.seed, recipe.corpus.held_out_share);
        let shards = workplace.checkpoints.join("shards");
        std::fs::create_dir_all(&shards).with_context(|| format!("cannot create {}", shards.display()))?;
        write_shard(&training, &tokenizer, &shards.join(TRAIN_SHARD))?;
        write_shard(&held_out, &tokenizer, &shards.join(HELD_OUT_SHARD))?;
        let bytes = held_out.iter().map(|document| document.text.len() as u64).sum();
        neural::pretrain(&recipe, &context, &shards, bytes, &tokenizer, &workplace, dir)
    })?;
    Workplace::clear(&out, &manifest.key);
    finished(session, &out, &manifest, record.skipped)
}

pub fn tune(session: &Session, arguments: &TrainArguments) -> Result<()> {
    stage_over_model(session, arguments, "tuned", |recipe, context, model, data, workplace, dir| {
        let conversations: Vec<Conversation> = instances(context, data)?;
        neural::tune(recipe, context, model, &conversations, workplace, dir)
    })
}

pub fn align(session: &Session, arguments: &TrainArguments) -> Result<()> {
    stage_over_model(session, arguments, "aligned", |recipe, context, model, data, workplace, dir| {
        let preferences: Vec<Preference> = instances(context, data)?;
        neural::align(recipe, context, model, &preferences, workplace, dir)
    })
}

fn instances<T: serde::de::DeserializeOwned>(
    context: &crate::run::stage::Context,
    data: &[std::path::PathBuf],
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    for path in data {
        all.extend(from_file(&context.terminal, &path.to_string_lossy())?);
    }
    Ok(all)
}

type Work = fn(
    &Recipe,
    &crate::run::stage::Context,
    &Path,
    &[std::path::PathBuf],
    &Workplace,
    &Path,
) -> Result<Map<String, serde_json::Value>>;

fn stage_over_model(session: &Session, arguments: &TrainArguments, name: &'static str, work: Work) -> Result<()> {
    let out = session.out()?;
    let recipe = recipe(session, arguments)?;
    let model = arguments
        .model
        .as_deref()
        .ok_or_else(|| Usage("this command needs --model DIR, the model to start from".into()))?;
    let mut inputs = vec![artifact::input(model, "model")?];
    for path in &arguments.data {
        inputs.push(artifact::input(path, "instances")?);
    }
    let context = session.context(&out);
    let config = if name == "tuned" { json!(recipe.tune) } else { json!(recipe.align) };
    let stage = Stage { name, kind: "model", path: &out, config, seed: recipe.seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let workplace = Workplace::new(&out, logs(&out), key)?;
        work(&recipe, &context, model, &arguments.data, &workplace, dir)
    })?;
    Workplace::clear(&out, &manifest.key);
    finished(session, &out, &manifest, record.skipped)
}

/// Logs of a stage run by its own command stand beside its artifact.
fn logs(out: &Path) -> std::path::PathBuf {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!("{name}.logs"))
}
