//! Words as evaluation items are compared: runs of letters and digits in lower case, single Han and kana characters,
//! nothing else. Punctuation, operators and white space separate, apostrophes vanish (`don't` is `dont`), and `3.14` is
//! two words, so that a copy whose punctuation was changed has the same words.

use xxhash_rust::xxh3::xxh3_64;

use crate::text::{is_han, is_kana};

/// Calls `visit(hash, start, end)` for every word.
pub(super) fn plain_words(text: &str, mut visit: impl FnMut(u64, usize, usize)) {
    let mut word: Vec<u8> = Vec::with_capacity(64);
    let (mut start, mut end) = (0, 0);
    let mut flush = |word: &mut Vec<u8>, start: usize, end: usize| {
        if !word.is_empty() {
            visit(xxh3_64(word), start, end);
            word.clear();
        }
    };
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() {
            if word.is_empty() {
                start = at;
            }
            word.push(c.to_ascii_lowercase() as u8);
            end = at + 1;
        } else if c == '\'' || c == '’' {
            // Between two letters it is nothing; a quotation mark stands beside a space.
        } else if is_han(c) || is_kana(c) {
            flush(&mut word, start, end);
            word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            flush(&mut word, at, at + c.len_utf8());
        } else if c.is_alphanumeric() || is_mark(c) {
            if word.is_empty() {
                start = at;
            }
            for lower in c.to_lowercase() {
                word.extend_from_slice(lower.encode_utf8(&mut [0; 4]).as_bytes());
            }
            end = at + c.len_utf8();
        } else {
            flush(&mut word, start, end);
        }
    }
    flush(&mut word, start, end);
}

/// Marks belong to the letter before them.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// The hashes of the words of a text.
pub(super) fn hashes(text: &str) -> Vec<u64> {
    let mut out = Vec::with_capacity(text.len() / 5);
    plain_words(text, |hash, _, _| out.push(hash));
    out
}

/// The text without its punctuation, as some tools leave it: `well-known` becomes `wellknown`.
pub(super) fn without_punctuation(text: &str) -> String {
    text.chars().filter(|&c| c.is_alphanumeric() || c.is_whitespace() || is_mark(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_by_hand() {
        let check = |text: &str, expected: &[&str]| {
            let mut found = Vec::new();
            plain_words(text, |hash, start, end| found.push((hash, text[start..end].to_string())));
            let words: Vec<&str> = found.iter().map(|(_, word)| word.as_str()).collect();
            assert_eq!(words, expected, "{text}");
        };
        check("Don't 3.14, É-b!", &["Don't", "3", "14", "É", "b"]);
        check("我有3个apple。", &["我", "有", "3", "个", "apple"]);
        check("'quoted' …", &["quoted"]);
        check("e\u{301}a", &["e\u{301}a"]);
        assert_eq!(hashes("DON'T stop"), hashes("dont, stop"));
        assert_eq!(hashes("well-known"), hashes("well known"));
        assert_eq!(without_punctuation("well-known, 3.5!"), "wellknown 35");
    }
}
