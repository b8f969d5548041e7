//! The pages of a dump, in bounded memory.

use std::io::{BufRead, ErrorKind, Result};

use crate::read::source::Stream;

const OPEN: &[u8] = b"<page>";
const CLOSE: &[u8] = b"</page>";

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'p> {
    /// What stands between the tags of a page that begins at a byte.
    Page { at: u64, bytes: &'p [u8] },
    /// A page that has no end before the next one begins, or before the dump ends.
    Broken { at: u64, what: String },
    /// A page that is too long.
    TooLong { at: u64 },
    /// Nothing.
    End,
}

/// Reads pages.
pub(super) struct Pages {
    stream: Stream,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    offset: u64,
    /// Bytes of the buffer that were given out and go at the next call.
    spent: usize,
    limit: usize,
    ended: bool,
}

impl Pages {
    /// Pages of `stream`, whose first byte has the offset `start`.
    pub(super) fn new(stream: Stream, start: u64, limit: usize) -> Self {
        Pages { stream, buffer: Vec::new(), offset: start, spent: 0, limit, ended: false }
    }

    /// Where the reading stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next page.
    pub(super) fn next(&mut self) -> Result<Found<'_>> {
        self.drop_front(self.spent);
        self.spent = 0;
        // Before a page: what may be the beginning of its tag stays.
        loop {
            if let Some(found) = memchr::memmem::find(&self.buffer, OPEN) {
                self.drop_front(found);
                break;
            }
            let kept = self.buffer.len().min(OPEN.len() - 1);
            self.drop_front(self.buffer.len() - kept);
            if !self.fill()? {
                return Ok(Found::End);
            }
        }
        let at = self.offset;
        let mut searched = OPEN.len();
        let mut too_long = false;
        loop {
            let from = searched.saturating_sub(CLOSE.len() - 1).max(OPEN.len());
            let close = memchr::memmem::find(&self.buffer[from..], CLOSE).map(|found| from + found);
            let from = searched.saturating_sub(OPEN.len() - 1).max(OPEN.len());
            let next = memchr::memmem::find(&self.buffer[from..], OPEN).map(|found| from + found);
            match (close, next) {
                (Some(close), next) if next.is_none_or(|next| close < next) => {
                    self.spent = close + CLOSE.len();
                    return Ok(if too_long {
                        Found::TooLong { at }
                    } else {
                        Found::Page { at, bytes: &self.buffer[OPEN.len()..close] }
                    });
                }
                (_, Some(next)) => {
                    self.spent = next;
                    let what = "a page without end: another begins within it".to_string();
                    return Ok(if too_long { Found::TooLong { at } } else { Found::Broken { at, what } });
                }
                _ => {}
            }
            if self.buffer.len() > self.limit {
                // Only as much stays as a tag cut by the border needs, behind the opening tag's room.
                too_long = true;
                let dropped = self.buffer.len() - CLOSE.len() - OPEN.len();
                self.drop_front(dropped);
            }
            searched = self.buffer.len();
            match self.fill() {
                Ok(true) => {}
                Ok(false) => {
                    self.spent = self.buffer.len();
                    let what = "the dump ends within a page".to_string();
                    return Ok(if too_long { Found::TooLong { at } } else { Found::Broken { at, what } });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn drop_front(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
        self.offset += bytes as u64;
    }

    /// More bytes; false at the end.
    fn fill(&mut self) -> Result<bool> {
        while !self.ended {
            match self.stream.fill_buf() {
                Ok([]) => self.ended = true,
                Ok(chunk) => {
                    let used = chunk.len();
                    self.buffer.extend_from_slice(chunk);
                    self.stream.consume(used);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(dump: &'static [u8], capacity: usize, limit: usize) -> Vec<String> {
        let stream: Stream = Box::new(std::io::BufReader::with_capacity(capacity, dump));
        let mut pages = Pages::new(stream, 0, limit);
        let mut seen = Vec::new();
        loop {
            match pages.next().unwrap() {
                Found::End => return seen,
                Found::Page { at, bytes } => seen.push(format!("{at} {}", String::from_utf8_lossy(bytes))),
                Found::Broken { at, .. } => seen.push(format!("{at} broken")),
                Found::TooLong { at } => seen.push(format!("{at} too long")),
            }
        }
    }

    #[test]
    fn pages_are_found_whatever_the_chunks() {
        let dump =
            b"<mediawiki> <page>one</page>\n<page>lost <page>two</page> <page>a very long page that goes on</page>\
                     <page>three</page><page>cut";
        for capacity in [1, 2, 3, 5, 7, 1000] {
            let expected =
                ["12 one", "29 broken", "40 two", "57 a very long page that goes on", "99 three", "117 broken"];
            assert_eq!(all(dump, capacity, 1000), expected, "{capacity}");
        }
        for capacity in [1, 3, 7] {
            let expected = ["12 one", "29 broken", "40 two", "57 too long", "99 three", "117 broken"];
            assert_eq!(all(dump, capacity, 24), expected, "{capacity}");
        }
    }
}
