//! Repeated parts (lines, sentences, paragraphs, runs of fifty tokens) are cut out of the documents that are no duplicates, one level
//! after another: keys are made in parallel and handed over in order; what is to be cut is put beside the batches.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use lang::document::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::passed::{Passed, Survivor};
use super::work::Work;
use super::{Build, FIXED_MEMORY};
use crate::dedup::{SpanDedup, SpanKeys};
use crate::error::CorpusError;

/// Bytes of text whose keys are made at once: keys are larger than the text they are made of.
const BYTES_AT_ONCE: usize = 1 << 20;

/// What is cut out of a document at one level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parted {
    /// Its place among the documents of its batch that are still in after the duplicates.
    index: u64,
    /// Byte ranges of the text as the level before left it.
    pub(super) removed: Vec<(usize, usize)>,
    /// Too little is left.
    pub(super) dropped: bool,
}

impl Parted {
    /// What is left of a text.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for &(start, end) in &self.removed {
            out.push_str(&text[at..start]);
            at = end;
        }
        out.push_str(&text[at..]);
        out.trim().to_owned()
    }
}

/// What is left of a document after its cuts; nothing when one of them drops it.
pub(super) fn after(mut document: Document, cuts: &[Parted]) -> Option<Document> {
    for cut in cuts.iter().filter(|cut| !cut.removed.is_empty()) {
        if cut.dropped {
            return None;
        }
        document.text = cut.apply(&document.text);
    }
    Some(document)
}

/// Finds the repeated parts of every level that the settings name.
pub(super) fn find(passed: Passed<'_>, batches: usize, build: &Build<'_>) -> Result<(), CorpusError> {
    let work = passed.work;
    for (level, options) in build.config.repeats()?.iter().enumerate() {
        work.once(&format!("parts-{level}"), || {
            let said = format!("repeated {}", options.preset);
            let stop = || if (work.interrupted)() { Err(CorpusError::Stopped) } else { Ok(()) };
            let mut dedup = SpanDedup::new(options, build.memory - FIXED_MEMORY, work.folder)?;
            (work.watch)(&said, 0, 2 * batches);
            for batch in 0..batches {
                stop()?;
                let mut waiting = Vec::new();
                let mut bytes = 0;
                let mut flush = |waiting: &mut Vec<String>| {
                    let keys: Vec<SpanKeys> = waiting.par_iter().map(|text| SpanKeys::of(text, options)).collect();
                    waiting.clear();
                    keys.iter().try_for_each(|keys| dedup.add_keys(keys))
                };
                each(passed, batch, level, |_, document| {
                    bytes += document.text.len();
                    waiting.push(document.text);
                    if bytes < BYTES_AT_ONCE {
                        return Ok(());
                    }
                    bytes = 0;
                    flush(&mut waiting)
                })?;
                flush(&mut waiting)?;
                (work.watch)(&said, batch + 1, 2 * batches);
            }
            let mut removals = dedup.finish()?;
            for batch in 0..batches {
                stop()?;
                let path = work.file(&format!("parts-{level}"), batch, "jsonl");
                let fail = |error| CorpusError::io(&path, "write", error);
                let mut out = BufWriter::new(File::create(&path).map_err(fail)?);
                each(passed, batch, level, |index, document| {
                    let cut = removals.cut(&document.text)?;
                    if cut.removed.is_empty() {
                        return Ok(());
                    }
                    let removed = cut.removed.iter().map(|range| (range.start, range.end)).collect();
                    let parted = Parted { index, removed, dropped: cut.dropped };
                    serde_json::to_writer(&mut out, &parted).map_err(|error| fail(error.into()))?;
                    out.write_all(b"\n").map_err(fail)
                })?;
                // On the disk before the mark is.
                out.flush().and_then(|()| out.get_ref().sync_all()).map_err(fail)?;
                (work.watch)(&said, batches + batch + 1, 2 * batches);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The documents of a batch that are in after the levels before, with their places.
fn each(
    passed: Passed<'_>,
    batch: usize,
    levels: usize,
    mut one: impl FnMut(u64, Document) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut index = 0;
    passed.each(batch, levels, |_, survivor| {
        let Survivor::In(document, cuts) = survivor else { return Ok(()) };
        index += 1;
        after(document, &cuts).map_or(Ok(()), |document| one(index - 1, document))
    })
}

/// What a level cuts out of the documents of a batch, by their place.
pub(super) fn of_batch(work: &Work<'_>, level: usize, batch: usize) -> Result<BTreeMap<u64, Parted>, CorpusError> {
    let path = work.file(&format!("parts-{level}"), batch, "jsonl");
    let fail = |error| CorpusError::io(&path, "read", error);
    let mut found = BTreeMap::new();
    for line in BufReader::new(File::open(&path).map_err(fail)?).lines() {
        let parted: Parted = serde_json::from_str(&line.map_err(fail)?).map_err(|error| fail(error.into()))?;
        found.insert(parted.index, parted);
    }
    Ok(found)
}
