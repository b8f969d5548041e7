//! Normalizers: what is done to a text before it is cut. Each is one file and one line of [`KINDS`].

use serde_json::Value;

use super::TokenizerError;
use super::aligned::Aligned;
use super::fields::{Fields, Kinds, Source, read_optional};

mod bert;
mod byte_level;
mod forms;
mod precompiled;
mod prepend;
mod replace;
mod sentencepiece;
mod simple;

pub(crate) use byte_level::spelling;
pub(crate) use precompiled::CharsMap;
pub(crate) use sentencepiece::SentencePiece;

/// Changes a text in place.
pub(crate) trait Normalizer: Send + Sync {
    fn normalize(&self, text: &mut Aligned);

    /// Where texts may be cut before they are normalized, if white space is to cut them in the end.
    fn units(&self) -> Option<Units> {
        None
    }
}

/// Where what stands on either side of a place has nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Units {
    /// At a space, a tab, a line feed or a carriage return.
    Words,
    /// There, and around the characters from U+4E00 to U+9FFF.
    WordsAndHan,
}

const KINDS: Kinds<dyn Normalizer> = &[
    ("BertNormalizer", bert::read),
    ("ByteLevel", byte_level::read),
    ("Lowercase", simple::read_lowercase),
    ("NFC", forms::read_nfc),
    ("NFD", forms::read_nfd),
    ("NFKC", forms::read_nfkc),
    ("NFKD", forms::read_nfkd),
    ("Nmt", simple::read_nmt),
    ("Precompiled", precompiled::read),
    ("Prepend", prepend::read),
    ("Replace", replace::read),
    ("Sequence", read_sequence),
    ("Strip", simple::read_strip),
    ("StripAccents", simple::read_strip_accents),
];

/// The component `normalizer` of a file.
pub(crate) fn read(source: &Source, value: &Value) -> Result<Option<Box<dyn Normalizer>>, TokenizerError> {
    read_optional(KINDS, source, "normalizer", value)
}

/// One after another.
struct Sequence(Vec<Box<dyn Normalizer>>);

fn read_sequence(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    Ok(Box::new(Sequence(fields.kinds(KINDS, "normalizers")?)))
}

impl Normalizer for Sequence {
    fn normalize(&self, text: &mut Aligned) {
        for member in &self.0 {
            member.normalize(text);
        }
    }
}
