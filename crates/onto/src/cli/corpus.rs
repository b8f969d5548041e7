//! What can be typed after `onto corpus`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::dedup::{DecontaminateArguments, DedupArguments, PlanArguments};

/// `onto corpus …`
#[derive(Debug, Subcommand)]
pub enum CorpusCommand {
    /// Make Microworld text with its truth beside it.
    Make(MakeArguments),
    /// Clean documents: files or folders of .txt .md .jsonl(.gz|.zst) .parquet.
    Build(BuildArguments),
    /// Documents, bytes, words, languages and lengths.
    Stats(PathsArguments),
    /// What the cleaning would decide about each document, one JSON line a document.
    Inspect(PathsArguments),
    /// Replace personal data by placeholders, one JSON line a document.
    Redact(PathsArguments),
    /// Find duplicates in bounded memory: documents, lines, sentences, paragraphs, repeated substrings.
    ///
    /// With --out the documents that stay become an artifact, with a list of all clusters (or of all parts cut out) beside them.
    Dedup(DedupArguments),
    /// Find the documents that hold items of evaluation sets, however their case, punctuation or white space was changed.
    Decontaminate(DecontaminateArguments),
    /// Predict disk, memory and time of deduplication from a sample.
    Plan(PlanArguments),
    /// The main text of pages, one JSON line a page.
    Extract(ExtractArguments),
    /// Write the documents of any readable inputs as JSON lines, a Parquet table or text.
    Convert(ConvertArguments),
}

/// `onto corpus make`
#[derive(Debug, Args)]
pub struct MakeArguments {
    /// Documents to make.
    #[arg(long, default_value_t = 2000, allow_negative_numbers = true)]
    pub documents: usize,
    /// Share of Chinese text.
    #[arg(long, default_value_t = 0.3, allow_negative_numbers = true)]
    pub chinese_share: f64,
    /// Scales the planted noise: 0 none, 1 the quickstart's.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub noise: f64,
}

/// `onto corpus extract`
#[derive(Debug, Args)]
pub struct ExtractArguments {
    /// Pages, folders of pages, web archives.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Who finds the text.
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub extractor: ExtractorName,
}

/// `onto corpus convert`
#[derive(Debug, Args)]
pub struct ConvertArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// What to write.
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: TargetName,
    /// Who finds the text of pages.
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub extractor: ExtractorName,
    /// Which paths of a dialogue tree become documents.
    #[arg(long, value_enum, default_value_t, value_name = "PATHS")]
    pub dialogues: DialoguePaths,
}

/// Extractors by name.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum ExtractorName {
    /// Rules over the page, with second opinions.
    #[default]
    Trafilatura,
    /// Mozilla's algorithm; three times as fast.
    Readability,
    /// What either of them finds.
    Union,
}

impl From<ExtractorName> for corpus::extract::Extractor {
    fn from(name: ExtractorName) -> Self {
        match name {
            ExtractorName::Trafilatura => Self::Trafilatura,
            ExtractorName::Readability => Self::Readability,
            ExtractorName::Union => Self::Union,
        }
    }
}

/// Forms by name.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum TargetName {
    /// JSON lines.
    #[value(name = "jsonl")]
    JsonLines,
    /// JSON lines, gzip.
    #[value(name = "jsonl.gz")]
    JsonLinesGzip,
    /// JSON lines, Zstandard.
    #[value(name = "jsonl.zst")]
    JsonLinesZstd,
    /// A Parquet table.
    Parquet,
    /// Texts with separator lines.
    #[value(name = "txt")]
    Text,
}

impl From<TargetName> for corpus::convert::Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::JsonLines => Self::JsonLines,
            TargetName::JsonLinesGzip => Self::JsonLinesGzip,
            TargetName::JsonLinesZstd => Self::JsonLinesZstd,
            TargetName::Parquet => Self::Parquet,
            TargetName::Text => Self::Text,
        }
    }
}

/// Paths of dialogue trees.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum DialoguePaths {
    /// The best-ranked replies.
    #[default]
    Best,
    /// Every path, a document each.
    All,
}

impl From<DialoguePaths> for corpus::read::Paths {
    fn from(name: DialoguePaths) -> Self {
        match name {
            DialoguePaths::Best => Self::Best,
            DialoguePaths::All => Self::All,
        }
    }
}

/// `onto corpus build`
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// JSONL of evaluation items or texts that must not be in the result.
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,
    /// Labels of planted noise (truth.jsonl) to score the cleaning against.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
}

/// Files or folders.
#[derive(Debug, Args)]
pub struct PathsArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}
