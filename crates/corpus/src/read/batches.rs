//! A corpus of any size as batches of documents, in order, in bounded memory: one thread reads, the caller works.

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use lang::document::Document;

use super::{ReadOptions, ReadReport, UnitReport, read_unit, units};
use crate::error::CorpusError;

/// Reads everything under `paths` in order and gives it to `each` in batches of about `batch` bytes of text. `progress`
/// hears the units begun and how many there are. Nothing is held but three batches.
///
/// # Errors
/// Those of [`units`], of `each`, and [`CorpusError::NoDocuments`].
pub fn batches<E: From<CorpusError>>(
    paths: &[PathBuf],
    options: &ReadOptions,
    batch: usize,
    progress: &mut dyn FnMut(usize, usize),
    mut each: impl FnMut(Vec<Document>) -> Result<(), E>,
) -> Result<ReadReport, E> {
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
                        return sender.send(message).map_err(|_| CorpusError::Stopped);
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
                Message::Failed(error) => return Err(error.into()),
            }
        }
        Ok::<_, E>(())
    })?;
    report.require_documents(paths)?;
    Ok(report)
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
                Ok::<_, CorpusError>(())
            })
            .unwrap();
            let expected: Vec<String> = (0..3).flat_map(|f| (0..50).map(move |i| format!("{f}-{i}"))).collect();
            assert_eq!(ids, expected);
            assert_eq!((report.documents, report.files.len()), (150, 3));
        }
        let failed = batches(&paths, &options, 1, &mut |_, _| {}, |_| Err(CorpusError::memory("x", 1, 0)));
        assert!(matches!(failed, Err(CorpusError::Memory { .. })), "{failed:?}");
        std::fs::write(&paths[0], "").unwrap();
        let none = batches(&paths[..1], &options, 1, &mut |_, _| {}, |_| Ok::<_, CorpusError>(()));
        assert!(matches!(none, Err(CorpusError::NoDocuments { .. })), "{none:?}");
    }
}
