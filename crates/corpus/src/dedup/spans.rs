//! Repeated parts of documents: lines, sentences, paragraphs, or any run of tokens or bytes, within and across
//! documents, in bounded memory.
//!
//! One machine serves all levels. A document is cut into units; every run of `span` units has a 128-bit key; keys of the
//! whole corpus are sorted outside memory; runs that occur again are cut out in a second reading of the corpus. With
//! tokens and a span of 50 this is exact-substring deduplication (Lee et al. 2107.06499): a place lies in a repeated
//! substring of 50 tokens or more exactly when it lies in a 50-token run that occurs elsewhere, so sorting all runs finds
//! what a suffix array finds, and repeats between blocks of the corpus meet in the merge like any others.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

use super::document::LEAST_MEMORY;
use super::normalise::Normalisation;
use super::scratch::Scratch;
use super::sorter::{Sorted, Sorter};
use super::units::{Unit, units};
use crate::error::CorpusError;

/// Which parts of documents count as repeated, and what happens then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanOptions {
    /// Name of the preset these started from.
    pub preset: String,
    /// What a document is cut into.
    pub unit: Unit,
    /// Units in a run that is compared.
    pub span: usize,
    /// Applied to lines, sentences and paragraphs before they are compared; tokens and bytes are compared as they stand.
    pub normalisation: Normalisation,
    /// Which occurrences stay.
    pub keep: Keep,
    /// Occurrences are counted in buckets of so many documents; 0: in the whole corpus.
    pub bucket_documents: u64,
    /// An occurrence that overlaps the one that stays is left alone, so that the latter stays whole.
    pub spare_overlaps: bool,
    /// A part of fewer words than this is not cut out.
    pub min_span_words: usize,
    /// A changed document with fewer words than this is dropped.
    pub min_document_words: usize,
    /// A changed document with fewer units than this is dropped.
    pub min_document_units: usize,
}

/// Which occurrences of a repeated run stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The first so many.
    First(u64),
    /// All when there are at most so many, else none.
    AtMost(u64),
}

/// Names [`SpanOptions::preset`] knows.
pub const SPAN_PRESETS: [&str; 9] =
    ["line", "sentence", "paragraph", "substring", "bytes", "c4", "datatrove-sentence", "ccnet", "llama3"];

impl SpanOptions {
    /// What is compared, in words.
    pub fn described(&self) -> String {
        let unit = match self.unit {
            Unit::Line => "lines",
            Unit::Sentence => "sentences",
            Unit::Paragraph => "paragraphs",
            Unit::Token => "tokens",
            Unit::Byte => "bytes",
        };
        if self.span == 1 { unit.to_owned() } else { format!("runs of {} {unit}", self.span) }
    }

    /// The settings of this name; none when there are none.
    ///
    /// `c4`: three-sentence spans, all but the first cut (1910.10683). `datatrove-sentence`: the same with datatrove's
    /// defaults (documents left with fewer than 50 words or 3 sentences go). `ccnet`: lines, all but the first
    /// (1911.00359; dolma's paragraphs are these lines too). `llama3`: lines seen more than six times in 30 million documents go
    /// everywhere (2407.21783). `substring`: 50 tokens; `bytes`: 100 bytes, which are 50 tokens of two bytes in the
    /// tool of Lee et al.
    pub fn preset(name: &str) -> Option<SpanOptions> {
        let base = SpanOptions {
            preset: name.to_string(),
            unit: Unit::Line,
            span: 1,
            normalisation: Normalisation::WORDS,
            keep: Keep::First(1),
            bucket_documents: 0,
            spare_overlaps: true,
            min_span_words: 0,
            min_document_words: 0,
            min_document_units: 0,
        };
        let three = SpanOptions {
            unit: Unit::Sentence,
            span: 3,
            normalisation: Normalisation::ALL,
            spare_overlaps: false,
            ..base.clone()
        };
        Some(match name {
            "line" => base,
            "sentence" => SpanOptions { unit: Unit::Sentence, ..base },
            "paragraph" => SpanOptions { unit: Unit::Paragraph, ..base },
            "substring" => SpanOptions { unit: Unit::Token, span: 50, ..base },
            "bytes" => SpanOptions { unit: Unit::Byte, span: 100, ..base },
            "c4" => three,
            "datatrove-sentence" => SpanOptions { min_document_words: 50, min_document_units: 3, ..three },
            "ccnet" => SpanOptions { normalisation: Normalisation::ALL, ..base },
            "llama3" => SpanOptions { keep: Keep::AtMost(6), bucket_documents: 30_000_000, ..base },
            _ => return None,
        })
    }
}

