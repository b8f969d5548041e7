//! Title and date of a page where the extractor has found none: from its `title`, its meta tags and its `time` elements.

use super::Extracted;
use super::plain::skip_raw;

/// Only the beginning is searched: heads stand there, and a page's first `time` is its own.
const LOOKED_AT: usize = 1 << 18;
/// Longer tags are not looked into.
const MAX_TAG: usize = 4000;

/// Names (of `name`, `property` or `itemprop`) under which pages tell when they were published, best first.
const DATES: [&str; 16] = [
    "article:published_time",
    "og:published_time",
    "datepublished",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date",
    "dcterms.date",
    "publish-date",
    "publish_date",
    "publishdate",
    "pubdate",
    "parsely-pub-date",
    "sailthru.date",
    "citation_publication_date",
    "date",
];

/// Fills in what is missing.
pub(super) fn complete(found: &mut Extracted, html: &str) {
    let mut end = html.len().min(LOOKED_AT);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let head = &html[..end];
    if found.title.is_none() {
        found.title = title(head);
    }
    if found.date.is_none() {
        found.date = date(head);
    }
    found.title = found.title.take().map(|title| clean(&title)).filter(|title| !title.is_empty());
}

fn title(head: &str) -> Option<String> {
    let tag = tags(head, "title").next()?;
    let start = tag.as_ptr() as usize - head.as_ptr() as usize + tag.len();
    let end = skip_raw(head.as_bytes(), start, b"title");
    Some(head[start..end].to_string())
}

fn date(head: &str) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for tag in tags(head, "meta") {
        let named = ["name", "property", "itemprop"].iter().filter_map(|key| attribute(tag, key)).find_map(|name| {
            let name = name.trim().to_ascii_lowercase();
            DATES.iter().position(|known| *known == name)
        });
        if let Some(rank) = named
            && best.as_ref().is_none_or(|(other, _)| rank < *other)
            && let Some(day) = attribute(tag, "content").and_then(day)
        {
            best = Some((rank, day));
        }
    }
    best.map(|(_, day)| day).or_else(|| tags(head, "time").find_map(|tag| attribute(tag, "datetime").and_then(day)))
}

/// The tags of a name, each from `<` to `>`.
fn tags<'h>(html: &'h str, name: &'static str) -> impl Iterator<Item = &'h str> {
    let bytes = html.as_bytes();
    memchr::memchr_iter(b'<', bytes).filter_map(move |at| {
        let word = bytes.get(at + 1..at + 1 + name.len())?;
        let next = bytes.get(at + 1 + name.len())?;
        if !word.eq_ignore_ascii_case(name.as_bytes()) || next.is_ascii_alphanumeric() {
            return None;
        }
        let looked_at = &bytes[at..bytes.len().min(at + MAX_TAG)];
        let end = memchr::memchr(b'>', looked_at)?;
        Some(&html[at..at + end + 1])
    })
}

/// The value of an attribute of a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = tag;
    loop {
        let at = rest.as_bytes().windows(name.len()).position(|word| word.eq_ignore_ascii_case(name.as_bytes()))?;
        let begins = rest[..at].ends_with(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'');
        let after = rest[at + name.len()..].trim_start();
        if let Some(value) = after.strip_prefix('=').filter(|_| begins) {
            let value = value.trim_start();
            return match value.chars().next()? {
                quote @ ('"' | '\'') => value[1..].split(quote).next(),
                _ => value.split(|c: char| c.is_ascii_whitespace() || c == '>').next(),
            };
        }
        rest = &rest[at + name.len()..];
    }
}

fn clean(text: &str) -> String {
    html_escape::decode_html_entities(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The day of an ISO 8601 time stamp, when it is one: `2024-05-06T…` gives `2024-05-06`.
pub(super) fn day(stamp: &str) -> Option<String> {
    let mut parts = stamp.trim().splitn(3, ['-', '/', '.']);
    let (year, month) = (parts.next()?, parts.next()?);
    let last = parts.next()?;
    let digits = last.bytes().take_while(u8::is_ascii_digit).count();
    let (month, day): (u32, u32) = (month.parse().ok()?, last[..digits].parse().ok()?);
    let valid = year.len() == 4 && digits <= 2 && (1..=12).contains(&month) && (1..=31).contains(&day);
    let year: u32 = year.parse().ok()?;
    (valid && (1900..2200).contains(&year)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}
