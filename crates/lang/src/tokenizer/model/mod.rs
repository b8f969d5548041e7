//! Models: the tokens of one piece. Each is one file and one line of [`KINDS`].

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::TokenizerError;
use super::fields::Fields;
use super::regularize::Regularization;
use super::word_cache::{Singles, WordCache};
use crate::rng::Rng;

mod borders;
pub(crate) mod bpe;
mod linear;
mod repeats;
pub(crate) mod trie;
pub(crate) mod unigram;
mod unigram_draw;
pub(crate) mod word_level;
pub(crate) mod word_piece;

pub(crate) use linear::FitCache;

/// Cuts a piece into tokens.
pub(crate) trait Model: Send + Sync {
    /// Append the tokens of `piece`.
    fn encode(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<u32>);

    /// Append the tokens of `piece` with the bytes of it they stand for.
    fn encode_ranges(&self, piece: &str, scratch: &mut Scratch, out: &mut Vec<(u32, Range<usize>)>);

    /// The tokens of a piece that is no text, where the model has tokens for bytes.
    fn byte_token(&self, byte: u8) -> Option<u32>;

    /// Whether pieces are bytes as they are, so that byte-level spelling is left out before the model.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// Whether [`draw`](Model::draw) does anything but [`encode`](Model::encode).
    fn can_be_drawn(&self, how: Regularization) -> bool {
        let _ = how;
        false
    }

    /// Append tokens of `piece` drawn at random.
    fn draw(&self, piece: &str, how: Regularization, rng: &mut Rng, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let _ = (how, rng);
        self.encode(piece, scratch, out);
    }

    /// The text a token spelt like this stands for within a piece; and whether that is a piece the model would have to encode
    /// as the token alone.
    fn surface<'a>(&self, spelling: &'a str) -> (&'a str, bool) {
        (spelling, true)
    }

    /// Whether the model has no reason to prefer one of two ways to cut a text, but for the last digits of its scores.
    fn are_as_good(&self, _: &[u32], _: &[u32]) -> bool {
        false
    }

    /// The object `model` of `tokenizer.json`, with the tokens as they are spelt there.
    fn to_json(&self, spelling: &[String], in_model: &[bool]) -> Map<String, Value>;

    /// Merges in order, as pairs of ids; none of models that have none.
    fn merges(&self) -> &[(u32, u32)] {
        &[]
    }
}

/// What a thread keeps between pieces so that it need not be made anew.
pub(crate) struct Scratch {
    pub(crate) fits: FitCache,
    /// Parts of long pieces.
    pub(crate) parts: WordCache,
    pub(crate) singles: Singles,
    pub(crate) lattice: Vec<unigram::Best>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Scratch { fits: FitCache::new(), parts: WordCache::new(), singles: Singles::new(), lattice: Vec::new() }
    }
}

/// What a model is read from.
pub(crate) struct ModelSource<'a> {
    pub(crate) fields: Fields<'a>,
    /// The model's own tokens, no token twice.
    pub(crate) ids: HashMap<String, u32>,
    /// How many ids there are, added tokens included.
    pub(crate) size: usize,
    /// Merges as the file lists them.
    pub(crate) merges: Option<Vec<(String, String)>>,
    /// Scores by id, of Unigram.
    pub(crate) scores: Vec<f64>,
    /// Whether the text that comes to the model is spelt byte by byte and could come as bytes.
    pub(crate) is_byte_level: bool,
}

type Read = fn(ModelSource) -> Result<Box<dyn Model>, TokenizerError>;

/// The models, by the `type` of the file.
pub(crate) const KINDS: &[(&str, Read)] =
    &[("BPE", bpe::read), ("Unigram", unigram::read), ("WordLevel", word_level::read), ("WordPiece", word_piece::read)];

impl ModelSource<'_> {
    /// The token that stands for everything unknown, which must be in the vocabulary.
    fn unknown(&self) -> Result<(String, u32), TokenizerError> {
        let name = self.fields.optional_text("unk_token")?.unwrap_or("<unk>");
        match self.ids.get(name) {
            Some(&id) => Ok((name.to_owned(), id)),
            None => Err(self.fields.invalid("unk_token", format!("{name:?} is not in vocab"))),
        }
    }
}

/// The tokens of the model's own vocabulary with their ids, in order of the ids.
fn vocabulary_json(spelling: &[String], in_model: &[bool]) -> Value {
    let own = (0u32..).zip(spelling).filter(|(id, _)| in_model[*id as usize]);
    Value::Object(own.map(|(id, token)| (token.clone(), id.into())).collect())
}
