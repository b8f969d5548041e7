//! Files under an artifact: listing, hashing, syncing, and replacing one file atomically.

use std::collections::HashSet;
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

/// Every file of an artifact, which holds nothing but plain files and folders with UTF-8 names.
pub(super) fn list(root: &Path) -> Result<Listing, ArtifactError> {
    let mut listing = Listing { files: Vec::new(), folders: Vec::new() };
    list_into(root, "", &mut listing)?;
    listing.files.sort();
    Ok(listing)
}

fn list_into(folder: &Path, prefix: &str, listing: &mut Listing) -> Result<(), ArtifactError> {
    let read = |e| ArtifactError::io("read", folder, e);
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(ArtifactError::Special { path, what: "a name that is not UTF-8" });
        };
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let kind = fs::symlink_metadata(&path).map_err(|e| ArtifactError::io("read", &path, e))?.file_type();
        if kind.is_dir() {
            list_into(&path, &relative, listing)?;
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

/// Every readable file of a folder that people bring, sorted by name. Such a folder may hold anything: links are
/// followed and every folder is visited once, so that loops end; names need not be UTF-8; what cannot be opened, and
/// pipes and devices, are passed over (whoever reads the folder names them).
pub(super) fn list_outside(root: &Path) -> Result<Vec<(String, PathBuf)>, ArtifactError> {
    let mut files = Vec::new();
    let mut visited = HashSet::new();
    visited.extend(root.canonicalize().ok());
    outside_into(entries(root).map_err(|e| ArtifactError::io("read", root, e))?, "", &mut visited, &mut files);
    files.sort();
    Ok(files)
}

fn outside_into(
    entries_of_folder: Vec<PathBuf>,
    prefix: &str,
    visited: &mut HashSet<PathBuf>,
    files: &mut Vec<(String, PathBuf)>,
) {
    for path in entries_of_folder {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            if File::open(&path).is_ok() {
                files.push((relative, path));
            }
        } else if metadata.is_dir()
            && path.canonicalize().is_ok_and(|real| visited.insert(real))
            && let Ok(inside) = entries(&path)
        {
            outside_into(inside, &relative, visited, files);
        }
    }
}

/// What stands in a folder, sorted, so that of two ways to one folder always the same is taken.
fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
