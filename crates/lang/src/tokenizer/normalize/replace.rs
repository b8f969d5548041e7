//! Every place a text or a regular expression is found replaced by another text.

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::Aligned;
use crate::tokenizer::pattern::Pattern;

struct Replace {
    pattern: Pattern,
    content: String,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    let content = fields.text("content")?.to_owned();
    Ok(Box::new(Replace { pattern: Pattern::read(fields, "pattern")?, content }))
}

impl Normalizer for Replace {
    fn normalize(&self, text: &mut Aligned) {
        let found = self.pattern.matches(&text.text);
        text.replace(&found, &self.content);
    }
}
