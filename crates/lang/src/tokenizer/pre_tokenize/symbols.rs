//! Cutting out the symbols a user gave a SentencePiece model, which are tokens wherever they stand.

use super::{Pieces, PreTokenizer};
use crate::tokenizer::model::trie::Trie;

#[derive(Clone)]
pub(crate) struct Symbols {
    trie: Option<Trie>,
}

impl Symbols {
    pub(crate) fn new(symbols: &[(String, u32)]) -> Self {
        let strings = symbols.iter().map(|(text, id)| (text.as_bytes(), *id));
        Symbols { trie: (!symbols.is_empty()).then(|| Trie::new(strings)) }
    }

    /// Bytes of the longest symbol that `text` begins with.
    pub(crate) fn longest(&self, text: &str) -> Option<usize> {
        self.trie.as_ref()?.longest(text.as_bytes()).map(|(length, _)| length)
    }
}

impl PreTokenizer for Symbols {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        if self.trie.is_none() {
            return;
        }
        let mut ranges = Vec::with_capacity(pieces.ranges.len());
        for piece in &pieces.ranges {
            let (mut plain, mut position) = (piece.start, piece.start);
            while let Some(first) = pieces.text.text[position..piece.end].chars().next() {
                match self.longest(&pieces.text.text[position..piece.end]) {
                    Some(length) => {
                        ranges.extend((plain < position).then_some(plain..position));
                        ranges.push(position..position + length);
                        position += length;
                        plain = position;
                    }
                    None => position += first.len_utf8(),
                }
            }
            ranges.extend((plain < piece.end).then_some(plain..piece.end));
        }
        pieces.ranges = ranges;
    }
}
