//! The last passes: evaluation items are counted and looked for, duplicates left out, personal data masked, and what stays is
//! written.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use lang::document::Document;

use super::account::{Account, example};
use super::parts::{self, Parted};
use super::passed::{Passed, Survivor};
use super::report::BuildReport;
use super::rules::unknown_words;
use super::work::{LinesIn, Work};
use super::{Build, Decision, OutputFormat};
use crate::clean::decontamination::{Search, Weights};
use crate::clean::personal;
use crate::convert::Table;
use crate::error::CorpusError;
use crate::write::LinesWriter;

/// What a batch is finished with.
struct Last<'l> {
    build: &'l Build<'l>,
    passed: Passed<'l>,
    leaks: Option<(Search<'l>, Weights)>,
}

/// Finishes every batch: its part of the corpus, its decisions, its account.
pub(super) fn finish(
    passed: Passed<'_>,
    batches: usize,
    build: &Build<'_>,
) -> Result<(Vec<Account>, Vec<String>), CorpusError> {
    let Passed { work, steps, .. } = passed;
    let mut last = Last { build, passed, leaks: None };
    let mut notes = Vec::new();
    if steps.decontamination.is_some() {
        let search = Search::new(build.held_out, &build.config.clean.decontamination);
        notes.extend(search.note());
        if !work.is_done("finish", batches) {
            work.scan("evaluation items", batches, |batch| {
                last.passed.each(batch, steps.parts.len(), |_, survivor| {
                    if let Survivor::In(document, cuts) = survivor
                        && let Some(document) = parts::after(document, &cuts)
                    {
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

impl Last<'_> {
    fn batch(&self, work: &Work<'_>, batch: usize) -> Result<Account, CorpusError> {
        // Gzip members and Zstandard frames that follow each other are one file.
        let mut corpus = LinesWriter::create(&work.file("corpus", batch, self.build.config.format.batch_ending()))?;
        let path = work.file("decisions", batch, "jsonl");
        let fail = |error| CorpusError::io(&path, "write", error);
        let mut decisions = BufWriter::new(File::create(&path).map_err(fail)?);
        let mut account = Account::new(self.passed.steps.names.len(), self.build.config.limits());
        self.passed.each(batch, self.passed.steps.parts.len(), |looked, survivor| {
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
        let steps = self.passed.steps;
        let mut cuts = Vec::new();
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
            Survivor::In(document, found) => {
                cuts = found;
                (document, None)
            }
        };
        for place in [steps.unknown_words, steps.duplicates].into_iter().flatten() {
            let reason = drop.as_ref().filter(|(step, _)| *step == place).map(|(_, reason)| reason.as_str());
            if !self.passes(place, &document, reason, decision, account) {
                return None;
            }
        }
        for (&place, cut) in steps.parts.iter().zip(&cuts) {
            if !self.part(place, cut, &mut document, decision, account) {
                return None;
            }
        }
        if let Some(place) = steps.decontamination {
            let search = self.leaks.as_ref();
            let leak = search.and_then(|(search, weights)| search.judge(&search.overlap(&document.text), weights));
            if !self.passes(place, &document, leak.as_deref(), decision, account) {
                return None;
            }
        }
        let limits = self.build.config.limits();
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

    /// Counts a document at a step that drops it for `reason`, or lets it pass.
    fn passes(
        &self,
        place: usize,
        document: &Document,
        reason: Option<&str>,
        decision: &mut Decision,
        account: &mut Account,
    ) -> bool {
        let limits = self.build.config.limits();
        let step = &mut account.steps[place];
        step.before.add(&document.text);
        if let Some(reason) = reason {
            step.note(reason, limits, &document.id, || example(document, &document.text, reason, limits));
            decision.rule = Some(self.passed.steps.names[place].name.clone());
            decision.reason = reason.to_owned();
            return false;
        }
        step.after.add(&document.text);
        step.kept_examples.offer(&document.id, || example(document, &document.text, "", limits));
        true
    }

    /// Cuts the repeated parts of one level out; false when too little is left.
    fn part(
        &self,
        place: usize,
        cut: &Parted,
        document: &mut Document,
        decision: &mut Decision,
        account: &mut Account,
    ) -> bool {
        if cut.removed.is_empty() {
            return self.passes(place, document, None, decision, account);
        }
        let limits = self.build.config.limits();
        let step = &mut account.steps[place];
        step.before.add(&document.text);
        for &(start, end) in &cut.removed {
            let piece = &document.text[start..end];
            step.note("part", limits, &document.id, || example(document, piece, "part", limits));
            decision.removed_parts.push(piece.trim().to_owned());
        }
        if cut.dropped {
            let reason = "too_little_left: what repeats was cut out";
            step.note(reason, limits, &document.id, || example(document, &document.text, reason, limits));
            decision.rule = Some(self.passed.steps.names[place].name.clone());
            decision.reason = reason.to_owned();
            return false;
        }
        step.edited += 1;
        document.text = cut.apply(&document.text);
        step.after.add(&document.text);
        true
    }
}

/// Puts the parts of all batches together in `build.out`.
pub(super) fn gather_files(work: &Work<'_>, build: &Build<'_>, batches: usize) -> Result<(), CorpusError> {
    let ending = build.config.format.ending();
    let documents = build.out.join(format!("documents.{ending}"));
    match build.config.format {
        OutputFormat::Parquet => table(work, batches, &documents)?,
        _ => join(work, "corpus", batches, ending, &documents)?,
    }
    join(work, "decisions", batches, "jsonl", &build.out.join("decisions.jsonl"))?;
    let clusters = work.folder.join("clusters.jsonl");
    if clusters.exists() {
        let to = build.out.join("clusters.jsonl");
        fs::copy(&clusters, &to).map_err(|error| CorpusError::io(&to, "write", error))?;
    }
    Ok(())
}

/// Writes the documents of all batches into one Parquet table.
fn table(work: &Work<'_>, batches: usize, to: &Path) -> Result<(), CorpusError> {
    let file = File::create(to).map_err(|error| CorpusError::io(to, "write", error))?;
    let mut table = Table::new(BufWriter::new(file), to)?;
    for batch in 0..batches {
        let mut lines = LinesIn::open(work.file("corpus", batch, OutputFormat::Parquet.batch_ending()))?;
        while let Some(document) = lines.next::<Document>()? {
            table.write(std::slice::from_ref(&document))?;
        }
    }
    table.finish()
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
