//! Vocabularies of whole words and of single characters: the most frequent ones.

use super::alphabet::alphabet;
use super::config::TrainConfig;
use super::table::Counted;
use super::{Made, TrainReport};
use crate::tokenizer::TokenizerError;
use crate::tokenizer::merge::PairTable;
use crate::tokenizer::model::bpe::{Bpe, Settings};
use crate::tokenizer::model::word_level::WordLevel;

/// Words, the most frequent first, of equals the one that comes first by its bytes (as the trainer of Hugging Face).
pub(super) fn train_words(
    counted: Counted,
    config: &TrainConfig,
    report: &mut TrainReport,
) -> Result<Made, TokenizerError> {
    let mut order: Vec<usize> = (0..counted.len()).filter(|&at| counted.count(at) >= config.min_frequency).collect();
    report.most_frequent_left = (0..counted.len()).map(|at| counted.count(at)).max().unwrap_or(0);
    order.sort_by_key(|&at| std::cmp::Reverse(counted.count(at)));
    let mut ids: std::collections::HashMap<String, u32> = config.special_tokens.iter().cloned().zip(0..).collect();
    for at in order {
        if ids.len() == config.vocab_size {
            break;
        }
        let next = ids.len() as u32;
        // A word that is spelt like a special token is that token.
        if let std::collections::hash_map::Entry::Vacant(entry) = ids.entry(counted.word(at).to_owned()) {
            entry.insert(next);
            report.learnt += 1;
        }
    }
    let unknown = config.unknown.clone();
    Ok(Made::new(ids, move |ids, _| {
        let id = ids.get(&unknown).copied().unwrap_or(0);
        Ok(Box::new(WordLevel::new(ids.clone(), (unknown, id))))
    }))
}

/// Characters in the order of their code points. They are the tokens of a BPE without merges, which can have tokens for the bytes of
/// all others.
pub(super) fn train_alphabet(
    mut counted: Counted,
    config: &TrainConfig,
    report: &mut TrainReport,
) -> Result<Made, TokenizerError> {
    report.most_frequent_left = counted.iter().map(|(_, count)| count).max().unwrap_or(0);
    counted.retain(|_, count| count >= config.min_frequency);
    let mut tokens = config.first_tokens();
    // As many as there is room for.
    let room = config.vocab_size - tokens.len();
    let limit = Some(config.limit_alphabet.unwrap_or(room).min(room));
    let alphabet = alphabet(&counted, &TrainConfig { limit_alphabet: limit, ..config.clone() });
    report.learnt = alphabet.len() as u64;
    tokens.extend(alphabet.iter().map(char::to_string));
    let (unknown, byte_fallback) = (config.unknown.clone(), config.byte_fallback);
    Ok(Made::new(tokens.into_iter().zip(0..).collect(), move |ids, size| {
        let id = ids.get(&unknown).copied().unwrap_or(0);
        let settings = Settings { unknown: Some((unknown, id)), byte_fallback, ..Settings::default() };
        Ok(Box::new(Bpe::new(ids, size, None, PairTable::new([].into_iter()), Vec::new(), settings)))
    }))
}
