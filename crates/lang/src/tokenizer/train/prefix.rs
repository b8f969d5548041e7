//! What stands before a word, joined last: see [`TrainConfig::space_last`].
//!
//! A pre-token of letters may begin with one character that is none, mostly a space. Merges are first learnt from words
//! and such characters apart. Then the vocabulary is shared out: the rarest merges give way to joins of a character with
//! the first piece of a word for as long as the join was seen more often than the merge. Only ASCII characters are taken
//! apart: as single bytes they need no merge of their own, so that joins, ranked after all other merges, never change how a
//! word is cut.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::byte_pairs::{merge_list, merge_table};
use super::config::TrainConfig;
use super::pairs::{Learnt, Vocabulary};
use super::table::Counted;
use crate::tokenizer::merge::{Symbol, pair_key};
use crate::tokenizer::pattern::known::is_letter;

/// The word that a pre-token is and the byte before it, if it has one.
fn split(word: &str) -> Option<(u8, &str)> {
    let before = *word.as_bytes().first().filter(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic())?;
    let rest = &word[1..];
    rest.chars().next().is_some_and(is_letter).then_some((before, rest))
}

/// Words without what stands before them, with their counts, ordered by their bytes.
pub(super) fn apart(counted: &Counted) -> Vec<(&str, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (word, count) in counted.iter() {
        // The byte alone has nothing to learn from.
        *counts.entry(split(word).map_or(word, |(_, word)| word)).or_default() += count;
    }
    counts.into_iter().collect()
}

/// Puts joins into the vocabulary, in place of the rarest merges in `learnt`.
pub(super) fn join(
    counted: &Counted,
    config: &TrainConfig,
    byte_tokens: &[u32; 256],
    vocabulary: &mut Vocabulary,
    learnt: &mut Vec<Learnt>,
) {
    // Which joins pay depends on the pieces words are cut into, and those on the merges kept: as many merges are given
    // up as joins are worth it with all merges, then the joins are counted anew.
    let wanted = joins(counted, config, byte_tokens, learnt);
    let free = config.vocab_size.saturating_sub(vocabulary.tokens.len());
    // Counts of the merges that brought a token of their own, the rarest last.
    let mut next = config.special_tokens.len() as u32 + 256;
    let mut made: Vec<u64> = Vec::new();
    for merge in learnt.iter() {
        if merge.token == next {
            next += 1;
            made.push(merge.count);
        }
    }
    let rare = |given_up: usize| made.iter().rev().nth(given_up).copied();
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
    counted: &Counted,
    config: &TrainConfig,
    byte_tokens: &[u32; 256],
    learnt: &[Learnt],
) -> Vec<((u32, u32), u64)> {
    let pairs = merge_table(learnt, &merge_list(learnt));
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut pieces = Vec::new();
    for (word, count) in counted.iter() {
        let Some((before, word)) = split(word) else { continue };
        pieces.clear();
        pieces.extend(word.bytes().map(|byte| Symbol { token: byte_tokens[usize::from(byte)], length: 1 }));
        pairs.join(&mut pieces);
        if let Some(first) = pieces.first() {
            *counts.entry((byte_tokens[usize::from(before)], first.token)).or_default() += count;
        }
    }
    let least = config.min_frequency.max(1);
    let mut joins: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
    joins.sort_by_key(|&(pair, count)| (Reverse(count), pair));
    joins
}
