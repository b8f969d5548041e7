//! The state that the rules share: the documents, which of them are still in, and the decisions so far.

use lang::document::Document;
use lang::instance::EvalItem;
use rayon::prelude::*;

use super::{CleanConfig, Decision, RuleName};
use crate::read::Progress;

/// Documents handled between two reports of progress; also bounds what a parallel step holds at once.
const CHUNK: usize = 4096;

pub(super) struct Stage<'s> {
    pub(super) documents: Vec<Document>,
    pub(super) decisions: Vec<Decision>,
    pub(super) held_out: &'s [EvalItem],
    pub(super) config: &'s CleanConfig,
    /// Things a rule wants to be known that belong to no document, for the report.
    pub(super) notes: Vec<String>,
    rule: RuleName,
    progress: Progress<'s>,
}

/// Counts before a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    pub(super) documents: usize,
    pub(super) bytes: u64,
    pub(super) removed_lines: usize,
    pub(super) masked: usize,
}

/// A rule's verdict on one document.
pub(super) struct Drop {
    pub(super) reason: String,
    pub(super) duplicate_of: Option<String>,
}

impl<'s> Stage<'s> {
    pub(super) fn new(
        documents: Vec<Document>,
        held_out: &'s [EvalItem],
        config: &'s CleanConfig,
        progress: Progress<'s>,
    ) -> Self {
        let decisions = documents
            .iter()
            .map(|document| Decision {
                id: document.id.clone(),
                rule: None,
                reason: String::new(),
                removed_lines: Vec::new(),
                masked: Vec::new(),
                duplicate_of: None,
            })
            .collect();
        let rule = RuleName::Boilerplate;
        Stage { documents, decisions, held_out, config, notes: Vec::new(), rule, progress }
    }

    pub(super) fn start(&mut self, rule: RuleName) {
        self.rule = rule;
    }

    /// Indices of the documents that are still in.
    pub(super) fn alive(&self) -> Vec<usize> {
        (0..self.documents.len()).filter(|&i| self.decisions[i].rule.is_none()).collect()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let alive = self.alive();
        Snapshot {
            documents: alive.len(),
            bytes: alive.iter().map(|&i| self.documents[i].text.len() as u64).sum(),
            removed_lines: self.decisions.iter().map(|d| d.removed_lines.len()).sum(),
            masked: self.decisions.iter().map(|d| d.masked.len()).sum(),
        }
    }

    /// `f` of every document that is still in, in parallel, results in order.
    pub(super) fn map<T: Send>(&self, f: impl Fn(&Document) -> T + Sync) -> Vec<(usize, T)> {
        let alive = self.alive();
        // The progress callback is not shared between threads, the documents are.
        let documents = &self.documents;
        let mut out = Vec::with_capacity(alive.len());
        self.report_progress(0, alive.len());
        for chunk in alive.chunks(CHUNK) {
            let results: Vec<T> = chunk.par_iter().map(|&i| f(&documents[i])).collect();
            out.extend(chunk.iter().copied().zip(results));
            self.report_progress(out.len(), alive.len());
        }
        out
    }

    pub(super) fn report_progress(&self, done: usize, total: usize) {
        (self.progress)(self.rule.as_str(), done, total);
    }

    /// Records that document `index` is dropped by the rule that runs.
    pub(super) fn drop(&mut self, index: usize, verdict: Drop) {
        let decision = &mut self.decisions[index];
        decision.rule = Some(self.rule);
        decision.reason = verdict.reason;
        decision.duplicate_of = verdict.duplicate_of;
    }

    pub(super) fn finish(self) -> (Vec<Document>, Vec<Decision>) {
        let kept = self.documents.into_iter().zip(&self.decisions).filter(|(_, d)| d.rule.is_none());
        (kept.map(|(document, _)| document).collect(), self.decisions)
    }
}

impl RuleName {
    /// The name as it stands in reports and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleName::Boilerplate => "boilerplate",
            RuleName::Language => "language",
            RuleName::Statistics => "statistics",
            RuleName::ExactDuplicates => "exact_duplicates",
            RuleName::NearDuplicates => "near_duplicates",
            RuleName::Decontamination => "decontamination",
            RuleName::PersonalData => "personal_data",
        }
    }
}
