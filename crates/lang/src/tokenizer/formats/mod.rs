//! Files vocabularies come in. Which one a path is, is found out from its name and its content.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{self, FolderConfig};
use super::fields::Source;
use super::{Tokenizer, TokenizerError, json};

pub(super) mod convert;
mod gguf;
mod plain;
mod protobuf;
pub(super) mod sentencepiece;
mod tekken;
mod tiktoken;

/// What is looked for in a folder, the fullest description first.
const NAMES: [&str; 8] = [
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
    "vocab.json",
    "encoder.json",
    "vocab.txt",
];

/// GPT-2's pair of files: the vocabulary and the merges, each by its newer and its older name.
const GPT2_NAMES: [[&str; 2]; 2] = [["vocab.json", "encoder.json"], ["merges.txt", "vocab.bpe"]];

/// Reads the tokenizer at `path`, a file or a folder.
pub(super) fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
    let (dir, file) = match path.is_dir() {
        true => (path.to_owned(), in_folder(path)),
        false => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    let config = FolderConfig::load(&dir)?;
    let failed = |source| TokenizerError::Io { path: file.clone(), source };
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if GPT2_NAMES.iter().flatten().any(|pair| *pair == name) {
        let beside = |names: [&str; 2]| {
            names.iter().map(|name| dir.join(name)).find(|path| path.exists()).unwrap_or(dir.join(names[0]))
        };
        let (vocabulary, merges) = (beside(GPT2_NAMES[0]), beside(GPT2_NAMES[1]));
        let (tokens, text) = (config::read(&vocabulary)?, config::read(&merges)?);
        let read = plain::read_gpt2((&vocabulary, &tokens), (&merges, &text), &config)?;
        return Ok(with_config(read, &config));
    }
    if name.ends_with(".gguf") {
        // Weights behind the vocabulary are left unread.
        let opened = std::fs::File::open(&file).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        let read = gguf::load(&file, &mut std::io::BufReader::new(opened), length, &config)?;
        return Ok(with_config(read, &config));
    }
    let bytes = std::fs::read(&file).map_err(failed)?;
    read(&file, &bytes, &config)
}

/// Reads `bytes`, the content of `file`, whose name says as much of the format as the content leaves open.
pub(super) fn read(file: &Path, bytes: &[u8], config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = || {
        std::str::from_utf8(bytes)
            .map_err(|error| Source::new(file).invalid(format!("byte {} is not UTF-8", error.valid_up_to())))
    };
    let read_json = |text: &str| match tekken::is_tekken(text) {
        true => tekken::read(file, text, config),
        false => json::load_text(file, text, config),
    };
    let tokenizer = if bytes.starts_with(gguf::MAGIC) || name.ends_with(".gguf") {
        gguf::load(file, &mut &bytes[..], bytes.len() as u64, config)
    } else if name.ends_with(".txt") {
        plain::read_word_piece(file, text()?, config)
    } else if name.ends_with(".json") {
        read_json(text()?)
    } else {
        // SentencePiece models and LLaMA 3's ranks share a name.
        match std::str::from_utf8(bytes) {
            Ok(text) if tiktoken::is_ranks(text) => tiktoken::load(file, text, config, &tiktoken::KNOWN),
            Ok(text) if text.trim_start().starts_with('{') => read_json(text),
            _ => sentencepiece::load(file, bytes, config),
        }
    }?;
    Ok(with_config(tokenizer, config))
}

/// The tokenizer with what stands beside its vocabulary, where that did not say it itself.
fn with_config(mut tokenizer: Tokenizer, config: &FolderConfig) -> Tokenizer {
    tokenizer.chat_template = config.chat_template.clone().or(tokenizer.chat_template);
    tokenizer.model_max_length = config.model_max_length.or(tokenizer.model_max_length);
    if let Some(core) = Arc::get_mut(&mut tokenizer.core)
        && core.named_tokens.is_empty()
    {
        core.named_tokens = config.named_tokens.clone();
    }
    tokenizer
}

/// The file to read in a folder: one of the usual names, else the only file of a kind that is known.
fn in_folder(dir: &Path) -> PathBuf {
    let usual = NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    let named = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["model", "tiktoken", "gguf"].iter().any(|known| extension == *known))
    };
    let other = || {
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).filter(named).collect();
        (found.len() == 1).then(|| found.remove(0))
    };
    usual.or_else(other).unwrap_or_else(|| dir.join(NAMES[0]))
}

#[cfg(test)]
use load as load_file;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod tests;
