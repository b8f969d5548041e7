//! Temporary files: a folder that goes away with its owner, and files of checksummed blocks in it.
//!
//! A block is its length (`u32`), the xxh3 of its bytes (`u64`), and the bytes, little-endian. Torn or changed blocks are
//! found when they are read, before a wrong decision is made of them. The folder is locked while its owner lives; what a
//! killed run left is removed by the next one beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::CorpusError;

const PREFIX: &str = ".onto-scratch-";
/// Bytes of a block's header.
const HEADER: usize = 12;
/// Payload of a full block: large enough for a disk, small enough that hundreds of runs can be merged at once.
pub(crate) const BLOCK: usize = 64 << 10;
/// No reader believes a longer block.
const LONGEST_BLOCK: usize = 1 << 30;

/// A folder of temporary files, removed when the last owner lets go.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    next: AtomicU64,
    written: AtomicU64,
    /// Held while we live, so that other runs leave the folder alone.
    _lock: Option<File>,
}

impl Scratch {
    /// A fresh folder inside `parent`, which is made when it is missing. Leftovers of killed runs in it are removed.
    ///
    /// # Errors
    /// [`CorpusError::Io`] when the folder cannot be made.
    pub fn create(parent: &Path) -> Result<Arc<Scratch>, CorpusError> {
        fs::create_dir_all(parent).map_err(|e| CorpusError::io(parent, "create", e))?;
        remove_leftovers(parent);
        for number in 0.. {
            let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    // Some file systems have no locks; there a leftover stays until it is removed by hand.
                    let lock = File::open(&path).ok().filter(|file| file.try_lock().is_ok());
                    return Ok(Arc::new(Scratch {
                        path,
                        next: AtomicU64::new(0),
                        written: AtomicU64::new(0),
                        _lock: lock,
                    }));
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(CorpusError::io(&path, "create", e)),
            }
        }
        unreachable!("one of 2^31 numbers is free, or the loop returned an error")
    }

    /// Bytes written so far, those of files already removed included.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// A name no other file here has.
    pub(crate) fn fresh(&self, kind: &str) -> PathBuf {
        self.path.join(format!("{:06}-{kind}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// A write error, told apart from a full disk.
    pub(crate) fn write_error(&self, path: &Path, source: std::io::Error) -> CorpusError {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                CorpusError::ScratchFull { path: path.to_owned(), written: self.written() }
            }
            _ => CorpusError::io(path, "write", source),
        }
    }

    pub(crate) fn count(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell; the next run in the same place removes what stays.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn remove_leftovers(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // A folder that cannot be removed costs space, not correctness.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A file of blocks, deleted when the last owner lets go.
#[derive(Debug)]
pub(crate) struct BlockFile {
    pub(crate) path: PathBuf,
    /// Keeps the folder while a file of it is in use.
    _scratch: Arc<Scratch>,
}

impl Drop for BlockFile {
    fn drop(&mut self) {
        // The folder is removed as a whole later; this only gives space back early.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes bytes as checksummed blocks.
pub(crate) struct BlockWriter {
    scratch: Arc<Scratch>,
    path: PathBuf,
    file: BufWriter<File>,
    block: Vec<u8>,
}

impl BlockWriter {
    pub(crate) fn create(scratch: &Arc<Scratch>, kind: &str) -> Result<BlockWriter, CorpusError> {
        let path = scratch.fresh(kind);
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| scratch.write_error(&path, e))?;
        let file = BufWriter::with_capacity(BLOCK + HEADER, file);
        Ok(BlockWriter { scratch: Arc::clone(scratch), path, file, block: Vec::with_capacity(BLOCK) })
    }

    /// Appends bytes that are not to be cut: a block ends before them when they do not fit it.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        if self.block.len() + bytes.len() > BLOCK {
            self.flush()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CorpusError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut header = [0u8; HEADER];
        header[..4].copy_from_slice(&(self.block.len() as u32).to_le_bytes());
        header[4..].copy_from_slice(&xxh3_64(&self.block).to_le_bytes());
        let written = self.file.write_all(&header).and_then(|()| self.file.write_all(&self.block));
        written.map_err(|e| self.scratch.write_error(&self.path, e))?;
        self.scratch.count((HEADER + self.block.len()) as u64);
        self.block.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Arc<BlockFile>, CorpusError> {
        self.flush()?;
        self.file.flush().map_err(|e| self.scratch.write_error(&self.path, e))?;
        Ok(Arc::new(BlockFile { path: self.path, _scratch: self.scratch }))
    }
}

/// Reads the blocks of a file in order, each checked.
pub(crate) struct BlockReader {
    owner: Arc<BlockFile>,
    file: BufReader<File>,
    at: u64,
}

impl BlockReader {
    pub(crate) fn open(owner: &Arc<BlockFile>) -> Result<BlockReader, CorpusError> {
        let file = File::open(&owner.path).map_err(|e| CorpusError::io(&owner.path, "read", e))?;
        // A block is read in one piece; the buffer is there for its header.
        Ok(BlockReader { owner: Arc::clone(owner), file: BufReader::with_capacity(4096, file), at: 0 })
    }

    /// Replaces `block` by the next one; false at the end.
    pub(crate) fn next(&mut self, block: &mut Vec<u8>) -> Result<bool, CorpusError> {
        block.clear();
        let mut header = [0u8; HEADER];
        let mut got = 0;
        while got < HEADER {
            match self.file.read(&mut header[got..]) {
                Ok(0) if got == 0 => return Ok(false),
                Ok(0) => return Err(self.damaged()),
                Ok(n) => got += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(CorpusError::io(&self.owner.path, "read", e)),
            }
        }
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if length > LONGEST_BLOCK {
            return Err(self.damaged());
        }
        // Grown by what is really there, so that a wrong length asks for no memory.
        let taken = (&mut self.file).take(length as u64).read_to_end(block);
        taken.map_err(|e| CorpusError::io(&self.owner.path, "read", e))?;
        if block.len() != length || header[4..] != xxh3_64(block).to_le_bytes() {
            return Err(self.damaged());
        }
        self.at += (HEADER + length) as u64;
        Ok(true)
    }

    fn damaged(&self) -> CorpusError {
        CorpusError::ScratchDamaged { path: self.owner.path.clone(), byte: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_everything_goes_away() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let mut writer = BlockWriter::create(&scratch, "test").unwrap();
        for i in 0..100_000u64 {
            writer.put(&i.to_le_bytes()).unwrap();
        }
        let file = writer.finish().unwrap();
        let mut reader = BlockReader::open(&file).unwrap();
        let (mut block, mut all) = (Vec::new(), Vec::new());
        while reader.next(&mut block).unwrap() {
            all.extend(block.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())));
        }
        assert!(all.iter().copied().eq(0..100_000));
        drop((scratch, reader, file));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_changed_or_missing_byte_is_found() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let make = || {
            let mut writer = BlockWriter::create(&scratch, "test").unwrap();
            writer.put(&[7; 5000]).unwrap();
            writer.finish().unwrap()
        };
        let check = |damage: &dyn Fn(&mut Vec<u8>)| {
            let file = make();
            let mut bytes = fs::read(&file.path).unwrap();
            damage(&mut bytes);
            fs::write(&file.path, bytes).unwrap();
            let found = BlockReader::open(&file).unwrap().next(&mut Vec::new());
            assert!(matches!(found, Err(CorpusError::ScratchDamaged { byte: 0, .. })), "{found:?}");
        };
        check(&|bytes| bytes[700] ^= 1);
        check(&|bytes| bytes[3] ^= 0x80);
        check(&|bytes| bytes[5] ^= 1);
        check(&|bytes| bytes.truncate(4000));
        check(&|bytes| bytes.truncate(6));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_a_living_one_is_not() {
        let place = tempfile::tempdir().unwrap();
        let dead = place.path().join(format!("{PREFIX}1-0"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("000001-run"), "left").unwrap();
        let living = Scratch::create(place.path()).unwrap();
        let other = Scratch::create(place.path()).unwrap();
        assert!(!dead.exists());
        assert!(living.path.exists() && other.path.exists());
    }
}
