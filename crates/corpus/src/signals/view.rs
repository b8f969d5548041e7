//! One pass over a text: its words by three definitions, its counts, and the facts of its lines.
//!
//! The pass goes from white space to white space. What stands between is mostly a run of ASCII letters, perhaps with a mark behind
//! it; such words are hashed once and go to all three lists. The others are cut by the rules of each definition.

use std::cell::RefCell;

use lang::document::Document;
use memchr::memchr;

use super::bytes::{
    CLASSES, DIGIT, HIGH, LETTER, MARK, SPACE, TECHNICAL, UPPER, letters_from, short_word, stop_word, stop_word_lowered,
};
use super::hash;
use super::lines::{Line, Lines, seen};
use super::marks;
use super::notices;
use super::options::TagOptions;
use super::phrases;
use super::python::{is_alpha, is_digit, is_line_break, is_space, strip};
use super::repeats::{Buffers, Joined, Table};
use super::sentences::{sentence_step, tokens_and_sentences};
use super::words::specials::SPECIALS;
use super::words::{Words, spacy, unicode};
use crate::text::is_common_han;

/// What the families read.
pub struct View<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its text.
    pub text: &'a str,
    /// Words and counts.
    pub scratch: &'a Scratch,
    /// Facts of the lines.
    pub lines: &'a Lines,
    /// What is to be measured.
    pub options: &'a TagOptions,
}

/// Counts made in the pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Characters of the text.
    pub characters: u64,
    /// `#` signs.
    pub hashes: u64,
    /// `...`, and `…`.
    pub dots: u64,
    /// See there.
    pub ellipses: u64,
    /// Digits, letters in upper case, and characters that are no letter, digit or white space.
    pub digits: u64,
    /// See there.
    pub uppercase: u64,
    /// White space characters.
    pub spaces: u64,
    /// Letters and numbers.
    pub alnum: u64,
    /// Words by white space with a letter in them.
    pub alpha_words: u64,
    /// … with `#` or `…` in them.
    pub symbol_words: u64,
    /// … that are stop words as written.
    pub stop_words: u64,
    /// … that are stop words in lower case.
    pub stop_words_lowered: u64,
    /// … that begin with a capital, or are all capitals.
    pub capital_words: u64,
    /// Tokens that are not only punctuation.
    pub text_tokens: u64,
    /// Their characters.
    pub text_token_characters: u64,
    /// Tokens with a letter in them.
    pub alpha_tokens: u64,
    /// Which stop words are among the tokens: a bit each.
    pub stop_tokens: u32,
}

/// A line as line feeds separate them.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawLine {
    /// First byte.
    pub start: usize,
    /// One past the last byte; the line feed is there.
    pub end: usize,
    /// `hash::bytes` of what is between.
    pub hash: u64,
    /// Words that begin with a capital of any script.
    pub capital_words: u32,
    /// Characters 0-9 { } + / ( ) >.
    pub technical: u32,
}

/// Buffers, filled for one text.
#[derive(Default)]
pub struct Scratch {
    /// Words by white space.
    pub spaced: Words,
    /// Tokens of spaCy's rules.
    pub tokens: Words,
    /// Words by Unicode's boundaries.
    pub unicode: Words,
    /// The tokens written together.
    pub joined: Joined,
    /// Counts.
    pub counts: Counts,
    /// Lines as line feeds separate them; one more than there are line feeds.
    pub raw_lines: Vec<RawLine>,
    /// Room for what families work out.
    pub working: RefCell<Working>,
    ranges: Vec<spacy::Range>,
}

/// Buffers that families use one after another.
#[derive(Default)]
pub struct Working {
    /// For repeated runs.
    pub buffers: Buffers,
    /// For repeated lines.
    pub table: Table,
    /// Elements of a list with their characters.
    pub elements: Vec<(u64, u32)>,
    /// Counts of lengths.
    pub lengths: Vec<u32>,
}

/// Where the words of a line stand in the lists.
#[derive(Clone, Copy, Default)]
struct Marks {
    start: usize,
    spaced: usize,
    unicode: usize,
    tokens: usize,
}

