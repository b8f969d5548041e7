//! Text of a page by dropping its tags: no tree, one pass, for pages that are beyond what the extractors are given.

/// Elements whose content is not markup: it ends at their own end tag and nowhere else.
pub(super) const RAW: [&[u8]; 7] = [b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed"];

/// Elements within a line.
const INLINE: [&[u8]; 30] = [
    b"a", b"abbr", b"acronym", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"em", b"font", b"i", b"ins", b"kbd",
    b"mark", b"q", b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub", b"sup", b"time", b"tt", b"u",
    b"var", b"wbr", b"nobr",
];

/// Where the content of a raw element that begins at `at` ends: at its end tag, or at the end of the page.
pub(super) fn skip_raw(bytes: &[u8], at: usize, name: &[u8]) -> usize {
    let mut from = at;
    while let Some(found) = memchr::memmem::find(&bytes[from..], b"</") {
        from += found + 2;
        if bytes[from..].len() >= name.len() && bytes[from..from + name.len()].eq_ignore_ascii_case(name) {
            return from - 2;
        }
    }
    bytes.len()
}

/// All text of a page outside scripts and styles, a line a block.
pub(crate) fn text(html: &str) -> String {
    let bytes = html.as_bytes();
    let mut raw = String::with_capacity(html.len() / 4);
    let mut at = 0;
    while at < bytes.len() {
        let Some(found) = memchr::memchr(b'<', &bytes[at..]) else {
            push_text(&mut raw, &html[at..]);
            break;
        };
        push_text(&mut raw, &html[at..at + found]);
        at += found;
        if bytes[at..].starts_with(b"<!--") {
            at = memchr::memmem::find(&bytes[at..], b"-->").map_or(bytes.len(), |end| at + end + 3);
            continue;
        }
        let closing = bytes.get(at + 1) == Some(&b'/');
        let start = at + 1 + usize::from(closing);
        let length = bytes[start..].iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if length == 0 && !matches!(bytes.get(at + 1), Some(b'!' | b'?' | b'/')) {
            // A smaller-than sign, not a tag.
            raw.push('<');
            at += 1;
            continue;
        }
        let name = bytes[start..start + length].to_ascii_lowercase();
        let end = memchr::memchr(b'>', &bytes[start..]).map_or(bytes.len(), |end| start + end + 1);
        at = end;
        if !INLINE.contains(&name.as_slice()) {
            raw.push('\n');
        }
        if !closing && RAW.contains(&name.as_slice()) {
            at = skip_raw(bytes, end, &name);
        }
    }
    let decoded = html_escape::decode_html_entities(&raw);
    let mut out = String::with_capacity(decoded.len());
    for line in decoded.lines() {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(first);
        for word in words {
            out.push(' ');
            out.push_str(word);
        }
    }
    out
}

/// White space in a page's text is one space, line breaks are made by tags.
fn push_text(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }));
}
