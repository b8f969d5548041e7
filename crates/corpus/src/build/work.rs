//! The work of a step, cut into batches of units: batches are done by any number of workers in any order, each into files
//! of its own, and what is done is marked, so that a build that was killed goes on at the batches it was in.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use lang::document::Document;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CorpusError;
use crate::read::Unit;
use crate::write::push_line;

/// Small files are put together until a batch has this many (stored) bytes …
const BATCH_BYTES: u64 = 16 << 20;
/// … or this many units.
const BATCH_UNITS: usize = 4096;

/// Called with the step, batches done and batches there are; by one thread at a time, but not always the same one.
pub type Watch<'p> = &'p (dyn Fn(&str, usize, usize) + Sync);

/// Folder of a build's unfinished work and what may end it early.
pub(super) struct Work<'w> {
    pub(super) folder: &'w Path,
    pub(super) watch: Watch<'w>,
    /// True when the person wants to stop.
    pub(super) interrupted: &'w (dyn Fn() -> bool + Sync),
}

/// Runs of units that are worked on together; a function of the units alone.
pub(super) fn batches(units: &[Unit]) -> Vec<&[Unit]> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (index, unit) in units.iter().enumerate() {
        bytes += unit.bytes;
        if bytes >= BATCH_BYTES || index + 1 - start >= BATCH_UNITS {
            out.push(&units[start..=index]);
            (start, bytes) = (index + 1, 0);
        }
    }
    if start < units.len() {
        out.push(&units[start..]);
    }
    out
}

impl Work<'_> {
    /// The file of a step for a batch.
    pub(super) fn file(&self, step: &str, batch: usize, ending: &str) -> PathBuf {
        self.folder.join(format!("{step}-{batch:06}.{ending}"))
    }

    /// Does the step for every batch that is not done yet; `one` writes its files and returns what is kept in memory of
    /// it. Results come in the order of the batches, those of an earlier, killed build among them.
    pub(super) fn each<T: Serialize + DeserializeOwned + Send>(
        &self,
        step: &str,
        count: usize,
        one: impl Fn(usize) -> Result<T, CorpusError> + Sync,
    ) -> Result<Vec<T>, CorpusError> {
        let done = AtomicUsize::new(0);
        (self.watch)(step, 0, count);
        // One batch at a time for each worker: batches are large, and the files of neighbours are written together.
        (0..count)
            .into_par_iter()
            .with_max_len(1)
            .map(|batch| {
                if (self.interrupted)() {
                    return Err(CorpusError::Stopped);
                }
                let mark = self.file(step, batch, "done.json");
                let result = match read_mark(&mark) {
                    Some(result) => result,
                    None => {
                        let result = one(batch)?;
                        write_mark(&mark, &result)?;
                        result
                    }
                };
                (self.watch)(step, done.fetch_add(1, Ordering::Relaxed) + 1, count);
                Ok(result)
            })
            .collect()
    }

    /// Looks at every batch without leaving anything behind.
    pub(super) fn scan(
        &self,
        step: &str,
        count: usize,
        one: impl Fn(usize) -> Result<(), CorpusError> + Sync,
    ) -> Result<(), CorpusError> {
        let done = AtomicUsize::new(0);
        (self.watch)(step, 0, count);
        (0..count).into_par_iter().with_max_len(1).try_for_each(|batch| {
            if (self.interrupted)() {
                return Err(CorpusError::Stopped);
            }
            one(batch)?;
            (self.watch)(step, done.fetch_add(1, Ordering::Relaxed) + 1, count);
            Ok(())
        })
    }

    /// Whether every batch of a step is done.
    pub(super) fn is_done(&self, step: &str, count: usize) -> bool {
        (0..count).all(|batch| self.file(step, batch, "done.json").exists())
    }

    /// Does a step that is not cut into batches, once.
    pub(super) fn once<T: Serialize + DeserializeOwned>(
        &self,
        step: &str,
        work: impl FnOnce() -> Result<T, CorpusError>,
    ) -> Result<T, CorpusError> {
        let mark = self.folder.join(format!("{step}.done.json"));
        if let Some(result) = read_mark(&mark) {
            return Ok(result);
        }
        let result = work()?;
        write_mark(&mark, &result)?;
        Ok(result)
    }
}

/// What a mark says; `None` when there is none, or it was cut by a crash.
fn read_mark<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The files of the batch are on the disk before the mark is.
fn write_mark<T: Serialize>(path: &Path, result: &T) -> Result<(), CorpusError> {
    let fail = |error| CorpusError::io(path, "write", error);
    let temporary = path.with_extension("part");
    let bytes = serde_json::to_vec(result).map_err(|error| fail(error.into()))?;
    let mut file = File::create(&temporary).map_err(fail)?;
    file.write_all(&bytes).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    fs::rename(&temporary, path).map_err(fail)
}

/// JSON lines, packed, between two steps.
pub(super) struct LinesOut {
    path: PathBuf,
    out: zstd::stream::write::Encoder<'static, BufWriter<File>>,
    line: Vec<u8>,
}

/// Fast and small enough: the files are read once or twice and thrown away.
const LEVEL: i32 = 1;

impl LinesOut {
    pub(super) fn create(path: PathBuf) -> Result<Self, CorpusError> {
        let fail = |error| CorpusError::io(&path, "write", error);
        let file = File::create(&path).map_err(fail)?;
        let out = zstd::stream::write::Encoder::new(BufWriter::new(file), LEVEL).map_err(fail)?;
        Ok(LinesOut { path, out, line: Vec::new() })
    }

    pub(super) fn push(&mut self, value: &impl Serialize) -> Result<(), CorpusError> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, value).map_err(std::io::Error::from);
        self.line.push(b'\n');
        written
            .and_then(|()| self.out.write_all(&self.line))
            .map_err(|error| CorpusError::io(&self.path, "write", error))
    }

    /// [`Self::push`] for documents, which are most of what is written.
    pub(super) fn push_document(&mut self, document: &Document) -> Result<(), CorpusError> {
        self.line.clear();
        push_line(&mut self.line, document)?;
        self.out.write_all(&self.line).map_err(|error| CorpusError::io(&self.path, "write", error))
    }

    pub(super) fn finish(self) -> Result<(), CorpusError> {
        let sync = |mut file: BufWriter<File>| {
            file.flush()?;
            file.get_ref().sync_all()
        };
        self.out.finish().and_then(sync).map_err(|error| CorpusError::io(&self.path, "write", error))
    }
}

/// Reads what [`LinesOut`] wrote.
pub(super) struct LinesIn {
    path: PathBuf,
    input: std::io::BufReader<zstd::stream::read::Decoder<'static, std::io::BufReader<File>>>,
    line: Vec<u8>,
}

impl LinesIn {
    pub(super) fn open(path: PathBuf) -> Result<Self, CorpusError> {
        let fail = |error| CorpusError::io(&path, "read", error);
        let decoder = zstd::stream::read::Decoder::new(File::open(&path).map_err(fail)?).map_err(fail)?;
        Ok(LinesIn { path, input: std::io::BufReader::with_capacity(1 << 18, decoder), line: Vec::new() })
    }

    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, CorpusError> {
        use std::io::BufRead;
        self.line.clear();
        let fail = |error| CorpusError::io(&self.path, "read", error);
        if self.input.read_until(b'\n', &mut self.line).map_err(fail)? == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&self.line).map(Some).map_err(|error| CorpusError::io(&self.path, "read", error.into()))
    }
}