/// The pass.
struct Pass<'a> {
    text: &'a str,
    scratch: &'a mut Scratch,
    line: Line,
    marks: Marks,
    /// A sentence's end has been seen.
    ended: bool,
    /// Where the last word ended.
    last: usize,
    /// Where the last phrase ended: phrases do not overlap.
    phrase_end: usize,
    /// The line as line feeds separate them, as far as it was read.
    raw: RawLine,
    found: Vec<Line>,
    /// Line ends that are no `\n`, as numbers of lines.
    breaks: Vec<usize>,
    /// A line ends in CR LF: the carriage return belongs to the line as `\n` separates them.
    carriage: bool,
}

/// Reads a text: fills the buffers and gives the facts of its lines.
pub fn look(scratch: &mut Scratch, text: &str) -> Lines {
    scratch.spaced.clear();
    scratch.tokens.clear();
    scratch.unicode.clear();
    scratch.joined.bytes.clear();
    scratch.joined.starts.clear();
    let count = |mark| memchr::memmem::find_iter(text.as_bytes(), mark).count() as u64;
    scratch.counts = Counts { dots: count("..."), ellipses: count("…"), ..Counts::default() };
    scratch.raw_lines.clear();
    let mut pass = Pass {
        text,
        scratch,
        line: Line::default(),
        marks: Marks::default(),
        ended: false,
        last: 0,
        phrase_end: 0,
        raw: RawLine::default(),
        found: Vec::new(),
        breaks: Vec::new(),
        carriage: false,
    };
    pass.read();
    let (pieces, breaks, carriage) = (pass.found, pass.breaks, pass.carriage);
    scratch.joined.starts.push(scratch.joined.bytes.len() as u32);
    scratch.joined.bytes.extend_from_slice(&[0; 16]);
    if breaks.is_empty() && !carriage {
        return Lines { lines: pieces, pieces: None };
    }
    merge(text, pieces, &breaks)
}

/// Lines by `\n` from lines by any line break. `breaks` are numbers of pieces that end in another one.
fn merge(text: &str, mut pieces: Vec<Line>, breaks: &[usize]) -> Lines {
    let mut lines: Vec<Line> = Vec::new();
    let mut texts = text.split('\n');
    let mut open: Option<Line> = None;
    let mut exotic = breaks.iter().peekable();
    for (index, piece) in pieces.iter().enumerate() {
        let mut line = match open.take() {
            None => *piece,
            Some(before) => Line {
                seen: (before.seen | piece.seen) & !seen::BLANK,
                words: before.words + piece.words,
                unicode_words: before.unicode_words + piece.unicode_words,
                longest_word: before.longest_word.max(piece.longest_word),
                uppercase: before.uppercase + piece.uppercase,
                digits: before.digits + piece.digits,
                tokens: before.tokens + piece.tokens,
                sentences: before.sentences + piece.sentences,
                phrase_words: before.phrase_words + piece.phrase_words,
                ..*piece
            },
        };
        if exotic.next_if(|&&at| at == index).is_some() {
            open = Some(line);
            continue;
        }
        if let Some(whole) = texts.next() {
            line.characters = whole.chars().count() as u32;
            finish(&mut line, whole, hash::bytes(whole.as_bytes()));
        }
        lines.push(line);
    }
    // The last piece after a line end is no line by `str.splitlines`.
    if pieces.last().is_some_and(|last| last.characters == 0) {
        pieces.pop();
    }
    Lines { lines, pieces: Some(pieces) }
}

