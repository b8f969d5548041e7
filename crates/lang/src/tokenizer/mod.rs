//! Tokenizers: the four models of `tokenizer.json` with all its components, id for id equal to Hugging Face
//! `tokenizers`, their training, and the file formats of the field.
//!
//! A text is cut at added tokens (`added`), what lies between is normalized (`normalize`) and cut into pieces
//! (`pre_tokenize`), the model encodes every piece (`model`), a template may be put around (`post_process`), and back from
//! ids to text goes by a decoder (`decode`). Every component is one file and one line in the registry of its family.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

mod added;
mod aligned;
mod assemble;
mod base64;
mod bytes;
mod char_set;
pub(crate) mod config;
mod decode;
mod encoding;
mod error;
mod fields;
mod formats;
mod json;
mod merge;
mod model;
mod normalize;
mod pattern;
mod pipeline;
mod post_process;
mod pre_tokenize;
mod regularize;
mod roles;
mod save;
mod statistics;
mod stream;
mod train;
mod word_cache;

use added::AddedToken;
use decode::Decoder;
use encoding::Context;
use pipeline::Pipeline;
use post_process::PostProcessor;
use roles::Roles;

pub use encoding::Token;
pub use error::TokenizerError;
pub use formats::convert::{Converted, Format};
pub use regularize::Regularization;
pub use statistics::{Measure, Reach, Usage};
pub use stream::DecodeStream;
pub use train::{CutStyle, MemoryBound, ModelKind, Normalization, TrainConfig, TrainReport, Trainer, UnigramConfig};

/// A tokenizer. Cloning is cheap; all methods may be called from many threads.
#[derive(Clone)]
pub struct Tokenizer {
    /// What turns text into tokens and back; never changed.
    core: Arc<Core>,
    chat_template: Option<String>,
    model_max_length: Option<u64>,
}

/// Everything but the settings that are saved beside a tokenizer.
struct Core {
    pipeline: Pipeline,
    post_processor: Option<Box<dyn PostProcessor>>,
    decoder: Option<Box<dyn Decoder>>,
    /// The components as the file has them, for saving.
    components: Components,
    /// Spelling per id: as the vocabulary lists it, or the text of an added token.
    tokens: Vec<String>,
    /// What each id decodes to, where that does not depend on what stands around it (byte-level decoders).
    token_bytes: Option<Vec<Vec<u8>>>,
    /// What decoders are given in place of the spelling: the normalized text of added tokens.
    decoded_as: HashMap<u32, String>,
    ids: HashMap<String, u32>,
    added: Vec<AddedToken>,
    is_special: Vec<bool>,
    /// Ids that the model's own vocabulary lists; added tokens may stand outside it.
    in_model: Vec<bool>,
    roles: Roles,
    /// Names of tokens (`unk_token`, …) with their texts, as the files beside the vocabulary give them.
    named_tokens: Vec<(String, String)>,
    /// The SentencePiece model it was read from, which says more than the components.
    sentencepiece: Option<formats::sentencepiece::Model>,
}

/// The components of `tokenizer.json` as JSON.
#[derive(Clone, Debug, Default)]
struct Components {
    normalizer: serde_json::Value,
    pre_tokenizer: serde_json::Value,
    post_processor: serde_json::Value,
    decoder: serde_json::Value,
}

