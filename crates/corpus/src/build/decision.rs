//! What happened to one document of a build: a line of `decisions.jsonl`.

use serde::{Deserialize, Serialize};

use crate::clean::{self, Masked, RuleName};

/// What happened to one document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The document's id.
    pub id: String,
    /// The step that dropped it; none: it was kept.
    pub rule: Option<String>,
    /// Why it was dropped: a short name of the test, a colon, what was measured; empty when kept.
    pub reason: String,
    /// Lines that were removed, as they stood in the text.
    pub removed_lines: Vec<String>,
    /// Repeated parts that were cut out, as they stood in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_parts: Vec<String>,
    /// Personal data that was masked.
    pub masked: Vec<Masked>,
    /// For duplicates: the id of the document that stays for them.
    pub duplicate_of: Option<String>,
}

impl Decision {
    /// The decision as the cleaning of a small corpus would write it, to be scored against labels.
    pub fn as_cleaning(&self) -> clean::Decision {
        let rule = self.rule.as_deref().map(|rule| match rule {
            "boilerplate" => RuleName::Boilerplate,
            "language" => RuleName::Language,
            "statistics" | "unknown_words" => RuleName::Statistics,
            "duplicates" if self.reason.starts_with("same_text") => RuleName::ExactDuplicates,
            "duplicates" => RuleName::NearDuplicates,
            "decontamination" => RuleName::Decontamination,
            // A policy's rules tell noise by statistics.
            _ => RuleName::Statistics,
        });
        clean::Decision {
            id: self.id.clone(),
            rule,
            reason: self.reason.clone(),
            removed_lines: self.removed_lines.clone(),
            masked: self.masked.clone(),
            duplicate_of: self.duplicate_of.clone(),
        }
    }
}
