//! Pruning: the pieces without which the likelihood of the corpus falls least go.
//!
//! What is lost with a piece is estimated as in SentencePiece: the best way to cut every word is found, and a piece that goes is taken
//! to be replaced, wherever it stands there, by the second best way to cut the piece itself.

use rayon::prelude::*;

use super::expect::{Edge, edges, parts};
use super::{Piece, Sentences};
use crate::tokenizer::model::trie::Trie;

/// What would become of a piece.
enum Fate {
    /// It cannot be spelt otherwise.
    Needed,
    /// Others spell it better than it does itself.
    Superfluous,
    /// These would stand in its place.
    Replaced(Vec<u32>),
}

/// A place of a word: the best score up to it and the piece that ends there.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    start: u32,
    piece: u32,
}

const NONE: Best = Best { score: f64::NEG_INFINITY, start: u32::MAX, piece: u32::MAX };

/// The best way to cut a word of `length` bytes, from the last piece to the first, without `excluded`; and its score.
fn best_cut(
    pieces: &[Piece],
    length: usize,
    found: &[Edge],
    excluded: u32,
    best: &mut Vec<Best>,
    mut visit: impl FnMut(u32),
) -> f64 {
    best.clear();
    best.resize(length + 1, NONE);
    best[0].score = 0.0;
    for edge in found.iter().filter(|edge| edge.piece != excluded) {
        let score = best[edge.start as usize].score + pieces[edge.piece as usize].score;
        if score > best[edge.end as usize].score {
            best[edge.end as usize] = Best { score, start: edge.start, piece: edge.piece };
        }
    }
    let total = best[length].score;
    let mut end = length;
    while total.is_finite() && end > 0 {
        visit(best[end].piece);
        end = best[end].start as usize;
    }
    total
}

/// The best `size` pieces (or more, if that many are needed); the order stays.
pub(super) fn pruned(pieces: Vec<Piece>, sentences: &Sentences, size: usize) -> Vec<Piece> {
    let trie = Trie::new(pieces.iter().zip(0..).map(|(piece, id)| (piece.text.as_bytes(), id)));
    let fates: Vec<Fate> = (0..pieces.len() as u32).into_par_iter().map(|id| fate(&pieces, &trie, id)).collect();
    let (counts, total) = frequencies(&pieces, &trie, sentences);
    let all = counts.iter().map(|count| *count as f64).sum::<f64>();
    let mut kept = vec![false; pieces.len()];
    let mut losses: Vec<(f64, u32)> = Vec::new();
    for (id, fate) in fates.iter().enumerate() {
        match fate {
            Fate::Superfluous if counts[id] == 0 => {}
            Fate::Needed | Fate::Superfluous => kept[id] = true,
            Fate::Replaced(_) if counts[id] == 0 => {}
            Fate::Replaced(others) => {
                let count = counts[id] as f64;
                let own = count.ln() - all.ln();
                let all_without = (all + count * (others.len() as f64 - 1.0)).ln();
                let other: f64 = others.iter().map(|&id| (counts[id as usize] as f64 + count).ln() - all_without).sum();
                losses.push((count / total * (own - other), id as u32));
            }
        }
    }
    let needed = kept.iter().filter(|kept| **kept).count();
    losses.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    losses.iter().take(size.saturating_sub(needed)).for_each(|&(_, id)| kept[id as usize] = true);
    pieces.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(piece, _)| piece).collect()
}

fn fate(pieces: &[Piece], trie: &Trie, id: u32) -> Fate {
    let piece = &pieces[id as usize];
    let mut found = Vec::new();
    edges(trie, &piece.text, &mut found);
    let mut others = Vec::new();
    let score = best_cut(pieces, piece.text.len(), &found, id, &mut Vec::new(), |piece| others.push(piece));
    if others.is_empty() {
        Fate::Needed
    } else if score > piece.score {
        Fate::Superfluous
    } else {
        Fate::Replaced(others)
    }
}

/// How often each piece stands in the best cuts of all words, and how many words there are.
fn frequencies(pieces: &[Piece], trie: &Trie, sentences: &Sentences) -> (Vec<u64>, f64) {
    let count = |part: std::ops::Range<usize>| {
        let mut counts = vec![0u64; pieces.len()];
        let (mut found, mut best) = (Vec::new(), Vec::new());
        for index in part {
            let (word, count) = sentences.get(index);
            edges(trie, word, &mut found);
            best_cut(pieces, word.len(), &found, u32::MAX, &mut best, |piece| counts[piece as usize] += count);
        }
        counts
    };
    let sum = |mut left: Vec<u64>, right: Vec<u64>| {
        left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
        left
    };
    let counts = parts(sentences).into_par_iter().map(count).reduce(|| vec![0; pieces.len()], sum);
    let total: u64 = sentences.counts.iter().sum();
    (counts, total as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::super::table::Counted;
    use super::*;

    #[test]
    fn what_can_be_spelt_otherwise_at_little_cost_goes() {
        let pieces: Vec<Piece> =
            [("a", -2.0), ("ab", -2.5), ("abc", -9.0), ("b", -2.0), ("c", -2.0), ("cd", -3.0), ("d", -6.0)]
                .map(|(text, score)| Piece { text: text.into(), score })
                .to_vec();
        let mut counted = Counted::default();
        for (word, count) in [("ab", 100), ("abc", 10), ("cd", 1)] {
            counted.push(word, count);
        }
        let sentences = Sentences::new(&counted, &HashSet::from(['a', 'b', 'c', 'd']), 1);
        let kept = |size: usize| {
            let kept = pruned(pieces.clone(), &sentences, size);
            kept.into_iter().map(|piece| piece.text).collect::<Vec<_>>().join(" ")
        };
        // `abc` is cut as ab c; single characters are needed; `ab` is worth more than `cd`.
        assert_eq!(kept(6), "a ab b c cd d");
        assert_eq!(kept(5), "a ab b c d");
        assert_eq!(kept(1), "a b c d");
    }
}
