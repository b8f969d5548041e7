//! One document of a corpus, as it stands in JSONL and Parquet: `text`, `id`, `source`, `url`, `date`, `lang` and
//! whatever metadata came with it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One document. Only `text` is required when reading; `id` is filled in by the reader where it is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Stable name of the document inside its corpus.
    #[serde(default)]
    pub id: String,
    /// The text itself, valid UTF-8.
    pub text: String,
    /// Where it came from: a file, a crawl, a generator.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Date as the source wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// ISO 639-1 code, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Every other column of the record.
    #[serde(flatten)]
    pub meta: Map<String, Value>,
}
