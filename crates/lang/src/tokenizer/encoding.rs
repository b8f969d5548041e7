//! What encoding gives when more than ids is asked for.

use std::ops::Range;

/// One token of an encoded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The bytes of the text it stands for, whole characters; empty for tokens that no text stands behind.
    pub range: Range<usize>,
    /// Which of the texts it belongs to, as the model is told (`token_type_ids`).
    pub type_id: u32,
    /// Whether the template put it there, so that no text stands behind it.
    pub is_template: bool,
    /// White space at the start and the end of an added token that took some from the text around it.
    pub(crate) spaces: [usize; 2],
    /// Which of the texts `range` is of, 0 or 1.
    pub(crate) input: usize,
}

impl Token {
    pub(crate) fn new(id: u32, range: Range<usize>) -> Self {
        Token { id, range, type_id: 0, is_template: false, spaces: [0; 2], input: 0 }
    }

    /// A token of a template.
    pub(crate) fn template(id: u32, type_id: u32) -> Self {
        Token { id, range: 0..0, type_id, is_template: true, spaces: [0; 2], input: 0 }
    }
}

/// What post-processors may ask about the tokens they are given.
pub(crate) struct Context<'a> {
    /// The texts that were encoded.
    pub(crate) inputs: &'a [&'a str],
    /// Whether the special tokens of the model are asked for.
    pub(crate) add_special: bool,
    /// The spelling of every id.
    pub(crate) spelling: &'a [String],
}
