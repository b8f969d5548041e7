//! `onto tokenizer train`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use corpus::read::ReadReport;
use lang::tokenizer::{MemoryBound, Tokenizer, TrainConfig, TrainReport, Trainer};
use serde_json::{Map, Value, json};

use super::texts;
use crate::cli::TokenizerTrainArguments;
use crate::commands::corpora::file_inputs;
use crate::commands::{Session, warn_of_problems};
use crate::terminal::{Progress, line_to_stdout};

pub fn train(session: &Session, arguments: &TokenizerTrainArguments) -> Result<()> {
    let out = session.out()?;
    let config = arguments.vocabulary.config();
    // What cannot work is refused before a long corpus is read.
    drop(Trainer::new(&config, None)?);
    let inputs = file_inputs(&arguments.paths)?;
    let context = session.context(&out);
    let stage = crate::run::stage::Stage {
        name: "tokenizer",
        kind: "tokenizer",
        path: &out,
        config: described(arguments, &config, session.global.memory),
        seed: session.seed(0),
        inputs,
    };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let (tokenizer, report) = learn(session, &arguments.paths, &config, dir)?;
        tokenizer.save(dir)?;
        Ok(metrics(&tokenizer, &report))
    })?;
    if session.global.json {
        line_to_stdout(
            &json!({"tokenizer": out.to_string_lossy(), "sha256": manifest.sha256, "skipped": record.skipped,
                    "metrics": manifest.metrics})
            .to_string(),
        )
    } else {
        line_to_stdout(&format!("tokenizer {}", out.display()))
    }
}

/// Everything the result depends on beside the texts.
fn described(arguments: &TokenizerTrainArguments, config: &TrainConfig, memory: Option<u64>) -> Value {
    json!({
        "model": arguments.vocabulary.model.name(),
        "vocab_size": config.vocab_size,
        "min_frequency": config.min_frequency,
        "special_tokens": config.special_tokens,
        "unknown": config.unknown,
        "pattern": format!("{:?}", config.cut),
        "normalizer": format!("{:?}", config.normalization),
        "digits": config.digits,
        "split_han": config.split_han,
        "space_last": config.space_last,
        "byte_fallback": config.byte_fallback,
        "initial_alphabet": config.initial_alphabet,
        "limit_alphabet": config.limit_alphabet,
        "character_coverage": config.character_coverage,
        "max_token_length": config.max_token_length,
        "seed_pieces": config.unigram.seed_pieces,
        "shrinking_factor": config.unigram.shrinking_factor,
        "sub_iterations": config.unigram.sub_iterations,
        "split_scripts": config.unigram.split_scripts,
        // Words that do not fit are left out.
        "memory": memory,
    })
}

fn metrics(tokenizer: &Tokenizer, report: &TrainReport) -> Map<String, Value> {
    let metrics = json!({
        "vocab_size": tokenizer.vocabulary_size(),
        "learnt": report.learnt,
        "words": report.occurrences,
        "distinct_words": report.distinct_words,
        "words_left_out": report.left_out_words,
        "share_left_out": report.left_out_occurrences as f64 / report.occurrences.max(1) as f64,
    });
    match metrics {
        Value::Object(metrics) => metrics,
        _ => Map::new(),
    }
}

/// Reads the texts and learns a vocabulary from them; runs of words go under `folder` meanwhile.
pub fn learn(
    session: &Session,
    paths: &[PathBuf],
    config: &TrainConfig,
    folder: &Path,
) -> Result<(Tokenizer, TrainReport)> {
    let bound = session.global.memory.map(|bytes| MemoryBound { bytes, folder: folder.join(".words") });
    let mut trainer = Trainer::new(config, bound)?;
    let read = texts::feed(session, paths, &mut trainer)?;
    warn_of_problems(&session.terminal, &read);
    refuse_nothing(paths, &read)?;
    let mut progress: Option<(String, Progress)> = None;
    let (tokenizer, report) = trainer.finish(&mut |part, done, total| {
        if progress.as_ref().is_none_or(|(current, _)| current != part) {
            progress = None;
            progress = Some((part.to_owned(), Progress::new(&session.terminal, part, total as u64)));
        }
        if let Some((_, progress)) = &mut progress {
            progress.set("", done, total);
        }
    })?;
    drop(progress);
    tell(session, config, &tokenizer, &report)?;
    Ok((tokenizer, report))
}

fn refuse_nothing(paths: &[PathBuf], read: &ReadReport) -> Result<()> {
    if read.documents > 0 {
        return Ok(());
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let first = read.problems.first().map(|problem| format!("; first: {problem}")).unwrap_or_default();
    bail!(
        "no text to train on in {}: {} readable files, {} problems{first}\nhint: texts are .txt, .md and .jsonl (also .gz, .zst), \
         .parquet, or a folder of them",
        names.join(", "),
        read.files.len(),
        read.n_problems
    );
}

/// Says what a person would want to know of the result.
fn tell(session: &Session, config: &TrainConfig, tokenizer: &Tokenizer, report: &TrainReport) -> Result<()> {
    let terminal = &session.terminal;
    if report.learnt == 0 && report.most_frequent_left > 0 {
        bail!(
            "--min-frequency {} leaves nothing: the most frequent pair (or word, or character) of the texts is seen {} times\n\
             hint: lower --min-frequency, or train on more text",
            config.min_frequency,
            report.most_frequent_left
        );
    }
    if report.left_out_words > 0 {
        terminal.warn(&format!(
            "{} of {} different words, each seen fewer than {} times and together {:.2} % of the text's, do not fit --memory and were \
             left out",
            report.left_out_words,
            report.distinct_words,
            report.least_count,
            100.0 * report.left_out_occurrences as f64 / report.occurrences.max(1) as f64
        ));
    }
    if report.cut_words > 0 {
        terminal.warn(&format!("{} words longer than 8192 bytes were counted in parts", report.cut_words));
    }
    if tokenizer.vocabulary_size() < config.vocab_size {
        terminal.say(&format!(
            "the vocabulary has {} tokens, not {}: the texts have nothing more that is frequent enough",
            tokenizer.vocabulary_size(),
            config.vocab_size
        ));
    }
    Ok(())
}
