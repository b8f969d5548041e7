//! What can be typed after `onto tokenizer train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lang::tokenizer::{CutStyle, ModelKind, Normalization, TrainConfig};

/// `onto tokenizer train`
#[derive(Debug, Args)]
pub struct TokenizerTrainArguments {
    /// Files or folders of text.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// How it is trained.
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
}

/// How a vocabulary is trained.
#[derive(Clone, Debug, Args)]
pub struct VocabularyArguments {
    /// The model that the vocabulary is for.
    #[arg(long, value_enum, default_value_t = Model::Bpe)]
    pub model: Model,
    /// Tokens in the vocabulary, special ones included.
    #[arg(long, default_value_t = 4096, allow_negative_numbers = true, value_name = "N")]
    pub vocab_size: usize,
    /// BPE and WordPiece: pairs seen less often are not merged [default: 2]. The others: words (or characters) seen less often are
    /// left out [default: 1].
    #[arg(long, allow_negative_numbers = true, value_name = "N")]
    pub min_frequency: Option<u64>,
    /// A special token; may be repeated. They take the first ids [default: those that are usual for the model].
    #[arg(long = "special", value_name = "TOKEN")]
    pub special: Vec<String>,
    /// The token for what is unknown, put before the special tokens if it is not among them [default: `<unk>`, `[UNK]` of WordPiece].
    #[arg(long, value_name = "TOKEN")]
    pub unknown: Option<String>,
    /// How texts are cut into the pieces no token crosses [default: qwen of BPE, bert of WordPiece, metaspace of Unigram, words].
    #[arg(long, value_enum)]
    pub pattern: Option<PatternName>,
    /// Cut numbers into groups of at most this many digits, 1 to 3 [default: as the pattern does].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub digits: Option<u8>,
    /// What is done to texts before they are cut [default: none; nmt-nfkc of Unigram, bert-uncased of WordPiece].
    #[arg(long, value_enum)]
    pub normalizer: Option<NormalizerName>,
    /// A token for every byte, for the characters that are not in the vocabulary. BPE is then trained over characters with spaces
    /// written ▁, as SentencePiece does it for LLaMA.
    #[arg(long)]
    pub byte_fallback: bool,
    /// Characters that are in the vocabulary whether they are seen or not.
    #[arg(long, value_name = "CHARACTERS", default_value = "")]
    pub initial_alphabet: String,
    /// At most so many characters in the vocabulary, the most frequent ones.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit_alphabet: Option<usize>,
    /// The most frequent characters that make up this share of the text are in the vocabulary [default: 1; 0.9995 of Unigram and
    /// with --byte-fallback].
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub character_coverage: Option<f64>,
    /// BPE and WordPiece: merges must be shorter than this many characters (pairs of single ones apart). Unigram: the longest
    /// piece [default: 16].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_token_length: Option<usize>,
    /// Unigram: pieces that training starts from.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, allow_negative_numbers = true)]
    pub seed_pieces: usize,
    /// Unigram: the share of pieces that a round of pruning keeps.
    #[arg(long, value_name = "SHARE", default_value_t = 0.75, allow_negative_numbers = true)]
    pub shrinking_factor: f64,
    /// Unigram: rounds of learning between rounds of pruning.
    #[arg(long, value_name = "N", default_value_t = 2, allow_negative_numbers = true)]
    pub sub_iterations: usize,
    /// Unigram: let pieces cross between scripts, letters, digits and marks.
    #[arg(long)]
    pub across_scripts: bool,
    /// Keep every Han character a token of its own.
    #[arg(long)]
    pub split_han: bool,
    /// Join a space to its word last of all, so that words are cut the same way with and without it.
    #[arg(long)]
    pub space_last: bool,
}

/// A model that vocabularies are trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// Byte-pair encoding.
    Bpe,
    /// WordPiece, as BERT has it.
    Wordpiece,
    /// The unigram language model of pieces, as T5 has it.
    Unigram,
    /// Whole words.
    Word,
    /// Single characters.
    Char,
}

impl Model {
    /// Its name, as a person types it.
    pub fn name(self) -> &'static str {
        match self {
            Model::Bpe => "bpe",
            Model::Wordpiece => "wordpiece",
            Model::Unigram => "unigram",
            Model::Word => "word",
            Model::Char => "char",
        }
    }
}

