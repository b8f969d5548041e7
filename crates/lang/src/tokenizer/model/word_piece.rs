//! WordPiece (Schuster and Nakajima, 2012; as BERT encodes): the longest token the rest of a word begins with, again and
//! again; a word that does not come out even is unknown as a whole.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::trie::Trie;
use super::{Model, ModelSource, Scratch, vocabulary_json};
use crate::tokenizer::TokenizerError;

pub(crate) struct WordPiece {
    /// Tokens by their spelling.
    beginning: Trie,
    /// Tokens with the prefix of pieces inside words, by what follows it.
    inside: Trie,
    prefix: String,
    unknown: (String, u32),
    longest_word: usize,
}

pub(super) fn read(source: ModelSource) -> Result<Box<dyn Model>, TokenizerError> {
    let unknown = source.unknown()?;
    let prefix = source.fields.optional_text("continuing_subword_prefix")?.unwrap_or("##").to_owned();
    let longest_word = source.fields.optional_count("max_input_chars_per_word")?.unwrap_or(100);
    Ok(Box::new(WordPiece::new(&source.ids, prefix, unknown, longest_word)))
}

impl WordPiece {
    /// `ids` are the tokens, those inside words with `prefix`; words of more than `longest_word` characters are unknown.
    pub(crate) fn new(ids: &HashMap<String, u32>, prefix: String, unknown: (String, u32), longest_word: usize) -> Self {
        let inside = ids.iter().filter_map(|(token, &id)| Some((token.strip_prefix(&prefix)?.as_bytes(), id)));
        let inside = Trie::new(inside);
        let beginning = Trie::new(ids.iter().map(|(token, &id)| (token.as_bytes(), id)));
        WordPiece { beginning, inside, prefix, unknown, longest_word }
    }

    /// Calls `push` with every token and its length; `false` when the word is unknown.
    fn pieces(&self, word: &str, mut push: impl FnMut(u32, usize)) -> bool {
        // Counting characters is left out where there cannot be too many.
        if word.len() > self.longest_word && word.chars().count() > self.longest_word {
            return false;
        }
        let mut position = 0;
        while position < word.len() {
            let trie = if position == 0 { &self.beginning } else { &self.inside };
            let Some((length, token)) = trie.longest(&word.as_bytes()[position..]) else {
                return false;
            };
            push(token, length);
            position += length;
        }
        true
    }
}

impl Model for WordPiece {
    fn encode(&self, piece: &str, _: &mut Scratch, out: &mut Vec<u32>) {
        let start = out.len();
        if !self.pieces(piece, |token, _| out.push(token)) {
            out.truncate(start);
            out.push(self.unknown.1);
        }
    }

    fn encode_ranges(&self, piece: &str, _: &mut Scratch, out: &mut Vec<(u32, Range<usize>)>) {
        let start = out.len();
        let mut position = 0;
        let is_known = self.pieces(piece, |token, length| {
            out.push((token, position..position + length));
            position += length;
        });
        if !is_known {
            out.truncate(start);
            out.push((self.unknown.1, 0..piece.len()));
        }
    }

    fn surface<'a>(&self, spelling: &'a str) -> (&'a str, bool) {
        match spelling.strip_prefix(&self.prefix) {
            Some(inside) if !self.prefix.is_empty() => (inside, false),
            _ => (spelling, true),
        }
    }

    fn byte_token(&self, _: u8) -> Option<u32> {
        None
    }

    fn to_json(&self, spelling: &[String], in_model: &[bool]) -> Map<String, Value> {
        let fields = [
            ("type", json!("WordPiece")),
            ("unk_token", json!(self.unknown.0)),
            ("continuing_subword_prefix", json!(self.prefix)),
            ("max_input_chars_per_word", json!(self.longest_word)),
            ("vocab", vocabulary_json(spelling, in_model)),
        ];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
