//! The default extractor, over the `trafilatura` crate.

use trafilatura::{ExtractionFocus, Options, extract as find};

use super::Extracted;

/// Precision first, with the second opinions: of the crate's settings the best on news pages, and its rules for comments,
/// teasers and "related" blocks are those that general crawls need.
pub(super) fn extract(html: &str) -> Extracted {
    let mut options = Options::default().with_fallback(true).with_focus(ExtractionFocus::FavorPrecision);
    options.exclude_comments = true;
    match find(html, &options) {
        Ok(found) => Extracted {
            title: Some(found.metadata.title).filter(|title| !title.trim().is_empty()),
            date: found.metadata.date.map(|date| date.to_string()),
            text: found.content_text,
            beyond: None,
        },
        // A page without enough text.
        Err(_) => Extracted::default(),
    }
}
