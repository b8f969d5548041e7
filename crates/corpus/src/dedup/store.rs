//! Byte strings by number, on disk: appended once, read back in any order by few, checked reads.
//!
//! Two files: the bytes, and an index of (offset `u64`, length `u32`, checksum `u32`) an entry, little-endian. Nothing
//! of it is held in memory.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::scratch::Scratch;
use crate::error::CorpusError;

const ENTRY: u64 = 16;

/// Appends.
pub(crate) struct StoreWriter {
    scratch: Arc<Scratch>,
    paths: [PathBuf; 2],
    data: BufWriter<File>,
    index: BufWriter<File>,
    offset: u64,
}

impl StoreWriter {
    pub(crate) fn create(scratch: &Arc<Scratch>, kind: &str) -> Result<StoreWriter, CorpusError> {
        let paths = [scratch.fresh(kind), scratch.fresh(&format!("{kind}-index"))];
        let open = |path: &PathBuf, buffer: usize| {
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            file.map(|file| BufWriter::with_capacity(buffer, file)).map_err(|e| scratch.write_error(path, e))
        };
        let (data, index) = (open(&paths[0], 256 << 10)?, open(&paths[1], 32 << 10)?);
        Ok(StoreWriter { scratch: Arc::clone(scratch), paths, data, index, offset: 0 })
    }

    /// Appends the next entry; its number is how many were appended before it.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        self.data.write_all(bytes).map_err(|e| self.scratch.write_error(&self.paths[0], e))?;
        let mut entry = [0u8; ENTRY as usize];
        entry[..8].copy_from_slice(&self.offset.to_le_bytes());
        entry[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        entry[12..].copy_from_slice(&(xxh3_64(bytes) as u32).to_le_bytes());
        self.index.write_all(&entry).map_err(|e| self.scratch.write_error(&self.paths[1], e))?;
        self.offset += bytes.len() as u64;
        self.scratch.count(bytes.len() as u64 + ENTRY);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Store, CorpusError> {
        self.data.flush().map_err(|e| self.scratch.write_error(&self.paths[0], e))?;
        self.index.flush().map_err(|e| self.scratch.write_error(&self.paths[1], e))?;
        let open = |path: &PathBuf, buffer: usize| {
            File::open(path)
                .map(|file| BufReader::with_capacity(buffer, file))
                .map_err(|e| CorpusError::io(path, "read", e))
        };
        let (data, index) = (open(&self.paths[0], 64 << 10)?, open(&self.paths[1], 4 << 10)?);
        Ok(Store { _scratch: self.scratch, paths: self.paths, data, index, data_at: 0, index_at: 0 })
    }
}

/// Reads.
pub(crate) struct Store {
    _scratch: Arc<Scratch>,
    paths: [PathBuf; 2],
    data: BufReader<File>,
    index: BufReader<File>,
    data_at: u64,
    index_at: u64,
}

impl Store {
    /// Replaces `out` by entry `number`. Ascending numbers cost least.
    pub(crate) fn get(&mut self, number: u64, out: &mut Vec<u8>) -> Result<(), CorpusError> {
        let mut entry = [0u8; ENTRY as usize];
        let place = number * ENTRY;
        let read = seek(&mut self.index, &mut self.index_at, place).and_then(|()| self.index.read_exact(&mut entry));
        read.map_err(|e| CorpusError::io(&self.paths[1], "read", e))?;
        self.index_at = place + ENTRY;
        let mut raw = [0u8; 8];
        raw.copy_from_slice(&entry[..8]);
        let offset = u64::from_le_bytes(raw);
        let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]);
        out.clear();
        let read = seek(&mut self.data, &mut self.data_at, offset)
            .and_then(|()| (&mut self.data).take(u64::from(length)).read_to_end(out));
        read.map_err(|e| CorpusError::io(&self.paths[0], "read", e))?;
        self.data_at = offset + out.len() as u64;
        if out.len() != length as usize || entry[12..] != (xxh3_64(out) as u32).to_le_bytes() {
            return Err(CorpusError::ScratchDamaged { path: self.paths[0].clone(), byte: offset });
        }
        Ok(())
    }
}

/// Goes to `to`; a short way is gone inside the buffer.
fn seek(file: &mut BufReader<File>, at: &mut u64, to: u64) -> std::io::Result<()> {
    match i64::try_from(to.abs_diff(*at)) {
        Ok(distance) => file.seek_relative(if to >= *at { distance } else { -distance })?,
        Err(_) => drop(file.seek(SeekFrom::Start(to))?),
    }
    *at = to;
    Ok(())
}

impl Drop for Store {
    fn drop(&mut self) {
        // The folder goes later as a whole; this only gives space back early.
        for path in &self.paths {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_any_order_and_damage_is_found() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let mut writer = StoreWriter::create(&scratch, "test").unwrap();
        let entry = |i: u64| vec![i as u8; (i * 37 % 4001) as usize];
        for i in 0..500 {
            writer.put(&entry(i)).unwrap();
        }
        let mut store = writer.finish().unwrap();
        let mut out = Vec::new();
        for i in (0..500).chain((0..500).map(|i| i * 191 % 500)) {
            store.get(i, &mut out).unwrap();
            assert_eq!(out, entry(i), "{i}");
        }
        let mut bytes = fs::read(&store.paths[0]).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&store.paths[0], bytes).unwrap();
        store.get(0, &mut out).unwrap();
        assert!(matches!(store.get(499, &mut out), Err(CorpusError::ScratchDamaged { .. })));
    }
}
