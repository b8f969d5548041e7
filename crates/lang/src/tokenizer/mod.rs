//! Byte-level byte-pair encoding: training, encoding, decoding and the file formats of Hugging Face, token for token
//! equal to its `tokenizers` library.
//!
//! A text is cut at added tokens (`added`), each stretch into pre-tokens (`pretokenize`), and the bytes of each
//! pre-token are joined by the learnt merges (`merge`). As all 256 bytes are tokens, every input can be encoded and
//! decoding gives back its very bytes. Normalizers, other models than BPE and other pre-tokenizers are not read:
//! loading a file with them is an error that names them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

mod added;
mod bytes;
pub(crate) mod config;
mod json;
mod merge;
mod pretokenize;
mod save;
mod stream;
mod train;

use added::{AddedToken, Matcher};
use merge::MergeTable;
use pretokenize::Pattern;

pub use stream::DecodeStream;
pub use train::TrainConfig;

/// What can go wrong when a tokenizer is trained, read or written.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not JSON, is cut off, or a field has another type than it should.
    #[error("{path}:{line}:{column}: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A file contradicts itself or lacks something.
    #[error("{path}: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file describes a tokenizer of another kind.
    #[error("{path}: {component} {name} is not supported\nhint: byte-level BPE without a normalizer can be read")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which part: `model`, `normalizer`, `pre_tokenizer`, …
        component: &'static str,
        /// What the file asks for.
        name: String,
    },
    /// A training setting that cannot work.
    #[error("{key}: {problem}\nhint: change `{key}`")]
    Config {
        /// The setting, a field of [`TrainConfig`].
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There was no text to train on.
    #[error("the corpus has no text to train a tokenizer on\nhint: check that the input documents are not empty")]
    EmptyCorpus,
}

/// A byte-level BPE tokenizer. Cloning is cheap; all methods may be called from many threads.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
}

/// Everything a tokenizer knows.
#[derive(Clone)]
struct Inner {
    pattern: Pattern,
    /// Spelling per id: byte-level characters, or the text of an added token.
    tokens: Vec<String>,
    /// What each id decodes to.
    token_bytes: Vec<Vec<u8>>,
    ids: HashMap<String, u32>,
    /// Merges as pairs of ids, in order.
    merge_list: Vec<(u32, u32)>,
    table: MergeTable,
    added: Vec<AddedToken>,
    is_special: Vec<bool>,
    matcher: Matcher,
    /// Ids that the model's own vocabulary lists; added tokens may stand outside it.
    in_model: Vec<bool>,
    ignore_merges: bool,
    roles: Roles,
    chat_template: Option<String>,
    model_max_length: Option<u64>,
}

