//! Writing a shard, document by document.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{MAGIC, ShardError, VERSION, WIDE_FROM, Width, with_ending};

/// How much a shard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardInfo {
    /// Documents.
    pub documents: usize,
    /// Tokens of all documents together.
    pub tokens: u64,
}

/// A shard being written. Only the lengths of the documents are held in memory.
#[derive(Debug)]
pub struct ShardWriter {
    bin: BufWriter<File>,
    bin_path: PathBuf,
    idx_path: PathBuf,
    width: Width,
    vocabulary_size: usize,
    lengths: Vec<i32>,
    tokens: u64,
}

impl ShardWriter {
    /// Start `PREFIX.bin`; `PREFIX.idx` is written by [`ShardWriter::finish`].
    pub fn create(prefix: &Path, vocabulary_size: usize) -> Result<ShardWriter, ShardError> {
        if vocabulary_size > i32::MAX as usize {
            return Err(ShardError::VocabularyTooLarge { vocabulary_size });
        }
        let bin_path = with_ending(prefix, ".bin");
        let bin = File::create(&bin_path).map_err(|e| refused(&bin_path, e))?;
        Ok(ShardWriter {
            bin: BufWriter::with_capacity(1 << 18, bin),
            bin_path,
            idx_path: with_ending(prefix, ".idx"),
            width: if vocabulary_size < WIDE_FROM { Width::U16 } else { Width::I32 },
            vocabulary_size,
            lengths: Vec::new(),
            tokens: 0,
        })
    }

    /// Append one document. An empty one is kept: it has an index like any other.
    ///
    /// # Errors
    /// When an id is outside the vocabulary, the document has 2³¹ tokens or more, or the disk refuses.
    pub fn push(&mut self, document: &[u32]) -> Result<(), ShardError> {
        let index = self.lengths.len();
        let too_long = |_| ShardError::DocumentTooLong { document: index, tokens: document.len() };
        let length = i32::try_from(document.len()).map_err(too_long)?;
        check_ids(index, document, self.vocabulary_size)?;
        for &id in document {
            // The narrow type loses nothing: every id is below a vocabulary of fewer than 65500.
            let written = match self.width {
                Width::U16 => self.bin.write_all(&(id as u16).to_le_bytes()),
                Width::I32 => self.bin.write_all(&id.to_le_bytes()),
            };
            written.map_err(|e| refused(&self.bin_path, e))?;
        }
        self.lengths.push(length);
        self.tokens += document.len() as u64;
        Ok(())
    }

    /// Flush the tokens and write the index.
    pub fn finish(mut self) -> Result<ShardInfo, ShardError> {
        self.bin.flush().map_err(|e| refused(&self.bin_path, e))?;
        self.write_index().map_err(|e| refused(&self.idx_path, e))?;
        Ok(ShardInfo { documents: self.lengths.len(), tokens: self.tokens })
    }

    fn write_index(&self) -> io::Result<()> {
        let mut idx = BufWriter::new(File::create(&self.idx_path)?);
        let sequences = self.lengths.len() as u64;
        idx.write_all(MAGIC)?;
        idx.write_all(&VERSION.to_le_bytes())?;
        idx.write_all(&[self.width.code()])?;
        idx.write_all(&sequences.to_le_bytes())?;
        idx.write_all(&(sequences + 1).to_le_bytes())?;
        for length in &self.lengths {
            idx.write_all(&length.to_le_bytes())?;
        }
        let mut offset = 0u64;
        for &length in &self.lengths {
            idx.write_all(&offset.to_le_bytes())?;
            offset += u64::from(length.unsigned_abs()) * self.width.bytes();
        }
        for boundary in 0..=sequences {
            idx.write_all(&boundary.to_le_bytes())?;
        }
        idx.flush()
    }
}

/// An error when an id of document number `index` is outside the vocabulary.
pub(super) fn check_ids(index: usize, document: &[u32], vocabulary_size: usize) -> Result<(), ShardError> {
    match document.iter().position(|&id| id as usize >= vocabulary_size) {
        Some(position) => {
            Err(ShardError::UnknownToken { document: index, position, id: document[position], vocabulary_size })
        }
        None => Ok(()),
    }
}

pub(super) fn refused(path: &Path, source: io::Error) -> ShardError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ShardError::NoSpace { path: path.to_owned() },
        _ => ShardError::Write { path: path.to_owned(), source },
    }
}
