//! The stages that work on text: cleaning, the vocabulary, token shards and the counting baselines.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use corpus::clean::{Cleaned, clean};
use lang::document::Document;
use lang::instance::EvalItem;
use lang::shards::{Shard, ShardWriter};
use lang::tokenizer::{Tokenizer, TrainConfig as VocabularyConfig};
use lang::truth::Truth;
use serde_json::{Map, Value, json};
use slm::{NGram, NGramConfig, Unigram};

use super::lines::{read_json, read_lines, write_json, write_lines};
use super::source::{DOCUMENTS, EVALUATION, HELD_OUT, TRUTH};
use super::stage::Context;
use crate::recipe::Recipe;
use crate::terminal::Progress;

/// What the cleaning decided about each document.
pub const DECISIONS: &str = "decisions.jsonl";
/// Counts and examples of the cleaning.
pub const CLEAN_REPORT: &str = "clean-report.json";
/// Precision and recall for each planted kind.
pub const SCORES: &str = "scores.json";
/// Prefix of the training shard.
pub const TRAIN_SHARD: &str = "train";
/// Prefix of the held-out shard.
pub const HELD_OUT_SHARD: &str = "held-out";

/// Cleans the source and, where its truth is known, scores the cleaning.
pub fn clean_source(recipe: &Recipe, context: &Context, source: &Path, dir: &Path) -> Result<Map<String, Value>> {
    let documents: Vec<Document> = read_lines(&source.join(DOCUMENTS))?;
    let items: Vec<EvalItem> = read_lines(&source.join(EVALUATION))?;
    let cleaned = clean_documents(context, documents, &items, &recipe.clean)?;
    // Held-out text is measured on, so it passes the same rules; it cannot leak into itself.
    let held_out: Vec<Document> = read_lines(&source.join(HELD_OUT))?;
    let held_out = clean_documents(context, held_out, &[], &recipe.clean)?;
    if cleaned.documents.is_empty() || held_out.documents.is_empty() {
        bail!(
            "the cleaning kept {} of {} training and {} of {} held-out documents\nhint: the dropped documents and their \
             reasons are shown by `onto corpus inspect`; each rule of [clean] can be switched off",
            cleaned.documents.len(),
            cleaned.decisions.len(),
            held_out.documents.len(),
            held_out.decisions.len()
        );
    }
    write_lines(&dir.join(DOCUMENTS), &cleaned.documents)?;
    write_lines(&dir.join(HELD_OUT), &held_out.documents)?;
    write_lines(&dir.join(DECISIONS), &cleaned.decisions)?;
    write_json(&dir.join(CLEAN_REPORT), &cleaned.report)?;
    let mut metrics = Map::new();
    metrics.insert("documents".into(), json!(cleaned.documents.len()));
    metrics.insert("dropped".into(), json!(cleaned.decisions.len() - cleaned.documents.len()));
    metrics.insert("held_out_documents".into(), json!(held_out.documents.len()));
    let truth = source.join(TRUTH);
    if truth.exists() {
        let truth: Vec<Truth> = read_lines(&truth)?;
        let scores = corpus::score::score(&cleaned.decisions, &truth);
        write_json(&dir.join(SCORES), &scores)?;
        for (kind, score) in &scores {
            metrics.insert(format!("clean.{kind}.precision"), json!(score.precision));
            metrics.insert(format!("clean.{kind}.recall"), json!(score.recall));
        }
    }
    Ok(metrics)
}

/// Cleans documents with a progress bar.
pub fn clean_documents(
    context: &Context,
    documents: Vec<Document>,
    items: &[EvalItem],
    config: &corpus::clean::CleanConfig,
) -> Result<Cleaned> {
    let progress = std::sync::Mutex::new(Progress::new(&context.terminal, "cleaning", documents.len() as u64));
    let report = |part: &str, done: usize, total: usize| {
        if let Ok(mut progress) = progress.lock() {
            progress.set(part, done, total);
        }
    };
    Ok(clean(documents, items, config, &report)?)
}

