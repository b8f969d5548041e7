//! What a build does, as a TOML file says it.

use serde::{Deserialize, Serialize};

use super::account::ExampleLimits;
use crate::clean::CleanConfig;
use crate::dedup::DocumentOptions;
use crate::error::CorpusError;
use crate::read::ReadOptions;

/// Settings of a build. Everything its result depends on, beside the inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildConfig {
    /// Policies, in the order in which they are applied: names of presets or TOML files. With none of them this program's own
    /// rules for page furniture, language and noise apply.
    pub policies: Vec<String>,
    /// Whether this program's own rules for page furniture, language and noise apply; when not said, only where no policy
    /// is named.
    pub own_rules: Option<bool>,
    /// Name of the deduplication preset; `none` keeps duplicates; when not said, the thresholds of `clean`.
    pub duplicates: Option<String>,
    /// How files become documents.
    pub read: ReadOptions,
    /// Thresholds of this program's own rules, of decontamination and of masking.
    pub clean: CleanConfig,
    /// Documents shown in the data card.
    pub sample: usize,
    /// How the corpus is written.
    pub format: OutputFormat,
}

/// How the corpus is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// `documents.jsonl`
    #[default]
    Jsonl,
    /// `documents.jsonl.zst`
    #[serde(rename = "jsonl.zst")]
    JsonlZst,
    /// `documents.jsonl.gz`
    #[serde(rename = "jsonl.gz")]
    JsonlGz,
}

impl OutputFormat {
    /// Ending of the file's name.
    pub fn ending(self) -> &'static str {
        match self {
            OutputFormat::Jsonl => "jsonl",
            OutputFormat::JsonlZst => "jsonl.zst",
            OutputFormat::JsonlGz => "jsonl.gz",
        }
    }
}

impl std::str::FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [OutputFormat::Jsonl, OutputFormat::JsonlZst, OutputFormat::JsonlGz];
        let found = all.into_iter().find(|format| format.ending() == text);
        found.ok_or_else(|| format!("`{text}` is no format; use jsonl, jsonl.zst or jsonl.gz"))
    }
}

impl Default for BuildConfig {
    fn default() -> Self {
        BuildConfig {
            policies: Vec::new(),
            own_rules: None,
            duplicates: None,
            read: ReadOptions::default(),
            clean: CleanConfig::default(),
            sample: 200,
            format: OutputFormat::default(),
        }
    }
}

impl BuildConfig {
    /// Whether this program's own rules apply.
    pub fn own_rules(&self) -> bool {
        self.own_rules.unwrap_or(self.policies.is_empty())
    }

    /// What counts as a duplicate; none: duplicates stay.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] for a name that is no preset.
    pub fn duplicates(&self) -> Result<Option<DocumentOptions>, CorpusError> {
        match self.duplicates.as_deref() {
            Some("none") => Ok(None),
            Some(name) => DocumentOptions::preset(name).map(Some).ok_or_else(|| {
                let expected = format!("none or one of {}", crate::dedup::PRESETS.join(", "));
                CorpusError::Setting { key: "duplicates", value: name.to_owned(), expected }
            }),
            None => {
                let mut options = DocumentOptions::default();
                let near = &self.clean.near_duplicates;
                match &mut options.near {
                    Some(settings) if near.enabled => {
                        settings.shingle = crate::dedup::Shingle::Tokens(near.shingle);
                        (settings.bands, settings.rows) = (near.bands, near.rows);
                        settings.verify = Some(near.threshold);
                    }
                    _ => options.near = None,
                }
                if !self.clean.exact_duplicates.enabled {
                    options.exact = None;
                }
                Ok((options.exact.is_some() || options.near.is_some()).then_some(options))
            }
        }
    }

    pub(super) fn limits(&self) -> ExampleLimits {
        ExampleLimits {
            per_reason: self.clean.examples,
            sample: self.sample,
            characters: self.clean.excerpt_chars.max(1),
        }
    }
}
