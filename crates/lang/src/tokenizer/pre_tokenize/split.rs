//! Cutting where a pattern is found.

use super::{Behavior, Fields, Pieces, PreTokenizer, TokenizerError};
use crate::tokenizer::pattern::Pattern;

struct Split {
    pattern: Pattern,
    behavior: Behavior,
    invert: bool,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Split {
        pattern: Pattern::read(fields, "pattern")?,
        behavior: Behavior::read(fields, "behavior")?,
        invert: fields.flag("invert")?,
    }))
}

/// Runs of word characters and runs of other characters; white space goes.
pub(super) fn read_whitespace(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    let pattern = Pattern::translated(r"\w+|[^\w\s]+").map_err(|problem| fields.invalid("type", problem))?;
    Ok(Box::new(Split { pattern, behavior: Behavior::Removed, invert: true }))
}

impl PreTokenizer for Split {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        pieces.split(|text| self.pattern.matches(text), self.behavior, self.invert);
    }
}
