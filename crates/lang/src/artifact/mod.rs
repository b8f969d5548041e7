//! Artifacts: here is what a stage was asked and what it read; give me a folder that is whole or absent and that says
//! where it came from.
//!
//! An artifact is a folder whose `manifest.json` names its kind, the command line, the resolved configuration, the
//! seed, the SHA-256 of every input and of every file, the metrics and the times. It is written beside its final place
//! as `.NAME.partial-…`, synced, and renamed, so a crash leaves at most such a sibling, which the next
//! [`Writer::create`] removes. Two hashes identify it: `key` says what it was made *from* and is known before the work
//! starts (a stage whose key already exists is skipped), `sha256` says what was *made*.
//!
//! A partial sibling is locked (`flock`) while its writer lives, so that a leftover of a dead run is told from the work
//! of a live one even when process ids come round again, as they do in containers.

mod error;
mod files;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use error::ArtifactError;
pub use files::{hash_bytes, hash_file, write_atomic};
pub use verify::{input, read, reusable, verify};
pub use writer::Writer;

/// Version of the manifest's layout that this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Version of the program as manifests record it.
pub const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Name of the manifest inside an artifact.
pub const MANIFEST: &str = "manifest.json";

/// Something a stage read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Where it stood; what is not UTF-8 in it is written as U+FFFD, for the hash is what identifies the input.
    #[serde(serialize_with = "lossy_path")]
    pub path: PathBuf,
    /// Content hash: of the file, or of the folder's sorted file hashes.
    pub sha256: String,
    /// Kind of the artifact read; `file` or `folder` for what is no artifact.
    pub kind: String,
    /// What it was to the stage: `corpus`, `tokenizer`, `base`, …
    pub relation: String,
}

/// For `serialize_with`: a path as people read it, with U+FFFD for what is not UTF-8 in it, which JSON cannot hold.
///
/// # Errors
/// Those of the serializer.
pub fn lossy_path<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// One file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path inside the artifact, with `/` between components.
    pub path: String,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What the artifact is: `corpus`, `shards`, `tokenizer`, `model`, …
    pub kind: String,
    /// Layout of this manifest.
    pub format_version: u32,
    /// The command line, one argument an element.
    pub command: Vec<String>,
    /// The resolved configuration of the stage.
    pub config: Value,
    /// The seed of the stage.
    pub seed: u64,
    /// Version of the program that wrote it.
    pub program_version: String,
    /// What was read.
    pub inputs: Vec<Input>,
    /// What was written, sorted by path.
    pub files: Vec<FileEntry>,
    /// What was measured.
    pub metrics: Map<String, Value>,
    /// When the stage began, RFC 3339, UTC.
    pub started: String,
    /// When it ended, RFC 3339, UTC.
    pub ended: String,
    /// Hash over the sorted (path, hash) pairs of `files`: equal for equal content, whenever and wherever it was made.
    pub sha256: String,
    /// [`Plan::key`] of what it was made from.
    pub key: String,
}

/// What a stage is about to do, known before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Kind of the artifact to be made.
    pub kind: String,
    /// The command line.
    pub command: Vec<String>,
    /// The resolved configuration.
    pub config: Value,
    /// The seed.
    pub seed: u64,
    /// What will be read.
    pub inputs: Vec<Input>,
}

impl Plan {
    /// Hash of everything the result depends on: kind, format version, configuration, seed, program version and the
    /// hashes and roles of the inputs in order. Paths, times and the command line are left out, and the order of keys
    /// in the configuration does not matter.
    pub fn key(&self) -> String {
        let inputs: Vec<Value> =
            self.inputs.iter().map(|input| json!([input.relation, input.kind, input.sha256])).collect();
        let identity = json!({
            "config": sorted(&self.config),
            "format_version": FORMAT_VERSION,
            "inputs": inputs,
            "kind": self.kind,
            "program_version": PROGRAM_VERSION,
            "seed": self.seed,
        });
        hash_bytes(identity.to_string().as_bytes())
    }
}

/// The same value with the keys of every object in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Hash over sorted (path, hash) pairs. A NUL cannot stand in a path, so the lines cannot be confused.
fn content_hash(files: &[FileEntry]) -> String {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{}\0{}\n", file.path, file.sha256)).collect();
    lines.sort();
    hash_bytes(lines.concat().as_bytes())
}

/// Now, RFC 3339, UTC, to the millisecond.
fn timestamp() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Millisecond).unwrap_or(now).to_string()
}

/// The manifest of the artifact at `path`.
fn manifest_path(path: &Path) -> PathBuf {
    path.join(MANIFEST)
}
