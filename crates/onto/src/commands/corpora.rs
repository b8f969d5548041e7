//! `onto corpus …`

use std::path::PathBuf;

use anyhow::Result;
use corpus::clean::CleanConfig;
use corpus::clean::language::Guess;
use corpus::read::{ReadOptions, ReadReport, read};
use lang::artifact::{self, Input};
use lang::document::Document;
use lang::instance::EvalItem;
use lang::truth::Truth;
use serde_json::{Map, Value, json};

use super::{Session, finished};
use crate::cli::{BuildArguments, CorpusCommand, MakeArguments, PathsArguments};
use crate::recipe::Recipe;
use crate::run::lines::{read_lines, write_json, write_lines};
use crate::run::source::{DOCUMENTS, make_microworld};
use crate::run::stage::Stage;
use crate::run::text::{CLEAN_REPORT, DECISIONS, SCORES, clean_documents};
use crate::terminal::{Progress, Terminal, line_to_stdout};

pub fn corpus(session: &Session, command: &CorpusCommand) -> Result<()> {
    match command {
        CorpusCommand::Make(arguments) => make(session, arguments),
        CorpusCommand::Build(arguments) => build(session, arguments),
        CorpusCommand::Stats(arguments) => stats(session, arguments),
        CorpusCommand::Inspect(arguments) => inspect(session, arguments),
        CorpusCommand::Redact(arguments) => redact(session, arguments),
        CorpusCommand::Dedup(arguments) => dedup(session, arguments),
    }
}

/// Reads files and folders; problems are named on stderr.
pub fn read_paths(session: &Session, paths: &[PathBuf]) -> Result<(Vec<Document>, Vec<Input>)> {
    let progress = std::cell::RefCell::new(Progress::new(&session.terminal, "reading", 0));
    let mut documents = Vec::new();
    for path in paths {
        let (found, report) = read(path, &ReadOptions::default(), &|part, done, total| {
            progress.borrow_mut().set(part, done, total);
        })?;
        documents.extend(found);
        warn_of_problems(&session.terminal, &report);
    }
    drop(progress);
    let inputs = paths.iter().map(|path| Ok(artifact::input(path, "files")?)).collect::<Result<Vec<_>>>()?;
    Ok((documents, inputs))
}

/// Names what could not be read, on stderr.
pub fn warn_of_problems(terminal: &Terminal, report: &ReadReport) {
    terminal.warn_of_bad(&report.problems, report.n_problems, "problems in the files");
    // A guess, or a repair, that a person may want to know of.
    let guessed: Vec<String> = report
        .files
        .iter()
        .filter(|file| !["", "UTF-8"].contains(&file.encoding.as_str()))
        .map(|file| {
            format!("{} is not UTF-8 and was read as {}", file.path.display(), file.encoding).replace('\n', "\\n")
        })
        .collect();
    for file in guessed.iter().take(3) {
        terminal.say(file);
    }
    if guessed.len() > 3 {
        terminal.say(&format!("… and {} more files are not UTF-8", guessed.len() - 3));
    }
    if let Some(count) = report.counts.get("invalid sequences replaced") {
        terminal.warn(&format!("{count} invalid byte sequences were replaced by U+FFFD"));
    }
}

fn make(session: &Session, arguments: &MakeArguments) -> Result<()> {
    let out = session.out()?;
    let mut recipe = Recipe::load(None, &session.global.set)?;
    recipe.seed = session.seed(recipe.seed);
    recipe.corpus.documents = arguments.documents;
    recipe.corpus.chinese_share = arguments.chinese_share;
    recipe.corpus.noise = recipe.corpus.noise.scaled(arguments.noise);
    let problems = recipe.problems();
    if !problems.is_empty() {
        let hint = "hint: --documents, --chinese-share and --noise (which scales all of corpus.noise) set these";
        return Err(crate::terminal::Usage(format!("{}\n{hint}", problems.join("\n"))).into());
    }
    let context = session.context(&out);
    let stage = Stage {
        name: "source",
        kind: "corpus",
        path: &out,
        config: json!({"corpus": recipe.corpus, "items_per_task": recipe.evaluate.items_per_task,
                       "generator": microworld::GENERATOR_VERSION}),
        seed: recipe.seed,
        inputs: Vec::new(),
    };
    let (manifest, record) = context.stage(stage, |dir, _| make_microworld(&recipe, dir))?;
    finished(session, &out, &manifest, record.skipped)
}

