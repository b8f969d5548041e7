//! What can be typed after `onto bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::bench_corpus::BenchCorpusCommand;
use super::vocabulary::Model;

/// `onto bench …`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Train a model on random tokens: tokens a second, share of the machine's peak, memory, and where the time goes.
    ///
    /// The steps are those of `onto pretrain` (forward, loss, backward, clipping by the global norm, AdamW), on one batch
    /// of random tokens that is read again in every step, so the loss falls. Operations are counted as the model needs
    /// them: 6 for every weight of a matrix product and token, and 12 * layers * width * time / 2 a token for causal
    /// attention; an encoder sees all of a row, and its head only the masked tokens. The peak is measured before and after the steps, by a loop that stays in registers, on all threads.
    Train(BenchTrainArguments),
    /// Time the operations that a training step is made of, alone: their rate and their share of the machine's peak.
    ///
    /// Products are counted in GFLOP/s against the arithmetic peak (attention as a causal model needs it), norms and
    /// activations in GB/s against the rate at which memory can be read; what fits the caches can be faster than that.
    Ops(BenchOpsArguments),
    /// Encode texts with a tokenizer: bytes a second on one thread and on all. Or train one.
    ///
    /// Texts are encoded as documents of at most 64 KiB that end with a line; beside them characters of
    /// ten kinds (a letter, a space, a line feed, an emoji ...), each repeated for a mebibyte. The best of the rounds that fit the time counts.
    Tokenizer(BenchTokenizerArguments),
    /// Work on corpora.
    #[command(subcommand)]
    Corpus(BenchCorpusCommand),
}

/// `onto bench train`
#[derive(Debug, Args)]
pub struct BenchTrainArguments {
    /// Model and batch: tiny (4 layers, width 128, vocabulary 512, 16 x 64 tokens), small (6 layers, width 384,
    /// vocabulary 8192, 8 x 512), gpt2 (12 layers, width 768, vocabulary 50257, 4 x 512), bert (12 layers, width 384,
    /// vocabulary 8192, 8 x 512, an encoder that fills 15 % of the tokens) or lstm (2 layers, width 650, vocabulary
    /// 10000, 20 x 35).
    #[arg(long, short, value_name = "PRESET", default_value = "small")]
    pub preset: String,
    /// Shape of a decoder: GPT-2's, in which PyTorch is usually measured, or LLaMA's with as many weights in a block
    /// [default: gpt2].
    #[arg(long, value_enum)]
    pub family: Option<BenchFamily>,
    /// Arithmetic of the matrix products.
    #[arg(long, value_enum, default_value_t = BenchDtype::Auto)]
    pub dtype: BenchDtype,
    /// What of the forward pass is kept: all that derivatives read, or what each block reads, which is less memory for the
    /// same weights and about a quarter more time.
    #[arg(long, value_enum, default_value_t = BenchCheckpointing::None, value_name = "PARTS")]
    pub activation_checkpointing: BenchCheckpointing,
    /// Micro-batches that the batch of an update is cut into.
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub gradient_accumulation: u64,
    /// The rule that makes steps of gradients.
    #[arg(long, value_enum, default_value_t = BenchOptimizer::Adamw)]
    pub optimizer: BenchOptimizer,
    /// Steps that are measured.
    #[arg(long, default_value_t = 10, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub steps: u64,
    /// Steps before them that are not.
    #[arg(long, default_value_t = 2, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub warmup: u64,
}

/// `onto bench ops`
#[derive(Debug, Args)]
pub struct BenchOpsArguments {
    /// The model whose shapes are measured: tiny, small, gpt2, bert or lstm [default: small and gpt2].
    #[arg(long, short, value_name = "PRESET")]
    pub preset: Option<String>,
    /// Arithmetic of the matrix products.
    #[arg(long, value_enum, default_value_t = BenchDtype::Auto)]
    pub dtype: BenchDtype,
}

/// `onto bench tokenizer`
#[derive(Debug, Args)]
pub struct BenchTokenizerArguments {
    /// Folder with tokenizer.json, or any file `onto tokenizer encode` takes.
    #[arg(long, short, value_name = "PATH", required_unless_present = "train")]
    pub tokenizer: Option<PathBuf>,
    /// Train a vocabulary for this model instead, on the texts again and again up to --size, with the usual settings.
    #[arg(long, value_enum, value_name = "MODEL", conflicts_with = "tokenizer")]
    pub train: Option<Model>,
    /// With --train: bytes of text [default: the texts once].
    #[arg(long, value_name = "SIZE", value_parser = super::parse_size, requires = "train", allow_negative_numbers = true)]
    pub size: Option<u64>,
    /// With --train: tokens in the vocabulary.
    #[arg(long, value_name = "N", default_value_t = 32_768, allow_negative_numbers = true)]
    pub vocab_size: usize,
    /// Texts to encode, or to train on.
    #[arg(required = true, value_name = "FILE")]
    pub paths: Vec<PathBuf>,
    /// Seconds every measurement takes.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: f64,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0 to 3600 is expected".to_owned()),
    }
}

/// The shape of a measured model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchFamily {
    /// LayerNorm, learned positions, GELU, biases.
    Gpt2,
    /// RMSNorm, rotary positions, SwiGLU.
    Llama,
}

impl BenchFamily {
    /// Its name, as a person types it.
    pub fn name(self) -> &'static str {
        match self {
            BenchFamily::Gpt2 => "gpt2",
            BenchFamily::Llama => "llama",
        }
    }
}

/// The arithmetic of matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchDtype {
    /// 32-bit floats.
    F32,
    /// bfloat16 products summed in 32 bits.
    Bf16,
    /// bf16 where AMX multiplies, f32 elsewhere; the report says which.
    Auto,
}

/// What is kept of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchCheckpointing {
    /// All that derivatives read.
    None,
    /// What each block reads.
    Block,
}

impl From<BenchCheckpointing> for train::Checkpointing {
    fn from(checkpointing: BenchCheckpointing) -> Self {
        match checkpointing {
            BenchCheckpointing::None => train::Checkpointing::None,
            BenchCheckpointing::Block => train::Checkpointing::Block,
        }
    }
}

/// An optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchOptimizer {
    /// AdamW for every parameter.
    Adamw,
    /// Muon for the matrices of the blocks, AdamW for the rest.
    Muon,
    /// Lion for every parameter.
    Lion,
    /// Gradient descent with momentum.
    Sgd,
    /// Adafactor for every parameter.
    Adafactor,
}

impl From<BenchOptimizer> for train::OptimizerKind {
    fn from(optimizer: BenchOptimizer) -> Self {
        match optimizer {
            BenchOptimizer::Adamw => train::OptimizerKind::AdamW,
            BenchOptimizer::Muon => train::OptimizerKind::Muon,
            BenchOptimizer::Lion => train::OptimizerKind::Lion,
            BenchOptimizer::Sgd => train::OptimizerKind::Sgd,
            BenchOptimizer::Adafactor => train::OptimizerKind::Adafactor,
        }
    }
}

impl From<BenchDtype> for train::Precision {
    fn from(dtype: BenchDtype) -> Self {
        match dtype {
            BenchDtype::F32 => train::Precision::F32,
            BenchDtype::Bf16 => train::Precision::Bf16,
            BenchDtype::Auto => train::Precision::auto(),
        }
    }
}
