//! The last passes: evaluation items are counted and looked for, duplicates left out, personal data masked, and what stays is
//! written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use lang::document::Document;

use super::account::{Account, example};
use super::duplicates::{self, Duplicate};
use super::look::{KnownWords, Looked, Survivors};
use super::report::BuildReport;
use super::rules::unknown_words;
use super::work::Work;
use super::{Build, Decision, Steps};
use crate::clean::decontamination::{Search, Weights};
use crate::clean::personal;
use crate::error::CorpusError;
use crate::write::LinesWriter;

/// What a batch is finished with.
struct Last<'l> {
    steps: &'l Steps,
    build: &'l Build<'l>,
    known: KnownWords,
    leaks: Option<(Search<'l>, Weights)>,
}

/// Finishes every batch: its part of the corpus, its decisions, its account.
pub(super) fn finish(
    work: &Work<'_>,
    steps: &Steps,
    batches: usize,
    known: KnownWords,
    build: &Build<'_>,
) -> Result<(Vec<Account>, Vec<String>), CorpusError> {
    let mut last = Last { steps, build, known, leaks: None };
    let mut notes = Vec::new();
    if steps.decontamination.is_some() {
        let search = Search::new(build.held_out, &build.config.clean.decontamination);
        notes.extend(search.note());
        if !work.is_done("finish", batches) {
            work.scan("evaluation items", batches, |batch| {
                last.each(work, batch, |_, survivor| {
                    if let Survivor::In(document) = survivor {
                        search.count(&search.overlap(&document.text));
                    }
                    Ok(())
                })
            })?;
        }
        let weights = search.weights();
        last.leaks = Some((search, weights));
    }
    let accounts = work.each("finish", batches, |batch| last.batch(work, batch))?;
    Ok((accounts, notes))
}

/// A document on its way through the last steps.
enum Survivor {
    /// Dropped by an earlier step.
    Gone,
    /// Noise of words that no other document knows.
    Unknown(Document, f64),
    /// A duplicate.
    Same(Document, Duplicate),
    /// Still in.
    In(Document),
}

