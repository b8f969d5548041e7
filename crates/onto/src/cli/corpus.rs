//! What can be typed after `onto corpus`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::dedup::{DecontaminateArguments, DedupArguments, PlanArguments};
use super::looking::{DiffArguments, SampleArguments};

/// `onto corpus …`
#[derive(Debug, Subcommand)]
pub enum CorpusCommand {
    /// Make Microworld text with its truth beside it.
    Make(MakeArguments),
    /// From files of any size to a clean corpus with a data card; a build that was stopped goes on where it was.
    Build(BuildArguments),
    /// Documents, bytes, words, languages and lengths.
    Stats(PathsArguments),
    /// Signals of each document and what a policy, or the cleaning of a recipe, decides: one JSON line a document.
    Inspect(InspectArguments),
    /// Some documents, drawn evenly by --seed from any input: all, or those of a source, a language, a decision or a rule.
    Sample(SampleArguments),
    /// What differs between two corpora, two lists of decisions or two tables of signals, however large.
    Diff(DiffArguments),
    /// Measure every document once: signals as Parquet tables, from which policies decide.
    Tag(TagArguments),
    /// Decide over tagged documents by a policy, and say what would flip against another.
    Decide(DecideArguments),
    /// Train and use a classifier of quality.
    #[command(subcommand)]
    Classifier(ClassifierCommand),
    /// Replace personal data by placeholders, one JSON line a document.
    Redact(RedactArguments),
    /// Draw documents from sources to target shares.
    Mix(MixArguments),
    /// Encode documents into the token files that trainers read.
    Shards(ShardsArguments),
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
    /// Files or folders; s3://, gs:// and az:// URLs too where the program was built with those stores.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// TOML file with the settings; --set changes one of them.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Decide by this policy (gopher, c4, fineweb, refinedweb, dclm, dolma, or a TOML file) instead of this program's own rules;
    /// may be repeated.
    #[arg(long, value_name = "NAME")]
    pub policy: Vec<String>,
    /// What counts as a duplicate: a preset such as fineweb or exact; none keeps duplicates.
    #[arg(long, value_name = "PRESET")]
    pub duplicates: Option<String>,
    /// Cut repeated parts out of the documents that are no duplicates: line, sentence, paragraph, substring (runs of 50 tokens) or
    /// another preset of `onto corpus dedup`; may be repeated, the levels follow each other.
    #[arg(long, value_name = "LEVEL")]
    pub repeats: Vec<String>,
    /// How the corpus is written: jsonl, jsonl.zst, jsonl.gz or parquet.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<corpus::build::OutputFormat>,
    /// JSONL of evaluation items that must not be in the result.
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,
    /// Labels of planted noise (truth.jsonl) to score the cleaning against.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    #[command(flatten)]
    pub signals: SignalArguments,
}

/// `onto corpus redact`
#[derive(Debug, Args)]
pub struct RedactArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Only these kinds: email, iban, id_card, card, ip, ssn, phone, address, name [default: all].
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    pub kinds: Option<Vec<String>>,
    /// What stands for a piece; {KIND} and {kind} become its kind, {hash} a keyed hash of its value.
    #[arg(long, default_value = "<{KIND}>", value_name = "TEMPLATE")]
    pub placeholder: String,
    /// File whose bytes are the key of {hash}.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Leave IP addresses of private, local and documentation networks alone.
    #[arg(long)]
    pub public_ip_only: bool,
    /// The rules and replacements of another program: datatrove or dolma.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kinds", "placeholder", "key_file", "public_ip_only"])]
    pub preset: Option<String>,
}

/// `onto corpus mix`
#[derive(Debug, Args)]
pub struct MixArguments {
    /// Mixture: TOML with a `[[source]]` each of name, path and share, repeat or choose.
    #[arg(value_name = "MIX.toml")]
    pub file: Option<PathBuf>,
    /// A source, or the files of a source of the mixture; may be repeated.
    #[arg(long, value_name = "NAME=PATH:SHARE")]
    pub source: Vec<String>,
    /// A published mixture; --list shows them.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Show published mixtures (all, or the one of --preset) and stop.
    #[arg(long)]
    pub list: bool,
    /// How many tokens to draw, where weights are shares.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens: Option<u64>,
    /// Tokenizer to count with [default: words and Chinese characters are counted].
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: Option<PathBuf>,
    /// Divide shares by their sum where that is not 1.
    #[arg(long)]
    pub normalise: bool,
    /// Take shares from the sizes of the sources: p ~ n^A.
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    pub temperature: Option<f64>,
}

/// `onto corpus shards`
#[derive(Debug, Args)]
pub struct ShardsArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Tokenizer: tokenizer.json, a .model, .tiktoken or vocab file, or a folder with one.
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// Whose reader they are for.
    #[arg(long, value_enum, default_value_t = ShardFormat::Megatron)]
    pub format: ShardFormat,
    /// A part and its share of the documents; may be repeated [default: train=1].
    #[arg(long, value_name = "NAME=SHARE")]
    pub split: Vec<String>,
    /// Divide the shares of --split by their sum where that is not 1.
    #[arg(long)]
    pub normalise: bool,
    /// Leave documents in reading order; they are shuffled by --seed otherwise.
    #[arg(long)]
    pub in_order: bool,
    /// No token at the end of each document.
    #[arg(long)]
    pub no_end: bool,
}

