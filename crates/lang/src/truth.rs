//! Labels that stand beside the documents of a corpus whose noise is known, so that a cleaning can be scored.
//!
//! One JSON line a document, in `truth.jsonl` next to the documents. A hand-labelled corpus can use the same file.

use serde::{Deserialize, Serialize};

/// What is known about one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The document's `id`.
    pub id: String,
    /// What the whole document is.
    pub kind: DocumentKind,
    /// The document it duplicates or the evaluation item it leaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Whole lines of the text that are page furniture (menus, cookie notices, share buttons), as they stand in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boilerplate: Vec<String>,
    /// Pieces of the text that are personal data, as they stand in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<Personal>,
}

/// What a whole document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Text to keep (lines and spans inside may still be noise).
    Clean,
    /// The same text as an earlier document.
    ExactDuplicate,
    /// An earlier document with small edits.
    NearDuplicate,
    /// No language: random letters, symbol soup, endless repetition.
    Gibberish,
    /// Real text in a language the corpus does not want.
    WrongLanguage,
    /// Contains an item of the held-out evaluation.
    TestLeak,
}

/// One piece of personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// `email`, `phone`, `ip`, `card`, `id_card`, …
    pub kind: String,
    /// The text itself.
    pub text: String,
}
