//! `onto corpus …`: one file a verb.

mod budget;
mod build;
mod classifier;
mod convert;
mod decide;
mod decontaminate;
mod dedup;
mod extract;
mod inspect;
mod make;
mod mix;
mod mix_page;
mod plan;
mod redact;
mod shards;
mod stats;
mod tag;

use std::path::PathBuf;

use anyhow::Result;
use corpus::clean::CleanConfig;
use corpus::read::{ReadOptions, ReadReport, UniqueIds, batches, read};
use lang::artifact::{self, Input};
use lang::document::Document;

use super::Session;
use crate::cli::CorpusCommand;
use crate::recipe::Recipe;
use crate::terminal::{Progress, Terminal};

pub fn corpus(session: &Session, command: &CorpusCommand) -> Result<()> {
    match command {
        CorpusCommand::Make(arguments) => make::make(session, arguments),
        CorpusCommand::Build(arguments) => build::build(session, arguments),
        CorpusCommand::Stats(arguments) => stats::stats(session, arguments),
        CorpusCommand::Inspect(arguments) => inspect::inspect(session, arguments),
        CorpusCommand::Tag(arguments) => tag::tag(session, arguments),
        CorpusCommand::Decide(arguments) => decide::decide(session, arguments),
        CorpusCommand::Classifier(command) => classifier::classifier(session, command),
        CorpusCommand::Redact(arguments) => redact::redact(session, arguments),
        CorpusCommand::Mix(arguments) => mix::mix(session, arguments),
        CorpusCommand::Shards(arguments) => shards::shards(session, arguments),
        CorpusCommand::Dedup(arguments) => dedup::dedup(session, arguments),
        CorpusCommand::Decontaminate(arguments) => decontaminate::decontaminate(session, arguments),
        CorpusCommand::Plan(arguments) => plan::plan(session, arguments),
        CorpusCommand::Extract(arguments) => extract::extract(session, arguments),
        CorpusCommand::Convert(arguments) => convert::convert(session, arguments),
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
    Ok((documents, file_inputs(paths)?))
}

/// Bytes of text that [`stream_paths`] gives at once, about.
const BATCH: usize = 16 << 20;

/// Streams the documents of files and folders, in order and with unique ids, in batches of bounded size. Problems are named
/// on stderr.
pub fn stream_paths(
    session: &Session,
    paths: &[PathBuf],
    each: &mut dyn FnMut(Vec<Document>) -> Result<()>,
) -> Result<()> {
    let mut progress = Progress::new(&session.terminal, "reading", 0);
    let mut ids = UniqueIds::default();
    let options = ReadOptions::default();
    let mut report =
        batches(paths, &options, BATCH, &mut |done, total| progress.set("", done, total), |mut documents| {
            documents.iter_mut().for_each(|document| ids.make_unique(&mut document.id));
            each(documents)
        })?;
    drop(progress);
    if ids.renamed() > 0 {
        report.counts.insert("duplicate ids renamed".to_string(), ids.renamed());
    }
    warn_of_problems(&session.terminal, &report);
    Ok(())
}

/// The files and folders that a command reads, as inputs of its artifact.
pub fn file_inputs(paths: &[PathBuf]) -> Result<Vec<Input>> {
    paths.iter().map(|path| Ok(artifact::input(path, "files")?)).collect()
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

/// The cleaning settings: the defaults with `--set clean.…`.
fn clean_config(session: &Session) -> Result<CleanConfig> {
    Ok(Recipe::parse("the defaults", "corpus", "", &session.global.set)?.clean)
}