impl Last<'_> {
    /// Calls `one` for every document of a batch, in order.
    fn each(
        &self,
        work: &Work<'_>,
        batch: usize,
        mut one: impl FnMut(Looked, Survivor) -> Result<(), CorpusError>,
    ) -> Result<(), CorpusError> {
        let mut same: BTreeMap<u64, Duplicate> = match self.steps.duplicates {
            Some(_) => duplicates::of_batch(work, batch)?,
            None => BTreeMap::new(),
        };
        let mut survivors = Survivors::open(work, batch)?;
        let mut compared = 0;
        while let Some((looked, document)) = survivors.next()? {
            let survivor = match document {
                None => Survivor::Gone,
                Some(document) if self.known.drops(&looked) => {
                    Survivor::Unknown(document, looked.unknown.unwrap_or_default())
                }
                Some(document) => {
                    compared += 1;
                    match same.remove(&(compared - 1)) {
                        Some(duplicate) => Survivor::Same(document, duplicate),
                        None => Survivor::In(document),
                    }
                }
            };
            one(looked, survivor)?;
        }
        Ok(())
    }

    fn batch(&self, work: &Work<'_>, batch: usize) -> Result<Account, CorpusError> {
        // Gzip members and Zstandard frames that follow each other are one file.
        let mut corpus = LinesWriter::create(&work.file("corpus", batch, self.build.config.format.ending()))?;
        let path = work.file("decisions", batch, "jsonl");
        let fail = |error| CorpusError::io(&path, "write", error);
        let mut decisions = BufWriter::new(File::create(&path).map_err(fail)?);
        let mut account = Account::new(self.steps.names.len(), self.build.config.limits());
        self.each(work, batch, |looked, survivor| {
            let mut decision = looked.decision;
            if let Some(document) = self.judge(&mut decision, survivor, &mut account) {
                account.all.after.add(&document.text);
                account.lengths_after.add(document.text.len());
                account.source(&document.source).after.add(&document.text);
                account.language(document.lang.as_deref()).after.add(&document.text);
                let limits = self.build.config.limits();
                account.sample.offer(&document.id, || example(&document, &document.text, "", limits));
                corpus.push(&document)?;
            }
            serde_json::to_writer(&mut decisions, &decision).map_err(|error| fail(error.into()))?;
            decisions.write_all(b"\n").map_err(fail)
        })?;
        corpus.finish()?;
        decisions.flush().map_err(fail)?;
        Ok(account)
    }

    /// The document with its last edits, where it stays.
    fn judge(&self, decision: &mut Decision, survivor: Survivor, account: &mut Account) -> Option<Document> {
        let steps = self.steps;
        let (mut document, drop) = match survivor {
            Survivor::Gone => return None,
            Survivor::Unknown(document, share) => {
                let reason = unknown_words(share, self.build.config.clean.statistics.min_known_units);
                (document, steps.unknown_words.map(|step| (step, reason)))
            }
            Survivor::Same(document, duplicate) => {
                decision.duplicate_of = Some(duplicate.of);
                let reason = format!("{}: one of {} documents", duplicate.reason.name(), duplicate.size);
                (document, steps.duplicates.map(|step| (step, reason)))
            }
            Survivor::In(document) => {
                let leak = self
                    .leaks
                    .as_ref()
                    .and_then(|(search, weights)| search.judge(&search.overlap(&document.text), weights));
                (document, steps.decontamination.zip(leak))
            }
        };
        let limits = self.build.config.limits();
        for step in [steps.unknown_words, steps.duplicates, steps.decontamination].into_iter().flatten() {
            let account = &mut account.steps[step];
            account.before.add(&document.text);
            if let Some((_, reason)) = drop.as_ref().filter(|(place, _)| *place == step) {
                account.note(reason, limits, &document.id, || example(&document, &document.text, reason, limits));
                decision.rule = Some(steps.names[step].name.clone());
                decision.reason.clone_from(reason);
                return None;
            }
            account.after.add(&document.text);
            account.kept_examples.offer(&document.id, || example(&document, &document.text, "", limits));
        }
        if let Some(step) = steps.personal {
            let masked = personal::find(&document.text, &self.build.config.clean.personal_data);
            let step = &mut account.steps[step];
            step.before.add(&document.text);
            if masked.is_empty() {
                step.kept_examples.offer(&document.id, || example(&document, &document.text, "", limits));
            } else {
                step.edited += 1;
                document.text = personal::mask(&document.text, &masked);
                for piece in &masked {
                    step.note(&piece.kind, limits, &document.id, || {
                        example(&document, &piece.text, &piece.kind, limits)
                    });
                }
            }
            step.after.add(&document.text);
            for piece in &masked {
                *account.personal.entry(piece.kind.clone()).or_default() += 1;
            }
            decision.masked = masked;
        }
        Some(document)
    }
}

/// Puts the parts of all batches together in `build.out`.
pub(super) fn gather_files(work: &Work<'_>, build: &Build<'_>, batches: usize) -> Result<(), CorpusError> {
    let ending = build.config.format.ending();
    join(work, "corpus", batches, ending, &build.out.join(format!("documents.{ending}")))?;
    join(work, "decisions", batches, "jsonl", &build.out.join("decisions.jsonl"))?;
    let clusters = work.folder.join("clusters.jsonl");
    if clusters.exists() {
        let to = build.out.join("clusters.jsonl");
        fs::copy(&clusters, &to).map_err(|error| CorpusError::io(&to, "write", error))?;
    }
    Ok(())
}

fn join(work: &Work<'_>, step: &str, batches: usize, ending: &str, to: &Path) -> Result<(), CorpusError> {
    let fail = |error| CorpusError::io(to, "write", error);
    let mut out = File::create(to).map_err(fail)?;
    for batch in 0..batches {
        let path = work.file(step, batch, ending);
        let mut part = File::open(&path).map_err(|error| CorpusError::io(&path, "read", error))?;
        std::io::copy(&mut part, &mut out).map_err(fail)?;
    }
    Ok(())
}

/// Writes `build-report.json`.
pub(super) fn write_report(out: &Path, report: &BuildReport) -> Result<(), CorpusError> {
    let path = out.join("build-report.json");
    let text = serde_json::to_string(report).map_err(std::io::Error::from);
    text.and_then(|text| fs::write(&path, text + "\n")).map_err(|error| CorpusError::io(&path, "write", error))
}
