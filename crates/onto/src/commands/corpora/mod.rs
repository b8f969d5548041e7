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
use corpus::CorpusError;
use corpus::clean::CleanConfig;
use corpus::read::{ReadOptions, ReadReport, UniqueIds, read, read_unit, units};
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
    let inputs = paths.iter().map(|path| Ok(artifact::input(path, "files")?)).collect::<Result<Vec<_>>>()?;
    Ok((documents, inputs))
}

/// Most documents, and bytes of their text, that [`stream_paths`] gives at once.
const BATCH: (usize, usize) = (1024, 16 << 20);

/// Streams the documents of files and folders, in order and with unique ids, in batches of bounded size. Problems are named
/// on stderr.
pub fn stream_paths(
    session: &Session,
    paths: &[PathBuf],
    each: &mut dyn FnMut(Vec<Document>) -> Result<()>,
) -> Result<()> {
    let options = ReadOptions::default();
    let (units, mut report) = units(paths, &options)?;
    let mut progress = Progress::new(&session.terminal, "reading", units.len() as u64);
    let mut ids = UniqueIds::default();
    let (mut batch, mut bytes, mut documents) = (Vec::new(), 0usize, 0usize);
    // What `each` said goes past the reader, which knows only errors of its own.
    let mut failed: Option<anyhow::Error> = None;
    for (done, unit) in units.iter().enumerate() {
        progress.set("", done, units.len());
        let read = read_unit(unit, &options, &mut |mut document| {
            ids.make_unique(&mut document.id);
            documents += 1;
            bytes += document.text.len();
            batch.push(document);
            if batch.len() >= BATCH.0 || bytes >= BATCH.1 {
                bytes = 0;
                if let Err(error) = each(std::mem::take(&mut batch)) {
                    failed = Some(error);
                    let source = std::io::Error::other("stopped");
                    return Err(CorpusError::Io { path: PathBuf::new(), action: "go on", source });
                }
            }
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        report.absorb(read?, options.max_problems);
    }
    drop(progress);
    if !batch.is_empty() {
        each(batch)?;
    }
    if ids.renamed() > 0 {
        report.counts.insert("duplicate ids renamed".to_string(), ids.renamed());
    }
    if documents == 0 {
        return Err(CorpusError::NoDocuments {
            path: paths.first().cloned().unwrap_or_default(),
            files: report.files.len(),
            problems: report.n_problems,
            first: report.problems.first().map(|problem| format!("; first: {problem}")).unwrap_or_default(),
        }
        .into());
    }
    warn_of_problems(&session.terminal, &report);
    Ok(())
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
