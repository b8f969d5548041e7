//! GPT-2's way: words are cut by its pattern and spelt byte by byte (see `bytes`).

use super::{Behavior, Fields, Pieces, PreTokenizer, TokenizerError};
use crate::tokenizer::normalize::spelling;
use crate::tokenizer::pattern::{Pattern, known};

pub(crate) struct ByteLevel {
    pub(crate) add_prefix_space: bool,
    pub(crate) use_regex: bool,
}

impl ByteLevel {
    pub(crate) fn read(fields: &Fields) -> Result<ByteLevel, TokenizerError> {
        Ok(ByteLevel {
            add_prefix_space: fields.flag("add_prefix_space")?,
            use_regex: fields.optional_flag("use_regex")?.unwrap_or(true),
        })
    }
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(ByteLevel::read(fields)?))
}

impl PreTokenizer for ByteLevel {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        if self.add_prefix_space {
            pieces.rewrite(|from, piece, new| match from.text[piece.clone()].starts_with(' ') {
                true => new.push_part(from, piece),
                false => new.push_prepended(from, piece, " "),
            });
        }
        if self.use_regex {
            let pattern = Pattern::Known(known::Pattern::Gpt2);
            pieces.split(|text| pattern.matches(text), Behavior::Isolated, false);
        }
        pieces.rewrite(|from, piece, new| {
            new.push_changed(from, piece.clone(), spelling(&from.text[piece]), 0);
        });
    }
}
