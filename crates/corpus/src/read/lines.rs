//! Lines of a byte stream in bounded memory: a line beyond the limit is measured and passed over, not held.

use std::io::{BufRead, ErrorKind, Result};

/// Reads lines one after another.
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
}

/// One line without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// Its bytes.
    Whole(&'l [u8]),
    /// How long it is; it was longer than the limit.
    TooLong(u64),
}

impl<R: BufRead> Lines<R> {
    /// Lines of `reader` of at most `limit` bytes each.
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Lines { reader, limit, line: Vec::new() }
    }

    /// The next line, or `None` at the end. After an error, [`Lines::rest`] has what was read of the line.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>> {
        self.line.clear();
        let mut length = 0u64;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let (part, fed) = match memchr::memchr(b'\n', chunk) {
                Some(at) => (&chunk[..at], true),
                None => (chunk, false),
            };
            // The limit is kept while reading, so a line without end costs no more memory than a long one.
            let room = (self.limit + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            length += part.len() as u64;
            let used = part.len() + usize::from(fed);
            self.reader.consume(used);
            if fed {
                break;
            }
        }
        let line = if length > self.limit as u64 { Line::TooLong(length) } else { Line::Whole(&self.line) };
        Ok(Some(line))
    }

    /// What was read of a line when an error stopped the reading.
    pub(super) fn rest(&self) -> &[u8] {
        &self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_long_ones_are_measured() {
        let data = b"one\n\ntwo two two\nlast";
        for capacity in [1, 2, 3, 100] {
            let mut lines = Lines::new(std::io::BufReader::with_capacity(capacity, &data[..]), 5);
            let mut seen = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                let line = match line {
                    Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                    Line::TooLong(length) => format!("{length} bytes"),
                };
                seen.push(line);
            }
            assert_eq!(seen, ["one", "", "11 bytes", "last"]);
        }
    }
}
