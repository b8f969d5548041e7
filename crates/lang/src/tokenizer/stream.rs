//! Decoding token by token as a model generates, without ever showing half a character.

use super::Tokenizer;
use super::decode::byte_of;

/// Turns a stream of ids into text. All pieces together are what [`Tokenizer::decode`] gives for all ids, with one
/// exception: vocabularies with a token for every byte spell a run of bytes that is no text as U+FFFD throughout, and
/// here what was a character before the run went wrong has been shown already.
#[derive(Clone, Debug)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skip_special: bool,
    /// Byte-level vocabularies: the start of a character that is not complete yet, at most three bytes.
    pending: Vec<u8>,
    /// Others: the ids last shown, which what follows may lean on, and those not shown yet.
    window: Vec<u32>,
    /// How many of `window` have been shown.
    shown: usize,
}

impl DecodeStream {
    /// A stream with nothing read; `skip_special` leaves special tokens out of the text.
    pub fn new(tokenizer: &Tokenizer, skip_special: bool) -> Self {
        let tokenizer = tokenizer.clone();
        DecodeStream { tokenizer, skip_special, pending: Vec::new(), window: Vec::new(), shown: 0 }
    }

    /// Read one id. Gives the text that is now complete, if any; bytes that can no longer become a character give
    /// U+FFFD.
    pub fn push(&mut self, id: u32) -> Option<String> {
        if self.skip_special && self.tokenizer.is_special(id) {
            return None;
        }
        if self.tokenizer.core.token_bytes.is_none() {
            return self.push_spelling(id);
        }
        self.pending.extend(self.tokenizer.decode_bytes(&[id], false));
        let (text, kept) = complete(&self.pending);
        self.pending = kept;
        (!text.is_empty()).then_some(text)
    }

    fn push_spelling(&mut self, id: u32) -> Option<String> {
        self.tokenizer.token(id)?;
        self.window.push(id);
        let waiting = self.window[self.shown..].iter().rev();
        let mut run: Vec<u8> = waiting.map_while(|&id| self.tokenizer.token(id).and_then(byte_of)).collect();
        run.reverse();
        if !complete(&run).1.is_empty() {
            return None;
        }
        self.show()
    }

    /// The text of the ids of `window` that have not been shown.
    fn show(&mut self) -> Option<String> {
        let before = self.tokenizer.decode(&self.window[..self.shown], false);
        let all = self.tokenizer.decode(&self.window, false);
        let text = match all.strip_prefix(&before) {
            Some(text) if self.shown > 0 => text.to_owned(),
            _ if self.shown > 0 => self.tokenizer.decode(&self.window[self.shown..], false),
            _ => all,
        };
        self.window.drain(..self.shown);
        self.shown = self.window.len();
        (!text.is_empty()).then_some(text)
    }

    /// End the stream: what is left of an unfinished character gives U+FFFD.
    pub fn finish(mut self) -> Option<String> {
        if self.shown < self.window.len() {
            return self.show();
        }
        let rest = std::mem::take(&mut self.pending);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

/// The text of `bytes`, without a character at the end that more bytes could complete; and that character's bytes.
fn complete(bytes: &[u8]) -> (String, Vec<u8>) {
    let mut text = String::new();
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        text.push_str(chunk.valid());
        let invalid = chunk.invalid();
        if chunks.peek().is_none() && is_unfinished(invalid) {
            return (text, invalid.to_vec());
        }
        if !invalid.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (text, Vec::new())
}

/// Whether more bytes could make a character of `bytes`.
fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
