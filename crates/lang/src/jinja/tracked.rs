//! Texts that know where they came from: noncharacters of Unicode, which are no part of any text, stand around each
//! stretch that somebody else than the template wrote. They travel through a template as the text does, the methods and
//! filters of `python` look through them and cut them along, and where they come out is where the stretch has landed.

use std::borrow::Cow;
use std::ops::Range;

/// Begins a stretch; digits and [`NAMED`] follow.
const OPEN: char = '\u{FDD0}';
/// Ends the number of a stretch.
const NAMED: char = '\u{FDD1}';
/// Ends a stretch.
const CLOSE: char = '\u{FDD2}';
/// Begins a `{% generation %}` block.
pub(crate) const GENERATION: char = '\u{FDD3}';
/// Ends a `{% generation %}` block.
pub(crate) const END_GENERATION: char = '\u{FDD4}';
/// The digit 0 of numbers in base 16.
const ZERO: u32 = 0xFDE0;

/// Whether `character` is kept for marks: the noncharacters U+FDD0 to U+FDEF.
pub(crate) fn is_mark(character: char) -> bool {
    ('\u{FDD0}'..='\u{FDEF}').contains(&character)
}

/// Whether `text` has characters that are kept for marks.
pub(crate) fn has_marks(text: &str) -> bool {
    // All of them, and few others, begin with this byte.
    text.as_bytes().contains(&0xEF) && text.contains(is_mark)
}

/// `text` marked as stretch number `origin`.
pub(crate) fn mark(text: &str, origin: usize) -> String {
    let mut out = String::with_capacity(text.len() + 18);
    open(&mut out, origin);
    out.push_str(text);
    out.push(CLOSE);
    out
}

fn open(out: &mut String, origin: usize) {
    out.push(OPEN);
    for digit in format!("{origin:x}").chars() {
        let value = digit.to_digit(16).unwrap_or(0);
        out.extend(char::from_u32(ZERO + value));
    }
    out.push(NAMED);
}

/// A text without its marks, and what they said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// What a reader sees.
    pub(crate) plain: Cow<'a, str>,
    /// Marked stretches, in order: bytes of `plain`, and the number.
    pub(crate) spans: Vec<(Range<usize>, usize)>,
    /// Blocks of `{% generation %}`, in order of their ends.
    pub(crate) generation: Vec<Range<usize>>,
    /// Whether a mark stood without its fellow, so that a stretch may be there that `spans` does not tell of.
    pub(crate) is_broken: bool,
}

