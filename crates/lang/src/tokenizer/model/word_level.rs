//! Whole words: a piece is a token or unknown.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::{Model, ModelSource, Scratch, vocabulary_json};
use crate::tokenizer::TokenizerError;

pub(crate) struct WordLevel {
    ids: HashMap<String, u32>,
    unknown: (String, u32),
}

pub(super) fn read(source: ModelSource) -> Result<Box<dyn Model>, TokenizerError> {
    let unknown = source.unknown()?;
    Ok(Box::new(WordLevel::new(source.ids, unknown)))
}

impl WordLevel {
    pub(crate) fn new(ids: HashMap<String, u32>, unknown: (String, u32)) -> Self {
        WordLevel { ids, unknown }
    }
}

impl Model for WordLevel {
    fn encode(&self, piece: &str, _: &mut Scratch, out: &mut Vec<u32>) {
        out.push(self.ids.get(piece).copied().unwrap_or(self.unknown.1));
    }

    fn encode_ranges(&self, piece: &str, _: &mut Scratch, out: &mut Vec<(u32, Range<usize>)>) {
        out.push((self.ids.get(piece).copied().unwrap_or(self.unknown.1), 0..piece.len()));
    }

    fn byte_token(&self, _: u8) -> Option<u32> {
        None
    }

    fn to_json(&self, spelling: &[String], in_model: &[bool]) -> Map<String, Value> {
        let vocabulary = vocabulary_json(spelling, in_model);
        let fields = [("type", json!("WordLevel")), ("vocab", vocabulary), ("unk_token", json!(self.unknown.0))];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
