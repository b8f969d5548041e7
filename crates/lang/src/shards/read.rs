//! Reading a shard back, with every field checked before it is believed.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::{HEADER, MAGIC, ShardError, VERSION, Width, with_ending};

/// The token ids of many documents, whole in memory.
#[derive(Clone, Debug)]
pub struct Shard {
    ids: Ids,
    /// Where each document begins, in tokens, and at the end where the last one ends.
    boundaries: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Ids {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Shard {
    /// Read `PREFIX.idx` and `PREFIX.bin`.
    ///
    /// # Errors
    /// When a file is missing, cut, longer than it should be, of another version or number type, or when lengths,
    /// offsets and boundaries contradict each other; the message names the file and the byte.
    pub fn open(prefix: &Path) -> Result<Shard, ShardError> {
        let idx_path = with_ending(prefix, ".idx");
        let bin_path = with_ending(prefix, ".bin");
        let index = Index::parse(&idx_path, &read_whole(&idx_path)?)?;
        let tokens = index.boundaries.last().copied().unwrap_or(0);
        let expected = tokens * index.width.bytes();
        let refused = |source| ShardError::Read { path: bin_path.clone(), source };
        let mut bin = File::open(&bin_path).map_err(refused)?;
        let found = bin.metadata().map_err(refused)?.len();
        if found != expected {
            return Err(ShardError::Size { path: bin_path, expected, found });
        }
        let ids = read_ids(&mut bin, &bin_path, index.width, tokens as usize)?;
        Ok(Shard { ids, boundaries: index.boundaries })
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.boundaries.len() - 1
    }

    /// How many tokens all documents have together.
    pub fn tokens(&self) -> u64 {
        self.boundaries[self.boundaries.len() - 1]
    }

    /// Where each document begins, in tokens from the start of the shard: `documents()` numbers, not decreasing.
    pub fn document_starts(&self) -> &[u64] {
        &self.boundaries[..self.boundaries.len() - 1]
    }

    /// The tokens of document `index`.
    pub fn document(&self, index: usize) -> Result<Vec<u32>, ShardError> {
        if index >= self.documents() {
            return Err(ShardError::Document { document: index, documents: self.documents() });
        }
        let start = self.boundaries[index];
        self.read(start, (self.boundaries[index + 1] - start) as usize)
    }

    /// `length` tokens from `offset` (in tokens) on, across document boundaries.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u32>, ShardError> {
        let end = offset.saturating_add(length as u64);
        if end > self.tokens() {
            return Err(ShardError::Range { start: offset, end, tokens: self.tokens() });
        }
        let range: Range<usize> = offset as usize..end as usize;
        Ok(match &self.ids {
            Ids::Narrow(ids) => ids[range].iter().map(|&id| u32::from(id)).collect(),
            Ids::Wide(ids) => ids[range].to_vec(),
        })
    }
}

/// What the `.idx` file says.
struct Index {
    width: Width,
    boundaries: Vec<u64>,
}

impl Index {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Index, ShardError> {
        let format = |byte: u64, message: String| ShardError::Format { path: path.to_owned(), byte, message };
        let size = |expected: u64| ShardError::Size { path: path.to_owned(), expected, found: bytes.len() as u64 };
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
            return Err(format(0, "this is not a Megatron index (its magic is missing)".to_owned()));
        }
        if (bytes.len() as u64) < HEADER {
            return Err(size(HEADER));
        }
        let mut fields = Fields { bytes, position: MAGIC.len() };
        let version = fields.u64();
        if version != VERSION {
            return Err(format(9, format!("version {version}, expected {VERSION}")));
        }
        let width = match fields.u8() {
            8 => Width::U16,
            4 => Width::I32,
            other => {
                return Err(format(17, format!("number type {other}; token ids are type 8 (u16) or 4 (i32)")));
            }
        };
        let sequences = fields.u64();
        let boundaries = fields.u64();
        // u128, because the counts may be any 64 bits. After this check all arithmetic is on sizes of real memory.
        let expected = u128::from(HEADER) + u128::from(sequences) * 12 + u128::from(boundaries) * 8;
        if expected != bytes.len() as u128 {
            return Err(size(u64::try_from(expected).unwrap_or(u64::MAX)));
        }
        let mut starts = Vec::with_capacity(sequences as usize + 1);
        starts.push(0u64);
        for sequence in 0..sequences {
            let at = fields.position as u64;
            let length = fields.i32();
            let length = u64::try_from(length)
                .map_err(|_| format(at, format!("sequence {sequence} has the negative length {length}")))?;
            starts.push(starts[sequence as usize] + length);
        }
        for sequence in 0..sequences as usize {
            let at = fields.position as u64;
            let offset = fields.u64();
            let expected = starts[sequence] * width.bytes();
            if offset != expected {
                let message = format!("sequence {sequence} begins at byte {offset} of the tokens, expected {expected}");
                return Err(format(at, message));
            }
        }
        Self::join(&starts, boundaries, &mut fields, &format).map(|boundaries| Index { width, boundaries })
    }

