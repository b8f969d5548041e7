//! Plain text and Markdown: one file is one document, or several, ended by a separator line.

use lang::document::Document;

use super::walk::Found;
use super::{Outcome, Place, ReadOptions};

/// Takes the documents of one text file. Of a cut file the text before the cut is kept.
pub(super) fn read(text: &str, cut: Option<&str>, file: &Found, options: &ReadOptions, outcome: &mut Outcome) {
    let mut pieces: Vec<(u64, &str)> = Vec::new();
    let separator = options.separator.as_str();
    let (mut start, mut first_line, mut at, mut line_number) = (0, 1u64, 0, 0u64);
    for line in text.split_inclusive('\n') {
        line_number += 1;
        if !separator.is_empty() && line.trim_end_matches(['\n', '\r']) == separator {
            pieces.push((first_line, &text[start..at]));
            start = at + line.len();
            first_line = line_number + 1;
        }
        at += line.len();
    }
    let separated = !pieces.is_empty();
    // White space after the last separator is no document.
    if !separated || !text[start..].trim().is_empty() {
        pieces.push((first_line, &text[start..]));
    }
    let mut number = 0u64;
    for (line, piece) in pieces {
        let parts = split(piece, options.split_bytes);
        let several = separated || parts.len() > 1;
        for part in parts {
            number += 1;
            let id = if several { format!("{}#{number}", file.relative) } else { file.relative.clone() };
            let document =
                Document { id, text: part.to_string(), source: file.relative.clone(), ..Document::default() };
            outcome.document(document, Place::Line(line));
        }
    }
    if let Some(reason) = cut {
        outcome.problem(Place::Line(line_number), "cut file", reason);
    }
}

/// `text` in parts of at most about `limit` bytes, cut at blank lines, else at line ends; whole when `limit` is 0.
fn split(text: &str, limit: usize) -> Vec<&str> {
    if limit == 0 || text.len() <= limit {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut start, mut paragraph_end, mut line_end, mut at) = (0, 0, 0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if end - start > limit && line_end > start {
            let stop = if paragraph_end > start { paragraph_end } else { line_end };
            parts.push(&text[start..stop]);
            start = stop;
        }
        line_end = end;
        if line.trim().is_empty() {
            paragraph_end = end;
        }
        at = end;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    if parts.is_empty() { vec![text] } else { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_split_at_paragraphs() {
        let text = "one one\n\ntwo two\nthree\n\nfour";
        assert_eq!(split(text, 0), [text]);
        assert_eq!(split(text, 18), ["one one\n\n", "two two\nthree\n\n", "four"]);
        assert_eq!(split("a long line without any end", 5), ["a long line without any end"]);
        assert_eq!(split(text, 18).concat(), text);
    }
}
