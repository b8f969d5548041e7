//! Added tokens: texts that are one token whatever the model says, found before pre-tokenizing. Special ones (turn
//! marks, end of text) are found only where the caller asks for it.

use std::ops::Range;
use std::sync::LazyLock;

use super::char_set::CharSet;
use super::model::trie::Trie;

/// One entry of `added_tokens` in `tokenizer.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddedToken {
    pub(crate) id: u32,
    pub(crate) content: String,
    /// Whether it is found only where no letter stands next to it.
    pub(crate) single_word: bool,
    /// Whether white space before it belongs to it.
    pub(crate) strip_left: bool,
    /// Whether white space after it belongs to it.
    pub(crate) strip_right: bool,
    /// Whether it is looked for in the normalized text, by its own normalized spelling.
    pub(crate) normalized: bool,
    pub(crate) special: bool,
}

impl AddedToken {
    /// A special token as the trainers of Hugging Face write it.
    pub(crate) fn special(id: u32, content: &str) -> Self {
        AddedToken {
            id,
            content: content.to_owned(),
            single_word: false,
            strip_left: false,
            strip_right: false,
            normalized: false,
            special: true,
        }
    }
}

/// A stretch of text between or on added tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// The added token, or `None` for plain text.
    pub(crate) token: Option<u32>,
}

/// Finds added tokens: at the leftmost place, the longest.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    tokens: Vec<AddedToken>,
    /// Numbers in `tokens` by what is looked for.
    trie: Trie,
    /// Whether something looked for starts with the byte.
    first_bytes: Box<[bool; 256]>,
}

/// Letters and the like, for tokens that are found as single words only.
fn is_word(character: char) -> bool {
    static SET: LazyLock<CharSet> = LazyLock::new(|| CharSet::new(r"\w", &[], &[]));
    SET.contains(character)
}

impl Matcher {
    /// `tokens` with the text each is looked for by.
    pub(crate) fn new(tokens: Vec<(String, AddedToken)>) -> Self {
        let mut first_bytes = Box::new([false; 256]);
        for first in tokens.iter().filter_map(|(text, _)| text.as_bytes().first()) {
            first_bytes[usize::from(*first)] = true;
        }
        let trie = Trie::new(tokens.iter().map(|(text, _)| text.as_bytes()).zip(0..));
        Matcher { trie, tokens: tokens.into_iter().map(|(_, token)| token).collect(), first_bytes }
    }

    /// Whether nothing is found in any text, special tokens being asked for or not.
    pub(crate) fn finds_nothing(&self, parse_special: bool) -> bool {
        self.tokens.iter().all(|token| token.special && !parse_special)
    }

    /// The segments of `text`, in order, together the whole text, none empty. Special tokens stay plain text unless
    /// `parse_special`.
    pub(crate) fn split(&self, text: &str, parse_special: bool) -> Vec<Segment> {
        self.split_where(text, |_| parse_special)
    }

    /// As [`split`](Matcher::split), with special tokens found only where `parses` says so of the bytes they take.
    pub(crate) fn split_where(&self, text: &str, parses: impl Fn(Range<usize>) -> bool) -> Vec<Segment> {
        let mut out = Vec::new();
        let mut plain = 0;
        let mut position = 0;
        let bytes = text.as_bytes();
        while position < bytes.len() && !self.tokens.is_empty() {
            let Some(step) = bytes[position..].iter().position(|&byte| self.first_bytes[usize::from(byte)]) else {
                break;
            };
            position += step;
            let Some((length, number)) = self.trie.longest(&bytes[position..]) else {
                position += 1;
                continue;
            };
            let token = &self.tokens[number as usize];
            // A token that is passed over hides what lies inside it, as in Hugging Face's matcher.
            let (mut start, mut end) = (position, position + length);
            position = end;
            let stands_alone = !text[..start].ends_with(is_word) && !text[end..].starts_with(is_word);
            if (token.special && !parses(start..end)) || (token.single_word && !stands_alone) {
                continue;
            }
            if token.strip_left {
                start = plain.max(text[..start].trim_end().len());
            }
            if token.strip_right {
                end = text.len() - text[end..].trim_start().len();
            }
            if plain < start {
                out.push(Segment { range: plain..start, token: None });
            }
            out.push(Segment { range: start..end, token: Some(token.id) });
            plain = end;
            position = end;
        }
        if plain < text.len() {
            out.push(Segment { range: plain..text.len(), token: None });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[AddedToken], text: &str, parse_special: bool, expected: &[(&str, Option<u32>)]) {
        let named = tokens.iter().map(|token| (token.content.clone(), token.clone())).collect();
        let segments = Matcher::new(named).split(text, parse_special);
        let found: Vec<_> = segments.iter().map(|segment| (&text[segment.range.clone()], segment.token)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn the_longest_at_the_leftmost_place() {
        let tokens = [AddedToken::special(0, "<a>"), AddedToken::special(1, "<a><b>"), AddedToken::special(2, "a")];
        check(&tokens, "x<a><b><a>a", true, &[("x", None), ("<a><b>", Some(1)), ("<a>", Some(0)), ("a", Some(2))]);
        check(&tokens, "x<a>é", false, &[("x<a>é", None)]);
        check(&tokens, "", true, &[]);
    }

    #[test]
    fn white_space_is_taken_where_asked() {
        let mut mask = AddedToken::special(7, "<m>");
        mask.strip_left = true;
        mask.strip_right = true;
        check(&[mask], "a \n<m>  b<m>", true, &[("a", None), (" \n<m>  ", Some(7)), ("b", None), ("<m>", Some(7))]);
    }

    #[test]
    fn plain_added_tokens_are_always_found() {
        let mut word = AddedToken::special(3, "word");
        word.special = false;
        check(&[word, AddedToken::special(1, "<s>")], "<s>word", false, &[("<s>", None), ("word", Some(3))]);
    }

    #[test]
    fn single_words_stand_alone() {
        let mut word = AddedToken::special(3, "word");
        word.single_word = true;
        check(&[word], "words, éword! 字word word", true, &[("words, éword! 字word ", None), ("word", Some(3))]);
    }
}
