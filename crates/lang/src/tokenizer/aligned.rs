//! Text on its way through normalizers and pre-tokenizers, with the part of the input each of its bytes comes from.
//!
//! The rules by which replaced, inserted and removed characters inherit their origin are those of the `NormalizedString`
//! of Hugging Face `tokenizers`, because the offsets of tokens are made from them. Where nobody asks for offsets the
//! origins are left out and only the text is made.

use std::ops::Range;

/// Bytes of the input, from and to.
pub(crate) type Span = (usize, usize);

/// A text and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aligned {
    pub(crate) text: String,
    /// For every byte of `text` the part of the input it stands for; `None` when offsets are not asked for.
    pub(crate) spans: Option<Vec<Span>>,
    /// Where in the input the text begins, as far as it is known without `spans`.
    pub(crate) start: usize,
}

/// A character of a changed text and what it did to the old one: 0 takes the place of a character, 1 is inserted, `-n`
/// takes the place of a character and removes the `n` after it.
pub(crate) type Change = (char, isize);

impl Aligned {
    /// The part `range` of `input`, with origins if `track`.
    pub(crate) fn new(input: &str, range: Range<usize>, track: bool) -> Self {
        let text = &input[range.clone()];
        let spans = track.then(|| {
            let mut spans = Vec::with_capacity(text.len());
            for (at, character) in text.char_indices() {
                let from = range.start + at;
                let to = from + character.len_utf8();
                spans.extend(std::iter::repeat_n((from, to), to - from));
            }
            spans
        });
        Aligned { text: text.to_owned(), spans, start: range.start }
    }

    /// An empty text to be filled by `push_part` and `push_changed` of parts of `self`.
    pub(crate) fn emptied(&self) -> Aligned {
        let spans = self.spans.as_ref().map(|spans| Vec::with_capacity(spans.len()));
        Aligned { text: String::with_capacity(self.text.len()), spans, start: self.start }
    }

    /// Append the part `range` of `from` as it is.
    pub(crate) fn push_part(&mut self, from: &Aligned, range: Range<usize>) {
        self.text.push_str(&from.text[range.clone()]);
        if let (Some(spans), Some(theirs)) = (&mut self.spans, &from.spans) {
            spans.extend_from_slice(&theirs[range]);
        }
    }

    /// Append `changes` of the part `range` of `from`, whose first `removed` characters are gone.
    pub(crate) fn push_changed(
        &mut self,
        from: &Aligned,
        range: Range<usize>,
        changes: impl IntoIterator<Item = Change>,
        removed: usize,
    ) {
        let (Some(spans), Some(origins)) = (&mut self.spans, &from.spans) else {
            changes.into_iter().for_each(|(character, _)| self.text.push(character));
            return;
        };
        let beginning = origins.get(range.start).map_or(from.start, |span| span.0);
        let mut replaced = from.text[range.clone()].chars();
        let mut at = range.start + replaced.by_ref().take(removed).map(char::len_utf8).sum::<usize>();
        for (character, change) in changes {
            let span = if change <= 0 {
                origins.get(at).copied()
            } else if at > range.start {
                // What is inserted belongs to the character before it.
                origins.get(at - 1).copied()
            } else {
                None
            };
            let span = span.unwrap_or((beginning, beginning));
            if change <= 0 {
                let gone = change.unsigned_abs() + 1;
                at += replaced.by_ref().take(gone).map(char::len_utf8).sum::<usize>();
            }
            spans.extend(std::iter::repeat_n(span, character.len_utf8()));
            self.text.push(character);
        }
    }

    /// Replace the whole text by `changes`, the first `removed` characters being gone.
    pub(crate) fn change(&mut self, changes: impl IntoIterator<Item = Change>, removed: usize) {
        let mut new = self.emptied();
        new.push_changed(self, 0..self.text.len(), changes, removed);
        *self = new;
    }

    /// Keep the characters that `keep` says yes to.
    pub(crate) fn filter(&mut self, keep: impl Fn(char) -> bool) {
        if self.text.chars().all(&keep) {
            return;
        }
        if self.spans.is_none() {
            return self.text.retain(keep);
        }
        let mut changes: Vec<Change> = Vec::with_capacity(self.text.len());
        let mut removed_first = 0;
        for character in self.text.chars() {
            match (keep(character), changes.last_mut()) {
                (true, _) => changes.push((character, 0)),
                (false, Some(last)) => last.1 -= 1,
                (false, None) => removed_first += 1,
            }
        }
        self.change(changes, removed_first);
    }

    /// Put another character in the place of each.
    pub(crate) fn map(&mut self, map: impl Fn(char) -> char) {
        if self.text.chars().all(|character| map(character) == character) {
            return;
        }
        let changes: Vec<Change> = self.text.chars().map(|character| (map(character), 0)).collect();
        self.change(changes, 0);
    }

    /// Put `text` before the part `range` of `from` and append both; nothing is put before an empty part.
    pub(crate) fn push_prepended(&mut self, from: &Aligned, range: Range<usize>, text: &str) {
        let Some(first) = from.text[range.clone()].chars().next() else {
            return;
        };
        let end = range.start + first.len_utf8();
        let changes = text.chars().enumerate().map(|(at, character)| (character, isize::from(at > 0)));
        self.push_changed(from, range.start..end, changes.chain([(first, 1)]), 0);
        self.push_part(from, end..range.end);
    }

    /// Put `content` in the place of every range of `matches`, which ascend.
    pub(crate) fn replace(&mut self, matches: &[Range<usize>], content: &str) {
        if matches.is_empty() {
            return;
        }
        let mut new = self.emptied();
        new.push_replaced(self, 0..self.text.len(), matches.iter().cloned(), content);
        *self = new;
    }

    /// Append the part `range` of `from` with `content` in the place of every range of `matches`.
    pub(crate) fn push_replaced(
        &mut self,
        from: &Aligned,
        range: Range<usize>,
        matches: impl Iterator<Item = Range<usize>>,
        content: &str,
    ) {
        let mut done = range.start;
        for found in matches {
            self.push_part(from, done..found.start);
            self.text.push_str(content);
            if let (Some(spans), Some(origins)) = (&mut self.spans, &from.spans) {
                // All of the new text belongs to the last character it replaces.
                let span = match found.end.checked_sub(1).filter(|&last| last >= range.start) {
                    Some(last) => origins[last],
                    None => {
                        let beginning = origins.get(range.start).map_or(from.start, |span| span.0);
                        (beginning, beginning)
                    }
                };
                spans.extend(std::iter::repeat_n(span, content.len()));
            }
            done = found.end;
        }
        self.push_part(from, done..range.end);
    }

    /// The part of the input that bytes `range` stand for, of the piece that begins at byte `piece`.
    pub(crate) fn origin(&self, piece: usize, range: Range<usize>) -> Range<usize> {
        match &self.spans {
            Some(spans) if !range.is_empty() && range.end <= spans.len() => {
                spans[range.start].0..spans[range.end - 1].1
            }
            _ => {
                let start = self.piece_start(piece);
                start + range.start - piece..start + range.end - piece
            }
        }
    }

    /// Where in the input the piece begins that starts at byte `piece`.
    pub(crate) fn piece_start(&self, piece: usize) -> usize {
        match &self.spans {
            Some(spans) => spans.get(piece).map_or(self.start, |span| span.0),
            None => self.start + piece,
        }
    }
}
