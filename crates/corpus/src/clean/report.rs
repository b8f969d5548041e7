//! What the cleaning did, rule by rule, with examples of what was kept and what was dropped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stage::{Snapshot, Stage};
use super::{Decision, Rule, RuleName};
use crate::text::excerpt;

/// Counts and examples of a whole cleaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanReport {
    /// Documents that came in.
    pub documents_before: usize,
    /// Documents kept.
    pub documents_after: usize,
    /// Bytes of text that came in.
    pub bytes_before: u64,
    /// Bytes of text kept.
    pub bytes_after: u64,
    /// The rules that ran, in order.
    pub rules: Vec<RuleReport>,
    /// Kept documents by language code (`und`: could not be told).
    pub languages: BTreeMap<String, usize>,
}

/// Counts and examples of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// The rule.
    pub rule: RuleName,
    /// What it does.
    pub about: String,
    /// Documents that came to the rule.
    pub documents_before: usize,
    /// Documents that passed it.
    pub documents_after: usize,
    /// Bytes of text that came to the rule.
    pub bytes_before: u64,
    /// Bytes of text that passed it.
    pub bytes_after: u64,
    /// Documents changed inside.
    pub documents_edited: usize,
    /// Lines it removed.
    pub removed_lines: usize,
    /// Pieces of personal data it masked.
    pub masked: usize,
    /// Dropped documents by test, removed lines as `line`, masked pieces by kind.
    pub reasons: BTreeMap<String, usize>,
    /// Beginnings of documents that passed.
    pub kept_examples: Vec<Example>,
    /// Beginnings of documents that were dropped, or what was removed from them.
    pub dropped_examples: Vec<Example>,
    /// Remarks of the rule.
    pub notes: Vec<String>,
}

/// One example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The document's id.
    pub id: String,
    /// The beginning of its text, or the removed line or masked piece.
    pub text: String,
    /// Why it was dropped; empty for kept ones.
    pub reason: String,
}

impl CleanReport {
    pub(super) fn starting(stage: &Stage<'_>) -> Self {
        let before = stage.snapshot();
        CleanReport {
            documents_before: before.documents,
            documents_after: before.documents,
            bytes_before: before.bytes,
            bytes_after: before.bytes,
            rules: Vec::new(),
            languages: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, rule: &Rule, stage: &Stage<'_>, before: Snapshot) {
        let after = stage.snapshot();
        let (examples, length) = (stage.config.examples, stage.config.excerpt_chars);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let mut dropped = Vec::new();
        let mut kept = Vec::new();
        let mut edited = 0;
        for (index, decision) in stage.decisions.iter().enumerate() {
            if rule.drops.is_some() {
                if decision.rule == Some(rule.name) {
                    *reasons.entry(test_name(&decision.reason).to_string()).or_default() += 1;
                    dropped.push(index);
                } else if decision.rule.is_none() {
                    kept.push(index);
                }
            } else if decision.rule.is_none() {
                let events = edits(rule.name, decision);
                for (reason, _) in &events {
                    *reasons.entry(reason.clone()).or_default() += 1;
                }
                if events.is_empty() {
                    kept.push(index);
                } else {
                    edited += 1;
                    dropped.push(index);
                }
            }
        }
        let show = |index: usize, is_dropped: bool| {
            let decision = &stage.decisions[index];
            let id = decision.id.clone();
            if is_dropped && rule.drops.is_none() {
                let mut events = edits(rule.name, decision);
                // The first event names the example; there is one, or the document would not be in the list.
                let (reason, text) = if events.is_empty() { Default::default() } else { events.swap_remove(0) };
                return Example { id, text: excerpt(&text, length), reason };
            }
            let reason = if is_dropped { decision.reason.clone() } else { String::new() };
            Example { id, text: excerpt(&stage.documents[index].text, length), reason }
        };
        self.rules.push(RuleReport {
            rule: rule.name,
            about: rule.about.to_string(),
            documents_before: before.documents,
            documents_after: after.documents,
            bytes_before: before.bytes,
            bytes_after: after.bytes,
            documents_edited: edited,
            removed_lines: after.removed_lines - before.removed_lines,
            masked: after.masked - before.masked,
            reasons,
            kept_examples: spread(&kept, examples).map(|i| show(i, false)).collect(),
            dropped_examples: spread(&dropped, examples).map(|i| show(i, true)).collect(),
            notes: Vec::new(),
        });
    }

    pub(super) fn add_notes(&mut self, notes: Vec<String>) {
        if let Some(last) = self.rules.last_mut() {
            last.notes = notes;
        }
    }

    pub(super) fn finish(&mut self, stage: &Stage<'_>) {
        let after = stage.snapshot();
        self.documents_after = after.documents;
        self.bytes_after = after.bytes;
        for index in stage.alive() {
            let language = stage.documents[index].lang.clone().unwrap_or_else(|| "und".to_string());
            *self.languages.entry(language).or_default() += 1;
        }
    }
}

/// What a rule that edits did to a document: reason and text of each edit.
fn edits(rule: RuleName, decision: &Decision) -> Vec<(String, String)> {
    if rule == RuleName::Boilerplate {
        decision.removed_lines.iter().map(|line| ("line".to_string(), line.clone())).collect()
    } else {
        decision.masked.iter().map(|m| (m.kind.clone(), m.text.clone())).collect()
    }
}

/// The name of the test at the head of a reason.
fn test_name(reason: &str) -> &str {
    reason.split_once(':').map_or(reason, |(name, _)| name)
}

/// Up to `count` of `items`, evenly spread.
fn spread(items: &[usize], count: usize) -> impl Iterator<Item = usize> + '_ {
    let count = count.min(items.len());
    (0..count).map(move |i| items[i * items.len() / count])
}
