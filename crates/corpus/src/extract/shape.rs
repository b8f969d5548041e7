//! A page measured as a string, in one pass and without a tree, so that a page made to exhaust a parser is known before it
//! is parsed.

use super::ExtractOptions;
use super::plain::{RAW, skip_raw};

/// Elements that a parser opens again inside every block that follows while they are not closed (HTML standard 13.2.4.3).
const FORMATTING: [&[u8]; 14] =
    [b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt", b"u"];
/// Elements that never nest in themselves: an open one is closed by the next, or they are empty.
const FLAT: [&[u8]; 27] = [
    b"p",
    b"li",
    b"dt",
    b"dd",
    b"option",
    b"optgroup",
    b"tr",
    b"td",
    b"th",
    b"thead",
    b"tbody",
    b"tfoot",
    b"colgroup",
    b"br",
    b"hr",
    b"img",
    b"input",
    b"link",
    b"meta",
    b"area",
    b"base",
    b"col",
    b"embed",
    b"source",
    b"track",
    b"wbr",
    b"param",
];
/// Formatting elements that close one of their own name.
const LINKS: [&[u8]; 2] = [b"a", b"nobr"];
/// Attributes of one tag: their names are compared with each other.
const MAX_ATTRIBUTES: usize = 2000;
/// Elements that formatting makes a parser repeat.
const MAX_REPEATED: usize = 1_000_000;

/// What a parser would have to do with a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Start tags.
    pub tags: usize,
    /// The deepest nesting of elements that can nest.
    pub depth: usize,
    /// The most attributes of one tag, estimated by their spaces and equal signs.
    pub attributes: usize,
    /// Elements that unclosed formatting makes a parser open again.
    pub repeated: usize,
}

impl Shape {
    /// Measures a page.
    pub fn of(html: &str) -> Shape {
        let bytes = html.as_bytes();
        let mut shape = Shape::default();
        // Open elements by name: an end tag without its start closes nothing.
        let mut open: std::collections::HashMap<Vec<u8>, usize> = std::collections::HashMap::new();
        let (mut depth, mut formatting) = (0usize, 0usize);
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
            at += found + 1;
            if bytes[at..].starts_with(b"!--") {
                at = memchr::memmem::find(&bytes[at..], b"-->").map_or(bytes.len(), |end| at + end + 3);
                continue;
            }
            let closing = bytes.get(at) == Some(&b'/');
            let start = at + usize::from(closing);
            let length = bytes[start..].iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if length == 0 {
                continue;
            }
            let name = bytes[start..start + length].to_ascii_lowercase();
            let end = memchr::memchr(b'>', &bytes[start..]).map_or(bytes.len(), |end| start + end);
            let inside = &bytes[start + length..end];
            // A quoted `>` makes more tags of this than there are, never fewer.
            at = end;
            if FLAT.contains(&name.as_slice()) {
                shape.tags += usize::from(!closing);
                shape.repeated += usize::from(!closing && name == b"p") * formatting;
            } else if closing {
                if let Some(count) = open.get_mut(&name)
                    && *count > 0
                {
                    *count -= 1;
                    depth -= 1;
                    formatting -= usize::from(FORMATTING.contains(&name.as_slice()));
                }
            } else if LINKS.contains(&name.as_slice()) && open.get(&name).is_some_and(|count| *count > 0) {
                // The parser closes the link that is open first.
                shape.tags += 1;
                shape.repeated += formatting;
            } else {
                shape.tags += 1;
                shape.repeated += formatting;
                depth += 1;
                formatting += usize::from(FORMATTING.contains(&name.as_slice()));
                shape.depth = shape.depth.max(depth);
                if let Some(raw) = RAW.iter().find(|raw| **raw == name.as_slice()) {
                    depth -= 1;
                    at = skip_raw(bytes, end, raw);
                } else {
                    *open.entry(name).or_default() += 1;
                }
            }
            if inside.len() > 2 * MAX_ATTRIBUTES {
                let equals = memchr::memchr_iter(b'=', inside).count();
                let spaces = inside.iter().filter(|byte| byte.is_ascii_whitespace()).count();
                // A long address has equal signs, a long style has spaces; many attributes have both, or only spaces.
                shape.attributes = shape.attributes.max(equals.max(spaces));
            }
        }
        shape
    }

    /// Why the page is beyond what an extractor is given, or `None`.
    pub(super) fn beyond(&self, options: &ExtractOptions) -> Option<String> {
        if self.tags > options.max_tags {
            Some(format!("{} tags, more than the limit of {}", self.tags, options.max_tags))
        } else if self.depth > options.max_depth {
            Some(format!("nested {} deep, deeper than the limit of {}", self.depth, options.max_depth))
        } else if self.attributes > MAX_ATTRIBUTES {
            Some(format!("a tag with {} attributes, more than the limit of {MAX_ATTRIBUTES}", self.attributes))
        } else if self.repeated > MAX_REPEATED {
            Some(format!("unclosed formatting repeated {} times, more than the limit of {MAX_REPEATED}", self.repeated))
        } else {
            None
        }
    }
}
