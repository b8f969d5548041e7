//! Duplicates among documents, in bounded memory: fingerprints go to sorted runs on disk, equal keys meet in a merge,
//! candidates are verified, and components of the pairs become clusters.
//!
//! Nothing is held for every document but one bit. The same documents in the same order give the same verdicts
//! for any memory budget and any number of threads.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::components::{self, NODES, edge, ends};
use super::fingerprint::{Fingerprint, Fingerprinter, similarity};
use super::presets::{DocumentOptions, Representative};
use super::scratch::Scratch;
use super::sorter::{RecordReader, RecordWriter, Sorter};
use super::store::{Store, StoreWriter};
use super::verdicts::{self, Verdicts};
use crate::error::CorpusError;

/// The least memory the work can be done in.
pub const LEAST_MEMORY: u64 = 16 << 20;
/// In a band's bucket a document is compared with the first so many documents and with so many before it, so that a
/// bucket of a million variants of one form costs 64 million comparisons and not 500 thousand million. Exact duplicates
/// are no part of buckets.
const FIRSTS: usize = 16;
const NEIGHBOURS: usize = 48;
/// Candidates read ahead before their sets are fetched.
const PAIRS_AT_ONCE: usize = 1 << 15;

/// Deduplication of documents that are handed over one after another, in the order of the corpus.
pub struct DocumentDedup {
    fingerprinter: Arc<Fingerprinter>,
    options: DocumentOptions,
    memory: u64,
    scratch: Arc<Scratch>,
    documents: u64,
    exact: Sorter<(u128, u64)>,
    bands: Sorter<u128>,
    sets: Option<StoreWriter>,
    ids: StoreWriter,
    lengths: Option<RecordWriter<u64>>,
    bytes: Vec<u8>,
}

impl DocumentDedup {
    /// Starts; temporary files go into a folder of their own inside `scratch`, and about `memory` bytes are used.
    ///
    /// # Errors
    /// [`CorpusError::Setting`], [`CorpusError::Memory`] for less than [`LEAST_MEMORY`], [`CorpusError::Io`].
    pub fn new(options: &DocumentOptions, memory: u64, scratch: &Path) -> Result<DocumentDedup, CorpusError> {
        let fingerprinter = Arc::new(Fingerprinter::new(options)?);
        if memory < LEAST_MEMORY {
            return Err(CorpusError::memory("deduplication of documents", LEAST_MEMORY, memory));
        }
        let scratch = Scratch::create(scratch)?;
        let verify = options.near.as_ref().is_some_and(|near| near.verify.is_some());
        let sets = if verify { Some(StoreWriter::create(&scratch, "sets")?) } else { None };
        let longest = options.representative == Representative::Longest;
        let lengths = if longest { Some(RecordWriter::create(&scratch, "lengths")?) } else { None };
        Ok(DocumentDedup {
            fingerprinter,
            options: options.clone(),
            memory,
            documents: 0,
            exact: Sorter::new(&scratch, "exact", memory / 8),
            bands: Sorter::new(&scratch, "bands", memory / 2),
            sets,
            ids: StoreWriter::create(&scratch, "ids")?,
            lengths,
            bytes: Vec::new(),
            scratch,
        })
    }

    /// What makes the fingerprints, for any number of threads.
    pub fn fingerprinter(&self) -> Arc<Fingerprinter> {
        Arc::clone(&self.fingerprinter)
    }

    /// The next document. Its number, counted from 0, is returned.
    ///
    /// # Errors
    /// A full disk or another error of the temporary files.
    pub fn add(&mut self, id: &str, text: &str) -> Result<u64, CorpusError> {
        let fingerprint = self.fingerprinter.fingerprint(text);
        self.add_fingerprint(id, &fingerprint)
    }

    /// The next document, whose fingerprint was made elsewhere.
    ///
    /// # Errors
    /// As [`DocumentDedup::add`].
    pub fn add_fingerprint(&mut self, id: &str, fingerprint: &Fingerprint) -> Result<u64, CorpusError> {
        let number = self.documents;
        self.documents += 1;
        if self.options.exact.is_some() {
            self.exact.push((fingerprint.exact, number))?;
        }
        for (band, &key) in fingerprint.bands.iter().enumerate() {
            // Key, band, document: sorting brings a bucket together in the order of the corpus.
            self.bands.push((u128::from(key) << 64) | (band as u128) << 48 | u128::from(number % NODES))?;
        }
        if let Some(sets) = &mut self.sets {
            self.bytes.clear();
            self.bytes.extend(fingerprint.set.iter().flat_map(|hash| hash.to_le_bytes()));
            sets.put(&self.bytes)?;
        }
        if let Some(lengths) = &mut self.lengths {
            lengths.put(fingerprint.bytes)?;
        }
        self.ids.put(id.as_bytes())?;
        Ok(number)
    }

