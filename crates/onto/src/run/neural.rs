//! The neural stages: pre-training, instruction tuning, alignment. Each hands the one loop its data and writes a
//! Hugging Face folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result, bail};
use lang::chat::ChatTemplate;
use lang::instance::{Conversation, Preference};
use lang::shards::Shard;
use lang::tokenizer::Tokenizer;
use nn::{Model, Network};
use serde_json::{Map, Value, json};
use tensor::Parameters;
use train::{Outcome, PreferencePair, PretrainText, Stage, Summary, TargetSequence, TrainConfig};

use super::memory;
use super::record::{RECORD_FILE, Record};
use super::stage::Context;
use super::text::{HELD_OUT_SHARD, TRAIN_SHARD};
use crate::recipe::Recipe;
use crate::terminal::{Interrupted, TrainingProgress, grouped};

/// Where a neural stage works until its artifact is whole, and where its logs stay.
pub struct Workplace {
    /// Checkpoints; removed when the artifact stands.
    pub checkpoints: PathBuf,
    /// `metrics.jsonl` and TensorBoard events; beside them what is needed to take a step again or to append a cooldown.
    pub logs: PathBuf,
}

/// A stage, ready to learn.
pub struct Prepared {
    /// The model.
    pub model: Model,
    /// The weights it starts from.
    pub parameters: Parameters,
    /// What it learns.
    pub stage: Stage,
    /// How.
    pub config: TrainConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// What preparing it has to tell, by the name it has among the metrics.
    report: Option<(&'static str, Value)>,
}

impl Workplace {
    /// The workplace of the stage that will stand at `artifact`. The key of what it is made from is part of its name, so
    /// checkpoints of another recipe are never taken up; those are removed.
    pub fn new(artifact: &Path, logs: PathBuf, key: &str, record: Record) -> Result<Workplace> {
        let parent = artifact.parent().unwrap_or(Path::new("."));
        let name = artifact.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let prefix = format!(".{name}.work-");
        let checkpoints = parent.join(format!("{prefix}{}", &key[..key.len().min(16)]));
        if let Ok(entries) = fs::read_dir(parent) {
            for entry in entries.flatten() {
                let old = entry.path();
                if entry.file_name().to_string_lossy().starts_with(&prefix) && old != checkpoints {
                    fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
                }
            }
        }
        fs::create_dir_all(&checkpoints).with_context(|| format!("cannot create {}", checkpoints.display()))?;
        record.write(&checkpoints)?;
        Ok(Workplace { checkpoints, logs })
    }

