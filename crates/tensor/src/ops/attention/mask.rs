//! Which keys a query may see, as a value. Every mask is a range of keys for each query, so attention never asks about a
//! single score.

use std::ops::Range;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::error::check_length;
use crate::{Result, TensorError};

/// Which keys a query may see. But for [`Mask::Cross`], queries and keys are the tokens of one row of the batch.
///
/// *Padding.* A decoder whose rows are padded at the end needs nothing: no query looks ahead, and nobody reads the
/// outputs at the padding. Where queries look ahead (encoders), or rows are padded at the front, padding is a document of
/// its own: [`Mask::PackedFull`], which [`Mask::padded`] makes from the rows' lengths, or [`Mask::Packed`]. Padding then
/// attends to padding, which is defined and finite, and no real token sees it. The padding of a source that is read by
/// [`Mask::Cross`] stands at its end and is left out of `seen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Itself and what came before (decoders).
    Causal,
    /// Everything (encoders).
    Full,
    /// Causal inside a document, nothing outside: several documents packed into one row of the batch.
    Packed {
        /// One number a token, (batch · time): a document is a run of equal numbers within a row of the batch.
        document_of: Arc<[u32]>,
    },
    /// Everything inside a document, nothing outside: packed or padded rows of an encoder.
    PackedFull {
        /// As in [`Mask::Packed`].
        document_of: Arc<[u32]>,
    },
    /// As [`Mask::SlidingWindow`] inside a document, nothing outside.
    PackedWindow {
        /// As in [`Mask::Packed`].
        document_of: Arc<[u32]>,
        /// As in [`Mask::SlidingWindow`].
        window: usize,
    },
    /// Itself and at most `window` − 1 tokens before it: the sliding window of Mistral (Jiang et al. 2023) as
    /// transformers counts it.
    SlidingWindow {
        /// Keys a query sees, itself included; at least 1. One that is longer than the sequence is [`Mask::Causal`].
        window: usize,
    },
    /// The first `length` tokens see each other; later ones see those and what came before (prefix language models).
    Prefix {
        /// Tokens of the prefix, the same for every row of the batch; 0 is [`Mask::Causal`].
        length: usize,
    },
    /// As [`Mask::Prefix`] with a length for every row.
    Prefixes {
        /// Tokens of the prefix of each row, (batch).
        lengths: Arc<[usize]>,
    },
    /// Every query of a row sees the first tokens of the same row of another sequence, from which keys and values come:
    /// a decoder that reads what an encoder made.
    Cross {
        /// Tokens a row of the other sequence: keys and values are (batch · key_time, …).
        key_time: usize,
        /// How many keys of each row may be seen, (batch). A row with 0 sees nothing, and its outputs are 0.
        seen: Arc<[usize]>,
    },
}

impl Mask {
    /// Everything but padding, for an encoder's batch of rows of `time` tokens whose first `lengths[b]` are real.
    ///
    /// # Errors
    /// When a length is over `time`.
    pub fn padded(lengths: &[usize], time: usize) -> Result<Mask> {
        check_counts("Mask::padded", "length of a row", lengths, time)?;
        let documents = lengths.iter().flat_map(|&length| (0..time).map(move |t| u32::from(t >= length)));
        Ok(Mask::PackedFull { document_of: documents.collect() })
    }

    /// The keys that every query sees, (batch · time) ranges: what a picture of the mask is drawn from.
    ///
    /// # Errors
    /// When the mask does not fit a batch of `batch` rows of `time` tokens.
    pub fn ranges(&self, batch: usize, time: usize) -> Result<Vec<Range<usize>>> {
        let spans = Spans::new(self, batch, time)?;
        Ok((0..batch * time).map(|row| spans.of(row / time, row % time)).map(|(start, end)| start..end).collect())
    }
}

fn check_counts(op: &'static str, what: &'static str, counts: &[usize], limit: usize) -> Result<()> {
    match counts.iter().find(|&&count| count > limit) {
        Some(&count) => Err(TensorError::Index { op, what, index: count as u64, limit: limit as u64 + 1 }),
        None => Ok(()),
    }
}

/// The ranges of a mask for the sizes of a batch.
pub(crate) struct Spans {
    time: usize,
    /// Tokens a row of the sequence that keys come from.
    pub(crate) key_time: usize,
    /// (time) when all rows of the batch are alike, (batch · time) otherwise; start and end.
    spans: Buffer<[u32; 2]>,
}

