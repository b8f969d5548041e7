//! Files under an artifact: listing, hashing, syncing, and replacing one file atomically.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::error::ArtifactError;

/// SHA-256 of `bytes`, lower-case hexadecimal.
pub fn hash_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 (lower-case hexadecimal) and size of a file, read in blocks.
pub fn hash_file(path: &Path) -> Result<(String, u64), ArtifactError> {
    let mut file = File::open(path).map_err(|e| ArtifactError::io("open", path, e))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0u8; 1 << 20];
    let mut bytes = 0u64;
    loop {
        let read = match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(ArtifactError::io("read", path, e)),
        };
        hasher.update(&block[..read]);
        bytes += read as u64;
    }
    Ok((hexadecimal(&hasher.finalize()), bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Write a file whole or not at all: a locked temporary sibling, synced, renamed over `path`, folder synced.
///
/// # Errors
/// Names `path`; a full disk is [`ArtifactError::NoSpace`]. The old file, if any, is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    let (parent, name) = split(path)?;
    remove_stale(&parent, &name)?;
    let temporary = partial(&parent, &name);
    let written = (|| {
        let mut file = File::create_new(&temporary)?;
        // Where the file system has no locks, a concurrent writer of the same file could remove ours: the rename below
        // then fails and says so.
        let _ = file.try_lock();
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(e) = written {
        let _ = fs::remove_file(&temporary);
        return Err(ArtifactError::io("write", path, e));
    }
    sync_directory(&parent)
}

/// The folder a path stands in, and its last component.
pub(super) fn split(path: &Path) -> Result<(PathBuf, String), ArtifactError> {
    let bad = || ArtifactError::BadName { path: path.to_owned() };
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(bad)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((parent, name.to_owned()))
}

/// A name for a temporary sibling that no other writer of this or another process uses.
pub(super) fn partial(parent: &Path, name: &str) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!(".{name}.partial-{}-{number}", std::process::id()));
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
    }
}

/// Remove the temporary siblings of `name` whose writers are dead: those that nobody holds the lock of.
pub(super) fn remove_stale(parent: &Path, name: &str) -> Result<(), ArtifactError> {
    let prefix = format!(".{name}.partial-");
    let Ok(entries) = fs::read_dir(parent) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(&prefix) {
            continue;
        }
        let path = entry.path();
        // Another run may be removing the same leftover: what has vanished is no error.
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Remove a file or a whole folder; absent is fine.
pub(super) fn remove(path: &Path) -> Result<(), ArtifactError> {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match result {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(ArtifactError::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// Make the entries of a folder durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), ArtifactError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|e| ArtifactError::io("sync", path, e))
}

/// What a folder holds, sorted by path.
pub(super) struct Listing {
    /// Files: path inside the folder with `/` between components, and where it stands.
    pub files: Vec<(String, PathBuf)>,
    /// The folders inside, deepest first.
    pub folders: Vec<PathBuf>,
}

/// Whether symbolic links are followed. An artifact may hold none; the folders people bring often do.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Links {
    Follow,
    Refuse,
}

/// Every file under `root`.
pub(super) fn list(root: &Path, links: Links) -> Result<Listing, ArtifactError> {
    let mut listing = Listing { files: Vec::new(), folders: Vec::new() };
    list_into(root, "", 0, links, &mut listing)?;
    listing.files.sort();
    Ok(listing)
}

fn list_into(
    folder: &Path,
    prefix: &str,
    depth: usize,
    links: Links,
    listing: &mut Listing,
) -> Result<(), ArtifactError> {
    // Deeper than any real tree: a link that points to its own parent.
    const DEEPEST: usize = 64;
    if depth > DEEPEST {
        return Err(ArtifactError::Special { path: folder.to_owned(), what: "an endless chain of folders" });
    }
    let read = |e| ArtifactError::io("read", folder, e);
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(ArtifactError::Special { path, what: "a name that is not UTF-8" });
        };
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let metadata = match links {
            Links::Follow => fs::metadata(&path),
            Links::Refuse => fs::symlink_metadata(&path),
        };
        let kind = metadata.map_err(|e| ArtifactError::io("read", &path, e))?.file_type();
        if kind.is_dir() {
            list_into(&path, &relative, depth + 1, links, listing)?;
            listing.folders.push(path);
        } else if kind.is_file() {
            listing.files.push((relative, path));
        } else {
            let what = if kind.is_symlink() { "a symbolic link" } else { "a device, pipe or socket" };
            return Err(ArtifactError::Special { path, what });
        }
    }
    Ok(())
}
