//! The byte-level spelling (see `bytes`) as a normalizer: every byte becomes the character that stands for it.

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::bytes;

struct ByteLevel;

pub(super) fn read(_: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(ByteLevel))
}

/// The spelling of `text` as changes to it.
pub(crate) fn spelling(text: &str) -> impl Iterator<Item = Change> {
    text.bytes().map(|byte| (bytes::spell(byte), isize::from(byte & 0xC0 == 0x80)))
}

impl Normalizer for ByteLevel {
    fn normalize(&self, text: &mut Aligned) {
        let changes: Vec<Change> = spelling(&text.text).collect();
        text.change(changes, 0);
    }
}