impl<'a> Text<'a> {
    /// Reads the marks of `text`. Marks without their fellow, as a template leaves them that cuts a text by its number
    /// of characters, are passed over.
    pub(crate) fn read(text: &'a str) -> Text<'a> {
        if !has_marks(text) {
            return Text { plain: text.into(), ..Text::default() };
        }
        let mut plain = String::with_capacity(text.len());
        let mut found = Text::default();
        let mut current: Option<(usize, usize)> = None;
        let mut number: Option<usize> = None;
        let mut blocks = Vec::new();
        for character in text.chars() {
            match character {
                OPEN => {
                    found.is_broken |= current.is_some() || number.is_some();
                    (number, current) = (Some(0), None);
                }
                NAMED => {
                    found.is_broken |= number.is_none();
                    current = number.take().map(|number| (plain.len(), number));
                }
                CLOSE => {
                    found.is_broken |= current.is_none();
                    if let Some((start, origin)) = current.take()
                        && start < plain.len()
                    {
                        found.spans.push((start..plain.len(), origin));
                    }
                }
                GENERATION => blocks.push(plain.len()),
                END_GENERATION => found.generation.extend(blocks.pop().map(|start| start..plain.len())),
                other if is_mark(other) => {
                    found.is_broken |= number.is_none();
                    let digit = (other as u32).wrapping_sub(ZERO) as usize;
                    number = number.map(|number| number.saturating_mul(16).saturating_add(digit & 15));
                }
                other => plain.push(other),
            }
        }
        found.is_broken |= current.is_some() || number.is_some();
        found.plain = plain.into();
        found
    }

    /// The part `range` of the text, marked as the text is.
    pub(crate) fn slice(&self, range: Range<usize>) -> String {
        let mut out = String::with_capacity(range.len() + 18 * self.spans.len());
        self.push(range, &mut out);
        out
    }

    /// Appends the part `range` of the text to `out`, marked as the text is.
    pub(crate) fn push(&self, range: Range<usize>, out: &mut String) {
        let mut at = range.start;
        for (span, origin) in &self.spans {
            let (start, end) = (span.start.max(at), span.end.min(range.end));
            if start < end {
                out.push_str(&self.plain[at..start]);
                open(out, *origin);
                out.push_str(&self.plain[start..end]);
                out.push(CLOSE);
                at = end;
            }
        }
        out.push_str(&self.plain[at..range.end.max(at)]);
    }

    /// The stretch that `range` lies in as a whole.
    pub(crate) fn origin(&self, range: &Range<usize>) -> Option<usize> {
        let inside = |span: &Range<usize>| span.start <= range.start && range.end <= span.end;
        self.spans.iter().find(|(span, _)| inside(span)).map(|&(_, origin)| origin)
    }

    /// The text with `change` made to it as a whole. Marks stay at their characters where the number of characters is
    /// the same, and fall away otherwise.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> String {
        let changed = change(&self.plain);
        if self.spans.is_empty() {
            return changed;
        }
        let places = |text: &str| text.char_indices().map(|(at, _)| at).chain([text.len()]).collect::<Vec<_>>();
        let (before, after) = (places(&self.plain), places(&changed));
        if before.len() != after.len() {
            return changed;
        }
        let moved = |at: usize| before.binary_search(&at).map_or(0, |index| after[index]);
        let spans = self.spans.iter().map(|(span, origin)| (moved(span.start)..moved(span.end), *origin)).collect();
        let text = Text { plain: changed.as_str().into(), spans, ..Text::default() };
        text.slice(0..changed.len())
    }

    /// The text with `change` made to every stretch, and to what lies between, on its own.
    pub(crate) fn map_parts(&self, change: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(self.plain.len());
        let mut at = 0;
        for (span, origin) in &self.spans {
            out.push_str(&change(&self.plain[at..span.start]));
            open(&mut out, *origin);
            out.push_str(&change(&self.plain[span.clone()]));
            out.push(CLOSE);
            at = span.end;
        }
        out.push_str(&change(&self.plain[at..]));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_back_and_cut_along() {
        let marked = format!("a{}b{}c", mark("灯笼 x", 300), mark("y", 0));
        let text = Text::read(&marked);
        assert_eq!(text.plain, "a灯笼 xbyc");
        assert_eq!(text.spans, [(1..9, 300), (10..11, 0)]);
        assert_eq!(text.slice(0..text.plain.len()), marked);
        assert_eq!(text.slice(4..11), format!("{}b{}", mark("笼 x", 300), mark("y", 0)));
        assert_eq!(text.slice(9..10), "b");
        assert_eq!(text.slice(4..4), "");
        assert_eq!(text.map_parts(str::to_uppercase), format!("A{}B{}C", mark("灯笼 X", 300), mark("Y", 0)));
        assert_eq!(text.map(|text| text.to_uppercase()), text.map_parts(str::to_uppercase));
        assert_eq!(text.map(|text| text.repeat(2)), "a灯笼 xbyca灯笼 xbyc");
        assert_eq!((text.origin(&(4..6)), text.origin(&(8..10))), (Some(300), None));
        assert!(matches!(Text::read("plain").plain, Cow::Borrowed("plain")));
    }

    #[test]
    fn broken_marks_are_passed_over() {
        let text = mark("abc", 7);
        let characters: Vec<char> = text.chars().collect();
        for start in 0..characters.len() {
            for end in start..characters.len() {
                let cut: String = characters[start..end].iter().collect();
                let read = Text::read(&cut);
                assert!(!has_marks(&read.plain) && "abc".contains(&*read.plain));
                assert!(read.spans.is_empty(), "{start}..{end}");
                assert_eq!(read.is_broken, cut.contains(is_mark), "{start}..{end}");
            }
        }
        let blocks = format!("{GENERATION}a{END_GENERATION}{END_GENERATION}b{GENERATION}");
        assert_eq!(Text::read(&blocks).generation, vec![0..1; 1]);
    }
}
