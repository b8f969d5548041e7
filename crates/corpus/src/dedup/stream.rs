//! A corpus of any size as batches of documents, in order, in bounded memory: one thread reads, the caller works.

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use lang::document::Document;

use crate::error::CorpusError;
use crate::read::{ReadOptions, ReadReport, UnitReport, read_unit, units};

/// How a memory budget is shared between reading and finding duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text in a batch, about.
    pub batch: usize,
    /// For the work on them.
    pub work: u64,
    /// Longest record that is read.
    pub record: usize,
}

/// What the program holds before it does anything, generously.
pub(super) const PROGRAM: u64 = 40 << 20;
/// The least budget for reading and finding duplicates together.
const LEAST: u64 = 96 << 20;

impl Budget {
    /// Shares `memory` bytes.
    ///
    /// # Errors
    /// [`CorpusError::Memory`] when it is less than 96 MiB.
    pub fn of(memory: u64) -> Result<Budget, CorpusError> {
        if memory < LEAST {
            return Err(CorpusError::memory("reading a corpus and finding its duplicates", LEAST, memory));
        }
        let left = memory - PROGRAM;
        // Three batches are under way at a time, and a record takes its length a few times over while it is read.
        let batch = (left / 48).clamp(256 << 10, 16 << 20);
        Ok(Budget {
            batch: batch as usize,
            work: (left - 6 * batch) * 3 / 4,
            record: (left / 16).min(64 << 20) as usize,
        })
    }

    /// The least budget in which `work` bytes are left for the work.
    pub(super) fn least(work: u64) -> u64 {
        (PROGRAM + work * 8 / 5).max(LEAST)
    }

    /// Reading options whose records fit.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions { max_record_bytes: self.record, ..ReadOptions::default() }
    }
}

/// Reads everything under `paths` in order and gives it to `each` in batches of about `batch` bytes of text. `progress`
/// hears the units begun and how many there are. Nothing is held but three batches.
///
/// # Errors
/// Those of [`units`], of `each`, and [`CorpusError::NoDocuments`].
pub fn batches(
    paths: &[PathBuf],
    options: &ReadOptions,
    batch: usize,
    progress: &mut dyn FnMut(usize, usize),
    mut each: impl FnMut(Vec<Document>) -> Result<(), CorpusError>,
) -> Result<ReadReport, CorpusError> {
    let (units, mut report) = units(paths, options)?;
    enum Message {
        Batch(usize, Vec<Document>),
        Unit(UnitReport),
        Failed(CorpusError),
    }
    let units = &units;
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Message>(1);
        scope.spawn(move || {
            let mut waiting = Vec::new();
            let mut bytes = 0;
            for (number, unit) in units.iter().enumerate() {
                let read = read_unit(unit, options, &mut |document| {
                    bytes += document.text.len() + 200;
                    waiting.push(document);
                    if bytes >= batch {
                        bytes = 0;
                        let message = Message::Batch(number, std::mem::take(&mut waiting));
                        // Whoever listened has failed and says so itself; reading ends.
                        return sender.send(message).map_err(|_| stopped());
                    }
                    Ok(())
                });
                let message = match read {
                    Ok(report) => Message::Unit(report),
                    Err(error) => {
                        drop(sender.send(Message::Failed(error)));
                        return;
                    }
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
            drop(sender.send(Message::Batch(units.len(), waiting)));
        });
        for message in receiver {
            match message {
                Message::Batch(unit, documents) => {
                    progress(unit, units.len());
                    if !documents.is_empty() {
                        each(documents)?;
                    }
                }
                Message::Unit(unit) => report.absorb(unit, options.max_problems),
                Message::Failed(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    if report.documents == 0 {
        return Err(CorpusError::NoDocuments {
            path: paths.first().cloned().unwrap_or_default(),
            files: report.files.len(),
            problems: report.n_problems,
            first: report.problems.first().map(|p| format!("; first: {p}")).unwrap_or_default(),
        });
    }
    Ok(report)
}

fn stopped() -> CorpusError {
    let reason = std::io::Error::new(std::io::ErrorKind::BrokenPipe, "the work on it ended");
    CorpusError::Io { path: PathBuf::new(), action: "read", source: reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_in_order_and_an_error_ends_them() {
        let place = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for file in 0..3 {
            let path = place.path().join(format!("{file}.jsonl"));
            let lines: String =
                (0..50).map(|i| format!("{{\"id\":\"{file}-{i}\",\"text\":\"some text {i}\"}}\n")).collect();
            std::fs::write(&path, lines).unwrap();
            paths.push(path);
        }
        let options = ReadOptions::default();
        for size in [1, 1000, 1 << 20] {
            let mut ids = Vec::new();
            let report = batches(&paths, &options, size, &mut |_, _| {}, |batch| {
                ids.extend(batch.into_iter().map(|document| document.id));
                Ok(())
            })
            .unwrap();
            let expected: Vec<String> = (0..3).flat_map(|f| (0..50).map(move |i| format!("{f}-{i}"))).collect();
            assert_eq!(ids, expected);
            assert_eq!((report.documents, report.files.len()), (150, 3));
        }
        let failed = batches(&paths, &options, 1, &mut |_, _| {}, |_| Err(CorpusError::memory("x", 1, 0)));
        assert!(matches!(failed, Err(CorpusError::Memory { .. })), "{failed:?}");
        std::fs::write(&paths[0], "").unwrap();
        let none = batches(&paths[..1], &options, 1, &mut |_, _| {}, |_| Ok(()));
        assert!(matches!(none, Err(CorpusError::NoDocuments { .. })), "{none:?}");
    }

    #[test]
    fn budgets_are_shared_or_refused() {
        for memory in [96u64 << 20, 200 << 20, 512 << 20, 8 << 30] {
            let budget = Budget::of(memory).unwrap();
            assert!(budget.work >= super::super::LEAST_MEMORY);
            assert!(budget.work + 6 * budget.batch as u64 + PROGRAM < memory);
        }
        assert!(Budget::of(95 << 20).unwrap_err().to_string().contains("--memory 96MiB"));
    }
}
