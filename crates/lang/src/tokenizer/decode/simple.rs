//! Decoders of a few lines: joining all tokens, replacing, stripping, and the end-of-word mark of early BPE.

use super::{Decoder, Fields, TokenizerError};
use crate::tokenizer::pattern::Pattern;

/// All tokens become one text, for the members after it.
struct Fuse;

pub(super) fn read_fuse(_: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(Fuse))
}

impl Decoder for Fuse {
    fn decode(&self, tokens: Vec<String>) -> Vec<String> {
        vec![tokens.concat()]
    }
}

struct Bpe {
    suffix: String,
}

pub(super) fn read_bpe(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(Bpe { suffix: fields.text("suffix")?.to_owned() }))
}

impl Decoder for Bpe {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        let count = tokens.len();
        for (at, token) in tokens.iter_mut().enumerate() {
            *token = token.replace(&self.suffix, if at + 1 == count { "" } else { " " });
        }
        tokens
    }
}

struct Replace {
    pattern: Pattern,
    content: String,
}

pub(super) fn read_replace(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    let content = fields.text("content")?.to_owned();
    Ok(Box::new(Replace { pattern: Pattern::read(fields, "pattern")?, content }))
}

impl Decoder for Replace {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        for token in &mut tokens {
            let mut out = String::with_capacity(token.len());
            let mut done = 0;
            for found in self.pattern.matches(token) {
                out.push_str(&token[done..found.start]);
                out.push_str(&self.content);
                done = found.end;
            }
            out.push_str(&token[done..]);
            *token = out;
        }
        tokens
    }
}

/// Takes a character off the ends of every token, so many times at most.
struct Strip {
    content: char,
    start: usize,
    stop: usize,
}

pub(super) fn read_strip(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    let content = fields.character("content")?;
    Ok(Box::new(Strip { content, start: fields.count("start")?, stop: fields.count("stop")? }))
}

impl Decoder for Strip {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        for token in &mut tokens {
            let mut rest = token.as_str();
            for _ in 0..self.start {
                rest = rest.strip_prefix(self.content).unwrap_or(rest);
            }
            for _ in 0..self.stop {
                rest = rest.strip_suffix(self.content).unwrap_or(rest);
            }
            *token = rest.to_owned();
        }
        tokens
    }
}
