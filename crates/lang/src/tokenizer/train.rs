//! Training vocabularies: words are counted in bounded memory (`count`), then a model is learnt from the counts.
//!
//! Texts are given to a [`Trainer`] in batches, so that a corpus need never be in memory as a whole. What is learnt depends on the
//! texts alone, never on the number of threads, the sizes of the batches, or the bound on memory as long as it holds all words.

mod alphabet;
mod byte_pairs;
mod config;
mod count;
mod cut;
mod pairs;
mod prefix;
mod runs;
mod table;
mod unigram;
mod whole;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::added::AddedToken;
use super::assemble::{Parts, assemble};
use super::config::FolderConfig;
use super::fields::Source;
use super::model::Model;
use super::roles::Roles;
use super::{Components, Tokenizer, TokenizerError};
use crate::chat;

pub use config::{CutStyle, ModelKind, Normalization, TrainConfig, UnigramConfig};

/// How much memory training may take, and where words go meanwhile that it does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryBound {
    /// Bytes for words and what is learnt from them. The texts of a batch and some tens of MiB for the program come on top.
    pub bytes: u64,
    /// A folder for sorted runs of words, made when one is needed and removed in the end.
    pub folder: PathBuf,
}

/// What training found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainReport {
    /// Words of the texts, each as often as it was there.
    pub occurrences: u64,
    /// Different words.
    pub distinct_words: u64,
    /// Words so long that they were counted in parts.
    pub cut_words: u64,
    /// Sorted runs written to the disk.
    pub runs: u64,
    /// Different words that the bound on memory had no room for, the rarest ones.
    pub left_out_words: u64,
    /// How often those were there, together.
    pub left_out_occurrences: u64,
    /// Words seen fewer times than this were left out; 0 or 1: none.
    pub least_count: u64,
    /// Merges, pieces, words or characters that were learnt.
    pub learnt: u64,
    /// How often the most frequent pair was seen that was not joined because it is too rare; of words and characters, the most frequent.
    pub most_frequent_left: u64,
}

impl TrainReport {
    fn leave_out(&mut self, count: u64) {
        self.left_out_words += 1;
        self.left_out_occurrences += count;
    }
}

/// Learns a vocabulary from texts that come in batches.
pub struct Trainer {
    config: TrainConfig,
    components: Components,
    cutter: cut::Cutter,
    counter: count::Counter,
}

impl Trainer {
    /// # Errors
    /// [`TokenizerError::Config`] names the setting that cannot work.
    pub fn new(config: &TrainConfig, bound: Option<MemoryBound>) -> Result<Trainer, TokenizerError> {
        config.check()?;
        let components = cut::components(config);
        let cutter = cut::Cutter::new(config, &components)?;
        Ok(Trainer { config: config.clone(), components, cutter, counter: count::Counter::new(bound) })
    }

    /// Counts the words of `texts`, on all threads. Special tokens that stand in them are text like any other.
    ///
    /// # Errors
    /// [`TokenizerError::Io`] when words do not fit the memory and cannot be written to the disk.
    pub fn feed<S: AsRef<str> + Sync>(&mut self, texts: &[S]) -> Result<(), TokenizerError> {
        self.counter.feed(texts, &|text, visit| self.cutter.cut(text, visit))
    }

