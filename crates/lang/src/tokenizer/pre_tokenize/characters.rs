//! Pre-tokenizers that look at one character at a time.

use super::{Behavior, Fields, Pieces, PreTokenizer, TokenizerError};
use crate::tokenizer::char_set::is_punctuation;

/// BERT: white space goes, every punctuation mark stands alone.
struct Bert;

pub(super) fn read_bert(_: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Bert))
}

impl PreTokenizer for Bert {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        let mut ranges = Vec::with_capacity(pieces.ranges.len());
        for piece in &pieces.ranges {
            let mut start = piece.start;
            for (at, character) in pieces.text.text[piece.clone()].char_indices() {
                let is_mark = is_punctuation(character);
                if !is_mark && !character.is_whitespace() {
                    continue;
                }
                let (at, end) = (piece.start + at, piece.start + at + character.len_utf8());
                // What stands before it, and itself unless it is white space.
                if start < at {
                    ranges.push(start..at);
                }
                if is_mark {
                    ranges.push(at..end);
                }
                start = end;
            }
            ranges.extend(Some(start..piece.end).filter(|range| !range.is_empty()));
        }
        pieces.ranges = ranges;
    }

    fn removes_spaces(&self) -> bool {
        true
    }
}

struct WhitespaceSplit;

pub(super) fn read_whitespace_split(_: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(WhitespaceSplit))
}

impl PreTokenizer for WhitespaceSplit {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        pieces.split_at(char::is_whitespace, Behavior::Removed);
    }

    fn removes_spaces(&self) -> bool {
        true
    }
}

struct Delimiter(char);

pub(super) fn read_delimiter(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Delimiter(fields.character("delimiter")?)))
}

impl PreTokenizer for Delimiter {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        pieces.split_at(|character| character == self.0, Behavior::Removed);
    }
}

struct Punctuation(Behavior);

pub(super) fn read_punctuation(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    let behavior = match fields.get("behavior") {
        None => Behavior::Isolated,
        Some(_) => Behavior::read(fields, "behavior")?,
    };
    Ok(Box::new(Punctuation(behavior)))
}

impl PreTokenizer for Punctuation {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        pieces.split_at(is_punctuation, self.0);
    }
}

struct Digits {
    individual: bool,
}

pub(super) fn read_digits(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Digits { individual: fields.flag("individual_digits")? }))
}

impl PreTokenizer for Digits {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        pieces.split_at(char::is_numeric, if self.individual { Behavior::Isolated } else { Behavior::Contiguous });
    }
}
