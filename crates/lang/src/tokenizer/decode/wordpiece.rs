//! The decoder of WordPiece: pieces with the prefix continue a word, others begin one; with `cleanup`, spaces before
//! English punctuation and contractions go.

use super::{Decoder, Fields, TokenizerError};

struct WordPiece {
    prefix: String,
    clean: bool,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(WordPiece { prefix: fields.text("prefix")?.to_owned(), clean: fields.flag("cleanup")? }))
}

/// What is written apart in tokens and together in English, in the order it is replaced.
const TOGETHER: [(&str, &str); 11] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

pub(super) fn clean(text: &str) -> String {
    TOGETHER.iter().fold(text.to_owned(), |text, (apart, together)| match text.contains(apart) {
        true => text.replace(apart, together),
        false => text,
    })
}

impl Decoder for WordPiece {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        for (at, token) in tokens.iter_mut().enumerate() {
            if at > 0 {
                *token = match token.strip_prefix(&self.prefix) {
                    Some(rest) => rest.to_owned(),
                    None => format!(" {token}"),
                };
            }
            if self.clean {
                *token = clean(token);
            }
        }
        tokens
    }
}
