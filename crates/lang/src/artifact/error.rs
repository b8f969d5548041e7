//! What can go wrong with an artifact. Every message names the folder or file and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A failure while writing, reading or checking an artifact.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// The operating system refused a read or a write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `rename`, …
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk or the quota is full.
    #[error(
        "no space left on the device while writing {}\nhint: free some space or choose another disk with --out DIR",
        path.display()
    )]
    NoSpace {
        /// The file being written.
        path: PathBuf,
    },
    /// The path has no last component to name an artifact by (`/`, `..`).
    #[error("{} cannot be the name of an artifact\nhint: give a folder name with --out DIR", path.display())]
    BadName {
        /// The path given.
        path: PathBuf,
    },
    /// Something that is not an artifact stands where one is to be written.
    #[error(
        "{} exists and was not written by this program; it is left as it is\nhint: choose another folder with \
         --out DIR, or remove that one",
        path.display()
    )]
    Occupied {
        /// The folder or file in the way.
        path: PathBuf,
    },
    /// `manifest.json` is cut, is not JSON, or lacks a key.
    #[error(
        "{} is damaged: {message}\nhint: remove the folder {} or run with --redo STAGE",
        path.display(),
        folder(path).display()
    )]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, with line and column where known.
        message: String,
    },
    /// The manifest was written by a later version of the program.
    #[error(
        "{} has format version {found}, this program reads up to {known}\nhint: use the newer program, or run with \
         --redo STAGE",
        path.display()
    )]
    TooNew {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// A path in the manifest that is absolute, empty, or climbs out with `..`.
    #[error(
        "{} lists the file `{file}`, which is not a plain path inside the folder\nhint: do not use this artifact; \
         remove the folder or run with --redo STAGE",
        path.display()
    )]
    UnsafePath {
        /// The manifest.
        path: PathBuf,
        /// The path it lists.
        file: String,
    },
    /// A symbolic link, device or socket inside an artifact, or a file name that is not UTF-8.
    #[error("{} is {what}, which an artifact cannot hold\nhint: remove it or run with --redo STAGE", path.display())]
    Special {
        /// The entry.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Something to read that is neither a file nor a folder.
    #[error(
        "{} is a pipe or a device, and an input must be a file or a folder\nhint: save what it gives to a file first",
        path.display()
    )]
    NotAFile {
        /// The path given.
        path: PathBuf,
    },
    /// A listed file is not there.
    #[error(
        "{} is missing (expected SHA-256 {expected}, {bytes} bytes)\nhint: remove the folder {} or run with \
         --redo STAGE",
        path.display(),
        artifact.display()
    )]
    Missing {
        /// The artifact.
        artifact: PathBuf,
        /// The file.
        path: PathBuf,
        /// Its hash according to the manifest.
        expected: String,
        /// Its size according to the manifest.
        bytes: u64,
    },
    /// A file the manifest does not list.
    #[error(
        "{} is not listed in the manifest (expected no such file, found SHA-256 {found})\nhint: move it away, \
         remove the folder {} or run with --redo STAGE",
        path.display(),
        artifact.display()
    )]
    Extra {
        /// The artifact.
        artifact: PathBuf,
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
    },
    /// A file whose content is not what was written.
    #[error(
        "{} has changed: expected SHA-256 {expected} ({expected_bytes} bytes), found {found} ({found_bytes} bytes)\n\
         hint: remove the folder {} or run with --redo STAGE",
        path.display(),
        artifact.display()
    )]
    Changed {
        /// The artifact.
        artifact: PathBuf,
        /// The file.
        path: PathBuf,
        /// Hash according to the manifest.
        expected: String,
        /// Size according to the manifest.
        expected_bytes: u64,
        /// Hash now.
        found: String,
        /// Size now.
        found_bytes: u64,
    },
}

impl ArtifactError {
    /// Wraps what the operating system said; a full disk becomes [`ArtifactError::NoSpace`].
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ArtifactError::NoSpace { path: path.to_owned() }
            }
            _ => ArtifactError::Io { action, path: path.to_owned(), source },
        }
    }
}

fn folder(manifest: &Path) -> &Path {
    manifest.parent().unwrap_or(manifest)
}