/// First reading: takes documents in order.
pub struct SpanDedup {
    options: SpanOptions,
    scratch: Arc<Scratch>,
    memory: u64,
    documents: u64,
    /// Units of all documents so far.
    position: u64,
    keys: Sorter<(u128, u64)>,
}

/// The keys of one document's runs, made on any thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanKeys {
    units: u64,
    runs: Vec<u128>,
}

impl SpanKeys {
    /// Of this text.
    pub fn of(text: &str, options: &SpanOptions) -> SpanKeys {
        let mut out = SpanKeys::default();
        let span = options.span.max(1);
        let mut ring: VecDeque<u128> = VecDeque::with_capacity(span + 1);
        let (mut state, top) = (0u128, BASE.wrapping_pow(span as u32));
        let mut normalised = String::new();
        units(text, options.unit, |piece| {
            let hash = if matches!(options.unit, Unit::Token | Unit::Byte) {
                xxh3_128(piece.as_bytes())
            } else {
                normalised.clear();
                options.normalisation.apply(piece.text(), &mut normalised);
                xxh3_128(normalised.as_bytes())
            };
            out.units += 1;
            state = state.wrapping_mul(BASE).wrapping_add(hash);
            ring.push_back(hash);
            if ring.len() > span
                && let Some(gone) = ring.pop_front()
            {
                state = state.wrapping_sub(gone.wrapping_mul(top));
            }
            if ring.len() == span {
                out.runs.push(state);
            }
        });
        out
    }
}

const BASE: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl SpanDedup {
    /// Starts; temporary files go into a folder of their own inside `scratch`.
    ///
    /// # Errors
    /// [`CorpusError::Setting`], [`CorpusError::Memory`] for less than [`LEAST_MEMORY`], [`CorpusError::Io`].
    pub fn new(options: &SpanOptions, memory: u64, scratch: &Path) -> Result<SpanDedup, CorpusError> {
        if !(1..=1_000_000).contains(&options.span) {
            let value = options.span.to_string();
            return Err(CorpusError::Setting { key: "span", value, expected: "from 1 to 1000000 units".to_string() });
        }
        if options.keep == Keep::First(0) || options.keep == Keep::AtMost(0) {
            let expected = "at least one occurrence".to_string();
            return Err(CorpusError::Setting { key: "keep", value: "0".to_string(), expected });
        }
        if memory < LEAST_MEMORY {
            return Err(CorpusError::memory("deduplication of parts of documents", LEAST_MEMORY, memory));
        }
        let scratch = Scratch::create(scratch)?;
        let keys = Sorter::new(&scratch, "spans", memory / 2);
        Ok(SpanDedup { options: options.clone(), scratch, memory, documents: 0, position: 0, keys })
    }

    /// The next document.
    ///
    /// # Errors
    /// A full disk or another error of the temporary files.
    pub fn add(&mut self, text: &str) -> Result<(), CorpusError> {
        let keys = SpanKeys::of(text, &self.options);
        self.add_keys(&keys)
    }

    /// The next document, whose keys were made elsewhere.
    ///
    /// # Errors
    /// As [`SpanDedup::add`].
    pub fn add_keys(&mut self, keys: &SpanKeys) -> Result<(), CorpusError> {
        let bucket = self.documents.checked_div(self.options.bucket_documents).unwrap_or(0);
        for (offset, run) in keys.runs.iter().enumerate() {
            let key = xxh3_128_with_seed(&run.to_le_bytes(), bucket);
            self.keys.push((key, self.position + offset as u64))?;
        }
        // A unit nobody has keeps the runs of two documents apart where positions are compared.
        self.position += keys.units + self.options.span as u64;
        self.documents += 1;
        Ok(())
    }

    /// Finds what repeats.
    ///
    /// # Errors
    /// Errors of the temporary files.
    pub fn finish(self) -> Result<SpanRemovals, CorpusError> {
        let SpanDedup { options, scratch, memory, keys, .. } = self;
        let mut marks: Sorter<u64> = Sorter::new(&scratch, "marks", memory / 4);
        let mut sorted = keys.finish()?;
        let mut group = Group::default();
        while let Some((key, position)) = sorted.next()? {
            group.next(key, position, &options, &mut marks)?;
        }
        drop(sorted);
        Ok(SpanRemovals {
            options,
            marks: marks.finish()?,
            waiting: None,
            position: 0,
            summary: SpanSummary { scratch_bytes: scratch.written(), ..SpanSummary::default() },
        })
    }
}

/// Occurrences of one run, in order.
#[derive(Default)]
struct Group {
    key: Option<u128>,
    seen: u64,
    /// The last occurrence that stays.
    kept: u64,
    /// Occurrences that may yet prove too many.
    held: Vec<u64>,
}

