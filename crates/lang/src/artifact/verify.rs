//! Reading artifacts back: the manifest, the check of every file, and the question whether a stage can be skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use rayon::prelude::*;

use super::error::ArtifactError;
use super::files::{hash_file, list, list_outside};
use super::{FORMAT_VERSION, FileEntry, Input, MANIFEST, Manifest, Plan, content_hash, manifest_path};

/// The manifest of the artifact at `path`, its files unread.
///
/// # Errors
/// When it cannot be read, is cut or not JSON, lacks a key, is of a later format, or lists a path that is not plainly
/// inside the folder.
pub fn read(path: &Path) -> Result<Manifest, ArtifactError> {
    let manifest_path = manifest_path(path);
    let bytes = fs::read(&manifest_path).map_err(|e| ArtifactError::io("read", &manifest_path, e))?;
    let damaged = |message: String| ArtifactError::Manifest { path: manifest_path.clone(), message };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| {
        damaged(match e.classify() {
            serde_json::error::Category::Eof => {
                format!("it is cut off ({} bytes are left): {e}", bytes.len())
            }
            serde_json::error::Category::Data => format!("{e}"),
            _ => format!("it is not JSON: {e}"),
        })
    })?;
    if manifest.format_version > FORMAT_VERSION {
        return Err(ArtifactError::TooNew {
            path: manifest_path,
            found: manifest.format_version,
            known: FORMAT_VERSION,
        });
    }
    for file in &manifest.files {
        if !is_plain(&file.path) {
            return Err(ArtifactError::UnsafePath { path: manifest_path, file: file.path.clone() });
        }
    }
    if content_hash(&manifest.files) != manifest.sha256 {
        return Err(damaged("its `sha256` is not the hash of its `files`".to_owned()));
    }
    Ok(manifest)
}

/// A relative path of ordinary components, as [`list`] writes them.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\0', '\\'])
        && path.split('/').all(|part| !part.is_empty())
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        && path != MANIFEST
        && !path.starts_with("./")
        && !path.split('/').any(|part| part == ".")
}

/// Read the manifest and hash every file again, several at a time.
///
/// # Errors
/// As [`read`]; and the first file, in order of path, that is missing, extra, changed or a symbolic link, with the
/// expected and the found hash.
pub fn verify(path: &Path) -> Result<Manifest, ArtifactError> {
    let manifest = read(path)?;
    let mut present: BTreeMap<String, _> = list(path)?.files.into_iter().collect();
    present.remove(MANIFEST);
    for file in &manifest.files {
        if present.remove(&file.path).is_none() {
            return Err(ArtifactError::Missing {
                artifact: path.to_owned(),
                path: path.join(&file.path),
                expected: file.sha256.clone(),
                bytes: file.bytes,
            });
        }
    }
    if let Some((_, extra)) = present.pop_first() {
        let (found, _) = hash_file(&extra)?;
        return Err(ArtifactError::Extra { artifact: path.to_owned(), path: extra, found });
    }
    let checked: Vec<Result<(), ArtifactError>> = manifest.files.par_iter().map(|file| check(path, file)).collect();
    checked.into_iter().collect::<Result<(), _>>()?;
    Ok(manifest)
}

fn check(artifact: &Path, file: &FileEntry) -> Result<(), ArtifactError> {
    let path = artifact.join(&file.path);
    let (found, found_bytes) = hash_file(&path)?;
    if found == file.sha256 && found_bytes == file.bytes {
        return Ok(());
    }
    Err(ArtifactError::Changed {
        artifact: artifact.to_owned(),
        path,
        expected: file.sha256.clone(),
        expected_bytes: file.bytes,
        found,
        found_bytes,
    })
}

/// The artifact at `path` if it is exactly what `plan` would make: the stage can be skipped.
///
/// `None` when nothing is there or what is there was made from other inputs, configuration, seed or program version.
///
/// # Errors
/// When it was made by this plan but is damaged, or its manifest cannot be read.
pub fn reusable(path: &Path, plan: &Plan) -> Result<Option<Manifest>, ArtifactError> {
    if !manifest_path(path).exists() {
        return Ok(None);
    }
    if read(path)?.key != plan.key() {
        return Ok(None);
    }
    verify(path).map(Some)
}

/// What a stage is about to read, as its manifest will record it.
///
/// For an artifact the hash is taken from its manifest, the files are not read again (see [`verify`]); a plain file is
/// hashed, and a plain folder gets the hash over its sorted (path, hash) pairs; what cannot be opened in it is left out.
///
/// # Errors
/// When nothing is at `path`, when it cannot be read, or when it is a pipe or a device.
pub fn input(path: &Path, relation: &str) -> Result<Input, ArtifactError> {
    let metadata = fs::metadata(path).map_err(|e| ArtifactError::io("read", path, e))?;
    let (kind, sha256) = if metadata.is_file() {
        ("file".to_owned(), hash_file(path)?.0)
    } else if !metadata.is_dir() {
        // Reading a pipe to hash it would leave nothing for the work.
        return Err(ArtifactError::NotAFile { path: path.to_owned() });
    } else if manifest_path(path).exists() {
        let manifest = read(path)?;
        (manifest.kind, manifest.sha256)
    } else {
        ("folder".to_owned(), content_hash(&hash_all(path)?))
    };
    Ok(Input { path: path.to_owned(), sha256, kind, relation: relation.to_owned() })
}

fn hash_all(folder: &Path) -> Result<Vec<FileEntry>, ArtifactError> {
    let hashed: Vec<Result<FileEntry, ArtifactError>> = list_outside(folder)?
        .into_par_iter()
        .map(|(path, place)| hash_file(&place).map(|(sha256, bytes)| FileEntry { path, sha256, bytes }))
        .collect();
    hashed.into_iter().collect()
}
