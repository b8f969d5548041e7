//! Test leaks: a held-out evaluation item, question and answer, pasted into a document.

use lang::instance::EvalItem;
use lang::rng::Rng;

/// The text of an item as somebody might paste it: all turns and the answer, one after the other.
pub(crate) fn item_text(item: &EvalItem) -> String {
    let turns: Vec<&str> = item.prompt.iter().map(|m| m.content.as_str()).chain([item.answer.as_str()]).collect();
    turns.join("\n")
}

/// `text` with the item between two of its lines, or at an end.
pub(crate) fn plant(rng: &mut Rng, text: &str, item: &EvalItem) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = rng.index(lines.len() + 1);
    lines.insert(at, item_text(item));
    lines.join("\n")
}
