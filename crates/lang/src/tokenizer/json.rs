//! Reading `tokenizer.json` of Hugging Face `tokenizers` (versions 0.x), byte-level BPE only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::added::{AddedToken, Matcher};
use super::config::{self, FolderConfig};
use super::merge::{Merge, MergeTable, QuickMap, pair_key};
use super::pretokenize::Pattern;
use super::{Inner, Roles, Tokenizer, TokenizerError, bytes};
use crate::chat;

/// The components, read before the vocabulary so that another kind of tokenizer is named as such.
#[derive(Deserialize)]
struct Components {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
    model: Option<ModelKind>,
}

#[derive(Deserialize)]
struct ModelKind {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Contents {
    #[serde(default)]
    added_tokens: Vec<AddedEntry>,
    model: Model,
}

#[derive(Deserialize)]
struct AddedEntry {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    dropout: Option<f64>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Option<Vocabulary>,
    merges: Option<Vec<MergeEntry>>,
}

/// The object of tokens and ids as a list: a map would silently drop a token that is there twice.
struct Vocabulary(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of tokens and ids")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Vocabulary(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// One merge, written `"a b"` (before version 0.20) or `["a", "b"]`.
struct MergeEntry(String, String);

impl<'de> Deserialize<'de> for MergeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = MergeEntry;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a merge, \"left right\" or [\"left\", \"right\"]")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MergeEntry, E> {
                match text.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => Ok(MergeEntry(left.to_owned(), right.to_owned())),
                    _ => Err(E::custom(format!("the merge {text:?} is not two tokens with a space between"))),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<MergeEntry, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = sequence.next_element::<String>()? {
                    parts.push(part);
                }
                match <[String; 2]>::try_from(parts) {
                    Ok([left, right]) => Ok(MergeEntry(left, right)),
                    Err(parts) => Err(A::Error::custom(format!("a merge has {} parts, not 2", parts.len()))),
                }
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

/// The file being read, for error messages.
struct Source {
    path: PathBuf,
}

impl Source {
    fn invalid<T>(&self, problem: impl Into<String>) -> Result<T, TokenizerError> {
        Err(TokenizerError::Invalid { path: self.path.clone(), problem: problem.into() })
    }

    fn unsupported<T>(&self, component: &'static str, name: impl Into<String>) -> Result<T, TokenizerError> {
        Err(TokenizerError::Unsupported { path: self.path.clone(), component, name: name.into() })
    }
}

pub(super) fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
    let (dir, file) = match path.is_dir() {
        true => (path.to_owned(), path.join("tokenizer.json")),
        false => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    let text = config::read(&file)?;
    let source = Source { path: file };
    let components: Components = config::parse(&source.path, &text)?;
    let pattern = source.check_components(&components)?;
    let contents: Contents = config::parse(&source.path, &text)?;
    source.build(pattern, contents, &FolderConfig::load(&dir)?)
}

/// `type` of a component, `none` when there is no component.
fn kind(component: &Value) -> &str {
    match component {
        Value::Null => "none",
        _ => component["type"].as_str().unwrap_or("without a type"),
    }
}

impl Source {
    fn check_components(&self, components: &Components) -> Result<Pattern, TokenizerError> {
        match &components.model {
            None => return self.invalid("there is no model"),
            Some(ModelKind { kind: Some(kind) }) if kind != "BPE" => {
                return self.unsupported("model", kind);
            }
            Some(_) => {}
        }
        if !components.normalizer.is_null() {
            return self.unsupported("normalizer", kind(&components.normalizer));
        }
        let pattern = self.pattern(&components.pre_tokenizer)?;
        if !matches!(kind(&components.post_processor), "none" | "ByteLevel") {
            return self.unsupported("post_processor", kind(&components.post_processor));
        }
        match kind(&components.decoder) {
            "ByteLevel" => Ok(pattern),
            other => self.unsupported("decoder", other),
        }
    }

