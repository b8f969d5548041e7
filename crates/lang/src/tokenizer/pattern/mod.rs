//! Patterns as `tokenizer.json` gives them, a text or a regular expression, and where they are found.
//!
//! Published expressions are recognized by their spelling and run as hand-made scanners (`known`); all others run on the
//! `fancy-regex` engine after being translated from the dialect of the reference (`onig`).

use std::ops::Range;

use super::TokenizerError;
use super::fields::Fields;

mod classes;
pub(crate) mod known;
mod onig;
pub(crate) mod window;

/// What is looked for.
pub(crate) enum Pattern {
    /// A text, not empty.
    Text(String),
    /// A published expression. It matches everywhere: a text is nothing but matches.
    Known(known::Pattern),
    /// Any other expression.
    Regex(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// The pattern `{"String": …}` or `{"Regex": …}` of a component.
    pub(crate) fn read(fields: &Fields, key: &str) -> Result<Pattern, TokenizerError> {
        let object = fields.object(key)?;
        let pattern = match (object.optional_text("String")?, object.optional_text("Regex")?) {
            (Some(""), None) => Pattern::from_regex(""),
            (Some(text), None) => Ok(Pattern::Text(text.to_owned())),
            (None, Some(regex)) => Pattern::from_regex(regex),
            _ => return Err(fields.invalid(key, "either String or Regex is expected")),
        };
        pattern.map_err(|problem| fields.invalid(key, problem))
    }

    /// A regular expression in the dialect of the reference.
    pub(crate) fn from_regex(regex: &str) -> Result<Pattern, String> {
        match known::Pattern::from_regexes(&[regex]) {
            Some(known) => Ok(Pattern::Known(known)),
            None => Pattern::translated(&onig::translate(regex)?),
        }
    }

    /// A regular expression in the dialect of the `regex` crate.
    pub(crate) fn translated(regex: &str) -> Result<Pattern, String> {
        // Without a limit the engine takes as long as the expression needs, instead of leaving text uncut.
        let built = fancy_regex::RegexBuilder::new(regex).backtrack_limit(usize::MAX).build();
        built.map(|regex| Pattern::Regex(Box::new(regex))).map_err(|error| format!("{regex:?}: {error}"))
    }

    /// Where the pattern is found in `text`, in order and without overlaps; matches may be empty.
    ///
    /// An expression that needs more than a million open choices at one place is taken not to match from there on.
    pub(crate) fn matches(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            // One byte is found sooner by looking at bytes.
            Pattern::Text(wanted) if wanted.len() == 1 => {
                let byte = wanted.as_bytes()[0];
                let places = text.bytes().enumerate().filter(|(_, found)| *found == byte);
                places.map(|(at, _)| at..at + 1).collect()
            }
            Pattern::Text(wanted) => text.match_indices(wanted).map(|(at, found)| at..at + found.len()).collect(),
            Pattern::Known(known) => {
                let mut start = 0;
                let pieces = known.split(text).map(|piece| {
                    let range = start..start + piece.len();
                    start = range.end;
                    range
                });
                pieces.collect()
            }
            Pattern::Regex(regex) => regex.find_iter(text).map_while(Result::ok).map(|found| found.range()).collect(),
        }
    }
}
