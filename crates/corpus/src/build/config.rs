//! What a build does, as a TOML file says it.

use serde::{Deserialize, Serialize};

use super::account::ExampleLimits;
use crate::clean::CleanConfig;
use crate::dedup::{DocumentOptions, SPAN_PRESETS, SpanOptions};
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
    /// Levels at which repeated parts are cut out of the documents that are no duplicates, in this order: line, sentence,
    /// paragraph, substring (runs of 50 tokens), bytes, c4, datatrove-sentence, ccnet, llama3. None by default: what is cut is
    /// text of documents that are otherwise good.
    pub repeats: Vec<String>,
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
    /// `documents.parquet`
    Parquet,
}

impl OutputFormat {
    /// Ending of the file's name.
    pub fn ending(self) -> &'static str {
        match self {
            OutputFormat::Jsonl => "jsonl",
            OutputFormat::JsonlZst => "jsonl.zst",
            OutputFormat::JsonlGz => "jsonl.gz",
            OutputFormat::Parquet => "parquet",
        }
    }

    /// Ending of the files of batches. Gzip members and Zstandard frames that follow each other are one file; tables are not, so they
    /// are written from lines in the end.
    pub(super) fn batch_ending(self) -> &'static str {
        match self {
            OutputFormat::Parquet => OutputFormat::JsonlZst.ending(),
            other => other.ending(),
        }
    }
}

impl std::str::FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [OutputFormat::Jsonl, OutputFormat::JsonlZst, OutputFormat::JsonlGz, OutputFormat::Parquet];
        let found = all.into_iter().find(|format| format.ending() == text);
        found.ok_or_else(|| format!("`{text}` is no format; use jsonl, jsonl.zst, jsonl.gz or parquet"))
    }
}

impl Default for BuildConfig {
    fn default() -> Self {
        BuildConfig {
            policies: Vec::new(),
            own_rules: None,
            duplicates: None,
            repeats: Vec::new(),
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

    /// The levels of repeated parts.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] for a name that is no preset, or one that stands twice.
    pub fn repeats(&self) -> Result<Vec<SpanOptions>, CorpusError> {
        let fail =
            |name: &str, expected: String| CorpusError::Setting { key: "repeats", value: name.to_owned(), expected };
        let mut levels: Vec<SpanOptions> = Vec::new();
        for name in &self.repeats {
            if levels.iter().any(|level| level.preset == *name) {
                return Err(fail(name, "different levels".to_owned()));
            }
            let expected = || format!("some of {}", SPAN_PRESETS.join(", "));
            levels.push(SpanOptions::preset(name).ok_or_else(|| fail(name, expected()))?);
        }
        Ok(levels)
    }

    pub(super) fn limits(&self) -> ExampleLimits {
        ExampleLimits {
            per_reason: self.clean.examples,
            sample: self.sample,
            characters: self.clean.excerpt_chars.max(1),
        }
    }
}
