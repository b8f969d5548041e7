//! The errors of this crate: whole-file and configuration faults. Bad records are no errors; readers count, name and
//! skip them (see [`crate::read::ReadReport`]).

use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong with a corpus as a whole.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// The corpus path does not exist.
    #[error("no file or folder at {path}\nhint: in a recipe `corpus.path` names it, e.g. --set corpus.path=texts/")]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The single file given is of a kind no reader knows.
    #[error(
        "{path}: no reader for this kind of file\n\
         hint: a corpus is .txt, .md, .jsonl, .warc, .wet, .xml (MediaWiki) and .html (also .gz, .zst, .bz2), .parquet, source code, or a folder of them"
    )]
    UnknownFormat {
        /// The path as given.
        path: PathBuf,
    },
    /// The path is neither a file nor a folder.
    #[error(
        "{path} is a pipe or a device, and a corpus must be a file or a folder\n\
         hint: save what it gives to a .txt or .jsonl file first"
    )]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// Nothing could be read under the path.
    #[error(
        "no documents in {path}: {files} readable files, {problems} problems{first}\n\
         hint: a corpus is .txt, .md, .jsonl, .warc, .wet, .xml (MediaWiki) and .html (also .gz, .zst, .bz2), .parquet, source code, or a folder of them"
    )]
    NoDocuments {
        /// The path as given.
        path: PathBuf,
        /// Files of a known kind that were found.
        files: usize,
        /// Problems named while reading.
        problems: usize,
        /// The first problem, as `"; first: …"`, or empty.
        first: String,
    },
    /// The file system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `write`, …
        action: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A document or report could not be written as JSON.
    #[error("document {id}: cannot be written as JSON: {source}")]
    Json {
        /// The document's id.
        id: String,
        /// The serialiser's reason.
        source: serde_json::Error,
    },
    /// A temporary file could not be written because the disk is full.
    #[error(
        "{path}: the disk is full after {written} bytes of temporary files\n\
         hint: --scratch DIR puts them on another disk; `onto corpus plan` says how much is needed"
    )]
    ScratchFull {
        /// The file being written.
        path: PathBuf,
        /// Bytes of it and of the other temporary files that were written before.
        written: u64,
    },
    /// A temporary file does not hold what was written to it.
    #[error("{path}, byte {byte}: what was written there is no longer there; the disk or another program changed it")]
    ScratchDamaged {
        /// The file.
        path: PathBuf,
        /// Start of the damaged block.
        byte: u64,
    },
    /// The memory budget is too small for the work.
    #[error("{what} needs {needed} bytes of memory, and {given} were allowed\nhint: give it more with --memory {hint}")]
    Memory {
        /// What needs it.
        what: String,
        /// The least that would do, in bytes.
        needed: u64,
        /// The budget, in bytes.
        given: u64,
        /// The least that would do, as a person types it.
        hint: String,
    },
    /// A setting of deduplication is out of range.
    #[error("{key} is {value}, but must be {expected}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// The URL of an object store in a program that was built without them.
    #[error(
        "{url}: this program was built without object stores\n\
         hint: build it with --features s3 (or gcs, azure), or copy the files here"
    )]
    NoStore {
        /// The URL.
        url: String,
    },
    /// Work ended early because another worker failed or the person asked for it.
    #[error("stopped")]
    Stopped,
    /// A file of conversations is of no shape that is known.
    #[error(
        "{path}: no known shape of conversations; its fields are {fields}\n\
         hint: --from names the shape: alpaca, sharegpt, openai, oasst-trees, oasst-messages, pairs or self-instruct{hint}"
    )]
    UnknownShape {
        /// The file.
        path: PathBuf,
        /// Fields of the first record.
        fields: String,
        /// What else could help, after a line end, or empty.
        hint: String,
    },
    /// A file of conversations has none.
    #[error("no conversations in {path}: {records} records, none that can be used{first}")]
    NoConversations {
        /// The file.
        path: PathBuf,
        /// Records there were.
        records: usize,
        /// The first problem, as `"; first: …"`, or empty.
        first: String,
    },
    /// A JSON file is broken.
    #[error("{path}:{line}: {problem}")]
    BadJson {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Decisions and documents do not belong together.
    #[error(
        "{path}: there is no decision about document {id}, or not where it should stand\n\
         hint: decisions stand in the order of the documents they were made for; name those inputs, and their decisions with --decisions FILE"
    )]
    NoDecision {
        /// The file of decisions.
        path: PathBuf,
        /// The document's id.
        id: String,
    },
    /// A library of templates is broken.
    #[error("{path}:{line}: {problem}")]
    BadTemplate {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// No template of a library could be used, or the one asked for is not there.
    #[error("{path}: {problem}")]
    NoTemplate {
        /// The library.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What makes new instances failed.
    #[error("the {who} failed: {problem}")]
    Writer {
        /// The model or the command.
        who: String,
        /// What is wrong.
        problem: String,
    },
    /// A value of the cleaning configuration is out of range.
    #[error("clean.{key} is {value}, but must be {expected}\nhint: change it with --set clean.{key}=…")]
    Config {
        /// Dotted key below `clean`.
        key: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A column that no table of signals has.
    #[error("there is no column of signals `{name}`{}", near(nearest))]
    UnknownColumn {
        /// The name given.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// A policy that is not embedded.
    #[error("there is no policy `{name}`{}\nhint: a policy is the name of a preset or a TOML file", near(nearest))]
    UnknownPreset {
        /// The name given.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// A policy that cannot be read.
    #[error("{what}")]
    Policy {
        /// Where, and what is wrong.
        what: String,
    },
    /// A table of signals that is not one, or is cut or damaged.
    #[error("damaged table of signals: {what}")]
    DamagedTable {
        /// What is wrong.
        what: String,
    },
    /// A table of signals that Parquet cannot read or write.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Parquet's reason.
        source: parquet::errors::ParquetError,
    },
    /// A table of signals without columns that a policy reads.
    #[error(
        "{path}: the table lacks columns that are asked for: {columns}\nhint: tag the documents again with this version"
    )]
    MissingColumns {
        /// The table.
        path: PathBuf,
        /// Their names.
        columns: String,
    },
    /// A classifier that cannot be trained or read.
    #[error("classifier: {what}")]
    Classifier {
        /// What is wrong.
        what: String,
    },
    /// A list (of words, of addresses) that cannot be used.
    #[error("{path}: {what}")]
    List {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The nearest name, as part of a sentence.
fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; nearest is `{name}`")).unwrap_or_default()
}

impl CorpusError {
    /// An input/output error at `path`.
    pub(crate) fn io(path: &std::path::Path, action: &'static str, source: std::io::Error) -> Self {
        CorpusError::Io { path: path.to_path_buf(), action, source }
    }

    /// Too small a budget; `needed` is named in whole MiB.
    pub(crate) fn memory(what: impl Into<String>, needed: u64, given: u64) -> Self {
        let hint = format!("{}MiB", needed.div_ceil(1 << 20));
        CorpusError::Memory { what: what.into(), needed, given, hint }
    }
}
