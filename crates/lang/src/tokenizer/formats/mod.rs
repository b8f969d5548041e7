//! Files vocabularies come in. Which one a path is, is found out from its name and its content.

use std::path::{Path, PathBuf};

use super::config::FolderConfig;
use super::{Tokenizer, TokenizerError, json};

mod plain;
mod protobuf;
mod sentencepiece;
mod tiktoken;

/// What is looked for in a folder, the fullest description first.
const NAMES: [&str; 6] =
    ["tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt"];

/// Reads the tokenizer at `path`, a file or a folder.
pub(super) fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
    let (dir, file) = match path.is_dir() {
        true => (path.to_owned(), in_folder(path)),
        false => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    let config = FolderConfig::load(&dir)?;
    match file.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "vocab.json" | "merges.txt" | "encoder.json" | "vocab.bpe" => {
            let beside = |names: [&str; 2]| {
                names.iter().map(|name| dir.join(name)).find(|path| path.exists()).unwrap_or(dir.join(names[0]))
            };
            plain::load_gpt2(&beside(["vocab.json", "encoder.json"]), &beside(["merges.txt", "vocab.bpe"]), &config)
        }
        name if name.ends_with(".txt") => plain::load_word_piece(&file, &config),
        name if name.ends_with(".json") => json::load(&file, &config),
        // SentencePiece models and LLaMA 3's ranks share a name.
        _ => {
            let failed = |source| TokenizerError::Io { path: file.clone(), source };
            let bytes = std::fs::read(&file).map_err(failed)?;
            match std::str::from_utf8(&bytes) {
                Ok(text) if tiktoken::is_ranks(text) => tiktoken::load(&file, text, &config, &tiktoken::KNOWN),
                Ok(text) if text.trim_start().starts_with('{') => json::load_text(&file, text, &config),
                _ => sentencepiece::load(&file, &bytes, &config),
            }
        }
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
