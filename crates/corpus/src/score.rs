//! Precision and recall of a cleaning against labels, by kind of noise.
//!
//! Whole documents: what a rule dropped is right when the labels say that kind; only the kind's own rule finds it,
//! except that the two duplicate rules stand in for each other. Lines and personal data are counted inside documents
//! that were kept.

use std::collections::{BTreeMap, HashMap};

use lang::truth::{DocumentKind, Truth};
use serde::{Deserialize, Serialize};

use crate::clean::{Decision, RuleName};

/// Counts for one kind of noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Documents, lines or pieces that the labels name.
    pub planted: usize,
    /// Documents, lines or pieces that the rule took out.
    pub found: usize,
    /// Those of `found` that were right.
    pub true_positive: usize,
    /// Those of `found` that were wrong.
    pub false_positive: usize,
    /// Those of `planted` that were missed.
    pub false_negative: usize,
    /// Share of `found` that was right; 1 when nothing was found.
    pub precision: f64,
    /// Share of `planted` that was found; 1 when nothing was planted.
    pub recall: f64,
}

impl Score {
    fn finish(mut self) -> Self {
        let ratio = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        self.false_positive = self.found.saturating_sub(self.true_positive);
        self.precision = ratio(self.true_positive, self.found);
        self.recall = ratio(self.planted.saturating_sub(self.false_negative), self.planted);
        self
    }
}

/// The kinds of whole-document noise: name, label, rules that may find it.
const DOCUMENT_KINDS: [(&str, DocumentKind, &[RuleName]); 5] = [
    ("exact_duplicate", DocumentKind::ExactDuplicate, &[RuleName::ExactDuplicates, RuleName::NearDuplicates]),
    ("near_duplicate", DocumentKind::NearDuplicate, &[RuleName::ExactDuplicates, RuleName::NearDuplicates]),
    ("gibberish", DocumentKind::Gibberish, &[RuleName::Statistics]),
    ("wrong_language", DocumentKind::WrongLanguage, &[RuleName::Language]),
    ("test_leak", DocumentKind::TestLeak, &[RuleName::Decontamination]),
];

/// Scores `decisions` against `truth`, matched by document id; documents without a label are clean.
///
/// Keys: `boilerplate`, `exact_duplicate`, `near_duplicate`, `pii`, `gibberish`, `wrong_language`, `test_leak`.
/// For the duplicate kinds, `found` counts what the kind's own rule dropped, and is right for either duplicate label;
/// recall counts drops by either duplicate rule.
pub fn score(decisions: &[Decision], truth: &[Truth]) -> BTreeMap<String, Score> {
    let labels: HashMap<&str, &Truth> = truth.iter().map(|t| (t.id.as_str(), t)).collect();
    let mut out = BTreeMap::new();
    for (name, kind, rules) in DOCUMENT_KINDS {
        let own = match kind {
            DocumentKind::NearDuplicate => RuleName::NearDuplicates,
            _ => rules[0],
        };
        let mut score = Score::default();
        for decision in decisions {
            let label = labels.get(decision.id.as_str()).map_or(DocumentKind::Clean, |t| t.kind);
            let dropped_by_kind = decision.rule.is_some_and(|rule| rules.contains(&rule));
            if label == kind {
                score.planted += 1;
                score.false_negative += usize::from(!dropped_by_kind);
            }
            if decision.rule == Some(own) {
                score.found += 1;
                score.true_positive += usize::from(is_right(label, kind));
            }
        }
        out.insert(name.to_string(), score.finish());
    }
    let (mut lines, mut personal) = (Score::default(), Score::default());
    for decision in decisions.iter().filter(|decision| decision.rule.is_none()) {
        let label = labels.get(decision.id.as_str());
        score_lines(decision, label.map_or(&[], |t| &t.boilerplate), &mut lines);
        let pieces: Vec<&str> = label.map_or(Vec::new(), |t| t.personal.iter().map(|p| p.text.as_str()).collect());
        score_personal(decision, &pieces, &mut personal);
    }
    out.insert("boilerplate".to_string(), lines.finish());
    out.insert("pii".to_string(), personal.finish());
    out
}

fn is_right(label: DocumentKind, kind: DocumentKind) -> bool {
    let duplicate = |k| matches!(k, DocumentKind::ExactDuplicate | DocumentKind::NearDuplicate);
    label == kind || (duplicate(label) && duplicate(kind))
}

