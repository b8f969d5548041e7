//! What deduplication of a corpus will take, from a sample of it: disk, memory, time.
//!
//! The sample is read from units spread over the inputs. Its documents are fingerprinted as the work itself does it, so
//! that counts come from the text and time from this machine.

use std::path::PathBuf;
use std::time::Instant;

use lang::document::Document;
use serde::{Deserialize, Serialize};

use super::budget::{Budget, PROGRAM};
use super::fingerprint::Fingerprinter;
use super::presets::DocumentOptions;
use crate::error::CorpusError;
use crate::read::{ReadOptions, read_unit, units};

/// What is to be expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DedupPlan {
    /// Bytes of the files as they lie.
    pub stored_bytes: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Most bytes of temporary files at a time.
    pub scratch_bytes: u64,
    /// Bytes of the result as JSON lines, if nothing is dropped.
    pub output_bytes: u64,
    /// Most memory used.
    pub memory_bytes: u64,
    /// The least budget that would do.
    pub least_memory_bytes: u64,
    /// Seconds, on as many threads as were measured.
    pub seconds: f64,
    /// Documents in the sample.
    pub sample_documents: u64,
    /// Bytes of their text.
    pub sample_bytes: u64,
    /// What the figures rest on.
    pub assumptions: Vec<String>,
}

/// Text that is enough to judge by.
const SAMPLE: u64 = 24 << 20;
/// Units the sample is taken from.
const SAMPLED_UNITS: usize = 16;

/// Predicts deduplication of the documents under `paths` within `memory` bytes on `threads` threads.
///
/// # Errors
/// As [`crate::read::batches()`] and [`Budget::of`].
pub fn plan(
    paths: &[PathBuf],
    options: &DocumentOptions,
    memory: u64,
    threads: usize,
) -> Result<DedupPlan, CorpusError> {
    let budget = Budget::of(memory)?;
    let read_options: ReadOptions = budget.read_options();
    let (units, mut report) = units(paths, &read_options)?;
    let stored: u64 = units.iter().map(|unit| unit.bytes).sum();
    let started = Instant::now();
    // Every so many units one is read, up to its share of the sample.
    let step = units.len().div_ceil(SAMPLED_UNITS).max(1);
    let share = SAMPLE / (units.len().div_ceil(step).max(1) as u64);
    let mut sample: Vec<Document> = Vec::new();
    let (mut stored_read, mut bytes) = (0.0, 0u64);
    for unit in units.iter().step_by(step) {
        let (mut taken, mut all) = (0u64, 0u64);
        let unit_report = read_unit(unit, &read_options, &mut |document| {
            let length = document.text.len() as u64;
            all += length;
            if taken < share {
                taken += length;
                sample.push(document);
            }
            // Reading on tells how much text the unit holds; a packed unit says so nowhere else.
            Ok(())
        })?;
        report.absorb(unit_report, read_options.max_problems);
        bytes += taken;
        stored_read += if all > 0 { unit.bytes as f64 * (taken as f64 / all as f64) } else { unit.bytes as f64 };
    }
    let read_bytes = report.bytes.max(1) as f64;
    let read_seconds = started.elapsed().as_secs_f64();
    report.require_documents(paths)?;
    let maker = Fingerprinter::new(options)?;
    let started = Instant::now();
    let mut per_document = 0u64;
    let mut output = 0u64;
    for document in &sample {
        let print = maker.fingerprint(&document.text);
        let exact = if options.exact.is_some() { 24 } else { 0 };
        let set = if print.set.is_empty() { 0 } else { 4 * print.set.len() as u64 + 16 };
        per_document += exact + 16 * print.bands.len() as u64 + set + document.id.len() as u64 + 16;
        let line =
            serde_json::to_vec(document).map_err(|source| CorpusError::Json { id: document.id.clone(), source })?;
        output += line.len() as u64 + 1;
    }
    let work_seconds = started.elapsed().as_secs_f64();
    let scale = stored as f64 / stored_read.max(1.0);
    let documents = (sample.len() as f64 * scale).round() as u64;
    let text_bytes = (bytes as f64 * scale).round() as u64;
    let scratch = per_document as f64 * scale;
    // Records that fit in memory are sorted there and never written.
    let in_runs = 16.0 * options.near.as_ref().map_or(0, |near| near.bands) as f64 * documents as f64;
    let scratch = if in_runs < budget.work as f64 / 2.0 { (scratch - in_runs).max(0.0) } else { scratch };
    let exact_runs = 24.0 * documents as f64;
    let in_memory = options.exact.is_some() && exact_runs < budget.work as f64 / 8.0;
    let scratch = if in_memory { (scratch - exact_runs).max(0.0) } else { scratch };
    let bits = documents.div_ceil(8) * 4;
    let least = Budget::least(bits);
    let seconds = read_seconds / read_bytes * text_bytes as f64
        + work_seconds * scale / threads as f64
        // Runs are written and read once more each, at the rate of a slow disk.
        + 2.0 * scratch / 200e6;
    Ok(DedupPlan {
        stored_bytes: stored,
        documents,
        text_bytes,
        scratch_bytes: scratch as u64,
        output_bytes: (output as f64 * scale) as u64,
        memory_bytes: memory
            .min((PROGRAM + 6 * budget.batch as u64).saturating_add((in_runs + exact_runs + scratch / 4.0) as u64)),
        least_memory_bytes: least,
        seconds,
        sample_documents: sample.len() as u64,
        sample_bytes: bytes,
        assumptions: vec![
            format!(
                "the sample of {} documents from {} of {} units is like the rest",
                sample.len(),
                units.len().div_ceil(step),
                units.len()
            ),
            format!("reading is done by one thread, fingerprints by {threads}"),
            "fewer than one document in ten has a near duplicate: each pair costs 32 bytes of disk more".to_string(),
            "the disk writes and reads 200 MB/s".to_string(),
        ],
    })
}
