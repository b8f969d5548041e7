//! Token ids one after another in a file without a header, two or four bytes each, little-endian: the core of `.ds` and of
//! dolma's `.npy`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::ShardError;
use super::write::refused;

/// Ids below 65536 fit two bytes.
pub(super) fn narrow_enough(vocabulary_size: usize) -> bool {
    vocabulary_size <= 1 << 16
}

/// A file of token ids being written.
#[derive(Debug)]
pub(super) struct Flat {
    file: BufWriter<File>,
    path: PathBuf,
    vocabulary_size: usize,
    bytes: u64,
    tokens: u64,
}

impl Flat {
    pub(super) fn create(path: &Path, vocabulary_size: usize) -> Result<Flat, ShardError> {
        if vocabulary_size as u64 > 1 << 32 {
            return Err(ShardError::VocabularyTooLarge { vocabulary_size });
        }
        let file = File::create(path).map_err(|error| refused(path, error))?;
        let bytes = if narrow_enough(vocabulary_size) { 2 } else { 4 };
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(Flat { file, path: path.to_owned(), vocabulary_size, bytes, tokens: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of a token.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tokens written so far.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Append document number `index`; nothing is written when an id is outside the vocabulary.
    pub(super) fn push(&mut self, index: usize, document: &[u32]) -> Result<(), ShardError> {
        super::write::check_ids(index, document, self.vocabulary_size)?;
        for &id in document {
            // The narrow type loses nothing: every id is below a vocabulary of at most 65536.
            let written = if self.bytes == 2 {
                self.file.write_all(&(id as u16).to_le_bytes())
            } else {
                self.file.write_all(&id.to_le_bytes())
            };
            written.map_err(|error| refused(&self.path, error))?;
        }
        self.tokens += document.len() as u64;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ShardError> {
        self.file.flush().map_err(|error| refused(&self.path, error))
    }
}

/// The documents of the file at `path`, whose ends (in tokens) were read from `index`.
pub(super) fn read_documents(path: &Path, width: u64, ends: &[u64], index: &Path) -> Result<Vec<Vec<u32>>, ShardError> {
    let bytes = fs::read(path).map_err(|source| ShardError::Read { path: path.to_owned(), source })?;
    let tokens = ends.last().copied().unwrap_or(0);
    if bytes.len() as u64 != tokens.saturating_mul(width) {
        let (expected, found) = (tokens.saturating_mul(width), bytes.len() as u64);
        return Err(ShardError::Size { path: path.to_owned(), expected, found });
    }
    let ids: Vec<u32> = if width == 2 {
        bytes.as_chunks().0.iter().map(|&pair| u32::from(u16::from_le_bytes(pair))).collect()
    } else {
        bytes.as_chunks().0.iter().map(|&quad| u32::from_le_bytes(quad)).collect()
    };
    let mut documents = Vec::with_capacity(ends.len());
    let mut start = 0u64;
    for (document, &end) in ends.iter().enumerate() {
        if end < start || end > tokens {
            let message = format!("document {document} ends at {end}, after {start} of {tokens}");
            return Err(ShardError::Format { path: index.to_owned(), byte: document as u64 * 8, message });
        }
        documents.push(ids[start as usize..end as usize].to_vec());
        start = end;
    }
    Ok(documents)
}
