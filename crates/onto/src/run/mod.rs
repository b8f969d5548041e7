//! One whole life: the stages of a recipe in order, each skipped when its artifact is already what it would make.

pub mod evaluation;
mod evidence;
pub mod lines;
pub mod memory;
pub mod neural;
pub mod record;
pub mod source;
pub mod stage;
pub mod text;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lang::artifact;
use lang::document::Document;
use lang::instance::{Conversation, Preference};
use lang::tokenizer::Tokenizer;
use serde_json::json;

use self::lines::read_lines;
use self::neural::Workplace;
use self::record::{Record, Source, absolute};
use self::source::{CONVERSATIONS, DOCUMENTS, HELD_OUT, InstanceSources, PREFERENCES};
use self::stage::{Context, Stage, input_of};
use crate::recipe::Recipe;
use crate::report::Stage as StageRecord;

/// Every stage of a life, in order.
pub const STAGES: [&str; 10] =
    ["source", "clean", "tokenizer", "shards", "instances", "baselines", "base", "tuned", "aligned", "evaluation"];

/// What a finished life has to show.
pub struct Life {
    /// The stages, in order.
    pub stages: Vec<StageRecord>,
    /// The machine-readable report.
    pub report_json: PathBuf,
    /// The page.
    pub report_html: PathBuf,
    /// The model to talk with.
    pub model: PathBuf,
    /// How long it took, skipping included.
    pub seconds: f64,
    /// Whether nothing had to be done.
    pub nothing_to_do: bool,
}

/// Where the artifact of each stage stands inside the run's folder.
pub fn place(root: &Path, stage: &str) -> PathBuf {
    match stage {
        "base" | "tuned" | "aligned" => root.join("models").join(stage),
        "source" | "clean" => root.join("corpus").join(stage),
        _ => root.join(stage),
    }
}