/// Formats of token files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShardFormat {
    /// Megatron-LM: .bin and .idx.
    Megatron,
    /// datatrove and nanotron: .ds, .ds.index, .ds.metadata.
    Ds,
    /// dolma and OLMo: .npy without a header, .csv.gz.
    Npy,
}

impl ShardFormat {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            ShardFormat::Megatron => "megatron",
            ShardFormat::Ds => "ds",
            ShardFormat::Npy => "npy",
        }
    }
}

/// Files or folders.
#[derive(Debug, Args)]
pub struct PathsArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}

/// Lists and models that some signals need.
#[derive(Debug, Args)]
pub struct SignalArguments {
    /// Count pieces of personal data too (`build` does so where a policy asks).
    #[arg(long)]
    pub personal: bool,
    /// List of bad words, or a folder of lists named after their languages (en, zh, …).
    #[arg(long, value_name = "PATH")]
    pub bad_words: Option<PathBuf>,
    /// Folder with lists of addresses: domains, substrings, hard, soft.
    #[arg(long, value_name = "DIR")]
    pub url_lists: Option<PathBuf>,
    /// Classifier of quality, made by `onto corpus classifier train`.
    #[arg(long, value_name = "DIR")]
    pub classifier: Option<PathBuf>,
    /// Language model that scores perplexity: any that `onto score` takes.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Folder of its tokenizer, when that is not beside it.
    #[arg(long, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
}

/// `onto corpus inspect`
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Who decides: gopher, c4, fineweb, fineweb-paper, refinedweb, dclm, dolma, or a TOML file [default: the cleaning of a recipe].
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
    #[command(flatten)]
    pub signals: SignalArguments,
}

/// `onto corpus tag`
#[derive(Debug, Args)]
pub struct TagArguments {
    /// Files or folders.
    #[arg(required_unless_present = "columns")]
    pub paths: Vec<PathBuf>,
    /// List every column with what it says, and end.
    #[arg(long)]
    pub columns: bool,
    #[command(flatten)]
    pub signals: SignalArguments,
}

/// `onto corpus decide`
#[derive(Debug, Args)]
pub struct DecideArguments {
    /// Folder made by `onto corpus tag`, or one of its Parquet files.
    pub table: PathBuf,
    /// Who decides: gopher, c4, fineweb, fineweb-paper, refinedweb, dclm, dolma, or a TOML file.
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: String,
    /// Another policy: what would flip from it to the first one.
    #[arg(long, value_name = "NAME|FILE")]
    pub against: Option<String>,
    /// Explain the verdict on one document: every rule, its condition and the values it read.
    #[arg(long, value_name = "ID", conflicts_with = "against")]
    pub explain: Option<String>,
    /// Percentiles of perplexity at which head and middle end.
    #[arg(long, value_name = "HEAD,MIDDLE", default_value = "30,60", value_parser = percentiles)]
    pub buckets: (f64, f64),
}

fn percentiles(text: &str) -> Result<(f64, f64), String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match numbers[..] {
        [head, middle] if (0.0..=100.0).contains(&head) && (head..=100.0).contains(&middle) => Ok((head, middle)),
        _ => Err("two percentiles from 0 to 100 are expected, such as 30,60".to_owned()),
    }
}

/// `onto corpus classifier …`
#[derive(Debug, Subcommand)]
pub enum ClassifierCommand {
    /// Learn from a folder of good documents and one of bad ones.
    Train(ClassifierTrainArguments),
    /// Score documents, one JSON line a document.
    Score(ClassifierScoreArguments),
}

/// `onto corpus classifier train`
#[derive(Debug, Args)]
pub struct ClassifierTrainArguments {
    /// Good documents: files or folders.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    pub positive: Vec<PathBuf>,
    /// Bad documents.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    pub negative: Vec<PathBuf>,
    /// Passes over the documents.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub epochs: u64,
    /// Longest run of words that is a feature.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=5))]
    pub words: u64,
    /// Buckets of features, as a power of two.
    #[arg(long, default_value_t = 18, value_name = "N", value_parser = clap::value_parser!(u64).range(8..=26))]
    pub bucket_bits: u64,
}

/// `onto corpus classifier score`
#[derive(Debug, Args)]
pub struct ClassifierScoreArguments {
    /// Folder of the classifier.
    #[arg(long, value_name = "DIR")]
    pub classifier: PathBuf,
    /// Files or folders.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Field of the documents with a label (true or false, 1 or 0): the area under the ROC curve is told on stderr.
    #[arg(long, value_name = "FIELD")]
    pub label: Option<String>,
}
