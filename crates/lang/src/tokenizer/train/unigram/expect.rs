//! Rounds of expectation and maximisation: how often each piece is expected in the words under the present probabilities, summed
//! over all ways to cut them (forwards and backwards), and the probabilities that follow from that.
//!
//! The sums are of probabilities, not of logarithms. Every piece's probability is multiplied by a constant for each of its bytes;
//! all ways to cut a word then get the same factor, which falls out of the expectation, and sums stay near one. A word for which that
//! does not hold is done with logarithms.

use rayon::prelude::*;

use super::{LEAST_EXPECTED, Piece, Sentences};
use crate::tokenizer::model::trie::Trie;

/// Parts that words are cut into for threads to work on; each has a list of expectations of its own, so that sums are made in one order.
const PARTS: usize = 16;

/// Sums above this, and below one through this, are not trusted: what is behind a place is the whole through what is before it, so
/// that both stay in range.
const MOST: f64 = 1e140;

/// The present probabilities.
pub(super) struct Expectation<'a> {
    pieces: &'a [Piece],
    trie: Trie,
    /// Scaled probabilities.
    weights: Vec<f64>,
}

/// A piece at a place of a word.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) piece: u32,
}

/// What a task keeps between words.
#[derive(Default)]
struct Scratch {
    edges: Vec<Edge>,
    forward: Vec<f64>,
    backward: Vec<f64>,
}

/// The pieces that stand in `word`, ordered by where they begin.
pub(super) fn edges(trie: &Trie, word: &str, out: &mut Vec<Edge>) {
    out.clear();
    for (start, _) in word.char_indices() {
        let found = trie.prefixes(&word.as_bytes()[start..]);
        out.extend(found.map(|(length, piece)| Edge { start: start as u32, end: (start + length) as u32, piece }));
    }
}

/// Sentences in parts of about equal length, by shape.
pub(super) fn parts(sentences: &Sentences) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::with_capacity(PARTS);
    let mut start = 0;
    for part in 1..=PARTS {
        let wanted = sentences.text.len() / PARTS * part;
        let end = match part {
            PARTS => sentences.len(),
            _ => sentences.ends.partition_point(|end| *end <= wanted).max(start),
        };
        parts.push(start..end);
        start = end;
    }
    parts
}

impl<'a> Expectation<'a> {
    pub(super) fn new(pieces: &'a [Piece], sentences: &Sentences) -> Self {
        let trie = Trie::new(pieces.iter().zip(0..).map(|(piece, id)| (piece.text.as_bytes(), id)));
        let mut expectation = Expectation { pieces, trie, weights: Vec::new() };
        // What a byte costs, measured on some of the words.
        let (mut cost, mut bytes) = (0.0, 0);
        let mut edges_found = Vec::new();
        let mut forward = Vec::new();
        for index in (0..sentences.len()).step_by(sentences.len() / 500 + 1) {
            let (word, _) = sentences.get(index);
            edges(&expectation.trie, word, &mut edges_found);
            let total = expectation.forward_logarithms(word, &edges_found, &mut forward);
            if total.is_finite() {
                (cost, bytes) = (cost - total, bytes + word.len());
            }
        }
        let a_byte = if bytes == 0 { 0.0 } else { cost / bytes as f64 };
        expectation.weights =
            pieces.iter().map(|piece| (piece.score + a_byte * piece.text.len() as f64).exp()).collect();
        expectation
    }

    /// How often each piece is expected in all words.
    pub(super) fn expected(&self, sentences: &Sentences) -> Vec<f64> {
        let sums: Vec<Vec<f64>> = parts(sentences)
            .into_par_iter()
            .map(|part| {
                let mut expected = vec![0.0; self.pieces.len()];
                let mut scratch = Scratch::default();
                for index in part {
                    let (word, count) = sentences.get(index);
                    self.add(word, count as f64, &mut scratch, &mut expected);
                }
                expected
            })
            .collect();
        let mut total = vec![0.0; self.pieces.len()];
        for sum in sums {
            total.iter_mut().zip(sum).for_each(|(total, part)| *total += part);
        }
        total
    }

