//! What a tagger is told: which signals that need a list or a model are measured.

use std::sync::Arc;

use crate::error::CorpusError;
use crate::personal::{Finder, STRUCTURED};
use crate::quality::{BadWords, Classifier, Perplexity, UrlLists};

/// What a tagger measures beyond what every text has.
#[derive(Clone, Default)]
pub struct TagOptions {
    /// The language is not looked for: `lang` is what the document says.
    pub no_language: bool,
    /// Bad words.
    pub bad_words: Option<Arc<BadWords>>,
    /// Lists of addresses.
    pub url_lists: Option<Arc<UrlLists>>,
    /// What finds personal data.
    pub personal: Option<Arc<Finder>>,
    /// A classifier of quality.
    pub classifier: Option<Arc<Classifier>>,
    /// A language model that scores perplexity.
    pub perplexity: Option<Arc<Perplexity>>,
}

impl TagOptions {
    /// Looks for personal data too.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] when a kind is not known, which those looked for here are.
    pub fn with_personal(mut self) -> Result<Self, CorpusError> {
        let fail = |value| CorpusError::Setting { key: "kinds", value, expected: STRUCTURED.join(", ") };
        self.personal = Some(Arc::new(Finder::new(STRUCTURED).map_err(fail)?));
        Ok(self)
    }
}
