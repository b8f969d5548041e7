//! From a text to tokens: added tokens are found, what lies between is normalized and cut, the model encodes the pieces.

use std::cell::RefCell;
use std::ops::Range;

use super::added::{Matcher, Segment};
use super::aligned::Aligned;
use super::encoding::Token;
use super::model::{Model, Scratch};
use super::normalize::{Normalizer, Units};
use super::pattern::{known, window};
use super::pre_tokenize::{Pieces, PreTokenizer};
use super::regularize::Regularization;
use super::word_cache::{BLOCK, Few, Key, MoreWords, WordCache};
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
    /// Where a text may be cut before anything else.
    units: Option<Units>,
    /// Whether cutting asks where in the input a piece begins and the normalizer hides it.
    needs_origins: bool,
}

/// What one thread keeps.
struct Memory {
    identity: u64,
    words: WordCache,
    more_words: MoreWords,
    scratch: Scratch,
    tokens: Vec<u32>,
}

/// Longest run of Chinese or Japanese that is kept as a word, in bytes: two characters.
const SHORT_RUN: usize = 6;

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
        let units = match &cut {
            Cut::Any(Some(cut)) if cut.removes_spaces() => match &normalizer {
                Some(normalizer) => normalizer.units(),
                None => Some(Units::Words),
            },
            _ => None,
        };
        Pipeline { identity, normalizer, cut, model, matcher, normalized_matcher, units, needs_origins }
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
            let (words, more_words) = (WordCache::new(), MoreWords::new());
            Memory { identity, words, more_words, scratch: Scratch::new(), tokens: Vec::new() }
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
        self.with_memory(|memory| self.encode_into(text, parse_special, memory, out));
    }

    /// How many tokens `text` has.
    pub(crate) fn count(&self, text: &str, parse_special: bool) -> usize {
        self.with_memory(|memory| {
            let mut count = Counter(0);
            self.encode_into(text, parse_special, memory, &mut count);
            count.0
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

    fn encode_into(&self, text: &str, parse_special: bool, memory: &mut Memory, sink: &mut impl Sink) {
        // The usual case goes without a call for every piece.
        if let (Cut::Known(pattern), None) = (&self.cut, &self.normalizer)
            && self.matcher.finds_nothing(parse_special)
            && self.normalized_matcher.finds_nothing(parse_special)
        {
            return self.encode_known(*pattern, text, memory, sink);
        }
        if let Some(units) = self.units
            && self.matcher.finds_nothing(parse_special)
            && self.normalized_matcher.finds_nothing(parse_special)
        {
            return self.encode_units(units, text, memory, sink);
        }
        self.each_piece(text, parse_special, |piece| match piece {
            Piece::Added(id) => sink.take(&[id]),
            Piece::Text(piece) => self.encode_piece(piece, memory, sink),
        });
    }

    /// Encodes a text that is cut by a published pattern.
    fn encode_known(&self, pattern: known::Pattern, text: &str, memory: &mut Memory, sink: &mut impl Sink) {
        let bytes = text.as_bytes();
        let mut pieces = pattern.split(text);
        let mut position = 0;
        let mut few = Few::new();
        let mut padded = [0; BLOCK];
        loop {
            while let Some(byte) = bytes.get(position)
                && byte.is_ascii()
            {
                let rest = &bytes[position..];
                let block = rest.first_chunk::<BLOCK>().unwrap_or_else(|| {
                    padded = [0; BLOCK];
                    padded[..rest.len()].copy_from_slice(rest);
                    &padded
                });
                let starts = window::starts(pattern, block, rest.len());
                // The first begins where the window does.
                let mut ends = starts & (starts - 1);
                if ends == 0 {
                    break;
                }
                let mut begin = 0;
                while ends != 0 {
                    memory.words.take_words(block, &mut begin, &mut ends, &mut few);
                    if ends != 0 {
                        sink.take(few.empty());
                        let end = ends.trailing_zeros() as usize;
                        ends &= ends - 1;
                        let piece = position + begin..position + end;
                        let key = Key::within(bytes, piece.start, piece.end);
                        self.encode_new(&text[piece], key, memory, sink);
                        begin = end;
                    }
                }
                position += begin;
                if few.is_full() {
                    sink.take(few.empty());
                }
            }
            sink.take(few.empty());
            pieces.skip_to(position);
            let Some(piece) = pieces.next() else { return };
            let end = position + piece.len();
            if end - position > SHORT_RUN && (0xE3..=0xE9).contains(&bytes[position]) {
                // Runs of Chinese seldom come again.
                let Memory { scratch, tokens, .. } = &mut *memory;
                sink.give(tokens, |out| self.model.encode(piece, scratch, out));
            } else {
                self.encode_keyed(piece, Key::within(bytes, position, end), memory, sink);
            }
            position = end;
        }
    }

    /// Encodes a text word by word, the words being kept as they stand in the text.
    fn encode_units(&self, units: Units, text: &str, memory: &mut Memory, sink: &mut impl Sink) {
        let bytes = text.as_bytes();
        let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let is_common = |at: usize| match bytes[at] {
            0xE4 => bytes[at + 1] >= 0xB8,
            0xE5..=0xE9 => true,
            _ => false,
        };
        let is_han = |at: usize| units == Units::WordsAndHan && is_common(at);
        let mut start = 0;
        while start < bytes.len() {
            if is_space(bytes[start]) {
                start += 1;
                continue;
            }
            let mut end = start + if is_han(start) { 3 } else { 1 };
            if end == start + 1 {
                while end < bytes.len() && !is_space(bytes[end]) && !is_han(end) {
                    end += 1;
                }
            }
            let key = Key::within(bytes, start, end);
            match key.and_then(|key| memory.words.get(key)) {
                Some(tokens) => sink.take(tokens),
                None => {
                    let mut tokens = Vec::new();
                    self.cut_segment(text, start..end, false, &mut |piece| match piece {
                        Piece::Added(id) => tokens.push(id),
                        // Pieces are not kept for themselves: what is kept is found by the text as it was.
                        Piece::Text(piece) => self.model.encode(piece, &mut memory.scratch, &mut tokens),
                    });
                    sink.take(&tokens);
                    if let Some(key) = key {
                        memory.words.put(key, &tokens);
                    }
                }
            }
            start = end;
        }
    }

    #[inline]
    fn encode_piece(&self, piece: &str, memory: &mut Memory, sink: &mut impl Sink) {
        self.encode_keyed(piece, Key::new(piece.as_bytes()), memory, sink);
    }

    #[inline]
    fn encode_keyed(&self, piece: &str, key: Option<Key>, memory: &mut Memory, sink: &mut impl Sink) {
        match key.and_then(|key| memory.words.get(key)) {
            Some(tokens) => sink.take(tokens),
            None => self.encode_new(piece, key, memory, sink),
        }
    }

    #[cold]
    #[inline(never)]
    fn encode_new(&self, piece: &str, key: Option<Key>, memory: &mut Memory, sink: &mut impl Sink) {
        let Memory { words, more_words, scratch, tokens, .. } = memory;
        let bytes = piece.as_bytes();
        let place = MoreWords::place(bytes);
        if let Some(kept) = place.and_then(|place| more_words.get(place, bytes)) {
            sink.take(kept);
            key.iter().for_each(|&key| words.put(key, kept));
            return;
        }
        tokens.clear();
        self.model.encode(piece, scratch, tokens);
        sink.take(tokens);
        key.iter().for_each(|&key| words.put(key, tokens));
        place.iter().for_each(|&place| more_words.put(place, bytes, tokens));
    }

    /// Calls `visit` with every added token and every piece of `text`, in order.
    fn each_piece(&self, text: &str, parse_special: bool, mut visit: impl FnMut(Piece)) {
        if self.matcher.finds_nothing(parse_special) {
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
        if self.normalizer.is_none() && self.normalized_matcher.finds_nothing(parse_special) {
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
        for segment in self.normalized(text, range, |_| parse_special, self.needs_origins) {
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
    fn normalized(
        &self,
        text: &str,
        range: Range<usize>,
        parses: impl Fn(Range<usize>) -> bool,
        track: bool,
    ) -> Vec<Normalized> {
        let mut aligned = Aligned::new(text, range, track);
        if let Some(normalizer) = &self.normalizer {
            normalizer.normalize(&mut aligned);
        }
        if self.normalized_matcher.finds_nothing(true) {
            return vec![Normalized::Text(aligned)];
        }
        let parses = |found: Range<usize>| parses(aligned.origin(found.start, found));
        let segments = self.normalized_matcher.split_where(&aligned.text, parses).into_iter();
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
        self.encode_segments(text, self.matcher.split(text, parse_special), |_| parse_special)
    }

    fn encode_segments(
        &self,
        text: &str,
        segments: Vec<Segment>,
        parses: impl Fn(Range<usize>) -> bool + Copy,
    ) -> Vec<Token> {
        let mut out = Vec::new();
        let mut found = Vec::new();
        self.with_memory(|memory| {
            for segment in segments {
                if let Some(id) = segment.token {
                    let spaces = outer_spaces(&text[segment.range.clone()]);
                    out.push(Token { spaces, ..Token::new(id, segment.range) });
                    continue;
                }
                for part in self.normalized(text, segment.range, parses, true) {
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

    /// Whether the model encodes the whole piece as this one token.
    pub(crate) fn encodes_to(&self, piece: &str, id: u32) -> bool {
        self.with_memory(|memory| {
            let mut tokens = Vec::new();
            self.model.encode(piece, &mut memory.scratch, &mut tokens);
            tokens == [id]
        })
    }

    /// The last piece `text` is cut into, as the model is given it; `None` where that is an added token.
    pub(crate) fn last_piece(&self, text: &str) -> Option<String> {
        let mut last = None;
        self.each_piece(text, false, |piece| {
            last = match piece {
                Piece::Text(piece) => Some(piece.to_owned()),
                Piece::Added(_) => None,
            };
        });
        last
    }

    /// The tokens of `text` with the bytes of it they stand for. Special tokens are found outside the ranges `untrusted`
    /// alone, and pieces end at `breaks` where the kind of vocabulary allows to encode parts on their own.
    pub(crate) fn encode_around(&self, text: &str, untrusted: &[Range<usize>], breaks: &[usize]) -> Vec<Token> {
        let is_trusted =
            |found: Range<usize>| !untrusted.iter().any(|range| range.start < found.end && found.start < range.end);
        // A space put before every part, as some normalizers do, would stand in the middle of the text.
        let may_break = !matches!(self.cut, Cut::Any(_));
        let mut segments = Vec::new();
        for segment in self.matcher.split_where(text, is_trusted) {
            let mut rest = segment.range.clone();
            let inside = |at: &&usize| may_break && segment.token.is_none() && segment.range.contains(at);
            for &at in breaks.iter().filter(inside).filter(|&&at| at > segment.range.start) {
                segments.push(Segment { range: rest.start..at, token: None });
                rest.start = at;
            }
            segments.push(Segment { range: rest, token: segment.token });
        }
        self.encode_segments(text, segments, is_trusted)
    }

    /// The stretches of `text`, each an added token or plain text, without normalizing.
    pub(crate) fn split_special<'a>(&self, text: &'a str) -> Vec<(&'a str, Option<u32>)> {
        let segments = self.matcher.split(text, true);
        segments.into_iter().map(|segment| (&text[segment.range], segment.token)).collect()
    }
}

/// What tokens go to.
trait Sink {
    fn take(&mut self, tokens: &[u32]);

    /// The tokens that `write` appends; `spare` may be used in between.
    fn give(&mut self, spare: &mut Vec<u32>, write: impl FnOnce(&mut Vec<u32>));
}

impl Sink for Vec<u32> {
    fn take(&mut self, tokens: &[u32]) {
        self.extend_from_slice(tokens);
    }

    fn give(&mut self, _: &mut Vec<u32>, write: impl FnOnce(&mut Vec<u32>)) {
        write(self);
    }
}

/// Only how many there are.
struct Counter(usize);

impl Sink for Counter {
    #[inline]
    fn take(&mut self, tokens: &[u32]) {
        self.0 += tokens.len();
    }

    fn give(&mut self, spare: &mut Vec<u32>, write: impl FnOnce(&mut Vec<u32>)) {
        spare.clear();
        write(spare);
        self.0 += spare.len();
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
