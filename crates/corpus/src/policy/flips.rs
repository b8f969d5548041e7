//! What another policy would change: documents that would be kept instead of dropped, and the other way round, by rule.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Verdict;

/// Most examples that are kept of each way.
const EXAMPLES: usize = 20;

/// One document whose verdict differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flip {
    /// Its id.
    pub id: String,
    /// Whether the second policy keeps it.
    pub keeps: bool,
    /// The reasons of the policy that drops it.
    pub reasons: Vec<String>,
}

/// The comparison of two policies over the same documents, the first against the second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flips {
    /// Documents.
    pub documents: u64,
    /// Kept by both.
    pub both_keep: u64,
    /// Dropped by both.
    pub both_drop: u64,
    /// Dropped by the first, kept by the second.
    pub would_keep: u64,
    /// Kept by the first, dropped by the second.
    pub would_drop: u64,
    /// Of those that would be kept: how often each rule of the first policy held.
    pub no_longer: BTreeMap<String, u64>,
    /// Of those that would be dropped: how often each rule of the second policy holds.
    pub newly: BTreeMap<String, u64>,
    /// Documents kept by both that lose other lines.
    pub other_lines: u64,
    /// Some documents whose verdict differs, the first ones.
    pub examples: Vec<Flip>,
}

impl Flips {
    /// Counts one document.
    pub fn add(&mut self, id: &str, first: &Verdict, second: &Verdict) {
        self.documents += 1;
        match (first.keep, second.keep) {
            (true, true) => {
                self.both_keep += 1;
                let lines = |verdict: &Verdict| verdict.cut.iter().map(|(line, _)| *line).collect::<Vec<_>>();
                self.other_lines += u64::from(lines(first) != lines(second));
            }
            (false, false) => self.both_drop += 1,
            (kept, keeps) => {
                let reasons = if kept { &second.reasons } else { &first.reasons };
                let by_rule = if kept { &mut self.newly } else { &mut self.no_longer };
                reasons.iter().for_each(|reason| *by_rule.entry(reason.clone()).or_default() += 1);
                *(if kept { &mut self.would_drop } else { &mut self.would_keep }) += 1;
                if self.examples.iter().filter(|flip| flip.keeps == keeps).count() < EXAMPLES {
                    self.examples.push(Flip { id: id.to_owned(), keeps, reasons: reasons.clone() });
                }
            }
        }
    }
}
