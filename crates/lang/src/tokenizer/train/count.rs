//! Counting words in bounded memory: tables that are written to the disk as sorted runs when they are full, and merged in
//! the end. Counts have 64 bits everywhere.
//!
//! Texts come in batches. Every task of a batch counts in tables of its own, which are then added to those of all; the tables are
//! chosen by the hash of the word, so that both steps run on all threads. Sums of integers do not depend on their order, and
//! the words are sorted in the end: the result is the same for any number of threads and any bound on memory that keeps all words.

use rayon::prelude::*;

use super::runs::Runs;
use super::table::{Counted, WordTable, hash};
use super::{MemoryBound, TrainReport};
use crate::tokenizer::TokenizerError;

/// Tables that words are shared out to.
const TABLES: usize = 16;
/// Bytes of text that a task counts.
const TASK_BYTES: usize = 1 << 20;
/// Longer words are counted in parts of this many bytes: a text without any boundary would else be one word, and learning from it
/// would take for ever. SentencePiece leaves out sentences longer than 4192 bytes.
const LONGEST_WORD: usize = 8192;
/// What a word needs when merges or pieces are learnt from it, in bytes, besides a multiple of its length.
const WORD_COST: u64 = 64;
/// The smallest part of the memory bound that tables may take.
const LEAST_TABLES: usize = 1 << 20;

/// Calls its second argument with every word of a text.
pub(super) type Cut<'a> = dyn Fn(&str, &mut dyn FnMut(&str)) + Sync + 'a;

/// Words of the texts so far.
pub(super) struct Counter {
    tables: Vec<WordTable>,
    /// Tables of tasks, kept between batches.
    kept: Vec<Vec<WordTable>>,
    bound: Option<MemoryBound>,
    runs: Option<Runs>,
    occurrences: u64,
    cut_words: u64,
}

impl Counter {
    pub(super) fn new(bound: Option<MemoryBound>) -> Self {
        let tables = vec![WordTable::default(); TABLES];
        Counter { tables, kept: Vec::new(), bound, runs: None, occurrences: 0, cut_words: 0 }
    }

    /// Counts the words of `texts`; `cut` calls its second argument with every word of a text.
    pub(super) fn feed<S: AsRef<str> + Sync>(&mut self, texts: &[S], cut: &Cut) -> Result<(), TokenizerError> {
        // Tasks are cut by the bytes of the texts alone.
        let mut tasks: Vec<&[S]> = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (at, text) in texts.iter().enumerate() {
            bytes += text.as_ref().len();
            if bytes >= TASK_BYTES || at + 1 == texts.len() {
                tasks.push(&texts[start..=at]);
                (start, bytes) = (at + 1, 0);
            }
        }
        for tasks in tasks.chunks(4 * rayon::current_num_threads()) {
            self.kept.resize_with(tasks.len().max(self.kept.len()), || vec![WordTable::default(); TABLES]);
            let counted: Vec<(u64, u64)> =
                tasks.par_iter().zip(&mut self.kept).map(|(texts, tables)| count(texts, tables, cut)).collect();
            for (occurrences, cut_words) in counted {
                self.occurrences += occurrences;
                self.cut_words += cut_words;
            }
            let kept = &self.kept[..tasks.len()];
            self.tables.par_iter_mut().enumerate().for_each(|(number, table)| {
                kept.iter().for_each(|tables| table.add_all(&tables[number]));
            });
            self.kept.iter_mut().flatten().for_each(WordTable::clear);
            self.spill_if_full()?;
        }
        Ok(())
    }

    /// Bytes that tables may hold. Growing doubles them for a moment, and sorted runs are made from them.
    fn room(&self) -> Option<usize> {
        let bound = self.bound.as_ref()?;
        Some((bound.bytes as usize / 4).max(LEAST_TABLES))
    }

