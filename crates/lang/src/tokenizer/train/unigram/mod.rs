//! The unigram language model of pieces (Kudo, "Subword regularization", 2018), trained as SentencePiece does it: frequent substrings
//! to start from (`seed`), rounds of expectation and maximisation (`expect`), and pruning of the pieces whose loss costs least
//! (`prune`) until the vocabulary has the size that is wanted.
//!
//! What is different: substrings are counted as often as their words are there, not once for every different word; and probabilities
//! are added up as such, scaled so that words of any usual length stay in range, which is several times quicker than adding
//! logarithms.

mod expect;
mod prune;
mod seed;

use std::collections::HashSet;

use super::alphabet::alphabet;
use super::config::TrainConfig;
use super::table::Counted;
use super::{Made, TrainReport};
use crate::tokenizer::TokenizerError;
use crate::tokenizer::model::unigram::{Arithmetic, Unigram};
use expect::Expectation;

/// Longest piece in characters, where the settings do not say.
const LONGEST_PIECE: usize = 16;
/// Pieces expected fewer times than this are left out (SentencePiece).
const LEAST_EXPECTED: f64 = 0.5;
/// What a required character that is no good piece costs more than the one before it.
const PENALTY: f64 = 0.0001;

/// A piece and the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    text: String,
    score: f64,
}

/// The words to learn from: stretches of characters that are in the alphabet, one after another, with their counts.
struct Sentences {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    counts: Vec<u64>,
}

impl Sentences {
    fn new(counted: &Counted, alphabet: &HashSet<char>, min_frequency: u64) -> Self {
        let mut sentences = Sentences { text: String::new(), ends: Vec::new(), counts: Vec::new() };
        for (word, count) in counted.iter().filter(|(_, count)| *count >= min_frequency) {
            // A character outside the alphabet is a boundary.
            for stretch in word.split(|letter| !alphabet.contains(&letter)).filter(|stretch| !stretch.is_empty()) {
                sentences.text.push_str(stretch);
                sentences.ends.push(sentences.text.len());
                sentences.counts.push(count);
            }
        }
        sentences
    }

    fn len(&self) -> usize {
        self.counts.len()
    }

    fn get(&self, index: usize) -> (&str, u64) {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        (&self.text[start..self.ends[index]], self.counts[index])
    }

    fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        (0..self.len()).map(|index| self.get(index))
    }
}

