//! The decoder of connectionist temporal classification (Graves et al., 2006): a token said several times in a row is
//! one, the padding is silence.

use super::wordpiece::clean;
use super::{Decoder, Fields, TokenizerError};

struct Ctc {
    padding: String,
    delimiter: String,
    clean: bool,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn Decoder>, TokenizerError> {
    Ok(Box::new(Ctc {
        padding: fields.text("pad_token")?.to_owned(),
        delimiter: fields.text("word_delimiter_token")?.to_owned(),
        clean: fields.flag("cleanup")?,
    }))
}

impl Decoder for Ctc {
    fn decode(&self, mut tokens: Vec<String>) -> Vec<String> {
        tokens.dedup();
        let texts = tokens.into_iter().map(|token| {
            let text = token.replace(&self.padding, "");
            if self.clean { clean(&text).replace(&self.delimiter, " ") } else { text }
        });
        texts.filter(|text| !text.is_empty()).collect()
    }
}
