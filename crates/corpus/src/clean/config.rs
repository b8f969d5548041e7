//! What the cleaning does: one block of settings a rule, each with a switch and its thresholds.

use serde::{Deserialize, Serialize};

use crate::error::CorpusError;

/// Settings of [`clean`](super::clean). The defaults suit short English and Chinese documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanConfig {
    /// Removal of page furniture, line by line.
    pub boilerplate: BoilerplateConfig,
    /// Which languages stay.
    pub language: LanguageConfig,
    /// Statistics that tell text from noise.
    pub statistics: StatisticsConfig,
    /// Documents equal up to case and white space.
    pub exact_duplicates: Switch,
    /// Documents nearly equal.
    pub near_duplicates: NearDuplicatesConfig,
    /// Documents that contain evaluation items.
    pub decontamination: DecontaminationConfig,
    /// Masking of personal data.
    pub personal_data: PersonalDataConfig,
    /// Kept and dropped examples shown a rule.
    pub examples: usize,
    /// Length of an example, in characters.
    pub excerpt_chars: usize,
}

impl Default for CleanConfig {
    fn default() -> Self {
        CleanConfig {
            boilerplate: BoilerplateConfig::default(),
            language: LanguageConfig::default(),
            statistics: StatisticsConfig::default(),
            exact_duplicates: Switch::default(),
            near_duplicates: NearDuplicatesConfig::default(),
            decontamination: DecontaminationConfig::default(),
            personal_data: PersonalDataConfig::default(),
            examples: 5,
            excerpt_chars: 300,
        }
    }
}

/// A rule without thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switch {
    /// Whether the rule runs.
    pub enabled: bool,
}

impl Default for Switch {
    fn default() -> Self {
        Switch { enabled: true }
    }
}

/// Thresholds of [`super::boilerplate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoilerplateConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Lines longer than this many tokens (words, Chinese characters) are never furniture.
    pub max_tokens: usize,
    /// A line standing in at least this many documents is looked at as repeated furniture …
    pub repeated_documents: usize,
    /// … when that is also at least this share of the documents.
    pub repeated_share: f64,
}

impl Default for BoilerplateConfig {
    fn default() -> Self {
        BoilerplateConfig { enabled: true, max_tokens: 60, repeated_documents: 10, repeated_share: 0.001 }
    }
}

/// Thresholds of [`super::language`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// ISO 639-1 codes of the languages that stay.
    pub allowed: Vec<String>,
    /// Documents with fewer letters than this are not judged: too little to tell.
    pub min_letters: usize,
    /// Confidence that a language known by letter statistics alone (no function words) must reach to be dropped.
    pub min_confidence: f64,
}

impl Default for LanguageConfig {
    fn default() -> Self {
        LanguageConfig {
            enabled: true,
            allowed: vec!["en".to_string(), "zh".to_string()],
            min_letters: 16,
            min_confidence: 0.9,
        }
    }
}

/// Thresholds of [`super::statistics`]. Shares are of what the name says, from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Documents with fewer visible characters than this are not judged.
    pub min_characters: usize,
    /// Most characters that may be neither letters, digits, ordinary punctuation nor part of a formula.
    pub max_symbol_share: f64,
    /// Fewest characters that must be letters or digits.
    pub min_letter_share: f64,
    /// Longest mean word, in characters (Gopher: 10; short documents vary more).
    pub max_mean_word: f64,
    /// Most words with letter pairs that English does not have, counted by characters.
    pub max_implausible_share: f64,
    /// Most words that mix letters with digits or cases inside.
    pub max_mixed_share: f64,
    /// From this many words on some must be function words …
    pub function_words_from: usize,
    /// … at least this share (Gopher: 2 of 50).
    pub min_function_share: f64,
    /// Fewest Han characters that must be among the most common ones.
    pub min_common_han: f64,
    /// Fewest words (Chinese: pairs of characters) that must stand in other documents too, in corpora large enough to
    /// tell.
    pub min_known_units: f64,
    /// Most runs of four tokens that may be repeats of earlier ones.
    pub max_repeated_four_grams: f64,
    /// Most lines that may be repeats of earlier ones (Gopher: 0.3; refrains and dialogues need more).
    pub max_repeated_lines: f64,
    /// Most tokens that may be one and the same.
    pub max_top_token: f64,
    /// Most characters that may stand in runs of one repeated character.
    pub max_run_share: f64,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        StatisticsConfig {
            enabled: true,
            min_characters: 12,
            max_symbol_share: 0.25,
            min_letter_share: 0.45,
            max_mean_word: 12.0,
            max_implausible_share: 0.3,
            max_mixed_share: 0.35,
            function_words_from: 30,
            min_function_share: 0.02,
            min_common_han: 0.1,
            min_known_units: 0.2,
            max_repeated_four_grams: 0.6,
            max_repeated_lines: 0.6,
            max_top_token: 0.4,
            max_run_share: 0.3,
        }
    }
}

