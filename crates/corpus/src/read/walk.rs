//! Finding the files: recursive, sorted by path, hidden names skipped, each real file and folder visited once (so
//! symbolic-link loops end).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::code;
use super::report::{Place, Problem};
use super::unit::{Format, Packing};
use crate::error::CorpusError;

/// A file to read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Path below the corpus folder, with `/`: the stem of document ids, equal wherever the folder lies.
    pub(super) relative: String,
    pub(super) format: Format,
    pub(super) packing: Packing,
    /// Stored bytes.
    pub(super) size: u64,
}

/// The files under a path.
#[derive(Debug, Default)]
pub(super) struct FoundFiles {
    pub(super) files: Vec<Found>,
    pub(super) other_files: u64,
    pub(super) problems: Vec<Problem>,
}

/// Format and packing by the name's extensions.
pub(super) fn kind_of(path: &Path) -> Option<(Format, Packing)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let (stem, packing) = match name.rsplit_once('.') {
        Some((stem, "gz")) => (stem, Packing::Gzip),
        Some((stem, "zst")) => (stem, Packing::Zstd),
        Some((stem, "bz2")) => (stem, Packing::Bzip2),
        _ => (name.as_str(), Packing::None),
    };
    let format = match stem.rsplit_once('.').map(|(_, extension)| extension) {
        // Before the texts: a CMakeLists.txt is code.
        _ if packing == Packing::None && code::language(stem).is_some() => Format::Code,
        Some("txt" | "text" | "md" | "markdown") => Format::Text,
        Some("jsonl" | "ndjson") => Format::JsonLines,
        Some("parquet") if packing == Packing::None => Format::Parquet,
        Some("warc" | "wet" | "wat") => Format::Warc,
        Some("xml") => Format::MediaWiki,
        Some("html" | "htm" | "xhtml") => Format::Html,
        _ => return None,
    };
    Some((format, packing))
}

/// All readable files under `path` in path order.
pub(super) fn files(path: &Path) -> Result<FoundFiles, CorpusError> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CorpusError::Missing { path: path.to_path_buf() });
        }
        Err(error) => return Err(CorpusError::io(path, "read", error)),
    };
    let mut found = FoundFiles::default();
    if metadata.is_dir() {
        let entries = list(path).map_err(|error| CorpusError::io(path, "list", error))?;
        let root = path.canonicalize().map_err(|error| CorpusError::io(path, "list", error))?;
        let mut visited = HashSet::from([root.clone()]);
        descend(entries, "", &root, &mut visited, &mut found);
    } else if !metadata.is_file() {
        // It could block for ever, and a second reading would find nothing.
        return Err(CorpusError::NotAFile { path: path.to_path_buf() });
    } else {
        let (format, packing) = kind_of(path).ok_or_else(|| CorpusError::UnknownFormat { path: path.to_path_buf() })?;
        let relative = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        found.files.push(Found { path: path.to_path_buf(), relative, format, packing, size: metadata.len() });
    }
    Ok(found)
}

fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    Ok(entries)
}

/// Of a corpus that this program made only the documents: what lies beside them (held-out documents, labels, decisions, clusters) is
/// about them, and held-out documents must not come back in.
fn of_artifact(entries: Vec<PathBuf>) -> Vec<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Head {
        kind: String,
    }
    let named =
        |path: &PathBuf, test: fn(&str) -> bool| path.file_name().is_some_and(|name| test(&name.to_string_lossy()));
    let is_documents = |path: &PathBuf| named(path, |name| name.starts_with("documents."));
    let manifest = entries.iter().find(|path| named(path, |name| name == "manifest.json"));
    let text = manifest.filter(|path| path.is_file()).and_then(|path| std::fs::read(path).ok());
    let head = text.and_then(|text| serde_json::from_slice::<Head>(&text).ok());
    if head.is_some_and(|head| head.kind == "corpus") && entries.iter().any(is_documents) {
        entries.into_iter().filter(is_documents).collect()
    } else {
        entries
    }
}

fn descend(entries: Vec<PathBuf>, below: &str, root: &Path, visited: &mut HashSet<PathBuf>, found: &mut FoundFiles) {
    for path in of_artifact(entries) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let relative = if below.is_empty() { name } else { format!("{below}/{name}") };
        // canonicalize also fails on a link that points nowhere or to itself.
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                found.problems.push(unreadable(&path, &error));
                continue;
            }
        };
        if !real.starts_with(root) {
            // What a corpus is made of must be below its folder, or its manifest would not say what it was made of.
            found.problems.push(Problem {
                path,
                place: Place::Whole,
                kind: "link out of the folder".to_string(),
                what: format!("is a link out of the folder, to {}; it is not followed", real.display()),
            });
            continue;
        }
        if !visited.insert(real.clone()) {
            continue;
        }
        if real.is_dir() {
            match list(&path) {
                Ok(entries) => descend(entries, &relative, root, visited, found),
                Err(error) => found.problems.push(unreadable(&path, &error)),
            }
        } else if !real.is_file() {
            // Pipes, sockets and devices could block for ever.
            found.other_files += 1;
        } else if let Some((format, packing)) = kind_of(&path) {
            let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            found.files.push(Found { path, relative, format, packing, size });
        } else {
            found.other_files += 1;
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem {
        path: path.to_path_buf(),
        place: Place::Whole,
        kind: "unreadable file".to_string(),
        what: format!("cannot be read: {error}"),
    }
}
