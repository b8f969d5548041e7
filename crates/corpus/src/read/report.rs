//! What reading found: by unit, by file, and in all; and how a problem is named.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::CorpusError;

/// What reading found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReport {
    /// Every file of a known kind, in reading order.
    pub files: Vec<FileReport>,
    /// Documents read.
    pub documents: usize,
    /// Bytes of their text (UTF-8).
    pub bytes: u64,
    /// What went wrong and where, in reading order; the list is cut at [`super::ReadOptions::max_problems`].
    pub problems: Vec<Problem>,
    /// How many there are, listed or not.
    #[serde(default)]
    pub n_problems: usize,
    /// How often each kind of event happened (`bad JSON`, `empty document`, `control characters dropped`, …).
    pub counts: BTreeMap<String, u64>,
}

impl ReadReport {
    /// Adds what a unit gave. Units of one file follow each other and become one line of [`ReadReport::files`].
    pub fn absorb(&mut self, unit: UnitReport, max_problems: usize) {
        self.documents += unit.file.documents;
        self.bytes += unit.file.bytes;
        match self.files.last_mut() {
            Some(last) if last.path == unit.file.path => {
                last.documents += unit.file.documents;
                last.bytes += unit.file.bytes;
                if last.encoding.is_empty() {
                    last.encoding = unit.file.encoding;
                }
            }
            _ => self.files.push(unit.file),
        }
        for (event, count) in unit.counts {
            *self.counts.entry(event).or_default() += count;
        }
        self.n_problems += unit.n_problems;
        let room = max_problems.saturating_sub(self.problems.len());
        self.problems.extend(unit.problems.into_iter().take(room));
    }

    /// Refuses inputs that gave no document; the first of `paths` stands for them.
    ///
    /// # Errors
    /// [`CorpusError::NoDocuments`].
    pub fn require_documents(&self, paths: &[PathBuf]) -> Result<(), CorpusError> {
        if self.documents > 0 {
            return Ok(());
        }
        Err(CorpusError::NoDocuments {
            path: paths.first().cloned().unwrap_or_default(),
            files: self.files.len(),
            problems: self.n_problems,
            first: self.problems.first().map(|problem| format!("; first: {problem}")).unwrap_or_default(),
        })
    }

    /// Names and counts a problem.
    pub(super) fn problem(&mut self, problem: Problem, max_problems: usize) {
        *self.counts.entry(problem.kind.clone()).or_default() += 1;
        self.n_problems += 1;
        if self.problems.len() < max_problems {
            self.problems.push(problem);
        }
    }
}

/// What one unit gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// The file, with the documents and bytes that this unit gave.
    pub file: FileReport,
    /// What went wrong and where; the list is cut at [`super::ReadOptions::max_problems`].
    pub problems: Vec<Problem>,
    /// How many there are, listed or not.
    pub n_problems: usize,
    /// How often each kind of event happened, problems among them.
    pub counts: BTreeMap<String, u64>,
}

/// One file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// The path.
    #[serde(serialize_with = "lang::artifact::lossy_path")]
    pub path: PathBuf,
    /// `text`, `jsonl`, `parquet`, ….
    pub format: String,
    /// Encoding the bytes were taken for (`UTF-8`, `UTF-16LE`, `windows-1252`, `GBK`, …); empty when nothing was read.
    pub encoding: String,
    /// Documents it gave.
    pub documents: usize,
    /// Bytes of their text.
    pub bytes: u64,
}

/// Something that was wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file.
    #[serde(serialize_with = "lang::artifact::lossy_path")]
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// Kind of problem, the key it is counted under.
    pub kind: String,
    /// What was wrong, in words.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A line break in a file's name must not break the line that names it.
        let path = self.path.to_string_lossy().replace('\n', "\\n");
        match self.place {
            Place::Whole => write!(f, "{path}: {}", self.what),
            Place::Line(line) => write!(f, "{path}, line {line}: {}", self.what),
            Place::Row(row) => write!(f, "{path}, row {row}: {}", self.what),
            Place::Byte(byte) => write!(f, "{path}, byte {byte}: {}", self.what),
        }
    }
}

/// Where in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line, from 1.
    Line(u64),
    /// A row of a table, from 1.
    Row(u64),
    /// A byte offset from 0: of the unpacked data, or of the stored file where records are packed one by one.
    Byte(u64),
}
