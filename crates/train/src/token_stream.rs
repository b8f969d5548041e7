//! Running text for pre-training: documents laid end to end, cut into rows.
//!
//! The stream is `⟨eot⟩ document ⟨eot⟩ document ⟨eot⟩ …`: each separator ends the document before it (it is a target)
//! and begins the one after it (it is what the first token is predicted from), which is also how texts are scored and
//! generated later. Row `r` reads tokens `r·T .. r·T + T` and predicts `r·T + 1 .. r·T + T + 1`, so every token but the
//! first is predicted exactly once in an epoch; fewer than `T` tokens at the end are left out.

use std::sync::Arc;

use lang::shards::Shard;

use crate::batch::{Counts, DataSet, TrainBatch};
use crate::digest::Digest;
use crate::error::{Result, TrainError};

/// Token ids of many documents in random access: memory or a shard on disk.
pub trait TokenStore: Send + Sync {
    /// Offset of each document's first token, ascending.
    fn document_starts(&self) -> &[u64];
    /// Tokens of all documents.
    fn token_count(&self) -> u64;
    /// `length` tokens from `offset` on.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u32>>;
}

/// Documents in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTokens {
    tokens: Vec<u32>,
    starts: Vec<u64>,
}

impl MemoryTokens {
    /// Copies the documents into one buffer.
    pub fn new<D: AsRef<[u32]>>(documents: impl IntoIterator<Item = D>) -> Self {
        let mut memory = MemoryTokens::default();
        for document in documents {
            memory.starts.push(memory.tokens.len() as u64);
            memory.tokens.extend(document.as_ref());
        }
        memory
    }
}

impl TokenStore for MemoryTokens {
    fn document_starts(&self) -> &[u64] {
        &self.starts
    }

    fn token_count(&self) -> u64 {
        self.tokens.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u32>> {
        let range = offset as usize..offset as usize + length;
        let found = self.tokens.get(range).ok_or_else(|| {
            TrainError::Data(format!("tokens {offset}..{} of {}", offset + length as u64, self.tokens.len()))
        })?;
        Ok(found.to_vec())
    }
}

impl TokenStore for Shard {
    fn document_starts(&self) -> &[u64] {
        Shard::document_starts(self)
    }

    fn token_count(&self) -> u64 {
        self.tokens()
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u32>> {
        Shard::read(self, offset, length).map_err(|error| TrainError::Data(error.to_string()))
    }
}

/// How a [`TokenStream`] is cut.
#[derive(Clone, Copy, Debug)]
pub struct StreamShape<'a> {
    /// What the documents are, for messages: `the corpus`, `the held-out text`.
    pub what: &'static str,
    /// The separator.
    pub end_of_text: u32,
    /// `T`, tokens in a row.
    pub sequence_length: usize,
    /// Whether attention stops at document borders and positions restart there.
    pub mask_documents: bool,
    /// Rows in a micro-batch; only to refuse a corpus shorter than one.
    pub batch_size: usize,
    /// The recipe section `batch_size` and `sequence_length` stand in, for messages.
    pub section: &'a str,
}

/// A document's place: where its tokens stand in the stream and in the store.
#[derive(Clone, Copy)]
struct Placed {
    /// Index in the stream of its first token.
    at: u64,
    /// Index in the store of its first token.
    from: u64,
    length: u64,
}

/// Documents laid end to end with separators between them, cut into rows.
pub struct TokenStream {
    store: Arc<dyn TokenStore>,
    placed: Vec<Placed>,
    /// Tokens of the stream, separators included.
    length: u64,
    end_of_text: u32,
    sequence_length: usize,
    mask_documents: bool,
    digest: String,
}

impl TokenStream {
    /// Lays out the documents of `store`. Separators a document already begins or ends with are not doubled, and
    /// empty documents vanish. Reads all tokens once, for the digest.
    ///
    /// # Errors
    /// [`TrainError::TooFewTokens`] when they do not fill one micro-batch.
    pub fn new(store: Arc<dyn TokenStore>, shape: &StreamShape) -> Result<Self> {
        let (placed, length, digest) = lay_out(&*store, shape)?;
        let needed = shape.batch_size as u64 * shape.sequence_length as u64 + 1;
        if length < needed {
            return Err(TrainError::TooFewTokens {
                what: shape.what,
                found: length,
                needed,
                batch_size: shape.batch_size,
                sequence_length: shape.sequence_length,
                section: shape.section.to_owned(),
            });
        }
        Ok(TokenStream {
            store,
            placed,
            length,
            end_of_text: shape.end_of_text,
            sequence_length: shape.sequence_length,
            mask_documents: shape.mask_documents,
            digest,
        })
    }

