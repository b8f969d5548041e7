//! Post-processors: what is put around the tokens of one text or two for a model that expects it, and offsets without
//! the spaces words carry. Each is one file and one line of [`KINDS`].

use serde_json::Value;

use super::TokenizerError;
use super::encoding::{Context, Token};
use super::fields::{Fields, Kinds, Source, read_optional};

mod bert;
mod byte_level;
mod template;

/// Changes the tokens of one text or two.
pub(crate) trait PostProcessor: Send + Sync {
    /// `texts` are the tokens of every text, or of what a processor before made of them.
    fn process(&self, texts: Vec<Vec<Token>>, context: &Context) -> Vec<Vec<Token>>;

    /// The tokens it puts before and after a single text, if that is all it does to the ids.
    fn around(&self) -> (Vec<u32>, Vec<u32>);
}

const KINDS: Kinds<dyn PostProcessor> = &[
    ("BertProcessing", bert::read),
    ("ByteLevel", byte_level::read),
    ("RobertaProcessing", bert::read_roberta),
    ("Sequence", read_sequence),
    ("TemplateProcessing", template::read),
];

/// The component `post_processor` of a file.
pub(crate) fn read(source: &Source, value: &Value) -> Result<Option<Box<dyn PostProcessor>>, TokenizerError> {
    read_optional(KINDS, source, "post_processor", value)
}

/// One after another.
struct Sequence(Vec<Box<dyn PostProcessor>>);

fn read_sequence(fields: &Fields) -> Result<Box<dyn PostProcessor>, TokenizerError> {
    Ok(Box::new(Sequence(fields.kinds(KINDS, "processors")?)))
}

impl PostProcessor for Sequence {
    fn process(&self, texts: Vec<Vec<Token>>, context: &Context) -> Vec<Vec<Token>> {
        self.0.iter().fold(texts, |texts, member| member.process(texts, context))
    }

    fn around(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for member in &self.0 {
            let (left, right) = member.around();
            before = [left, before].concat();
            after.extend(right);
        }
        (before, after)
    }
}
