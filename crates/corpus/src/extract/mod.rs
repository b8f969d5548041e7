//! The main text of a page: title, date and the article without menus, advertisements and comments.
//!
//! Three extractors: `trafilatura` (rules over the tree of the page with a second opinion of Readability and jusText;
//! Barbaresi, ACL 2021), `readability` (Mozilla's algorithm, three times as fast) and `union` (the lines that either finds:
//! no single extractor finds all text worth having, arXiv 2602.19548).
//!
//! A page is first measured as a string ([`Shape`]): one that is too large, too deep or made to explode while it is parsed
//! goes no further than `plain`, which only drops the tags. The rest runs beside a clock, on a stack of its own.

mod clock;
mod lines;
mod metadata;
pub(crate) mod plain;
mod readability;
mod shape;
mod trafilatura;
mod union;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use shape::Shape;

/// Who finds the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extractor {
    /// Rules of trafilatura, with Readability and jusText as second opinions.
    #[default]
    Trafilatura,
    /// Mozilla's Readability.
    Readability,
    /// What either of the two finds, in the order of the page.
    Union,
}

impl Extractor {
    /// All of them.
    pub const ALL: [Extractor; 3] = [Extractor::Trafilatura, Extractor::Readability, Extractor::Union];

    /// The name that options and reports use.
    pub fn name(self) -> &'static str {
        match self {
            Extractor::Trafilatura => "trafilatura",
            Extractor::Readability => "readability",
            Extractor::Union => "union",
        }
    }
}

/// How pages become text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractOptions {
    /// Who finds the text.
    pub extractor: Extractor,
    /// Bytes of a page beyond this are not looked at.
    pub max_bytes: usize,
    /// A page with more tags than this only loses its tags.
    pub max_tags: usize,
    /// So does a page nested deeper than this.
    pub max_depth: usize,
    /// And one that takes longer than this. No page of real crawls comes near it; it is the last defence, because a bound
    /// in seconds is the only one here that another machine could decide otherwise.
    pub max_seconds: u64,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        ExtractOptions {
            extractor: Extractor::default(),
            max_bytes: 8 << 20,
            max_tags: 100_000,
            max_depth: 400,
            max_seconds: 20,
        }
    }
}

/// What was found on a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// Its title.
    pub title: Option<String>,
    /// When it was published, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Its main text, paragraphs on lines of their own; empty when it has none.
    pub text: String,
    /// Why the extractor was not used and `text` is everything but the tags.
    pub beyond: Option<String>,
}

/// Finds the main text of a page. Any string is a page.
pub fn extract(html: &str, options: &ExtractOptions) -> Extracted {
    let mut end = html.len().min(options.max_bytes);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let page = &html[..end];
    let beyond = Shape::of(page).beyond(options).or_else(|| {
        (end < html.len())
            .then(|| format!("longer than the limit of {} bytes, the rest is not read", options.max_bytes))
    });
    if let Some(reason) = beyond {
        return only_tags_dropped(page, reason);
    }
    let extractor = options.extractor;
    let owned = page.to_string();
    let work = move || match extractor {
        Extractor::Trafilatura => trafilatura::extract(&owned),
        Extractor::Readability => readability::extract(&owned),
        Extractor::Union => union::merge(trafilatura::extract(&owned), readability::extract(&owned)),
    };
    match clock::within(Duration::from_secs(options.max_seconds), work) {
        Ok(mut found) => {
            metadata::complete(&mut found, page);
            found.text = lines::tidy(&found.text);
            found
        }
        Err(clock::Failed::Late) => {
            only_tags_dropped(page, format!("took longer than {} seconds to extract", options.max_seconds))
        }
        Err(clock::Failed::Broken) => only_tags_dropped(page, "the extractor failed on it".to_string()),
    }
}

fn only_tags_dropped(page: &str, reason: String) -> Extracted {
    let mut found = Extracted { text: plain::text(page), beyond: Some(reason), ..Extracted::default() };
    metadata::complete(&mut found, page);
    found
}

#[cfg(test)]
mod tests;
