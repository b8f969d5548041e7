//! Tokens of single bytes, spelt `<0x0A>`: a run of them is text if it is UTF-8, else a U+FFFD for every byte.

use super::{Decoder, Fields, TokenizerError};

struct ByteFallback;

pub(super) fn read(_: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(ByteFallback))
}

/// The byte a token spells.
pub(crate) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn flush(run: &mut Vec<u8>, out: &mut Vec<String>) {
    match String::from_utf8(std::mem::take(run)) {
        Ok(text) if text.is_empty() => {}
        Ok(text) => out.push(text),
        Err(bytes) => out.extend(bytes.as_bytes().iter().map(|_| char::REPLACEMENT_CHARACTER.to_string())),
    }
}

impl Decoder for ByteFallback {
    fn decode(&self, tokens: Vec<String>) -> Vec<String> {
        let mut out = Vec::with_capacity(tokens.len());
        let mut run = Vec::new();
        for token in tokens {
            match byte_of(&token) {
                Some(byte) => run.push(byte),
                None => {
                    flush(&mut run, &mut out);
                    out.push(token);
                }
            }
        }
        flush(&mut run, &mut out);
        out
    }
}