    /// Documents so far.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// Finds the clusters.
    ///
    /// # Errors
    /// [`CorpusError::Memory`] when even one bit a document is too much; errors of the temporary files.
    pub fn finish(self) -> Result<Verdicts, CorpusError> {
        let DocumentDedup { options, memory, scratch, documents, exact, bands, sets, ids, lengths, .. } = self;
        let ids = ids.finish()?;
        let lengths = lengths.map(RecordWriter::finish).transpose()?;
        let sets = sets.map(StoreWriter::finish).transpose()?;
        if documents.div_ceil(8) > memory / 4 {
            let what = format!("deduplication of {documents} documents");
            return Err(CorpusError::memory(what, documents.div_ceil(8) * 4, memory));
        }
        let mut later = Bits::new(documents);
        let mut edges = Sorter::new(&scratch, "pairs", memory / 4).unique();
        let mut sorted = exact.finish()?;
        let mut first: Option<(u128, u64)> = None;
        while let Some((key, number)) = sorted.next()? {
            match first {
                // 128 bits: among a thousand million documents a false match has a chance of 10^-21.
                Some((same, first)) if same == key => {
                    later.set(number);
                    edges.push(edge(first, number))?;
                }
                _ => first = Some((key, number)),
            }
        }
        drop(sorted);
        if let Some(near) = &options.near {
            let mut buckets = bands.finish()?;
            let mut candidates = Sorter::new(&scratch, "candidates", memory / 8).unique();
            let mut bucket = Bucket::default();
            while let Some(record) = buckets.next()? {
                let number = (record as u64) % NODES;
                if later.get(number) {
                    continue;
                }
                bucket.open(record >> 48);
                if near.verify.is_some() {
                    for &earlier in bucket.firsts.iter().chain(&bucket.nearest) {
                        // The earlier document first, so that sets are read in the order they lie in.
                        candidates.push(edge(earlier, number).rotate_left(64))?;
                    }
                } else if let Some(&first) = bucket.firsts.first() {
                    edges.push(edge(first, number))?;
                }
                bucket.add(number);
            }
            drop(buckets);
            if let (Some(threshold), Some(mut sets)) = (near.verify, sets) {
                verify(candidates, &mut sets, threshold, memory / 4, &mut edges)?;
            }
        }
        let stars = components::stars(&scratch, edges, memory / 2)?;
        let lengths = lengths.as_ref().map(RecordReader::open).transpose()?;
        verdicts::make(&scratch, stars, later, lengths, ids, documents, memory / 2)
    }
}

/// The documents of a band's bucket that the next one is compared with.
#[derive(Default)]
struct Bucket {
    key: Option<u128>,
    firsts: Vec<u64>,
    nearest: VecDeque<u64>,
}

impl Bucket {
    fn open(&mut self, key: u128) {
        if self.key != Some(key) {
            self.key = Some(key);
            self.firsts.clear();
            self.nearest.clear();
        }
    }

    fn add(&mut self, number: u64) {
        if self.firsts.len() < FIRSTS {
            self.firsts.push(number);
        } else {
            self.nearest.push_back(number);
            if self.nearest.len() > NEIGHBOURS {
                self.nearest.pop_front();
            }
        }
    }
}

/// Compares the sets of all candidates, as many at a time as `memory` holds; pairs that reach the threshold are edges.
fn verify(
    candidates: Sorter<u128>,
    sets: &mut Store,
    threshold: f64,
    memory: u64,
    edges: &mut Sorter<u128>,
) -> Result<(), CorpusError> {
    let mut sorted = candidates.finish()?;
    let mut held: HashMap<u64, Vec<u32>> = HashMap::new();
    let mut held_bytes = 0;
    let mut pairs: Vec<(u64, u64)> = Vec::with_capacity(PAIRS_AT_ONCE);
    let mut bytes = Vec::new();
    loop {
        let next = sorted.next()?;
        if let Some(record) = next {
            let (a, b) = ends(record);
            for number in [a, b] {
                if let std::collections::hash_map::Entry::Vacant(place) = held.entry(number) {
                    sets.get(number, &mut bytes)?;
                    let words = bytes.chunks_exact(4);
                    let set: Vec<u32> = words.map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
                    // A map's entry and an allocation cost about this much more.
                    held_bytes += bytes.len() as u64 + 100;
                    place.insert(set);
                }
            }
            pairs.push((a, b));
        }
        if next.is_none() || pairs.len() == PAIRS_AT_ONCE || held_bytes > memory {
            let found: Vec<bool> = pairs.par_iter().map(|(a, b)| alike(&held[a], &held[b], threshold)).collect();
            for (&(a, b), found) in pairs.iter().zip(found) {
                if found {
                    edges.push(edge(a, b))?;
                }
            }
            pairs.clear();
            if held_bytes > memory / 2 {
                held.clear();
                held_bytes = 0;
            }
        }
        if next.is_none() {
            return Ok(());
        }
    }
}

fn alike(a: &[u32], b: &[u32], threshold: f64) -> bool {
    // |A| / |B| bounds the similarity from above.
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    short as f64 >= threshold * long as f64 && similarity(a, b) >= threshold
}

/// One bit a document.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn new(count: u64) -> Bits {
        Bits(vec![0; count.div_ceil(64) as usize])
    }

    fn set(&mut self, number: u64) {
        self.0[(number / 64) as usize] |= 1 << (number % 64);
    }

    pub(super) fn get(&self, number: u64) -> bool {
        self.0[(number / 64) as usize] >> (number % 64) & 1 == 1
    }
}
