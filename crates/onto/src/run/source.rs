//! Where text and instances come from: the Microworld, or a person's own files.

use std::path::Path;

use anyhow::{Result, bail};
use corpus::read::{ReadOptions, read};
use lang::document::Document;
use lang::instance::{Conversation, EvalItem, Extract, Message, Preference};
use lang::truth::Truth;
use microworld::{CorpusConfig, NoiseConfig, Split};
use serde_json::{Map, Value, json};

use super::lines::{read_lines_lenient, write_json, write_lines};
use super::stage::Context;
use crate::recipe::{NoiseSection, Recipe};
use crate::terminal::{Progress, Terminal};

/// Raw documents.
pub const DOCUMENTS: &str = "documents.jsonl";
/// Labels of the planted noise.
pub const TRUTH: &str = "truth.jsonl";
/// Documents that are only measured on.
pub const HELD_OUT: &str = "held-out.jsonl";
/// What must not leak into training: held-out questions with their answers.
pub const EVALUATION: &str = "evaluation.jsonl";
/// Conversations to tune on.
pub const CONVERSATIONS: &str = "conversations.jsonl";
/// Preference pairs to align on.
pub const PREFERENCES: &str = "preferences.jsonl";
/// Preference pairs to measure on.
pub const HELD_OUT_PREFERENCES: &str = "preferences.held-out.jsonl";

/// The generator's view of the recipe's noise.
pub fn noise(section: &NoiseSection) -> NoiseConfig {
    NoiseConfig {
        boilerplate: section.boilerplate,
        exact_duplicate: section.exact_duplicate,
        near_duplicate: section.near_duplicate,
        pii: section.pii,
        gibberish: section.gibberish,
        wrong_language: section.wrong_language,
        test_leak: section.test_leak,
    }
}

/// Makes a Microworld: training documents with planted noise and its truth, held-out documents, held-out questions.
pub fn make_microworld(recipe: &Recipe, dir: &Path) -> Result<Map<String, Value>> {
    let corpus = &recipe.corpus;
    let items = microworld::evaluation(recipe.seed, recipe.evaluate.items_per_task, corpus.chinese_share);
    let config = CorpusConfig {
        seed: recipe.seed,
        split: Split::Train,
        documents: corpus.documents,
        chinese_share: corpus.chinese_share,
        noise: noise(&corpus.noise),
        eval_items: items.clone(),
    };
    let (documents, truth): (Vec<Document>, Vec<Truth>) = microworld::corpus(&config).into_iter().unzip();
    let held_out_config = CorpusConfig {
        split: Split::HeldOut,
        documents: corpus.held_out_documents,
        noise: noise(&NoiseSection::none()),
        eval_items: Vec::new(),
        ..config
    };
    let held_out: Vec<Document> = microworld::corpus(&held_out_config).into_iter().map(|pair| pair.0).collect();
    write_lines(&dir.join(DOCUMENTS), &documents)?;
    write_lines(&dir.join(TRUTH), &truth)?;
    write_lines(&dir.join(HELD_OUT), &held_out)?;
    write_lines(&dir.join(EVALUATION), &items)?;
    Ok(counts(&documents, &held_out))
}

/// Reads a person's files; a seeded share of the documents is held out.
pub fn read_files(recipe: &Recipe, context: &Context, dir: &Path) -> Result<Map<String, Value>> {
    let path = Path::new(&recipe.corpus.path);
    let progress = std::cell::RefCell::new(Progress::new(&context.terminal, "reading", 0));
    let options = ReadOptions { split_bytes: recipe.corpus.split_bytes, ..ReadOptions::default() };
    let (documents, report) = read(path, &options, &|part, done, total| progress.borrow_mut().set(part, done, total))?;
    drop(progress);
    crate::commands::warn_of_problems(&context.terminal, &report);
    let (mut training, mut held_out) = hold_out(documents, recipe.seed, recipe.corpus.held_out_share);
    if held_out.is_empty() && training.len() > 1 {
        held_out.extend(training.pop());
    }
    if held_out.is_empty() {
        bail!(
            "{} holds one document, and nothing can be held out to measure on\nhint: add documents, or cut it at line ends \
             with --set corpus.split_bytes=4000 (text in one line is one document)",
            path.display()
        );
    }
    // Held-out documents are the evaluation that must not leak: a training document that repeats one is dropped.
    let items: Vec<EvalItem> = held_out
        .iter()
        .map(|document| EvalItem {
            id: document.id.clone(),
            task: "held-out text".to_owned(),
            prompt: vec![Message::user(String::new())],
            answer: document.text.clone(),
            extract: Extract::Whole,
            lang: document.lang.clone().unwrap_or_default(),
        })
        .collect();
    write_lines(&dir.join(DOCUMENTS), &training)?;
    write_lines(&dir.join(HELD_OUT), &held_out)?;
    write_lines(&dir.join(EVALUATION), &items)?;
    write_json(&dir.join("read-report.json"), &report)?;
    let mut metrics = counts(&training, &held_out);
    metrics.insert("problems".into(), json!(report.n_problems));
    Ok(metrics)
}

