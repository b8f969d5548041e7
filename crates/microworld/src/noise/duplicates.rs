//! Near-duplicates: a document with a few words changed, a sentence dropped, letters or marks altered.

use crate::shingles::{jaccard, shingles};
use crate::template::is_han;
use lang::rng::Rng;

/// The similarity (Jaccard of word 5-grams) of a near-duplicate to its original lies in this range.
pub(crate) const SIMILARITY: (f64, f64) = (0.82, 0.98);

const REPLACEMENTS: &[&str] =
    &["again", "very", "quite", "also", "then", "soon", "really", "almost", "never", "often", "here", "there"];
const HAN_REPLACEMENTS: &str = "也很又都还就才再先后常总";

/// A near-duplicate of `text`. Edits are drawn until the similarity is in range; small edits first become more, or fewer,
/// as the draws fall outside.
pub(crate) fn edit(rng: &mut Rng, text: &str) -> String {
    let original = shingles(text);
    let (low, high) = SIMILARITY;
    // One edit touches about five shingles, so a text of n shingles bears about n / 50 of them.
    let most = (original.len() / 55).clamp(1, 6);
    let mut fallback = text.to_owned();
    for attempt in 0..200usize {
        let edits = if attempt < 100 { 1 + rng.index(most) } else { 1 };
        let mut copy = text.to_owned();
        for _ in 0..edits {
            copy = match rng.index(8) {
                0 => drop_sentence(rng, &copy),
                1 => drop_word(rng, &copy),
                _ => replace_word(rng, &copy),
            };
        }
        if rng.chance(0.3) {
            copy = change_marks(rng, &copy);
        }
        let similarity = jaccard(&original, &shingles(&copy));
        if (low..=high).contains(&similarity) {
            return copy;
        }
        if copy != text {
            fallback = copy;
        }
    }
    fallback
}

/// Byte ranges of what counts as one word: a run of Latin letters, or one Chinese character.
fn word_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut open = None;
    for (at, c) in text.char_indices() {
        let latin = c.is_ascii_alphabetic();
        if latin {
            open.get_or_insert(at);
        } else if let Some(start) = open.take() {
            ranges.push((start, at));
        }
        if is_han(c) {
            ranges.push((at, at + c.len_utf8()));
        }
    }
    ranges.extend(open.map(|start| (start, text.len())));
    ranges
}

fn replace_word(rng: &mut Rng, text: &str) -> String {
    let ranges = word_ranges(text);
    let Some(&(start, end)) = ranges.get(rng.index(ranges.len())) else { return text.to_owned() };
    let new = if text[start..end].is_ascii() {
        (*rng.choose(REPLACEMENTS)).to_owned()
    } else {
        let count = HAN_REPLACEMENTS.chars().count();
        HAN_REPLACEMENTS.chars().nth(rng.index(count)).map(String::from).unwrap_or_default()
    };
    format!("{}{new}{}", &text[..start], &text[end..])
}

fn drop_word(rng: &mut Rng, text: &str) -> String {
    let ranges = word_ranges(text);
    let Some(&(start, end)) = ranges.get(rng.index(ranges.len())) else { return text.to_owned() };
    let start = if text[..start].ends_with(' ') { start - 1 } else { start };
    format!("{}{}", &text[..start], &text[end..])
}

fn drop_sentence(rng: &mut Rng, text: &str) -> String {
    let mut ends: Vec<usize> = vec![0];
    ends.extend(text.char_indices().filter(|(_, c)| ".。！？!?".contains(*c)).map(|(at, c)| at + c.len_utf8()));
    if ends.len() < 4 {
        return replace_word(rng, text);
    }
    let which = rng.index(ends.len() - 1);
    let rest = text[ends[which + 1]..].trim_start_matches(' ');
    let head = &text[..ends[which]];
    let gap = if rest.starts_with('\n') || head.is_empty() || !head.is_ascii() { "" } else { " " };
    format!("{head}{gap}{rest}")
}

/// Changes that leave the words as they are: doubled marks, another case, a missing comma.
fn change_marks(rng: &mut Rng, text: &str) -> String {
    match rng.index(4) {
        0 => text.replacen(". ", "! ", 2),
        1 => text.replacen(", ", " ", 1),
        2 => text.replacen("。", "！", 2),
        _ => {
            let end = text.find(['.', '\n']).unwrap_or(0);
            format!("{}{}", text[..end].to_uppercase(), &text[end..])
        }
    }
}
