//! What can be typed: one definition that feeds parsing and help.

mod bench;
mod bench_corpus;
mod corpus;
mod dedup;
mod instances;
mod looking;
mod regularize;
mod replay;
mod tokenizer;
mod vocabulary;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use bench::{BenchCommand, BenchFamily, BenchOpsArguments, BenchTokenizerArguments, BenchTrainArguments};
pub use bench_corpus::{
    BenchBuildArguments, BenchCorpusCommand, BenchDecideArguments, BenchDedupArguments, BenchTagArguments,
};
pub use corpus::{
    BuildArguments, ClassifierCommand, ClassifierScoreArguments, ClassifierTrainArguments, ConvertArguments,
    CorpusCommand, DecideArguments, ExtractArguments, InspectArguments, MakeArguments, MixArguments, PathsArguments,
    RedactArguments, ShardFormat, ShardsArguments, SignalArguments, TagArguments,
};
pub use dedup::{DecontaminateArguments, DedupArguments, DedupLevel, PlanArguments, Stays};
pub use instances::{
    CheckArguments, ImportArguments, InstancesCommand, InvertArguments, SelfInstructArguments, TemplateArguments,
};
pub use looking::{DiffArguments, DiffKey, SampleArguments, SampleForm, SampleGroup};
pub use replay::{
    CooldownArguments, ModelStageArguments, ModelStageCommand, ReplayArguments, StageArguments, StageCommand,
};
pub use tokenizer::{TokenizerCommand, TokenizerConvertArguments, TokenizerInspectArguments, TokenizerUseArguments};
pub use vocabulary::{Model, TokenizerTrainArguments};

/// Grow a language model through its whole life: raw text, clean corpus, tokenizer, pre-training, instruction tuning,
/// alignment, use, evaluation.
#[derive(Debug, Parser)]
#[command(name = "onto", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags every command takes.
    #[command(flatten)]
    pub global: Global,
}

/// Recipes are TOML, whose integers have a sign.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Flags every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Put one JSON object on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// Threads to compute with [default: all cores]; results are the same for any number.
    #[arg(long, global = true, env = "ONTO_THREADS", value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Instruction set of the kernels: scalar, avx2, avx512 or amx [default: the widest there is].
    #[arg(long, global = true, env = "ONTO_ISA", value_name = "ISA")]
    pub isa: Option<tensor::Isa>,
    /// Seed of everything random [default: the recipe's].
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(..=LARGEST_SEED))]
    pub seed: Option<u64>,
    /// Refuse to start work that needs more memory than this, such as 2GiB; work that can do with less keeps to it.
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size, allow_negative_numbers = true)]
    pub memory: Option<u64>,
    /// Change one key of the recipe, such as pretrain.steps=200; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder to write to.
    #[arg(long, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only errors on stderr.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// No progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Live a whole life: every stage of a recipe, skipping what is done. No recipe: the embedded quickstart.
    Run(RunArguments),
    /// Make, clean and look at corpora.
    #[command(subcommand)]
    Corpus(CorpusCommand),
    /// Train and use tokenizers.
    #[command(subcommand)]
    Tokenizer(TokenizerCommand),
    /// Make instances to tune on: from chat data, from task data sets, by a model itself.
    #[command(subcommand)]
    Instances(InstancesCommand),
    /// Counting models.
    #[command(subcommand)]
    Ngram(NgramCommand),
    /// Train a model from scratch on a clean corpus.
    Pretrain(StageArguments),
    /// Teach a model to follow instructions.
    Tune(ModelStageArguments),
    /// Teach a model what people prefer (DPO).
    Align(ModelStageArguments),
    /// Log-probability, perplexity and bits per byte of a text under a model.
    Score(ScoreArguments),
    /// Continue a prompt.
    Generate(GenerateArguments),
    /// Talk with a model.
    Chat(ChatArguments),
    /// Measure a model on tasks.
    Eval(EvalArguments),
    /// Measure how fast this program is on this machine.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// What a model, tokenizer or artifact is.
    Info(InfoArguments),
    /// What this machine offers and whether everything works on it.
    Doctor,
}

/// `onto run`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// A recipe file; none: the embedded quickstart.
    pub recipe: Option<PathBuf>,
    /// Make this stage and all after it again (source, clean, tokenizer, shards, instances, baselines, base, tuned,
    /// aligned, evaluation).
    #[arg(long, value_name = "STAGE")]
    pub redo: Option<String>,
    /// Print the resolved recipe and stop.
    #[arg(long)]
    pub dry_run: bool,
}

