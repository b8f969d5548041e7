//! Cutting a piece at random under the unigram model (Kudo, 2018): from all ways, by filtering forwards and sampling backwards, or from
//! the best ones.

use super::unigram::Unigram;
use crate::rng::Rng;

/// A token at a place of a piece.
#[derive(Clone, Copy, Debug)]
struct Edge {
    start: u32,
    end: u32,
    token: u32,
    score: f64,
}

/// A way to cut a piece up to a place: its score, its last edge, and which of the ways to the start of that edge it goes on from.
#[derive(Clone, Copy, Debug)]
struct Way {
    score: f64,
    edge: u32,
    rank: u32,
}

impl Unigram {
    /// Everything that can stand at every place of `piece`, ordered by the start.
    fn edges(&self, piece: &str) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(piece.len() * 2);
        for (start, character) in piece.char_indices() {
            self.starting(piece, start, character.len_utf8(), |length, token, score| {
                edges.push(Edge { start: start as u32, end: (start + length) as u32, token, score });
            });
        }
        edges
    }

    /// Tokens drawn from all ways to cut `piece`, each by its probability to the power of `alpha`; `push` gets them from the last to the
    /// first, with the bytes they stand for.
    pub(super) fn draw_from_all(
        &self,
        piece: &str,
        alpha: f64,
        rng: &mut Rng,
        mut push: impl FnMut(u32, std::ops::Range<usize>),
    ) {
        let edges = self.edges(piece);
        let mut forward = vec![f64::NEG_INFINITY; piece.len() + 1];
        forward[0] = 0.0;
        // Which edges end at each place: counted, then put there.
        let mut ends: Vec<u32> = vec![0; piece.len() + 2];
        for edge in &edges {
            let through = forward[edge.start as usize] + alpha * edge.score;
            let (large, small) = match forward[edge.end as usize] {
                known if known > through => (known, through),
                known => (through, known),
            };
            forward[edge.end as usize] = large + (small - large).exp().ln_1p();
            ends[edge.end as usize + 1] += 1;
        }
        (1..ends.len()).for_each(|at| ends[at] += ends[at - 1]);
        let mut by_end: Vec<u32> = vec![0; edges.len()];
        let mut filled = ends.clone();
        for (edge, number) in edges.iter().zip(0..) {
            by_end[filled[edge.end as usize] as usize] = number;
            filled[edge.end as usize] += 1;
        }
        let mut end = piece.len();
        while end > 0 {
            let found = &by_end[ends[end] as usize..ends[end + 1] as usize];
            let mut left = rng.unit();
            // Rounding may leave a little at the end; the last edge then takes it.
            let drawn = found.iter().find(|&&number| {
                let edge = &edges[number as usize];
                left -= (forward[edge.start as usize] + alpha * edge.score - forward[end]).exp();
                left < 0.0
            });
            let Some(&number) = drawn.or(found.last()) else { return };
            let edge = &edges[number as usize];
            push(edge.token, edge.start as usize..end);
            end = edge.start as usize;
        }
    }

    /// Tokens drawn from the `n` most probable ways to cut `piece`, each by its probability to the power of `alpha`; `push` as above.
    pub(super) fn draw_from_best(
        &self,
        piece: &str,
        n: usize,
        alpha: f64,
        rng: &mut Rng,
        mut push: impl FnMut(u32, std::ops::Range<usize>),
    ) {
        let edges = self.edges(piece);
        let mut ways: Vec<Vec<Way>> = vec![Vec::new(); piece.len() + 1];
        ways[0].push(Way { score: 0.0, edge: u32::MAX, rank: 0 });
        // All edges into a place come before those out of it, so its ways are all there when they are gone on from.
        let mut cut_to = 0;
        for (edge, number) in edges.iter().zip(0..) {
            for place in &mut ways[cut_to..=edge.start as usize] {
                place.sort_by(|left, right| right.score.total_cmp(&left.score));
                place.truncate(n);
            }
            cut_to = edge.start as usize + 1;
            let (before, after) = ways.split_at_mut(edge.end as usize);
            let known = before[edge.start as usize].iter().zip(0..);
            after[0].extend(known.map(|(way, rank)| Way { score: way.score + edge.score, edge: number, rank }));
        }
        let mut last = std::mem::take(&mut ways[piece.len()]);
        last.sort_by(|left, right| right.score.total_cmp(&left.score));
        last.truncate(n);
        let best = last.first().map_or(0.0, |way| way.score);
        let chance = |way: &Way| (alpha * (way.score - best)).exp();
        let mut left = rng.unit() * last.iter().map(chance).sum::<f64>();
        let drawn = last.iter().find(|way| {
            left -= chance(way);
            left < 0.0
        });
        let Some(mut way) = drawn.or(last.last()).copied() else { return };
        while way.edge != u32::MAX {
            let edge = &edges[way.edge as usize];
            push(edge.token, edge.start as usize..edge.end as usize);
            way = ways[edge.start as usize][way.rank as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::unigram::Arithmetic;
    use super::*;

    const PIECES: [(&str, f64); 9] = [
        ("a", -2.0),
        ("b", -1.5),
        ("ab", -1.7),
        ("ba", -2.9),
        ("aba", -2.6),
        ("bab", -4.0),
        ("abab", -4.2),
        ("é", -3.0),
        ("éa", -3.3),
    ];

    fn model() -> Unigram {
        let ids: HashMap<String, u32> =
            PIECES.iter().zip(1..).map(|((piece, _), id)| ((*piece).to_owned(), id)).collect();
        let scores: Vec<f64> = [0.0].into_iter().chain(PIECES.map(|(_, score)| score)).collect();
        Unigram::new(&ids, scores, 0, -4.2, None, Arithmetic::Double)
    }

    /// All ways to cut `text`, with their scores.
    fn all(text: &str) -> Vec<(Vec<u32>, f64)> {
        if text.is_empty() {
            return vec![(Vec::new(), 0.0)];
        }
        let starts = PIECES.iter().zip(1u32..).filter(|((piece, _), _)| text.starts_with(piece));
        starts
            .flat_map(|((piece, score), id)| {
                let rest = all(&text[piece.len()..]);
                rest.into_iter().map(move |(tokens, more)| ([&[id], &tokens[..]].concat(), score + more))
            })
            .collect()
    }

    type Push<'a> = &'a mut dyn FnMut(u32, std::ops::Range<usize>);

    fn check(expected: Vec<(Vec<u32>, f64)>, alpha: f64, mut draw: impl FnMut(&mut Rng, Push)) {
        let draws = 20_000;
        let total: f64 = expected.iter().map(|(_, score)| (alpha * score).exp()).sum();
        let mut rng = Rng::new(77);
        let mut found: HashMap<Vec<u32>, u64> = HashMap::new();
        for _ in 0..draws {
            let mut tokens = Vec::new();
            draw(&mut rng, &mut |token, _| tokens.push(token));
            tokens.reverse();
            *found.entry(tokens).or_default() += 1;
        }
        for (tokens, score) in expected {
            let chance = (alpha * score).exp() / total;
            let share = found.remove(&tokens).unwrap_or(0) as f64 / f64::from(draws);
            let deviation = (chance * (1.0 - chance) / f64::from(draws)).sqrt();
            assert!((share - chance).abs() < 5.0 * deviation + 1e-4, "{alpha} {tokens:?}: {share}, not {chance}");
        }
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn drawing_from_all_follows_the_probabilities() {
        for text in ["ababa", "éabab", "b"] {
            for alpha in [0.0, 0.3, 1.0, 4.0] {
                check(all(text), alpha, |rng, push| model().draw_from_all(text, alpha, rng, push));
            }
        }
    }

    #[test]
    fn drawing_from_the_best_follows_the_probabilities() {
        for text in ["ababa", "éabab"] {
            for (n, alpha) in [(1, 0.5), (3, 0.5), (5, 1.0), (1000, 0.2)] {
                let mut expected = all(text);
                expected.sort_by(|left, right| right.1.total_cmp(&left.1));
                expected.truncate(n);
                check(expected, alpha, |rng, push| model().draw_from_best(text, n, alpha, rng, push));
            }
        }
    }
}
