//! BERT's and RoBERTa's way: a class token before, a separator after every text.

use super::byte_level::trim;
use super::{Fields, PostProcessor, TokenizerError};
use crate::tokenizer::encoding::{Context, Token};

struct Bert {
    separator: u32,
    class: u32,
    /// RoBERTa: all tokens are of one type; if set, offsets are trimmed with this `add_prefix_space`.
    roberta: Option<Option<bool>>,
}

pub(super) fn read(fields: &Fields) -> Result<Box<dyn PostProcessor>, TokenizerError> {
    Ok(Box::new(Bert { separator: fields.token("sep")?.1, class: fields.token("cls")?.1, roberta: None }))
}

pub(super) fn read_roberta(fields: &Fields) -> Result<Box<dyn PostProcessor>, TokenizerError> {
    let prefix = fields.flag("add_prefix_space")?;
    let roberta = Some(fields.flag("trim_offsets")?.then_some(prefix));
    Ok(Box::new(Bert { separator: fields.token("sep")?.1, class: fields.token("cls")?.1, roberta }))
}

impl PostProcessor for Bert {
    fn process(&self, mut texts: Vec<Vec<Token>>, context: &Context) -> Vec<Vec<Token>> {
        if let Some(trimmed) = self.roberta {
            for text in &mut texts {
                text.iter_mut().for_each(|token| token.type_id = 0);
                if let Some(prefix) = trimmed {
                    trim(text, prefix, context);
                }
            }
        }
        if !context.add_special {
            return texts;
        }
        for (number, text) in texts.iter_mut().enumerate() {
            let type_id = if self.roberta.is_none() { u32::from(number > 0) } else { 0 };
            // RoBERTa begins the second text with a separator too.
            match (number, self.roberta) {
                (0, _) => text.insert(0, Token::template(self.class, 0)),
                (_, Some(_)) => text.insert(0, Token::template(self.separator, 0)),
                (_, None) => {}
            }
            text.push(Token::template(self.separator, type_id));
        }
        texts
    }

    fn around(&self) -> (Vec<u32>, Vec<u32>) {
        (vec![self.class], vec![self.separator])
    }
}
