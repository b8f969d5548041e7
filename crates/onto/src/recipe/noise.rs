//! The section of a recipe that says how much noise is planted.

use serde::{Deserialize, Serialize};

/// Share of documents with each kind of planted noise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NoiseSection {
    /// Page furniture inside good documents.
    pub boilerplate: f64,
    /// Later copies of a document.
    pub exact_duplicate: f64,
    /// Later copies with small edits.
    pub near_duplicate: f64,
    /// Personal data inside good documents.
    pub pii: f64,
    /// Text that is no language.
    pub gibberish: f64,
    /// Text in a language the corpus does not want.
    pub wrong_language: f64,
    /// Documents that contain an item of the held-out evaluation.
    pub test_leak: f64,
}

impl Default for NoiseSection {
    fn default() -> Self {
        NoiseSection {
            boilerplate: 0.04,
            exact_duplicate: 0.02,
            near_duplicate: 0.02,
            pii: 0.03,
            gibberish: 0.02,
            wrong_language: 0.02,
            test_leak: 0.01,
        }
    }
}

impl NoiseSection {
    /// No noise at all.
    pub fn none() -> Self {
        NoiseSection {
            boilerplate: 0.0,
            exact_duplicate: 0.0,
            near_duplicate: 0.0,
            pii: 0.0,
            gibberish: 0.0,
            wrong_language: 0.0,
            test_leak: 0.0,
        }
    }

    /// The same noise, scaled.
    pub fn scaled(&self, factor: f64) -> Self {
        NoiseSection {
            boilerplate: self.boilerplate * factor,
            exact_duplicate: self.exact_duplicate * factor,
            near_duplicate: self.near_duplicate * factor,
            pii: self.pii * factor,
            gibberish: self.gibberish * factor,
            wrong_language: self.wrong_language * factor,
            test_leak: self.test_leak * factor,
        }
    }
}
