//! Words by Unicode's default boundaries (UAX #29) that begin with a letter or a number, as dclm counts them (`uniseg`, words
//! whose first character is `isalnum`).

use unicode_segmentation::UnicodeSegmentation;

use crate::signals::python::is_alnum;

/// Calls `word` with every word of a run of characters without white space.
pub fn words<'t>(text: &'t str, mut word: impl FnMut(&'t str)) {
    if text.is_ascii() {
        return ascii(text, word);
    }
    for piece in text.split_word_bounds() {
        if piece.chars().next().is_some_and(is_alnum) {
            word(piece);
        }
    }
}

/// The same for ASCII, where the rules come down to a few: letters and digits hold together, an apostrophe, full stop or colon
/// joins letters (rules WB6, WB7), an apostrophe, full stop, comma or semicolon joins digits (WB11, WB12), and an underscore
/// joins anything (WB13).
fn ascii<'t>(text: &'t str, mut word: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !inside(bytes[at]) {
            at += 1;
            continue;
        }
        while at < bytes.len() {
            if inside(bytes[at]) {
                at += 1;
                continue;
            }
            let (before, after) = (bytes[at - 1], bytes.get(at + 1).copied().unwrap_or(b' '));
            let letters = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
            let digits = before.is_ascii_digit() && after.is_ascii_digit();
            let joins = match bytes[at] {
                b'\'' | b'.' => letters || digits,
                b':' => letters,
                b',' | b';' => digits,
                _ => false,
            };
            if !joins {
                break;
            }
            at += 1;
        }
        if bytes[start].is_ascii_alphanumeric() {
            word(&text[start..at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        words(text, |word| out.push(word));
        out
    }

    #[test]
    fn words_begin_with_letters_or_numbers() {
        assert_eq!(all("can't-stop:(3.14,15)e.g."), ["can't", "stop", "3.14,15", "e.g"]);
        assert_eq!(all("中文字"), ["中", "文", "字"]);
        assert_eq!(all("_a b_1"), ["b_1"]);
        assert_eq!(all("¿Qué?"), ["Qué"]);
    }

    proptest! {
        #[test]
        fn the_ascii_rules_are_the_general_ones(text in "[a-zA-Z0-9'.,;:_!\"/-]{0,24}") {
            let mut general = Vec::new();
            for piece in text.split_word_bounds() {
                if piece.chars().next().is_some_and(is_alnum) {
                    general.push(piece);
                }
            }
            prop_assert_eq!(all(&text), general);
        }
    }
}
