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
        pieces.split_at(char::is_whitespace, Behavior::Removed);
        pieces.split_at(is_punctuation, Behavior::Isolated);
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
