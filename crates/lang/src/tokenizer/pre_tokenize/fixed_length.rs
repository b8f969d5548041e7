//! Pieces of a fixed number of characters.

use super::{Fields, Pieces, PreTokenizer, TokenizerError};

struct FixedLength(usize);

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    match fields.optional_count("length")?.unwrap_or(5) {
        0 => Err(fields.invalid("length", "pieces of no characters cannot be cut")),
        length => Ok(Box::new(FixedLength(length))),
    }
}

impl PreTokenizer for FixedLength {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        let mut ranges = Vec::with_capacity(pieces.ranges.len());
        for piece in &pieces.ranges {
            let text = &pieces.text.text[piece.clone()];
            let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(self.0).collect();
            starts.push(text.len());
            ranges.extend(starts.windows(2).map(|pair| piece.start + pair[0]..piece.start + pair[1]));
        }
        pieces.ranges = ranges;
    }
}