    fn pattern(&self, component: &Value) -> Result<Pattern, TokenizerError> {
        match (kind(component), component["pretokenizers"].as_array().map(Vec::as_slice)) {
            ("ByteLevel", _) => match self.byte_level_regex(component)? {
                true => Ok(Pattern::Gpt2),
                false => self.unsupported("pre_tokenizer", "ByteLevel without a pattern"),
            },
            ("Sequence", Some([splits @ .., byte_level]))
                if matches!(splits.len(), 1 | 2)
                    && splits.iter().all(|split| kind(split) == "Split")
                    && kind(byte_level) == "ByteLevel" =>
            {
                let mut regexes = Vec::with_capacity(splits.len());
                for split in splits {
                    if split["behavior"] != "Isolated" || split["invert"] == true {
                        return self.unsupported("pre_tokenizer", "Split that is inverted or not Isolated");
                    }
                    match split["pattern"]["Regex"].as_str() {
                        Some(regex) => regexes.push(regex),
                        None => return self.unsupported("pre_tokenizer", "Split without a regular expression"),
                    }
                }
                if self.byte_level_regex(byte_level)? {
                    return self.unsupported("pre_tokenizer", "Split followed by ByteLevel with its own pattern");
                }
                match Pattern::from_regexes(&regexes) {
                    Some(pattern) => Ok(pattern),
                    None => {
                        let names = regexes.join(" and then ");
                        self.unsupported("pre_tokenizer", format!("Split with the pattern {names}"))
                    }
                }
            }
            ("Sequence", Some(members)) => {
                let members: Vec<&str> = members.iter().map(kind).collect();
                self.unsupported("pre_tokenizer", format!("Sequence of {}", members.join(", ")))
            }
            (other, _) => self.unsupported("pre_tokenizer", other),
        }
    }

    /// Whether a `ByteLevel` cuts by GPT-2's pattern.
    fn byte_level_regex(&self, component: &Value) -> Result<bool, TokenizerError> {
        match component["add_prefix_space"].as_bool() {
            Some(false) => Ok(component["use_regex"].as_bool().unwrap_or(true)),
            Some(true) => self.unsupported("pre_tokenizer", "ByteLevel with add_prefix_space"),
            None => self.invalid("the pre_tokenizer ByteLevel lacks add_prefix_space"),
        }
    }

    fn build(&self, pattern: Pattern, contents: Contents, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
        let Contents { added_tokens, model } = contents;
        self.check_model(&model)?;
        let Some(Vocabulary(vocabulary)) = model.vocab else {
            return self.invalid("the model has no vocab");
        };
        let Some(merge_entries) = model.merges else {
            return self.invalid("the model has no merges");
        };
        let added = self.added(added_tokens)?;

        let mut ids: HashMap<String, u32> = HashMap::with_capacity(vocabulary.len() + added.len());
        for (token, id) in &vocabulary {
            if let Some(first) = ids.insert(token.clone(), *id) {
                return self.invalid(format!("vocab lists {token:?} twice, as {first} and {id}"));
            }
        }
        for token in &added {
            if let Some(&known) = ids.get(&token.content).filter(|&&known| known != token.id) {
                let AddedToken { content, id, .. } = token;
                return self.invalid(format!("{content:?} is {known} in vocab but {id} in added_tokens"));
            }
            ids.insert(token.content.clone(), token.id);
        }
        let tokens = self.tokens(&ids)?;

        let mut byte_tokens = [0u32; 256];
        for byte in 0..=255u8 {
            let spelling = bytes::spell(byte).to_string();
            match ids.get(&spelling) {
                Some(&id) => byte_tokens[usize::from(byte)] = id,
                None => {
                    return self.invalid(format!("vocab lacks {spelling:?}, the token of byte 0x{byte:02X}"));
                }
            }
        }
        let (merges, merge_list) = self.merges(&merge_entries, &ids)?;
        let mut in_model = vec![false; tokens.len()];
        vocabulary.iter().for_each(|&(_, id)| in_model[id as usize] = true);
        let mut token_bytes: Vec<Vec<u8>> = tokens.iter().map(|token| bytes::unspell_token(token)).collect();
        let whole_words = model.ignore_merges.then(|| {
            vocabulary.iter().map(|&(_, id)| (token_bytes[id as usize].clone().into_boxed_slice(), id)).collect()
        });
        let mut is_special = vec![false; tokens.len()];
        for token in &added {
            token_bytes[token.id as usize] = token.content.as_bytes().to_vec();
            is_special[token.id as usize] = token.special;
        }
        let roles = self.roles(config, &ids)?;
        let inner = Inner {
            pattern,
            ids,
            merge_list,
            table: MergeTable::new(byte_tokens, merges, whole_words),
            matcher: Matcher::new(&added),
            added,
            is_special,
            in_model,
            ignore_merges: model.ignore_merges,
            roles,
            chat_template: config.chat_template.clone(),
            model_max_length: config.model_max_length,
            tokens,
            token_bytes,
        };
        Ok(Tokenizer { inner: inner.into() })
    }

