//! From a text to tokens: added tokens are found, what lies between is normalized and cut, the model encodes the pieces.

use std::cell::RefCell;
use std::ops::Range;

use super::added::Matcher;
use super::aligned::Aligned;
use super::encoding::Token;
use super::model::{Model, Scratch};
use super::normalize::Normalizer;
use super::pattern::known;
use super::pre_tokenize::{Pieces, PreTokenizer};
use super::regularize::Regularization;
use super::word_cache::WordCache;
use crate::rng::Rng;

/// How a text is cut into pieces.
pub(crate) enum Cut {
    /// By a published pattern; the model takes bytes.
    Known(known::Pattern),
    /// By these, none of which change the text; the model takes bytes.
    Bytes(Vec<Box<dyn PreTokenizer>>),
    /// By any pre-tokenizer, or not at all.
    Any(Option<Box<dyn PreTokenizer>>),
}

impl Cut {
    /// The pieces of `text`.
    pub(crate) fn pieces(&self, text: Aligned) -> Pieces {
        let mut pieces = Pieces::new(text);
        match self {
            Cut::Known(pattern) => {
                let mut start = 0;
                let cut = pattern.split(&pieces.text.text).map(|piece| {
                    let range = start..start + piece.len();
                    start = range.end;
                    range
                });
                pieces.ranges = cut.collect();
            }
            Cut::Bytes(members) => members.iter().for_each(|member| member.pre_tokenize(&mut pieces)),
            Cut::Any(cut) => cut.iter().for_each(|cut| cut.pre_tokenize(&mut pieces)),
        }
        pieces
    }
}

pub(crate) struct Pipeline {
    /// Tells the thread caches of different vocabularies apart.
    identity: u64,
    normalizer: Option<Box<dyn Normalizer>>,
    cut: Cut,
    pub(crate) model: Box<dyn Model>,
    /// Added tokens looked for in the text as it is.
    matcher: Matcher,
    /// Added tokens looked for in the normalized text.
    normalized_matcher: Matcher,
    /// Whether cutting asks where in the input a piece begins and the normalizer hides it.
    needs_origins: bool,
}

/// What one thread keeps.
struct Memory {
    identity: u64,
    words: WordCache,
    scratch: Scratch,
    tokens: Vec<u32>,
}

/// Vocabularies whose memory a thread keeps: two are compared now and then, more at once are rare.
const KEPT_MEMORIES: usize = 2;

