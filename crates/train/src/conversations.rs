//! Masked sequences for tuning: conversations whose answers are the targets, several to a row.
//!
//! Rows are filled best-fit-decreasing (longest first, each into the fullest row it still fits), which wastes little
//! and depends on nothing but the lengths. Attention stays inside each conversation and positions restart, so the loss
//! equals that of one conversation a row (Krell et al., "Efficient Sequence Packing without Cross-contamination", 2021).

use std::collections::BTreeSet;

use crate::batch::{Counts, DataSet, TrainBatch};
use crate::digest::Digest;
use crate::error::{Result, TrainError};

/// Tokens of which some are to be learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetSequence {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Whether each token counts in the loss; as long as `ids`. The first cannot be predicted and never counts.
    pub is_target: Vec<bool>,
}

impl From<lang::chat::Masked> for TargetSequence {
    fn from(masked: lang::chat::Masked) -> Self {
        TargetSequence { ids: masked.ids, is_target: masked.is_target }
    }
}

impl TargetSequence {
    /// How many tokens are predicted, counting for the loss or not: one less than there are.
    pub(crate) fn steps(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }

    /// How many predicted tokens count.
    pub(crate) fn targets(&self) -> usize {
        self.is_target.iter().skip(1).filter(|&&counts| counts).count()
    }

    pub(crate) fn check(&self, index: usize) -> Result<()> {
        if self.ids.len() == self.is_target.len() {
            return Ok(());
        }
        let (ids, flags) = (self.ids.len(), self.is_target.len());
        Err(TrainError::Data(format!("sequence {index} has {ids} tokens but {flags} target flags")))
    }

    pub(crate) fn add_to(&self, digest: &mut Digest) {
        digest.ids(&self.ids);
        digest.bytes(&self.is_target.iter().map(|&counts| counts.into()).collect::<Vec<u8>>());
    }
}

/// What packing did, for the log and the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct PackingReport {
    /// Sequences given.
    pub given: usize,
    /// Sequences in rows.
    pub packed: usize,
    /// Sequences left out because they are longer than a row.
    pub too_long: usize,
    /// Sequences left out because nothing in them counts.
    pub without_target: usize,
    /// Rows.
    pub rows: usize,
    /// Tokens that count in the loss.
    pub target_tokens: u64,
    /// Share of all row places that hold a token.
    pub filled: f64,
}

/// Conversations packed into rows.
#[derive(Debug)]
pub struct PackedConversations {
    sequences: Vec<TargetSequence>,
    /// Which of the conversations given each of them is.
    given: Vec<usize>,
    /// Which sequences each row holds, in order.
    rows: Vec<Vec<usize>>,
    sequence_length: usize,
    report: PackingReport,
    digest: String,
}

impl PackedConversations {
    /// Packs `sequences` into rows of `sequence_length`; `section` is the recipe section that key stands in.
    ///
    /// # Errors
    /// When ids and flags of a sequence differ in number, or nothing is left to learn from.
    pub fn new(sequences: Vec<TargetSequence>, sequence_length: usize, section: &str) -> Result<Self> {
        let mut report = PackingReport { given: sequences.len(), ..PackingReport::default() };
        let mut digest = Digest::new("packed conversations");
        digest.number(sequence_length as u64);
        let (mut kept, mut given) = (Vec::with_capacity(sequences.len()), Vec::with_capacity(sequences.len()));
        for (index, sequence) in sequences.into_iter().enumerate() {
            sequence.check(index)?;
            sequence.add_to(&mut digest);
            if sequence.targets() == 0 {
                report.without_target += 1;
            } else if sequence.steps() > sequence_length {
                report.too_long += 1;
            } else {
                report.target_tokens += sequence.targets() as u64;
                kept.push(sequence);
                given.push(index);
            }
        }
        if kept.is_empty() {
            return Err(TrainError::NoTargets {
                what: "conversations",
                given: report.given,
                too_long: report.too_long,
                without_target: report.without_target,
                sequence_length,
                section: section.to_owned(),
            });
        }
        let rows = best_fit_decreasing(&kept.iter().map(TargetSequence::steps).collect::<Vec<_>>(), sequence_length);
        report.packed = kept.len();
        report.rows = rows.len();
        let held: usize = kept.iter().map(TargetSequence::steps).sum();
        report.filled = held as f64 / (rows.len() * sequence_length) as f64;
        Ok(PackedConversations { sequences: kept, given, rows, sequence_length, report, digest: digest.finish() })
    }

