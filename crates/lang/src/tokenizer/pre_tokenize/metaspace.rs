//! SentencePiece's way: spaces become visible (`▁`) and belong to the word after them.

use super::{Behavior, Fields, Pieces, PreTokenizer, TokenizerError};

/// When a `▁` is put before a piece that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepend {
    Always,
    /// Only where the input begins.
    First,
    Never,
}

pub(crate) struct Metaspace {
    pub(crate) replacement: char,
    pub(crate) prepend: Prepend,
    split: bool,
}

impl Metaspace {
    pub(crate) fn read(fields: &Fields) -> Result<Metaspace, TokenizerError> {
        let mut prepend = match fields.optional_text("prepend_scheme")? {
            None | Some("always") => Prepend::Always,
            Some("first") => Prepend::First,
            Some("never") => Prepend::Never,
            Some(other) => {
                return Err(fields.invalid("prepend_scheme", format!("{other:?} is not always, first or never")));
            }
        };
        // Older files have only this flag.
        if fields.optional_flag("add_prefix_space")? == Some(false) {
            if fields.get("prepend_scheme").is_some() && prepend != Prepend::Never {
                return Err(fields.invalid("add_prefix_space", "it contradicts prepend_scheme"));
            }
            prepend = Prepend::Never;
        }
        let split = fields.optional_flag("split")?.unwrap_or(true);
        Ok(Metaspace { replacement: fields.character("replacement")?, prepend, split })
    }
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PreTokenizer>, TokenizerError> {
    Ok(Box::new(Metaspace::read(fields)?))
}

impl PreTokenizer for Metaspace {
    fn pre_tokenize(&self, pieces: &mut Pieces) {
        let mut letters = [0; 4];
        let replacement: &str = self.replacement.encode_utf8(&mut letters);
        pieces.rewrite(|from, piece, new| {
            let spaces = from.text[piece.clone()].match_indices(' ');
            let places = spaces.map(|(at, _)| piece.start + at..piece.start + at + 1);
            new.push_replaced(from, piece.clone(), places, replacement);
        });
        if self.prepend != Prepend::Never {
            pieces.rewrite(|from, piece, new| {
                let is_asked = self.prepend == Prepend::Always || from.piece_start(piece.start) == 0;
                match is_asked && !from.text[piece.clone()].starts_with(self.replacement) {
                    true => new.push_prepended(from, piece, replacement),
                    false => new.push_part(from, piece),
                }
            });
        }
        if self.split {
            pieces.split_at(|character| character == self.replacement, Behavior::MergedWithNext);
        }
    }

    fn needs_origins(&self, is_changed: bool) -> bool {
        self.prepend == Prepend::First && is_changed
    }
}
