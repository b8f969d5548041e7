//! The step that looks at all documents together: fingerprints are made in parallel and handed over in order; what comes
//! back is put beside the batches the documents are in.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};

use lang::document::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::look::{KnownWords, Survivors};
use super::passed::Passed;
use super::report::{Cluster, Clusters};
use super::work::Work;
use super::{Build, FIXED_MEMORY};
use crate::dedup::{self, DocumentDedup};
use crate::error::CorpusError;

/// Documents whose fingerprints are made at once: enough for many threads; and the bytes of their text.
const AT_ONCE: usize = 512;
const BYTES_AT_ONCE: usize = 4 << 20;
/// Clusters and members shown in the report.
const LARGEST: usize = 12;
const MEMBERS: usize = 6;
/// Lines kept before they are appended to the files of their batches, in bytes.
const PENDING: usize = 8 << 20;

/// A document that goes because another one stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Duplicate {
    /// Its place among the documents of its batch that were compared.
    pub(super) index: u64,
    /// Id of the document that stays.
    pub(super) of: String,
    /// Why it is in its cluster.
    pub(super) reason: dedup::Reason,
    /// Documents in the cluster.
    pub(super) size: u64,
}

/// Finds the duplicates among the documents that passed the looks.
pub(super) fn find(passed: Passed<'_>, batches: usize, build: &Build<'_>) -> Result<Clusters, CorpusError> {
    let Some(options) = build.config.duplicates()?.filter(|_| passed.steps.duplicates.is_some()) else {
        return Ok(Clusters::default());
    };
    let work = passed.work;
    work.once("duplicates", || {
        let mut dedup = DocumentDedup::new(&options, build.memory - FIXED_MEMORY, work.folder)?;
        let mut first = Vec::with_capacity(batches);
        (work.watch)("duplicates", 0, batches);
        for batch in 0..batches {
            if (work.interrupted)() {
                return Err(CorpusError::Stopped);
            }
            first.push(dedup.documents());
            feed(&mut dedup, Survivors::open(work, batch)?, passed.known)?;
            (work.watch)("duplicates", batch + 1, batches);
        }
        tell(work, dedup.finish()?.into_clusters(), &first)
    })
}

/// Hands the documents of a batch over.
fn feed(dedup: &mut DocumentDedup, mut survivors: Survivors, known: KnownWords) -> Result<(), CorpusError> {
    let maker = dedup.fingerprinter();
    let mut waiting: Vec<Document> = Vec::new();
    let mut bytes = 0;
    loop {
        let next = survivors.next()?;
        let ended = next.is_none();
        if let Some((looked, Some(document))) = next
            && !known.drops(&looked)
        {
            bytes += document.text.len();
            waiting.push(document);
        }
        if ended || waiting.len() == AT_ONCE || bytes > BYTES_AT_ONCE {
            let made: Vec<_> = waiting.par_iter().map(|document| maker.fingerprint(&document.text)).collect();
            for (document, fingerprint) in waiting.drain(..).zip(&made) {
                dedup.add_fingerprint(&document.id, fingerprint)?;
            }
            bytes = 0;
        }
        if ended {
            return Ok(());
        }
    }
}

/// Writes `clusters.jsonl` and, for every batch, the documents that go. `first` holds the number of the first document
/// of every batch.
fn tell(work: &Work<'_>, mut clusters: dedup::Clusters, first: &[u64]) -> Result<Clusters, CorpusError> {
    for batch in 0..first.len() {
        let path = work.file("same", batch, "jsonl");
        File::create(&path).map_err(|error| CorpusError::io(&path, "write", error))?;
    }
    let path = work.folder.join("clusters.jsonl");
    let fail = |error| CorpusError::io(&path, "write", error);
    let mut list = BufWriter::new(File::create(&path).map_err(fail)?);
    let mut told = Clusters::default();
    let mut pending: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut pending_bytes = 0;
    let mut open: Option<Cluster> = None;
    loop {
        let member = clusters.next().transpose()?;
        if member.as_ref().is_none_or(|member| member.verdict.kept())
            && let Some(cluster) = open.take()
        {
            list.write_all(b"]}\n").map_err(fail)?;
            note(&mut told, cluster);
        }
        let Some(member) = member else { break };
        let name = serde_json::to_string(&member.id).map_err(|error| fail(error.into()))?;
        if member.verdict.kept() {
            let size = member.verdict.cluster_size;
            write!(list, "{{\"representative\":{name},\"size\":{size},\"members\":[").map_err(fail)?;
            open = Some(Cluster { representative: member.id, size, members: Vec::new() });
            continue;
        }
        let Some(cluster) = &mut open else { continue };
        let comma = if cluster.members.is_empty() { "" } else { "," };
        write!(list, "{comma}{name}").map_err(fail)?;
        let number = member.verdict.document;
        let batch = first.partition_point(|&start| start <= number) - 1;
        let line = Duplicate {
            index: number - first[batch],
            of: cluster.representative.clone(),
            reason: member.verdict.reason,
            size: cluster.size,
        };
        cluster.members.push(member.id);
        cluster.members.truncate(MEMBERS);
        told.dropped += 1;
        let lines = pending.entry(batch).or_default();
        let before = lines.len();
        serde_json::to_writer(&mut *lines, &line).map_err(|error| fail(error.into()))?;
        lines.push(b'\n');
        pending_bytes += lines.len() - before;
        if pending_bytes > PENDING {
            append(work, &mut pending)?;
            pending_bytes = 0;
        }
    }
    append(work, &mut pending)?;
    list.flush().map_err(fail)?;
    Ok(told)
}

/// Takes a cluster into the numbers.
fn note(told: &mut Clusters, cluster: Cluster) {
    told.clusters += 1;
    let size = if cluster.size < 1024 { cluster.size } else { 1 << cluster.size.ilog2() };
    *told.sizes.entry(size).or_default() += 1;
    // Among equals the earlier one stays.
    let place = told.largest.partition_point(|other| other.size >= cluster.size);
    if place < LARGEST {
        told.largest.insert(place, cluster);
        told.largest.truncate(LARGEST);
    }
}

fn append(work: &Work<'_>, pending: &mut HashMap<usize, Vec<u8>>) -> Result<(), CorpusError> {
    for (batch, lines) in pending.drain() {
        let path = work.file("same", batch, "jsonl");
        let written = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(&lines));
        written.map_err(|error| CorpusError::io(&path, "write", error))?;
    }
    Ok(())
}

/// The documents of a batch that go, by their place among those compared.
pub(super) fn of_batch(work: &Work<'_>, batch: usize) -> Result<BTreeMap<u64, Duplicate>, CorpusError> {
    let path = work.file("same", batch, "jsonl");
    let fail = |error| CorpusError::io(&path, "read", error);
    let text = std::fs::read_to_string(&path).map_err(fail)?;
    let parse = |line: &str| serde_json::from_str::<Duplicate>(line).map_err(|error| fail(error.into()));
    text.lines().map(|line| parse(line).map(|duplicate| (duplicate.index, duplicate))).collect()
}