    /// Tokens of the stream, separators included.
    pub fn token_count(&self) -> u64 {
        self.length
    }

    /// Documents that are not empty.
    pub fn document_count(&self) -> usize {
        self.placed.len()
    }

    /// Tokens `start .. start + length` of the stream.
    fn read(&self, start: u64, length: usize) -> Result<Vec<u32>> {
        let end = start + length as u64;
        // Everything between documents is a separator.
        let mut out = vec![self.end_of_text; length];
        let first = self.placed.partition_point(|document| document.at + document.length <= start);
        for document in self.placed[first..].iter().take_while(|document| document.at < end) {
            let from = document.at.max(start);
            let to = (document.at + document.length).min(end);
            let tokens = self.store.read(document.from + (from - document.at), (to - from) as usize)?;
            out[(from - start) as usize..(to - start) as usize].copy_from_slice(&tokens);
        }
        Ok(out)
    }
}

impl DataSet for TokenStream {
    fn row_count(&self) -> u64 {
        (self.length - 1) / self.sequence_length as u64
    }

    fn rows(&self, indices: &[u64]) -> Result<TrainBatch> {
        let time = self.sequence_length;
        let items = indices.len() * time;
        let (mut ids, mut targets) = (Vec::with_capacity(items), Vec::with_capacity(items));
        for &row in indices {
            let tokens = self.read(row * time as u64, time + 1)?;
            ids.extend(&tokens[..time]);
            targets.extend(&tokens[1..]);
        }
        let (positions, document_of) = if self.mask_documents {
            let (positions, document_of) = documents_in(&ids, time, self.end_of_text);
            (positions, Some(document_of.into()))
        } else {
            (indices.iter().flat_map(|_| 0..time as u32).collect(), None)
        };
        let counts = Counts { tokens: items as u64, targets: items as u64, ..Counts::default() };
        Ok(TrainBatch {
            ids,
            batch: indices.len(),
            time,
            positions,
            document_of,
            is_bidirectional: false,
            targets,
            is_target: vec![true; items],
            is_padding: Vec::new(),
            answer_of: Vec::new(),
            reference: Vec::new(),
            counts,
        })
    }

