//! Normalizers of a few lines: small letters, white space off the ends, marks off the letters, and the cleaning of
//! neural machine translation.

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::char_set::is_mark;

struct Lowercase;

pub(super) fn read_lowercase(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Lowercase))
}

impl Normalizer for Lowercase {
    fn normalize(&self, text: &mut Aligned) {
        lowercase(text);
    }
}

/// Every letter small, one by one: a sigma at the end of a word does not become a final sigma.
pub(super) fn lowercase(text: &mut Aligned) {
    if text.text.is_ascii() {
        text.text.make_ascii_lowercase();
        return;
    }
    let small = |character: char| character.to_lowercase().enumerate();
    let changes = text.text.chars().flat_map(small).map(|(at, part)| -> Change { (part, isize::from(at > 0)) });
    let mut new = text.emptied();
    new.push_changed(text, 0..text.text.len(), changes, 0);
    *text = new;
}

struct Strip {
    left: bool,
    right: bool,
}

pub(super) fn read_strip(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Strip { left: fields.flag("strip_left")?, right: fields.flag("strip_right")? }))
}

impl Normalizer for Strip {
    fn normalize(&self, text: &mut Aligned) {
        let mut kept = text.text.as_str();
        if self.left {
            kept = kept.trim_start();
        }
        let from = text.text.len() - kept.len();
        if self.right {
            kept = kept.trim_end();
        }
        let to = from + kept.len();
        if (from, to) != (0, text.text.len()) {
            let mut new = text.emptied();
            new.start += from;
            new.push_part(text, from..to);
            *text = new;
        }
    }
}

struct StripAccents;

pub(super) fn read_strip_accents(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(StripAccents))
}

impl Normalizer for StripAccents {
    fn normalize(&self, text: &mut Aligned) {
        text.filter(|character| !is_mark(character));
    }
}

struct Nmt;

pub(super) fn read_nmt(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Nmt))
}

impl Normalizer for Nmt {
    fn normalize(&self, text: &mut Aligned) {
        text.filter(|character| {
            !matches!(character, '\u{1}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{8f}' | '\u{9f}')
        });
        text.map(|character| match character {
            '\t'
            | '\n'
            | '\u{c}'
            | '\r'
            | '\u{1680}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'
            | '\u{2029}'
            | '▁'
            | '\u{feff}'
            | '\u{fffd}' => ' ',
            _ => character,
        });
    }
}
