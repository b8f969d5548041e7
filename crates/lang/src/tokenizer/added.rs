//! Added tokens: texts that are one token whatever the merges say, found before pre-tokenizing. Special ones (turn
//! marks, end of text) are found only where the caller asks for it.

use std::ops::Range;

/// One entry of `added_tokens` in `tokenizer.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddedToken {
    pub(crate) id: u32,
    pub(crate) content: String,
    /// Whether white space before it belongs to it.
    pub(crate) strip_left: bool,
    /// Whether white space after it belongs to it.
    pub(crate) strip_right: bool,
    /// Whether it is looked for after the others; without a normalizer that is all that `normalized` means.
    pub(crate) normalized: bool,
    pub(crate) special: bool,
}

impl AddedToken {
    /// A special token as the trainers of Hugging Face write it.
    pub(crate) fn special(id: u32, content: &str) -> Self {
        let content = content.to_owned();
        AddedToken { id, content, strip_left: false, strip_right: false, normalized: false, special: true }
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    /// Tokens looked for first, then those on the rest; each ordered from the longest.
    passes: [Vec<AddedToken>; 2],
    /// Per pass: whether a token starts with the byte.
    first_bytes: [Vec<bool>; 2],
}

impl Matcher {
    pub(crate) fn new(added: &[AddedToken]) -> Self {
        let passes = [false, true].map(|normalized| {
            let mut tokens: Vec<AddedToken> = added
                .iter()
                .filter(|token| token.normalized == normalized && !token.content.is_empty())
                .cloned()
                .collect();
            tokens.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
            tokens
        });
        let first_bytes = [0, 1].map(|pass| {
            let mut firsts = vec![false; 256];
            for token in &passes[pass] {
                firsts[usize::from(token.content.as_bytes()[0])] = true;
            }
            firsts
        });
        Matcher { passes, first_bytes }
    }

    /// The segments of `text`, in order, together the whole text, none empty. Special tokens stay plain text unless
    /// `parse_special`.
    pub(crate) fn split(&self, text: &str, parse_special: bool) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut between = Vec::new();
        self.pass(0, text, 0..text.len(), parse_special, &mut between);
        for segment in between {
            match segment.token {
                Some(_) => segments.push(segment),
                None => self.pass(1, text, segment.range, parse_special, &mut segments),
            }
        }
        segments
    }

    fn pass(&self, pass: usize, text: &str, range: Range<usize>, parse_special: bool, out: &mut Vec<Segment>) {
        let mut plain = range.start;
        let mut position = range.start;
        let bytes = text.as_bytes();
        while position < range.end {
            let found = self.first_bytes[pass][usize::from(bytes[position])]
                .then(|| {
                    let rest = &bytes[position..range.end];
                    self.passes[pass].iter().find(|token| rest.starts_with(token.content.as_bytes()))
                })
                .flatten();
            let Some(token) = found else {
                position += 1;
                continue;
            };
            // A special token that is not asked for hides what lies inside it, as in Hugging Face's matcher.
            let (mut start, mut end) = (position, position + token.content.len());
            position = end;
            if token.special && !parse_special {
                continue;
            }
            if token.strip_left {
                start = plain + text[plain..start].trim_end().len();
            }
            if token.strip_right {
                end = range.end - text[end..range.end].trim_start().len();
            }
            if plain < start {
                out.push(Segment { range: plain..start, token: None });
            }
            out.push(Segment { range: start..end, token: Some(token.id) });
            plain = end;
            position = end;
        }
        if plain < range.end {
            out.push(Segment { range: plain..range.end, token: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[AddedToken], text: &str, parse_special: bool, expected: &[(&str, Option<u32>)]) {
        let segments = Matcher::new(tokens).split(text, parse_special);
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
        word.normalized = true;
        check(&[word, AddedToken::special(1, "<s>")], "<s>word", false, &[("<s>", None), ("word", Some(3))]);
    }
}
