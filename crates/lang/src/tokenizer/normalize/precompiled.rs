//! The character map of SentencePiece models (Kudo and Richardson, "SentencePiece", 2018): a trie over UTF-8 whose values
//! are places in a list of replacements, laid out by Darts-clone as 32-bit units.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::{Aligned, Change};
use crate::tokenizer::base64;

/// Longest grapheme that is looked up whole, in bytes; longer ones are looked up character by character.
const GRAPHEME_BYTES: usize = 5;

/// The map.
#[derive(Clone, Debug)]
pub(crate) struct CharsMap {
    units: Vec<u32>,
    /// Replacements, each ended by a zero byte.
    replacements: String,
}

impl CharsMap {
    /// Reads the map: the bytes of the trie as a number, the trie, the replacements; little-endian.
    pub(crate) fn parse(bytes: &[u8]) -> Result<CharsMap, &'static str> {
        let (size, rest) = bytes.split_first_chunk().ok_or("it is shorter than its header")?;
        let size = u32::from_le_bytes(*size) as usize;
        let (trie, replacements) = rest.split_at_checked(size).ok_or("its trie is cut off")?;
        if size == 0 || !size.is_multiple_of(4) {
            return Err("its trie is not a list of 32-bit units");
        }
        let units = trie.chunks_exact(4).map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]]));
        let replacements = std::str::from_utf8(replacements).map_err(|_| "its replacements are not UTF-8")?;
        Ok(CharsMap { units: units.collect(), replacements: replacements.to_owned() })
    }

    /// The replacements of the beginnings of `text` the map knows, with their lengths, the shortest first.
    fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, &str)> {
        let offset = |unit: u32| (unit >> 10) << ((unit & 1 << 9) >> 6);
        let mut node = offset(self.units[0]);
        let mut bytes = text.iter().enumerate();
        std::iter::from_fn(move || {
            loop {
                let (at, &byte) = bytes.next().filter(|(_, byte)| **byte != 0)?;
                node ^= u32::from(byte);
                let unit = *self.units.get(node as usize)?;
                if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                    bytes = [].iter().enumerate();
                    return None;
                }
                node ^= offset(unit);
                if unit >> 8 & 1 == 1 {
                    let start = *self.units.get(node as usize)? & !(1 << 31);
                    let rest = self.replacements.get(start as usize..)?;
                    return Some((at + 1, rest.split('\0').next().unwrap_or_default()));
                }
            }
        })
    }

    /// The replacement of the longest beginning of `text` the map knows and how long that is in bytes, as SentencePiece
    /// itself looks it up.
    pub(crate) fn longest(&self, text: &str) -> Option<(usize, &str)> {
        self.prefixes(text.as_bytes()).last()
    }

    /// What stands for `part`, as Hugging Face looks it up: by its shortest known beginning.
    fn whole(&self, part: &str) -> Option<&str> {
        self.prefixes(part.as_bytes()).next().map(|(_, replacement)| replacement)
    }
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    let text = fields.text("precompiled_charsmap")?;
    let bytes = base64::decode(text).ok_or_else(|| fields.invalid("precompiled_charsmap", "it is not base64"))?;
    match CharsMap::parse(&bytes) {
        Ok(map) => Ok(Box::new(map)),
        Err(problem) => Err(fields.invalid("precompiled_charsmap", problem)),
    }
}

/// Changes that put `new` in the place of `old`.
fn push_replacement(changes: &mut Vec<Change>, old: &str, new: &str) {
    let (old_count, new_count) = (old.chars().count(), new.chars().count());
    changes.extend(new.chars().enumerate().map(|(at, character)| (character, isize::from(at >= old_count))));
    if let Some(gone) = old_count.checked_sub(new_count)
        && let Some((_, change)) = changes.last_mut()
    {
        // A part replaced by nothing is taken away with the character before it, as in the reference.
        *change -= gone as isize;
    }
}

impl Normalizer for CharsMap {
    fn normalize(&self, text: &mut Aligned) {
        let mut changes: Vec<Change> = Vec::with_capacity(text.text.len());
        let mut is_changed = false;
        for grapheme in text.text.graphemes(true) {
            if grapheme.len() <= GRAPHEME_BYTES
                && let Some(new) = self.whole(grapheme)
            {
                is_changed = true;
                push_replacement(&mut changes, grapheme, new);
                continue;
            }
            for (at, character) in grapheme.char_indices() {
                let part = &grapheme[at..at + character.len_utf8()];
                match self.whole(part) {
                    Some(new) => {
                        is_changed = true;
                        push_replacement(&mut changes, part, new);
                    }
                    None => changes.push((character, 0)),
                }
            }
        }
        if is_changed {
            text.change(changes, 0);
        }
    }
}
