//! What stands before a word, joined last: see [`TrainConfig::space_last`].
//!
//! A pre-token of letters may begin with one character that is none, mostly a space. Merges are first learnt from words
//! and such characters apart. Then the vocabulary is shared out: the rarest merges give way to joins of a character with
//! the first piece of a word for as long as the join was seen more often than the merge. Ranked after all other merges, a
//! join never changes how a word is cut.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Learnt, TrainConfig, Vocabulary, merge_list, merge_table};
use crate::tokenizer::merge::{MergeTable, pair_key};

/// Length in bytes of the character before the word that a pre-token is, if it has one.
fn prefix_length(word: &str) -> Option<usize> {
    let mut characters = word.chars();
    let first = characters.next().filter(|first| !first.is_alphabetic())?;
    characters.next().filter(|second| second.is_alphabetic())?;
    Some(first.len_utf8())
}

/// Words and what stands before them as pre-tokens of their own, with their counts, ordered by their bytes.
pub(super) fn apart<'a>(counted: &[(&'a str, u64)]) -> Vec<(&'a str, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for &(word, count) in counted {
        let (prefix, word) = word.split_at(prefix_length(word).unwrap_or(0));
        for part in [prefix, word].into_iter().filter(|part| !part.is_empty()) {
            *counts.entry(part).or_default() += count;
        }
    }
    counts.into_iter().collect()
}

/// Puts joins into the vocabulary, in place of the rarest merges in `learnt`.
pub(super) fn join(
    counted: &[(&str, u64)],
    config: &TrainConfig,
    byte_tokens: &[u32; 256],
    vocabulary: &mut Vocabulary,
    learnt: &mut Vec<Learnt>,
) {
    // Which joins pay depends on the pieces words are cut into, and those on the merges kept: as many merges are given
    // up as joins are worth it with all merges, then the joins are counted anew.
    let wanted = joins(counted, config, byte_tokens, learnt);
    let free = config.vocab_size.saturating_sub(vocabulary.tokens.len());
    let rare = |given_up: usize| learnt.iter().rev().nth(given_up).map(|merge| merge.count);
    let worth = wanted
        .iter()
        .enumerate()
        .take_while(|(at, (_, count))| *at < free || rare(at - free).is_some_and(|merge| merge < *count))
        .count();
    let kept = vocabulary.tokens.len() - worth.saturating_sub(free);
    vocabulary.truncate(kept);
    // What was learnt before the first token that went.
    let end = learnt.iter().position(|merge| merge.token as usize >= kept).unwrap_or(learnt.len());
    learnt.truncate(end);
    for (pair, count) in joins(counted, config, byte_tokens, learnt) {
        if vocabulary.tokens.len() == config.vocab_size {
            break;
        }
        let token = vocabulary.joined(pair.0, pair.1);
        learnt.push(Learnt { pair: pair_key(pair.0, pair.1), token, count });
    }
}

/// Pairs of a character and the first piece of a word behind it, with how often they were seen, most frequent first.
fn joins(
    counted: &[(&str, u64)],
    config: &TrainConfig,
    byte_tokens: &[u32; 256],
    learnt: &[Learnt],
) -> Vec<((u32, u32), u64)> {
    let table = MergeTable::new(*byte_tokens, merge_table(learnt, &merge_list(learnt)), None);
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let (mut before, mut pieces) = (Vec::new(), Vec::new());
    for &(word, count) in counted {
        let Some(length) = prefix_length(word) else { continue };
        (before.clear(), pieces.clear());
        table.encode(&word.as_bytes()[..length], &mut before);
        table.encode(&word.as_bytes()[length..], &mut pieces);
        if let ([before], Some(&first)) = (&before[..], pieces.first()) {
            *counts.entry((*before, first)).or_default() += count;
        }
    }
    let least = config.min_frequency.max(1);
    let mut joins: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
    joins.sort_by_key(|&(pair, count)| (Reverse(count), pair));
    joins
}
