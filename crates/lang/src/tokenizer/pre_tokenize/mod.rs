//! Pre-tokenizers: cutting a text into the pieces no token may cross. Each is one file and one line of [`KINDS`].

use std::ops::Range;

use serde_json::Value;

use super::TokenizerError;
use super::aligned::Aligned;
use super::fields::{Fields, Kinds, Source, read_optional};

pub(crate) mod byte_level;
mod characters;
mod fixed_length;
pub(crate) mod metaspace;
pub(crate) mod scripts;
pub(crate) mod split;
pub(crate) mod symbols;

/// Cuts every piece into smaller ones.
pub(crate) trait PreTokenizer: Send + Sync {
    fn pre_tokenize(&self, pieces: &mut Pieces);

    /// Whether white space is taken away and what stands on either side of it is cut without heed to the other.
    fn removes_spaces(&self) -> bool {
        false
    }

    /// Whether what it does depends on where in the input a piece begins, and that cannot be told from where it begins
    /// in the text, as when the text is a changed one.
    fn needs_origins(&self, is_changed: bool) -> bool {
        let _ = is_changed;
        false
    }
}

const KINDS: Kinds<dyn PreTokenizer> = &[
    ("BertPreTokenizer", characters::read_bert),
    ("ByteLevel", byte_level::read),
    ("CharDelimiterSplit", characters::read_delimiter),
    ("Digits", characters::read_digits),
    ("FixedLength", fixed_length::read),
    ("Metaspace", metaspace::read),
    ("Punctuation", characters::read_punctuation),
    ("Sequence", read_sequence),
    ("Split", split::read),
    ("UnicodeScripts", scripts::read),
    ("Whitespace", split::read_whitespace),
    ("WhitespaceSplit", characters::read_whitespace_split),
];

/// The component `pre_tokenizer` of a file.
pub(crate) fn read(source: &Source, value: &Value) -> Result<Option<Box<dyn PreTokenizer>>, TokenizerError> {
    read_optional(KINDS, source, "pre_tokenizer", value)
}

/// A member of a sequence.
pub(crate) fn read_member(
    source: &Source,
    place: &str,
    value: &Value,
) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    super::fields::read_kind(KINDS, source, place, value)
}

/// One after another.
struct Sequence(Vec<Box<dyn PreTokenizer>>);

fn read_sequence(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Sequence(fields.kinds(KINDS, "pretokenizers")?)))
}

impl PreTokenizer for Sequence {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        for member in &self.0 {
            member.pre_tokenize(pieces);
        }
    }

    fn needs_origins(&self, is_changed: bool) -> bool {
        self.0.iter().enumerate().any(|(at, member)| member.needs_origins(is_changed || at > 0))
    }
}

/// What becomes of the places a pattern is found at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

impl Behavior {
    fn read(fields: &Fields, key: &str) -> Result<Behavior, TokenizerError> {
        let name = fields.text(key)?;
        Ok(match name {
            "Removed" => Behavior::Removed,
            "Isolated" => Behavior::Isolated,
            "MergedWithPrevious" => Behavior::MergedWithPrevious,
            "MergedWithNext" => Behavior::MergedWithNext,
            "Contiguous" => Behavior::Contiguous,
            _ => {
                let known = "Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous are known";
                return Err(fields.invalid(key, format!("{name:?} is not supported: {known}")));
            }
        })
    }

    /// The pieces of a text of `length` bytes in which a pattern is found at `matches`; with `invert` the matches and
    /// what lies between change their parts.
    fn cut(self, length: usize, matches: &[Range<usize>], invert: bool) -> Vec<Range<usize>> {
        let mut parts: Vec<(Range<usize>, bool)> = Vec::with_capacity(2 * matches.len() + 1);
        let mut done = 0;
        for found in matches {
            if done != found.start {
                parts.push((done..found.start, invert));
            }
            parts.push((found.clone(), !invert));
            done = found.end;
        }
        if done != length {
            parts.push((done..length, invert));
        }
        let mut out: Vec<Range<usize>> = Vec::with_capacity(parts.len());
        let mut was_match = false;
        match self {
            Behavior::Removed => out.extend(parts.into_iter().filter(|(_, is_match)| !is_match).map(|(part, _)| part)),
            Behavior::Isolated => out.extend(parts.into_iter().map(|(part, _)| part)),
            Behavior::Contiguous => {
                for (part, is_match) in parts {
                    match out.last_mut() {
                        Some(last) if is_match == was_match => last.end = part.end,
                        _ => out.push(part),
                    }
                    was_match = is_match;
                }
            }
            Behavior::MergedWithPrevious => {
                for (part, is_match) in parts {
                    match out.last_mut() {
                        Some(last) if is_match && !was_match => last.end = part.end,
                        _ => out.push(part),
                    }
                    was_match = is_match;
                }
            }
            Behavior::MergedWithNext => {
                for (part, is_match) in parts.into_iter().rev() {
                    match out.last_mut() {
                        Some(last) if is_match && !was_match => last.start = part.start,
                        _ => out.push(part),
                    }
                    was_match = is_match;
                }
                out.reverse();
            }
        }
        out
    }
}

/// A text and the pieces it is cut into so far: ascending, none empty, what lies between is gone.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    pub(crate) text: Aligned,
    pub(crate) ranges: Vec<Range<usize>>,
}

impl Pieces {
    /// One piece, or none of an empty text.
    pub(crate) fn new(text: Aligned) -> Self {
        let whole = 0..text.text.len();
        let ranges = Vec::from_iter((!whole.is_empty()).then_some(whole));
        Pieces { text, ranges }
    }

    /// Cut every piece where `matches` finds something in it.
    fn split(&mut self, matches: impl Fn(&str) -> Vec<Range<usize>>, behavior: Behavior, invert: bool) {
        let mut ranges = Vec::with_capacity(self.ranges.len());
        for piece in &self.ranges {
            let found = matches(&self.text.text[piece.clone()]);
            let parts = behavior.cut(piece.len(), &found, invert).into_iter();
            ranges.extend(
                parts.filter(|part| !part.is_empty()).map(|part| piece.start + part.start..piece.start + part.end),
            );
        }
        self.ranges = ranges;
    }

    /// Cut every piece at the characters `is_delimiter` says yes to.
    fn split_at(&mut self, is_delimiter: impl Fn(char) -> bool, behavior: Behavior) {
        let found = |text: &str| {
            let places = text.char_indices().filter(|(_, character)| is_delimiter(*character));
            places.map(|(at, character)| at..at + character.len_utf8()).collect()
        };
        self.split(found, behavior, false);
    }

    /// Write every piece anew: `write` appends what becomes of a piece to the new text.
    fn rewrite(&mut self, write: impl Fn(&Aligned, Range<usize>, &mut Aligned)) {
        let mut new = self.text.emptied();
        for piece in &mut self.ranges {
            let start = new.text.len();
            write(&self.text, piece.clone(), &mut new);
            *piece = start..new.text.len();
        }
        self.ranges.retain(|piece| !piece.is_empty());
        self.text = new;
    }
}
