//! `onto bench corpus …`: one file a part of corpus work.

mod build;
mod decide;
mod dedup;
mod tag;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use corpus::read::{ReadOptions, read};
use lang::document::Document;

use super::super::Session;
use crate::cli::BenchCorpusCommand;

pub fn corpus(session: &Session, command: &BenchCorpusCommand) -> Result<()> {
    match command {
        BenchCorpusCommand::Tag(arguments) => tag::tag(session, arguments),
        BenchCorpusCommand::Decide(arguments) => decide::decide(session, arguments),
        BenchCorpusCommand::Dedup(arguments) => dedup::dedup(session, arguments),
        BenchCorpusCommand::Build(arguments) => build::build(session, arguments),
    }
}

/// All documents under the paths, and the bytes of their texts.
fn documents(paths: &[PathBuf]) -> Result<(Vec<Document>, usize)> {
    let mut documents = Vec::new();
    for path in paths {
        documents.extend(read(path, &ReadOptions::default(), &|_, _, _| {})?.0);
    }
    let bytes = documents.iter().map(|document| document.text.len()).sum();
    Ok((documents, bytes))
}

/// Seconds of the fastest of as many rounds as fit in `seconds`, after one that fills the caches.
fn best(seconds: f64, work: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let begun = Instant::now();
    let mut fastest = f64::INFINITY;
    while begun.elapsed().as_secs_f64() < seconds || fastest.is_infinite() {
        let round = Instant::now();
        work()?;
        fastest = fastest.min(round.elapsed().as_secs_f64());
    }
    Ok(fastest)
}

/// A folder for what a measurement writes, removed when it goes out of scope.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("onto-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind in the folder for temporary files does no harm.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
