//! The second extractor: Mozilla's Readability, over the `dom_smoothie` crate.

use dom_smoothie::{Config, Readability, TextMode};

use super::Extracted;
use super::metadata::day;

/// The article of a page, or nothing.
pub(super) fn extract(html: &str) -> Extracted {
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let Ok(article) = Readability::new(html, None, Some(config)).and_then(|mut page| page.parse()) else {
        return Extracted::default();
    };
    Extracted {
        title: Some(article.title).filter(|title| !title.trim().is_empty()),
        date: article.published_time.as_deref().and_then(day),
        text: article.text_content.to_string(),
        beyond: None,
    }
}
