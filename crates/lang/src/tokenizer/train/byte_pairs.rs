//! Byte-pair encoding over bytes and over characters, and WordPiece, which is trained like it: from counted words to a
//! vocabulary and its merges.

use super::alphabet::alphabet;
use super::config::{ModelKind, TrainConfig};
use super::pairs::{Learnt, Limits, Vocabulary, Words, learn};
use super::table::Counted;
use super::{Made, TrainReport, prefix};
use crate::tokenizer::merge::{Merge, PairTable, QuickMap, key_pair, pair_key};
use crate::tokenizer::model::bpe::{Bpe, Settings};
use crate::tokenizer::model::word_piece::WordPiece;
use crate::tokenizer::{TokenizerError, bytes};

/// What stands before the pieces inside words, in WordPiece.
const PREFIX: &str = "##";
/// Longer words are unknown as a whole, in WordPiece as BERT has it.
const LONGEST_WORD: usize = 100;

/// BPE over bytes.
pub(super) fn train_bytes(
    counted: Counted,
    config: &TrainConfig,
    report: &mut TrainReport,
    progress: &mut dyn FnMut(usize, usize),
) -> Made {
    let mut tokens: Vec<String> = config.special_tokens.clone();
    let mut byte_tokens = [0u32; 256];
    for byte in bytes::alphabet() {
        byte_tokens[usize::from(byte)] = tokens.len() as u32;
        tokens.push(bytes::spell(byte).to_string());
    }
    let mut vocabulary = Vocabulary::new(tokens, "");
    let learnt = if config.space_last {
        let mut words = byte_words(prefix::apart(&counted).into_iter(), &byte_tokens);
        let (mut learnt, rest) = learn(&mut words, &limits(config), &mut vocabulary, progress);
        drop(words);
        prefix::join(&counted, config, &byte_tokens, &mut vocabulary, &mut learnt);
        report.most_frequent_left = rest;
        learnt
    } else {
        let mut words = byte_words(counted.iter(), &byte_tokens);
        drop(counted);
        let (learnt, rest) = learn(&mut words, &limits(config), &mut vocabulary, progress);
        report.most_frequent_left = rest;
        learnt
    };
    report.learnt = learnt.len() as u64;
    let merges = merge_list(&learnt);
    let pairs = merge_table(&learnt, &merges);
    let ids = vocabulary.ids;
    Made::new(ids, move |ids, size| {
        Ok(Box::new(Bpe::new(ids, size, Some(Box::new(byte_tokens)), pairs, merges, Settings::default())))
    })
}

fn byte_words<'a>(counted: impl Iterator<Item = (&'a str, u64)>, byte_tokens: &[u32; 256]) -> Words {
    let mut words = Words::default();
    counted.for_each(|(word, count)| words.push(word.bytes().map(|byte| byte_tokens[usize::from(byte)]), count));
    words
}

