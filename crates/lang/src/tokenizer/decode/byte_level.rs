//! From the byte-level spelling (see `bytes`) to bytes, and those to one text.

use super::{Decoder, Fields, TokenizerError};
use crate::tokenizer::bytes;

struct ByteLevel;

pub(super) fn read(_: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(ByteLevel))
}

impl Decoder for ByteLevel {
    fn decode(&self, tokens: Vec<String>) -> Vec<String> {
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| bytes::unspell_token(token)).collect();
        vec![String::from_utf8_lossy(&bytes).into_owned()]
    }
}
