//! What can be said about a vocabulary before it is trained, and which settings cannot work.

use std::collections::HashSet;

use crate::chat;
use crate::tokenizer::{TokenizerError, bytes};

/// Which model a vocabulary is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Byte-pair encoding (Sennrich et al., 2016), over bytes or over characters.
    Bpe,
    /// WordPiece as BERT has it: trained like byte-pair encoding with `##` before pieces inside words.
    WordPiece,
    /// The unigram language model of pieces (Kudo, 2018).
    Unigram,
    /// Whole words, the most frequent ones.
    Word,
    /// Single characters, the most frequent ones.
    Character,
}

/// How texts are cut into the pieces that no token may cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutStyle {
    /// GPT-2's pattern over bytes.
    Gpt2,
    /// GPT-4's (`cl100k_base`) over bytes.
    Cl100k,
    /// GPT-4o's (`o200k_base`) over bytes.
    O200k,
    /// LLaMA 3's over bytes: numbers in groups of up to three digits.
    Llama3,
    /// Qwen2's over bytes: every digit alone.
    Qwen2,
    /// SentencePiece's way: a space is written `▁` and belongs to the word after it.
    Metaspace,
    /// BERT's way: white space goes, every punctuation mark stands alone.
    Bert,
    /// Runs of word characters and runs of other characters; white space goes.
    Words,
    /// Whatever stands between white space.
    Spaces,
}

impl CutStyle {
    /// Whether what it cuts is spelt byte by byte, so that the alphabet is the 256 bytes.
    pub fn is_byte_level(self) -> bool {
        matches!(self, CutStyle::Gpt2 | CutStyle::Cl100k | CutStyle::O200k | CutStyle::Llama3 | CutStyle::Qwen2)
    }
}

/// What is done to a text before it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// Nothing.
    None,
    /// Unicode's NFC.
    Nfc,
    /// Unicode's NFKC.
    Nfkc,
    /// NFKC and SentencePiece's cleaning: control characters go, white space is one space.
    NmtNfkc,
    /// BERT's cleaning, capital letters kept.
    BertCased,
    /// BERT's cleaning with small letters and without accents.
    BertUncased,
    /// Small letters.
    Lowercase,
}

/// How a vocabulary is trained. [`TrainConfig::of`] has the usual settings of every model.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// The model.
    pub model: ModelKind,
    /// Number of tokens wanted, special ones, bytes and characters included.
    pub vocab_size: usize,
    /// Byte-pair encoding and WordPiece: pairs seen fewer times than this are not joined. The others: words (or characters) seen
    /// fewer times are left out.
    pub min_frequency: u64,
    /// Tokens that no text gives; they take the first ids, in this order.
    pub special_tokens: Vec<String>,
    /// The one of them that stands for what the vocabulary has no token for. Byte-level vocabularies need none.
    pub unknown: String,
    /// What is done to a text before it is cut.
    pub normalization: Normalization,
    /// How texts are cut.
    pub cut: CutStyle,
    /// Numbers are cut into groups of at most this many digits, 1 to 3; `None`: as the pattern has it.
    pub digits: Option<u8>,
    /// Every Han character (Unicode Script=Han) a pre-token of its own, so that no merge crosses characters. With a
    /// small vocabulary such merges make the tokens of a Chinese name depend on what follows it, which keeps a model
    /// from copying names. White space before a Han character then is a pre-token of its own too.
    pub split_han: bool,
    /// Byte-level BPE: what stands before a word (a space, a quote, a bracket) is joined to it last of all, so that a word is cut
    /// into the same pieces whatever stands before it: `Ġ gard en ing` where plain training may give `Ġgardening` beside
    /// `g arden ing`. A model that copies what it has read into another place then copies the same tokens, the first
    /// apart.
    pub space_last: bool,
    /// A token for every byte (`<0x0A>`), for the characters outside the vocabulary. Byte-level vocabularies have them anyhow.
    pub byte_fallback: bool,
    /// Characters that are in the vocabulary whether they are seen or not.
    pub initial_alphabet: String,
    /// At most this many characters are in the vocabulary, the most frequent ones.
    pub limit_alphabet: Option<usize>,
    /// The most frequent characters that make up this share of the text are in the vocabulary.
    pub character_coverage: f64,
    /// Byte-pair encoding and WordPiece: as the trainer of Hugging Face has it, only pairs that are together shorter than this many
    /// characters are joined (two single ones always). Unigram: the longest piece in characters; 16 if not given.
    pub max_token_length: Option<usize>,
    /// Settings of Unigram alone.
    pub unigram: UnigramConfig,
}

