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
