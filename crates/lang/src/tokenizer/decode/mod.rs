//! Decoders: from the spellings of tokens back to text. Each is one file, or a few lines of `simple`, and one line of
//! [`KINDS`].

use serde_json::Value;

use super::TokenizerError;
use super::fields::{Fields, Kinds, Source, read_optional};

mod byte_fallback;
mod byte_level;
mod ctc;
mod metaspace;
mod simple;
mod wordpiece;

pub(crate) use byte_fallback::byte_of;

/// Turns the spellings of tokens into texts; all of them one after another are the decoded text.
pub(crate) trait Decoder: Send + Sync {
    fn decode(&self, tokens: Vec<String>) -> Vec<String>;
}

const KINDS: Kinds<dyn Decoder> = &[
    ("BPEDecoder", simple::read_bpe),
    ("ByteFallback", byte_fallback::read),
    ("ByteLevel", byte_level::read),
    ("CTC", ctc::read),
    ("Fuse", simple::read_fuse),
    ("Metaspace", metaspace::read),
    ("Replace", simple::read_replace),
    ("Sequence", read_sequence),
    ("Strip", simple::read_strip),
    ("WordPiece", wordpiece::read),
];

/// The component `decoder` of a file.
pub(crate) fn read(source: &Source, value: &Value) -> Result<Option<Box<dyn Decoder>>, TokenizerError> {
    read_optional(KINDS, source, "decoder", value)
}

/// Whether the decoder `value` is the byte-level one, so that every token is bytes whatever stands around it.
pub(crate) fn is_byte_level(value: &Value) -> bool {
    match value["type"].as_str() {
        Some("ByteLevel") => true,
        Some("Sequence") => match value["decoders"].as_array().map(Vec::as_slice) {
            Some([first, rest @ ..]) => is_byte_level(first) && rest.iter().all(|member| member["type"] == "Fuse"),
            _ => false,
        },
        _ => false,
    }
}

/// One after another.
struct Sequence(Vec<Box<dyn Decoder>>);

fn read_sequence(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(Sequence(fields.kinds(KINDS, "decoders")?)))
}

impl Decoder for Sequence {
    fn decode(&self, tokens: Vec<String>) -> Vec<String> {
        self.0.iter().fold(tokens, |tokens, member| member.decode(tokens))
    }
}