/// Settings of Unigram, with the defaults of SentencePiece but for `room`.
#[derive(Clone, Debug, PartialEq)]
pub struct UnigramConfig {
    /// Pieces that training starts from, at most.
    pub seed_pieces: usize,
    /// The share of pieces kept in a round of pruning.
    pub shrinking_factor: f64,
    /// Rounds of expectation and maximisation between rounds of pruning.
    pub sub_iterations: usize,
    /// Pruning ends when there are this many times the pieces wanted; of those the most probable are taken. At 1 pruning decides alone.
    /// SentencePiece has 1.1; unseen text has the fewest tokens between 1.1 (two languages) and 1.2 (Chinese alone).
    pub room: f64,
    /// Keep pieces from crossing between scripts, letters and digits or marks, as SentencePiece does.
    pub split_scripts: bool,
}

impl Default for UnigramConfig {
    fn default() -> Self {
        UnigramConfig {
            seed_pieces: 1_000_000,
            shrinking_factor: 0.75,
            sub_iterations: 2,
            room: 1.15,
            split_scripts: true,
        }
    }
}

impl Default for TrainConfig {
    /// Byte-level BPE: 32768 tokens, pairs seen at least twice, the special tokens of [`chat`], single digits, Han characters
    /// not split, spaces joined like any other character.
    fn default() -> Self {
        TrainConfig {
            model: ModelKind::Bpe,
            vocab_size: 32_768,
            min_frequency: 2,
            special_tokens: chat::SPECIAL_TOKENS.map(str::to_owned).to_vec(),
            unknown: "<unk>".to_owned(),
            normalization: Normalization::None,
            cut: CutStyle::Qwen2,
            digits: None,
            split_han: false,
            space_last: false,
            byte_fallback: false,
            initial_alphabet: String::new(),
            limit_alphabet: None,
            character_coverage: 1.0,
            max_token_length: None,
            unigram: UnigramConfig::default(),
        }
    }
}

