//! What commands over corpora of any size share: the memory budget, the place of temporary files, and reading in order.

use std::path::{Path, PathBuf};

use anyhow::Result;
use corpus::CorpusError;
use corpus::dedup::Budget;
use corpus::read::{ReadOptions, ReadReport, batches};
use lang::document::Document;

use super::warn_of_problems;
use crate::commands::Session;
use crate::terminal::Progress;

/// Memory where none is named.
const MEMORY: u64 = 2 << 30;

/// The memory the command may use.
pub fn memory(session: &Session) -> u64 {
    session.global.memory.unwrap_or(MEMORY)
}

/// The longest record that may be read within the budget, where one is named: what is known of a text while it is measured takes
/// some twenty times its length. It does not depend on the number of threads, so that results do not.
pub fn fitting(session: &Session, options: &ReadOptions) -> ReadOptions {
    let most = session.global.memory.map_or(usize::MAX, |memory| usize::try_from(memory / 64).unwrap_or(usize::MAX));
    ReadOptions { max_record_bytes: options.max_record_bytes.min(most.max(1 << 20)), ..options.clone() }
}

/// Where temporary files go: the folder named, the one the result will stand in, or the system's.
pub fn scratch(session: &Session, named: Option<&Path>) -> PathBuf {
    let beside = session
        .global
        .out
        .as_deref()
        .and_then(Path::parent)
        .map(|parent| if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() });
    named.map(Path::to_owned).or(beside).unwrap_or_else(std::env::temp_dir)
}

/// Reads everything in order, a batch at a time, with a bar; problems are named once, when `warn` says so.
pub fn each_batch(
    session: &Session,
    label: &str,
    paths: &[PathBuf],
    budget: &Budget,
    warn: bool,
    each: impl FnMut(Vec<Document>) -> Result<(), CorpusError>,
) -> Result<ReadReport> {
    let mut progress = Progress::new(&session.terminal, label, 0);
    let options = budget.read_options();
    let report = batches(paths, &options, budget.batch, &mut |done, total| progress.set("", done, total), each)?;
    drop(progress);
    if warn {
        warn_of_problems(&session.terminal, &report);
    }
    Ok(report)
}
