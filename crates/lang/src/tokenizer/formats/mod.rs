//! Files vocabularies come in. Which one a path is, is found out from its name and its content.

use std::path::{Path, PathBuf};

use super::config::FolderConfig;
use super::fields::Source;
use super::{Tokenizer, TokenizerError, json};

mod plain;
mod protobuf;
mod sentencepiece;
mod tiktoken;

/// What is looked for in a folder, the fullest description first.
const NAMES: [&str; 6] =
    ["tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt"];

/// GPT-2's pair of files: the vocabulary and the merges, each by its newer and its older name.
const GPT2_NAMES: [[&str; 2]; 2] = [["vocab.json", "encoder.json"], ["merges.txt", "vocab.bpe"]];

/// Reads the tokenizer at `path`, a file or a folder.
pub(super) fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
    let (dir, file) = match path.is_dir() {
        true => (path.to_owned(), in_folder(path)),
        false => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    let config = FolderConfig::load(&dir)?;
    if GPT2_NAMES.iter().flatten().any(|name| file.file_name().is_some_and(|own| own == *name)) {
        let beside = |names: [&str; 2]| {
            names.iter().map(|name| dir.join(name)).find(|path| path.exists()).unwrap_or(dir.join(names[0]))
        };
        return plain::load_gpt2(&beside(GPT2_NAMES[0]), &beside(GPT2_NAMES[1]), &config);
    }
    let bytes = std::fs::read(&file).map_err(|source| TokenizerError::Io { path: file.clone(), source })?;
    read(&file, &bytes, &config)
}

/// Reads `bytes`, the content of `file`, whose name says as much of the format as the content leaves open.
pub(super) fn read(file: &Path, bytes: &[u8], config: &FolderConfig) -> Result<Tokenizer, TokenizerError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = || {
        std::str::from_utf8(bytes)
            .map_err(|error| Source::new(file).invalid(format!("byte {} is not UTF-8", error.valid_up_to())))
    };
    if name.ends_with(".txt") {
        return plain::read_word_piece(file, text()?, config);
    }
    if name.ends_with(".json") {
        return json::load_text(file, text()?, config);
    }
    // SentencePiece models and LLaMA 3's ranks share a name.
    match std::str::from_utf8(bytes) {
        Ok(text) if tiktoken::is_ranks(text) => tiktoken::load(file, text, config, &tiktoken::KNOWN),
        Ok(text) if text.trim_start().starts_with('{') => json::load_text(file, text, config),
        _ => sentencepiece::load(file, bytes, config),
    }
}

/// The file to read in a folder: one of the usual names, else the only file of a kind that is known.
fn in_folder(dir: &Path) -> PathBuf {
    let usual = NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    let named =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "model" || extension == "tiktoken");
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
mod tests;
