//! What can be typed after `onto tokenizer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `onto tokenizer …`
#[derive(Debug, Subcommand)]
pub enum TokenizerCommand {
    /// Train a byte-level BPE vocabulary.
    Train(TokenizerTrainArguments),
    /// Token ids, tokens and offsets (bytes of the text, whole characters) of a text.
    Encode(TokenizerUseArguments),
    /// Text of token ids.
    Decode(TokenizerUseArguments),
    /// Show a text cut into tokens.
    Inspect(TokenizerUseArguments),
}

/// `onto tokenizer train`
#[derive(Debug, Args)]
pub struct TokenizerTrainArguments {
    /// Files or folders of text.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Tokens in the vocabulary, special ones included.
    #[arg(long, default_value_t = 4096, allow_negative_numbers = true)]
    pub vocab_size: usize,
    /// Pairs seen less often are not merged.
    #[arg(long, default_value_t = 2, allow_negative_numbers = true)]
    pub min_frequency: u64,
    /// Keep every Han character a token of its own.
    #[arg(long)]
    pub split_han: bool,
    /// Join a space to its word last of all, so that words are cut the same way with and without it.
    #[arg(long)]
    pub space_last: bool,
}

/// `onto tokenizer encode|decode|inspect`
#[derive(Debug, Args)]
pub struct TokenizerUseArguments {
    /// Folder with tokenizer.json, or a file: tokenizer.json, a SentencePiece .model, tiktoken ranks, vocab.txt, or vocab.json
    /// with merges.txt beside it.
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
    /// Encode many texts: every line of stdin is a text as a JSON string, every line of stdout its tokens as JSON.
    #[arg(long)]
    pub jsonl: bool,
}