    fn spill_if_full(&mut self) -> Result<(), TokenizerError> {
        let Some(room) = self.room() else { return Ok(()) };
        if self.tables.iter().map(WordTable::memory).sum::<usize>() < room {
            return Ok(());
        }
        let Some(bound) = &self.bound else { return Ok(()) };
        let runs = match &mut self.runs {
            Some(runs) => runs,
            None => self.runs.insert(Runs::create(&bound.folder)?),
        };
        runs.write(Counted::from_tables(&mut self.tables).iter())
    }

    /// All words, unless the bound on memory does not hold them: then the most frequent ones, with every word as frequent as the
    /// rarest of them. `letter_cost` is what a byte of a word needs when the words are learnt from.
    pub(super) fn finish(mut self, letter_cost: u64) -> Result<(Counted, TrainReport), TokenizerError> {
        self.kept = Vec::new();
        let mut report =
            TrainReport { occurrences: self.occurrences, cut_words: self.cut_words, ..TrainReport::default() };
        let cost = |word: &str| WORD_COST + letter_cost * word.len() as u64;
        let bound = self.bound.take().map(|bound| bound.bytes);
        let mut words = match self.runs.take() {
            None => {
                let words = Counted::from_tables(&mut self.tables);
                report.distinct_words = words.len() as u64;
                words
            }
            Some(mut runs) => {
                runs.write(Counted::from_tables(&mut self.tables).iter())?;
                report.runs = runs.written();
                // The first pass finds out how many words there are room for, the second takes them.
                let mut shares = Shares::default();
                runs.merge(|word, count| shares.add(count, cost(word)))?;
                report.distinct_words = shares.words;
                let least = bound.map_or(1, |bound| shares.least(bound));
                let mut words = Counted::default();
                runs.merge(|word, count| match count >= least {
                    true => words.push(word, count),
                    false => report.leave_out(count),
                })?;
                report.least_count = least;
                words
            }
        };
        if let Some(bound) = bound {
            let mut shares = Shares::default();
            words.iter().for_each(|(word, count)| shares.add(count, cost(word)));
            let least = shares.least(bound);
            if least > 1 {
                words.retain(|_, count| {
                    let is_kept = count >= least;
                    if !is_kept {
                        report.leave_out(count);
                    }
                    is_kept
                });
                report.least_count = report.least_count.max(least);
            }
        }
        Ok((words, report))
    }
}

/// Counts the words of `texts` in `tables`; gives how many there were and how many were cut.
fn count<S: AsRef<str>>(texts: &[S], tables: &mut [WordTable], cut: &Cut) -> (u64, u64) {
    let (mut occurrences, mut cut_words) = (0, 0);
    let mut add = |word: &str| {
        occurrences += 1;
        let hash = hash(word);
        tables[(hash >> 60) as usize].add(word, hash, 1);
    };
    for text in texts {
        cut(text.as_ref(), &mut |word| {
            if word.len() <= LONGEST_WORD {
                return add(word);
            }
            cut_words += 1;
            let mut rest = word;
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_WORD));
                add(part);
                rest = after;
            }
        });
    }
    (occurrences, cut_words)
}

/// What words of every frequency need.
#[derive(Default)]
struct Shares {
    /// By the count; the last one is for all larger counts.
    costs: Vec<u64>,
    words: u64,
}

/// Counts told apart when memory is shared out.
const SHARES: usize = 1 << 16;

impl Shares {
    fn add(&mut self, count: u64, cost: u64) {
        self.words += 1;
        let share = (count as usize).min(SHARES);
        if self.costs.len() <= share {
            self.costs.resize(share + 1, 0);
        }
        self.costs[share] += cost;
    }