pub(super) fn train(
    counted: Counted,
    config: &TrainConfig,
    report: &mut TrainReport,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Made, TokenizerError> {
    let first = config.first_tokens();
    // Those of special tokens are in, so that no text can be cut into special tokens for want of characters.
    let specials = config.special_tokens.concat();
    let asked_for = [config.initial_alphabet.as_str(), &specials].concat();
    let letters = alphabet(&counted, &TrainConfig { initial_alphabet: asked_for, ..config.clone() });
    report.most_frequent_left = counted.iter().map(|(_, count)| count).max().unwrap_or(0);
    let least = first.len() + letters.len();
    if config.vocab_size < least {
        let wanted = config.vocab_size;
        let problem =
            format!("{wanted} is below {least}, the special tokens and bytes and the characters of the corpus");
        return Err(TokenizerError::Alphabet { problem });
    }
    let sentences = Sentences::new(&counted, &letters.iter().copied().collect(), config.min_frequency);
    drop(counted);
    if sentences.len() == 0 {
        let most = report.most_frequent_left;
        let problem = format!("no word is seen {} times, the most frequent is seen {most} times", config.min_frequency);
        return Err(TokenizerError::Config { key: "min_frequency", problem });
    }
    let wanted = config.vocab_size - first.len();
    let pieces = learn(&sentences, wanted, config, progress);
    let pieces = finalize(pieces, &letters, wanted, &first);
    report.learnt = pieces.len() as u64;
    Ok(made(config, first, pieces))
}

/// Pieces with their scores, at most `room` times as many as `wanted`, unless more are needed to spell all words.
fn learn(
    sentences: &Sentences,
    wanted: usize,
    config: &TrainConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Vec<Piece> {
    let longest = config.max_token_length.unwrap_or(LONGEST_PIECE);
    let settings = &config.unigram;
    let mut pieces = seed::pieces(sentences, longest, settings);
    let desired = (wanted as f64 * settings.room) as usize;
    let mut done = 0;
    // Rounds there will be when pruning is what makes pieces fewer.
    let shrunk = (desired as f64 / pieces.len().max(1) as f64).ln() / settings.shrinking_factor.ln();
    let rounds = (shrunk.max(0.0).ceil() as usize + 1) * settings.sub_iterations;
    loop {
        for _ in 0..settings.sub_iterations {
            let expected = Expectation::new(&pieces, sentences).expected(sentences);
            pieces = expect::maximized(pieces, &expected);
            done += 1;
            progress(done, rounds.max(done));
        }
        if pieces.len() <= desired {
            return pieces;
        }
        let size = desired.max((pieces.len() as f64 * settings.shrinking_factor) as usize);
        pieces = prune::pruned(pieces, sentences, size);
    }
}

/// The characters that must be there and the best pieces, together `wanted`, the best first.
fn finalize(pieces: Vec<Piece>, letters: &[char], wanted: usize, reserved: &[String]) -> Vec<Piece> {
    let least = pieces.iter().map(|piece| piece.score).fold(f64::INFINITY, f64::min);
    let required: HashSet<String> = letters.iter().map(char::to_string).collect();
    let reserved: HashSet<&str> = reserved.iter().map(String::as_str).collect();
    let (mut kept, mut others): (Vec<Piece>, Vec<Piece>) = pieces
        .into_iter()
        .filter(|piece| !reserved.contains(piece.text.as_str()))
        .partition(|piece| required.contains(&piece.text));
    let known: HashSet<String> = kept.iter().map(|piece| piece.text.clone()).collect();
    let mut missing: Vec<&String> = required.iter().filter(|letter| !known.contains(*letter)).collect();
    missing.sort_unstable();
    let least = if least.is_finite() { least } else { 0.0 };
    for (at, letter) in (1..).zip(missing) {
        kept.push(Piece { text: letter.clone(), score: least - PENALTY * f64::from(at) });
    }
    let order =
        |left: &Piece, right: &Piece| right.score.total_cmp(&left.score).then_with(|| left.text.cmp(&right.text));
    others.sort_unstable_by(order);
    others.truncate(wanted.saturating_sub(kept.len()));
    kept.extend(others);
    kept.sort_unstable_by(order);
    kept
}

fn made(config: &TrainConfig, first: Vec<String>, pieces: Vec<Piece>) -> Made {
    let least = pieces.iter().map(|piece| piece.score).fold(f64::INFINITY, f64::min);
    // A special token costs more than all its characters, however they are cut: no text gives one.
    let longest = first.iter().map(|token| token.chars().count()).max().unwrap_or(0);
    let out_of_reach = least.min(-1.0) * (longest + 1) as f64;
    let scores: Vec<f64> = first.iter().map(|_| out_of_reach).chain(pieces.iter().map(|piece| piece.score)).collect();
    let ids = first.into_iter().chain(pieces.into_iter().map(|piece| piece.text)).zip(0..).collect();
    let (unknown, byte_fallback) = (config.unknown.clone(), config.byte_fallback);
    Made::new(ids, move |ids, _| {
        let unknown = ids.get(&unknown).copied().unwrap_or(0);
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let byte = |byte: usize| ids.get(&format!("<0x{byte:02X}>")).copied();
        let fallback = byte_fallback.then(|| Box::new(std::array::from_fn(byte)));
        Ok(Box::new(Unigram::new(ids, scores, unknown, least, fallback, Arithmetic::Double)))
    })
}