thread_local! {
    /// The vocabularies used last, the most recent one last.
    static MEMORIES: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

impl Pipeline {
    pub(crate) fn new(
        normalizer: Option<Box<dyn Normalizer>>,
        cut: Cut,
        model: Box<dyn Model>,
        matcher: Matcher,
        normalized_matcher: Matcher,
    ) -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let identity = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let needs_origins = match &cut {
            Cut::Any(Some(cut)) => cut.needs_origins(normalizer.is_some()),
            Cut::Any(None) | Cut::Known(_) | Cut::Bytes(_) => false,
        };
        Pipeline { identity, normalizer, cut, model, matcher, normalized_matcher, needs_origins }
    }

    /// Runs `work` with what this thread keeps for this vocabulary.
    fn with_memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        // Taken out while it is used, so that a panic cannot leave it half changed.
        let kept = MEMORIES.with_borrow_mut(|memories| {
            let at = memories.iter().position(|memory| memory.identity == self.identity)?;
            Some(memories.remove(at))
        });
        let mut memory = kept.unwrap_or_else(|| {
            let identity = self.identity;
            Memory { identity, words: WordCache::new(), scratch: Scratch::new(), tokens: Vec::new() }
        });
        let result = work(&mut memory);
        MEMORIES.with_borrow_mut(|memories| {
            if memories.len() >= KEPT_MEMORIES {
                memories.remove(0);
            }
            memories.push(memory);
        });
        result
    }

    /// Append the tokens of `text` to `out`.
    pub(crate) fn encode(&self, text: &str, parse_special: bool, out: &mut Vec<u32>) {
        self.with_memory(|memory| {
            self.each_piece(text, parse_special, |piece| match piece {
                Piece::Added(id) => out.push(id),
                Piece::Text(piece) => self.encode_piece(piece, memory, out),
            });
        });
    }

    /// How many tokens `text` has.
    pub(crate) fn count(&self, text: &str, parse_special: bool) -> usize {
        self.with_memory(|memory| {
            let mut count = 0;
            let mut tokens = std::mem::take(&mut memory.tokens);
            self.each_piece(text, parse_special, |piece| match piece {
                Piece::Added(_) => count += 1,
                Piece::Text(piece) => {
                    tokens.clear();
                    self.encode_piece(piece, memory, &mut tokens);
                    count += tokens.len();
                }
            });
            memory.tokens = tokens;
            count
        })
    }

    /// Append tokens of `text` drawn at random.
    pub(crate) fn draw(&self, text: &str, parse_special: bool, how: Regularization, rng: &mut Rng, out: &mut Vec<u32>) {
        self.with_memory(|memory| {
            self.each_piece(text, parse_special, |piece| match piece {
                Piece::Added(id) => out.push(id),
                Piece::Text(piece) => self.model.draw(piece, how, rng, &mut memory.scratch, out),
            });
        });
    }

    fn encode_piece(&self, piece: &str, memory: &mut Memory, out: &mut Vec<u32>) {
        let Memory { words, scratch, .. } = memory;
        words.encode(piece, out, |piece, out| self.model.encode(piece, scratch, out));
    }

    /// Calls `visit` with every added token and every piece of `text`, in order.
    fn each_piece(&self, text: &str, parse_special: bool, mut visit: impl FnMut(Piece)) {
        if self.matcher.is_empty() {
            self.cut_segment(text, 0..text.len(), parse_special, &mut visit);
            return;
        }
        for segment in self.matcher.split(text, parse_special) {
            match segment.token {
                Some(id) => visit(Piece::Added(id)),
                None => self.cut_segment(text, segment.range, parse_special, &mut visit),
            }
        }
    }

    fn cut_segment(&self, text: &str, range: Range<usize>, parse_special: bool, visit: &mut impl FnMut(Piece)) {
        if self.normalizer.is_none() && self.normalized_matcher.is_empty() {
            match &self.cut {
                Cut::Known(pattern) => {
                    return pattern.split(&text[range]).for_each(|piece| visit(Piece::Text(piece)));
                }
                Cut::Any(None) => {
                    if !range.is_empty() {
                        visit(Piece::Text(&text[range]));
                    }
                    return;
                }
                Cut::Any(_) | Cut::Bytes(_) => {}
            }
        }
        for segment in self.normalized(text, range, parse_special, self.needs_origins) {
            match segment {
                Normalized::Added { id, .. } => visit(Piece::Added(id)),
                Normalized::Text(text) => {
                    let pieces = self.pieces(text);
                    pieces.ranges.iter().for_each(|piece| visit(Piece::Text(&pieces.text.text[piece.clone()])));
                }
            }
        }
    }

    /// The part `range` of `text`, normalized, with the tokens found in it.
    fn normalized(&self, text: &str, range: Range<usize>, parse_special: bool, track: bool) -> Vec<Normalized> {
        let mut aligned = Aligned::new(text, range, track);
        if let Some(normalizer) = &self.normalizer {
            normalizer.normalize(&mut aligned);
        }
        if self.normalized_matcher.is_empty() {
            return vec![Normalized::Text(aligned)];
        }
        let segments = self.normalized_matcher.split(&aligned.text, parse_special).into_iter();
        let parts = segments.map(|segment| match segment.token {
            Some(id) => {
                let origin = aligned.origin(segment.range.start, segment.range.clone());
                let spaces = outer_spaces(&aligned.text[segment.range]);
                Normalized::Added { id, origin, spaces }
            }
            None => {
                let mut part = aligned.emptied();
                part.start = aligned.piece_start(segment.range.start);
                part.push_part(&aligned, segment.range);
                Normalized::Text(part)
            }
        });
        parts.collect()
    }

    fn pieces(&self, text: Aligned) -> Pieces {
        self.cut.pieces(text)
    }

    /// The tokens of `text` with the bytes of it they stand for.
    pub(crate) fn encode_ranges(&self, text: &str, parse_special: bool) -> Vec<Token> {
        let mut out = Vec::new();
        let mut found = Vec::new();
        self.with_memory(|memory| {
            for segment in self.matcher.split(text, parse_special) {
                if let Some(id) = segment.token {
                    let spaces = outer_spaces(&text[segment.range.clone()]);
                    out.push(Token { spaces, ..Token::new(id, segment.range) });
                    continue;
                }
                for part in self.normalized(text, segment.range, parse_special, true) {
                    let part = match part {
                        Normalized::Added { id, origin, spaces } => {
                            out.push(Token { spaces, ..Token::new(id, origin) });
                            continue;
                        }
                        Normalized::Text(part) => part,
                    };
                    let Pieces { text: part, ranges } = self.pieces(part);
                    for piece in ranges {
                        found.clear();
                        self.model.encode_ranges(&part.text[piece.clone()], &mut memory.scratch, &mut found);
                        out.extend(found.drain(..).map(|(id, range)| {
                            Token::new(id, part.origin(piece.start, piece.start + range.start..piece.start + range.end))
                        }));
                    }
                }
            }
        });
        out
    }

    /// The stretches of `text`, each an added token or plain text, without normalizing.
    pub(crate) fn split_special<'a>(&self, text: &'a str) -> Vec<(&'a str, Option<u32>)> {
        let segments = self.matcher.split(text, true);
        segments.into_iter().map(|segment| (&text[segment.range], segment.token)).collect()
    }
}

/// What a text is made of.
enum Piece<'a> {
    Added(u32),
    Text(&'a str),
}

/// What a normalized text is made of.
enum Normalized {
    Added { id: u32, origin: Range<usize>, spaces: [usize; 2] },
    Text(Aligned),
}

/// White space around an added token that belongs to it, in characters.
fn outer_spaces(text: &str) -> [usize; 2] {
    let count = |text: &str, rest: &str| text.chars().count() - rest.chars().count();
    [count(text, text.trim_start()), count(text, text.trim_end())]
}
