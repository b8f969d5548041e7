//! The older files of the field: `vocab.json` with `merges.txt` (GPT-2) and `vocab.txt` (BERT), which are turned into what
//! `tokenizer.json` would say.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::convert::{Files, described, must_be_absent};
use crate::tokenizer::config::{self, FolderConfig};
use crate::tokenizer::fields::Source;
use crate::tokenizer::{Core, Tokenizer, TokenizerError, json};

/// Reads GPT-2's pair of files, each given by its path and its text.
pub(super) fn read_gpt2(
    (vocabulary, tokens): (&Path, &str),
    (merges, text): (&Path, &str),
    config: &FolderConfig,
) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(merges);
    let tokens: Map<String, Value> = config::parse(vocabulary, tokens)?;
    let mut listed = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        // The first line may say which version of the format this is.
        if line.is_empty() || (number == 1 && line.starts_with("#version")) {
            continue;
        }
        let pair = json::split_merge(line).map_err(|problem| source.invalid(format!("line {number}: {problem}")))?;
        listed.push(json!([pair.0, pair.1]));
    }
    let byte_level = |add_prefix_space: bool| json!({"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true, "use_regex": true});
    let mut listed_added = config.added_tokens.clone();
    if let Some(id) = tokens.get("<|endoftext|>").and_then(Value::as_u64).filter(|_| listed_added.is_empty()) {
        listed_added.push(added("<|endoftext|>", id as usize, true));
    }
    let file = json!({
        "added_tokens": listed_added,
        "pre_tokenizer": byte_level(false),
        "decoder": byte_level(true),
        "model": {"type": "BPE", "vocab": tokens, "merges": listed},
    });
    json::load_value(vocabulary, file, config)
}

/// An entry of `added_tokens`, found anywhere in the text as it is.
pub(super) fn added(content: &str, id: usize, special: bool) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
           "special": special})
}

/// The special tokens of BERT's vocabularies.
const BERT_SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Reads a WordPiece vocabulary, a token a line. Small letters are expected unless `tokenizer_config.json` says otherwise or
/// the vocabulary has a word in capitals.
pub(super) fn read_word_piece(file: &Path, text: &str, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let mut tokens = Map::new();
    for (id, line) in text.lines().enumerate() {
        if let Some(first) = tokens.insert(line.to_owned(), json!(id)) {
            let first = first.as_u64().unwrap_or_default() + 1;
            return Err(source.invalid(format!("lines {first} and {} are both {line:?}", id + 1)));
        }
    }
    word_piece(file, tokens, config)
}

/// The tokenizer of BERT with these tokens and their ids, which `file` says.
pub(super) fn word_piece(
    file: &Path,
    tokens: Map<String, Value>,
    config: &FolderConfig,
) -> Result<Tokenizer, TokenizerError> {
    let found = |name: &str| tokens.get(name).map(|id| (name.to_owned(), id.clone()));
    let has_capitals = tokens.keys().any(|token| {
        !token.starts_with('[') && token.chars().count() > 1 && token.chars().any(|letter| letter.is_ascii_uppercase())
    });
    let lowercase = config.lowercase.unwrap_or(!has_capitals);
    let id = |id: Value| id.as_u64().unwrap_or_default() as usize;
    let mut listed_added = config.added_tokens.clone();
    if listed_added.is_empty() {
        let special = BERT_SPECIAL.iter().filter_map(|name| found(name));
        listed_added.extend(special.map(|(name, number)| added(&name, id(number), true)));
    }
    let around = match (found("[CLS]"), found("[SEP]")) {
        (Some((class, class_id)), Some((separator, separator_id))) => {
            json!({"type": "BertProcessing", "sep": [separator, separator_id], "cls": [class, class_id]})
        }
        _ => Value::Null,
    };
    let file_content = json!({
        "added_tokens": listed_added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": around,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": tokens},
    });
    json::load_value(file, file_content, config)
}

/// GPT-2's pair of files.
pub(super) fn write_gpt2(core: &Core) -> Result<Files, String> {
    let model = described(core);
    if model["type"] != "BPE" || !core.pipeline.model.takes_bytes() || model["ignore_merges"] == true {
        return Err("its model is no byte-pair encoding of bytes by merges alone".to_owned());
    }
    must_be_absent("normalizer", &core.components.normalizer)?;
    let cut = &core.components.pre_tokenizer;
    if cut["type"] != "ByteLevel" || cut["add_prefix_space"] == true || cut["use_regex"] == false {
        return Err("its text is not cut by GPT-2's expression, which goes with these files".to_owned());
    }
    let mut merges = "#version: 0.2\n".to_owned();
    for merge in model["merges"].as_array().into_iter().flatten() {
        match (merge[0].as_str(), merge[1].as_str()) {
            (Some(left), Some(right)) if ![left, right].iter().any(|token| token.contains([' ', '\n', '\r'])) => {
                merges.push_str(&format!("{left} {right}\n"));
            }
            _ => return Err(format!("the merge {merge} has white space in it")),
        }
    }
    let vocabulary = model["vocab"].to_string().into_bytes();
    Ok(Files { files: vec![("vocab.json", vocabulary), ("merges.txt", merges.into_bytes())], notes: Vec::new() })
}

/// BERT's file.
pub(super) fn write_word_piece(core: &Core) -> Result<Files, String> {
    is_bert(core)?;
    let mut lines = String::new();
    for (id, token) in core.tokens.iter().enumerate() {
        if token.contains(['\n', '\r']) {
            return Err(format!("the token {id}, {token:?}, has a line break in it"));
        }
        lines.push_str(token);
        lines.push('\n');
    }
    Ok(Files::one("vocab.txt", lines.into_bytes()))
}

/// An error unless text is normalized, cut and encoded as BERT's is.
pub(super) fn is_bert(core: &Core) -> Result<(), String> {
    let model = described(core);
    if model["type"] != "WordPiece" {
        return Err("its model is not WordPiece".to_owned());
    }
    if model["continuing_subword_prefix"] != "##" || model["unk_token"] != "[UNK]" {
        return Err("pieces inside words are not marked with ##, or the unknown is not [UNK]".to_owned());
    }
    if model["max_input_chars_per_word"] != 100 {
        return Err("words are not unknown from 101 characters on".to_owned());
    }
    let normalizer = &core.components.normalizer;
    let accents = &normalizer["strip_accents"];
    let is_usual = normalizer["type"] == "BertNormalizer"
        && normalizer["clean_text"] != false
        && normalizer["handle_chinese_chars"] != false
        && (accents.is_null() || *accents == normalizer["lowercase"]);
    if !is_usual || core.components.pre_tokenizer["type"] != "BertPreTokenizer" {
        return Err("its text is not normalized and cut as BERT's is".to_owned());
    }
    Ok(())
}
