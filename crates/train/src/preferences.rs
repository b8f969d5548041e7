//! Preference pairs for alignment: two answers to one prompt, each scored on its own tokens only.

use nn::Network;
use tensor::{Parameters, Tape};

use crate::batch::{DataSet, TrainBatch};
use crate::conversations::{RowBuilder, TargetSequence, best_fit_decreasing, member_at};
use crate::digest::Digest;
use crate::dpo::answer_log_probs;
use crate::error::{Result, TrainError};

/// Two answers to one prompt, in tokens; the end-of-turn token belongs to the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferencePair {
    /// The prompt, up to where the answer begins.
    pub prompt: Vec<u32>,
    /// The preferred answer.
    pub chosen: Vec<u32>,
    /// The other answer.
    pub rejected: Vec<u32>,
}

/// What became of the pairs given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PreferenceReport {
    /// Pairs given.
    pub given: usize,
    /// Pairs in use.
    pub used: usize,
    /// Pairs left out because an answer with its prompt is too long. Cutting them would train on unfinished answers.
    pub too_long: usize,
    /// Pairs left out because a prompt or an answer is empty, or both answers are the same.
    pub without_target: usize,
}

/// Pairs with the log-probabilities the reference model gives their answers. A row of this data set is a pair; in its
/// batches both answers of a pair, each behind the prompt, are packed into rows of tokens as conversations are.
#[derive(Debug)]
pub struct PreferencePairs {
    /// Which of the pairs given each of `pairs` is.
    given: Vec<usize>,
    /// Preferred and other answer, each behind the prompt.
    pairs: Vec<[TargetSequence; 2]>,
    /// Log-probability of each answer under the reference model.
    reference: Vec<[f32; 2]>,
    sequence_length: usize,
    report: PreferenceReport,
    digest: String,
}

impl PreferencePairs {
    /// Takes the pairs that fit `sequence_length` and asks the reference model (`network` with `parameters`, the
    /// weights training starts from) for the log-probability of every answer, `batch_size` pairs at a time, calling
    /// `progress(done, total)` after each.
    ///
    /// The reference is a function of starting weights and data, both of which a resumed run is checked for, so it is
    /// computed again on resume instead of being stored.
    ///
    /// # Errors
    /// When no pair is left, or the model refuses one.
    pub fn new(
        pairs: &[PreferencePair],
        sequence_length: usize,
        batch_size: usize,
        section: &str,
        network: &dyn Network,
        parameters: &Parameters,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let mut set = PreferencePairs::without_reference(pairs, sequence_length, section)?;
        let indices: Vec<u64> = (0..set.row_count()).collect();
        for group in indices.chunks(batch_size.max(1)) {
            let batch = set.rows(group)?;
            let mut tape = Tape::forward_only(parameters);
            let hidden = network.hidden(&mut tape, &batch.input(), None);
            let hidden = hidden.map_err(|error| TrainError::from(error).located(&tape))?;
            let scores = answer_log_probs(&mut tape, hidden, network, &batch)?;
            let scores = tape.value(scores).to_f32_vec();
            for (&index, pair) in group.iter().zip(scores.chunks_exact(2)) {
                set.reference[index as usize] = [pair[0], pair[1]];
            }
            progress(group.last().map_or(0, |&last| last as usize + 1), indices.len());
        }
        Ok(set)
    }

    /// The pairs alone, every reference log-probability 0.
    fn without_reference(pairs: &[PreferencePair], sequence_length: usize, section: &str) -> Result<Self> {
        let mut report = PreferenceReport { given: pairs.len(), ..PreferenceReport::default() };
        let mut digest = Digest::new("preference pairs");
        digest.number(sequence_length as u64);
        let (mut used, mut given) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for (index, pair) in pairs.iter().enumerate() {
            for ids in [&pair.prompt, &pair.chosen, &pair.rejected] {
                digest.ids(ids);
            }
            let longest = pair.prompt.len() + pair.chosen.len().max(pair.rejected.len());
            if pair.prompt.is_empty()
                || pair.chosen.is_empty()
                || pair.rejected.is_empty()
                || pair.chosen == pair.rejected
            {
                report.without_target += 1;
            } else if longest > sequence_length + 1 {
                report.too_long += 1;
            } else {
                given.push(index);
                used.push([&pair.chosen, &pair.rejected].map(|answer| TargetSequence {
                    ids: [&pair.prompt[..], answer].concat(),
                    is_target: [vec![false; pair.prompt.len()], vec![true; answer.len()]].concat(),
                }));
            }
        }
        report.used = used.len();
        if used.is_empty() {
            return Err(TrainError::NoTargets {
                what: "preference pairs",
                given: report.given,
                too_long: report.too_long,
                without_target: report.without_target,
                sequence_length,
                section: section.to_owned(),
            });
        }
        let reference = vec![[0.0; 2]; used.len()];
        Ok(PreferencePairs { given, pairs: used, reference, sequence_length, report, digest: digest.finish() })
    }

    /// The answers of these pairs, their lengths, the length of a row, and which answers each row holds.
    fn pack(&self, indices: &[u64]) -> (Vec<&TargetSequence>, Vec<usize>, usize, Vec<Vec<usize>>) {
        let answers: Vec<&TargetSequence> = indices.iter().flat_map(|&index| &self.pairs[index as usize]).collect();
        let lengths: Vec<usize> = answers.iter().map(|answer| answer.steps()).collect();
        // One row is enough for a few short answers.
        let time = self.sequence_length.min(lengths.iter().sum());
        let packed = best_fit_decreasing(&lengths, time);
        (answers, lengths, time, packed)
    }