/// Sets a seeded share of the documents aside to measure on: (training, held out), both in their old order.
pub fn hold_out(documents: Vec<Document>, seed: u64, share: f64) -> (Vec<Document>, Vec<Document>) {
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for (index, document) in documents.into_iter().enumerate() {
        let mut rng = lang::rng::Rng::for_item(seed, "held-out documents", index as u64);
        if rng.chance(share) { held_out.push(document) } else { training.push(document) }
    }
    (training, held_out)
}

fn counts(documents: &[Document], held_out: &[Document]) -> Map<String, Value> {
    let bytes = |documents: &[Document]| documents.iter().map(|document| document.text.len()).sum::<usize>();
    let mut metrics = Map::new();
    metrics.insert("documents".into(), json!(documents.len()));
    metrics.insert("bytes".into(), json!(bytes(documents)));
    metrics.insert("held_out_documents".into(), json!(held_out.len()));
    metrics.insert("held_out_bytes".into(), json!(bytes(held_out)));
    metrics
}

/// What the instances of a life are made from.
pub struct InstanceSources<'a> {
    /// Clean training documents, for instances made from plain text.
    pub documents: &'a [Document],
    /// Clean held-out documents.
    pub held_out: &'a [Document],
}

/// Conversations, preference pairs and evaluation items: from files, from the Microworld, or made from plain text.
pub fn make_instances(
    recipe: &Recipe,
    context: &Context,
    sources: &InstanceSources<'_>,
    dir: &Path,
) -> Result<Map<String, Value>> {
    let own_text = !recipe.corpus.path.is_empty();
    let share = recipe.corpus.chinese_share;
    let (tune, align, evaluate) = (&recipe.tune, &recipe.align, &recipe.evaluate);
    let longest = recipe.instance_chars();
    let conversations: Vec<Conversation> = if !tune.path.is_empty() {
        from_file(&context.terminal, &tune.path)?
    } else if own_text {
        corpus::instances::conversations(sources.documents, recipe.seed, tune.conversations, longest)
    } else {
        microworld::conversations(recipe.seed, Split::Train, tune.conversations, share)
    };
    let preferences: Vec<Preference> = if !align.path.is_empty() {
        from_file(&context.terminal, &align.path)?
    } else if own_text {
        corpus::instances::preferences(sources.documents, recipe.seed, align.pairs, longest)
    } else {
        microworld::preferences(recipe.seed, Split::Train, align.pairs, share)
    };
    let (held_out_preferences, items) = if own_text {
        (
            corpus::instances::preferences(sources.held_out, recipe.seed, evaluate.pairs, longest),
            corpus::instances::evaluation(sources.held_out, recipe.seed, evaluate.items_per_task, longest),
        )
    } else {
        (
            microworld::preferences(recipe.seed, Split::HeldOut, evaluate.pairs, share),
            microworld::evaluation(recipe.seed, evaluate.items_per_task, share),
        )
    };
    for (what, count, key) in [
        ("conversations", conversations.len(), "tune.path"),
        ("preference pairs", preferences.len(), "align.path"),
        ("held-out preference pairs", held_out_preferences.len(), "corpus.held_out_share"),
        ("evaluation items", items.len(), "corpus.held_out_share"),
    ] {
        if count == 0 {
            bail!(
                "no {what} could be made from the corpus: its documents are too few or too short\nhint: give more text; {key} can help too"
            );
        }
    }
    write_lines(&dir.join(CONVERSATIONS), &conversations)?;
    write_lines(&dir.join(PREFERENCES), &preferences)?;
    write_lines(&dir.join(HELD_OUT_PREFERENCES), &held_out_preferences)?;
    write_lines(&dir.join(EVALUATION), &items)?;
    let mut metrics = Map::new();
    metrics.insert("conversations".into(), json!(conversations.len()));
    metrics.insert("preferences".into(), json!(preferences.len()));
    metrics.insert("held_out_preferences".into(), json!(held_out_preferences.len()));
    metrics.insert("evaluation_items".into(), json!(items.len()));
    Ok(metrics)
}

/// Instances from a person's JSONL; bad lines are named and skipped.
pub fn from_file<T: serde::de::DeserializeOwned>(terminal: &Terminal, path: &str) -> Result<Vec<T>> {
    let (values, problems) = read_lines_lenient(Path::new(path))?;
    terminal.warn_of_bad(&problems, problems.len(), &format!("bad lines in {path}"));
    if values.is_empty() {
        bail!("{path} has no usable line ({} bad ones)", problems.len());
    }
    Ok(values)
}
