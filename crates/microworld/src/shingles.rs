//! How alike two texts are: Jaccard similarity of their sets of five consecutive words (Broder, "On the resemblance and
//! containment of documents", 1997). Words are lower-cased runs of letters and digits; each Chinese character is a word.

use crate::template::is_han;
use std::collections::HashSet;

/// Words in one shingle.
pub const SHINGLE_WORDS: usize = 5;

/// The words of a text.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() && !is_han(c) {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_han(c) {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The set of hashed shingles of a text (FNV-1a over the words with a separator).
pub fn shingles(text: &str) -> HashSet<u64> {
    words(text)
        .windows(SHINGLE_WORDS)
        .map(|window| {
            let mut hash = 0xcbf2_9ce4_8422_2325u64;
            for byte in window.iter().flat_map(|w| w.bytes().chain([0])) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            hash
        })
        .collect()
}

/// Jaccard similarity of two shingle sets, in `[0, 1]`; 0 when both are empty.
pub fn jaccard(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let common = a.intersection(b).count();
    let union = a.len() + b.len() - common;
    if union == 0 { 0.0 } else { common as f64 / union as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_similarity() {
        assert_eq!(words("Boro's cat, 王明 12!"), ["boro", "s", "cat", "王", "明", "12"]);
        let (a, b) = (shingles("a b c d e f"), shingles("a b c d e g"));
        assert!((jaccard(&a, &b) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(jaccard(&a, &a), 1.0);
    }
}
