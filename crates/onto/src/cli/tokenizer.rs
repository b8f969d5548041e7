//! What can be typed after `onto tokenizer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// Show a text cut into tokens.
    Inspect(TokenizerUseArguments),
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
    /// Cutting at random.
    #[command(flatten)]
    pub random: RegularizationArguments,
}