/// The facts that are read off the ends of a line. `raw_hash` is the hash of `raw`.
fn finish(line: &mut Line, raw: &str, raw_hash: u64) {
    let stripped = strip(raw);
    let ends =
        seen::TERMINAL | seen::APOSTROPHE | seen::ELLIPSIS | seen::ANY_TERMINAL | seen::RAW_TERMINAL | seen::BLANK;
    line.seen &= !ends;
    if stripped.is_empty() {
        line.seen |= seen::BLANK;
    }
    if stripped.ends_with(['.', '?', '!', '"']) {
        line.seen |= seen::RAW_TERMINAL;
    }
    let cleaned = if memchr(b'[', stripped.as_bytes()).is_some() { phrases::without_citations(stripped) } else { None };
    let clean = match &cleaned {
        Some(clean) => {
            line.seen |= seen::CITATION;
            (line.tokens, line.sentences) = tokens_and_sentences(clean);
            clean
        }
        None => stripped,
    };
    match clean.chars().next_back() {
        Some('.' | '?' | '!' | '"') => {
            line.seen |= seen::TERMINAL | if clean.ends_with("...") { seen::ELLIPSIS } else { 0 }
        }
        Some('\'') => line.seen |= seen::APOSTROPHE,
        _ => {}
    }
    if clean.ends_with(|c| marks::TERMINAL.has(c)) {
        line.seen |= seen::ANY_TERMINAL;
    }
    let is_whole = clean.len() == raw.len();
    line.clean_characters = if is_whole { line.characters } else { clean.chars().count() as u32 };
    line.hash = if is_whole { raw_hash } else { hash::bytes(clean.as_bytes()) } as u32;
    // A sentence is there even where nothing is, to the peer.
    line.sentences = line.sentences.max(1);
    if line.digits > 0 && line.words <= 8 && phrases::is_counter(raw) {
        line.seen |= seen::COUNTER;
    }
    if line.has(seen::PHRASE) {
        line.seen &= !seen::PHRASE;
        if line.words <= 10
            && let Some(rest) = phrases::without_phrases(raw)
        {
            line.seen |= seen::PHRASE | if strip(&rest).is_empty() { seen::ONLY_PHRASE } else { 0 };
            let mut left = 0;
            rest.split(is_space).for_each(|part| unicode::words(part, |_| left += 1));
            line.phrase_words = line.unicode_words.saturating_sub(left);
        }
    }
    if memchr(b'{', raw.as_bytes()).is_some() {
        line.seen |= seen::CURLY_BRACKET;
    }
}