    /// The lowest count of the words that `bytes` have room for.
    fn least(&self, bytes: u64) -> u64 {
        let mut needed = 0;
        for (count, cost) in self.costs.iter().enumerate().rev() {
            needed += cost;
            if needed > bytes {
                return count as u64 + 1;
            }
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rng::Rng;

    fn words(text: &str, visit: &mut dyn FnMut(&str)) {
        text.split(' ').for_each(visit);
    }

    /// Texts of random words, and how often each is there.
    fn texts() -> (Vec<String>, BTreeMap<String, u64>) {
        let mut rng = Rng::new(3);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let texts = (0..400).map(|_| {
            let line = (0..200).map(|_| {
                let word: String = (0..=rng.below(6)).map(|_| *rng.choose(&['a', 'b', 'é', '河', 'z'])).collect();
                *counts.entry(word.clone()).or_default() += 1;
                word
            });
            line.collect::<Vec<_>>().join(" ")
        });
        (texts.collect(), counts)
    }

    #[test]
    fn counts_equal_those_of_a_map_with_and_without_runs() {
        let (texts, expected) = texts();
        let dir = tempfile::tempdir().unwrap();
        for bytes in [None, Some(1 << 40), Some(1 << 21)] {
            let folder = dir.path().join("runs");
            let mut counter = Counter::new(bytes.map(|bytes| MemoryBound { bytes, folder: folder.clone() }));
            for batch in texts.chunks(37) {
                counter.feed(batch, &words).unwrap();
                // Small texts never fill a table: it is written out here.
                if bytes == Some(1 << 21) {
                    let runs = counter.runs.get_or_insert_with(|| Runs::create(&folder).unwrap());
                    runs.write(Counted::from_tables(&mut counter.tables).iter()).unwrap();
                }
            }
            let (counted, report) = counter.finish(0).unwrap();
            let found: BTreeMap<String, u64> = counted.iter().map(|(word, count)| (word.to_owned(), count)).collect();
            assert_eq!(counted.len(), found.len());
            assert!(counted.iter().map(|(word, _)| word).is_sorted());
            assert!(found == expected, "{bytes:?}");
            assert_eq!(report.occurrences, 400 * 200);
            assert_eq!(report.distinct_words, expected.len() as u64);
            assert_eq!(report.runs > 1, bytes == Some(1 << 21));
            assert_eq!(report.left_out_words, 0);
            assert!(!folder.exists(), "runs are removed");
        }
    }

    #[test]
    fn what_does_not_fit_is_the_rarest_and_is_reported() {
        let (texts, expected) = texts();
        let dir = tempfile::tempdir().unwrap();
        let total: u64 = expected.keys().map(|word| WORD_COST + word.len() as u64).sum();
        for spilled in [false, true] {
            let bound = MemoryBound { bytes: total / 4, folder: dir.path().join("runs") };
            let mut counter = Counter::new(Some(bound));
            counter.feed(&texts, &words).unwrap();
            if spilled {
                counter.runs = Some(Runs::create(&dir.path().join("runs")).unwrap());
            }
            let (counted, report) = counter.finish(1).unwrap();
            let least = counted.iter().map(|(_, count)| count).min().unwrap();
            let out: Vec<u64> = expected.values().copied().filter(|count| *count < least).collect();
            assert!(!out.is_empty() && out.iter().all(|count| *count < report.least_count));
            assert_eq!(counted.len() + out.len(), expected.len());
            assert_eq!((report.left_out_words, report.left_out_occurrences), (out.len() as u64, out.iter().sum()));
            let kept: u64 = counted.iter().map(|(word, _)| WORD_COST + word.len() as u64).sum();
            assert!(kept <= total / 4 && kept > total / 8, "{kept} of {total}");
        }
    }

    #[test]
    fn an_endless_word_is_cut_between_characters() {
        let mut counter = Counter::new(None);
        counter.feed(&["河".repeat(10_000)], &words).unwrap();
        let (counted, report) = counter.finish(0).unwrap();
        assert_eq!(report.cut_words, 1);
        let letters: u64 = counted.iter().map(|(word, count)| word.chars().count() as u64 * count).sum();
        assert_eq!(letters, 10_000);
        assert!(counted.iter().all(|(word, _)| word.len() <= LONGEST_WORD));
    }
}
