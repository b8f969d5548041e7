//! Some neighbouring sentences of a document.

use std::collections::HashSet;

use lang::rng::Rng;

use crate::text::words::{is_common_han, is_english_function_word};
use crate::text::{TokenKind, is_chinese, is_han, sentences, tokens};

/// Sentences shorter than this (in characters) are cries and headings, no answers.
const SHORTEST: usize = 6;

/// Neighbouring sentences, all different.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) sentences: Vec<String>,
    pub(super) is_chinese: bool,
}

impl Passage {
    /// Between `least` and `most` neighbouring sentences of `text` with at most `max_chars` characters together, from
    /// a place drawn from `rng`; `None` when there are none.
    pub(super) fn draw(text: &str, least: usize, most: usize, max_chars: usize, rng: &mut Rng) -> Option<Self> {
        let all = sentences(text);
        if all.len() < least || least == 0 {
            return None;
        }
        let start = rng.index(all.len() - least + 1);
        let wanted = least + rng.index(most - least + 1);
        let mut chosen: Vec<String> = Vec::new();
        let mut size = 0;
        for sentence in all[start..].iter().take(wanted) {
            let length = sentence.chars().count();
            if length < SHORTEST || size + length + 1 > max_chars || chosen.iter().any(|s| s == sentence) {
                break;
            }
            size += length + 1;
            chosen.push((*sentence).to_string());
        }
        let whole = chosen.join(" ");
        (chosen.len() >= least).then(|| Passage { sentences: chosen, is_chinese: is_chinese(&whole) })
    }

    /// ISO 639-1 code for the instance made of it: the two languages instances are phrased in.
    pub(super) fn lang(&self) -> &'static str {
        if self.is_chinese { "zh" } else { "en" }
    }

    /// The sentences as running text.
    pub(super) fn text(&self) -> String {
        self.join(&self.sentences)
    }

    /// Some sentences as running text: with spaces between, in Chinese without.
    pub(super) fn join(&self, sentences: &[String]) -> String {
        sentences.join(if self.is_chinese { "" } else { " " })
    }

    /// `count` different content words of the passage in the order of the text; in Chinese, pairs of characters of
    /// which one is not among the most common.
    pub(super) fn content_words(&self, count: usize, rng: &mut Rng) -> Option<Vec<String>> {
        let text = self.text();
        let mut seen = HashSet::new();
        let mut words: Vec<String> = if self.is_chinese {
            let characters: Vec<char> = text.chars().collect();
            let pairs = characters.windows(2).filter(|pair| pair.iter().all(|&c| is_han(c)));
            pairs
                .filter(|pair| pair.iter().any(|&c| !is_common_han(c)))
                .map(|pair| pair.iter().collect::<String>())
                .filter(|pair| seen.insert(pair.clone()))
                .collect()
        } else {
            let long = tokens(&text).filter(|token| token.kind == TokenKind::Word && token.text.len() >= 3);
            long.filter(|token| !is_english_function_word(token.hash()))
                .map(|token| token.folded().into_owned())
                .filter(|word| seen.insert(word.clone()))
                .collect()
        };
        if words.len() < count {
            return None;
        }
        while words.len() > count {
            words.remove(rng.index(words.len()));
        }
        Some(words)
    }

    /// The sentences of `text` in another order; `None` when it has only one.
    pub(super) fn shuffled_sentences(&self, text: &str, rng: &mut Rng) -> Option<String> {
        let mut parts: Vec<String> = sentences(text).into_iter().map(str::to_string).collect();
        let before = parts.clone();
        for _ in 0..8 {
            rng.shuffle(&mut parts);
            if parts != before {
                return Some(self.join(&parts));
            }
        }
        None
    }

    /// The words (Chinese: characters) of `text` in another order.
    pub(super) fn shuffled_words(&self, text: &str, rng: &mut Rng) -> Option<String> {
        let mut parts: Vec<String> = if self.is_chinese {
            text.chars().map(String::from).collect()
        } else {
            text.split_whitespace().map(str::to_string).collect()
        };
        rng.shuffle(&mut parts);
        Some(self.join(&parts))
    }
}