    fn check_model(&self, model: &Model) -> Result<(), TokenizerError> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let refused = [
            (model.dropout.is_some_and(|dropout| dropout != 0.0), "BPE with dropout"),
            (given(&model.continuing_subword_prefix), "BPE with continuing_subword_prefix"),
            (given(&model.end_of_word_suffix), "BPE with end_of_word_suffix"),
            (model.byte_fallback, "BPE with byte_fallback"),
        ];
        match refused.into_iter().find(|(is_set, _)| *is_set) {
            Some((_, name)) => self.unsupported("model", name),
            None => Ok(()),
        }
    }

    fn added(&self, entries: Vec<AddedEntry>) -> Result<Vec<AddedToken>, TokenizerError> {
        let mut added: Vec<AddedToken> = Vec::with_capacity(entries.len());
        for entry in entries {
            let AddedEntry { id, content, single_word, lstrip, rstrip, normalized, special } = entry;
            if single_word {
                return self.unsupported("added token", format!("{content:?} with single_word"));
            }
            if content.is_empty() {
                return self.invalid(format!("the added token {id} is empty"));
            }
            if let Some(other) = added.iter().find(|other| other.id == id || other.content == content) {
                let problem =
                    format!("added_tokens has both {:?} as {} and {content:?} as {id}", other.content, other.id);
                return self.invalid(problem);
            }
            added.push(AddedToken { id, content, strip_left: lstrip, strip_right: rstrip, normalized, special });
        }
        added.sort_by_key(|token| token.id);
        Ok(added)
    }

    /// The spelling of each id, which must be 0, 1, 2, … without gap or repetition.
    fn tokens(&self, ids: &HashMap<String, u32>) -> Result<Vec<String>, TokenizerError> {
        let mut by_id: Vec<(u32, &String)> = ids.iter().map(|(token, &id)| (id, token)).collect();
        by_id.sort_unstable();
        if let Some(pair) = by_id.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return self.invalid(format!("id {} is both {:?} and {:?}", pair[0].0, pair[0].1, pair[1].1));
        }
        if let Some((expected, (id, token))) =
            by_id.iter().enumerate().find(|(expected, (id, _))| *expected != *id as usize)
        {
            return self.invalid(format!("no token has id {expected}, but {token:?} has {id}"));
        }
        Ok(by_id.into_iter().map(|(_, token)| token.clone()).collect())
    }

    /// The merges as a table and as a list of ids.
    #[expect(clippy::type_complexity, reason = "two views of one list, taken apart by the only caller")]
    fn merges(
        &self,
        entries: &[MergeEntry],
        ids: &HashMap<String, u32>,
    ) -> Result<(QuickMap<u64, Merge>, Vec<(u32, u32)>), TokenizerError> {
        let mut table = QuickMap::default();
        let mut list = Vec::with_capacity(entries.len());
        for (rank, MergeEntry(left, right)) in entries.iter().enumerate() {
            let find = |token: &str| match ids.get(token) {
                Some(&id) => Ok(id),
                None => {
                    self.invalid(format!("merge {rank}, {left:?} {right:?}, needs {token:?}, which is not in vocab"))
                }
            };
            let (left_id, right_id, token) = (find(left)?, find(right)?, find(&[left.as_str(), right].concat())?);
            let merge = Merge { rank: rank as u32, token };
            if let Some(first) = table.insert(pair_key(left_id, right_id), merge) {
                return self.invalid(format!("merges {} and {rank} are both {left:?} {right:?}", first.rank));
            }
            list.push((left_id, right_id));
        }
        Ok((table, list))
    }

    fn roles(&self, config: &FolderConfig, ids: &HashMap<String, u32>) -> Result<Roles, TokenizerError> {
        let find = |name: &str| match config.named(name) {
            None => Ok(None),
            Some(content) => match ids.get(content) {
                Some(&id) => Ok(Some(id)),
                None => Err(config.invalid(format!("{name} is {content:?}, which is no token"))),
            },
        };
        let end_of_document = ids.get(chat::SPECIAL_TOKENS[0]).copied();
        let (beginning, end) = (find("bos_token")?, find("eos_token")?);
        let Some(end_of_text) = end.or(end_of_document).or(beginning) else {
            return self.invalid(
                "no token ends a text\nhint: name eos_token in tokenizer_config.json beside it, or have <|endoftext|>",
            );
        };
        Ok(Roles {
            beginning_of_text: beginning.or(end_of_document).unwrap_or(end_of_text),
            end_of_text,
            padding: find("pad_token")?.unwrap_or(end_of_text),
            end_of_turn: ids.get(chat::SPECIAL_TOKENS[2]).copied(),
        })
    }
}
