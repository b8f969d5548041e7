//! Which language a text is in.

use crate::clean::{LanguageConfig, language};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// ISO 639-1 code; `None`: the text does not say.
    pub lang: Option<&'static str>,
    /// Chance that it is that language, 0 to 1.
    pub confidence: f64,
}

/// The language of `text`.
pub fn identify(text: &str) -> Guess {
    let guess = language::identify(text, &LanguageConfig::default());
    Guess { lang: guess.lang, confidence: guess.confidence }
}
