//! Sentences as spaCy's sentencizer counts them.

use super::marks;
use super::python::{is_punctuation, is_space};
use super::words::spacy;

/// Tokens and sentences of a text that is not part of the pass.
pub(super) fn tokens_and_sentences(text: &str) -> (u32, u32) {
    let (mut tokens, mut sentences, mut ended) = (0, 0, false);
    let mut ranges = Vec::new();
    let mut last = 0;
    for part in text.split(is_space).filter(|part| !part.is_empty()) {
        let at = part.as_ptr() as usize - text.as_ptr() as usize;
        let gap = &text[last..at];
        if ended && !gap.is_empty() && gap != " " {
            (sentences, ended) = (sentences + 1, false);
        }
        last = at + part.len();
        ranges.clear();
        spacy::tokenize(part, &mut ranges);
        for &(start, end) in &ranges {
            if tokens == 0 {
                sentences = 1;
            }
            tokens += 1;
            sentence_step(&part[start as usize..end as usize], &mut sentences, &mut ended);
        }
    }
    (tokens, sentences)
}

/// spaCy's sentencizer: a sentence begins at the first token after an end mark that is no punctuation itself.
#[inline]
pub(super) fn sentence_step(token: &str, sentences: &mut u32, ended: &mut bool) {
    let mut characters = token.chars();
    let first = characters.next();
    let single = characters.next().is_none();
    if single && first.is_some_and(|c| marks::SENTENCIZER.has(c)) {
        *ended = true;
    } else if *ended && !token.chars().all(is_punctuation) {
        *sentences += 1;
        *ended = false;
    }
}