/// What is asked for when a text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Find special tokens spelt out in the text. Only for text that is trusted, such as the output of a template.
    pub parse_special: bool,
    /// Put the special tokens around the text that its model expects (`[CLS]`, `</s>`, …), where the file says which.
    pub add_special: bool,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("components", &self.core.components)
            .field("vocabulary_size", &self.vocabulary_size())
            .field("merges", &self.core.pipeline.model.merges().len())
            .field("added", &self.core.added.iter().map(|token| token.content.as_str()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Learn a vocabulary from `texts`; of byte-pair encoding equal to Hugging Face's `BpeTrainer` on the same texts: pairs
    /// with the highest count first, ties to the smaller ids; ids are the special tokens, the 256 bytes (or tokens of bytes and
    /// characters), then the merges. The result is the same for any number of threads. `progress` gets the vocabulary size reached
    /// and the one wanted; the result is smaller than wanted where no pair reaches `min_frequency`. [`Trainer`] does the same for
    /// texts that come in batches.
    ///
    /// Byte-level: `<|endoftext|>`, if among the special tokens, else the first of them begins and ends texts; `<|im_end|>` ends
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
    /// texts and the chat template come from `tokenizer_config.json`, `special_tokens_map.json` and
    /// `chat_template.jinja` beside it, if present; else from the names that are usual. `truncation` and `padding` are
    /// not applied.
    ///
    /// # Errors
    /// A file that is missing, malformed or contradictory, that asks for an unknown component, or in which no token ends
    /// a text; the error names the file and the place.
    pub fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
        let tokenizer = Tokenizer::load_any(path)?;
        tokenizer.core.roles.check(path)?;
        Ok(tokenizer)
    }

    /// Read a tokenizer as [`load`](Tokenizer::load) does, even if no token in it ends a text: for encoding and
    /// decoding only, because a model needs such a token.
    ///
    /// # Errors
    /// As [`load`](Tokenizer::load).
    pub fn load_any(path: &Path) -> Result<Tokenizer, TokenizerError> {
        formats::load(path)
    }

    /// Read a tokenizer from `bytes`, the content of a file called `name`, which is not opened: `tokenizer.json`, a
    /// SentencePiece `.model`, tiktoken ranks or `vocab.txt`, told apart as [`load`](Tokenizer::load) does. No token need end a
    /// text.
    ///
    /// # Errors
    /// As [`load`](Tokenizer::load), naming `name`.
    pub fn from_bytes(name: &Path, bytes: &[u8]) -> Result<Tokenizer, TokenizerError> {
        formats::read(name, bytes, &config::FolderConfig::default())
    }

    /// Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into `dir`, creating it if need
    /// be. The same tokenizer always gives the same bytes; `transformers.AutoTokenizer` reads the folder.
    ///
    /// # Errors
    /// [`TokenizerError::Io`] when a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TokenizerError> {
        save::save(self, dir)
    }

    /// Write the tokenizer into `dir` in a format of other programs, creating the folder if need be. What was written has
    /// been read back and encodes all tokens, and texts in which tokenizers differ, in the same way.
    ///
    /// # Errors
    /// [`TokenizerError::CannotHold`] says what the format has no words for; [`TokenizerError::Io`].
    pub fn save_as(&self, format: Format, dir: &Path) -> Result<Converted, TokenizerError> {
        formats::convert::save_as(self, format, dir)
    }

    /// The tokens of `text`. Special tokens spelt out in it are ordinary text (added tokens that are not special, which
    /// only vocabularies of others have, are found).
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.core.pipeline.encode(text, false, &mut ids);
        ids
    }

    /// The tokens of every text, as [`encode`](Tokenizer::encode) gives them, on all threads.
    pub fn encode_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<Vec<u32>> {
        texts.par_iter().map(|text| self.encode(text.as_ref())).collect()
    }

    /// How many tokens [`encode`](Tokenizer::encode) gives, without keeping them.
    pub fn count(&self, text: &str) -> usize {
        self.core.pipeline.count(text, false)
    }

    /// How many tokens [`encode_texts`](Tokenizer::encode_texts) gives of one text, without keeping them.
    pub fn count_tokens(&self, text: &str, options: EncodeOptions) -> usize {
        let around = if options.add_special { self.template() } else { Default::default() };
        around.0.len() + self.core.pipeline.count(text, options.parse_special) + around.1.len()
    }

    /// The tokens of any bytes: valid stretches of UTF-8 as [`encode`](Tokenizer::encode) does, every other byte as its
    /// own token. Of byte-level vocabularies [`decode_bytes`](Tokenizer::decode_bytes) gives back exactly the same.
    ///
    /// # Errors
    /// [`TokenizerError::NotText`] when the bytes are not UTF-8 and the vocabulary has no tokens for bytes.
    pub fn encode_bytes(&self, bytes: &[u8]) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = Vec::with_capacity(bytes.len() / 3);
        let mut offset = 0;
        for chunk in bytes.utf8_chunks() {
            self.core.pipeline.encode(chunk.valid(), false, &mut ids);
            offset += chunk.valid().len();
            for &byte in chunk.invalid() {
                ids.push(self.core.pipeline.model.byte_token(byte).ok_or(TokenizerError::NotText { offset })?);
                offset += 1;
            }
        }
        Ok(ids)
    }

    /// The tokens of `text` with the special tokens in it parsed, as `encode(text, add_special_tokens=False)` of
    /// Hugging Face. Only for text that is trusted, such as the output of a template.
    pub fn encode_with_special(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.core.pipeline.encode(text, true, &mut ids);
        ids
    }

    /// The tokens of [`encode`](Tokenizer::encode), each with the range of bytes of `text` it stands for: whole
    /// characters, so that the ranges of tokens that share one are the same.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        let tokens = self.core.pipeline.encode_ranges(text, false);
        tokens.into_iter().map(|token| (token.id, token.range)).collect()
    }

    /// The tokens of `text`, special ones parsed outside the ranges `untrusted` alone; with byte-level vocabularies no
    /// token goes across one of `breaks`. Used by the chat templates.
    pub(crate) fn encode_around(&self, text: &str, untrusted: &[Range<usize>], breaks: &[usize]) -> Vec<Token> {
        self.core.pipeline.encode_around(text, untrusted, breaks)
    }

    /// The tokens of a text, or of two for a model that compares them, as `encode` of Hugging Face gives them.
    pub fn encode_texts(&self, text: &str, second: Option<&str>, options: EncodeOptions) -> Vec<Token> {
        let inputs: Vec<&str> = [text].into_iter().chain(second).collect();
        let encode = |(input, text): (usize, &&str)| {
            let mut tokens = self.core.pipeline.encode_ranges(text, options.parse_special);
            tokens.iter_mut().for_each(|token| (token.input, token.type_id) = (input, input as u32));
            tokens
        };
        let texts: Vec<Vec<Token>> = inputs.iter().enumerate().map(encode).collect();
        let context = Context { inputs: &inputs, add_special: options.add_special, spelling: &self.core.tokens };
        let processed = match &self.core.post_processor {
            Some(processor) => processor.process(texts, &context),
            None => texts,
        };
        processed.concat()
    }

    /// The special tokens the file puts before and after a text for the model (`[CLS]` and `[SEP]`, …).
    pub fn template(&self) -> (Vec<u32>, Vec<u32>) {
        self.core.post_processor.as_ref().map(|processor| processor.around()).unwrap_or_default()
    }

    /// The stretches of `text`, each an added token or plain text: used by the chat templates.
    pub(crate) fn split_special<'a>(&self, text: &'a str) -> Vec<(&'a str, Option<u32>)> {
        self.core.pipeline.split_special(text)
    }

    /// The bytes `ids` stand for. Special tokens give their text, or nothing when `skip_special`; ids outside the
    /// vocabulary give nothing.
    pub fn decode_bytes(&self, ids: &[u32], skip_special: bool) -> Vec<u8> {
        let kept = ids.iter().copied().filter(|&id| !(skip_special && self.is_special(id)));
        if let Some(token_bytes) = &self.core.token_bytes {
            let mut bytes = Vec::with_capacity(ids.len() * 4);
            kept.filter_map(|id| token_bytes.get(id as usize)).for_each(|token| bytes.extend_from_slice(token));
            return bytes;
        }
        let spell = |id: u32| match self.core.decoded_as.get(&id) {
            Some(text) => Some(text.clone()),
            None => self.token(id).map(str::to_owned),
        };
        let tokens: Vec<String> = kept.filter_map(spell).collect();
        match &self.core.decoder {
            Some(decoder) => decoder.decode(tokens).concat().into_bytes(),
            None => tokens.join(" ").into_bytes(),
        }
    }

    /// The text `ids` stand for; bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        String::from_utf8_lossy(&self.decode_bytes(ids, skip_special)).into_owned()
    }

    /// How many token ids there are; they are 0 up to this.
    pub fn vocabulary_size(&self) -> usize {
        self.core.tokens.len()
    }

    /// The id of a token by its spelling in the vocabulary (byte-level ones write a space as `Ġ`) or, for an added
    /// token, its text.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.core.ids.get(token).copied()
    }

    /// The spelling of a token in the vocabulary or, for an added token, its text.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.core.tokens.get(id as usize).map(String::as_str)
    }

    /// For every token the one that spells the same without the space it begins with; a token without such a space, or
    /// without such a fellow, stands for itself.
    pub fn without_spaces(&self) -> Vec<u32> {
        let core = &*self.core;
        let space = bytes::spell(b' ');
        let bare = |token: &str| core.ids.get(token.strip_prefix(space)?).copied();
        let own = core.tokens.iter().zip(0..);
        own.map(|(token, id)| bare(token).filter(|_| !self.is_special(id)).unwrap_or(id)).collect()
    }

    /// Whether `id` is a special token.
    pub fn is_special(&self, id: u32) -> bool {
        self.core.is_special.get(id as usize).copied().unwrap_or(false)
    }

    /// The token a document begins with, `<|endoftext|>` in our own vocabularies. 0 if there is none, which only
    /// [`load_any`](Tokenizer::load_any) lets pass.
    pub fn beginning_of_text(&self) -> u32 {
        self.core.roles.beginning_of_text()
    }

    /// The token a document ends with, `<|endoftext|>` in our own vocabularies. 0 if there is none, which only
    /// [`load_any`](Tokenizer::load_any) lets pass.
    pub fn end_of_text(&self) -> u32 {
        self.core.roles.end_of_text()
    }

    /// The token that fills up shorter rows of a batch, `<|endoftext|>` in our own vocabularies.
    pub fn padding(&self) -> u32 {
        self.core.roles.padding()
    }

    /// The token a turn of a conversation ends with (`<|im_end|>`), where the vocabulary has one.
    pub fn end_of_turn(&self) -> Option<u32> {
        self.core.roles.end_of_turn
    }

    /// The chat template saved with the tokenizer.
    pub fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_deref()
    }

    /// Replace the chat template that is saved with the tokenizer.
    pub fn set_chat_template(&mut self, source: Option<String>) {
        self.chat_template = source;
    }

    /// The longest input of the model it belongs to, in tokens, where known.
    pub fn model_max_length(&self) -> Option<u64> {
        self.model_max_length
    }

    /// Set the longest input, in tokens, that is saved with the tokenizer.
    pub fn set_model_max_length(&mut self, length: Option<u64>) {
        self.model_max_length = length;
    }
}

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod tests;