/// `onto ngram …`
#[derive(Debug, Subcommand)]
pub enum NgramCommand {
    /// Count an interpolated modified Kneser–Ney model over tokens.
    Train(NgramTrainArguments),
}

/// `onto ngram train`
#[derive(Debug, Args)]
pub struct NgramTrainArguments {
    /// Files or folders of text.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Folder with tokenizer.json, or the file.
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// Order: a model of order n conditions on n-1 tokens.
    #[arg(long, default_value_t = 4, allow_negative_numbers = true)]
    pub order: usize,
}

/// `onto pretrain|tune|align`
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Recipe whose section sets the stage; none: the embedded quickstart's.
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Text files or folders (pretrain), JSONL of `messages` (tune) or of `prompt`, `chosen`, `rejected` (align).
    #[arg(long, short, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// Model to start from (tune, align).
    #[arg(long, short, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Folder with tokenizer.json (pretrain; tune and align take the model's).
    #[arg(long, short, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
}

/// `onto score`
#[derive(Debug, Args)]
pub struct ScoreArguments {
    /// Model folder.
    #[arg(long, short, value_name = "DIR")]
    pub model: PathBuf,
    /// Text file; `-` or nothing reads stdin.
    #[arg(long, short, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// Tokenizer, where the model's folder has none.
    #[arg(long, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
}

/// How to sample.
#[derive(Clone, Debug, Args)]
pub struct SamplingArguments {
    /// 0 takes the likeliest token; higher is more varied.
    #[arg(long, default_value_t = 0.7, allow_negative_numbers = true)]
    pub temperature: f32,
    /// Only the K likeliest tokens; 0 turns it off.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub top_k: usize,
    /// Only the smallest set of tokens with this probability; 1 turns it off.
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    pub top_p: f32,
    /// Divides the scores of tokens already seen (CTRL); 1 turns it off.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub repetition_penalty: f32,
    /// Most tokens to write.
    #[arg(long, default_value_t = 256, allow_negative_numbers = true)]
    pub max_tokens: usize,
}

/// `onto generate`
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Model folder.
    #[arg(long, short, value_name = "DIR")]
    pub model: PathBuf,
    /// Text to continue; nothing starts from the beginning, `-` reads stdin.
    #[arg(long, short)]
    pub prompt: Option<String>,
    /// Put the prompt through the chat template as a person's turn.
    #[arg(long)]
    pub chat: bool,
    /// How to sample.
    #[command(flatten)]
    pub sampling: SamplingArguments,
}

/// `onto chat`
#[derive(Debug, Args)]
pub struct ChatArguments {
    /// Model folder.
    #[arg(long, short, value_name = "DIR")]
    pub model: PathBuf,
    /// Standing instructions.
    #[arg(long)]
    pub system: Option<String>,
    /// How to sample.
    #[command(flatten)]
    pub sampling: SamplingArguments,
}

/// `onto eval`
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Model folder.
    #[arg(long, short, value_name = "DIR")]
    pub model: PathBuf,
    /// JSONL of evaluation items (`task`, `prompt`, `answer`); none: fresh held-out Microworld items.
    #[arg(long, value_name = "FILE")]
    pub tasks: Option<PathBuf>,
    /// Held-out items for each task where they are made.
    #[arg(long, default_value_t = 100, allow_negative_numbers = true)]
    pub items: usize,
    /// Most tokens of an answer.
    #[arg(long, default_value_t = 96, allow_negative_numbers = true)]
    pub max_tokens: usize,
}

/// `onto info`
#[derive(Debug, Args)]
pub struct InfoArguments {
    /// A model, tokenizer, corpus or any other artifact.
    pub path: PathBuf,
}

/// Bytes in a size such as `512MiB`, `2GiB` or `4GB`.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1u64,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        other => return Err(format!("`{other}` is no unit of bytes; use KiB, MiB or GiB")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| format!("`{text}` is no size; write 512MiB or 2GiB"))?;
    if !(number > 0.0 && number.is_finite()) {
        return Err(format!("`{text}` is no size; write 512MiB or 2GiB"));
    }
    Ok((number * unit as f64) as u64)
}