impl Pass<'_> {
    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        // Continuation bytes of the line, to know its characters.
        let mut extra = 0u32;
        while at < bytes.len() {
            let byte = bytes[at];
            let class = CLASSES[byte as usize];
            if class == SPACE {
                self.scratch.counts.spaces += 1;
                if byte == b' ' || byte == b'\t' {
                    at += 1;
                    continue;
                }
                let next = if byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 };
                if byte == b'\x1f' {
                    at += 1;
                    continue;
                }
                let carriage = next == at + 2;
                self.carriage |= carriage;
                self.scratch.counts.spaces += u64::from(carriage);
                self.end_line(at, next, extra, byte != b'\n' && !carriage);
                extra = 0;
                at = next;
                continue;
            }
            if class == HIGH
                && let Some(c) = self.text[at..].chars().next()
                && is_space(c)
            {
                self.scratch.counts.spaces += 1;
                let next = at + c.len_utf8();
                if is_line_break(c) {
                    self.end_line(at, next, extra, true);
                    extra = 0;
                } else {
                    extra += c.len_utf8() as u32 - 1;
                }
                at = next;
                continue;
            }
            at = self.word(at, &mut extra);
        }
        self.end_line(bytes.len(), bytes.len(), extra, false);
    }

    /// Reads the word that begins at `start`; gives where it ends.
    #[inline]
    fn word(&mut self, start: usize, extra: &mut u32) -> usize {
        let bytes = self.text.as_bytes();
        let mut all = 0u8;
        // The run of letters in front.
        let (mut at, mut upper) = letters_from(bytes, start);
        let letters = at - start;
        let (mut digits, mut others, mut more) = (0u32, 0u32, 0u32);
        let (mut hashes, mut technical) = (0u32, 0u32);
        let mut ellipsis = false;
        let mut any_letter = letters > 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let class = CLASSES[byte as usize];
            if class == SPACE {
                break;
            }
            if class == HIGH {
                all |= HIGH;
                if is_common_han(byte) {
                    any_letter = true;
                    more += 2;
                    at += 3;
                    continue;
                }
                let Some(c) = self.text[at..].chars().next() else { break };
                if is_space(c) {
                    break;
                }
                more += c.len_utf8() as u32 - 1;
                if is_alpha(c) {
                    any_letter = true;
                    upper += u32::from(c.is_uppercase());
                } else if is_digit(c) {
                    digits += 1;
                } else {
                    others += 1;
                    ellipsis |= c == '…';
                }
                at += c.len_utf8();
                continue;
            }
            all |= class;
            upper += u32::from(class & UPPER != 0);
            digits += u32::from(class & DIGIT != 0);
            others += u32::from(class & MARK != 0);
            technical += u32::from(class & TECHNICAL != 0);
            hashes += u32::from(byte == b'#');
            any_letter |= class & LETTER != 0;
            at += 1;
        }
        *extra += more;
        let word = &bytes[start..at];
        let characters = (at - start) as u32 - more;
        let counts = &mut self.scratch.counts;
        counts.digits += u64::from(digits);
        counts.uppercase += u64::from(upper);
        counts.alnum += u64::from(characters - others);
        counts.hashes += u64::from(hashes);
        counts.alpha_words += u64::from(any_letter);
        counts.symbol_words += u64::from(hashes > 0 || ellipsis);
        let ascii_capital = CLASSES[word[0] as usize] & UPPER != 0;
        counts.capital_words += u64::from(ascii_capital);
        self.raw.technical += technical;
        self.line.uppercase += upper;
        self.line.digits += digits;
        self.line.longest_word = self.line.longest_word.max(characters);
        let hash = hash::part(bytes, start, at);
        let short = short_word(bytes, start, at);
        counts.stop_words += u64::from(stop_word(short) != 0);
        counts.stop_words_lowered += u64::from(stop_word_lowered(short) != 0);
        self.raw.capital_words += u32::from(ascii_capital || (word[0] >= 0x80 && self.begins_with_capital(start)));
        if word.len() >= 7 && (all & MARK != 0 || word.len() >= 10) {
            self.phrases_inside(start, at);
        }
        if let Some(found) = notices::at_end_of_word(bytes, at) {
            self.phrase(found);
        }
        self.scratch.spaced.push(hash, characters);
        self.gap(start);
        self.last = at;
        if all == 0 && SPECIALS.get(hash).is_none() {
            self.plain(start, at, hash);
            self.scratch.unicode.push(hash, characters);
        } else if letters > 0 && letters + 1 == word.len() && self.is_plain_mark(start, start + letters, hash) {
            let stem = hash::part(bytes, start, start + letters);
            self.plain(start, start + letters, stem);
            self.scratch.unicode.push(stem, letters as u32);
            self.token(start + letters, at);
        } else {
            self.cut(start, at);
        }
        at
    }

    #[inline(never)]
    fn begins_with_capital(&self, at: usize) -> bool {
        self.text[at..].starts_with(char::is_uppercase)
    }

    fn phrase(&mut self, (start, end, bit): notices::Found) {
        if start >= self.phrase_end {
            self.phrase_end = end;
            self.line.seen |= bit;
        }
    }

    #[inline(never)]
    fn phrases_inside(&mut self, start: usize, end: usize) {
        notices::inside(self.text.as_bytes(), start, end, &mut |found| self.phrase(found));
    }

    /// A word of letters is a token of its own when the mark behind it is taken off, and neither form is an exception.
    #[inline]
    fn is_plain_mark(&self, start: usize, mark: usize, hash: u64) -> bool {
        let bytes = self.text.as_bytes();
        let taken = match bytes[mark] {
            b'.' => bytes[mark - 1].is_ascii_lowercase() && mark - start > 1,
            b',' | b';' | b':' | b'!' | b'?' | b')' | b'"' | b']' => true,
            _ => false,
        };
        taken && SPECIALS.get(hash).is_none() && SPECIALS.get(hash::part(bytes, start, mark)).is_none()
    }

    /// White space between words is a token of its own where it is more than one space; only the end of a sentence sees it.
    #[inline]
    fn gap(&mut self, start: usize) {
        if self.ended && self.scratch.tokens.len() > self.marks.tokens {
            let gap = &self.text[self.last..start];
            if !gap.is_empty() && gap != " " {
                self.line.sentences += 1;
                self.ended = false;
            }
        }
    }

    /// A token of ASCII letters.
    #[inline]
    fn plain(&mut self, start: usize, end: usize, hash: u64) {
        let word = &self.text.as_bytes()[start..end];
        let scratch = &mut *self.scratch;
        if scratch.tokens.len() == self.marks.tokens {
            self.line.sentences = 1;
        } else if self.ended {
            self.line.sentences += 1;
        }
        self.ended = false;
        let length = word.len() as u32;
        scratch.counts.text_tokens += 1;
        scratch.counts.text_token_characters += u64::from(length);
        scratch.counts.alpha_tokens += 1;
        scratch.counts.stop_tokens |= stop_word(short_word(self.text.as_bytes(), start, end));
        scratch.joined.starts.push(scratch.joined.bytes.len() as u32);
        scratch.joined.bytes.extend_from_slice(word);
        scratch.tokens.push(hash, length);
    }

    /// Any token.
    fn token(&mut self, start: usize, end: usize) {
        let token = &self.text[start..end];
        let scratch = &mut *self.scratch;
        if scratch.tokens.len() == self.marks.tokens {
            self.line.sentences = 1;
        }
        sentence_step(token, &mut self.line.sentences, &mut self.ended);
        let (mut characters, mut alpha, mut text) = (0u32, false, false);
        for c in token.chars() {
            characters += 1;
            alpha |= is_alpha(c);
            text |= c.is_ascii_alphanumeric() || !marks::PUNCTUATION.has(c);
        }
        scratch.counts.text_tokens += u64::from(text);
        scratch.counts.text_token_characters += if text { u64::from(characters) } else { 0 };
        scratch.counts.alpha_tokens += u64::from(alpha);
        scratch.counts.stop_tokens |= stop_word(short_word(self.text.as_bytes(), start, end));
        scratch.joined.starts.push(scratch.joined.bytes.len() as u32);
        scratch.joined.bytes.extend_from_slice(token.as_bytes());
        scratch.tokens.push(hash::part(self.text.as_bytes(), start, end), characters);
    }

    /// A word that the rules have to be asked about.
    #[inline(never)]
    fn cut(&mut self, start: usize, end: usize) {
        let text = self.text;
        let word = &text[start..end];
        unicode::words(word, |piece| {
            self.scratch.unicode.push(hash::bytes(piece.as_bytes()), piece.chars().count() as u32);
        });
        let mut ranges = std::mem::take(&mut self.scratch.ranges);
        ranges.clear();
        spacy::tokenize(word, &mut ranges);
        for &(from, to) in &ranges {
            self.token(start + from as usize, start + to as usize);
        }
        self.scratch.ranges = ranges;
    }

    fn end_line(&mut self, end: usize, next: usize, extra: u32, exotic: bool) {
        let raw = &self.text[self.marks.start..end];
        let hash = hash::bytes(raw.as_bytes());
        let mut line = self.line;
        line.characters = raw.len() as u32 - extra;
        line.words = (self.scratch.spaced.len() - self.marks.spaced) as u32;
        line.unicode_words = (self.scratch.unicode.len() - self.marks.unicode) as u32;
        line.tokens = (self.scratch.tokens.len() - self.marks.tokens) as u32;
        if next == end || self.text.as_bytes()[next - 1] == b'\n' {
            // Of CR LF the carriage return is part of the line as line feeds separate them.
            let (start, end) = (self.raw.start, if next == end { end } else { next - 1 });
            let same = (start, end) == (self.marks.start, start + raw.len());
            let hash = if same { hash } else { hash::bytes(&self.text.as_bytes()[start..end]) };
            self.scratch.raw_lines.push(RawLine { end, hash, ..self.raw });
            self.raw = RawLine { start: next, ..RawLine::default() };
        }
        finish(&mut line, raw, hash);
        self.scratch.counts.characters += u64::from(line.characters) + self.text[end..next].chars().count() as u64;
        if exotic {
            self.breaks.push(self.found.len());
        }
        self.found.push(line);
        self.line = Line::default();
        self.ended = false;
        self.last = next;
        self.marks = Marks {
            start: next,
            spaced: self.scratch.spaced.len(),
            unicode: self.scratch.unicode.len(),
            tokens: self.scratch.tokens.len(),
        };
    }
}
