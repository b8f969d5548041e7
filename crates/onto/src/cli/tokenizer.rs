//! What can be typed after `onto tokenizer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lang::tokenizer::Format;

use super::regularize::RegularizationArguments;
use super::vocabulary::TokenizerTrainArguments;

/// `onto tokenizer …`
#[derive(Debug, Subcommand)]
pub enum TokenizerCommand {
    /// Train a vocabulary: BPE over bytes or characters, WordPiece, Unigram, words or characters.
    ///
    /// BPE is equal to what the trainer of Hugging Face makes of the same texts. Texts are read as streams, and --memory bounds what is
    /// kept of them: words that do not fit go to the disk meanwhile, and the rarest are left out if need be, which is said.
    Train(TokenizerTrainArguments),
    /// Token ids, tokens and offsets (bytes of the text, whole characters) of a text.
    Encode(TokenizerUseArguments),
    /// Text of token ids.
    Decode(TokenizerUseArguments),
    /// Show a text cut into tokens, or how a vocabulary fits texts.
    Inspect(TokenizerInspectArguments),
    /// Write a tokenizer into the folder --out in another format.
    Convert(TokenizerConvertArguments),
}

/// `onto tokenizer encode|decode|inspect`
#[derive(Debug, Args)]
pub struct TokenizerUseArguments {
    /// Folder with tokenizer.json, or a file: tokenizer.json, a SentencePiece .model, tiktoken ranks, vocab.txt, vocab.json with
    /// merges.txt beside it, a .gguf, or Mistral's tekken.json.
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// Text to encode, or ids to decode; `-` or nothing reads stdin.
    pub input: Vec<String>,
    /// Encoding: parse special tokens that stand in the text. Decoding: write them out.
    #[arg(long)]
    pub special: bool,
    /// Put the special tokens around the text that its model expects (a start and an end, for instance).
    #[arg(long)]
    pub add_special: bool,
    /// Many at once, a line of stdin each: to encode, a text as a JSON string; to decode, a JSON list of ids. Every line of
    /// stdout is the result as JSON.
    #[arg(long)]
    pub jsonl: bool,
    /// Encoding: only say how many tokens there are.
    #[arg(long)]
    pub count: bool,
    /// Cutting at random.
    #[command(flatten)]
    pub random: RegularizationArguments,
}

/// `onto tokenizer inspect`
#[derive(Debug, Args)]
pub struct TokenizerInspectArguments {
    /// Folder or file of the tokenizer, as for `encode`.
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// Text to show; `-` or nothing reads stdin.
    pub input: Vec<String>,
    /// Parse special tokens that stand in the text.
    #[arg(long)]
    pub special: bool,
    /// Write the text with its tokens as a page of its own into this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Instead of showing a text, say how the vocabulary fits the texts in these files or folders: tokens a word for every
    /// language, tokens that are never used, tokens that no text gives.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["input", "special"])]
    pub stats: Vec<PathBuf>,
    /// Instead of showing a text, show conversations (JSON lines of `messages`) as the model gets them, with the loss mask in
    /// colour.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "special", "stats"])]
    pub chat: Option<PathBuf>,
    /// With --chat: the chat template, where it is not that of the tokenizer's folder.
    #[arg(long, value_name = "FILE", requires = "chat")]
    pub template: Option<PathBuf>,
    /// With --chat: learn the last turn of the model alone.
    #[arg(long, requires = "chat")]
    pub last: bool,
}

/// `onto tokenizer convert`
#[derive(Debug, Args)]
pub struct TokenizerConvertArguments {
    /// Folder or file of the tokenizer, as for `encode`; GGUF files and Mistral's tekken.json too.
    #[arg(long, short, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// tokenizer.json, sentencepiece, tiktoken, vocab.txt, gpt2 (vocab.json and merges.txt) or gguf (without weights).
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub to: Format,
}

fn format(name: &str) -> Result<Format, String> {
    Format::named(name).ok_or_else(|| format!("known are {}", Format::names().collect::<Vec<_>>().join(", ")))
}
