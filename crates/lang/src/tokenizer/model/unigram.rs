//! Unigram (Kudo, "Subword regularization", 2018): of all ways to cut a piece into tokens the most probable, found by
//! Viterbi's algorithm.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::trie::{NONE, Trie};
use super::{Model, ModelSource, Scratch};
use crate::rng::Rng;
use crate::tokenizer::{Regularization, TokenizerError};

/// How much less probable than the least probable token an unknown character is (natural logarithm).
const UNKNOWN_PENALTY: f64 = 10.0;

pub(crate) struct Unigram {
    trie: Trie,
    /// Natural logarithms of probabilities by id.
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    fallback: Option<Box<[Option<u32>; 256]>>,
    arithmetic: Arithmetic,
}

/// The precision scores are added up in, which decides between ways to cut that are almost as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// SentencePiece.
    Single,
    /// Hugging Face.
    Double,
}

/// The best way to cut a text up to a place: its score and last token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Best {
    score: f64,
    token: u32,
    start: u32,
}

pub(super) fn read(source: ModelSource) -> Result<Box<dyn Model>, TokenizerError> {
    let fields = &source.fields;
    let scores = source.scores;
    let unknown = match fields.optional_count("unk_id")? {
        Some(id) if id < scores.len() => id as u32,
        Some(id) => return Err(fields.invalid("unk_id", format!("{id} is no token of {}", scores.len()))),
        None => return Err(fields.invalid("unk_id", "it is missing, so that not every text could be encoded")),
    };
    let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let ids = &source.ids;
    let fallback = fields
        .optional_flag("byte_fallback")?
        .unwrap_or(false)
        .then(|| Box::new(std::array::from_fn(|byte| ids.get(&format!("<0x{byte:02X}>")).copied())));
    Ok(Box::new(Unigram::new(ids, scores, unknown, least, fallback, Arithmetic::Double)))
}

impl Unigram {
    /// `ids` are the tokens a text is cut into, `least` is the lowest of the scores an unknown character is measured by.
    pub(crate) fn new(
        ids: &HashMap<String, u32>,
        scores: Vec<f64>,
        unknown: u32,
        least: f64,
        fallback: Option<Box<[Option<u32>; 256]>>,
        arithmetic: Arithmetic,
    ) -> Self {
        let trie = Trie::new(ids.iter().map(|(token, &id)| (token.as_bytes(), id)));
        Unigram { trie, scores, unknown, unknown_score: least - UNKNOWN_PENALTY, fallback, arithmetic }
    }

    /// Calls `push` with the tokens of `piece` and the bytes each stands for, from the last to the first.
    fn cut(&self, piece: &str, best: &mut Vec<Best>, mut push: impl FnMut(u32, Range<usize>)) {
        best.clear();
        best.resize(piece.len() + 1, Best { score: 0.0, token: NONE, start: NONE });
        let offer = |best: &mut [Best], start: usize, end: usize, token: u32, score: f64| {
            let score = match self.arithmetic {
                Arithmetic::Single => f64::from(best[start].score as f32 + score as f32),
                Arithmetic::Double => best[start].score + score,
            };
            // The first of equals stays.
            if best[end].start == NONE || score > best[end].score {
                best[end] = Best { score, token, start: start as u32 };
            }
        };
        for (start, character) in piece.char_indices() {
            self.starting(piece, start, character.len_utf8(), |length, token, score| {
                offer(best, start, start + length, token, score);
            });
        }
        let mut end = piece.len();
        while end > 0 {
            let mut start = best[end].start as usize;
            let mut token = best[end].token;
            if token == self.unknown {
                // Unknown neighbours are one; what they spell may after all be a token.
                while start > 0 && best[start].token == self.unknown {
                    start = best[start].start as usize;
                }
                token = self.trie.get(&piece.as_bytes()[start..end]).unwrap_or(NONE);
                if token == NONE {
                    self.push_unknown(piece, start..end, &mut push);
                    end = start;
                    continue;
                }
            }
            push(token, start..end);
            end = start;
        }
    }