/// BPE over characters, and WordPiece.
pub(super) fn train_characters(
    counted: Counted,
    config: &TrainConfig,
    report: &mut TrainReport,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Made, TokenizerError> {
    let is_word_piece = config.model == ModelKind::WordPiece;
    let prefix = if is_word_piece { PREFIX } else { "" };
    let alphabet = alphabet(&counted, config);
    let mut tokens = config.first_tokens();
    tokens.extend(alphabet.iter().map(char::to_string));
    let mut vocabulary = Vocabulary::new(tokens, prefix);
    let first: QuickMap<u64, u32> = of_characters(&vocabulary, &alphabet);
    // Pieces inside words, in the order of the characters (the trainer of Hugging Face leaves it to chance).
    let mut inside: QuickMap<u64, u32> = QuickMap::default();
    if is_word_piece {
        let mut seen: Vec<char> = counted.iter().flat_map(|(word, _)| word.chars().skip(1)).collect();
        seen.sort_unstable();
        seen.dedup();
        for letter in seen.into_iter().filter(|letter| first.contains_key(&u64::from(u32::from(*letter)))) {
            let id = vocabulary.insert(format!("{prefix}{letter}"), 1);
            inside.insert(u64::from(u32::from(letter)), id);
        }
    }
    if vocabulary.tokens.len() > config.vocab_size {
        let (size, wanted) = (vocabulary.tokens.len(), config.vocab_size);
        let problem =
            format!("{wanted} is below {size}, the special tokens and bytes and the characters of the corpus");
        return Err(TokenizerError::Alphabet { problem });
    }
    let mut words = Words::with_capacity(counted.len(), 0);
    for (word, count) in counted.iter() {
        // A character outside the alphabet is passed over, as in the reference.
        let ids = word.chars().enumerate().filter_map(|(at, letter)| {
            let letter = u64::from(u32::from(letter));
            if at > 0 && is_word_piece { inside.get(&letter) } else { first.get(&letter) }.copied()
        });
        words.push(ids, count);
    }
    drop(counted);
    let (learnt, rest) = learn(&mut words, &limits(config), &mut vocabulary, progress);
    drop(words);
    (report.learnt, report.most_frequent_left) = (learnt.len() as u64, rest);
    let unknown = config.unknown.clone();
    let ids = vocabulary.ids;
    if is_word_piece {
        return Ok(Made::new(ids, move |ids, _| {
            let unknown_id = ids.get(&unknown).copied().unwrap_or(0);
            Ok(Box::new(WordPiece::new(ids, PREFIX.to_owned(), (unknown, unknown_id), LONGEST_WORD)))
        }));
    }
    let merges = merge_list(&learnt);
    let pairs = merge_table(&learnt, &merges);
    let byte_fallback = config.byte_fallback;
    Ok(Made::new(ids, move |ids, size| {
        let unknown_id = ids.get(&unknown).copied().unwrap_or(0);
        let settings =
            Settings { unknown: Some((unknown, unknown_id)), fuse_unknown: true, byte_fallback, ..Settings::default() };
        Ok(Box::new(Bpe::new(ids, size, None, pairs, merges, settings)))
    }))
}

fn of_characters(vocabulary: &Vocabulary, letters: &[char]) -> QuickMap<u64, u32> {
    let mut spelling = [0; 4];
    let ids = letters.iter().map(|letter| {
        let id = vocabulary.ids.get(letter.encode_utf8(&mut spelling) as &str).copied();
        (u64::from(u32::from(*letter)), id.unwrap_or(0))
    });
    ids.collect()
}

fn limits(config: &TrainConfig) -> Limits {
    Limits {
        vocab_size: config.vocab_size,
        min_frequency: config.min_frequency,
        max_token_length: config.max_token_length,
    }
}

/// The pairs in the order they are joined in. A pair can be learnt twice (see [`learn`]); the last time counts, as in the
/// reference.
pub(super) fn merge_list(learnt: &[Learnt]) -> Vec<(u32, u32)> {
    let last: QuickMap<u64, usize> = learnt.iter().enumerate().map(|(at, merge)| (merge.pair, at)).collect();
    let is_last = |at: usize, merge: &Learnt| last.get(&merge.pair) == Some(&at);
    learnt.iter().enumerate().filter(|(at, merge)| is_last(*at, merge)).map(|(_, merge)| key_pair(merge.pair)).collect()
}

/// What encoding looks pairs up in.
pub(super) fn merge_table(learnt: &[Learnt], merge_list: &[(u32, u32)]) -> PairTable {
    let tokens: QuickMap<u64, u32> = learnt.iter().map(|merge| (merge.pair, merge.token)).collect();
    let pairs = merge_list.iter().map(|&(left, right)| pair_key(left, right));
    let merges: Vec<(u64, Merge)> =
        pairs.zip(0..).map(|(pair, rank)| (pair, Merge { rank, token: tokens[&pair] })).collect();
    PairTable::new(merges.into_iter())
}
