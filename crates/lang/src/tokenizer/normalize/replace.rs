//! Every place a text or a regular expression is found replaced by another text.

use super::{Fields, Normalizer, TokenizerError};
use crate::tokenizer::aligned::Aligned;
use crate::tokenizer::pattern::Pattern;

struct Replace {
    pattern: Pattern,
    content: String,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Normalizer>, TokenizerError> {
    let content = fields.text("content")?.to_owned();
    Ok(Box::new(Replace { pattern: Pattern::read(fields, "pattern")?, content }))
}

impl Normalizer for Replace {
    fn normalize(&self, text: &mut Aligned) {
        if let (Pattern::Text(wanted), None) = (&self.pattern, &text.spans)
            && let [wanted] = wanted.as_bytes()
        {
            // Every space of a text, mostly: no list of the places is made.
            let mut new = String::with_capacity(text.text.len() + text.text.len() / 2);
            let mut done = 0;
            for (at, _) in text.text.bytes().enumerate().filter(|(_, byte)| byte == wanted) {
                new.push_str(&text.text[done..at]);
                new.push_str(&self.content);
                done = at + 1;
            }
            new.push_str(&text.text[done..]);
            text.text = new;
            return;
        }
        let found = self.pattern.matches(&text.text);
        text.replace(&found, &self.content);
    }
}
