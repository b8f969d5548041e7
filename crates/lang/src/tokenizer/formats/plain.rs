//! The older files of the field: `vocab.json` with `merges.txt` (GPT-2) and `vocab.txt` (BERT), which are turned into what
//! `tokenizer.json` would say.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::tokenizer::config::{self, FolderConfig};
use crate::tokenizer::fields::Source;
use crate::tokenizer::{Tokenizer, TokenizerError, json};

/// Reads GPT-2's pair of files.
pub(super) fn load_gpt2(vocabulary: &Path, merges: &Path, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(merges);
    let tokens: Map<String, Value> = config::parse(vocabulary, &config::read(vocabulary)?)?;
    let text = config::read(merges)?;
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
    let added: Vec<Value> = tokens.get("<|endoftext|>").map(|id| special("<|endoftext|>", id)).into_iter().collect();
    let file = json!({
        "added_tokens": added,
        "pre_tokenizer": byte_level(false),
        "decoder": byte_level(true),
        "model": {"type": "BPE", "vocab": tokens, "merges": listed},
    });
    json::load_text(vocabulary, &file.to_string(), config)
}

fn special(content: &str, id: &Value) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
           "special": true})
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
    let found = |name: &str| tokens.get(name).map(|id| (name.to_owned(), id.clone()));
    let has_capitals = tokens.keys().any(|token| {
        !token.starts_with('[') && token.chars().count() > 1 && token.chars().any(|letter| letter.is_ascii_uppercase())
    });
    let lowercase = config.lowercase.unwrap_or(!has_capitals);
    let added: Vec<Value> =
        BERT_SPECIAL.iter().filter_map(|name| found(name)).map(|(name, id)| special(&name, &id)).collect();
    let around = match (found("[CLS]"), found("[SEP]")) {
        (Some((class, class_id)), Some((separator, separator_id))) => {
            json!({"type": "BertProcessing", "sep": [separator, separator_id], "cls": [class, class_id]})
        }
        _ => Value::Null,
    };
    let file_content = json!({
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": around,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": tokens},
    });
    json::load_text(file, &file_content.to_string(), config)
}