impl TrainConfig {
    /// The usual settings of a model.
    pub fn of(model: ModelKind) -> Self {
        let owned = |tokens: &[&str]| tokens.iter().map(|token| (*token).to_owned()).collect();
        let plain = TrainConfig {
            model,
            special_tokens: owned(&["<unk>", "<s>", "</s>"]),
            cut: CutStyle::Metaspace,
            min_frequency: 1,
            ..TrainConfig::default()
        };
        match model {
            ModelKind::Bpe => TrainConfig::default(),
            ModelKind::WordPiece => TrainConfig {
                special_tokens: owned(&["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
                unknown: "[UNK]".to_owned(),
                normalization: Normalization::BertUncased,
                cut: CutStyle::Bert,
                min_frequency: 2,
                ..plain
            },
            ModelKind::Unigram => {
                TrainConfig { normalization: Normalization::NmtNfkc, character_coverage: 0.9995, ..plain }
            }
            ModelKind::Word => TrainConfig { cut: CutStyle::Words, ..plain },
            ModelKind::Character => TrainConfig { cut: CutStyle::Spaces, ..plain },
        }
    }

    /// The settings of BPE over characters as SentencePiece trains it for LLaMA: spaces are `▁`, bytes stand for unknown
    /// characters.
    pub fn sentence_piece_bpe() -> Self {
        TrainConfig {
            model: ModelKind::Bpe,
            min_frequency: 2,
            byte_fallback: true,
            character_coverage: 0.9995,
            ..TrainConfig::of(ModelKind::Unigram)
        }
        .with_normalization(Normalization::None)
    }

    fn with_normalization(self, normalization: Normalization) -> Self {
        TrainConfig { normalization, ..self }
    }

    /// Whether the alphabet is the 256 bytes, spelt as GPT-2 spells them.
    pub fn is_byte_level(&self) -> bool {
        self.model == ModelKind::Bpe && self.cut.is_byte_level()
    }

    /// Tokens that stand first and are no characters: special ones and those of bytes.
    pub(super) fn first_tokens(&self) -> Vec<String> {
        let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
        let bytes = bytes.filter(|_| self.byte_fallback && !self.is_byte_level());
        self.special_tokens.iter().cloned().chain(bytes).collect()
    }

    /// Whether something can be outside the vocabulary.
    pub(super) fn needs_unknown(&self) -> bool {
        !self.is_byte_level()
    }

    /// # Errors
    /// The first setting that cannot work.
    pub(super) fn check(&self) -> Result<(), TokenizerError> {
        let refuse = |key, problem| Err(TokenizerError::Config { key, problem });
        let specials = &self.special_tokens;
        if specials.is_empty() {
            return refuse("special_tokens", "there must be at least one, to begin and end texts".to_owned());
        }
        let is_byte_level = self.is_byte_level();
        let mut seen = HashSet::new();
        for token in specials {
            if token.is_empty() {
                return refuse("special_tokens", "one of them is empty".to_owned());
            }
            if !seen.insert(token.as_str()) {
                return refuse("special_tokens", format!("{token:?} is listed twice"));
            }
            let mut characters = token.chars();
            let is_single = characters.next().is_some_and(|first| !is_byte_level || bytes::unspell(first).is_some())
                && characters.next().is_none();
            if is_single {
                let what = if is_byte_level { "the spelling of a byte" } else { "a single character" };
                return refuse("special_tokens", format!("{token:?} is {what}"));
            }
        }
        if let Some(token) = self.first_tokens()[specials.len()..].iter().find(|token| seen.contains(token.as_str())) {
            return refuse("special_tokens", format!("{token:?} is the token of a byte"));
        }
        if self.needs_unknown() && !seen.contains(self.unknown.as_str()) {
            let problem = format!("{:?}, which stands for what is unknown, is not among them", self.unknown);
            return refuse("special_tokens", problem);
        }
        if self.cut.is_byte_level() && !is_byte_level && self.model != ModelKind::Character {
            return refuse("cut", "patterns over bytes are for BPE only".to_owned());
        }
        if self.space_last && !is_byte_level {
            return refuse("space_last", "it is for byte-level BPE only".to_owned());
        }
        if self.byte_fallback
            && !is_byte_level
            && !matches!(self.model, ModelKind::Bpe | ModelKind::Unigram | ModelKind::Character)
        {
            return refuse("byte_fallback", "only BPE, Unigram and characters have tokens for bytes".to_owned());
        }
        if self.digits.is_some_and(|digits| !(1..=3).contains(&digits)) {
            return refuse("digits", "groups have one to three digits".to_owned());
        }
        if !(self.character_coverage > 0.0 && self.character_coverage <= 1.0) {
            return refuse("character_coverage", "it is a share above 0 and up to 1".to_owned());
        }
        if self.limit_alphabet == Some(0) {
            return refuse("limit_alphabet", "a vocabulary without characters has nothing to join".to_owned());
        }
        if self.max_token_length == Some(0) {
            return refuse("max_token_length", "a token has at least one character".to_owned());
        }
        let unigram = &self.unigram;
        if !(unigram.shrinking_factor > 0.0 && unigram.shrinking_factor < 1.0) {
            return refuse("shrinking_factor", "it is a share between 0 and 1".to_owned());
        }
        if !(unigram.room >= 1.0 && unigram.room.is_finite()) {
            return refuse("room", "it is a number from 1".to_owned());
        }
        if unigram.sub_iterations == 0 || unigram.seed_pieces == 0 {
            return refuse("unigram", "there must be pieces to start from and rounds to learn in".to_owned());
        }
        let first = self.first_tokens().len();
        let (least, what) = match is_byte_level {
            true => (specials.len() + 256, format!("the {} special tokens and 256 bytes", specials.len())),
            false => (first + 1, format!("the {first} special tokens and bytes and a character")),
        };
        if self.vocab_size < least {
            return refuse("vocab_size", format!("{} is below {least}, {what}", self.vocab_size));
        }
        if u32::try_from(self.vocab_size).is_err() {
            return refuse("vocab_size", format!("{} does not fit 32 bits", self.vocab_size));
        }
        Ok(())
    }
}
