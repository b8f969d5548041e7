//! What can be typed after `onto bench corpus`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::corpus::SignalArguments;

/// `onto bench corpus …`
#[derive(Debug, Subcommand)]
pub enum BenchCorpusCommand {
    /// Measure all signals of documents: bytes of text a second, with the language and without it.
    Tag(BenchTagArguments),
    /// Read JSON lines, decide over them by a policy from the table of their signals, write those that stay: bytes of the files a
    /// second, on one thread.
    Decide(BenchDecideArguments),
    /// Find duplicates among documents: bytes of text a second for the fingerprints, and for all of it with sorting on disk,
    /// comparing and clustering.
    Dedup(BenchDedupArguments),
    /// Build a corpus: bytes of text a second from the files, through a policy and the search for duplicates, to the files written.
    Build(BenchBuildArguments),
}

/// `onto bench corpus tag`
#[derive(Debug, Args)]
pub struct BenchTagArguments {
    /// Files or folders of documents.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Lists and models, whose signals are measured too.
    #[command(flatten)]
    pub signals: SignalArguments,
    /// Seconds every measurement takes.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = super::bench::seconds)]
    pub seconds: f64,
}

/// `onto bench corpus decide`
#[derive(Debug, Args)]
pub struct BenchDecideArguments {
    /// Files or folders of documents.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Preset that decides.
    #[arg(long, value_name = "NAME", default_value = "gopher")]
    pub policy: String,
    /// Seconds the measurement takes.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = super::bench::seconds)]
    pub seconds: f64,
}

/// `onto bench corpus build`
#[derive(Debug, Args)]
pub struct BenchBuildArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Preset that decides.
    #[arg(long, value_name = "NAME", default_value = "fineweb")]
    pub policy: String,
    /// Preset of duplicates.
    #[arg(long, value_name = "NAME", default_value = "fineweb")]
    pub duplicates: String,
    /// Mask personal data too.
    #[arg(long)]
    pub personal_data: bool,
    /// Seconds the measurement takes.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = super::bench::seconds)]
    pub seconds: f64,
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
