//! Page furniture, line by line: menus, consent notices, copyright lines, share, subscribe and log-in prompts, counters
//! of likes, links to other pages. Three tests, all on whole short lines, so that no sentence inside a paragraph is
//! touched: `phrases` (set phrases of web pages, English and Chinese), `menus` (lists of page names) and
//! `repeats` (furniture-like lines that stand in many documents).
//!
//! The alternative that lost is C4's "keep only lines that end in a full stop": it throws away dialogue, lists, sums and
//! verse, which short documents are made of.

mod menus;
mod phrases;
pub(crate) mod repeats;

use super::BoilerplateConfig;
use super::stage::{Drop, Stage};
use crate::text::tokens;

pub use menus::is_menu;
pub use phrases::is_set_phrase;

/// Reason of a document without anything else.
pub(crate) const NOTHING_LEFT: &str = "nothing_left: every line is page furniture";
/// Longest line that is looked at, in bytes; furniture is short, and this bounds the work on a line.
const MAX_BYTES: usize = 600;

/// True when `line`, taken by itself, is page furniture.
pub fn is_furniture(line: &str, config: &BoilerplateConfig) -> bool {
    let line = line.trim();
    if line.is_empty() || line.len() > MAX_BYTES {
        return false;
    }
    let count = tokens(line).count();
    count <= config.max_tokens && (is_set_phrase(line, count) || is_menu(line) || is_row_of_furniture(line))
}

/// True for lines of pieces between bars, dots or dashes of which at least a third are furniture by themselves, and no
/// fewer than two (one in two): `Add to cart | Compare | 5 in stock`, `3 comments · 4 likes · Report`.
fn is_row_of_furniture(line: &str) -> bool {
    // A row has no sentences in it; the rows of Markdown tables start and end with a bar.
    if line.starts_with('|') || line.ends_with(['.', '。', '?', '？', '!', '！', '"', '”']) {
        return false;
    }
    let separated = line
        .split(['|', '｜', '·', '•', '»', '丨'])
        .flat_map(|piece| piece.split(" - "))
        .flat_map(|piece| piece.split(" / "));
    let pieces: Vec<&str> = separated.map(str::trim).filter(|piece| !piece.is_empty()).collect();
    if pieces.len() < 2 || pieces.iter().any(|piece| tokens(piece).count() > 16) {
        return false;
    }
    let furniture = pieces.iter().filter(|piece| is_set_phrase(piece, tokens(piece).count())).count();
    let named = pieces.iter().filter(|piece| menus::is_name(piece)).count();
    furniture >= 1 && (furniture + named >= 2 || pieces.len() == 2) && (furniture + named) * 3 >= pieces.len()
}

/// A text without its page furniture.
pub(crate) struct Edited {
    /// What is left; may be empty.
    pub(crate) text: String,
    /// The lines that are gone.
    pub(crate) removed: Vec<String>,
}

/// Removes the lines of `text` that are page furniture, by themselves or because `is_repeated` says so of their hash; `None`:
/// there are none.
pub(crate) fn edit(
    text: &str,
    config: &BoilerplateConfig,
    is_repeated: Option<&(dyn Fn(u64) -> bool + Sync)>,
) -> Option<Edited> {
    let lines = text.split('\n').enumerate();
    let numbers: Vec<usize> = lines
        .filter(|(_, line)| {
            is_furniture(line, config)
                || is_repeated.is_some_and(|test| repeats::furniture_hash(line).is_some_and(test))
        })
        .map(|(index, _)| index)
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let (text, removed) = without_lines(text, &numbers);
    Some(Edited { text, removed })
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    let config = &stage.config.boilerplate;
    let repeated = repeats::find(stage, config);
    let contains = |line| repeated.contains(&line);
    let is_repeated: Option<&(dyn Fn(u64) -> bool + Sync)> = if repeated.is_empty() { None } else { Some(&contains) };
    let edits: Vec<(usize, Option<Edited>)> = stage.map(|document| edit(&document.text, config, is_repeated));
    for (index, edited) in edits {
        let Some(Edited { text, removed: gone }) = edited else { continue };
        stage.decisions[index].removed_lines = gone;
        if text.is_empty() {
            // The text stays in the dropped document, so that a reader of the report sees what it was.
            let reason = NOTHING_LEFT.to_string();
            stage.drop(index, Drop { reason, duplicate_of: None });
        } else {
            stage.documents[index].text = text;
        }
    }
}

/// The text without the lines of these numbers, and those lines; runs of blank lines that come together become one.
fn without_lines(text: &str, lines: &[usize]) -> (String, Vec<String>) {
    let mut gone = Vec::with_capacity(lines.len());
    let mut out = String::with_capacity(text.len());
    let mut next = lines.iter().peekable();
    let mut just_removed = false;
    for (index, line) in text.split('\n').enumerate() {
        if next.next_if(|&&n| n == index).is_some() {
            gone.push(line.to_string());
            just_removed = true;
            continue;
        }
        let blank = line.trim().is_empty();
        if blank && just_removed && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        just_removed &= blank;
        out.push_str(line);
        out.push('\n');
    }
    (out.trim().to_string(), gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_and_sentences() {
        let config = BoilerplateConfig::default();
        for line in include_str!("furniture.txt").lines().filter(|line| !line.starts_with('#')) {
            assert!(line.is_empty() || is_furniture(line, &config), "furniture not seen: {line}");
        }
        for line in include_str!("sentences.txt").lines().filter(|line| !line.starts_with('#')) {
            assert!(!is_furniture(line, &config), "sentence taken for furniture: {line}");
        }
    }

    #[test]
    fn removal_closes_the_gap() {
        let text = "Home | News | Login\n\nA story.\n\nShare this:\n\nThe end.\nShare this:";
        let (rest, gone) = without_lines(text, &[0, 4, 7]);
        assert_eq!(rest, "A story.\n\nThe end.");
        assert_eq!(gone, ["Home | News | Login", "Share this:", "Share this:"]);
    }
}