/// Lives a recipe under `context.root`.
pub fn live(recipe: &Recipe, context: &Context) -> Result<Life> {
    let started = Instant::now();
    let root = &context.root;
    fs::create_dir_all(root)
        .with_context(|| format!("cannot create {}\nhint: --out names another folder", root.display()))?;
    let _lock = lock(root)?;
    artifact::write_atomic(&root.join("recipe.toml"), recipe.resolved()?.as_bytes())?;
    let at = |stage: &str| place(root, stage);
    let seed = recipe.seed;
    let own_text = !recipe.corpus.path.is_empty();
    let mut stages = Vec::new();
    for (key, path) in [("tune.path", &recipe.tune.path), ("align.path", &recipe.align.path)] {
        if !path.is_empty() && !Path::new(path).is_file() {
            bail!("there is no file {path}\nhint: {key} names it; change it with --set {key}=…");
        }
    }

    // Raw text, and what must not leak into it.
    let inputs = if own_text {
        let path = Path::new(&recipe.corpus.path);
        if !path.exists() {
            bail!(
                "there is no file or folder {}\nhint: corpus.path names it; change it with --set corpus.path=…",
                path.display()
            );
        }
        vec![artifact::input(path, "files")?]
    } else {
        Vec::new()
    };
    let config = json!({
        "corpus": recipe.corpus,
        "items_per_task": recipe.evaluate.items_per_task,
        "generator": if own_text { 0 } else { microworld::GENERATOR_VERSION },
    });
    let path = at("source");
    let stage = Stage { name: "source", kind: "corpus", path: &path, config, seed, inputs };
    stages.push(
        context
            .stage(stage, |dir, _| {
                if own_text { source::read_files(recipe, context, dir) } else { source::make_microworld(recipe, dir) }
            })?
            .1,
    );

    let path = at("clean");
    let inputs = vec![input_of(&at("source"), "source")?];
    let stage = Stage { name: "clean", kind: "corpus", path: &path, config: json!(recipe.clean), seed, inputs };
    stages.push(context.stage(stage, |dir, _| text::clean_source(recipe, context, &at("source"), dir))?.1);

    let path = at("tokenizer");
    let inputs = vec![input_of(&at("clean"), "clean")?];
    let config = json!({"tokenizer": recipe.tokenizer, "model_max_length": recipe.model.context});
    let stage = Stage { name: "tokenizer", kind: "tokenizer", path: &path, config, seed, inputs };
    stages.push(context.stage(stage, |dir, _| text::train_tokenizer(recipe, context, &at("clean"), dir))?.1);

    let path = at("shards");
    let inputs = vec![input_of(&at("clean"), "clean")?, input_of(&at("tokenizer"), "tokenizer")?];
    let stage = Stage { name: "shards", kind: "shards", path: &path, config: json!({}), seed, inputs };
    let (shards, record) = context.stage(stage, |dir, _| text::write_shards(&at("clean"), &at("tokenizer"), dir))?;
    stages.push(record);
    let held_out_bytes = shards.metrics.get("held-out.bytes").and_then(serde_json::Value::as_u64).unwrap_or(0);

    let path = at("instances");
    let mut inputs = vec![input_of(&at("clean"), "clean")?];
    for (file, relation) in [(&recipe.tune.path, "conversations"), (&recipe.align.path, "preferences")] {
        if !file.is_empty() {
            inputs.push(artifact::input(Path::new(file), relation)?);
        }
    }
    let config = json!({
        "microworld": !own_text,
        "chinese_share": recipe.corpus.chinese_share,
        "conversations": recipe.tune.conversations,
        "preferences": recipe.align.pairs,
        "evaluate": recipe.evaluate,
        "longest": recipe.instance_chars(),
        "generator": if own_text { 0 } else { microworld::GENERATOR_VERSION },
    });
    let stage = Stage { name: "instances", kind: "instances", path: &path, config, seed, inputs };
    stages.push(
        context
            .stage(stage, |dir, _| {
                let documents: Vec<Document> = read_lines(&at("clean").join(DOCUMENTS))?;
                let held_out: Vec<Document> = read_lines(&at("clean").join(HELD_OUT))?;
                let sources = InstanceSources { documents: &documents, held_out: &held_out };
                source::make_instances(recipe, context, &sources, dir)
            })?
            .1,
    );

    let path = at("baselines");
    let inputs = vec![input_of(&at("shards"), "shards")?, input_of(&at("tokenizer"), "tokenizer")?];
    let stage = Stage { name: "baselines", kind: "ngram", path: &path, config: json!(recipe.ngram), seed, inputs };
    stages.push(context.stage(stage, |dir, _| text::count_baselines(recipe, &at("shards"), &at("tokenizer"), dir))?.1);

    let logs = |stage: &str| root.join("logs").join(stage);
    let path = at("base");
    let inputs = vec![input_of(&at("shards"), "shards")?, input_of(&at("tokenizer"), "tokenizer")?];
    let config = json!({"model": recipe.model, "pretrain": recipe.pretrain});
    let stage = Stage { name: "base", kind: "model", path: &path, config, seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let tokenizer = Tokenizer::load(&at("tokenizer"))?;
        let (shards, tokenizer_folder) = (absolute(&at("shards"))?, absolute(&at("tokenizer"))?);
        let source = Source::Shards { shards, held_out_bytes, tokenizer: tokenizer_folder };
        let workplace = Workplace::new(&path, logs("base"), key, Record::new("pretrain", recipe, source)?)?;
        neural::pretrain(recipe, context, &at("shards"), held_out_bytes, tokenizer, &workplace, dir)
    })?;
    Workplace::clear(&path, &manifest.key);
    stages.push(record);

    let path = at("tuned");
    let inputs = vec![input_of(&at("base"), "base")?, input_of(&at("instances"), "instances")?];
    let stage = Stage { name: "tuned", kind: "model", path: &path, config: json!(recipe.tune), seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let conversations: Vec<Conversation> = read_lines(&at("instances").join(CONVERSATIONS))?;
        let record = over_model("tune", recipe, &at("base"), &at("instances").join(CONVERSATIONS))?;
        let workplace = Workplace::new(&path, logs("tuned"), key, record)?;
        neural::tune(recipe, context, &at("base"), &conversations, &workplace, dir)
    })?;
    Workplace::clear(&path, &manifest.key);
    stages.push(record);

    let path = at("aligned");
    let inputs = vec![input_of(&at("tuned"), "tuned")?, input_of(&at("instances"), "instances")?];
    let stage = Stage { name: "aligned", kind: "model", path: &path, config: json!(recipe.align), seed, inputs };
    let (manifest, record) = context.stage(stage, |dir, key| {
        let preferences: Vec<Preference> = read_lines(&at("instances").join(PREFERENCES))?;
        let record = over_model("align", recipe, &at("tuned"), &at("instances").join(PREFERENCES))?;
        let workplace = Workplace::new(&path, logs("aligned"), key, record)?;
        neural::align(recipe, context, &at("tuned"), &preferences, &workplace, dir)
    })?;
    Workplace::clear(&path, &manifest.key);
    stages.push(record);

    let path = at("evaluation");
    let mut inputs = Vec::new();
    for name in ["base", "tuned", "aligned", "baselines", "instances", "clean"] {
        inputs.push(input_of(&at(name), name)?);
    }
    let stage =
        Stage { name: "evaluation", kind: "evaluation", path: &path, config: json!(recipe.evaluate), seed, inputs };
    stages.push(context.stage(stage, |dir, _| evaluation::evaluate_life(recipe, context, dir))?.1);

    let nothing_to_do = stages.iter().all(|record| record.skipped);
    let (report_json, report_html) = (root.join("report.json"), root.join("report.html"));
    if !(nothing_to_do && report_json.exists() && report_html.exists()) {
        evidence::write_report(recipe, context, &stages, started.elapsed().as_secs_f64())?;
    }
    Ok(Life {
        stages,
        report_json,
        report_html,
        model: at("aligned"),
        seconds: started.elapsed().as_secs_f64(),
        nothing_to_do,
    })
}

/// The record of a stage that begins with a model.
fn over_model(section: &str, recipe: &Recipe, model: &Path, instances: &Path) -> Result<Record> {
    let source = Source::Instances { model: absolute(model)?, data: vec![absolute(instances)?] };
    Record::new(section, recipe, source)
}

/// Keeps a second run out of the same folder.
fn lock(root: &Path) -> Result<File> {
    let path = root.join(".lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            bail!("another run is at work in {}\nhint: --out names another folder", root.display())
        }
        // Some network file systems have no locks; a second run there is the person's care.
        Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}
