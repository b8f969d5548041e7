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
mod plan;
mod redact;
mod stats;
mod tag;

use std::path::PathBuf;

use anyhow::Result;
use corpus::clean::CleanConfig;
use corpus::read::{ReadOptions, ReadReport, read};
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

/// The cleaning settings: the defaults with `--set clean.…`.
fn clean_config(session: &Session) -> Result<CleanConfig> {
    Ok(Recipe::parse("the defaults", "corpus", "", &session.global.set)?.clean)
}
