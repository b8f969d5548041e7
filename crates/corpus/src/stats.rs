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

/// More sources than this are counted together.
const MOST_SOURCES: usize = 10_000;
const OTHER_SOURCES: &str = "(other sources)";

/// Counts documents as they come; what it holds does not grow with their number.
#[derive(Debug, Default)]
pub struct Counter {
    out: Statistics,
    /// Documents by their words.
    lengths: BTreeMap<u64, usize>,
}

impl Counter {
    /// Counts some documents.
    pub fn add(&mut self, documents: &[Document]) {
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
        let out = &mut self.out;
        out.documents += documents.len();
        for (document, (characters, words, lines, lang)) in documents.iter().zip(counted) {
            out.bytes += document.text.len() as u64;
            out.characters += characters;
            out.words += words;
            out.lines += lines;
            *out.languages.entry(lang).or_default() += 1;
            let known = out.sources.len() < MOST_SOURCES || out.sources.contains_key(&document.source);
            let source = if known { document.source.as_str() } else { OTHER_SOURCES };
            *out.sources.entry(source.to_owned()).or_default() += 1;
            *self.lengths.entry(words).or_default() += 1;
        }
    }

    /// The counts. The histogram's bars double in width: 1, 2–3, 4–7, ….
    pub fn finish(self) -> Statistics {
        let Counter { mut out, lengths } = self;
        let mut below = 0;
        let middle = lengths.iter().find(|(_, count)| {
            below += **count;
            below > out.documents / 2
        });
        out.median_words = middle.map_or(0, |(words, _)| *words);
        let mut bars: BTreeMap<u32, usize> = BTreeMap::new();
        for (words, count) in lengths {
            *bars.entry(words.checked_ilog2().map_or(0, |power| power + 1)).or_default() += count;
        }
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
}

/// Counts of `documents`.
pub fn statistics(documents: &[Document]) -> Statistics {
    let mut counter = Counter::default();
    counter.add(documents);
    counter.finish()
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
        // In parts as in one, with the middle of an even and of an odd number.
        let texts: Vec<Document> = [1, 5, 5, 9, 40].map(|words| document(&"word ".repeat(words))).into();
        assert_eq!((statistics(&texts).median_words, statistics(&texts[1..]).median_words), (5, 9));
        let mut counter = Counter::default();
        texts.iter().for_each(|one| counter.add(std::slice::from_ref(one)));
        assert_eq!(counter.finish(), statistics(&texts));
    }
}
