//! `onto corpus …`: one file a verb.

pub(super) mod budget;
mod build;
mod classifier;
mod convert;
mod decide;
mod decontaminate;
mod dedup;
mod diff;
mod diff_text;
mod extract;
mod inspect;
mod looking;
mod make;
mod mix;
mod mix_page;
mod plan;
mod redact;
mod sample;
mod shards;
mod stats;
pub(super) mod tag;

use std::path::{Path, PathBuf};

use anyhow::Result;
use corpus::clean::CleanConfig;
use corpus::read::{ReadOptions, ReadReport, UniqueIds, batches, identity, is_remote, read};
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
        CorpusCommand::Sample(arguments) => sample::sample(session, arguments),
        CorpusCommand::Diff(arguments) => diff::diff(session, arguments),
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
    paths.iter().map(|path| if is_remote(path) { objects(path) } else { Ok(artifact::input(path, "files")?) }).collect()
}

/// Objects of a store as an input: their names, sizes and tags stand for their bytes, which would have to be fetched to be hashed.
fn objects(path: &Path) -> Result<Input> {
    let sha256 = artifact::hash_bytes(identity(path, &ReadOptions::default())?.as_bytes());
    Ok(Input { path: path.to_owned(), sha256, kind: "objects".to_owned(), relation: "files".to_owned() })
}

/// What the environment says of object stores, under the names that their own tools use.
pub fn store_settings() -> Vec<(String, String)> {
    let ours = |key: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| key.starts_with(prefix));
    // A variable that is no text is no setting of ours.
    let texts =
        std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    texts.filter(|(key, _)| ours(key)).map(|(key, value)| (key.to_lowercase(), value)).collect()
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