    /// What packing did.
    pub fn report(&self) -> &PackingReport {
        &self.report
    }
}

impl DataSet for PackedConversations {
    fn row_count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn rows(&self, indices: &[u64]) -> Result<TrainBatch> {
        let mut rows = RowBuilder::default();
        for &row in indices {
            let members = self.rows.get(row as usize).map(Vec::as_slice).unwrap_or_default();
            for &member in members {
                rows.push(&self.sequences[member]);
            }
            rows.pad_row(self.sequence_length);
        }
        Ok(rows.finish(indices.len(), self.sequence_length, true))
    }

    fn place(&self, indices: &[u64], batch: &TrainBatch, at: usize) -> String {
        let (row, place) = (indices[at / batch.time], at % batch.time);
        let members = self.rows.get(row as usize).map(Vec::as_slice).unwrap_or_default();
        let lengths: Vec<usize> = members.iter().map(|&member| self.sequences[member].steps()).collect();
        let what = match member_at(&lengths, place) {
            Some(member) => format!("conversation {}", self.given[members[member]] + 1),
            None => "the padding".to_owned(),
        };
        format!("row {row} at place {place}, in {what}")
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}

/// Which of the sequences of these lengths, laid one after another, place `at` belongs to; none is the padding.
pub(crate) fn member_at(lengths: &[usize], at: usize) -> Option<usize> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    ends.zip(0..).find(|(end, _)| at < *end).map(|(_, member)| member)
}

/// Lays sequences into rows; shared with preference pairs.
#[derive(Default)]
pub(crate) struct RowBuilder {
    ids: Vec<u32>,
    positions: Vec<u32>,
    document_of: Vec<u32>,
    targets: Vec<u32>,
    is_target: Vec<bool>,
    is_padding: Vec<bool>,
    documents: u32,
    pub(crate) counts: Counts,
}

impl RowBuilder {
    /// Appends a sequence as a document of its own.
    pub(crate) fn push(&mut self, sequence: &TargetSequence) {
        let steps = sequence.steps();
        self.ids.extend(&sequence.ids[..steps]);
        self.targets.extend(sequence.ids.iter().skip(1));
        self.is_target.extend(sequence.is_target.iter().skip(1));
        self.is_padding.extend(std::iter::repeat_n(false, steps));
        self.positions.extend(0..steps as u32);
        self.end_document(steps);
        self.counts.tokens += steps as u64;
        self.counts.targets += sequence.targets() as u64;
    }

    /// Fills the row being built up to `time` tokens; the padding is a document of its own that never counts.
    pub(crate) fn pad_row(&mut self, time: usize) {
        let missing = self.ids.len().next_multiple_of(time) - self.ids.len();
        self.ids.extend(std::iter::repeat_n(0, missing));
        self.targets.extend(std::iter::repeat_n(0, missing));
        self.is_target.extend(std::iter::repeat_n(false, missing));
        self.is_padding.extend(std::iter::repeat_n(true, missing));
        self.positions.extend(0..missing as u32);
        self.end_document(missing);
    }

    fn end_document(&mut self, length: usize) {
        self.document_of.extend(std::iter::repeat_n(self.documents, length));
        self.documents += 1;
    }

    pub(crate) fn finish(self, batch: usize, time: usize, mask_documents: bool) -> TrainBatch {
        TrainBatch {
            ids: self.ids,
            batch,
            time,
            positions: self.positions,
            document_of: mask_documents.then(|| self.document_of.into()),
            is_bidirectional: false,
            targets: self.targets,
            is_target: self.is_target,
            is_padding: self.is_padding,
            answer_of: Vec::new(),
            reference: Vec::new(),
            counts: self.counts,
        }
    }
}

/// Rows of at most `capacity`, each a list of indices into `lengths` (none of which is longer than `capacity`).
pub(crate) fn best_fit_decreasing(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let mut longest_first: Vec<usize> = (0..lengths.len()).collect();
    longest_first.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), index));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    // (free places, row), so that the first entry not below a length is the fullest row it fits.
    let mut free: BTreeSet<(usize, usize)> = BTreeSet::new();
    for index in longest_first {
        let length = lengths[index];
        let (space, row) = match free.range((length, 0)..).next().copied() {
            Some(fit) => {
                free.remove(&fit);
                fit
            }
            None => {
                rows.push(Vec::new());
                (capacity, rows.len() - 1)
            }
        };
        rows[row].push(index);
        free.insert((space - length, row));
    }
    rows
}

