//! ROUGE-L (Lin 2004): how alike two texts are by the longest common subsequence of their words, equal to the `rouge_score`
//! package without stemming; here also for Chinese, whose characters count as words.
//!
//! The length of the subsequence is found with bit vectors (Hyyrö 2004), 64 words of one text at a step.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::text::is_han;

/// Precision, recall and their harmonic mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// Common words per word of the text that is judged.
    pub precision: f64,
    /// Common words per word of the reference.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f_measure: f64,
}

/// The words of a text: runs of Latin letters without marks and of digits, in lower case, and every Han character. All
/// else is between words.
pub fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        if is_han(c) {
            out.push(c.to_string());
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// ROUGE-L of `text` against `reference`.
pub fn rouge_l(reference: &str, text: &str) -> Rouge {
    let mut numbers = Numbers::default();
    let (reference, text) = (numbers.of(reference), numbers.of(text));
    score(Finder::new(&reference).common(&text), reference.len(), text.len())
}

fn score(common: usize, n_reference: usize, n_text: usize) -> Rouge {
    if n_reference == 0 || n_text == 0 {
        return Rouge::default();
    }
    let (precision, recall) = (common as f64 / n_text as f64, common as f64 / n_reference as f64);
    let sum = precision + recall;
    Rouge { precision, recall, f_measure: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
}

/// Words as numbers.
#[derive(Clone, Debug, Default)]
struct Numbers(HashMap<String, u32>);

impl Numbers {
    fn of(&mut self, text: &str) -> Vec<u32> {
        words(text)
            .into_iter()
            .map(|word| {
                let next = self.0.len() as u32;
                *self.0.entry(word).or_insert(next)
            })
            .collect()
    }
}

/// One text, ready to be compared with many: where each of its words stands, as bits.
struct Finder {
    length: usize,
    places: HashMap<u32, Vec<u64>>,
}

impl Finder {
    fn new(text: &[u32]) -> Self {
        let n_words = text.len().div_ceil(64);
        let mut places: HashMap<u32, Vec<u64>> = HashMap::new();
        for (at, &word) in text.iter().enumerate() {
            places.entry(word).or_insert_with(|| vec![0; n_words])[at / 64] |= 1 << (at % 64);
        }
        Finder { length: text.len(), places }
    }

    /// Length of the longest common subsequence with `other`.
    fn common(&self, other: &[u32]) -> usize {
        // A zero bit is a place of the text at which the table of lengths grows by one.
        let mut row = vec![u64::MAX; self.length.div_ceil(64)];
        for word in other {
            let Some(places) = self.places.get(word) else { continue };
            let mut carry = false;
            for (bits, &place) in row.iter_mut().zip(places) {
                let matched = *bits & place;
                let (sum, over) = bits.overflowing_add(matched);
                let (sum, over_again) = sum.overflowing_add(u64::from(carry));
                carry = over || over_again;
                *bits = sum | (*bits & !place);
            }
        }
        let grown: u32 = row.iter().map(|bits| bits.count_zeros()).sum();
        // Bits past the end of the text are never cleared: no word stands there.
        grown as usize
    }
}

/// Texts that no new one may be too much like.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    numbers: Numbers,
    texts: Vec<Vec<u32>>,
}

impl Pool {
    /// Puts a text into the pool.
    pub fn add(&mut self, text: &str) {
        let words = self.numbers.of(text);
        self.texts.push(words);
    }

    /// Texts in the pool.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text of the pool most like `text` (the first of several), with their F-measure; none in an empty pool.
    pub fn nearest(&mut self, text: &str) -> Option<(usize, f64)> {
        let words = self.numbers.of(text);
        let finder = Finder::new(&words);
        let scores: Vec<f64> = self
            .texts
            .par_iter()
            .with_min_len(256)
            .map(|other| score(finder.common(other), other.len(), words.len()).f_measure)
            .collect();
        scores.into_iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}

#[cfg(test)]
mod tests {
    use lang::rng::Rng;

    use super::*;

    /// Scores of the `rouge_score` package (`oracle/rouge.py`); of its tokenizer for texts without Han characters.
    #[test]
    fn scores_equal_rouge_score() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/rouge_golden.json")).unwrap();
        for case in golden["cases"].as_array().unwrap() {
            let found = rouge_l(case["reference"].as_str().unwrap(), case["text"].as_str().unwrap());
            for (name, found) in
                [("precision", found.precision), ("recall", found.recall), ("f_measure", found.f_measure)]
            {
                assert!((found - case[name].as_f64().unwrap()).abs() < 1e-12, "{name} {case}");
            }
        }
    }

    #[test]
    fn bits_equal_the_table() {
        let table = |left: &[u32], right: &[u32]| {
            let mut row = vec![0usize; right.len() + 1];
            for a in left {
                let mut diagonal = 0;
                for (at, b) in right.iter().enumerate() {
                    let above = row[at + 1];
                    row[at + 1] = if a == b { diagonal + 1 } else { above.max(row[at]) };
                    diagonal = above;
                }
            }
            row[right.len()]
        };
        let mut rng = Rng::new(3);
        for round in 0..300 {
            let mut draw =
                |longest: usize| (0..rng.index(longest)).map(|_| rng.index(2 + round % 9) as u32).collect::<Vec<_>>();
            let (left, right) = (draw(260), draw(200));
            assert_eq!(Finder::new(&left).common(&right), table(&left, &right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn the_nearest_of_a_pool_is_found() {
        let mut pool = Pool::default();
        assert_eq!(pool.nearest("x"), None);
        for text in ["Write a poem about boats.", "数一数灯笼。", "Write a poem about boats!"] {
            pool.add(text);
        }
        assert_eq!(pool.nearest("Write a short poem about boats"), Some((0, 2.0 * (5.0 / 6.0) / (1.0 + 5.0 / 6.0))));
        assert_eq!(pool.nearest("数一数船").map(|found| found.0), Some(1));
        assert_eq!(pool.nearest("…"), Some((0, 0.0)));
        assert_eq!((pool.len(), pool.is_empty()), (3, false));
    }
}
