//! What either of two extractors finds, in the order of the page.

use std::collections::{HashMap, HashSet};

use super::Extracted;

/// Words of a run by which text is recognised.
const RUN: usize = 4;

/// Lines of `first` with those lines of `second` between them that `first` does not have.
pub(super) fn merge(first: Extracted, second: Extracted) -> Extracted {
    let text = if first.text.trim().is_empty() { second.text } else { merge_lines(&first.text, &second.text) };
    Extracted { title: first.title.or(second.title), date: first.date.or(second.date), text, beyond: None }
}

fn merge_lines(first: &str, second: &str) -> String {
    let lines: Vec<&str> = first.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let place: HashMap<&str, usize> = lines.iter().enumerate().map(|(index, line)| (*line, index)).rev().collect();
    let known: HashSet<Vec<&str>> = lines.iter().flat_map(|line| runs(line)).collect();
    let mut out: Vec<&str> = Vec::new();
    let mut next = 0;
    for line in second.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match place.get(line) {
            // Both have it: everything up to it comes first.
            Some(&index) => {
                while next <= index {
                    out.push(lines[next]);
                    next += 1;
                }
            }
            None => {
                // A line broken elsewhere is not a new line.
                let runs = runs(line);
                let seen = runs.iter().filter(|run| known.contains(*run)).count();
                if seen * 2 < runs.len() {
                    out.push(line);
                }
            }
        }
    }
    out.extend(&lines[next..]);
    out.join("\n")
}

/// Runs of words of a line; the whole line when it is shorter than one. Text without spaces is one word, and then only an
/// equal line is recognised.
fn runs(line: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() < RUN { vec![words] } else { words.windows(RUN).map(<[&str]>::to_vec).collect() }
}
