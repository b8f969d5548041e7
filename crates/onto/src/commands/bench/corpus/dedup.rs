//! `onto bench corpus dedup`: how fast documents are fingerprinted, and how fast duplicates are found from beginning to end.

use anyhow::Result;
use corpus::dedup::{DocumentDedup, DocumentOptions, Fingerprinter, PRESETS};
use rayon::prelude::*;
use serde_json::json;

use super::{best, documents};
use crate::cli::BenchDedupArguments;
use crate::commands::Session;
use crate::terminal::{Usage, line_to_stdout};

/// Memory of the work where none is named: temporary files are written as they would be for a large corpus.
const MEMORY: u64 = 256 << 20;

pub fn dedup(session: &Session, arguments: &BenchDedupArguments) -> Result<()> {
    let name = &arguments.preset;
    let options = DocumentOptions::preset(name)
        .ok_or_else(|| Usage(format!("no preset `{name}`; there are {}", PRESETS.join(", "))))?;
    let (documents, bytes) = documents(&arguments.paths)?;
    let maker = Fingerprinter::new(&options)?;
    let prints = || documents.par_iter().map(|document| maker.fingerprint(&document.text)).collect::<Vec<_>>();
    let fingerprint_seconds = best(arguments.seconds, &mut || {
        std::hint::black_box(prints());
        Ok(())
    })?;
    let mut clusters = 0;
    let seconds = best(arguments.seconds, &mut || {
        let memory = session.global.memory.unwrap_or(MEMORY);
        let mut dedup = DocumentDedup::new(&options, memory, &std::env::temp_dir())?;
        // As `onto corpus dedup` does it: some documents at a time, for a fingerprint is as large as its text.
        for some in documents.chunks(1024) {
            let prints: Vec<_> = some.par_iter().map(|document| maker.fingerprint(&document.text)).collect();
            for (document, print) in some.iter().zip(&prints) {
                dedup.add_fingerprint(&document.id, print)?;
            }
        }
        let summary = dedup.finish()?.summary();
        clusters = summary.clusters;
        Ok(())
    })?;
    let threads = rayon::current_num_threads();
    let report = json!({
        "preset": name, "threads": threads, "documents": documents.len(), "text_bytes": bytes, "clusters": clusters,
        "fingerprint_bytes_per_second": bytes as f64 / fingerprint_seconds,
        "bytes_per_second": bytes as f64 / seconds,
    });
    if session.global.json {
        return line_to_stdout(&report.to_string());
    }
    let rate = |seconds: f64| bytes as f64 / seconds / 1e6;
    line_to_stdout(&format!(
        "{} documents, {:.1} MB, preset {name}, {threads} threads\n\
         fingerprints                       {:>8.1} MB/s\n\
         all, from texts to {clusters} clusters {:>8.1} MB/s",
        documents.len(),
        bytes as f64 / 1e6,
        rate(fingerprint_seconds),
        rate(seconds),
    ))
}
