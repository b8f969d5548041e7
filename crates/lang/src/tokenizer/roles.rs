//! Which tokens play the parts every model needs: beginning and end of a text, filling up, end of a turn.

use std::collections::HashMap;
use std::path::Path;

use super::TokenizerError;
use super::config::FolderConfig;
use crate::chat;

/// The tokens, where they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) beginning_of_text: Option<u32>,
    pub(crate) end_of_text: Option<u32>,
    pub(crate) padding: Option<u32>,
    pub(crate) end_of_turn: Option<u32>,
}

/// What the token is mostly called that begins a text, in vocabularies whose files do not say.
const BEGINNINGS: [&str; 5] = ["<s>", "<bos>", "<|begin_of_text|>", "[CLS]", "[BOS]"];
/// The same of the token that ends a text.
const ENDINGS: [&str; 6] = ["<|endoftext|>", "</s>", "<eos>", "<|end_of_text|>", "[SEP]", "[EOS]"];
/// The same of the token that fills up.
const PADDINGS: [&str; 2] = ["<pad>", "[PAD]"];

impl Roles {
    /// From the names in the files beside the vocabulary, else from the usual ones among its tokens.
    pub(crate) fn find(config: &FolderConfig, ids: &HashMap<String, u32>) -> Result<Roles, TokenizerError> {
        let named = |names: [&str; 2]| {
            for name in names {
                if let Some(content) = config.named(name) {
                    return match ids.get(content) {
                        Some(&id) => Ok(Some(id)),
                        None => Err(config.invalid(format!("{name} is {content:?}, which is no token"))),
                    };
                }
            }
            Ok(None)
        };
        let usual = |names: &[&str]| names.iter().find_map(|name| ids.get(*name).copied());
        let (beginning, end) = (named(["bos_token", "cls_token"])?, named(["eos_token", "sep_token"])?);
        let end_of_document = ids.get(chat::SPECIAL_TOKENS[0]).copied();
        let end_of_text = end.or(end_of_document).or_else(|| usual(&ENDINGS)).or(beginning);
        Ok(Roles {
            beginning_of_text: beginning.or(end_of_document).or_else(|| usual(&BEGINNINGS)).or(end_of_text),
            end_of_text,
            padding: named(["pad_token", "pad_token"])?.or_else(|| usual(&PADDINGS)).or(end_of_text),
            end_of_turn: ids.get(chat::SPECIAL_TOKENS[2]).copied(),
        })
    }

    /// An error for the file at `path` if no token ends a text.
    pub(crate) fn check(&self, path: &Path) -> Result<(), TokenizerError> {
        match self.end_of_text {
            Some(_) => Ok(()),
            None => Err(TokenizerError::Invalid {
                path: path.to_owned(),
                problem: "no token ends a text\nhint: name eos_token in tokenizer_config.json beside it, or have \
                          <|endoftext|>"
                    .to_owned(),
            }),
        }
    }

    pub(crate) fn beginning_of_text(&self) -> u32 {
        self.beginning_of_text.unwrap_or(0)
    }

    pub(crate) fn end_of_text(&self) -> u32 {
        self.end_of_text.unwrap_or(0)
    }

    pub(crate) fn padding(&self) -> u32 {
        self.padding.unwrap_or(0)
    }
}