    fn place(&self, indices: &[u64], batch: &TrainBatch, at: usize) -> String {
        let (row, place) = (indices[at / batch.time], at % batch.time);
        let in_stream = row * self.sequence_length as u64 + place as u64;
        // A separator belongs to the document it begins.
        let placed = self.placed.partition_point(|document| document.at <= in_stream + 1);
        let document = self.placed.get(placed.saturating_sub(1)).map_or(0, |document| document.from);
        let document = self.store.document_starts().partition_point(|&start| start <= document);
        format!("row {row} at place {place}, in document {document}")
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn is_running_text(&self) -> bool {
        !self.mask_documents
    }
}

/// Position inside, and number of, each token's document: a new one begins with every row and every separator.
fn documents_in(ids: &[u32], time: usize, end_of_text: u32) -> (Vec<u32>, Vec<u32>) {
    let (mut positions, mut document_of) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
    let (mut position, mut document) = (0, 0);
    for (index, &id) in ids.iter().enumerate() {
        if index > 0 && (index % time == 0 || id == end_of_text) {
            position = 0;
            document += 1;
        }
        positions.push(position);
        document_of.push(document);
        position += 1;
    }
    (positions, document_of)
}

/// One pass over the store: where each document goes, how long the stream is, and the digest.
fn lay_out(store: &dyn TokenStore, shape: &StreamShape) -> Result<(Vec<Placed>, u64, String)> {
    const BLOCK: u64 = 1 << 20;
    let starts = store.document_starts();
    let total = store.token_count();
    let ordered = starts.windows(2).all(|pair| pair[0] <= pair[1]);
    if !ordered || starts.last().is_some_and(|&last| last > total) || (total > 0 && starts.first() != Some(&0)) {
        return Err(TrainError::Data(format!("document starts do not divide the {total} tokens")));
    }
    let mut digest = Digest::new("token stream");
    for number in [shape.end_of_text.into(), shape.sequence_length as u64, shape.mask_documents.into()] {
        digest.number(number);
    }

    // Which of the tokens at the edges of documents are separators, found while the blocks go by.
    let mut begins = vec![false; starts.len()];
    let mut ends = vec![false; starts.len()];
    let end_of = |index: usize| starts.get(index + 1).copied().unwrap_or(total);
    let (mut next_begin, mut next_end) = (0, 0);
    for block_start in (0..total).step_by(BLOCK as usize) {
        let block = store.read(block_start, BLOCK.min(total - block_start) as usize)?;
        digest.ids(&block);
        let is_separator = |offset: u64| {
            offset.checked_sub(block_start).and_then(|local| block.get(local as usize)) == Some(&shape.end_of_text)
        };
        let block_end = block_start + block.len() as u64;
        while next_begin < starts.len() && starts[next_begin] < block_end {
            begins[next_begin] = is_separator(starts[next_begin]);
            next_begin += 1;
        }
        while next_end < starts.len() && end_of(next_end) <= block_end {
            ends[next_end] = end_of(next_end) > starts[next_end] && is_separator(end_of(next_end) - 1);
            next_end += 1;
        }
    }

    let mut placed = Vec::with_capacity(starts.len());
    let mut at = 1;
    for index in 0..starts.len() {
        digest.number(starts[index]);
        let from = starts[index] + u64::from(begins[index] && end_of(index) > starts[index]);
        let to = end_of(index).saturating_sub(u64::from(ends[index]));
        if to > from {
            placed.push(Placed { at, from, length: to - from });
            at += to - from + 1;
        }
    }
    let length = if placed.is_empty() { 0 } else { at };
    Ok((placed, length, digest.finish()))
}

#[cfg(test)]
mod tests {
    use lang::shards::ShardWriter;

    use super::*;

    const EOT: u32 = 0;

    fn stream(documents: &[&[u32]], sequence_length: usize, mask_documents: bool) -> Result<TokenStream> {
        let shape = StreamShape {
            what: "the corpus",
            end_of_text: EOT,
            sequence_length,
            mask_documents,
            batch_size: 1,
            section: "pretrain",
        };
        TokenStream::new(Arc::new(MemoryTokens::new(documents)), &shape)
    }

    #[test]
    fn separators_stand_between_documents_once() {
        for documents in [
            &[&[5, 6, 7][..], &[8], &[9, 10]][..],
            &[&[5, 6, 7, EOT], &[8, EOT], &[9, 10, EOT]],
            &[&[EOT, 5, 6, 7, EOT], &[], &[EOT], &[8], &[EOT, 9, 10]],
        ] {
            let stream = stream(documents, 3, false).unwrap();
            assert_eq!(stream.read(0, 10).unwrap(), [EOT, 5, 6, 7, EOT, 8, EOT, 9, 10, EOT]);
            assert_eq!((stream.token_count(), stream.document_count(), stream.row_count()), (10, 3, 3));
        }
    }

    #[test]
    fn rows_predict_every_token_once() {
        let documents: Vec<Vec<u32>> = (0..20).map(|d| (0..d % 7).map(|t| 1 + d * 10 + t).collect()).collect();
        let slices: Vec<&[u32]> = documents.iter().map(Vec::as_slice).collect();
        let stream = stream(&slices, 4, false).unwrap();
        let all = stream.read(0, stream.token_count() as usize).unwrap();
        let batch = stream.rows(&(0..stream.row_count()).collect::<Vec<_>>()).unwrap();
        assert_eq!(batch.ids, all[..batch.ids.len()]);
        assert_eq!(batch.targets, all[1..batch.ids.len() + 1]);
        assert!(all.len() - batch.ids.len() <= 4);
    }

