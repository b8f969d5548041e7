//! What became of every document that has duplicates: its cluster, which of it stays, and why.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::components::ends;
use super::document::Bits;
use super::scratch::{BlockFile, Scratch};
use super::sorter::{RecordReader, RecordWriter, Sorted, Sorter};
use super::store::Store;
use crate::error::CorpusError;

/// One document of a cluster of two or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Number of the document, from 0, in the order of the corpus.
    pub document: u64,
    /// Number of the document of its cluster that stays. It names the cluster.
    pub representative: u64,
    /// Documents in the cluster.
    pub cluster_size: u64,
    /// Why it is in it.
    pub reason: Reason,
}

impl Verdict {
    /// Whether this is the document that stays.
    pub fn kept(&self) -> bool {
        self.document == self.representative
    }
}

/// Why a document is in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It stands for its cluster.
    Representative,
    /// An earlier document has the same text, as far as the normalisation goes.
    SameText,
    /// Another document of the cluster shares most of its shingles.
    SimilarText,
}

impl Reason {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Representative => "representative",
            Reason::SameText => "same_text",
            Reason::SimilarText => "similar_text",
        }
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Documents added.
    pub documents: u64,
    /// Documents that stay.
    pub kept: u64,
    /// Documents that go.
    pub dropped: u64,
    /// Of these, with the text of an earlier one.
    pub dropped_same_text: u64,
    /// Clusters of two or more documents.
    pub clusters: u64,
    /// Documents in the largest cluster; 0 without clusters.
    pub largest_cluster: u64,
    /// Bytes written to temporary files.
    pub scratch_bytes: u64,
}

/// The verdicts, in the order of the corpus, once; and the clusters, in the order of their representatives.
pub struct Verdicts {
    summary: Summary,
    sorted: Sorted<(u64, (u64, u64))>,
    waiting: Option<Verdict>,
    clusters: Clusters,
}

impl Verdicts {
    /// The numbers.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The next document that is in a cluster; documents without duplicates are passed over.
    fn read(&mut self) -> Result<Option<Verdict>, CorpusError> {
        if let Some(verdict) = self.waiting.take() {
            return Ok(Some(verdict));
        }
        Ok(self.sorted.next()?.map(|(document, (representative, packed))| Verdict {
            document,
            representative,
            cluster_size: packed >> 2,
            reason: unpack(packed),
        }))
    }

