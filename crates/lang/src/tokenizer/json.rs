//! Reading `tokenizer.json` of Hugging Face `tokenizers` (versions 0.x).

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::added::AddedToken;
use super::assemble::{Parts, assemble, check_vocabulary};
use super::config::{self, FolderConfig};
use super::fields::{Fields, Source};
use super::model::{self, ModelSource};
use super::roles::Roles;
use super::{Components, Tokenizer, TokenizerError};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedEntry>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
    model: Option<ModelEntry>,
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

/// The model: its two long lists by their types, everything else as JSON.
#[derive(Default)]
struct ModelEntry {
    fields: Map<String, Value>,
    vocabulary: Option<VocabularyEntry>,
    merges: Option<Vec<MergeEntry>>,
}

impl<'de> Deserialize<'de> for ModelEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = ModelEntry;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a model")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ModelEntry, A::Error> {
                let mut model = ModelEntry::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "vocab" => model.vocabulary = map.next_value()?,
                        "merges" => model.merges = map.next_value()?,
                        _ => drop(model.fields.insert(key, map.next_value()?)),
                    }
                }
                Ok(model)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The tokens with their ids and scores (0 where there are none), as a list: a map would silently drop a token that is
/// there twice.
struct VocabularyEntry(Vec<(String, u32, f64)>);

impl<'de> Deserialize<'de> for VocabularyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = VocabularyEntry;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of tokens and ids, or a list of tokens and scores")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VocabularyEntry, A::Error> {
                let mut entries = Vec::new();
                while let Some((token, id)) = map.next_entry()? {
                    entries.push((token, id, 0.0));
                }
                Ok(VocabularyEntry(entries))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<VocabularyEntry, A::Error> {
                let mut entries = Vec::new();
                while let Some((token, score)) = sequence.next_element::<(String, f64)>()? {
                    let id = u32::try_from(entries.len()).map_err(|_| A::Error::custom("there are too many tokens"))?;
                    entries.push((token, id, score));
                }
                Ok(VocabularyEntry(entries))
            }
        }
        deserializer.deserialize_any(Entries)
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
                split_merge(text).map_err(E::custom).map(|(left, right)| MergeEntry(left, right))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<MergeEntry, A::Error> {
                let (left, right) = (sequence.next_element()?, sequence.next_element()?);
                let mut more = 0;
                while sequence.next_element::<IgnoredAny>()?.is_some() {
                    more += 1;
                }
                match (left, right, more) {
                    (Some(left), Some(right), 0) => Ok(MergeEntry(left, right)),
                    (left, right, more) => {
                        let parts = usize::from(left.is_some()) + usize::from(right.is_some()) + more;
                        Err(A::Error::custom(format!("a merge has {parts} parts, not 2")))
                    }
                }
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

/// The two tokens of a merge written with a space between.
pub(super) fn split_merge(text: &str) -> Result<(String, String), String> {
    match text.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
        _ => Err(format!("the merge {text:?} is not two tokens with a space between")),
    }
}

/// Reads `text`, which `file` says or would say; what stands beside it is in `config`.
pub(super) fn load_text(file: &Path, text: &str, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    build(Source::new(file), config::parse(file, text)?, config)
}

/// Makes what `value` says, which another file amounts to.
pub(super) fn load_value(file: &Path, value: Value, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let parsed = serde_json::from_value(value).map_err(|error| source.invalid(error.to_string()))?;
    build(source, parsed, config)
}

fn build(source: Source, file: File, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let File { added_tokens, normalizer, pre_tokenizer, post_processor, decoder, model } = file;
    let Some(ModelEntry { fields, vocabulary, merges }) = model else {
        return Err(source.invalid("model: it is missing"));
    };
    let fields = Value::Object(fields);
    let fields = Fields::new(&source, "model", &fields)?;
    let kind = match fields.optional_text("type")? {
        Some(kind) => kind,
        // Files before version 0.9 do not name the model.
        None if merges.is_some() => "BPE",
        None => return Err(fields.invalid("type", "it is missing")),
    };
    let Some((_, read)) = model::KINDS.iter().find(|(name, _)| *name == kind) else {
        return Err(fields.unsupported(kind, model::KINDS.iter().map(|(name, _)| *name)));
    };
    let Some(VocabularyEntry(entries)) = vocabulary else {
        return Err(fields.invalid("vocab", "it is missing"));
    };
    let added = added(&source, added_tokens)?;
    let mut ids: HashMap<String, u32> = HashMap::with_capacity(entries.len());
    let mut scores = Vec::with_capacity(if kind == "Unigram" { entries.len() } else { 0 });
    for (token, id, score) in entries {
        if kind == "Unigram" {
            scores.push(score);
        }
        if let Some(first) = ids.get(&token) {
            return Err(fields.invalid("vocab", format!("it lists {token:?} twice, as {first} and {id}")));
        }
        ids.insert(token, id);
    }
    let all = check_vocabulary(&source, &ids, &added)?;
    let roles = Roles::find(config, &all)?;
    let components = Components { normalizer, pre_tokenizer, post_processor, decoder };
    let parts = Parts { components, ids: &ids, all, added, roles, instead: None };
    assemble(&source, parts, |is_byte_level, size| {
        read(ModelSource {
            fields,
            ids: ids.clone(),
            size,
            merges: merges.map(|merges| merges.into_iter().map(|MergeEntry(left, right)| (left, right)).collect()),
            scores,
            is_byte_level,
        })
    })
}

fn added(source: &Source, entries: Vec<AddedEntry>) -> Result<Vec<AddedToken>, TokenizerError> {
    let mut added: Vec<AddedToken> = Vec::with_capacity(entries.len());
    let (mut by_id, mut by_content): (HashMap<u32, usize>, HashMap<String, usize>) = Default::default();
    for entry in entries {
        let AddedEntry { id, content, single_word, lstrip, rstrip, normalized, special } = entry;
        if content.is_empty() {
            return Err(source.invalid(format!("added_tokens: the token {id} is empty")));
        }
        let number = added.len();
        let same = [by_id.insert(id, number), by_content.insert(content.clone(), number)];
        if let Some(&other) = same.iter().flatten().next() {
            let AddedToken { id: other_id, content: other, .. } = &added[other];
            return Err(
                source.invalid(format!("added_tokens has both {other:?} as {other_id} and {content:?} as {id}"))
            );
        }
        let (strip_left, strip_right) = (lstrip, rstrip);
        added.push(AddedToken { id, content, single_word, strip_left, strip_right, normalized, special });
    }
    added.sort_by_key(|token| token.id);
    Ok(added)
}
