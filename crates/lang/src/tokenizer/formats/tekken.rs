//! Mistral's `tekken.json`: tiktoken ranks as JSON, with the expression that cuts text and the special tokens, whose ids come
//! first and move all ranks up.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::tiktoken;
use crate::tokenizer::added::AddedToken;
use crate::tokenizer::config::{self, FolderConfig};
use crate::tokenizer::fields::Source;
use crate::tokenizer::{Tokenizer, TokenizerError, base64};

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Entry>,
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    pattern: String,
    default_vocab_size: usize,
    default_num_special_tokens: usize,
}

#[derive(Deserialize)]
struct Entry {
    rank: usize,
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: usize,
    token_str: String,
}

/// The special tokens of files that list none.
const SPECIAL: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Whether the text looks like such a file.
pub(super) fn is_tekken(text: &str) -> bool {
    text.contains("\"default_vocab_size\"") && text.contains("\"token_bytes\"")
}

/// Reads `text`, the content of `file`.
pub(super) fn read(file: &Path, text: &str, config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let source = Source::new(file);
    let File { config: settings, vocab, special_tokens } = config::parse(file, text)?;
    let special_count = settings.default_num_special_tokens;
    // The file lists more tokens than are used.
    let count = settings.default_vocab_size.checked_sub(special_count).filter(|&count| count <= vocab.len());
    let Some(count) = count.filter(|_| u32::try_from(settings.default_vocab_size).is_ok()) else {
        return Err(source.invalid(format!(
            "config: of {} ids {special_count} are special, which does not go with a vocab of {}",
            settings.default_vocab_size,
            vocab.len()
        )));
    };
    let mut contents: HashMap<Vec<u8>, u32> = HashMap::with_capacity(count);
    for (at, Entry { rank, token_bytes }) in vocab.iter().take(count).enumerate() {
        if *rank != at {
            return Err(source.invalid(format!("vocab[{at}].rank is {rank}")));
        }
        let Some(bytes) = base64::decode(token_bytes).filter(|bytes| !bytes.is_empty()) else {
            return Err(source.invalid(format!("vocab[{at}].token_bytes: {token_bytes:?} is not base64")));
        };
        if let Some(first) = contents.insert(bytes, (at + special_count) as u32) {
            let first = first as usize - special_count;
            return Err(source.invalid(format!("vocab[{at}] has the same bytes as vocab[{first}]")));
        }
    }
    let mut names: Vec<Option<String>> = vec![None; special_count];
    let listed = match special_tokens {
        Some(listed) => listed.into_iter().map(|Special { rank, token_str }| (rank, token_str)).collect(),
        None => SPECIAL.iter().map(|&name| name.to_owned()).enumerate().collect::<Vec<_>>(),
    };
    for (rank, name) in listed {
        let is_new = !name.is_empty() && !names.iter().flatten().any(|known| *known == name);
        match names.get_mut(rank) {
            Some(place @ None) if is_new => *place = Some(name),
            _ => return Err(source.invalid(format!("special_tokens: {name:?} cannot have rank {rank}"))),
        }
    }
    let named = names.into_iter().enumerate();
    let special =
        named.map(|(id, name)| AddedToken::special(id as u32, &name.unwrap_or_else(|| format!("<SPECIAL_{id}>"))));
    tiktoken::build(&source, contents, &settings.pattern, special.collect(), config)
}