    /// The verdict on one document, none when it has no duplicates. Must be asked in ascending order.
    ///
    /// # Errors
    /// Errors of the temporary files.
    pub fn of(&mut self, document: u64) -> Result<Option<Verdict>, CorpusError> {
        while let Some(verdict) = self.read()? {
            if verdict.document == document {
                return Ok(Some(verdict));
            }
            if verdict.document > document {
                self.waiting = Some(verdict);
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Goes on to the clusters.
    pub fn into_clusters(self) -> Clusters {
        self.clusters
    }
}

/// Documents that are in a cluster; those without duplicates are passed over.
impl Iterator for Verdicts {
    type Item = Result<Verdict, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A member of a cluster, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id, as it was added.
    pub id: String,
    /// The verdict on it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Members of all clusters: clusters in the order of their first documents, the representative first in each
/// and the others in the order of the corpus, or by falling length where the longest stays.
pub struct Clusters {
    members: RecordReader<(u128, u64)>,
    ids: Store,
    ready: std::vec::IntoIter<Member>,
}

/// Names fetched at once, in the order they lie in.
const NAMES_AT_ONCE: usize = 4096;

impl Clusters {
    fn read(&mut self) -> Result<Option<Member>, CorpusError> {
        if let Some(member) = self.ready.next() {
            return Ok(Some(member));
        }
        let mut batch = Vec::new();
        while batch.len() < NAMES_AT_ONCE
            && let Some((pair, packed)) = self.members.next()?
        {
            let (representative, document) = ends(pair);
            let verdict = Verdict { document, representative, cluster_size: packed >> 2, reason: unpack(packed) };
            batch.push(Member { id: String::new(), verdict });
        }
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|&index| batch[index].verdict.document);
        let mut bytes = Vec::new();
        for index in order {
            self.ids.get(batch[index].verdict.document, &mut bytes)?;
            batch[index].id = String::from_utf8_lossy(&bytes).into_owned();
        }
        self.ready = batch.into_iter();
        Ok(self.ready.next())
    }
}

/// A member that is its own representative begins the next cluster.
impl Iterator for Clusters {
    type Item = Result<Member, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn pack(size: u64, reason: Reason) -> u64 {
    size << 2
        | match reason {
            Reason::Representative => 0,
            Reason::SameText => 1,
            Reason::SimilarText => 2,
        }
}

fn unpack(packed: u64) -> Reason {
    match packed & 3 {
        0 => Reason::Representative,
        1 => Reason::SameText,
        _ => Reason::SimilarText,
    }
}

/// Turns (member, root) records into verdicts. `later` says which documents have the text of an earlier one; with
/// `lengths` the longest document of a cluster stands for it.
pub(super) fn make(
    scratch: &Arc<Scratch>,
    mut stars: Sorted<u128>,
    later: Bits,
    mut lengths: Option<RecordReader<u64>>,
    ids: Store,
    documents: u64,
    memory: u64,
) -> Result<Verdicts, CorpusError> {
    let share = memory / 3;
    // Every node of a cluster by its root, the root included, the representative first: (root, (rank, node)), where the
    // rank falls with the length.
    let mut nodes: Sorter<(u64, (u64, u64))> = Sorter::new(scratch, "nodes", share).unique();
    let mut roots: Sorter<u64> = Sorter::new(scratch, "roots", share).unique();
    let mut length_of = Lengths { reader: lengths.take(), at: 0 };
    // Lengths lie in the order of the corpus, and so do the members; the roots are put in order first.
    let mut members = RecordWriter::<u128>::create(scratch, "members")?;
    while let Some(star) = stars.next()? {
        members.put(star)?;
        roots.push(ends(star).1)?;
    }
    drop(stars);
    let members = members.finish()?;
    let mut members = RecordReader::<u128>::open(&members)?;
    let mut roots = roots.finish()?;
    let (mut member, mut root) = (members.next()?, roots.next()?);
    loop {
        let (node, root_of) = match (member.map(ends), root) {
            (Some((node, of)), Some(other)) if node < other => {
                member = members.next()?;
                (node, of)
            }
            (_, Some(other)) => {
                root = roots.next()?;
                (other, other)
            }
            (Some((node, of)), None) => {
                member = members.next()?;
                (node, of)
            }
            (None, None) => break,
        };
        let rank = u64::MAX - length_of.get(node)?;
        nodes.push((root_of, (rank, node)))?;
    }
    drop(roots);
    // Once to count, once to tell.
    let mut sorted = nodes.finish()?;
    let mut by_root = RecordWriter::<(u64, u64)>::create(scratch, "by-root")?;
    let mut sizes = RecordWriter::<u64>::create(scratch, "sizes")?;
    let mut count: Option<(u64, u64)> = None;
    while let Some((root, (_, node))) = sorted.next()? {
        by_root.put((root, node))?;
        match &mut count {
            Some((same, size)) if *same == root => *size += 1,
            _ => {
                if let Some((_, size)) = count.replace((root, 1)) {
                    sizes.put(size)?;
                }
            }
        }
    }
    drop(sorted);
    if let Some((_, size)) = count {
        sizes.put(size)?;
    }
    let (by_root, sizes) = (by_root.finish()?, sizes.finish()?);
    tell(scratch, &by_root, &sizes, &later, ids, documents, share)
}

fn tell(
    scratch: &Arc<Scratch>,
    by_root: &Arc<BlockFile>,
    sizes: &Arc<BlockFile>,
    later: &Bits,
    ids: Store,
    documents: u64,
    memory: u64,
) -> Result<Verdicts, CorpusError> {
    let mut summary = Summary { documents, kept: documents, ..Summary::default() };
    let mut nodes = RecordReader::<(u64, u64)>::open(by_root)?;
    let mut sizes = RecordReader::<u64>::open(sizes)?;
    let mut listed = RecordWriter::<(u128, u64)>::create(scratch, "clusters")?;
    let mut sorter: Sorter<(u64, (u64, u64))> = Sorter::new(scratch, "verdicts", memory);
    // Root, representative and size of the cluster we are in.
    let mut current: Option<(u64, u64, u64)> = None;
    while let Some((root, node)) = nodes.next()? {
        let (representative, size) = match current {
            Some((same, representative, size)) if same == root => (representative, size),
            _ => {
                let size = sizes.next()?.unwrap_or_default();
                current = Some((root, node, size));
                summary.clusters += 1;
                summary.largest_cluster = summary.largest_cluster.max(size);
                (node, size)
            }
        };
        let reason = if node == representative {
            Reason::Representative
        } else if later.get(node) {
            Reason::SameText
        } else {
            Reason::SimilarText
        };
        if node != representative {
            summary.kept -= 1;
            summary.dropped += 1;
            summary.dropped_same_text += u64::from(reason == Reason::SameText);
        }
        listed.put(((u128::from(representative) << 64) | u128::from(node), pack(size, reason)))?;
        sorter.push((node, (representative, pack(size, reason))))?;
    }
    let listed = listed.finish()?;
    let members = RecordReader::open(&listed)?;
    let sorted = sorter.finish()?;
    summary.scratch_bytes = scratch.written();
    let clusters = Clusters { members, ids, ready: Vec::new().into_iter() };
    Ok(Verdicts { summary, sorted, waiting: None, clusters })
}

/// Lengths by ascending number; 0 for all where they do not matter.
struct Lengths {
    reader: Option<RecordReader<u64>>,
    at: u64,
}

impl Lengths {
    fn get(&mut self, number: u64) -> Result<u64, CorpusError> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let mut length = 0;
        while self.at <= number {
            length = reader.next()?.unwrap_or_default();
            self.at += 1;
        }
        Ok(length)
    }
}
