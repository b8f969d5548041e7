//! Lists of addresses, as RefinedWeb and datatrove use them: domains, strings inside an address, words that damn it, and words of which
//! it takes two. The lists come from files that the user names; none is part of this program.

use std::collections::HashSet;
use std::path::Path;

use aho_corasick::AhoCorasick;

use crate::error::CorpusError;

/// Hits of one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UrlHits {
    /// The host, or a domain above it, is listed.
    pub domain: bool,
    /// Different listed strings in the address.
    pub substrings: usize,
    /// Different listed hard words.
    pub hard: usize,
    /// Different listed soft words.
    pub soft: usize,
}

/// The lists.
#[derive(Default)]
pub struct UrlLists {
    domains: HashSet<String>,
    substrings: Option<AhoCorasick>,
    hard: HashSet<String>,
    soft: HashSet<String>,
}

/// Characters that are put into addresses to hide words.
const HIDING: [char; 2] = ['-', '.'];

impl UrlLists {
    /// Reads `domains`, `substrings`, `hard` and `soft` (each with or without `.txt`) from a folder; lines that begin with `#` are
    /// comments, and any of the four may be missing.
    ///
    /// # Errors
    /// [`CorpusError::Missing`], [`CorpusError::Io`], and [`CorpusError::List`] when none of the four is there.
    pub fn read(folder: &Path) -> Result<Self, CorpusError> {
        if !folder.is_dir() {
            return Err(CorpusError::Missing { path: folder.to_path_buf() });
        }
        let mut found = 0;
        let mut list = |name: &str| -> Result<Vec<String>, CorpusError> {
            for file in [folder.join(name), folder.join(format!("{name}.txt"))] {
                if file.is_file() {
                    let text = std::fs::read_to_string(&file).map_err(|error| CorpusError::io(&file, "read", error))?;
                    found += 1;
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                    return Ok(lines.map(str::to_lowercase).collect());
                }
            }
            Ok(Vec::new())
        };
        let domains = list("domains")?.into_iter().map(|domain| domain.trim_start_matches("www.").to_owned()).collect();
        let substrings = list("substrings")?;
        let (hard, soft) = (list("hard")?.into_iter().collect(), list("soft")?.into_iter().collect());
        if found == 0 {
            let what = "none of the files domains, substrings, hard and soft is there".to_owned();
            return Err(CorpusError::List { path: folder.to_path_buf(), what });
        }
        let plain = |text: &String| text.replace(HIDING, "");
        let substrings: Vec<String> = substrings.iter().map(plain).filter(|text| !text.is_empty()).collect();
        let substrings = match AhoCorasick::new(&substrings) {
            Ok(automaton) if !substrings.is_empty() => Some(automaton),
            Ok(_) => None,
            Err(error) => return Err(CorpusError::List { path: folder.join("substrings"), what: error.to_string() }),
        };
        Ok(UrlLists { domains, substrings, hard, soft })
    }

    /// The hits of an address.
    pub fn look(&self, url: &str) -> UrlHits {
        let url = url.to_lowercase();
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
        // The host and every domain above it: a.b.org, b.org, org.
        let mut domain = Some(host.trim_start_matches("www."));
        let mut listed = false;
        while let Some(name) = domain {
            listed |= self.domains.contains(name);
            domain = name.split_once('.').map(|(_, above)| above);
        }
        let substrings = self.substrings.as_ref().map_or(0, |automaton| {
            let plain = url.replace(HIDING, "");
            let different: HashSet<usize> =
                automaton.find_overlapping_iter(&plain).map(|found| found.pattern().as_usize()).collect();
            different.len()
        });
        let words: HashSet<&str> = url.split(|c: char| !c.is_alphanumeric()).collect();
        let count = |list: &HashSet<String>| words.iter().filter(|word| list.contains(**word)).count();
        UrlHits { domain: listed, substrings, hard: count(&self.hard), soft: count(&self.soft) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_words_and_hidden_strings_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("domains", "# bad hosts\nbad.org\n");
        write("substrings.txt", "free-casino\n");
        write("hard", "gore\n");
        write("soft", "webcam\nescort\n");
        let lists = UrlLists::read(folder.path()).unwrap();
        let hits = |url| lists.look(url);
        assert!(hits("https://www.bad.org/a").domain && hits("http://x.bad.org:80").domain);
        assert!(!hits("https://notbad.org/bad.org").domain);
        assert_eq!(hits("http://a.com/fr-ee.cas-ino/1").substrings, 1);
        assert_eq!(hits("http://a.com/gore/gore-and-GORE").hard, 1);
        assert_eq!(hits("http://a.com/gorect").hard, 0);
        assert_eq!(hits("http://a.com/webcam_Escort?webcam").soft, 2);
        assert_eq!(hits(""), UrlHits::default());
        assert!(UrlLists::read(&folder.path().join("x")).is_err());
    }
}
