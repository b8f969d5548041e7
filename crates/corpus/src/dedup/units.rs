//! The units that texts are cut into before repeated parts are looked for.

use serde::{Deserialize, Serialize};

use crate::text::{sentences, tokens};

/// What a document is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Lines that are not blank.
    Line,
    /// Sentences, English and Chinese.
    Sentence,
    /// Blocks of lines between blank lines.
    Paragraph,
    /// Words, numbers, operators and single Han characters, case and all.
    Token,
    /// Bytes; what is cut begins and ends at characters.
    Byte,
}

/// One unit, in its place.
pub(super) struct Piece<'t> {
    pub(super) start: usize,
    bytes: &'t [u8],
    text: &'t str,
}

impl<'t> Piece<'t> {
    pub(super) fn as_bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// The unit as text; empty for bytes.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }
}

/// Calls `visit` for every unit of `text`, in order.
pub(super) fn units<'t>(text: &'t str, unit: Unit, mut visit: impl FnMut(Piece<'t>)) {
    let mut whole = |start: usize, piece: &'t str| visit(Piece { start, bytes: piece.as_bytes(), text: piece });
    match unit {
        Unit::Line => {
            let mut start = 0;
            for line in text.split_inclusive('\n') {
                let piece = line.trim();
                if !piece.is_empty() {
                    whole(start + (line.len() - line.trim_start().len()), piece);
                }
                start += line.len();
            }
        }
        Unit::Sentence => {
            let base = text.as_ptr() as usize;
            for sentence in sentences(text) {
                // A sentence is a slice of the text.
                whole(sentence.as_ptr() as usize - base, sentence);
            }
        }
        Unit::Paragraph => {
            let mut start = 0;
            let mut open: Option<(usize, usize)> = None;
            for line in text.split_inclusive('\n') {
                let end = start + line.trim_end().len();
                if line.trim().is_empty() {
                    if let Some((from, to)) = open.take() {
                        whole(from, text[from..to].trim());
                    }
                } else {
                    open = Some((open.map_or(start, |(from, _)| from), end));
                }
                start += line.len();
            }
            if let Some((from, to)) = open {
                whole(from, text[from..to].trim());
            }
        }
        Unit::Token => tokens(text).for_each(|token| whole(token.start, token.text)),
        Unit::Byte => {
            let bytes = text.as_bytes();
            (0..bytes.len()).for_each(|start| visit(Piece { start, bytes: &bytes[start..=start], text: "" }));
        }
    }
}