impl Spans {
    pub(super) fn new(mask: &Mask, batch: usize, time: usize) -> Result<Spans> {
        const OP: &str = super::OP;
        match mask {
            Mask::Packed { document_of }
            | Mask::PackedFull { document_of }
            | Mask::PackedWindow { document_of, .. } => {
                check_length(OP, "document numbers", document_of.len(), batch * time)?;
            }
            Mask::Prefixes { lengths } => check_length(OP, "lengths of prefixes", lengths.len(), batch)?,
            Mask::Cross { key_time, seen } => {
                if *key_time == 0 {
                    return Err(TensorError::Empty { op: OP, shape: vec![batch, *key_time] });
                }
                check_length(OP, "counts of keys", seen.len(), batch)?;
                check_counts(OP, "count of keys", seen, *key_time)?;
            }
            Mask::Causal | Mask::Full | Mask::SlidingWindow { .. } | Mask::Prefix { .. } => {}
        }
        if let Mask::SlidingWindow { window: 0 } | Mask::PackedWindow { window: 0, .. } = mask {
            return Err(TensorError::argument(OP, "a window of 0 keys leaves a query nothing to see"));
        }

        let alike = |end: &dyn Fn(usize) -> usize| Buffer::collect(time, (0..time).map(|t| [0, end(t) as u32]));
        let by_row = |end: &dyn Fn(usize, usize) -> usize| {
            Buffer::collect(batch * time, (0..batch * time).map(|row| [0, end(row / time, row % time) as u32]))
        };
        let prefix = |t: usize, length: usize| (t + 1).max(length).min(time);
        let spans = match mask {
            Mask::Causal => alike(&|t| t + 1),
            Mask::Full => alike(&|_| time),
            Mask::SlidingWindow { window } => Buffer::collect(time, (0..time).map(|t| last(t, 0, *window))),
            Mask::Prefix { length } => alike(&|t| prefix(t, *length)),
            Mask::Prefixes { lengths } => by_row(&|row, t| prefix(t, lengths[row])),
            Mask::Packed { document_of } => by_document(document_of, time, |t, document| span(document.start, t + 1)),
            Mask::PackedFull { document_of } => {
                by_document(document_of, time, |_, document| span(document.start, document.end))
            }
            Mask::PackedWindow { document_of, window } => {
                by_document(document_of, time, |t, document| last(t, document.start, *window))
            }
            Mask::Cross { seen, .. } => by_row(&|row, _| seen[row]),
        };
        let key_time = if let Mask::Cross { key_time, .. } = mask { *key_time } else { time };
        Ok(Spans { time, key_time, spans })
    }

    /// The keys that query `t` of row `b` sees.
    pub(crate) fn of(&self, b: usize, t: usize) -> (usize, usize) {
        let base = if self.spans.len() > self.time { b * self.time } else { 0 };
        let [start, end] = self.spans[base + t];
        (start as usize, end as usize)
    }

    /// The keys that any query of a block sees.
    pub(crate) fn union(&self, b: usize, block: Range<usize>) -> (usize, usize) {
        let spans = block.map(|t| self.of(b, t));
        spans.fold((usize::MAX, 0), |(low, high), (start, end)| (low.min(start), high.max(end)))
    }
}

/// Query `t` and what came before it, from `start` on and at most `window` keys.
fn last(t: usize, start: usize, window: usize) -> [u32; 2] {
    span((t + 1).saturating_sub(window).max(start), t + 1)
}

fn span(start: usize, end: usize) -> [u32; 2] {
    [start as u32, end as u32]
}

/// For every token, the keys that `of(token, its document)` says; both count within the row.
fn by_document(document_of: &[u32], time: usize, of: impl Fn(usize, &Range<usize>) -> [u32; 2]) -> Buffer<[u32; 2]> {
    let mut spans = Buffer::scratch(document_of.len());
    for (row, spans) in document_of.chunks(time).zip(spans.chunks_mut(time)) {
        let mut start = 0;
        for document in row.chunk_by(|a, b| a == b) {
            let range = start..start + document.len();
            for t in range.clone() {
                spans[t] = of(t, &range);
            }
            start = range.end;
        }
    }
    spans
}