    #[test]
    fn masked_rows_restart_at_each_separator() {
        let stream = stream(&[&[5, 6], &[7, 8, 9]], 3, true).unwrap();
        let batch = stream.rows(&[0, 1]).unwrap();
        assert_eq!(batch.ids, [EOT, 5, 6, EOT, 7, 8]);
        assert_eq!(batch.targets, [5, 6, EOT, 7, 8, 9]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 1, 2]);
        let stream = self::stream(&[&[5, 6], &[7, 8, 9]], 5, true).unwrap();
        let batch = stream.rows(&[0]).unwrap();
        assert_eq!(batch.ids, [EOT, 5, 6, EOT, 7]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 1]);
        assert_eq!(batch.document_of.unwrap()[..], [0, 0, 0, 1, 1]);
    }

    #[test]
    fn places_name_the_document() {
        // ⟨eot⟩ 5 6 ⟨eot⟩ 7 8 9 ⟨eot⟩; the second document of the store is empty.
        let stream = stream(&[&[5, 6], &[], &[7, 8, 9]], 3, true).unwrap();
        let batch = stream.rows(&[1, 0]).unwrap();
        assert_eq!(batch.ids, [EOT, 7, 8, EOT, 5, 6]);
        let places = [0, 1, 2, 3, 4, 5].map(|at| stream.place(&[1, 0], &batch, at));
        assert_eq!(places[0], "row 1 at place 0, in document 3");
        assert_eq!(places[2], "row 1 at place 2, in document 3");
        assert_eq!(places[3], "row 0 at place 0, in document 1");
        assert_eq!(places[5], "row 0 at place 2, in document 1");
    }

    #[test]
    fn a_shard_on_disk_reads_as_the_same_stream() {
        let documents: Vec<Vec<u32>> = (0..30).map(|d| (0..d % 5).map(|t| 1 + d * 7 + t).collect()).collect();
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().join("train");
        let mut writer = ShardWriter::create(&prefix, 300).unwrap();
        documents.iter().for_each(|document| writer.push(document).unwrap());
        writer.finish().unwrap();
        let shape = StreamShape {
            what: "the corpus",
            end_of_text: EOT,
            sequence_length: 8,
            mask_documents: true,
            batch_size: 2,
            section: "pretrain",
        };
        let memory = TokenStream::new(Arc::new(MemoryTokens::new(&documents)), &shape).unwrap();
        let disk = TokenStream::new(Arc::new(Shard::open(&prefix).unwrap()), &shape).unwrap();
        assert_eq!((memory.digest(), memory.row_count()), (disk.digest(), disk.row_count()));
        let (memory, disk) = (memory.rows(&[3, 0]).unwrap(), disk.rows(&[3, 0]).unwrap());
        assert_eq!((memory.ids, memory.targets), (disk.ids, disk.targets));
    }

    #[test]
    fn too_few_tokens_names_what_to_change() {
        let shape = StreamShape {
            what: "the corpus",
            end_of_text: EOT,
            sequence_length: 64,
            mask_documents: false,
            batch_size: 4,
            section: "pretrain",
        };
        let error = TokenStream::new(Arc::new(MemoryTokens::new([[1, 2, 3]])), &shape).err().unwrap().to_string();
        for part in ["the corpus has 5 tokens", "needs 257", "`pretrain.batch_size`", "`pretrain.sequence_length`"] {
            assert!(error.contains(part), "{error}");
        }
        let nothing = MemoryTokens::new(Vec::<Vec<u32>>::new());
        assert!(TokenStream::new(Arc::new(nothing), &shape).is_err());
    }

    #[test]
    fn the_digest_sees_tokens_borders_and_shape() {
        let base = stream(&[&[1, 2], &[3]], 2, false).unwrap();
        assert_eq!(base.digest(), stream(&[&[1, 2], &[3]], 2, false).unwrap().digest());
        for other in [
            stream(&[&[1, 2], &[4]], 2, false),
            stream(&[&[1], &[2, 3]], 2, false),
            stream(&[&[1, 2], &[3]], 1, false),
            stream(&[&[1, 2], &[3]], 2, true),
        ] {
            assert_ne!(base.digest(), other.unwrap().digest());
        }
    }
}