    /// Learns the vocabulary. `progress` gets what is being done, how much of it is done, and how much there is.
    ///
    /// # Errors
    /// [`TokenizerError::EmptyCorpus`]; [`TokenizerError::Alphabet`] when the characters alone are more than the tokens wanted;
    /// [`TokenizerError::Io`] when words on the disk cannot be read.
    pub fn finish(
        self,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<(Tokenizer, TrainReport), TokenizerError> {
        let Trainer { config, components, cutter: _, counter } = self;
        progress("sorting words", 0, 1);
        let (counted, mut report) = counter.finish(match config.model {
            ModelKind::Bpe | ModelKind::WordPiece => PAIR_COST,
            ModelKind::Unigram => PIECE_COST,
            ModelKind::Word | ModelKind::Character => 1,
        })?;
        if counted.is_empty() {
            return Err(TokenizerError::EmptyCorpus);
        }
        let mut merging = |done: usize, total: usize| progress("merging", done, total);
        let made = match config.model {
            ModelKind::Bpe if config.is_byte_level() => {
                byte_pairs::train_bytes(counted, &config, &mut report, &mut merging)
            }
            ModelKind::Bpe | ModelKind::WordPiece => {
                byte_pairs::train_characters(counted, &config, &mut report, &mut merging)?
            }
            ModelKind::Unigram => unigram::train(counted, &config, &mut report, &mut |done, total| {
                progress("learning pieces", done, total);
            })?,
            ModelKind::Word => whole::train_words(counted, &config, &mut report)?,
            ModelKind::Character => whole::train_alphabet(counted, &config, &mut report)?,
        };
        Ok((assembled(&config, components, made)?, report))
    }
}

/// Bytes that learning merges needs for a byte of a word: its letters, four for a token, four for the words of a pair, and as much
/// again for the pairs that come to be.
const PAIR_COST: u64 = 16;
/// Bytes that learning pieces needs for a byte of a word.
const PIECE_COST: u64 = 40;

/// What makes a model from the tokens by their spelling and how many ids there are.
type MakeModel = Box<dyn FnOnce(&HashMap<String, u32>, usize) -> Result<Box<dyn Model>, TokenizerError>>;

/// What a trainer gives: the tokens with their ids, and the model over them.
struct Made {
    ids: HashMap<String, u32>,
    model: MakeModel,
}

impl Made {
    fn new(
        ids: HashMap<String, u32>,
        model: impl FnOnce(&HashMap<String, u32>, usize) -> Result<Box<dyn Model>, TokenizerError> + 'static,
    ) -> Made {
        Made { ids, model: Box::new(model) }
    }
}

/// Puts the tokenizer together.
fn assembled(config: &TrainConfig, mut components: Components, made: Made) -> Result<Tokenizer, TokenizerError> {
    let Made { ids, model } = made;
    let special_ids = 0..config.special_tokens.len() as u32;
    let added: Vec<AddedToken> =
        special_ids.zip(&config.special_tokens).map(|(id, token)| AddedToken::special(id, token)).collect();
    let named = |token: &str| ids.get(token).copied().filter(|&id| (id as usize) < config.special_tokens.len());
    if config.model == ModelKind::WordPiece
        && let (Some(start), Some(end)) = (named("[CLS]"), named("[SEP]"))
    {
        components.post_processor = bert_template(start, end);
    }
    let roles = match config.is_byte_level() {
        true => {
            let text_mark = named(chat::SPECIAL_TOKENS[0]).or(Some(0));
            Roles {
                beginning_of_text: text_mark,
                end_of_text: text_mark,
                padding: text_mark,
                end_of_turn: named(chat::SPECIAL_TOKENS[2]),
            }
        }
        false => {
            let specials: HashMap<String, u32> = config.special_tokens.iter().cloned().zip(0..).collect();
            Roles::find(&FolderConfig::default(), &specials)?
        }
    };
    let has_turns = chat::SPECIAL_TOKENS[1..].iter().all(|token| named(token).is_some());
    let source = Source::new(Path::new("tokenizer.json"));
    let parts = Parts { components, ids: &ids, all: ids.clone(), added, roles, instead: None };
    let tokenizer = assemble(&source, parts, |_, size| model(&ids, size))?;
    Ok(Tokenizer { chat_template: has_turns.then(|| chat::CHATML.to_owned()), ..tokenizer })
}

/// `[CLS] text [SEP]`, and `[CLS] text [SEP] text [SEP]`, as BERT has it.
fn bert_template(start: u32, end: u32) -> serde_json::Value {
    let special = |token: &str, type_id: u32| json!({"SpecialToken": {"id": token, "type_id": type_id}});
    let sequence = |name: &str, type_id: u32| json!({"Sequence": {"id": name, "type_id": type_id}});
    let entry = |token: &str, id: u32| json!({"id": token, "ids": [id], "tokens": [token]});
    let single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)];
    let pair = [&single[..], &[sequence("B", 1), special("[SEP]", 1)]].concat();
    json!({
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": {"[CLS]": entry("[CLS]", start), "[SEP]": entry("[SEP]", end)},
    })
}

/// Training on texts that are all there.
pub(super) fn train<S: AsRef<str> + Sync>(
    texts: &[S],
    config: &TrainConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Tokenizer, TokenizerError> {
    let mut trainer = Trainer::new(config, None)?;
    progress(0, config.vocab_size);
    trainer.feed(texts)?;
    let (tokenizer, _) = trainer.finish(&mut |part, done, total| {
        if part == "merging" {
            progress(done, total);
        }
    })?;
    Ok(tokenizer)
}

#[cfg(test)]
mod tests;
