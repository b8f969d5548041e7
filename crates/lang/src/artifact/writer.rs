//! Writing an artifact: a locked temporary sibling, hashed, synced, renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::error::ArtifactError;
use super::files::{hash_file, list, partial, remove, remove_stale, split, sync_directory};
use super::{
    FORMAT_VERSION, FileEntry, MANIFEST, Manifest, PROGRAM_VERSION, Plan, content_hash, manifest_path, timestamp,
};

/// An artifact being written. Dropped before [`Writer::finish`], it removes what it wrote.
#[derive(Debug)]
pub struct Writer {
    target: PathBuf,
    parent: PathBuf,
    name: String,
    temporary: PathBuf,
    plan: Plan,
    started: String,
    finished: bool,
    /// Held while we live, so that other runs know the partial folder is ours.
    _lock: File,
}

impl Writer {
    /// Start writing the artifact that will stand at `path`. Leftovers of dead runs beside it are removed; an artifact
    /// already there stays until [`Writer::finish`] replaces it.
    ///
    /// # Errors
    /// When something that is no artifact stands at `path`, or the folder cannot be made.
    pub fn create(path: &Path, plan: Plan) -> Result<Writer, ArtifactError> {
        let (parent, name) = split(path)?;
        fs::create_dir_all(&parent).map_err(|e| ArtifactError::io("create", &parent, e))?;
        refuse_to_replace_strangers(path)?;
        remove_stale(&parent, &name)?;
        let temporary = partial(&parent, &name);
        let create = |e| ArtifactError::io("create", &temporary, e);
        fs::create_dir(&temporary).map_err(create)?;
        let lock = File::open(&temporary).map_err(create)?;
        // Some network file systems have no locks; there a leftover is removed by hand.
        let _ = lock.try_lock();
        Ok(Writer {
            target: path.to_owned(),
            parent,
            name,
            temporary,
            plan,
            started: timestamp(),
            finished: false,
            _lock: lock,
        })
    }

    /// The folder to write files into. It goes away when the writer is finished or dropped.
    pub fn dir(&self) -> &Path {
        &self.temporary
    }

    /// Hash and sync every file, write the manifest, and put the folder in its place; an older artifact there is
    /// replaced.
    ///
    /// # Errors
    /// A full disk is [`ArtifactError::NoSpace`] and names the file. After any error nothing of the new artifact is
    /// left and the older one, if any, is still in place.
    pub fn finish(mut self, metrics: Map<String, Value>) -> Result<Manifest, ArtifactError> {
        let listing = list(&self.temporary)?;
        if let Some((_, path)) = listing.files.iter().find(|(path, _)| path == MANIFEST) {
            return Err(ArtifactError::Special { path: path.clone(), what: "the name kept for the manifest" });
        }
        let hashed: Vec<Result<FileEntry, ArtifactError>> = listing
            .files
            .into_par_iter()
            .map(|(path, place)| {
                let (sha256, bytes) = hash_file(&place)?;
                File::open(&place)
                    .and_then(|file| file.sync_all())
                    .map_err(|e| ArtifactError::io("sync", &place, e))?;
                Ok(FileEntry { path, sha256, bytes })
            })
            .collect();
        let files = hashed.into_iter().collect::<Result<Vec<_>, _>>()?;
        let manifest = Manifest {
            kind: self.plan.kind.clone(),
            format_version: FORMAT_VERSION,
            command: self.plan.command.clone(),
            config: self.plan.config.clone(),
            seed: self.plan.seed,
            program_version: PROGRAM_VERSION.to_owned(),
            inputs: self.plan.inputs.clone(),
            sha256: content_hash(&files),
            files,
            metrics,
            started: self.started.clone(),
            ended: timestamp(),
            key: self.plan.key(),
        };
        self.write_manifest(&manifest)?;
        for folder in &listing.folders {
            sync_directory(folder)?;
        }
        sync_directory(&self.temporary)?;
        self.put_in_place()?;
        Ok(manifest)
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), ArtifactError> {
        let path = manifest_path(&self.temporary);
        let mut text = serde_json::to_string_pretty(manifest)
            .map_err(|e| ArtifactError::Manifest { path: path.clone(), message: e.to_string() })?;
        text.push('\n');
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|e| ArtifactError::io("write", &path, e))
    }

    fn put_in_place(&mut self) -> Result<(), ArtifactError> {
        refuse_to_replace_strangers(&self.target)?;
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| ArtifactError::io("rename", from, e));
        // A folder cannot be renamed over a full one. The old one steps aside under a partial name, so that a crash
        // between the renames leaves the artifact absent and the next run cleans up.
        let old = partial(&self.parent, &self.name);
        let replaces = fs::symlink_metadata(&self.target).is_ok();
        if replaces {
            rename(&self.target, &old)?;
        }
        if let Err(e) = rename(&self.temporary, &self.target) {
            if replaces {
                rename(&old, &self.target)?;
            }
            return Err(e);
        }
        self.finished = true;
        sync_directory(&self.parent)?;
        if replaces { remove(&old) } else { Ok(()) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to tell; the next `create` tries again.
            let _ = remove(&self.temporary);
        }
    }
}

/// `--out` may be mistyped: only an empty folder or something that looks like an artifact is ever replaced.
fn refuse_to_replace_strangers(path: &Path) -> Result<(), ArtifactError> {
    let occupied = || ArtifactError::Occupied { path: path.to_owned() };
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(ArtifactError::io("read", path, e)),
        Ok(metadata) if !metadata.is_dir() => return Err(occupied()),
        Ok(_) => {}
    }
    let is_empty = fs::read_dir(path).map_err(|e| ArtifactError::io("read", path, e))?.next().is_none();
    if is_empty {
        return Ok(());
    }
    let text = fs::read(manifest_path(path)).map_err(|_| occupied())?;
    // A cut manifest is still ours (that is what --redo is for); a web extension's is not.
    match serde_json::from_slice::<Value>(&text) {
        Ok(value) if value.get("key").is_none() || value.get("program_version").is_none() => Err(occupied()),
        _ => Ok(()),
    }
}