    /// Calls `visit` with the length, the token and the score of everything that can stand at `start` of `piece`, where a character of
    /// `first` bytes stands.
    #[inline]
    pub(super) fn starting(&self, piece: &str, start: usize, first: usize, mut visit: impl FnMut(usize, u32, f64)) {
        let mut has_single = false;
        for (length, token) in self.trie.prefixes(&piece.as_bytes()[start..]) {
            visit(length, token, self.scores[token as usize]);
            has_single |= length == first;
        }
        if !has_single {
            visit(first, self.unknown, self.unknown_score);
        }
    }

    fn push_unknown(&self, piece: &str, range: Range<usize>, push: &mut impl FnMut(u32, Range<usize>)) {
        let bytes = &piece.as_bytes()[range.clone()];
        let tokens = self
            .fallback
            .as_ref()
            .and_then(|tokens| bytes.iter().rev().map(|&byte| tokens[usize::from(byte)]).collect::<Option<Vec<u32>>>());
        match tokens {
            Some(tokens) => tokens.into_iter().for_each(|token| push(token, range.clone())),
            None => push(self.unknown, range),
        }
    }
}

impl Model for Unigram {
    fn encode(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let start = out.len();
        self.cut(piece, &mut scratch.lattice, |token, _| out.push(token));
        out[start..].reverse();
    }

    fn encode_ranges(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<(u32, Range<usize>)>) {
        let start = out.len();
        self.cut(piece, &mut scratch.lattice, |token, range| out.push((token, range)));
        out[start..].reverse();
    }

    fn can_be_drawn(&self, how: Regularization) -> bool {
        matches!(how, Regularization::Sampling { .. })
    }

    fn draw(&self, piece: &str, how: Regularization, rng: &mut Rng, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let (alpha, n_best) = match how {
            Regularization::Sampling { n_best: Some(1), .. } | Regularization::Dropout { .. } => {
                return self.encode(piece, scratch, out);
            }
            Regularization::Sampling { alpha, n_best } => (alpha, n_best),
        };
        let start = out.len();
        // Unknown neighbours are one, as in plain encoding: bytes of the piece that wait for what stands before them.
        let mut unknown: Option<Range<usize>> = None;
        let mut push = |token: u32, range: Range<usize>| {
            if token == self.unknown {
                let end = unknown.as_ref().map_or(range.end, |known| known.end);
                unknown = Some(range.start..end);
                return;
            }
            if let Some(range) = unknown.take() {
                self.push_unknown(piece, range, &mut |token, _| out.push(token));
            }
            out.push(token);
        };
        match n_best {
            Some(n) => self.draw_from_best(piece, n, alpha, rng, &mut push),
            None => self.draw_from_all(piece, alpha, rng, &mut push),
        }
        if let Some(range) = unknown {
            self.push_unknown(piece, range, &mut |token, _| out.push(token));
        }
        out[start..].reverse();
    }

    fn byte_token(&self, byte: u8) -> Option<u32> {
        self.fallback.as_ref().and_then(|tokens| tokens[usize::from(byte)])
    }

    fn are_as_good(&self, left: &[u32], right: &[u32]) -> bool {
        let score =
            |ids: &[u32]| ids.iter().map(|&id| self.scores.get(id as usize).copied().unwrap_or(0.0)).sum::<f64>();
        let (left, right) = (score(left), score(right));
        (left - right).abs() <= 1e-5 * left.abs().max(1.0)
    }

    fn to_json(&self, spelling: &[String], _: &[bool]) -> Map<String, Value> {
        let vocabulary: Vec<Value> =
            spelling.iter().zip(&self.scores).map(|(token, score)| json!([token, score])).collect();
        let fields = [
            ("type", json!("Unigram")),
            ("unk_id", json!(self.unknown)),
            ("vocab", Value::Array(vocabulary)),
            ("byte_fallback", json!(self.fallback.is_some())),
        ];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