/// Parameters of [`super::near`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearDuplicatesConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Tokens (words, Chinese characters) in a shingle.
    pub shingle: usize,
    /// Bands of the signature.
    pub bands: usize,
    /// Hashes in a band. A pair of Jaccard similarity `s` is looked at with probability `1 - (1 - s^rows)^bands`.
    pub rows: usize,
    /// True Jaccard similarity from which two documents are duplicates.
    pub threshold: f64,
}

impl Default for NearDuplicatesConfig {
    fn default() -> Self {
        // 25 × 5: a pair at 0.75 is looked at with probability 0.998, at 0.8 with 0.99995.
        NearDuplicatesConfig { enabled: true, shingle: 5, bands: 25, rows: 5, threshold: 0.75 }
    }
}

/// Parameters of [`super::decontamination`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecontaminationConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Tokens in a run that is looked for.
    pub gram: usize,
    /// The shortest run used for short items; items shorter than this are not looked for.
    pub min_gram: usize,
    /// Share of an item's runs (weighted by rarity) that a document must contain to be dropped.
    pub coverage: f64,
    /// Runs that stand in more than this share of the documents (and more than `template_documents`) are templates
    /// and tell nothing.
    pub template_share: f64,
    /// See `template_share`.
    pub template_documents: usize,
}

impl Default for DecontaminationConfig {
    fn default() -> Self {
        DecontaminationConfig {
            enabled: true,
            gram: 8,
            min_gram: 5,
            coverage: 0.8,
            template_share: 0.005,
            template_documents: 20,
        }
    }
}

/// What [`super::personal`] masks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonalDataConfig {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Kinds that are masked; see [`super::personal::KINDS`].
    pub kinds: Vec<String>,
}

impl Default for PersonalDataConfig {
    fn default() -> Self {
        let kinds = super::personal::STRUCTURED.iter().map(ToString::to_string).collect();
        PersonalDataConfig { enabled: true, kinds }
    }
}

impl CleanConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`CorpusError::Config`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), CorpusError> {
        let statistics = &self.statistics;
        let shares = [
            ("boilerplate.repeated_share", self.boilerplate.repeated_share),
            ("language.min_confidence", self.language.min_confidence),
            ("statistics.max_symbol_share", statistics.max_symbol_share),
            ("statistics.min_letter_share", statistics.min_letter_share),
            ("statistics.max_implausible_share", statistics.max_implausible_share),
            ("statistics.max_mixed_share", statistics.max_mixed_share),
            ("statistics.min_function_share", statistics.min_function_share),
            ("statistics.min_common_han", statistics.min_common_han),
            ("statistics.min_known_units", statistics.min_known_units),
            ("statistics.max_repeated_four_grams", statistics.max_repeated_four_grams),
            ("statistics.max_repeated_lines", statistics.max_repeated_lines),
            ("statistics.max_top_token", statistics.max_top_token),
            ("statistics.max_run_share", statistics.max_run_share),
            ("near_duplicates.threshold", self.near_duplicates.threshold),
            ("decontamination.coverage", self.decontamination.coverage),
            ("decontamination.template_share", self.decontamination.template_share),
        ];
        for (key, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(CorpusError::Config { key, value: value.to_string(), expected: "from 0 to 1" });
            }
        }
        let counts = [
            ("near_duplicates.shingle", self.near_duplicates.shingle, 64),
            ("near_duplicates.bands", self.near_duplicates.bands, 1000),
            ("near_duplicates.rows", self.near_duplicates.rows, 100),
            ("decontamination.gram", self.decontamination.gram, 64),
            ("decontamination.min_gram", self.decontamination.min_gram, self.decontamination.gram),
        ];
        for (key, value, most) in counts {
            if value == 0 || value > most {
                let expected = "at least 1 and not above its limit (64 tokens, 1000 bands, 100 rows, min_gram ≤ gram)";
                return Err(CorpusError::Config { key, value: value.to_string(), expected });
            }
        }
        if statistics.max_mean_word.is_nan() || statistics.max_mean_word <= 0.0 {
            let value = statistics.max_mean_word.to_string();
            return Err(CorpusError::Config { key: "statistics.max_mean_word", value, expected: "above 0" });
        }
        if self.language.enabled && self.language.allowed.is_empty() {
            let expected = "at least one ISO 639-1 code";
            return Err(CorpusError::Config { key: "language.allowed", value: "[]".to_string(), expected });
        }
        for code in &self.language.allowed {
            if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_lowercase()) {
                let expected = "ISO 639-1 codes such as \"en\", \"zh\"";
                return Err(CorpusError::Config { key: "language.allowed", value: code.clone(), expected });
            }
        }
        for kind in &self.personal_data.kinds {
            if !super::personal::KINDS.contains(&kind.as_str()) {
                let expected = "email, phone, ip, card, id_card, iban, ssn, address, name";
                return Err(CorpusError::Config { key: "personal_data.kinds", value: kind.clone(), expected });
            }
        }
        Ok(())
    }
}