    /// What became of the pairs given.
    pub fn report(&self) -> &PreferenceReport {
        &self.report
    }

    /// Log-probability of each pair's preferred and other answer under the reference model.
    pub fn reference(&self) -> &[[f32; 2]] {
        &self.reference
    }
}

impl DataSet for PreferencePairs {
    fn row_count(&self) -> u64 {
        self.pairs.len() as u64
    }

    fn rows(&self, indices: &[u64]) -> Result<TrainBatch> {
        let (answers, _, time, packed) = self.pack(indices);
        let mut rows = RowBuilder::default();
        let mut answer_of = Vec::with_capacity(packed.len() * time);
        for row in &packed {
            for &answer in row {
                rows.push(answers[answer]);
                let counts = answers[answer].is_target.iter().skip(1);
                answer_of.extend(counts.map(|counts| counts.then_some(answer as u32)));
            }
            rows.pad_row(time);
            answer_of.resize(answer_of.len().next_multiple_of(time), None);
        }
        rows.counts.pairs = indices.len() as u64;
        rows.counts.chosen_targets = answers.iter().step_by(2).map(|chosen| chosen.targets() as u64).sum();
        let mut batch = rows.finish(packed.len(), time, true);
        batch.answer_of = answer_of;
        batch.reference = indices.iter().flat_map(|&index| self.reference[index as usize]).collect();
        Ok(batch)
    }

    fn place(&self, indices: &[u64], batch: &TrainBatch, at: usize) -> String {
        let (_, lengths, time, packed) = self.pack(indices);
        let row = packed.get(at / batch.time).map(Vec::as_slice).unwrap_or_default();
        let in_row: Vec<usize> = row.iter().map(|&answer| lengths[answer]).collect();
        match member_at(&in_row, at % time) {
            Some(member) => {
                let (pair, which) = (row[member] / 2, ["preferred", "other"][row[member] % 2]);
                format!("the {which} answer of pair {}", self.given[indices[pair] as usize] + 1)
            }
            None => "the padding".to_owned(),
        }
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(prompt: &[u32], chosen: &[u32], rejected: &[u32]) -> PreferencePair {
        PreferencePair { prompt: prompt.to_vec(), chosen: chosen.to_vec(), rejected: rejected.to_vec() }
    }

    #[test]
    fn answers_share_the_prompt_and_only_they_count() {
        let pairs = [pair(&[1, 2], &[3, 4], &[5]), pair(&[6], &[7], &[8, 9, 10])];
        let set = PreferencePairs::without_reference(&pairs, 8, "align").unwrap();
        let batch = set.rows(&[0, 1]).unwrap();
        // Lengths 3, 2, 1 and 3 in rows of 8: the two long ones and then the shorter ones, each where it fits best.
        assert_eq!((batch.batch, batch.time), (2, 8));
        assert_eq!(batch.ids, [1, 2, 3, 6, 8, 9, 1, 2, 6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(batch.targets[..9], [2, 3, 4, 8, 9, 10, 2, 5, 7]);
        let answers: Vec<_> = batch.answer_of.iter().enumerate().filter_map(|(i, of)| Some((i, (*of)?))).collect();
        assert_eq!(answers, [(1, 0), (2, 0), (3, 3), (4, 3), (5, 3), (7, 1), (8, 2)]);
        let counted: Vec<usize> = (0..16).filter(|&i| batch.is_target[i]).collect();
        assert_eq!(counted, [1, 2, 3, 4, 5, 7, 8]);
        assert_eq!(batch.document_of.unwrap()[..], [0, 0, 0, 1, 1, 1, 2, 2, 4, 5, 5, 5, 5, 5, 5, 5]);
        assert_eq!((batch.counts.pairs, batch.counts.targets, batch.counts.chosen_targets), (2, 7, 3));
    }

    #[test]
    fn places_name_the_pair() {
        let pairs = [pair(&[1], &[2], &[2]), pair(&[1, 2], &[3, 4], &[5]), pair(&[6], &[7], &[8, 9, 10])];
        let set = PreferencePairs::without_reference(&pairs, 8, "align").unwrap();
        let batch = set.rows(&[0, 1]).unwrap();
        // The rows of the test above, behind a pair that cannot be used.
        let place = |at| set.place(&[0, 1], &batch, at);
        assert_eq!(place(0), "the preferred answer of pair 2");
        assert_eq!(place(3), "the other answer of pair 3");
        assert_eq!(place(7), "the other answer of pair 2");
        assert_eq!((place(8), place(9)), ("the preferred answer of pair 3".to_owned(), "the padding".to_owned()));
    }

    #[test]
    fn unusable_pairs_are_counted() {
        let pairs = [pair(&[1], &[2], &[2]), pair(&[1], &[], &[2]), pair(&[1; 9], &[2], &[3]), pair(&[1], &[2], &[3])];
        let set = PreferencePairs::without_reference(&pairs, 4, "align").unwrap();
        assert_eq!(*set.report(), PreferenceReport { given: 4, used: 1, too_long: 1, without_target: 2 });
        let error = PreferencePairs::without_reference(&pairs[..3], 4, "align").unwrap_err().to_string();
        assert!(error.contains("none of the 3 preference pairs"), "{error}");
    }
}
