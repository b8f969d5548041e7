//! `onto ngram|pretrain|tune|align`: one stage of a life by its own command, over the same code as `onto run`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lang::artifact;
use lang::document::Document;
use lang::instance::{Conversation, Preference};
use lang::tokenizer::Tokenizer;
use serde_json::{Map, json};
use slm::{NGram, NGramConfig};

use super::corpora::read_paths;
use super::vocabulary::load;
use super::{Session, finished};
use crate::cli::{
    ModelStageArguments, ModelStageCommand, NgramCommand, NgramTrainArguments, StageArguments, StageCommand,
    TrainArguments,
};
use crate::recipe::Recipe;
use crate::run::neural::{self, Workplace};
use crate::run::record::{Record, Source, absolute};
use crate::run::source::{from_file, hold_out};
use crate::run::stage::{Stage, input_of};
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

/// A checkpoint of another run to go on from.
pub struct Start {
    /// Its folder.
    pub checkpoint: PathBuf,
}

impl Start {
    /// Puts it where a run looks for its checkpoints, unless it has some.
    fn enter(&self, workplace: &Workplace) -> Result<()> {
        let entries = fs::read_dir(&workplace.checkpoints).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = self.checkpoint.file_name().context("a checkpoint has a name")?;
        if names.any(|name| name.starts_with("checkpoint-")) {
            return Ok(());
        }
        // Beside its place first: half a checkpoint must not look like one.
        let partial = workplace.checkpoints.join(".checkpoint-start.partial");
        neural::copy(&self.checkpoint, &partial)?;
        fs::rename(&partial, workplace.checkpoints.join(name)).context("cannot put the checkpoint in its place")
    }
}

/// `onto pretrain` with a command of its own, or as a stage.
pub fn pretrain(session: &Session, arguments: &StageArguments) -> Result<()> {
    match &arguments.command {
        Some(StageCommand::Replay(replay)) => super::replay::replay(session, "pretrain", replay),
        Some(StageCommand::Cooldown(cooldown)) => super::cooldown::cooldown(session, cooldown),
        None => {
            let out = session.out()?;
            let recipe = recipe(session, &arguments.train)?;
            let folder = arguments.train.tokenizer.as_deref().ok_or_else(|| {
                Usage("pretrain needs --tokenizer DIR\nhint: `onto tokenizer train` makes one".into())
            })?;
            pretrain_documents(session, &recipe, &arguments.train.data, folder, &out, None)
        }
    }
}

/// Pre-trains on documents, some of which are held out.
pub fn pretrain_documents(
    session: &Session,
    recipe: &Recipe,
    data: &[PathBuf],
    folder: &Path,
    out: &Path,
    start: Option<Start>,
) -> Result<()> {
    let tokenizer = load(folder)?;
    let (documents, mut inputs) = read_paths(session, data)?;
    inputs.push(artifact::input(folder, "tokenizer")?);
    let context = session.context(out);
    let config = json!({"model": recipe.model, "pretrain": recipe.pretrain,
                        "held_out_share": recipe.corpus.held_out_share});
    let stage = Stage { name: "base", kind: "model", path: out, config, seed: recipe.seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let data = data.iter().map(|path| absolute(path)).collect::<Result<_>>()?;
        let source = Source::Documents { data, tokenizer: absolute(folder)? };
        let workplace = Workplace::new(out, logs(out), key, Record::new("pretrain", recipe, source)?)?;
        start.iter().try_for_each(|start| start.enter(&workplace))?;
        let shards = workplace.checkpoints.join("shards");
        let bytes = shards_of(recipe, documents, &tokenizer, &shards)?;
        neural::pretrain(recipe, &context, &shards, bytes, tokenizer, &workplace, dir)
    })?;
    Workplace::clear(out, &manifest.key);
    finished(session, out, &manifest, record.skipped)
}

/// Pre-trains on the shards of a life, going on from one of its checkpoints.
pub fn pretrain_shards(
    session: &Session,
    recipe: &Recipe,
    (shards, held_out_bytes): (&Path, u64),
    folder: &Path,
    out: &Path,
    start: Start,
) -> Result<()> {
    let inputs = vec![input_of(shards, "shards")?, input_of(folder, "tokenizer")?];
    let context = session.context(out);
    let config = json!({"model": recipe.model, "pretrain": recipe.pretrain});
    let stage = Stage { name: "base", kind: "model", path: out, config, seed: recipe.seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let source = Source::Shards { shards: shards.to_owned(), held_out_bytes, tokenizer: folder.to_owned() };
        let workplace = Workplace::new(out, logs(out), key, Record::new("pretrain", recipe, source)?)?;
        start.enter(&workplace)?;
        neural::pretrain(recipe, &context, shards, held_out_bytes, load(folder)?, &workplace, dir)
    })?;
    Workplace::clear(out, &manifest.key);
    finished(session, out, &manifest, record.skipped)
}

/// Writes documents as shards into `folder`, some held out; the bytes of those.
pub fn shards_of(recipe: &Recipe, documents: Vec<Document>, tokenizer: &Tokenizer, folder: &Path) -> Result<u64> {
    let (training, held_out) = hold_out(documents, recipe.seed, recipe.corpus.held_out_share);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write_shard(&training, tokenizer, &folder.join(TRAIN_SHARD))?;
    write_shard(&held_out, tokenizer, &folder.join(HELD_OUT_SHARD))?;
    Ok(held_out.iter().map(|document| document.text.len() as u64).sum())
}

pub fn tune(session: &Session, arguments: &ModelStageArguments) -> Result<()> {
    if let Some(ModelStageCommand::Replay(replay)) = &arguments.command {
        return super::replay::replay(session, "tune", replay);
    }
    stage_over_model(session, &arguments.train, "tuned", |recipe, context, model, data, workplace, dir| {
        let conversations: Vec<Conversation> = instances(context, data)?;
        neural::tune(recipe, context, model, &conversations, workplace, dir)
    })
}

pub fn align(session: &Session, arguments: &ModelStageArguments) -> Result<()> {
    if let Some(ModelStageCommand::Replay(replay)) = &arguments.command {
        return super::replay::replay(session, "align", replay);
    }
    stage_over_model(session, &arguments.train, "aligned", |recipe, context, model, data, workplace, dir| {
        let preferences: Vec<Preference> = instances(context, data)?;
        neural::align(recipe, context, model, &preferences, workplace, dir)
    })
}

/// The usable lines of JSONL files.
pub fn instances<T: serde::de::DeserializeOwned>(
    context: &crate::run::stage::Context,
    data: &[PathBuf],
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
    &[PathBuf],
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
        let data = arguments.data.iter().map(|path| absolute(path)).collect::<Result<_>>()?;
        let source = Source::Instances { model: absolute(model)?, data };
        let section = if name == "tuned" { "tune" } else { "align" };
        let workplace = Workplace::new(&out, logs(&out), key, Record::new(section, &recipe, source)?)?;
        work(&recipe, &context, model, &arguments.data, &workplace, dir)
    })?;
    Workplace::clear(&out, &manifest.key);
    finished(session, &out, &manifest, record.skipped)
}

/// Logs of a stage run by its own command stand beside its artifact.
fn logs(out: &Path) -> PathBuf {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!("{name}.logs"))
}