    /// Copies the logs to their place, and of the checkpoints the one that another end could go on from.
    fn keep_logs(&self, summary: &Summary, config: &TrainConfig) -> Result<()> {
        // What an earlier run of the stage left; nothing else that stands there is touched.
        for entry in fs::read_dir(&self.logs).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("checkpoint-") || name == train::HISTOGRAMS_FOLDER {
                let path = entry.path();
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        fs::create_dir_all(&self.logs).with_context(|| format!("cannot create {}", self.logs.display()))?;
        let mut kept: Vec<PathBuf> = vec![summary.metrics.clone(), summary.events.clone()];
        kept.extend([RECORD_FILE, train::IDENTITY_FILE].map(|name| self.checkpoints.join(name)));
        let histograms = self.checkpoints.join(train::HISTOGRAMS_FOLDER);
        kept.extend(histograms.is_dir().then_some(histograms));
        let open_end = config.schedule().decay_start().map(|step| format!("checkpoint-{step:06}"));
        kept.extend(open_end.map(|name| self.checkpoints.join(name)).filter(|path| path.is_dir()));
        for path in &kept {
            let Some(name) = path.file_name() else { continue };
            copy(path, &self.logs.join(name))?;
        }
        Ok(())
    }

    /// The artifact stands: the checkpoints have done their duty.
    pub fn clear(artifact: &Path, key: &str) {
        let parent = artifact.parent().unwrap_or(Path::new("."));
        let name = artifact.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A leftover costs disk, not truth, and the next run with another key removes it.
        drop(fs::remove_dir_all(parent.join(format!(".{name}.work-{}", &key[..key.len().min(16)]))));
    }
}

/// Copies a file, or a folder with what is in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
        return Ok(());
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// A training configuration with the run's seed where its own is 0.
fn seeded(config: &TrainConfig, seed: u64) -> TrainConfig {
    TrainConfig { seed: if config.seed == 0 { seed } else { config.seed }, ..config.clone() }
}

/// Learns the language from token shards.
pub fn pretrain(
    recipe: &Recipe,
    context: &Context,
    shards: &Path,
    held_out_bytes: u64,
    tokenizer: Tokenizer,
    workplace: &Workplace,
    dir: &Path,
) -> Result<Map<String, Value>> {
    let prepared = prepare_pretrain(recipe, context, shards, held_out_bytes, tokenizer)?;
    prepared.learn(context, workplace, "base", dir)
}

/// Everything before the first update of [`pretrain`].
pub fn prepare_pretrain(
    recipe: &Recipe,
    context: &Context,
    shards: &Path,
    held_out_bytes: u64,
    tokenizer: Tokenizer,
) -> Result<Prepared> {
    let (beginning, end) = (tokenizer.beginning_of_text(), tokenizer.end_of_text());
    let model = recipe.model.model(tokenizer.vocabulary_size(), beginning, end)?;
    let config = seeded(&recipe.pretrain.train, recipe.seed);
    // Before the weights are made: a shape that cannot fit is refused, not tried.
    check_memory(context, model.network(), &config, "pretrain")?;
    let parameters = match (recipe.model.start.as_str(), &model) {
        ("copying", Model::Decoder(decoder)) => decoder.init_copying(recipe.seed, &tokenizer.without_spaces())?,
        _ => model.network().init(recipe.seed),
    };
    let held_out = Shard::open(&shards.join(HELD_OUT_SHARD))?;
    let text = PretrainText {
        corpus: Arc::new(Shard::open(&shards.join(TRAIN_SHARD))?),
        held_out: (held_out.tokens() as usize > config.sequence_length)
            .then(|| (Arc::new(held_out) as Arc<dyn train::TokenStore>, held_out_bytes)),
        end_of_text: tokenizer.end_of_text(),
        mask_documents: recipe.pretrain.separate_documents,
    };
    let stage = Stage::pretrain(&text, &config)?;
    context.terminal.say(&format!(
        "  {} parameters · {} tokens a step · {:.1} passes over {} tokens",
        grouped(model.network().n_parameters() as f64),
        config.batch_size * config.gradient_accumulation * config.sequence_length,
        config.steps as f64 / stage.steps_per_epoch(&config).max(1) as f64,
        grouped(text.corpus.token_count() as f64),
    ));
    Ok(Prepared { model, parameters, stage, config, tokenizer, report: None })
}

/// Learns to follow instructions from conversations.
pub fn tune(
    recipe: &Recipe,
    context: &Context,
    base: &Path,
    conversations: &[Conversation],
    workplace: &Workplace,
    dir: &Path,
) -> Result<Map<String, Value>> {
    prepare_tune(recipe, context, base, conversations)?.learn(context, workplace, "tuned", dir)
}

/// Everything before the first update of [`tune`].
pub fn prepare_tune(
    recipe: &Recipe,
    context: &Context,
    base: &Path,
    conversations: &[Conversation],
) -> Result<Prepared> {
    let (model, parameters, tokenizer, template) = open_model(base)?;
    let config = seeded(&recipe.tune.train, recipe.seed);
    check_context(&model, &config, "tune")?;
    let mut sequences = Vec::with_capacity(conversations.len());
    for conversation in conversations {
        let masked = template
            .encode_conversation(&tokenizer, &conversation.messages)
            .with_context(|| format!("conversation {} cannot be formatted", conversation.id))?;
        sequences.push(TargetSequence::from(masked));
    }
    // Every fiftieth conversation shows how tuning goes; none of them is an evaluation item.
    let (held_out, training): (Vec<_>, Vec<_>) =
        sequences.into_iter().enumerate().partition(|(index, _)| index % 50 == 49);
    let strip = |pairs: Vec<(usize, TargetSequence)>| pairs.into_iter().map(|pair| pair.1).collect::<Vec<_>>();
    let (stage, report) = Stage::tune(strip(training), strip(held_out), &config)?;
    check_memory(context, model.network(), &config, "tune")?;
    context.terminal.say(&format!(
        "  {} of {} conversations · {:.1} passes",
        report.packed,
        report.given,
        config.steps as f64 / stage.steps_per_epoch(&config).max(1) as f64
    ));
    if report.too_long > 0 {
        context.terminal.warn(&format!(
            "{} conversations are longer than tune.sequence_length = {} tokens and are left out",
            report.too_long, config.sequence_length
        ));
    }
    let report = Some(("packing", serde_json::to_value(report)?));
    Ok(Prepared { model, parameters, stage, config, tokenizer, report })
}

/// Learns what people prefer from pairs of answers.
pub fn align(
    recipe: &Recipe,
    context: &Context,
    tuned: &Path,
    preferences: &[Preference],
    workplace: &Workplace,
    dir: &Path,
) -> Result<Map<String, Value>> {
    prepare_align(recipe, context, tuned, preferences)?.learn(context, workplace, "aligned", dir)
}

/// Everything before the first update of [`align`].
pub fn prepare_align(recipe: &Recipe, context: &Context, tuned: &Path, preferences: &[Preference]) -> Result<Prepared> {
    let (model, parameters, tokenizer, template) = open_model(tuned)?;
    let config = seeded(&recipe.align.train, recipe.seed);
    check_context(&model, &config, "align")?;
    let end_of_turn = tokenizer.end_of_turn().unwrap_or_else(|| tokenizer.end_of_text());
    let mut pairs = Vec::with_capacity(preferences.len());
    for preference in preferences {
        let answer = |text: &str| {
            let mut ids = tokenizer.encode(text);
            ids.push(end_of_turn);
            ids
        };
        pairs.push(PreferencePair {
            prompt: template
                .encode_prompt(&tokenizer, &preference.prompt)
                .with_context(|| format!("preference pair {} cannot be formatted", preference.id))?,
            chosen: answer(&preference.chosen),
            rejected: answer(&preference.rejected),
        });
    }
    let dpo = recipe.align.dpo();
    check_memory(context, model.network(), &config, "align")?;
    let mut progress = crate::terminal::Progress::new(&context.terminal, "reference", pairs.len() as u64);
    let held_out = pairs.split_off(pairs.len() - pairs.len() / 20);
    let network = model.network();
    let (stage, report) = Stage::align(&pairs, &held_out, dpo, &config, network, &parameters, &mut |done, total| {
        progress.set("", done, total);
    })?;
    drop(progress);
    if report.too_long > 0 {
        context.terminal.warn(&format!(
            "{} pairs are longer than align.sequence_length = {} tokens and are left out",
            report.too_long, config.sequence_length
        ));
    }
    let report = Some(("pairs", serde_json::to_value(report)?));
    Ok(Prepared { model, parameters, stage, config, tokenizer, report })
}

impl Prepared {
    /// Learns, and writes the model into `dir`; the metrics of the stage.
    fn learn(
        mut self,
        context: &Context,
        workplace: &Workplace,
        label: &str,
        dir: &Path,
    ) -> Result<Map<String, Value>> {
        let interrupt = || context.interrupt.load(Ordering::SeqCst);
        let mut observer = TrainingProgress::new(&context.terminal, label);
        let Prepared { model, parameters, stage, config, tokenizer, report } = &mut self;
        let network = model.network();
        let summary = match stage.run(network, parameters, config, &workplace.checkpoints, &interrupt, &mut observer)? {
            Outcome::Finished(summary) => summary,
            Outcome::Interrupted { step, checkpoint } => {
                return Err(Interrupted(format!(
                    "stopped after step {step} of {}; the checkpoint is {}, and the same command goes on from it",
                    config.steps,
                    checkpoint.display()
                ))
                .into());
            }
        };
        workplace.keep_logs(&summary, config)?;
        save(model, parameters, tokenizer, dir)?;
        let mut metrics = summary_metrics(&summary, network);
        match report.take() {
            Some((name, report)) => metrics.insert(name.into(), report),
            None => metrics.insert("held_out_bits_per_byte".into(), json!(summary.eval_bits_per_byte)),
        };
        Ok(metrics)
    }
}

/// Says what memory the stage needs, or refuses it; alignment reads two rows a pair.
fn check_memory(context: &Context, network: &dyn Network, config: &TrainConfig, section: &str) -> Result<()> {
    let rows = if section == "align" { 2 } else { 1 };
    let estimate = memory::check(network, config, rows, context.memory_limit, &Section(section))
        .with_context(|| format!("{section} cannot be run"))?;
    context.terminal.say(&format!("  about {} MiB of memory", estimate.total() >> 20));
    Ok(())
}

/// The keys of a section of the recipe.
struct Section<'a>(&'a str);

impl memory::Names for Section<'_> {
    fn setting(&self, key: &str, value: &str) -> String {
        format!("--set {}.{key}={value}", self.0)
    }

