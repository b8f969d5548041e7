//! Vocabularies inside GGUF files (llama.cpp): byte-level BPE (`gpt2`), SentencePiece BPE with scores (`llama`), Unigram
//! (`t5`) and WordPiece (`bert`), under the keys `tokenizer.ggml.*`. Only these are read, so that the size of the weights
//! behind them does not matter; what is written is a file without weights.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::plain;
use super::sentencepiece::{self, Kind, Model, Piece};
use crate::tokenizer::config::FolderConfig;
use crate::tokenizer::fields::Source;
use crate::tokenizer::{Tokenizer, TokenizerError, json};

mod container;
mod pre;
mod write;

use container::{Metadata, Value};

pub(super) use container::MAGIC;
pub(super) use write::write;

/// The kinds of vocabularies, by `tokenizer.ggml.model`.
const KINDS: [&str; 4] = ["gpt2", "llama", "t5", "bert"];

/// The part of a file that describes its vocabulary.
struct Vocabulary {
    source: Source,
    metadata: Metadata,
    tokens: Vec<String>,
    kinds: Vec<Kind>,
}

/// Reads the vocabulary of `file`, which has `length` bytes.
pub(super) fn load(
    file: &Path,
    reader: &mut dyn Read,
    length: u64,
    config: &FolderConfig,
) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let metadata = container::read(reader, length, &["tokenizer."]).map_err(|problem| source.invalid(problem))?;
    let mut vocabulary = Vocabulary { source, metadata, tokens: Vec::new(), kinds: Vec::new() };
    let Some(kind) = vocabulary.text("tokenizer.ggml.model")?.map(str::to_owned) else {
        return Err(vocabulary.wrong("tokenizer.ggml.model", "it is missing: the file has no vocabulary"));
    };
    vocabulary.read_tokens()?;
    let config = vocabulary.config(config)?;
    let tokenizer = match kind.as_str() {
        "gpt2" => vocabulary.byte_pairs(&config),
        "llama" | "t5" => vocabulary.pieces(kind == "t5", &config),
        "bert" => vocabulary.word_pieces(&config),
        _ => Err(TokenizerError::Unsupported {
            path: vocabulary.source.path,
            place: "tokenizer.ggml.model".to_owned(),
            name: kind,
            known: KINDS.join(", "),
        }),
    }?;
    Ok(super::with_config(tokenizer, &config))
}

impl Vocabulary {
    fn wrong(&self, key: &str, problem: impl std::fmt::Display) -> TokenizerError {
        self.source.invalid(format!("{key}: {problem}"))
    }

