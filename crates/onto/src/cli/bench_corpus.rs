//! What can be typed after `onto bench corpus`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `onto bench corpus …`
#[derive(Debug, Subcommand)]
pub enum BenchCorpusCommand {
    /// Find duplicates among documents: bytes of text a second for the fingerprints, and for all of it with sorting on disk,
    /// comparing and clustering.
    Dedup(BenchDedupArguments),
}

/// `onto bench corpus dedup`
#[derive(Debug, Args)]
pub struct BenchDedupArguments {
    /// Files or folders of documents.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Settings by name, as `onto corpus dedup` takes them.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub preset: String,
    /// Seconds every measurement takes.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = super::bench::seconds)]
    pub seconds: f64,
}