fn build(session: &Session, arguments: &BuildArguments) -> Result<()> {
    let out = session.out()?;
    let config = clean_config(session)?;
    let (documents, mut inputs) = read_paths(session, &arguments.paths)?;
    let items: Vec<EvalItem> = match &arguments.held_out {
        Some(path) => {
            inputs.push(artifact::input(path, "held-out")?);
            read_lines(path)?
        }
        None => Vec::new(),
    };
    let truth: Vec<Truth> = match &arguments.truth {
        Some(path) => {
            inputs.push(artifact::input(path, "truth")?);
            read_lines(path)?
        }
        None => Vec::new(),
    };
    let context = session.context(&out);
    let stage =
        Stage { name: "clean", kind: "corpus", path: &out, config: json!(config), seed: session.seed(0), inputs };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let cleaned = clean_documents(&context, documents, &items, &config)?;
        write_lines(&dir.join(DOCUMENTS), &cleaned.documents)?;
        write_lines(&dir.join(DECISIONS), &cleaned.decisions)?;
        write_json(&dir.join(CLEAN_REPORT), &cleaned.report)?;
        let mut metrics = Map::new();
        metrics.insert("documents".into(), json!(cleaned.documents.len()));
        metrics.insert("dropped".into(), json!(cleaned.decisions.len() - cleaned.documents.len()));
        for rule in &cleaned.report.rules {
            let name = serde_json::to_value(rule.rule)?;
            let name = name.as_str().unwrap_or_default();
            metrics.insert(format!("dropped.{name}"), json!(rule.documents_before - rule.documents_after));
        }
        if !truth.is_empty() {
            let scores = corpus::score::score(&cleaned.decisions, &truth);
            for (kind, score) in &scores {
                metrics.insert(format!("clean.{kind}.precision"), json!(score.precision));
                metrics.insert(format!("clean.{kind}.recall"), json!(score.recall));
            }
            write_json(&dir.join(SCORES), &scores)?;
        }
        Ok(metrics)
    })?;
    finished(session, &out, &manifest, record.skipped)
}

/// The cleaning settings: the defaults with `--set clean.…`.
fn clean_config(session: &Session) -> Result<CleanConfig> {
    Ok(Recipe::parse("the defaults", "corpus", "", &session.global.set)?.clean)
}

fn stats(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let stats = corpus::stats::statistics(&documents);
    let text = if session.global.json { serde_json::to_string(&stats)? } else { serde_json::to_string_pretty(&stats)? };
    line_to_stdout(&text)
}

/// Runs the rules and prints what they would decide, a line a document.
fn inspect(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let config = clean_config(session)?;
    let looks: Vec<(Guess, Value)> = documents.iter().map(|document| look(&document.text, &config)).collect();
    let context = session.context(std::path::Path::new("."));
    let cleaned = clean_documents(&context, documents, &[], &config)?;
    for (decision, (guess, signals)) in cleaned.decisions.iter().zip(looks) {
        let kept = decision.rule.is_none();
        let mut reasons: Vec<String> = Vec::new();
        if !kept {
            reasons.push(decision.reason.clone());
        }
        line_to_stdout(
            &json!({
                "id": decision.id,
                "lang": guess.lang,
                "lang_confidence": (guess.confidence * 1e4).round() / 1e4,
                "signals": signals,
                "decision": if kept { "keep" } else { "drop" },
                "reasons": reasons,
                "removed_lines": decision.removed_lines,
                "duplicate_of": decision.duplicate_of,
            })
            .to_string(),
        )?;
    }
    Ok(())
}

/// The language of a text, and the numbers a person judges it by at a glance.
fn look(text: &str, config: &CleanConfig) -> (Guess, Value) {
    let guess = corpus::clean::language::identify(text, &config.language);
    let signals = json!({
        "bytes": text.len(),
        "characters": text.chars().count(),
        "words": text.split_whitespace().count(),
        "lines": text.lines().count(),
        "lang": guess.lang,
        "lang_evidence": guess.evidence,
        "noise": corpus::clean::statistics::noise(text, &config.statistics),
    });
    (guess, signals)
}

fn redact(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let config = clean_config(session)?;
    for document in &documents {
        let masked = corpus::clean::personal::find(&document.text, &config.personal_data);
        let text = corpus::clean::personal::mask(&document.text, &masked);
        let spans: Vec<Value> =
            masked.iter().map(|m| json!({"start": m.start, "end": m.end, "kind": m.kind, "text": m.text})).collect();
        line_to_stdout(&json!({"id": document.id, "text": text, "spans": spans}).to_string())?;
    }
    Ok(())
}

fn dedup(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let mut config = clean_config(session)?;
    config.boilerplate.enabled = false;
    config.language.enabled = false;
    config.statistics.enabled = false;
    config.decontamination.enabled = false;
    config.personal_data.enabled = false;
    let total = documents.len();
    let context = session.context(std::path::Path::new("."));
    let cleaned = clean_documents(&context, documents, &[], &config)?;
    // Representatives come first: they are the documents the others name.
    let mut clusters: Vec<Vec<String>> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for decision in &cleaned.decisions {
        if let Some(original) = &decision.duplicate_of {
            let index = *place.entry(original.clone()).or_insert_with(|| {
                clusters.push(vec![original.clone()]);
                clusters.len() - 1
            });
            clusters[index].push(decision.id.clone());
        }
    }
    let kept = cleaned.documents.len();
    let answer = json!({"documents": total, "kept": kept, "dropped": total - kept, "clusters": clusters});
    line_to_stdout(&if session.global.json { answer.to_string() } else { serde_json::to_string_pretty(&answer)? })
}
