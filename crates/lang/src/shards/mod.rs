//! Token shards: here are the token ids of many documents; keep them in two files that other trainers read too.
//!
//! The format is Megatron-LM's indexed data set (`megatron/core/datasets/indexed_dataset.py`, megatron-core 0.16), all
//! numbers little-endian:
//!
//! - `PREFIX.bin`: the token ids of all documents, one after another, nothing between; u16 when the vocabulary has
//!   fewer than 65500 ids, else i32.
//! - `PREFIX.idx`: the magic `MMIDIDX\0\0`, u64 version 1, u8 type code (8 = u16, 4 = i32), u64 number of sequences S,
//!   u64 number of document boundaries D, then i32 lengths `[S]` in tokens, i64 byte offsets `[S]`, and i64 boundaries
//!   `[D]`, the indices of the sequences that begin a document, with a 0 in front and S at the end.
//!
//! [`DsWriter`] and [`NpyWriter`] write the same tokens for nanotron and for dolma's readers.
//!
//! We write one sequence a document, so D = S + 1. Reading joins the sequences of a document that has several.
//!
//! A [`Shard`] is read whole into memory, two or four bytes a token: the corpora of one machine fit (a thousand million
//! tokens are 2 GB), reading needs no `unsafe`, and a file that is cut while training goes on cannot kill the process
//! as it can behind a memory map. Whether the two files appear whole or not at all is the artifact writer's business.

mod dolma;
mod flat;
mod nanotron;
pub mod order;
mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use dolma::{NpyWriter, read_npy};
pub use nanotron::{DsFile, DsWriter};
pub use read::Shard;
pub use write::{ShardInfo, ShardWriter};

const MAGIC: &[u8; 9] = b"MMIDIDX\0\0";
const VERSION: u64 = 1;
/// Bytes before the lengths.
const HEADER: u64 = 9 + 8 + 1 + 8 + 8;
/// Vocabularies from this size on need i32 (`DType.optimal_dtype`; it keeps some room below 65536).
const WIDE_FROM: usize = 65_500;

/// The number types of Megatron's table that token ids are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    U16,
    I32,
}

impl Width {
    fn code(self) -> u8 {
        match self {
            Width::U16 => 8,
            Width::I32 => 4,
        }
    }

    fn bytes(self) -> u64 {
        match self {
            Width::U16 => 2,
            Width::I32 => 4,
        }
    }
}

/// What can go wrong with shards.
#[derive(Debug, Error)]
pub enum ShardError {
    /// The operating system refused a read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system refused a write.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
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
    /// A token id the vocabulary does not have.
    #[error("document {document}: token id {id} at position {position} is outside the vocabulary of {vocabulary_size}")]
    UnknownToken {
        /// Index of the document.
        document: usize,
        /// Index of the token in it.
        position: usize,
        /// The id.
        id: u32,
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// The vocabulary does not fit the widest type of the format that is used for token ids.
    #[error("a vocabulary of {vocabulary_size} does not fit 31 bits")]
    VocabularyTooLarge {
        /// How many ids there are.
        vocabulary_size: usize,
    },
    /// A document longer than the 31-bit lengths of the format.
    #[error("document {document} has {tokens} tokens, more than a shard can index\nhint: split the document")]
    DocumentTooLong {
        /// Index of the document.
        document: usize,
        /// Its length.
        tokens: usize,
    },
    /// A mask that does not fit its document.
    #[error("document {document}: {tokens} tokens need a mask of {tokens}, not {mask}")]
    Mask {
        /// Index of the document.
        document: usize,
        /// How long the mask must be; 0 where the file has none.
        tokens: usize,
        /// How long it is.
        mask: usize,
    },
    /// A file shorter or longer than its header says.
    #[error(
        "{}: expected {expected} bytes, found {found}{}\nhint: make the shards again with --redo STAGE",
        path.display(),
        if found < expected { ": it is cut off" } else { "" }
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes it must have.
        expected: u64,
        /// Bytes it has.
        found: u64,
    },
    /// A field that cannot be so.
    #[error("{} at byte {byte}: {message}\nhint: make the shards again with --redo STAGE", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where the field begins.
        byte: u64,
        /// What is wrong with it.
        message: String,
    },
    /// A range outside the shard.
    #[error("tokens {start}..{end} are outside the shard of {tokens}")]
    Range {
        /// First token asked for.
        start: u64,
        /// One past the last.
        end: u64,
        /// How many there are.
        tokens: u64,
    },
    /// A document outside the shard.
    #[error("document {document} is outside the shard of {documents} documents")]
    Document {
        /// The document asked for.
        document: usize,
        /// How many there are.
        documents: usize,
    },
}

/// `PREFIX.bin` or `PREFIX.idx`: the ending is added, not put in place of another, so that `v1.2` stays `v1.2.bin`.
fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod other_tests;
#[cfg(test)]
mod tests;
