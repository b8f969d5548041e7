//! Giving the texts of files to a trainer, as a stream: some threads read units and unpack them while all count words.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use anyhow::Result;
use corpus::CorpusError;
use corpus::read::{Format, ReadOptions, ReadReport, Unit, UnitReport, read_unit, units};
use lang::tokenizer::Trainer;

use crate::commands::Session;
use crate::terminal::{Interrupted, Progress};

/// Bytes of text that are counted at once.
const BATCH_BYTES: usize = 4 << 20;
/// A longer text is counted in parts, cut at paragraphs, so that a book collection in one file is not in memory as a whole. It does not
/// depend on `--memory`, which should not change a result.
const TEXT_BYTES: usize = 4 << 20;
/// Threads that read; each has a batch in its hands.
const READERS: usize = 4;

/// What a reader gives.
enum Found {
    /// Texts.
    Texts(Vec<String>),
    /// The end of a unit, by number.
    Unit(usize, UnitReport),
}

/// Counts all words of the texts under `paths`. The order in which units are read leaves no trace in the counts.
pub fn feed(session: &Session, paths: &[PathBuf], trainer: &mut Trainer) -> Result<ReadReport> {
    // A vocabulary is trained on what stands in the files, as other trainers do it.
    let options = ReadOptions { unit_bytes: 8 << 20, as_is: true, ..ReadOptions::default() };
    let (units, mut report) = units(paths, &options)?;
    let total: u64 = units.iter().map(|unit| unit.bytes).sum();
    let mut progress = Progress::new(&session.terminal, "counting words", total);
    let mut reports: Vec<Option<UnitReport>> = units.iter().map(|_| None).collect();
    let (mut finished, mut fed) = (0, 0);
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let readers = READERS.min(rayon::current_num_threads()).min(units.len());
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(readers);
        for _ in 0..readers {
            let (sender, units, options, next, stopped) = (sender.clone(), &units, &options, &next, &stopped);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(unit) = units.get(number) else { return };
                    let report = read(unit, options, stopped, &mut |texts| sender.send(Found::Texts(texts)).is_ok());
                    if sender.send(Found::Unit(number, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Leaving the loop drops the receiver, on which the readers stop.
        for found in receiver {
            if session.interrupt.load(Ordering::SeqCst) {
                stopped.store(true, Ordering::Relaxed);
                return Err(Interrupted("stopped while counting words; nothing was written".to_owned()).into());
            }
            match found {
                Found::Texts(texts) => {
                    fed += texts.iter().map(String::len).sum::<usize>() as u64;
                    if let Err(error) = trainer.feed(&texts) {
                        stopped.store(true, Ordering::Relaxed);
                        return Err(anyhow::Error::from(error));
                    }
                }
                Found::Unit(number, report) => {
                    finished += units[number].bytes;
                    reports[number] = Some(report);
                }
            }
            // Texts of a unit are counted before it is finished; packed ones are more than what is stored.
            progress.set("", finished.max(fed).min(total) as usize, total as usize);
        }
        Ok(())
    })?;
    drop(progress);
    reports.into_iter().flatten().for_each(|unit| report.absorb(unit, options.max_problems));
    Ok(report)
}

/// Reads a unit, giving its texts to `send` in batches.
fn read(
    unit: &Unit,
    options: &ReadOptions,
    stopped: &AtomicBool,
    send: &mut dyn FnMut(Vec<String>) -> bool,
) -> UnitReport {
    let options = match unit.format {
        Format::Text => ReadOptions { max_record_bytes: TEXT_BYTES, ..options.clone() },
        _ => options.clone(),
    };
    let (mut texts, mut bytes) = (Vec::new(), 0);
    let mut is_heard = true;
    let result = read_unit(unit, &options, &mut |document| {
        bytes += document.text.len();
        texts.push(document.text);
        if bytes >= BATCH_BYTES {
            bytes = 0;
            is_heard = send(std::mem::take(&mut texts));
        }
        match is_heard && !stopped.load(Ordering::Relaxed) {
            true => Ok(()),
            // Nobody sees this error: whoever stopped has one to show.
            false => Err(CorpusError::NotAFile { path: unit.path.clone() }),
        }
    });
    if is_heard && !texts.is_empty() {
        send(texts);
    }
    result.unwrap_or_default()
}
