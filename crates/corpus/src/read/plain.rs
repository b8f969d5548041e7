//! Plain text and Markdown: one file is one document, or several, ended by a separator line. A text longer than what may
//! be held in memory is several documents, cut at paragraphs.

use lang::document::Document;

use super::outcome::Outcome;
use super::source::Stream;
use super::unit::{Part, Unit};
use super::{Place, ReadOptions};
use crate::error::CorpusError;

/// Takes the documents of a unit of text. Of a cut file the text before the cut is kept.
pub(super) fn read(
    mut stream: Stream,
    unit: &Unit,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<(), CorpusError> {
    let (first_line, first_number) = match unit.part {
        Part::Bytes { first_line, first_record, .. } => (first_line, first_record),
        Part::Whole | Part::Groups { .. } => (1, 0),
    };
    let mut piece = Piece {
        bytes: Vec::new(),
        first_line,
        number: first_number,
        several: matches!(unit.part, Part::Bytes { .. }),
        unit,
        split_bytes: options.split_bytes,
    };
    let separator = options.separator.as_bytes();
    let mut line_number = first_line;
    let mut line_start = 0;
    let cut = loop {
        let chunk = match stream.fill_buf() {
            Ok([]) => break None,
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => break Some(error),
        };
        let room = (options.max_record_bytes + 1).saturating_sub(piece.bytes.len()).max(1);
        let chunk = &chunk[..chunk.len().min(room)];
        let (used, fed) = memchr::memchr(b'\n', chunk).map_or((chunk.len(), false), |at| (at + 1, true));
        piece.bytes.extend_from_slice(&chunk[..used]);
        stream.consume(used);
        if fed {
            if is_separator(&piece.bytes[line_start..], separator) {
                piece.bytes.truncate(line_start);
                piece.several = true;
                piece.end(outcome)?;
                piece.first_line = line_number + 1;
            }
            line_number += 1;
            line_start = piece.bytes.len();
        }
        if piece.bytes.len() > options.max_record_bytes {
            outcome.count("long texts cut", 1);
            line_start = piece.overflow(outcome)?;
            piece.first_line = line_number;
        }
    };
    // The last line may be a separator without a line end.
    if is_separator(&piece.bytes[line_start..], separator) {
        piece.bytes.truncate(line_start);
        piece.several = true;
        piece.end(outcome)?;
    }
    // White space after the last separator is no document.
    if !piece.several || !piece.bytes.trim_ascii().is_empty() {
        piece.end(outcome)?;
    }
    if let Some(error) = cut {
        outcome.problem(Place::Line(line_number), "cut file", error.to_string());
    }
    Ok(())
}

/// True when `line` (with its line end) is the separator.
pub(super) fn is_separator(line: &[u8], separator: &[u8]) -> bool {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    !separator.is_empty() && &line[..end] == separator
}

/// The text since the last separator.
struct Piece<'u> {
    bytes: Vec<u8>,
    first_line: u64,
    /// Documents before it in the file.
    number: u64,
    /// The file has more than one document.
    several: bool,
    unit: &'u Unit,
    split_bytes: usize,
}

impl Piece<'_> {
    /// Passes the text on, in parts where it is longer than wanted.
    fn end(&mut self, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        self.bytes.clear();
        let parts = split(&text, self.split_bytes);
        let several = self.several || parts.len() > 1;
        for part in parts {
            self.number += 1;
            let relative = &self.unit.relative;
            let id = if several { format!("{relative}#{}", self.number) } else { relative.clone() };
            let document = Document { id, text: part.to_string(), source: relative.clone(), ..Document::default() };
            outcome.document(document, Place::Line(self.first_line))?;
        }
        Ok(())
    }

    /// Passes on what is too long to be held, up to its last paragraph or line or character that is whole; returns the
    /// start of the unfinished line in what stays.
    fn overflow(&mut self, outcome: &mut Outcome<'_>) -> Result<usize, CorpusError> {
        let half = self.bytes.len() / 2;
        let paragraph = memchr::memmem::rfind(&self.bytes[half..], b"\n\n").map(|at| half + at + 2);
        let line = memchr::memrchr(b'\n', &self.bytes[half..]).map(|at| half + at + 1);
        let character =
            self.bytes.len() - self.bytes.iter().rev().take(3).take_while(|&&b| b & 0xc0 == 0x80).count() - 1;
        let stop = paragraph.or(line).unwrap_or(character.max(1));
        let kept = self.bytes.split_off(stop);
        self.several = true;
        self.end(outcome)?;
        self.bytes = kept;
        Ok(memchr::memrchr(b'\n', &self.bytes).map_or(0, |at| at + 1))
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
