//! Bad words, from list files such as LDNOOBW's (one entry a line, one file a language), found as C4 finds them: whole words in any
//! case, and anywhere in languages that are written without spaces.

use std::collections::BTreeMap;
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::error::CorpusError;

/// Languages in which words are not parted by spaces.
const UNSPACED: [&str; 3] = ["ja", "th", "zh"];

/// Lists of bad words by language.
pub struct BadWords {
    lists: BTreeMap<String, AhoCorasick>,
}

impl BadWords {
    /// Reads a file, or a folder of files named after their languages (`en`, `zh`, `de.txt`). A single file is of the language it is
    /// named after.
    ///
    /// # Errors
    /// [`CorpusError::Missing`], [`CorpusError::Io`] and [`CorpusError::List`] for a list without entries or too large for memory.
    pub fn read(path: &Path) -> Result<Self, CorpusError> {
        if !path.exists() {
            return Err(CorpusError::Missing { path: path.to_path_buf() });
        }
        let mut files = Vec::new();
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| CorpusError::io(path, "read", error))?;
            for entry in entries {
                let entry = entry.map_err(|error| CorpusError::io(path, "read", error))?.path();
                if entry.is_file() {
                    files.push(entry);
                }
            }
            files.sort();
        } else {
            files.push(path.to_path_buf());
        }
        let mut lists = BTreeMap::new();
        for file in files {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let language = name.split('.').next().unwrap_or_default().to_owned();
            if language.is_empty()
                || name.to_uppercase().starts_with("README")
                || name.to_uppercase().starts_with("LICENSE")
            {
                continue;
            }
            let text = std::fs::read_to_string(&file).map_err(|error| CorpusError::io(&file, "read", error))?;
            let words: Vec<String> =
                text.lines().map(|line| line.trim().to_lowercase()).filter(|word| !word.is_empty()).collect();
            if words.is_empty() {
                continue;
            }
            lists.insert(language, build(&file, &words)?);
        }
        if lists.is_empty() {
            return Err(CorpusError::List { path: path.to_path_buf(), what: "no list of words is there".to_owned() });
        }
        Ok(BadWords { lists })
    }

    /// Where bad words of `language` (of English where none is named, or its list is missing) stand in `text`, as byte ranges.
    pub fn find(&self, text: &str, language: Option<&str>) -> Vec<(usize, usize)> {
        let named = language.map(|language| language.split('-').next().unwrap_or(language)).unwrap_or("en");
        let (name, list) = match self.lists.get_key_value(named).or_else(|| self.lists.get_key_value("en")) {
            Some(found) => found,
            None => match self.lists.iter().next() {
                Some(found) => found,
                None => return Vec::new(),
            },
        };
        let anywhere = UNSPACED.contains(&name.as_str());
        // The list is in lower case; only ASCII is lowered in the text, so that places stay. Other scripts' capitals are rare there.
        let lowered = text.to_ascii_lowercase();
        let mut hits = Vec::new();
        let mut free = 0;
        for found in list.find_overlapping_iter(&lowered) {
            let (start, end) = (found.start(), found.end());
            let before = lowered[..start].chars().next_back();
            let after = lowered[end..].chars().next();
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            if start >= free && (anywhere || (!word(before) && !word(after))) {
                hits.push((start, end));
                free = end;
            }
        }
        hits
    }
}

fn build(file: &Path, words: &[String]) -> Result<AhoCorasick, CorpusError> {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(words)
        .map_err(|error| CorpusError::List { path: file.to_path_buf(), what: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_phrases_count_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("en"), "darn\nblast it\nblast\n").unwrap();
        std::fs::write(folder.path().join("zh"), "坏话\n").unwrap();
        let words = BadWords::read(folder.path()).unwrap();
        assert_eq!(words.find("Darn! darned blast it.", Some("en")).len(), 2);
        assert_eq!(words.find("这是坏话吗", Some("zh-Hans")), [(6, 12)]);
        assert_eq!(words.find("darn", Some("fr")).len(), 1);
        assert!(matches!(BadWords::read(&folder.path().join("nothing")), Err(CorpusError::Missing { .. })));
    }
}