/// Trains the vocabulary on the clean documents.
pub fn train_tokenizer(recipe: &Recipe, context: &Context, clean: &Path, dir: &Path) -> Result<Map<String, Value>> {
    let documents: Vec<Document> = read_lines(&clean.join(DOCUMENTS))?;
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    let settings = VocabularyConfig {
        vocab_size: recipe.tokenizer.vocab_size,
        min_frequency: recipe.tokenizer.min_frequency,
        split_han: recipe.tokenizer.split_han,
        space_last: recipe.tokenizer.space_last,
        ..VocabularyConfig::default()
    };
    let mut progress = Progress::new(&context.terminal, "merging", settings.vocab_size as u64);
    let mut tokenizer = Tokenizer::train(&texts, &settings, &mut |done, total| progress.set("", done, total))?;
    tokenizer.set_model_max_length(Some(recipe.model.context as u64));
    tokenizer.save(dir)?;
    let mut bytes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for document in documents.iter().take(2000) {
        let counts = bytes.entry(document.lang.clone().unwrap_or_else(|| "und".into())).or_default();
        counts.0 += document.text.len();
        counts.1 += tokenizer.encode(&document.text).len();
    }
    let mut metrics = Map::new();
    metrics.insert("vocab_size".into(), json!(tokenizer.vocabulary_size()));
    for (language, (bytes, tokens)) in bytes {
        metrics.insert(format!("bytes_per_token.{language}"), json!(bytes as f64 / tokens.max(1) as f64));
    }
    Ok(metrics)
}

/// Encodes clean and held-out documents into Megatron shards.
pub fn write_shards(clean: &Path, tokenizer: &Path, dir: &Path) -> Result<Map<String, Value>> {
    let tokenizer = Tokenizer::load(tokenizer)?;
    let mut metrics = Map::new();
    for (file, prefix) in [(DOCUMENTS, TRAIN_SHARD), (HELD_OUT, HELD_OUT_SHARD)] {
        let documents: Vec<Document> = read_lines(&clean.join(file))?;
        let info = write_shard(&documents, &tokenizer, &dir.join(prefix))?;
        metrics.insert(format!("{prefix}.documents"), json!(info.documents));
        metrics.insert(format!("{prefix}.tokens"), json!(info.tokens));
        metrics.insert(format!("{prefix}.bytes"), json!(documents.iter().map(|d| d.text.len()).sum::<usize>()));
    }
    Ok(metrics)
}

/// Encodes documents, in parallel, into one shard in their order.
pub fn write_shard(documents: &[Document], tokenizer: &Tokenizer, prefix: &Path) -> Result<lang::shards::ShardInfo> {
    use rayon::prelude::*;
    let encoded: Vec<Vec<u32>> = documents.par_iter().map(|document| tokenizer.encode(&document.text)).collect();
    let mut writer = ShardWriter::create(prefix, tokenizer.vocabulary_size())?;
    for tokens in &encoded {
        writer.push(tokens)?;
    }
    Ok(writer.finish()?)
}

/// Counts the unigram and n-gram baselines on the very tokens the neural model learns from.
pub fn count_baselines(recipe: &Recipe, shards: &Path, tokenizer: &Path, dir: &Path) -> Result<Map<String, Value>> {
    let tokenizer = Tokenizer::load(tokenizer)?;
    let documents = shard_documents(&shards.join(TRAIN_SHARD))?;
    let (vocabulary, bos, eos) = (tokenizer.vocabulary_size(), tokenizer.beginning_of_text(), tokenizer.end_of_text());
    let unigram = Unigram::train(&documents, vocabulary, bos, eos)?;
    let config = NGramConfig { order: recipe.ngram.order, vocabulary_size: vocabulary, beginning: bos, end: eos };
    let ngram = NGram::train(&documents, &config)?;
    unigram.save(&dir.join("unigram.arpa"))?;
    ngram.save(&dir.join("ngram.arpa"))?;
    let mut metrics = Map::new();
    metrics.insert("order".into(), json!(recipe.ngram.order));
    Ok(metrics)
}

/// Every document of a shard.
pub fn shard_documents(prefix: &Path) -> Result<Vec<Vec<u32>>> {
    let shard = Shard::open(prefix)?;
    (0..shard.documents()).map(|index| Ok(shard.document(index)?)).collect()
}

/// The scores of the cleaning, where there are any.
pub fn read_scores(clean: &Path) -> Result<BTreeMap<String, corpus::score::Score>> {
    let path = clean.join(SCORES);
    if path.exists() { read_json(&path) } else { Ok(BTreeMap::new()) }
}