#[cfg(test)]
mod tests {
    use lang::rng::Rng;

    use super::*;

    fn sequence(ids: &[u32], targets_from: usize) -> TargetSequence {
        TargetSequence { ids: ids.to_vec(), is_target: (0..ids.len()).map(|i| i >= targets_from).collect() }
    }

    #[test]
    fn best_fit_takes_the_fullest_row_that_fits() {
        // 7 opens row 0 (3 free), 6 opens row 1 (4 free), 4 goes into row 1, 3 into row 0, 2 opens row 2.
        assert_eq!(best_fit_decreasing(&[2, 3, 4, 6, 7], 10), [vec![4, 1], vec![3, 2], vec![0]]);
        assert_eq!(best_fit_decreasing(&[5, 5, 5], 10), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn every_sequence_is_packed_once_and_no_row_overflows() {
        let mut rng = Rng::new(2);
        let lengths: Vec<usize> = (0..500).map(|_| 1 + rng.index(64)).collect();
        let rows = best_fit_decreasing(&lengths, 64);
        let mut seen: Vec<usize> = rows.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row.iter().map(|&i| lengths[i]).sum::<usize>() <= 64));
        let waste = 1.0 - lengths.iter().sum::<usize>() as f64 / (rows.len() * 64) as f64;
        assert!(waste < 0.03, "{waste}");
    }

    #[test]
    fn places_name_the_conversation() {
        // The first has nothing to learn; the others stand in one row of seven, the longest first.
        let given = vec![sequence(&[9, 9], 2), sequence(&[1, 2, 3], 2), sequence(&[4, 5, 6, 7], 1)];
        let packed = PackedConversations::new(given, 7, "tune").unwrap();
        let batch = packed.rows(&[0]).unwrap();
        assert_eq!(batch.ids[..5], [4, 5, 6, 1, 2]);
        let place = |at| packed.place(&[0], &batch, at);
        assert_eq!(place(2), "row 0 at place 2, in conversation 3");
        assert_eq!(place(3), "row 0 at place 3, in conversation 2");
        assert_eq!(place(6), "row 0 at place 6, in the padding");
    }

    #[test]
    fn a_row_holds_documents_with_restarting_positions() {
        let packed =
            PackedConversations::new(vec![sequence(&[1, 2, 3], 2), sequence(&[4, 5, 6, 7], 1)], 7, "tune").unwrap();
        let batch = packed.rows(&[0]).unwrap();
        assert_eq!(batch.ids, [4, 5, 6, 1, 2, 0, 0]);
        assert_eq!(batch.targets, [5, 6, 7, 2, 3, 0, 0]);
        assert_eq!(batch.is_target, [true, true, true, false, true, false, false]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 1, 0, 1]);
        assert_eq!(batch.document_of.unwrap()[..], [0, 0, 0, 1, 1, 2, 2]);
        assert_eq!(batch.counts, Counts { tokens: 5, targets: 4, ..Counts::default() });
    }

    #[test]
    fn what_cannot_be_used_is_counted() {
        let sequences = vec![sequence(&[1; 9], 3), sequence(&[1, 2, 3], 9), sequence(&[1, 2, 3], 1), sequence(&[], 0)];
        let packed = PackedConversations::new(sequences.clone(), 4, "tune").unwrap();
        let expected = PackingReport {
            given: 4,
            packed: 1,
            too_long: 1,
            without_target: 2,
            rows: 1,
            target_tokens: 2,
            filled: 0.5,
        };
        assert_eq!(*packed.report(), expected);
        let error = PackedConversations::new(sequences[..2].to_vec(), 4, "tune").unwrap_err().to_string();
        for part in ["none of the 2 conversations", "1 longer than 4", "1 without a target", "`tune.sequence_length`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn flags_that_do_not_match_the_ids_are_refused() {
        let broken = TargetSequence { ids: vec![1, 2], is_target: vec![true] };
        let error = PackedConversations::new(vec![broken], 4, "tune").unwrap_err().to_string();
        assert!(error.contains("sequence 0 has 2 tokens but 1 target flags"), "{error}");
    }
}
