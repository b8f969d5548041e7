//! Token files of datatrove and nanotron: `NAME.ds` with `NAME.ds.index`, `NAME.ds.metadata` and, where tokens have a mask,
//! `NAME.ds.loss` (datatrove 0.10.1, `pipeline/tokens/tokenizer.py`).
//!
//! - `.ds`: token ids one after another, little-endian, u16 up to a vocabulary of 65536 ids, else u32;
//! - `.ds.index`: the end of every document in tokens, u64 little-endian, no count in front;
//! - `.ds.loss`: one byte a token, 1 where it is trained on;
//! - `.ds.metadata`: `tokenizer|bytes of a token`, the number of tokens, the same for people.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::flat::Flat;
use super::write::refused;
use super::{ShardError, ShardInfo, with_ending};

/// A `.ds` file being written. Only the ends of the documents are held in memory.
#[derive(Debug)]
pub struct DsWriter {
    flat: Flat,
    loss: Option<(BufWriter<File>, PathBuf)>,
    tokenizer: String,
    ends: Vec<u64>,
}

impl DsWriter {
    /// Start `PATH` (which ends in `.ds` by custom) and, with `masked`, `PATH.loss`. `tokenizer` is what the metadata
    /// name.
    ///
    /// # Errors
    /// When a file cannot be made or the vocabulary does not fit 32 bits.
    pub fn create(path: &Path, vocabulary_size: usize, masked: bool, tokenizer: &str) -> Result<DsWriter, ShardError> {
        let flat = Flat::create(path, vocabulary_size)?;
        let loss = if masked {
            let path = with_ending(path, ".loss");
            let file = File::create(&path).map_err(|error| refused(&path, error))?;
            Some((BufWriter::new(file), path))
        } else {
            None
        };
        Ok(DsWriter { flat, loss, tokenizer: tokenizer.to_string(), ends: Vec::new() })
    }

    /// Append one document and its mask: whether each token is trained on.
    ///
    /// # Errors
    /// When an id is outside the vocabulary, the mask is not as long as the document (or missing, or not asked for), or the
    /// disk refuses.
    pub fn push(&mut self, document: &[u32], mask: Option<&[bool]>) -> Result<(), ShardError> {
        let index = self.ends.len();
        let expected = if self.loss.is_some() { document.len() } else { 0 };
        let found = mask.map_or(0, <[bool]>::len);
        if found != expected || mask.is_some() != self.loss.is_some() {
            return Err(ShardError::Mask { document: index, tokens: expected, mask: found });
        }
        self.flat.push(index, document)?;
        if let (Some((file, path)), Some(mask)) = (&mut self.loss, mask) {
            let bytes: Vec<u8> = mask.iter().map(|&trained| u8::from(trained)).collect();
            file.write_all(&bytes).map_err(|error| refused(path, error))?;
        }
        self.ends.push(self.flat.tokens());
        Ok(())
    }

    /// Flush the tokens; write the index and the metadata.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> Result<ShardInfo, ShardError> {
        let path = self.flat.path().to_owned();
        if let Some((mut file, path)) = self.loss.take() {
            file.flush().map_err(|error| refused(&path, error))?;
        }
        let (tokens, bytes) = (self.flat.tokens(), self.flat.bytes());
        self.flat.finish()?;
        let index: Vec<u8> = self.ends.iter().flat_map(|end| end.to_le_bytes()).collect();
        let name = if self.tokenizer.is_empty() { format!("Unknown Tokenizer|{bytes}") } else { self.tokenizer };
        let metadata = format!("{name}|{bytes}\n{tokens}\n{}", for_people(tokens));
        for (ending, content) in [(".index", index), (".metadata", metadata.into_bytes())] {
            let path = with_ending(&path, ending);
            fs::write(&path, content).map_err(|error| refused(&path, error))?;
        }
        Ok(ShardInfo { documents: self.ends.len(), tokens })
    }
}

/// `12345` as `12.3 kT`: three digits and a prefix of the SI, as Python's `humanize.metric` writes it.
fn for_people(tokens: u64) -> String {
    let exponent = if tokens == 0 { 0 } else { tokens.ilog10() as usize };
    let value = tokens as f64 / 10f64.powi((exponent / 3 * 3) as i32);
    let prefix = ["", "k", "M", "G", "T", "P", "E"][exponent / 3];
    format!("{value:.*} {prefix}T", 2 - exponent % 3)
}

/// The documents of a `.ds` file, and their masks where there are any, whole in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsFile {
    /// Token ids, a document each.
    pub documents: Vec<Vec<u32>>,
    /// Masks aligned with them.
    pub masks: Option<Vec<Vec<bool>>>,
}

impl DsFile {
    /// Read `PATH`, its index, its metadata (for the width of a token) and its masks.
    ///
    /// # Errors
    /// When a file is missing or they contradict each other.
    pub fn open(path: &Path) -> Result<DsFile, ShardError> {
        let read = |path: &Path| fs::read(path).map_err(|source| ShardError::Read { path: path.to_owned(), source });
        let metadata_path = with_ending(path, ".metadata");
        let metadata = String::from_utf8_lossy(&read(&metadata_path)?).into_owned();
        let width =
            metadata.lines().next().and_then(|line| line.rsplit('|').next()).and_then(|width| width.parse().ok());
        let Some(width @ (2 | 4)) = width else {
            let message = "the first line does not end in the 2 or 4 bytes of a token".to_string();
            return Err(ShardError::Format { path: metadata_path, byte: 0, message });
        };
        let index_path = with_ending(path, ".index");
        let index = read(&index_path)?;
        let (ends, rest) = index.as_chunks::<8>();
        if !rest.is_empty() {
            let expected = ends.len() as u64 * 8;
            return Err(ShardError::Size { path: index_path, expected, found: index.len() as u64 });
        }
        let ends: Vec<u64> = ends.iter().map(|end| u64::from_le_bytes(*end)).collect();
        let documents = super::flat::read_documents(path, width, &ends, &index_path)?;
        let loss_path = with_ending(path, ".loss");
        let masks = if loss_path.exists() {
            let loss = read(&loss_path)?;
            let tokens = ends.last().copied().unwrap_or(0);
            if loss.len() as u64 != tokens {
                return Err(ShardError::Size { path: loss_path, expected: tokens, found: loss.len() as u64 });
            }
            let mut rest = loss.as_slice();
            let mut masks = Vec::with_capacity(documents.len());
            for document in &documents {
                let (mask, after) = rest.split_at(document.len());
                masks.push(mask.iter().map(|&byte| byte != 0).collect());
                rest = after;
            }
            Some(masks)
        } else {
            None
        };
        Ok(DsFile { documents, masks })
    }
}