/// How texts are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PatternName {
    /// GPT-2's pattern, over bytes.
    Gpt2,
    /// GPT-4's, over bytes.
    Cl100k,
    /// GPT-4o's, over bytes.
    O200k,
    /// LLaMA 3's, over bytes: numbers in groups of three digits.
    Llama3,
    /// Qwen's, over bytes: every digit alone.
    Qwen,
    /// SentencePiece's way: words with the space before them, written ▁.
    Metaspace,
    /// BERT's way: words and single marks, without spaces.
    Bert,
    /// Runs of letters and digits and runs of marks, without spaces.
    Words,
    /// What stands between spaces.
    Spaces,
}

/// What is done to texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NormalizerName {
    /// Nothing.
    None,
    /// Unicode's NFC.
    Nfc,
    /// Unicode's NFKC.
    Nfkc,
    /// NFKC, without control characters, and all white space single spaces (SentencePiece).
    NmtNfkc,
    /// BERT's cleaning.
    BertCased,
    /// BERT's cleaning, small letters without accents.
    BertUncased,
    /// Small letters.
    Lowercase,
}

impl Model {
    /// The usual settings of its training.
    pub fn usual(self) -> TrainConfig {
        TrainConfig::of(match self {
            Model::Bpe => ModelKind::Bpe,
            Model::Wordpiece => ModelKind::WordPiece,
            Model::Unigram => ModelKind::Unigram,
            Model::Word => ModelKind::Word,
            Model::Char => ModelKind::Character,
        })
    }
}

impl VocabularyArguments {
    /// The settings that were typed over the usual ones.
    pub fn config(&self) -> TrainConfig {
        let cut = self.pattern.map(|pattern| match pattern {
            PatternName::Gpt2 => CutStyle::Gpt2,
            PatternName::Cl100k => CutStyle::Cl100k,
            PatternName::O200k => CutStyle::O200k,
            PatternName::Llama3 => CutStyle::Llama3,
            PatternName::Qwen => CutStyle::Qwen2,
            PatternName::Metaspace => CutStyle::Metaspace,
            PatternName::Bert => CutStyle::Bert,
            PatternName::Words => CutStyle::Words,
            PatternName::Spaces => CutStyle::Spaces,
        });
        let over_characters = match cut {
            Some(cut) => !cut.is_byte_level(),
            None => self.byte_fallback,
        };
        let mut config = match self.model {
            // Without tokens for bytes every character counts.
            Model::Bpe if over_characters => {
                let usual = TrainConfig::sentence_piece_bpe();
                let character_coverage = if self.byte_fallback { usual.character_coverage } else { 1.0 };
                TrainConfig { byte_fallback: self.byte_fallback, character_coverage, ..usual }
            }
            model => model.usual(),
        };
        config.vocab_size = self.vocab_size;
        config.min_frequency = self.min_frequency.unwrap_or(config.min_frequency);
        config.cut = cut.unwrap_or(config.cut);
        config.digits = self.digits;
        config.byte_fallback |= self.byte_fallback;
        if let Some(normalizer) = self.normalizer {
            config.normalization = match normalizer {
                NormalizerName::None => Normalization::None,
                NormalizerName::Nfc => Normalization::Nfc,
                NormalizerName::Nfkc => Normalization::Nfkc,
                NormalizerName::NmtNfkc => Normalization::NmtNfkc,
                NormalizerName::BertCased => Normalization::BertCased,
                NormalizerName::BertUncased => Normalization::BertUncased,
                NormalizerName::Lowercase => Normalization::Lowercase,
            };
        }
        if !self.special.is_empty() {
            config.special_tokens.clone_from(&self.special);
        }
        if let Some(unknown) = &self.unknown {
            config.unknown.clone_from(unknown);
        }
        if !config.is_byte_level() && !config.special_tokens.contains(&config.unknown) {
            config.special_tokens.insert(0, config.unknown.clone());
        }
        config.initial_alphabet.clone_from(&self.initial_alphabet);
        config.limit_alphabet = self.limit_alphabet;
        config.character_coverage = self.character_coverage.unwrap_or(config.character_coverage);
        config.max_token_length = self.max_token_length;
        config.split_han = self.split_han;
        config.space_last = self.space_last;
        config.unigram.seed_pieces = self.seed_pieces;
        config.unigram.shrinking_factor = self.shrinking_factor;
        config.unigram.sub_iterations = self.sub_iterations;
        config.unigram.split_scripts = !self.across_scripts;
        config
    }
}
