//! Files vocabularies come in. Which one a path is, is found out from its name and its content.

use std::path::Path;

use super::config::FolderConfig;
use super::{Tokenizer, TokenizerError, json};

/// Reads the tokenizer at `path`, a file or a folder.
pub(super) fn load(path: &Path) -> Result<Tokenizer, TokenizerError> {
    let (dir, file) = match path.is_dir() {
        true => (path.to_owned(), path.join("tokenizer.json")),
        false => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    json::load(&file, &FolderConfig::load(&dir)?)
}
