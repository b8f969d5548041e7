//! Readers: a file or a folder of `.txt`, `.md`, `.jsonl` (each also `.gz` or `.zst`) and `.parquet` becomes documents
//! in path order. Bad records are counted, named by file and place, and skipped; a damaged file keeps what stands before
//! the damage; only a missing path or a corpus without any document is an error.

mod compressed;
mod encoding;
mod jsonl;
mod parquet;
mod plain;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use lang::document::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::CorpusError;

/// Called with what is being done, how much of it is done, and how much there is.
pub type Progress<'p> = &'p dyn Fn(&str, usize, usize);

/// How files become documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// In `.txt` and `.md` files a line that is exactly this ends a document; empty: one file is one document.
    pub separator: String,
    /// Documents of `.txt` and `.md` files longer than this many bytes are cut at paragraph ends, so that one book is
    /// many documents; 0: never.
    pub split_bytes: usize,
    /// What stands beyond this many (unpacked) bytes of one file is not read; guards against decompression bombs.
    pub max_file_bytes: u64,
    /// At most this many problems are listed (all are counted).
    pub max_problems: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            separator: "<|endoftext|>".to_string(),
            split_bytes: 0,
            max_file_bytes: 4 << 30,
            max_problems: 1000,
        }
    }
}

/// What reading found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReport {
    /// Every file of a known kind, in reading order.
    pub files: Vec<FileReport>,
    /// Documents read.
    pub documents: usize,
    /// Bytes of their text (UTF-8).
    pub bytes: u64,
    /// What went wrong and where, in reading order; the list is cut at [`ReadOptions::max_problems`].
    pub problems: Vec<Problem>,
    /// How many there are, listed or not.
    #[serde(default)]
    pub n_problems: usize,
    /// How often each kind of event happened (`bad JSON`, `empty document`, `control characters dropped`, …).
    pub counts: BTreeMap<String, u64>,
}

/// One file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// The path.
    #[serde(serialize_with = "lang::artifact::lossy_path")]
    pub path: PathBuf,
    /// `text`, `jsonl` or `parquet`.
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
    /// A byte offset of the unpacked data, from 0.
    Byte(u64),
}

/// Reads every document under `path`, a file or a folder (recursively, in path order; hidden files are skipped).
///
/// # Errors
/// [`CorpusError::Missing`], [`CorpusError::NotAFile`], [`CorpusError::UnknownFormat`] (a single file of an unknown kind),
/// [`CorpusError::NoDocuments`], [`CorpusError::Io`] when the folder itself cannot be listed.
pub fn read(
    path: &Path,
    options: &ReadOptions,
    progress: Progress<'_>,
) -> Result<(Vec<Document>, ReadReport), CorpusError> {
    let found = walk::files(path)?;
    let mut report = ReadReport::default();
    let mut problems_found = found.problems;
    let mut documents = Vec::new();
    if found.other_files > 0 {
        report.counts.insert("files of other kinds skipped".to_string(), found.other_files);
    }
    let total = found.files.len();
    progress("read", 0, total);
    // A chunk of files at a time: parallel, in order, and with a bounded amount of undecoded bytes in memory.
    for (chunk_index, chunk) in found.files.chunks(FILES_AT_ONCE).enumerate() {
        let outcomes: Vec<Outcome> = chunk.par_iter().map(|file| read_file(file, options)).collect();
        for outcome in outcomes {
            report.files.push(outcome.report);
            problems_found.extend(outcome.problems);
            for (event, count) in outcome.counts {
                *report.counts.entry(event.to_string()).or_default() += count;
            }
            documents.extend(outcome.documents);
        }
        progress("read", (chunk_index * FILES_AT_ONCE + chunk.len()).min(total), total);
    }
    for problem in &problems_found {
        *report.counts.entry(problem.kind.clone()).or_default() += 1;
    }
    let renamed = make_ids_unique(&mut documents);
    if renamed > 0 {
        report.counts.insert("duplicate ids renamed".to_string(), renamed);
    }
    report.documents = documents.len();
    report.bytes = documents.iter().map(|d| d.text.len() as u64).sum();
    if documents.is_empty() {
        return Err(CorpusError::NoDocuments {
            path: path.to_path_buf(),
            files: report.files.len(),
            problems: problems_found.len(),
            first: problems_found.first().map(|p| format!("; first: {p}")).unwrap_or_default(),
        });
    }
    report.n_problems = problems_found.len();
    problems_found.truncate(options.max_problems);
    report.problems = problems_found;
    Ok((documents, report))
}

const FILES_AT_ONCE: usize = 64;

/// What one file gave.
#[derive(Debug, Default)]
struct Outcome {
    documents: Vec<Document>,
    report: FileReport,
    problems: Vec<Problem>,
    counts: BTreeMap<&'static str, u64>,
}

impl Outcome {
    fn problem(&mut self, place: Place, kind: &str, what: impl Into<String>) {
        let path = self.report.path.clone();
        self.problems.push(Problem { path, place, kind: kind.to_string(), what: what.into() });
    }

    fn count(&mut self, event: &'static str, times: u64) {
        if times > 0 {
            *self.counts.entry(event).or_default() += times;
        }
    }

    /// Takes over a document after normalising its text; an empty one is a problem.
    fn document(&mut self, mut document: Document, place: Place) {
        let (text, changed) = crate::text::normalise(&document.text);
        self.count("control characters dropped", changed.controls);
        self.count("invalid sequences replaced", changed.replaced);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.problem(place, "empty document", "document without any text");
            return;
        }
        document.text = if trimmed.len() == text.len() { text } else { trimmed.to_string() };
        self.report.documents += 1;
        self.report.bytes += document.text.len() as u64;
        self.documents.push(document);
    }
}

fn read_file(file: &walk::Found, options: &ReadOptions) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.report.path.clone_from(&file.path);
    outcome.report.format = file.format.name().to_string();
    match file.format {
        walk::Format::Parquet => parquet::read(file, &mut outcome),
        walk::Format::Text | walk::Format::JsonLines => {
            let Some(unpacked) = compressed::unpack(file, options.max_file_bytes, &mut outcome) else {
                return outcome;
            };
            let decoded = match encoding::decode(&unpacked.bytes) {
                Ok(decoded) => decoded,
                Err(reason) => {
                    outcome.problem(Place::Byte(reason.at), "binary file", reason.what);
                    return outcome;
                }
            };
            outcome.report.encoding = decoded.encoding.to_string();
            let cut = unpacked.cut.as_deref();
            if file.format == walk::Format::Text {
                plain::read(&decoded.text, cut, file, options, &mut outcome);
            } else {
                jsonl::read(&decoded.text, cut, file, &mut outcome);
            }
        }
    }
    outcome
}

/// Gives the second and later documents of an id a suffix, so that decisions and labels can be matched by id.
fn make_ids_unique(documents: &mut [Document]) -> u64 {
    let mut seen: HashMap<String, u64> = HashMap::with_capacity(documents.len());
    let mut renamed = 0;
    for document in documents {
        let count = seen.entry(document.id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            let mut number = *count;
            let mut name = format!("{}~{number}", document.id);
            while seen.contains_key(&name) {
                number += 1;
                name = format!("{}~{number}", document.id);
            }
            seen.insert(name.clone(), 1);
            document.id = name;
            renamed += 1;
        }
    }
    renamed
}