    fn text(&self, key: &str) -> Result<Option<&str>, TokenizerError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text is expected")),
        }
    }

    fn flag(&self, key: &str, otherwise: bool) -> Result<bool, TokenizerError> {
        match self.metadata.get(key) {
            None => Ok(otherwise),
            Some(Value::Flag(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false is expected")),
        }
    }

    /// The id under `key`, `None` where the file has none or says that there is none.
    fn id(&self, key: &str) -> Result<Option<u32>, TokenizerError> {
        let number = match self.metadata.get(key) {
            None => return Ok(None),
            Some(Value::Unsigned(number)) => i64::from(*number),
            Some(Value::Number(number)) => *number,
            Some(_) => return Err(self.wrong(key, "a token id is expected")),
        };
        // Converters write the largest number, or minus one, for none.
        match u32::try_from(number) {
            Ok(id) if (id as usize) < self.tokens.len() => Ok(Some(id)),
            Ok(u32::MAX) | Err(_) => Ok(None),
            Ok(id) => Err(self.wrong(key, format!("{id} is no token of {}", self.tokens.len()))),
        }
    }

    fn read_tokens(&mut self) -> Result<(), TokenizerError> {
        let key = "tokenizer.ggml.tokens";
        let tokens = match self.metadata.get(key) {
            Some(Value::Texts(tokens)) => tokens.clone(),
            Some(_) => return Err(self.wrong(key, "a list of texts is expected")),
            None => return Err(self.wrong(key, "it is missing")),
        };
        let mut seen: HashMap<&str, usize> = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            if let Some(first) = seen.insert(token, id) {
                return Err(self.wrong(key, format!("{first} and {id} are both {token:?}")));
            }
        }
        let key = "tokenizer.ggml.token_type";
        let kinds = match self.metadata.get(key) {
            None => vec![Kind::Normal; tokens.len()],
            Some(Value::Numbers(numbers)) if numbers.len() == tokens.len() => {
                let kind = |(id, &number): (usize, &i64)| {
                    let kind = u64::try_from(number).ok().and_then(Kind::from_number);
                    kind.ok_or_else(|| self.wrong(key, format!("token {id} is of the unknown type {number}")))
                };
                numbers.iter().enumerate().map(kind).collect::<Result<_, _>>()?
            }
            Some(Value::Numbers(numbers)) => {
                let problem = format!("there are {} types of {} tokens", numbers.len(), tokens.len());
                return Err(self.wrong(key, problem));
            }
            Some(_) => return Err(self.wrong(key, "a list of numbers is expected")),
        };
        (self.tokens, self.kinds) = (tokens, kinds);
        Ok(())
    }

    /// What stands beside the file, else what it says itself.
    fn config(&self, config: &FolderConfig) -> Result<FolderConfig, TokenizerError> {
        let mut config = config.clone();
        if config.named_tokens.is_empty() {
            for (name, key) in [
                ("bos_token", "bos"),
                ("eos_token", "eos"),
                ("unk_token", "unknown"),
                ("sep_token", "seperator"),
                ("pad_token", "padding"),
                ("cls_token", "cls"),
                ("mask_token", "mask"),
            ] {
                if let Some(id) = self.id(&format!("tokenizer.ggml.{key}_token_id"))? {
                    config.named_tokens.push((name.to_owned(), self.tokens[id as usize].clone()));
                }
            }
        }
        if config.chat_template.is_none() {
            config.chat_template = self.text("tokenizer.chat_template")?.map(str::to_owned);
        }
        Ok(config)
    }

    /// The tokens put around a text, as the file asks for them or as is usual.
    fn template(&self, add_bos: bool, add_eos: bool) -> Result<Json, TokenizerError> {
        let around = |flag: &str, usual: bool, id: &str| -> Result<Option<u32>, TokenizerError> {
            match self.flag(&format!("tokenizer.ggml.{flag}"), usual)? {
                true => self.id(&format!("tokenizer.ggml.{id}")),
                false => Ok(None),
            }
        };
        let before = around("add_bos_token", add_bos, "bos_token_id")?;
        let after = around("add_eos_token", add_eos, "eos_token_id")?;
        if before.is_none() && after.is_none() {
            return Ok(Json::Null);
        }
        let name = |id: u32| self.tokens[id as usize].as_str();
        let one = |text: &str, type_id: u32| -> Vec<Json> {
            let special = |id: u32| json!({"SpecialToken": {"id": name(id), "type_id": type_id}});
            let text = json!({"Sequence": {"id": text, "type_id": type_id}});
            before.map(special).into_iter().chain([text]).chain(after.map(special)).collect()
        };
        let special: Map<String, Json> = [before, after]
            .into_iter()
            .flatten()
            .map(|id| (name(id).to_owned(), json!({"id": name(id), "ids": [id], "tokens": [name(id)]})))
            .collect();
        let (single, pair) = (one("A", 0), [one("A", 0), one("B", 1)].concat());
        Ok(json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}))
    }

    /// Tokens that are found in a text whatever the model says.
    fn added(&self) -> Vec<Json> {
        let is_added = |kind: Kind| matches!(kind, Kind::Control | Kind::Unknown | Kind::UserDefined);
        let tokens = self.tokens.iter().zip(&self.kinds).enumerate();
        let added = tokens.filter(|(_, (token, kind))| is_added(**kind) && !token.is_empty());
        added.map(|(id, (token, kind))| plain::added(token, id, *kind != Kind::UserDefined)).collect()
    }

    fn byte_pairs(&self, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
        let key = "tokenizer.ggml.pre";
        let Some(name) = self.text(key)? else {
            return Err(self.wrong(key, "it is missing, so that it is not known how text is cut"));
        };
        let Some(cut) = pre::Cut::named(name) else {
            return Err(TokenizerError::Unsupported {
                path: self.source.path.clone(),
                place: key.to_owned(),
                name: name.to_owned(),
                known: pre::names().collect::<Vec<_>>().join(", "),
            });
        };
        let key = "tokenizer.ggml.merges";
        let merges: Vec<Json> = match self.metadata.get(key) {
            Some(Value::Texts(merges)) => merges
                .iter()
                .enumerate()
                .map(|(at, merge)| match json::split_merge(merge) {
                    Ok((left, right)) => Ok(json!([left, right])),
                    Err(problem) => Err(self.wrong(&format!("{key}[{at}]"), problem)),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(self.wrong(key, "a list of texts is expected")),
            None => return Err(self.wrong(key, "it is missing")),
        };
        let vocabulary: Map<String, Json> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
        let file = json!({
            "added_tokens": self.added(),
            "pre_tokenizer": cut.pre_tokenizer(),
            "post_processor": self.template(cut.add_bos, false)?,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "ignore_merges": cut.ignore_merges, "vocab": vocabulary, "merges": merges},
        });
        json::load_value(&self.source.path, file, config)
    }

    fn pieces(&self, is_unigram: bool, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
        let key = "tokenizer.ggml.scores";
        let scores = match self.metadata.get(key) {
            Some(Value::Floats(scores)) if scores.len() == self.tokens.len() => scores,
            Some(Value::Floats(scores)) => {
                return Err(
                    self.wrong(key, format!("there are {} scores of {} tokens", scores.len(), self.tokens.len()))
                );
            }
            Some(_) => return Err(self.wrong(key, "a list of numbers is expected")),
            None => return Err(self.wrong(key, "it is missing")),
        };
        let pieces = self.tokens.iter().zip(scores).zip(&self.kinds);
        let mut pieces: Vec<Piece> =
            pieces.map(|((text, &score), &kind)| Piece { text: text.clone(), score, kind }).collect();
        // Some files name the unknown only by its id, which llama.cpp takes for 0 where they do not.
        let unknown = self.id("tokenizer.ggml.unknown_token_id")?.unwrap_or(0) as usize;
        if !self.kinds.contains(&Kind::Unknown)
            && let Some(piece) = pieces.get_mut(unknown)
        {
            piece.kind = Kind::Unknown;
        }
        let key = "tokenizer.ggml.precompiled_charsmap";
        let chars_map = match self.metadata.get(key) {
            None => Vec::new(),
            Some(Value::Bytes(bytes)) => bytes.clone(),
            Some(_) => return Err(self.wrong(key, "a list of bytes is expected")),
        };
        let role = |id: Option<u32>| id.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1);
        let model = Model {
            pieces,
            model_type: if is_unigram { sentencepiece::UNIGRAM } else { sentencepiece::BPE },
            byte_fallback: self.kinds.contains(&Kind::Byte),
            chars_map,
            add_dummy_prefix: self.flag("tokenizer.ggml.add_space_prefix", true)?,
            remove_extra_spaces: self.flag("tokenizer.ggml.remove_extra_whitespaces", false)?,
            roles: [
                role(self.id("tokenizer.ggml.bos_token_id")?),
                role(self.id("tokenizer.ggml.eos_token_id")?),
                role(self.id("tokenizer.ggml.padding_token_id")?),
            ],
            ..Model::default()
        };
        let around = self.template(!is_unigram, is_unigram)?;
        sentencepiece::build(&self.source, model, config, around)
    }

    /// A word's beginning is marked with `▁` there, in `vocab.txt` what is inside a word with `##`.
    fn word_pieces(&self, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
        let mut tokens = Map::new();
        for (id, (token, kind)) in self.tokens.iter().zip(&self.kinds).enumerate() {
            let is_marked = token.starts_with('[') && token.ends_with(']');
            let text = match token.strip_prefix('▁') {
                Some(text) => text.to_owned(),
                None if *kind == Kind::Normal && !is_marked => format!("##{token}"),
                None => token.clone(),
            };
            if let Some(first) = tokens.insert(text, json!(id)) {
                return Err(self.wrong("tokenizer.ggml.tokens", format!("{first} and {id} are the same piece")));
            }
        }
        plain::word_piece(&self.source.path, tokens, config)
    }
}
