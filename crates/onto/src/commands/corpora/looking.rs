//! What `sample` and `diff` share: what stands behind a path, and reading it in order.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use corpus::CorpusError;
use corpus::dedup::Budget;
use corpus::read::{ReadOptions, batches};
use lang::artifact;
use lang::document::Document;

use super::warn_of_problems;
use crate::commands::Session;
use crate::run::text::DECISIONS;
use crate::terminal::Progress;

/// Documents to be read, and how.
pub struct Reading {
    pub paths: Vec<PathBuf>,
    pub options: ReadOptions,
}

impl Reading {
    /// Of these paths, as every command reads them.
    pub fn of(paths: &[PathBuf]) -> Self {
        Reading { paths: paths.to_vec(), options: ReadOptions::default() }
    }
}

/// The decisions in a folder.
pub fn decisions_in(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(DECISIONS)).filter(|path| path.is_file())
}

/// The inputs that the decisions of an artifact were made about, as its manifest names them.
pub fn inputs_behind(folder: &Path) -> Result<Reading> {
    let manifest = artifact::read(folder)
        .with_context(|| format!("cannot tell what the decisions of {} are about", folder.display()))?;
    if let Some(table) = manifest.inputs.iter().find(|input| input.relation == "signals") {
        let folder = if table.path.is_dir() { table.path.clone() } else { parent(&table.path) };
        return inputs_behind(&folder);
    }
    let inputs = manifest.inputs.iter().filter(|input| ["files", "source"].contains(&input.relation.as_str()));
    let paths: Vec<PathBuf> = inputs.map(|input| input.path.clone()).collect();
    if let Some(gone) = paths.iter().find(|path| !path.to_string_lossy().contains("://") && !path.exists()) {
        let (folder, gone) = (folder.display(), gone.display());
        bail!(
            "{folder} was made from {gone}, which is not there (any more)\nhint: name its inputs, and its decisions with --decisions FILE"
        );
    }
    if paths.is_empty() {
        bail!(
            "{} names no inputs\nhint: name them, and the decisions about them with --decisions FILE",
            folder.display()
        );
    }
    let options = manifest.config.get("read").map(|read| serde_json::from_value(read.clone())).transpose()?;
    Ok(Reading { paths, options: options.unwrap_or_default() })
}

fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| ".".into(), Path::to_owned)
}

/// Calls `each` with every document and its place, in order, until it says that it has enough. Problems are named once, when `warn`
/// says so.
pub fn each_document(
    session: &Session,
    label: &str,
    reading: &Reading,
    budget: &Budget,
    warn: bool,
    mut each: impl FnMut(u64, Document) -> Result<bool>,
) -> Result<()> {
    let mut options = reading.options.clone();
    options.max_record_bytes = options.max_record_bytes.min(budget.record);
    let mut progress = Progress::new(&session.terminal, label, 0);
    let mut place = 0;
    let mut enough = false;
    let told = &mut |done, total| progress.set("", done, total);
    let read = batches(&reading.paths, &options, budget.batch, told, |documents| {
        for document in documents {
            if !each(place, document)? {
                enough = true;
                return Err(CorpusError::Stopped.into());
            }
            place += 1;
        }
        Ok::<_, anyhow::Error>(())
    });
    drop(progress);
    match read {
        Err(_) if enough => Ok(()),
        Err(error) => Err(error),
        Ok(report) => {
            if warn {
                warn_of_problems(&session.terminal, &report);
            }
            Ok(())
        }
    }
}
