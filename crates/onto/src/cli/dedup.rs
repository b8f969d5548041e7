//! What can be typed after `onto corpus dedup`, `onto corpus decontaminate` and `onto corpus plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `onto corpus dedup`
#[derive(Debug, Args)]
pub struct DedupArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// What is compared: whole documents, or parts of them.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub level: Option<DedupLevel>,
    /// Settings by name. Documents: default, exact, fineweb, datatrove, refinedweb, redpajama-0.7, redpajama-0.8,
    /// redpajama-0.9, nemo, data-juicer, text-dedup. Parts: line, sentence, paragraph, substring, bytes, c4,
    /// datatrove-sentence, ccnet, llama3.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Jaccard similarity of shingles from which documents are duplicates; candidates are compared.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub threshold: Option<f64>,
    /// Compare candidates, also with presets that take two documents with a common band for duplicates.
    #[arg(long)]
    pub verify: bool,
    /// Which document of a cluster stays.
    #[arg(long, value_enum, default_value_t = Stays::First)]
    pub keep: Stays,
    /// Parts: units (lines, sentences, tokens, …) in a run that is compared.
    #[arg(long, value_name = "N")]
    pub span: Option<usize>,
    /// Parts: a changed document with fewer words than this is dropped.
    #[arg(long, value_name = "N")]
    pub min_words: Option<usize>,
    /// Folder for temporary files [default: the folder of --out, else the system's].
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DedupLevel {
    /// Whole documents: exact and near duplicates.
    Document,
    /// Lines.
    Line,
    /// Sentences.
    Sentence,
    /// Blocks between blank lines.
    Paragraph,
    /// Runs of fifty tokens, wherever they begin.
    Substring,
    /// Runs of a hundred bytes.
    Bytes,
}

impl DedupLevel {
    /// The preset of the same name.
    pub fn name(self) -> &'static str {
        match self {
            DedupLevel::Document => "default",
            DedupLevel::Line => "line",
            DedupLevel::Sentence => "sentence",
            DedupLevel::Paragraph => "paragraph",
            DedupLevel::Substring => "substring",
            DedupLevel::Bytes => "bytes",
        }
    }
}

/// Which document of a cluster stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stays {
    /// The first in the order of the corpus.
    First,
    /// The longest, the first of these.
    Longest,
}

/// `onto corpus decontaminate`
#[derive(Debug, Args)]
pub struct DecontaminateArguments {
    /// Files or folders of documents.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Evaluation sets: files or folders of .jsonl, .json, .txt (also .gz, .zst); may be repeated.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub against: Vec<PathBuf>,
    /// Settings by name: default (8-grams weighted by rarity), gpt3 (any 13-gram), palm (share of 8-grams), janitor
    /// (lm-evaluation-harness), datatrove (12-grams), decon (weighted 5-grams).
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub preset: String,
    /// Share of an item's runs from which it counts as contained.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub threshold: Option<f64>,
}

/// `onto corpus plan`
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// Files or folders of documents.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Settings of deduplication by name, as `onto corpus dedup` takes them.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub preset: String,
}
