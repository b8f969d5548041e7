//! Decoding token by token as a model generates, without ever showing half a character.

use super::Tokenizer;

/// Turns a stream of ids into text. All pieces together are what [`Tokenizer::decode`] gives for all ids.
#[derive(Clone, Debug)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skip_special: bool,
    /// The start of a character that is not complete yet, at most three bytes.
    pending: Vec<u8>,
}

impl DecodeStream {
    /// A stream with nothing read; `skip_special` leaves special tokens out of the text.
    pub fn new(tokenizer: &Tokenizer, skip_special: bool) -> Self {
        DecodeStream { tokenizer: tokenizer.clone(), skip_special, pending: Vec::new() }
    }

    /// Read one id. Gives the text that is now complete, if any; bytes that can no longer become a character give
    /// U+FFFD.
    pub fn push(&mut self, id: u32) -> Option<String> {
        self.pending.extend_from_slice(self.tokenizer.bytes_of(id, self.skip_special));
        let mut text = String::new();
        let mut kept = Vec::new();
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && is_unfinished(invalid) {
                kept.extend_from_slice(invalid);
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.pending = kept;
        (!text.is_empty()).then_some(text)
    }

    /// End the stream: what is left of an unfinished character gives U+FFFD.
    pub fn finish(mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

/// Whether more bytes could make a character of `bytes`.
fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
