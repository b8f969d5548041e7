//! Normalizing as SentencePiece itself does it (see `formats::sentencepiece`): the character map by its longest match, extra
//! white space taken away, one put before, and all of it made visible.

use super::{CharsMap, Normalizer};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::pre_tokenize::symbols::Symbols;

/// The visible space.
const SPACE: char = '▁';

pub(crate) struct SentencePiece {
    pub(crate) map: Option<CharsMap>,
    /// Pieces of the user, which are left as they are.
    pub(crate) symbols: Symbols,
    pub(crate) add_prefix: bool,
    /// The space is put behind the text instead of before it.
    pub(crate) prefix_is_suffix: bool,
    pub(crate) remove_extra_spaces: bool,
    pub(crate) escape_spaces: bool,
}

impl SentencePiece {
    /// What the beginning of `text` becomes and how long it is.
    fn prefix<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        let first = text.chars().next().map_or(0, char::len_utf8);
        if let Some(length) = self.symbols.longest(text) {
            return (&text[..length], length);
        }
        match self.map.as_ref().and_then(|map| map.longest(text)) {
            Some((length, new)) => (new, length),
            None => (&text[..first], first),
        }
    }
}

impl Normalizer for SentencePiece {
    fn normalize(&self, text: &mut Aligned) {
        let input = text.text.as_str();
        let mut position = 0;
        if self.remove_extra_spaces {
            while position < input.len() {
                let (new, length) = self.prefix(&input[position..]);
                if new != " " {
                    break;
                }
                position += length;
            }
        }
        if position == input.len() {
            *text = text.emptied();
            return;
        }
        let space = if self.escape_spaces { SPACE } else { ' ' };
        // Characters of the input before the first one that is kept.
        let removed = input[..position].chars().count();
        let mut changes: Vec<Change> = Vec::with_capacity(input.len() + 1);
        let mut pushed_prefix = false;
        if self.add_prefix && !self.prefix_is_suffix {
            changes.push((space, 0));
            pushed_prefix = true;
        }
        let mut was_space = self.remove_extra_spaces;
        while position < input.len() {
            let (new, length) = self.prefix(&input[position..]);
            let old = input[position..position + length].chars().count() as isize;
            position += length;
            let kept = if was_space { new.trim_start_matches(' ') } else { new };
            if !kept.is_empty() {
                was_space = kept.ends_with(' ');
            }
            if !self.remove_extra_spaces {
                was_space = false;
            }
            // The first new character takes the place of all the old ones.
            let before = changes.len();
            for (at, character) in kept.chars().enumerate() {
                let character = if character == ' ' { space } else { character };
                changes.push((character, if at == 0 { 1 - old } else { 1 }));
            }
            if pushed_prefix {
                // The space before the text stands where its first character stood.
                pushed_prefix = false;
                changes[0].1 = 1 - old;
                if let Some(first) = changes.get_mut(before) {
                    first.1 = 1;
                }
            } else if changes.len() == before
                && let Some((_, change)) = changes.last_mut()
            {
                *change -= old;
            }
        }
        if self.remove_extra_spaces {
            while changes.last().is_some_and(|(character, _)| *character == space) {
                changes.pop();
            }
        }
        if self.add_prefix && self.prefix_is_suffix {
            changes.push((space, 1));
        }
        text.change(changes, removed);
    }
}
