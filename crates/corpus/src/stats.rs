//! What a corpus is made of: documents, bytes, words, languages, lengths.

use std::collections::BTreeMap;

use lang::document::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clean::{LanguageConfig, language};
use crate::text::{TokenKind, tokens};

/// Counts over a corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Documents.
    pub documents: usize,
    /// Bytes of text.
    pub bytes: u64,
    /// Characters of text.
    pub characters: u64,
    /// Words: runs of letters and numbers, and single Han and kana characters.
    pub words: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Documents by language code: as given, else as identified; `und` where neither says.
    pub languages: BTreeMap<String, usize>,
    /// Documents by source.
    pub sources: BTreeMap<String, usize>,
    /// Words of a document in the middle of all.
    pub median_words: u64,
    /// Documents by length in words: each bar counts documents of `from..to` words.
    pub lengths: Vec<Bar>,
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Fewest words.
    pub from: u64,
    /// One more than the most words.
    pub to: u64,
    /// Documents.
    pub documents: usize,
}

/// Counts of `documents`. The histogram's bars double in width: 1, 2–3, 4–7, ….
pub fn statistics(documents: &[Document]) -> Statistics {
    let config = LanguageConfig::default();
    let counted: Vec<(u64, u64, u64, String)> = documents
        .par_iter()
        .map(|document| {
            let words = tokens(&document.text).filter(|token| token.kind != TokenKind::Operator).count();
            let lines = document.text.lines().filter(|line| !line.trim().is_empty()).count();
            let identified = || language::identify(&document.text, &config).lang.map(str::to_string);
            let lang = document.lang.clone().or_else(identified).unwrap_or_else(|| "und".to_string());
            (document.text.chars().count() as u64, words as u64, lines as u64, lang)
        })
        .collect();
    let mut out = Statistics { documents: documents.len(), ..Statistics::default() };
    let mut bars: BTreeMap<u32, usize> = BTreeMap::new();
    let mut lengths = Vec::with_capacity(counted.len());
    for (document, (characters, words, lines, lang)) in documents.iter().zip(counted) {
        out.bytes += document.text.len() as u64;
        out.characters += characters;
        out.words += words;
        out.lines += lines;
        *out.languages.entry(lang).or_default() += 1;
        *out.sources.entry(document.source.clone()).or_default() += 1;
        *bars.entry(words.checked_ilog2().map_or(0, |power| power + 1)).or_default() += 1;
        lengths.push(words);
    }
    lengths.sort_unstable();
    out.median_words = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let highest = bars.keys().next_back().copied();
    out.lengths = highest.map_or(Vec::new(), |highest| {
        (0..=highest)
            .map(|bar| Bar {
                from: if bar == 0 { 0 } else { 1 << (bar - 1) },
                to: 1 << bar,
                documents: bars.get(&bar).copied().unwrap_or(0),
            })
            .collect()
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        let document = |text: &str| Document { text: text.to_string(), source: "s".into(), ..Document::default() };
        let found =
            statistics(&[document("The cat sat.\n\nIt slept on the mat."), document("今天天气很好，我们去公园玩。")]);
        assert_eq!((found.documents, found.words, found.lines), (2, 8 + 12, 3));
        assert_eq!(found.languages, BTreeMap::from([("en".to_string(), 1), ("zh".to_string(), 1)]));
        assert_eq!(found.sources, BTreeMap::from([("s".to_string(), 2)]));
        assert_eq!(found.lengths.iter().map(|bar| bar.documents).sum::<usize>(), 2);
        assert_eq!(found.lengths.last(), Some(&Bar { from: 8, to: 16, documents: 2 }));
        assert_eq!(statistics(&[]).lengths, []);
    }
}