    /// Adds what is expected in a word that is there `count` times.
    fn add(&self, word: &str, count: f64, scratch: &mut Scratch, expected: &mut [f64]) {
        let Scratch { edges: found, forward, backward } = scratch;
        edges(&self.trie, word, found);
        for sums in [&mut *forward, &mut *backward] {
            sums.clear();
            sums.resize(word.len() + 1, 0.0);
        }
        forward[0] = 1.0;
        for edge in found.iter() {
            forward[edge.end as usize] += forward[edge.start as usize] * self.weights[edge.piece as usize];
        }
        let total = forward[word.len()];
        // A place that is nearly out of range would take the sums from behind it out of it, even where the whole is well within.
        let is_in_range = |sum: &f64| *sum == 0.0 || (*sum > 1.0 / MOST && *sum < MOST);
        if total == 0.0 || !forward.iter().all(is_in_range) {
            self.add_by_logarithms(word, count, scratch, expected);
            return;
        }
        backward[word.len()] = 1.0;
        let factor = count / total;
        for edge in found.iter().rev() {
            let rest = backward[edge.end as usize] * self.weights[edge.piece as usize];
            backward[edge.start as usize] += rest;
            expected[edge.piece as usize] += forward[edge.start as usize] * rest * factor;
        }
    }

    /// The logarithm of the probability of a word; of its beginnings in `forward`.
    fn forward_logarithms(&self, word: &str, found: &[Edge], forward: &mut Vec<f64>) -> f64 {
        forward.clear();
        forward.resize(word.len() + 1, f64::NEG_INFINITY);
        forward[0] = 0.0;
        for edge in found {
            let through = forward[edge.start as usize] + self.pieces[edge.piece as usize].score;
            forward[edge.end as usize] = added(forward[edge.end as usize], through);
        }
        forward[word.len()]
    }

    /// [`add`](Expectation::add) for words whose probability is out of range.
    fn add_by_logarithms(&self, word: &str, count: f64, scratch: &mut Scratch, expected: &mut [f64]) {
        let Scratch { edges: found, forward, backward } = scratch;
        let total = self.forward_logarithms(word, found, forward);
        // A word that cannot be cut teaches nothing.
        if !total.is_finite() {
            return;
        }
        backward.fill(f64::NEG_INFINITY);
        backward[word.len()] = 0.0;
        for edge in found.iter().rev() {
            let rest = backward[edge.end as usize] + self.pieces[edge.piece as usize].score;
            backward[edge.start as usize] = added(backward[edge.start as usize], rest);
            expected[edge.piece as usize] += (forward[edge.start as usize] + rest - total).exp() * count;
        }
    }
}