/// Which tokens play the parts every model needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Roles {
    beginning_of_text: u32,
    end_of_text: u32,
    padding: u32,
    end_of_turn: Option<u32>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("pattern", &self.inner.pattern)
            .field("vocabulary_size", &self.vocabulary_size())
            .field("merges", &self.inner.merge_list.len())
            .field("added", &self.inner.added.iter().map(|token| token.content.as_str()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Learn a vocabulary from `texts`, equal to Hugging Face's `BpeTrainer` on the same texts: pairs with the highest
    /// count first, ties to the smaller ids; ids are the special tokens, the 256 bytes, then the merges. The result is
    /// the same for any number of threads. `progress` gets the vocabulary size reached and the one wanted; the result
    /// is smaller than wanted where no pair reaches `min_frequency`.
    ///
    /// `<|endoftext|>`, if among the special tokens, else the first of them begins and ends texts; `<|im_end|>` ends
    /// turns.
    ///
    /// # Errors
    /// [`TokenizerError::Config`] names the setting that cannot work; [`TokenizerError::EmptyCorpus`].
    pub fn train<S: AsRef<str> + Sync>(
        texts: &[S],
        config: &TrainConfig,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Tokenizer, TokenizerError> {
        train::train(texts, config, progress)
    }

    /// Read a tokenizer from `path`: a folder with `tokenizer.json`, or the file itself. Which tokens begin and end
    /// texts and the chat template come from `tokenizer_config.json` and `chat_template.jinja` beside it, if present;
    /// else `<|endoftext|>` is both. `truncation`, `padding` and `post_processor` of byte-level kind are not applied.
    ///
    /// # Errors
    /// A file that is missing, malformed, contradictory or of another kind of tokenizer; the error names the file.
    pub fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
        json::load(path)
    }

    /// Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into `dir`, creating it if need
    /// be. The same tokenizer always gives the same bytes; `transformers.AutoTokenizer` reads the folder.
    ///
    /// # Errors
    /// [`TokenizerError::Io`] when a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TokenizerError> {
        save::save(&self.inner, dir)
    }

    /// The tokens of `text`. Special tokens spelt out in it are ordinary text (added tokens that are not special, which
    /// only vocabularies of others have, are found).
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.encode_into(text, false, &mut ids);
        ids
    }

    /// The tokens of any bytes, of which [`decode_bytes`](Tokenizer::decode_bytes) gives back exactly the same: valid
    /// stretches of UTF-8 as [`encode`](Tokenizer::encode) does, every other byte as its own token.
    pub fn encode_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        let mut ids = Vec::with_capacity(bytes.len() / 3);
        for chunk in bytes.utf8_chunks() {
            self.encode_into(chunk.valid(), false, &mut ids);
            ids.extend(chunk.invalid().iter().map(|&byte| self.inner.table.byte_token(byte)));
        }
        ids
    }

    /// The tokens of `text` with the special tokens in it parsed, as `encode(text, add_special_tokens=False)` of
    /// Hugging Face. Only for text that is trusted, such as the output of a template.
    pub fn encode_with_special(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.encode_into(text, true, &mut ids);
        ids
    }

    /// The tokens of [`encode`](Tokenizer::encode), each with the range of bytes of `text` it stands for. A range may
    /// begin or end inside a character.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        let mut out = Vec::new();
        let mut ids = Vec::new();
        for segment in self.inner.matcher.split(text, false) {
            if let Some(token) = segment.token {
                out.push((token, segment.range));
                continue;
            }
            let mut position = segment.range.start;
            ids.clear();
            self.encode_plain(&text[segment.range], &mut ids);
            for &id in &ids {
                let end = position + self.inner.token_bytes[id as usize].len();
                out.push((id, position..end));
                position = end;
            }
        }
        out
    }

    /// The stretches of `text`, each an added token or plain text: used by the chat templates.
    pub(crate) fn split_special<'a>(&self, text: &'a str) -> Vec<(&'a str, Option<u32>)> {
        let segments = self.inner.matcher.split(text, true);
        segments.into_iter().map(|segment| (&text[segment.range], segment.token)).collect()
    }

    fn encode_into(&self, text: &str, parse_special: bool, ids: &mut Vec<u32>) {
        for segment in self.inner.matcher.split(text, parse_special) {
            match segment.token {
                Some(token) => ids.push(token),
                None => self.encode_plain(&text[segment.range], ids),
            }
        }
    }

    fn encode_plain(&self, text: &str, ids: &mut Vec<u32>) {
        for piece in self.inner.pattern.split(text) {
            self.inner.table.encode(piece.as_bytes(), ids);
        }
    }

    /// The bytes `ids` stand for. Special tokens give their text, or nothing when `skip_special`; ids outside the
    /// vocabulary give nothing.
    pub fn decode_bytes(&self, ids: &[u32], skip_special: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            bytes.extend_from_slice(self.bytes_of(id, skip_special));
        }
        bytes
    }

    /// The text `ids` stand for; bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        String::from_utf8_lossy(&self.decode_bytes(ids, skip_special)).into_owned()
    }

    fn bytes_of(&self, id: u32, skip_special: bool) -> &[u8] {
        match self.inner.token_bytes.get(id as usize) {
            Some(bytes) if !(skip_special && self.is_special(id)) => bytes,
            _ => &[],
        }
    }

    /// How many token ids there are; they are 0 up to this.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.tokens.len()
    }

    /// The id of a token by its byte-level spelling (a space is `Ġ`) or, for an added token, its text.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.ids.get(token).copied()
    }

    /// The byte-level spelling of a token or, for an added token, its text.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.inner.tokens.get(id as usize).map(String::as_str)
    }

    /// For every token the one that spells the same without the space it begins with; a token without such a space, or
    /// without such a fellow, stands for itself.
    pub fn without_spaces(&self) -> Vec<u32> {
        let inner = &self.inner;
        let space = bytes::spell(b' ');
        let bare = |token: &str| inner.ids.get(token.strip_prefix(space)?).copied();
        let own = inner.tokens.iter().zip(0..);
        own.map(|(token, id)| bare(token).filter(|_| !self.is_special(id)).unwrap_or(id)).collect()
    }

    /// Whether `id` is a special token.
    pub fn is_special(&self, id: u32) -> bool {
        self.inner.is_special.get(id as usize).copied().unwrap_or(false)
    }

    /// The token a document begins with, `<|endoftext|>` in our own vocabularies.
    pub fn beginning_of_text(&self) -> u32 {
        self.inner.roles.beginning_of_text
    }

    /// The token a document ends with, `<|endoftext|>` in our own vocabularies.
    pub fn end_of_text(&self) -> u32 {
        self.inner.roles.end_of_text
    }

    /// The token that fills up shorter rows of a batch, `<|endoftext|>` in our own vocabularies.
    pub fn padding(&self) -> u32 {
        self.inner.roles.padding
    }

    /// The token a turn of a conversation ends with (`<|im_end|>`), where the vocabulary has one.
    pub fn end_of_turn(&self) -> Option<u32> {
        self.inner.roles.end_of_turn
    }

    /// The chat template saved with the tokenizer.
    pub fn chat_template(&self) -> Option<&str> {
        self.inner.chat_template.as_deref()
    }

    /// Replace the chat template that is saved with the tokenizer.
    pub fn set_chat_template(&mut self, source: Option<String>) {
        Arc::make_mut(&mut self.inner).chat_template = source;
    }

    /// The longest input of the model it belongs to, in tokens, where known.
    pub fn model_max_length(&self) -> Option<u64> {
        self.inner.model_max_length
    }

    /// Set the longest input, in tokens, that is saved with the tokenizer.
    pub fn set_model_max_length(&mut self, length: Option<u64>) {
        Arc::make_mut(&mut self.inner).model_max_length = length;
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod tests;
