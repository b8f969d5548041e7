//! Dumps of MediaWiki (`pages-articles.xml`, also packed with bzip2): every article is a document, its markup stripped;
//! redirects and pages of other namespaces (talk, templates, files, …) are counted and left out.
//!
//! No XML parser: a dump is a run of `<page>` elements whose content is escaped, so a page is what stands between its tags.
//! A page whose end is lost costs that page only, and a page too long to be held is passed over.

mod markup;
mod pages;

use lang::document::Document;

pub use markup::strip;
use pages::{Found, Pages};

use super::outcome::Outcome;
use super::source::Stream;
use super::unit::Unit;
use super::{Place, ReadOptions};
use crate::error::CorpusError;

/// Takes the documents of a unit of a dump. Of a part of a file that is cut at blocks, pages that begin before it or after
/// its end belong to others.
pub(super) fn read(
    stream: Stream,
    start: u64,
    unit: &Unit,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<(), CorpusError> {
    let mut pages = Pages::new(stream, start, options.max_record_bytes);
    let mut seen = false;
    loop {
        match pages.next() {
            Ok(Found::Page { at, bytes }) => {
                seen = true;
                let page = String::from_utf8_lossy(bytes);
                article(&page, Place::Byte(at), unit, outcome)?;
            }
            Ok(Found::Broken { at, what }) => {
                seen = true;
                outcome.problem(Place::Byte(at), "broken page", what);
            }
            Ok(Found::TooLong { at }) => {
                seen = true;
                let what = format!("a page longer than the limit of {} bytes", options.max_record_bytes);
                outcome.problem(Place::Byte(at), "long record", what);
            }
            Ok(Found::End) => break,
            Err(error) => {
                seen = true;
                outcome.problem(Place::Byte(pages.offset()), "cut file", error.to_string());
                break;
            }
        }
    }
    if !seen {
        outcome.problem(Place::Whole, "no pages", "no <page> in it: not a dump of MediaWiki");
    }
    Ok(())
}

/// Namespaces by the English names that dumps without `<ns>` have in their titles.
const NAMESPACES: [&str; 16] = [
    "Talk",
    "User",
    "User talk",
    "Wikipedia",
    "Project",
    "File",
    "Image",
    "MediaWiki",
    "Template",
    "Help",
    "Category",
    "Portal",
    "Draft",
    "Module",
    "Special",
    "Media",
];

fn article(page: &str, place: Place, unit: &Unit, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    let head = page.split("<revision").next().unwrap_or(page);
    let title = element(head, "title").map(|(_, text)| unescape(text.trim())).unwrap_or_default();
    let other = match element(head, "ns") {
        Some((_, namespace)) => namespace.trim() != "0",
        None => title.split_once(':').is_some_and(|(prefix, _)| NAMESPACES.contains(&prefix)),
    };
    if other {
        outcome.count("pages of other namespaces passed over", 1);
        return Ok(());
    }
    // A dump of histories has many revisions; the last one is the article.
    let revision = page.rfind("<revision").map_or(page, |at| &page[at..]);
    let Some((attributes, text)) = element(revision, "text") else {
        outcome.problem(place, "broken page", format!("page {title:?} without text"));
        return Ok(());
    };
    let text = unescape(text);
    if head.contains("<redirect") || markup::is_redirect(&text) {
        outcome.count("redirects passed over", 1);
        return Ok(());
    }
    if text.trim().is_empty() {
        let deleted = attributes.contains("deleted");
        outcome.count(if deleted { "deleted pages passed over" } else { "pages without text passed over" }, 1);
        return Ok(());
    }
    let id = element(head, "id").map(|(_, id)| id.trim().to_string()).filter(|id| !id.is_empty());
    let mut document = Document {
        // Ids of pages are numbers, equal in every wiki.
        id: match (&id, place) {
            (Some(id), _) => format!("{}#{id}", unit.relative),
            (None, Place::Byte(at)) => format!("{}@{at}", unit.relative),
            (None, _) => unit.relative.clone(),
        },
        text: strip(&text),
        source: unit.relative.clone(),
        date: element(revision, "timestamp").map(|(_, stamp)| stamp.trim().to_string()),
        ..Document::default()
    };
    if document.text.trim().is_empty() {
        outcome.count("pages without text passed over", 1);
        return Ok(());
    }
    document.meta.insert("title".to_string(), title.into());
    outcome.document(document, place)
}

/// Attributes and content of the first element of a name; an element without end has what stands to the end.
fn element<'x>(xml: &'x str, name: &str) -> Option<(&'x str, &'x str)> {
    let open = format!("<{name}");
    let mut from = 0;
    loop {
        let at = from + xml[from..].find(&open)? + open.len();
        if xml[at..].starts_with(['>', ' ', '/', '\n', '\t']) {
            let end = at + xml[at..].find('>')?;
            let attributes = &xml[at..end];
            if attributes.ends_with('/') {
                return Some((attributes, ""));
            }
            let content = &xml[end + 1..];
            let stop = content.find(&format!("</{name}>")).unwrap_or(content.len());
            return Some((attributes, &content[..stop]));
        }
        from = at;
    }
}

/// The escapes of XML.
fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (replaced, length) = match rest.bytes().take(12).position(|byte| byte == b';') {
            Some(end) => (xml_entity(&rest[1..end]), end + 1),
            None => (None, 1),
        };
        match replaced {
            Some(c) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn xml_entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(unescape("a &lt;b&gt; &amp;amp; &#65;&#x4f60; & &nope; &"), "a <b> &amp; A你 & &nope; &");
        assert_eq!(element("<texts>no</texts><text a=\"1\">yes</text>", "text"), Some((" a=\"1\"", "yes")));
        assert_eq!(element("<text bytes=\"0\" />", "text"), Some((" bytes=\"0\" /", "")));
        assert_eq!(element("<text>endless", "text"), Some(("", "endless")));
    }
}
