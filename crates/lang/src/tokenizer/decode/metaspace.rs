//! From the visible spaces of SentencePiece back to spaces; those of the first token are gone if one was put before it.

use super::{Decoder, Fields, TokenizerError};
use crate::tokenizer::pre_tokenize::metaspace::{Metaspace, Prepend};

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(Metaspace::read(fields)?))
}

impl Decoder for Metaspace {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        for (at, token) in tokens.iter_mut().enumerate() {
            let space = if at == 0 && self.prepend != Prepend::Never { "" } else { " " };
            *token = token.replace(self.replacement, space);
        }
        tokens
    }
}
