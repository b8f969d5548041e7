//! Words by Unicode's default boundaries (UAX #29) that begin with a letter or a number, as dclm counts them (`uniseg`, words
//! whose first character is `isalnum`).

use unicode_segmentation::UnicodeSegmentation;

use crate::signals::python::is_alnum;
use crate::text::is_common_han;

/// Calls `word` with every word of a run of characters without white space.
///
/// A Han character is a word of its own, whatever stands beside it, unless a combining mark follows; such characters are cut out first,
/// and the general rules see what is between them.
pub fn words<'t>(text: &'t str, mut word: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        if is_common_han(bytes[at]) && !may_combine(&bytes[at + 3..]) {
            if from < at {
                general(&text[from..at], &mut word);
            }
            word(&text[at..at + 3]);
            from = at + 3;
            at = from;
        } else {
            // The next first byte of a character.
            at += 1;
            while at < bytes.len() && bytes[at] & 0xc0 == 0x80 {
                at += 1;
            }
        }
    }
    if from < bytes.len() {
        general(&text[from..], &mut word);
    }
}

/// Whether the text may begin with a mark that belongs to the character before it. Sure of the characters that most often follow a Han
/// character: ASCII, Han, and the marks of Chinese.
fn may_combine(bytes: &[u8]) -> bool {
    match bytes {
        [] | [0..=0x7f, ..] | [0xef, 0xbc, ..] => false,
        [0xe3, 0x80, last, ..] => (0xaa..=0xaf).contains(last),
        [first, ..] => !is_common_han(*first),
    }
}

fn general<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
    if text.is_ascii() {
        return ascii(text, word);
    }
    let mut characters = text.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        if is_alnum(only) {
            word(text);
        }
        return;
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
fn ascii<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
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

    fn by_the_rules(text: &str) -> Vec<&str> {
        text.split_word_bounds().filter(|piece| piece.chars().next().is_some_and(is_alnum)).collect()
    }

    proptest! {
        #[test]
        fn the_ascii_rules_are_the_general_ones(text in "[a-zA-Z0-9'.,;:_!\"/-]{0,24}") {
            prop_assert_eq!(all(&text), by_the_rules(&text));
        }

        #[test]
        fn the_rules_for_han_are_the_general_ones(
            text in "[a-z1'.,:_中文龥倀々〇がカーㇰ，。：．１ａ한é\u{301}\u{302a}\u{3099}\u{200d}\u{fe0f}\u{e0100}🇩🇪👍]{0,24}"
        ) {
            prop_assert_eq!(all(&text), by_the_rules(&text));
        }
    }
}
