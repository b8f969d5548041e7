//! A text put before every stretch that is not empty, such as the `▁` of SentencePiece vocabularies.

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::Aligned;

struct Prepend(String);

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Prepend(fields.text("prepend")?.to_owned())))
}

impl Normalizer for Prepend {
    fn normalize(&self, text: &mut Aligned) {
        if !text.text.is_empty() {
            let mut new = text.emptied();
            new.push_prepended(text, 0..text.text.len(), &self.0);
            *text = new;
        }
    }
}