/// Multiset match of whole lines, surrounding white space apart.
fn score_lines(decision: &Decision, planted: &[String], score: &mut Score) {
    let mut open: HashMap<&str, usize> = HashMap::new();
    for line in planted.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty()) {
        *open.entry(line).or_default() += 1;
        score.planted += 1;
    }
    let mut right = 0;
    for line in decision.removed_lines.iter().map(|line| line.trim()) {
        score.found += 1;
        if let Some(count) = open.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            right += 1;
        }
    }
    score.true_positive += right;
    score.false_negative += open.values().sum::<usize>();
}

/// One-to-one match of planted and masked pieces whose texts overlap, whatever their kinds. Pieces that went away with
/// a removed line are neither planted nor found.
fn score_personal(decision: &Decision, planted: &[&str], score: &mut Score) {
    let mut removed: Vec<&str> = decision.removed_lines.iter().map(String::as_str).collect();
    let mut open: Vec<&str> = Vec::new();
    for piece in planted {
        match removed.iter().position(|line| line.contains(piece)) {
            Some(at) if !decision.masked.iter().any(|m| overlaps(&m.text, piece)) => {
                removed.swap_remove(at);
            }
            _ => open.push(piece),
        }
    }
    score.planted += open.len();
    for masked in &decision.masked {
        score.found += 1;
        if let Some(at) = open.iter().position(|piece| overlaps(&masked.text, piece)) {
            open.swap_remove(at);
            score.true_positive += 1;
        }
    }
    score.false_negative += open.len();
}

/// True when one text holds the other and the shorter is at least half the longer.
fn overlaps(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    !short.is_empty() && long.contains(short) && short.len() * 2 >= long.len()
}

#[cfg(test)]
mod tests {
    use lang::truth::Personal;

    use super::*;
    use crate::clean::Masked;

    fn decision(id: &str, rule: Option<RuleName>) -> Decision {
        Decision {
            id: id.to_string(),
            rule,
            reason: String::new(),
            removed_lines: Vec::new(),
            masked: Vec::new(),
            duplicate_of: None,
        }
    }

    fn truth(id: &str, kind: DocumentKind) -> Truth {
        Truth { id: id.to_string(), kind, of: None, boilerplate: Vec::new(), personal: Vec::new() }
    }

    #[test]
    fn scores_by_hand() {
        let mut kept = decision("a", None);
        kept.removed_lines = vec!["Menu | Home".into(), "Tom ran.".into()];
        let mask = |text: &str| Masked { kind: "phone".into(), text: text.into(), start: 0, end: 0 };
        kept.masked = vec![mask("+1 212 555 0147"), mask("12 34")];
        let mut kept_label = truth("a", DocumentKind::Clean);
        kept_label.boilerplate = vec!["Menu | Home".into(), "Menu | Home".into()];
        kept_label.personal = vec![
            Personal { kind: "phone".into(), text: "212 555 0147".into() },
            Personal { kind: "email".into(), text: "a@b.cc".into() },
        ];
        let decisions = [
            kept,
            decision("b", Some(RuleName::ExactDuplicates)),
            decision("c", Some(RuleName::NearDuplicates)),
            decision("d", Some(RuleName::NearDuplicates)),
            decision("e", Some(RuleName::Language)),
            decision("f", None),
        ];
        let labels = [
            kept_label,
            truth("b", DocumentKind::NearDuplicate),
            truth("c", DocumentKind::ExactDuplicate),
            truth("e", DocumentKind::Gibberish),
            truth("f", DocumentKind::TestLeak),
        ];
        let scores = score(&decisions, &labels);
        let check = |kind: &str, planted: usize, found: usize, precision: f64, recall: f64| {
            let s = scores[kind];
            assert_eq!((s.planted, s.found, s.precision, s.recall), (planted, found, precision, recall), "{kind}");
        };
        check("exact_duplicate", 1, 1, 1.0, 1.0);
        check("near_duplicate", 1, 2, 0.5, 1.0);
        check("gibberish", 1, 0, 1.0, 0.0);
        check("wrong_language", 0, 1, 0.0, 1.0);
        check("test_leak", 1, 0, 1.0, 0.0);
        check("boilerplate", 2, 2, 0.5, 0.5);
        check("pii", 2, 2, 0.5, 0.5);
    }
}
