//! What can be typed after `onto corpus sample` and `onto corpus diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `onto corpus sample`
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Files or folders. With --kept, --dropped or --dropped-by a folder made by `onto corpus build` or `decide` stands for the inputs
    /// it was made from.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Documents to take [default: 10].
    #[arg(long, short = 'n', value_name = "N")]
    pub documents: Option<usize>,
    /// Take every document with this chance instead.
    #[arg(long, value_name = "SHARE", conflicts_with = "documents", allow_negative_numbers = true)]
    pub share: Option<f64>,
    /// Take --documents of every group of these.
    #[arg(long, value_enum, value_name = "GROUP")]
    pub per: Option<SampleGroup>,
    /// Only of this source; * stands for anything; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// Only in this language (of the document, or told by its text); may be repeated.
    #[arg(long, value_name = "CODE")]
    pub lang: Vec<String>,
    /// Only documents that were kept.
    #[arg(long, conflicts_with_all = ["dropped", "dropped_by"])]
    pub kept: bool,
    /// Only documents that were dropped.
    #[arg(long)]
    pub dropped: bool,
    /// Only documents dropped by this step, test or rule; may be repeated.
    #[arg(long, value_name = "RULE")]
    pub dropped_by: Vec<String>,
    /// Decisions about the documents of the paths, in their order [default: those of the folder].
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// How to print [default: text on a terminal, else jsonl].
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: Option<SampleForm>,
    /// Characters of a document that text shows.
    #[arg(long, default_value_t = 600, value_name = "N")]
    pub characters: usize,
}

/// Groups of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SampleGroup {
    /// Of one source.
    Source,
    /// In one language.
    Lang,
    /// Dropped by one rule, or kept.
    Rule,
}

/// How a sample is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SampleForm {
    /// To be read.
    Text,
    /// A JSON line a document.
    Jsonl,
}

/// `onto corpus diff`
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// The first: documents, a corpus made here (with its decisions), decisions.jsonl, or a folder made by `onto corpus tag`.
    pub a: PathBuf,
    /// The second, of the same kind.
    pub b: PathBuf,
    /// By what documents are the same.
    #[arg(long, value_enum, default_value_t = DiffKey::Id, value_name = "KEY")]
    pub by: DiffKey,
    /// Examples of every kind of difference.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub examples: usize,
    /// End with code 1 when something differs.
    #[arg(long)]
    pub exit_code: bool,
    /// Folder for temporary files [default: the system's].
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// By what documents are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffKey {
    /// Their ids.
    Id,
    /// Their texts, where ids were given anew.
    Text,
}