/// The logarithm of the sum of two numbers given by their logarithms.
fn added(left: f64, right: f64) -> f64 {
    let (large, small) = if left > right { (left, right) } else { (right, left) };
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// The pieces expected often enough, with their new scores: digamma in place of the logarithm, which keeps few large ones rather
/// than many small ones (Liang and Klein, "Structured Bayesian nonparametric models with variational inference", 2007).
pub(super) fn maximized(pieces: Vec<Piece>, expected: &[f64]) -> Vec<Piece> {
    let kept = || expected.iter().filter(|expected| **expected >= LEAST_EXPECTED);
    let total = digamma(kept().sum());
    let kept = pieces.into_iter().zip(expected).filter(|(_, expected)| **expected >= LEAST_EXPECTED);
    kept.map(|(piece, expected)| Piece { score: digamma(*expected) - total, ..piece }).collect()
}

/// The derivative of the logarithm of the gamma function, by its recurrence and asymptotic series.
fn digamma(mut x: f64) -> f64 {
    let mut result = 0.0;
    while x < 7.0 {
        result -= 1.0 / x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = inverse * (1.0 / 12.0 - inverse * (1.0 / 120.0 - inverse * (1.0 / 252.0 - inverse / 240.0)));
    result + x.ln() - 0.5 / x - series
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::super::table::Counted;
    use super::*;
    use crate::rng::Rng;

    /// All ways to cut `word` into pieces, as lists of their numbers.
    pub(crate) fn all_cuts(pieces: &[Piece], word: &str) -> Vec<Vec<usize>> {
        if word.is_empty() {
            return vec![Vec::new()];
        }
        let starts = (0..pieces.len()).filter(|&at| word.starts_with(&pieces[at].text));
        starts
            .flat_map(|at| {
                let rest = all_cuts(pieces, &word[pieces[at].text.len()..]);
                rest.into_iter().map(move |rest| [&[at], &rest[..]].concat())
            })
            .collect()
    }

    fn random_pieces(rng: &mut Rng) -> Vec<Piece> {
        let mut texts: Vec<String> = vec!["a".into(), "é".into(), "河".into()];
        for _ in 0..8 {
            texts.push((0..2 + rng.below(2)).map(|_| *rng.choose(&['a', 'é', '河'])).collect());
        }
        texts.sort();
        texts.dedup();
        texts.into_iter().map(|text| Piece { text, score: -8.0 * rng.unit() }).collect()
    }

    fn sentences(words: &[(String, u64)]) -> Sentences {
        let mut counted = Counted::default();
        words.iter().for_each(|(word, count)| counted.push(word, *count));
        let alphabet: HashSet<char> = words.iter().flat_map(|(word, _)| word.chars()).collect();
        Sentences::new(&counted, &alphabet, 1)
    }

    #[test]
    fn expectations_equal_enumerating_all_cuts() {
        let mut rng = Rng::new(31);
        for _ in 0..30 {
            let pieces = random_pieces(&mut rng);
            let words: Vec<(String, u64)> = (0..20)
                .map(|_| ((0..=rng.below(7)).map(|_| *rng.choose(&['a', 'é', '河'])).collect(), 1 + rng.below(5)))
                .collect();
            let sentences = sentences(&words);
            let mut expected = vec![0.0; pieces.len()];
            for (word, count) in &words {
                let cuts = all_cuts(&pieces, word);
                let chance = |cut: &[usize]| cut.iter().map(|&at| pieces[at].score).sum::<f64>().exp();
                let total: f64 = cuts.iter().map(|cut| chance(cut)).sum();
                for cut in &cuts {
                    cut.iter().for_each(|&at| expected[at] += chance(cut) / total * *count as f64);
                }
            }
            let expectation = Expectation::new(&pieces, &sentences);
            let close = |found: &[f64]| {
                found.iter().zip(&expected).for_each(|(found, expected)| {
                    assert!((found - expected).abs() <= 1e-9 * (1.0 + expected), "{found} {expected}");
                });
            };
            close(&expectation.expected(&sentences));
            let mut by_logarithms = vec![0.0; pieces.len()];
            for (word, count) in &words {
                let mut scratch = Scratch::default();
                edges(&expectation.trie, word, &mut scratch.edges);
                scratch.backward.resize(word.len() + 1, 0.0);
                expectation.add_by_logarithms(word, *count as f64, &mut scratch, &mut by_logarithms);
            }
            close(&by_logarithms);
        }
    }

    /// A word far longer and rarer than all others is out of the range of scaled probabilities.
    #[test]
    fn words_out_of_range_are_done_with_logarithms() {
        let pieces: Vec<Piece> =
            [("a", -0.1), ("b", -9.0)].map(|(text, score)| Piece { text: text.into(), score }).to_vec();
        let mut words: Vec<(String, u64)> = vec![("a".into(), 1); 400];
        words.push(("b".repeat(400), 2));
        let sentences = sentences(&words);
        let expectation = Expectation::new(&pieces, &sentences);
        assert!(expectation.weights[1].powi(400) < 1e-300);
        let expected = expectation.expected(&sentences);
        assert!((expected[0] - 400.0).abs() < 1e-9 && (expected[1] - 800.0).abs() < 1e-6, "{expected:?}");
    }

    /// Half of a word far rarer than usual and half far more frequent: the whole is as usual, the middle is not.
    #[test]
    fn words_out_of_range_in_the_middle_are_done_with_logarithms() {
        let pieces: Vec<Piece> =
            [("a", -0.1), ("b", -9.0)].map(|(text, score)| Piece { text: text.into(), score }).to_vec();
        for length in (20..200).chain([400]) {
            for word in ["b".repeat(length) + &"a".repeat(length), "a".repeat(length) + &"b".repeat(length)] {
                let mut words: Vec<(String, u64)> = vec![("ab".into(), 1); 400];
                words.push((word, 1));
                let sentences = sentences(&words);
                let expected = Expectation::new(&pieces, &sentences).expected(&sentences);
                let wanted = (400 + length) as f64;
                assert!(expected.iter().all(|found| (found - wanted).abs() < 1e-6), "{length}: {expected:?}");
            }
        }
    }

    #[test]
    fn digamma_has_its_known_values() {
        // -γ; -γ - 2 ln 2; and the recurrence at 100.
        let euler = 0.577_215_664_901_532_9;
        assert!((digamma(1.0) + euler).abs() < 1e-10);
        assert!((digamma(0.5) + euler + 2.0 * 2f64.ln()).abs() < 1e-10);
        let harmonic: f64 = (1..100).map(|number| 1.0 / f64::from(number)).sum();
        assert!((digamma(100.0) - (harmonic - euler)).abs() < 1e-10);
    }

    #[test]
    fn rare_pieces_go() {
        let pieces = ["a", "b", "c"].map(|text| Piece { text: text.into(), score: -1.0 }).to_vec();
        let kept = maximized(pieces, &[8.0, 0.49, 2.0]);
        assert_eq!(kept.iter().map(|piece| piece.text.as_str()).collect::<String>(), "ac");
        assert!((kept[0].score - (digamma(8.0) - digamma(10.0))).abs() < 1e-12);
    }
}