impl Group {
    fn next(
        &mut self,
        key: u128,
        position: u64,
        options: &SpanOptions,
        marks: &mut Sorter<u64>,
    ) -> Result<(), CorpusError> {
        if self.key != Some(key) {
            self.key = Some(key);
            self.seen = 0;
            self.held.clear();
        }
        self.seen += 1;
        match options.keep {
            Keep::First(most) if self.seen <= most => self.kept = position,
            Keep::First(_) => {
                if !(options.spare_overlaps && position < self.kept + options.span as u64) {
                    marks.push(position)?;
                }
            }
            Keep::AtMost(most) if self.seen <= most => self.held.push(position),
            Keep::AtMost(_) => {
                for position in self.held.drain(..).chain([position]) {
                    marks.push(position)?;
                }
            }
        }
        Ok(())
    }
}

/// How much of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanSummary {
    /// Documents read a second time.
    pub documents: u64,
    /// Documents something was cut out of, those dropped included.
    pub changed: u64,
    /// Documents dropped because too little was left.
    pub dropped: u64,
    /// Parts cut out.
    pub spans: u64,
    /// Bytes cut out.
    pub removed_bytes: u64,
    /// Bytes written to temporary files.
    pub scratch_bytes: u64,
}

/// Second reading: the same documents in the same order, cut.
pub struct SpanRemovals {
    options: SpanOptions,
    marks: Sorted<u64>,
    waiting: Option<u64>,
    position: u64,
    summary: SpanSummary,
}

/// A document after its repeated parts are cut out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What is left.
    pub text: String,
    /// What was cut out, as byte ranges of the text given, in order.
    pub removed: Vec<std::ops::Range<usize>>,
    /// Too little is left: the document goes.
    pub dropped: bool,
}

impl SpanRemovals {
    /// The next document, as it was given to [`SpanDedup::add`].
    ///
    /// # Errors
    /// Errors of the temporary files.
    pub fn cut(&mut self, text: &str) -> Result<Cut, CorpusError> {
        let mut starts = Vec::new();
        units(text, self.options.unit, |piece| starts.push(piece.start));
        let begin = self.position;
        let end = begin + starts.len() as u64;
        self.position = end + self.options.span as u64;
        // Runs of unit numbers to cut.
        let mut runs: Vec<(usize, usize)> = Vec::new();
        while let Some(mark) = self.next_mark()? {
            if mark >= end {
                self.waiting = Some(mark);
                break;
            }
            let from = (mark - begin) as usize;
            let to = from + self.options.span;
            match runs.last_mut() {
                Some((_, last)) if from <= *last => *last = to.max(*last),
                _ => runs.push((from, to)),
            }
        }
        self.summary.documents += 1;
        let cut = self.apply(text, &starts, &runs);
        if !cut.removed.is_empty() {
            self.summary.changed += 1;
            self.summary.dropped += u64::from(cut.dropped);
            self.summary.spans += cut.removed.len() as u64;
            self.summary.removed_bytes += cut.removed.iter().map(|range| range.len() as u64).sum::<u64>();
        }
        Ok(cut)
    }

    fn next_mark(&mut self) -> Result<Option<u64>, CorpusError> {
        match self.waiting.take() {
            Some(mark) => Ok(Some(mark)),
            None => self.marks.next(),
        }
    }

    fn apply(&self, text: &str, starts: &[usize], runs: &[(usize, usize)]) -> Cut {
        let start_of = |unit: usize| starts.get(unit).copied().unwrap_or(text.len());
        let mut cut = Cut::default();
        let (mut at, mut left) = (0, starts.len());
        for &(from, to) in runs {
            // Whole characters only.
            let range = text.ceil_char_boundary(start_of(from))..text.floor_char_boundary(start_of(to));
            let words = || text[range.clone()].split_whitespace().count();
            if range.is_empty() || (self.options.min_span_words > 0 && words() < self.options.min_span_words) {
                continue;
            }
            left -= to - from;
            cut.text.push_str(&text[at..range.start]);
            at = range.end;
            cut.removed.push(range);
        }
        cut.text.push_str(&text[at..]);
        if !cut.removed.is_empty() {
            let trimmed = cut.text.trim();
            if trimmed.len() != cut.text.len() {
                cut.text = trimmed.to_string();
            }
            cut.dropped = cut.text.is_empty()
                || left < self.options.min_document_units
                || (self.options.min_document_words > 0
                    && cut.text.split_whitespace().count() < self.options.min_document_words);
        }
        cut
    }

    /// What was cut so far.
    pub fn summary(&self) -> SpanSummary {
        self.summary
    }
}
