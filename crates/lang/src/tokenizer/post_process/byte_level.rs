//! Offsets of byte-level tokens without the spaces the tokens begin and end with.

use super::{Fields, PostProcessor, TokenizerError};
use crate::tokenizer::bytes;
use crate::tokenizer::encoding::{Context, Token};

struct ByteLevel {
    trim_offsets: bool,
    add_prefix_space: bool,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PostProcessor>, TokenizerError> {
    Ok(Box::new(ByteLevel {
        trim_offsets: fields.flag("trim_offsets")?,
        add_prefix_space: fields.flag("add_prefix_space")?,
    }))
}

/// Take the spaces off the ranges of `tokens`. A space that was put before the text is not in it.
pub(super) fn trim(tokens: &mut [Token], add_prefix_space: bool, context: &Context) {
    let is_space = |character: &char| *character == bytes::spell(b' ') || character.is_whitespace();
    for (at, token) in tokens.iter_mut().enumerate() {
        let spelling = match token.is_template {
            true => "",
            false => context.spelling.get(token.id as usize).map_or("", String::as_str),
        };
        let mut leading = token.spaces[0] + spelling.chars().take_while(is_space).count();
        let trailing = token.spaces[1] + spelling.chars().rev().take_while(is_space).count();
        let is_first = at == 0 || token.range.start == 0;
        if is_first && add_prefix_space && leading == 1 {
            leading = 0;
        }
        // A space put before the text counts as the first character of it, however many bytes that has.
        let text = context.inputs.get(token.input).and_then(|input| input.get(token.range.clone())).unwrap_or_default();
        let skipped: usize = text.chars().take(leading).map(char::len_utf8).sum();
        let dropped: usize = text[skipped..].chars().rev().take(trailing).map(char::len_utf8).sum();
        token.range = token.range.start + skipped..token.range.end - dropped;
    }
}

impl PostProcessor for ByteLevel {
    fn process(&self, mut texts: Vec<Vec<Token>>, context: &Context) -> Vec<Vec<Token>> {
        if self.trim_offsets {
            texts.iter_mut().for_each(|text| trim(text, self.add_prefix_space, context));
        }
        texts
    }

    fn around(&self) -> (Vec<u32>, Vec<u32>) {
        (Vec::new(), Vec::new())
    }
}