    fn smaller(&self) -> &str {
        "lower model.hidden_size, model.intermediate_size, model.layers or tokenizer.vocab_size"
    }
}

fn check_context(model: &Model, config: &TrainConfig, section: &str) -> Result<()> {
    if let Some(limit) = model.context_length().filter(|&limit| config.sequence_length > limit) {
        bail!("{section}.sequence_length = {} is more than the model's context of {limit}", config.sequence_length);
    }
    Ok(())
}

/// A model folder with its tokenizer and chat template.
pub fn open_model(folder: &Path) -> Result<(Model, Parameters, Tokenizer, ChatTemplate)> {
    let (model, parameters) = Model::load(folder)?;
    if !matches!(model, Model::Decoder(_) | Model::Recurrent(_)) {
        bail!(
            "{}: a model that does not write from left to right cannot be tuned on answers\nhint: give a decoder or a \
             recurrent model",
            folder.display()
        );
    }
    let tokenizer = Tokenizer::load(folder)?;
    if tokenizer.vocabulary_size() > model.vocabulary_size() {
        bail!(
            "{}: the tokenizer has {} tokens, the model {}",
            folder.display(),
            tokenizer.vocabulary_size(),
            model.vocabulary_size()
        );
    }
    let template = ChatTemplate::load(folder)?;
    Ok((model, parameters, tokenizer, template))
}

fn save(model: &Model, parameters: &Parameters, tokenizer: &Tokenizer, dir: &Path) -> Result<()> {
    let mut ends = vec![tokenizer.end_of_text()];
    ends.extend(tokenizer.end_of_turn());
    model.save(parameters, dir, &ends)?;
    tokenizer.save(dir)?;
    Ok(())
}

fn summary_metrics(summary: &Summary, network: &dyn Network) -> Map<String, Value> {
    let mut metrics = Map::new();
    metrics.insert("parameters".into(), json!(network.n_parameters()));
    metrics.insert("steps".into(), json!(summary.steps));
    metrics.insert("tokens".into(), json!(summary.tokens));
    metrics.insert("training_seconds".into(), json!(summary.seconds));
    metrics.insert("tokens_per_second".into(), json!(summary.tokens as f64 / summary.seconds.max(1e-9)));
    metrics.insert("loss".into(), json!(summary.loss));
    metrics.insert("held_out_loss".into(), json!(summary.eval_loss));
    metrics
}
