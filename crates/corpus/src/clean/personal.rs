//! The cleaning rule over [`crate::personal`]: masks the structured kinds in every document. What was masked stands in
//! the decisions with its place, for audit. Names and addresses, which have no check, are not masked by this rule unless
//! its kinds say so.

use rayon::prelude::*;

use super::stage::Stage;
use super::{Masked, PersonalDataConfig};
use crate::personal::{self, Finder};

pub use crate::personal::{KINDS, STRUCTURED};

/// The placeholder of a kind: `<EMAIL>`, `<ID_CARD>`, …
pub fn placeholder(kind: &str) -> String {
    format!("<{}>", kind.to_uppercase())
}

/// The personal data in `text`, in order, without overlaps. Kinds that do not exist are never found; the configuration
/// refuses them.
pub fn find(text: &str, config: &PersonalDataConfig) -> Vec<Masked> {
    let known = config.kinds.iter().map(String::as_str).filter(|kind| KINDS.contains(kind));
    let Ok(finder) = Finder::new(known) else { return Vec::new() };
    let masked = |piece: personal::Found| Masked {
        kind: piece.kind.to_string(),
        text: text[piece.start..piece.end].to_string(),
        start: piece.start,
        end: piece.end,
    };
    finder.find(text).into_iter().map(masked).collect()
}

/// `text` with every span of `found` replaced by its placeholder.
pub fn mask(text: &str, found: &[Masked]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for piece in found {
        out.push_str(&text[at..piece.start]);
        out.push_str(&placeholder(&piece.kind));
        at = piece.end;
    }
    out.push_str(&text[at..]);
    out
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = &stage.config.personal_data;
    let found = stage.map(|document| find(&document.text, config));
    let documents = &stage.documents;
    let edits: Vec<(usize, Vec<Masked>, String)> = found
        .into_par_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(index, found)| {
            let text = mask(&documents[index].text, &found);
            (index, found, text)
        })
        .collect();
    for (index, found, text) in edits {
        stage.documents[index].text = text;
        stage.decisions[index].masked = found;
    }
}
