//! `onto bench tokenizer --train`: how fast a vocabulary is trained, and how much memory that takes.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lang::tokenizer::{MemoryBound, TrainConfig, Trainer};
use serde_json::json;

use super::super::Session;
use super::tokenizer::DOCUMENT_BYTES;
use crate::cli::{BenchTokenizerArguments, Model};
use crate::run::stage::peak_memory;
use crate::terminal::{Progress, line_to_stdout, to_stdout};

/// Bytes of text that are given to the trainer at once, as when files are read.
const BATCH_BYTES: usize = 4 << 20;

pub fn train(session: &Session, arguments: &BenchTokenizerArguments, model: Model) -> Result<()> {
    let config = TrainConfig { vocab_size: arguments.vocab_size, ..model.usual() };
    let mut sizes = Vec::new();
    for path in &arguments.paths {
        sizes.push(std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len());
    }
    if sizes.contains(&0) {
        bail!("a text to measure on is empty");
    }
    let size = arguments.size.unwrap_or_else(|| sizes.iter().sum());
    // A folder of its own, should the memory not do.
    let folder = std::env::temp_dir().join(format!("onto-bench-{}", std::process::id()));
    let bound = session.global.memory.map(|bytes| MemoryBound { bytes, folder });
    let mut progress = Progress::new(&session.terminal, "counting words", size);
    let begun = Instant::now();
    let mut trainer = Trainer::new(&config, bound)?;
    let mut given = 0u64;
    let mut endless = arguments.paths.iter().cycle();
    let mut reader: Option<BufReader<File>> = None;
    while given < size {
        let mut batch: Vec<String> = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES && given + (bytes as u64) < size {
            let text = match &mut reader {
                Some(reader) => document(reader)?,
                None => None,
            };
            match text {
                Some(text) => {
                    bytes += text.len();
                    batch.push(text);
                }
                None => {
                    let Some(path) = endless.next() else { break };
                    reader = Some(BufReader::with_capacity(DOCUMENT_BYTES, File::open(path)?));
                }
            }
        }
        trainer.feed(&batch)?;
        given += bytes as u64;
        progress.set("", given.min(size) as usize, size as usize);
    }
    drop(progress);
    let counting = begun.elapsed().as_secs_f64();
    let mut progress = Progress::new(&session.terminal, "learning", config.vocab_size as u64);
    let (tokenizer, report) = trainer.finish(&mut |_, done, total| progress.set("", done, total))?;
    drop(progress);
    let seconds = begun.elapsed().as_secs_f64();
    let memory = peak_memory();
    let rate = given as f64 / seconds;
    if session.global.json {
        return line_to_stdout(
            &json!({
                "train": model.name(),
                "bytes": given,
                "vocabulary_size": tokenizer.vocabulary_size(),
                "words": report.occurrences,
                "distinct_words": report.distinct_words,
                "threads": rayon::current_num_threads(),
                "seconds": seconds,
                "counting_seconds": counting,
                "learning_seconds": seconds - counting,
                "bytes_per_second": rate,
                "peak_rss_bytes": memory,
            })
            .to_string(),
        );
    }
    to_stdout(&format!(
        "{} of {} tokens from {:.1} MB on {} threads: {seconds:.2} s ({counting:.2} s counting {} words, {} different, {:.2} s learning), \
         {:.1} MB/s, {:.0} MB of memory at most\n",
        model.name(),
        tokenizer.vocabulary_size(),
        given as f64 / 1e6,
        rayon::current_num_threads(),
        report.occurrences,
        report.distinct_words,
        seconds - counting,
        rate / 1e6,
        memory as f64 / 1e6
    ))
}

/// The next document of a text, which is never in memory as a whole: full lines of about [`DOCUMENT_BYTES`].
fn document(reader: &mut BufReader<File>) -> Result<Option<String>> {
    let mut bytes = Vec::with_capacity(DOCUMENT_BYTES);
    while bytes.len() < DOCUMENT_BYTES && reader.read_until(b'\n', &mut bytes)? > 0 {}
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}