    /// Token positions of the document boundaries, from the start of every sequence.
    fn join(
        starts: &[u64],
        count: u64,
        fields: &mut Fields,
        format: &dyn Fn(u64, String) -> ShardError,
    ) -> Result<Vec<u64>, ShardError> {
        let sequences = starts.len() as u64 - 1;
        let mut boundaries = Vec::with_capacity(count as usize);
        let mut previous = 0u64;
        for index in 0..count {
            let at = fields.position as u64;
            let sequence = fields.u64();
            let is_first = index == 0;
            if sequence > sequences || sequence < previous || (is_first && sequence != 0) {
                return Err(format(at, format!("document boundary {index} is {sequence}, after {previous}")));
            }
            previous = sequence;
            boundaries.push(starts[sequence as usize]);
        }
        if boundaries.is_empty() || previous != sequences {
            let message = format!("the documents end at sequence {previous} of {sequences}");
            return Err(format(fields.position as u64, message));
        }
        Ok(boundaries)
    }
}

/// Little-endian numbers off a slice whose length has been checked.
struct Fields<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[self.position..self.position + N]);
        self.position += N;
        out
    }

    fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn i32(&mut self) -> i32 {
        i32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

fn read_whole(path: &Path) -> Result<Vec<u8>, ShardError> {
    fs::read(path).map_err(|source| ShardError::Read { path: path.to_owned(), source })
}

/// The ids, block by block, so that the raw bytes never stand beside them in memory.
fn read_ids(bin: &mut File, path: &Path, width: Width, tokens: usize) -> Result<Ids, ShardError> {
    let mut block = vec![0u8; 1 << 20];
    let mut ids = match width {
        Width::U16 => Ids::Narrow(Vec::with_capacity(tokens)),
        Width::I32 => Ids::Wide(Vec::with_capacity(tokens)),
    };
    let mut left = tokens * width.bytes() as usize;
    while left > 0 {
        let part = left.min(block.len());
        bin.read_exact(&mut block[..part]).map_err(|source| ShardError::Read { path: path.to_owned(), source })?;
        match &mut ids {
            Ids::Narrow(ids) => {
                ids.extend(block[..part].as_chunks().0.iter().map(|&pair| u16::from_le_bytes(pair)));
            }
            Ids::Wide(ids) => {
                for &quad in block[..part].as_chunks().0 {
                    let id = i32::from_le_bytes(quad);
                    let byte = ids.len() as u64 * 4;
                    let negative = |_| ShardError::Format {
                        path: path.to_owned(),
                        byte,
                        message: format!("the token id is {id}"),
                    };
                    ids.push(u32::try_from(id).map_err(negative)?);
                }
            }
        }
        left -= part;
    }
    Ok(ids)
}
