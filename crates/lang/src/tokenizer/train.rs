//! Learning the merges, equal to `BpeTrainer` of Hugging Face `tokenizers` 0.23 down to its tie rule, with 64-bit
//! counts where it has 32.
//!
//! Pre-tokens are counted on all threads. Then the most frequent pair is joined again and again: a heap holds candidate
//! pairs with the words they were seen in, counts are updated from the neighbours of each join, and a candidate whose
//! count has gone stale is put back with the current one.

mod prefix;

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::added::AddedToken;
use super::assemble::{Parts, assemble};
use super::fields::Source;
use super::merge::{Merge, PairTable, QuickMap, key_pair, pair_key};
use super::model::bpe::{Bpe, Settings};
use super::pattern::known::{Digits, Pattern};
use super::roles::Roles;
use super::{Components, Tokenizer, TokenizerError, bytes};
use crate::chat;

/// How a vocabulary is trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainConfig {
    /// Number of tokens wanted: special tokens, 256 bytes and merges together.
    pub vocab_size: usize,
    /// Pairs seen fewer times than this are not joined.
    pub min_frequency: u64,
    /// Tokens that no text gives; they take the first ids, in this order.
    pub special_tokens: Vec<String>,
    /// Every digit a pre-token of its own (Qwen2), not groups of up to three (LLaMA 3).
    pub split_digits: bool,
    /// Every Han character (Unicode Script=Han) a pre-token of its own, so that no merge crosses characters. With a
    /// small vocabulary such merges make the tokens of a Chinese name depend on what follows it, which keeps a model
    /// from copying names. White space before a Han character then is a pre-token of its own too.
    pub split_han: bool,
    /// What stands before a word (a space, a quote, a bracket) is joined to it last of all, so that a word is cut into
    /// the same pieces whatever stands before it: `Ġ gard en ing` where plain training may give `Ġgardening` beside
    /// `g arden ing`. A model that copies what it has read into another place then copies the same tokens, the first
    /// apart.
    pub space_last: bool,
}

impl Default for TrainConfig {
    /// 32768 tokens, pairs seen at least twice, the special tokens of [`chat`], single digits, Han characters
    /// not split, spaces joined like any other character.
    fn default() -> Self {
        TrainConfig {
            vocab_size: 32_768,
            min_frequency: 2,
            special_tokens: chat::SPECIAL_TOKENS.map(str::to_owned).to_vec(),
            split_digits: true,
            split_han: false,
            space_last: false,
        }
    }
}

/// The tokens there are, by id, and back.
struct Vocabulary {
    tokens: Vec<String>,
    token_bytes: Vec<Vec<u8>>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// The token spelt by two others; a new one where none is spelt so yet.
    fn joined(&mut self, left: u32, right: u32) -> u32 {
        let Vocabulary { tokens, token_bytes, ids } = self;
        let spelling = [tokens[left as usize].as_str(), tokens[right as usize].as_str()].concat();
        *ids.entry(spelling).or_insert_with_key(|spelling| {
            tokens.push(spelling.clone());
            token_bytes.push([token_bytes[left as usize].as_slice(), &token_bytes[right as usize]].concat());
            (tokens.len() - 1) as u32
        })
    }

    /// Forgets all tokens but the first `count`.
    fn truncate(&mut self, count: usize) {
        self.token_bytes.truncate(count);
        for token in self.tokens.drain(count.min(self.tokens.len())..) {
            self.ids.remove(&token);
        }
    }
}

/// A pair that was joined.
#[derive(Clone, Copy)]
struct Learnt {
    pair: u64,
    token: u32,
    /// How often the pair was seen when it was joined.
    count: u64,
}

/// The words of a corpus and how often each was seen.
struct Words {
    /// Tokens of all words, one after another; joins shorten a word in place.
    tokens: Vec<u32>,
    starts: Vec<usize>,
    lengths: Vec<u32>,
    counts: Vec<u64>,
}

/// A pair waiting to be joined.
#[derive(PartialEq, Eq)]
struct Candidate {
    count: u64,
    pair: u64,
    /// Candidates of one pair pushed earlier go first.
    round: u32,
    /// Words it was seen in, ascending.
    words: Vec<u32>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |candidate: &Self| (candidate.pair, candidate.round);
        self.count.cmp(&other.count).then_with(|| key(other).cmp(&key(self)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn train<S: AsRef<str> + Sync>(
    texts: &[S],
    config: &TrainConfig,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Tokenizer, TokenizerError> {
    check(config)?;
    let digits = if config.split_digits { Digits::Single } else { Digits::Triples };
    let pattern = Pattern::Llama { digits, split_han: config.split_han };
    progress(0, config.vocab_size);
    let counted = count_words(texts, pattern);
    if counted.is_empty() {
        return Err(TokenizerError::EmptyCorpus);
    }

    let mut tokens: Vec<String> = config.special_tokens.clone();
    let mut token_bytes: Vec<Vec<u8>> = tokens.iter().map(|token| token.as_bytes().to_vec()).collect();
    let mut byte_tokens = [0u32; 256];
    for byte in bytes::alphabet() {
        byte_tokens[usize::from(byte)] = tokens.len() as u32;
        tokens.push(bytes::spell(byte).to_string());
        token_bytes.push(vec![byte]);
    }
    let mut vocabulary = Vocabulary { ids: tokens.iter().cloned().zip(0..).collect(), tokens, token_bytes };
    let learnt = if config.space_last {
        let mut words = Words::new(&prefix::apart(&counted), &byte_tokens);
        let mut learnt = learn(&mut words, config, &mut vocabulary, progress);
        drop(words);
        prefix::join(&counted, config, &byte_tokens, &mut vocabulary, &mut learnt);
        learnt
    } else {
        let mut words = Words::new(&counted, &byte_tokens);
        drop(counted);
        learn(&mut words, config, &mut vocabulary, progress)
    };
    let merge_list = merge_list(&learnt);
    let pairs = merge_table(&learnt, &merge_list);
    let ids = vocabulary.ids;

    let special_ids = 0..config.special_tokens.len() as u32;
    let added: Vec<AddedToken> =
        special_ids.zip(&config.special_tokens).map(|(id, token)| AddedToken::special(id, token)).collect();
    let named = |token: &str| ids.get(token).copied().filter(|&id| (id as usize) < config.special_tokens.len());
    let text_mark = named(chat::SPECIAL_TOKENS[0]).or(Some(0));
    let roles = Roles {
        beginning_of_text: text_mark,
        end_of_text: text_mark,
        padding: text_mark,
        end_of_turn: named(chat::SPECIAL_TOKENS[2]),
    };
    let has_turns = chat::SPECIAL_TOKENS[1..].iter().all(|token| named(token).is_some());
    let source = Source::new(Path::new("tokenizer.json"));
    let parts = Parts { components: components(pattern), ids: &ids, all: ids.clone(), added, roles, instead: None };
    let tokenizer = assemble(&source, parts, |_, size| {
        let settings = Settings::default();
        Ok(Box::new(Bpe::new(&ids, size, Some(Box::new(byte_tokens)), pairs, merge_list, settings)))
    })?;
    Ok(Tokenizer { chat_template: has_turns.then(|| chat::CHATML.to_owned()), ..tokenizer })
}

/// The components of a trained tokenizer as `tokenizer.json` has them.
fn components(pattern: Pattern) -> Components {
    let byte_level = |add_prefix_space: bool, use_regex: bool| {
        json!({
            "type": "ByteLevel",
            "add_prefix_space": add_prefix_space,
            "trim_offsets": true,
            "use_regex": use_regex,
        })
    };
    let split = |regex: &&str| {
        json!({
            "type": "Split",
            "pattern": { "Regex": regex },
            "behavior": "Isolated",
            "invert": false,
        })
    };
    let mut members: Vec<Value> = pattern.regexes().iter().map(split).collect();
    members.push(byte_level(false, false));
    Components {
        pre_tokenizer: json!({ "type": "Sequence", "pretokenizers": members }),
        decoder: byte_level(true, true),
        ..Components::default()
    }
}

/// The pairs in the order they are joined in. A pair can be learnt twice (see [`learn`]); the last time counts, as in the
/// reference.
fn merge_list(learnt: &[Learnt]) -> Vec<(u32, u32)> {
    let last: QuickMap<u64, usize> = learnt.iter().enumerate().map(|(at, merge)| (merge.pair, at)).collect();
    let is_last = |at: usize, merge: &Learnt| last.get(&merge.pair) == Some(&at);
    learnt.iter().enumerate().filter(|(at, merge)| is_last(*at, merge)).map(|(_, merge)| key_pair(merge.pair)).collect()
}

/// What encoding looks pairs up in.
fn merge_table(learnt: &[Learnt], merge_list: &[(u32, u32)]) -> PairTable {
    let tokens: QuickMap<u64, u32> = learnt.iter().map(|merge| (merge.pair, merge.token)).collect();
    let pairs = merge_list.iter().map(|&(left, right)| pair_key(left, right));
    let merges: Vec<(u64, Merge)> =
        pairs.zip(0..).map(|(pair, rank)| (pair, Merge { rank, token: tokens[&pair] })).collect();
    PairTable::new(merges.into_iter())
}

fn check(config: &TrainConfig) -> Result<(), TokenizerError> {
    let refuse = |key, problem| Err(TokenizerError::Config { key, problem });
    let specials = &config.special_tokens;
    if specials.is_empty() {
        return refuse("special_tokens", "there must be at least one, to begin and end texts".to_owned());
    }
    let mut seen = HashSet::new();
    for token in specials {
        if token.is_empty() {
            return refuse("special_tokens", "one of them is empty".to_owned());
        }
        if !seen.insert(token) {
            return refuse("special_tokens", format!("{token:?} is listed twice"));
        }
        let mut characters = token.chars();
        if characters.next().is_some_and(|first| bytes::unspell(first).is_some()) && characters.next().is_none() {
            return refuse("special_tokens", format!("{token:?} is the spelling of a byte"));
        }
    }
    let least = specials.len() + 256;
    if config.vocab_size < least {
        let size = config.vocab_size;
        let problem = format!("{size} is below {least}, the {} special tokens and 256 bytes", specials.len());
        return refuse("vocab_size", problem);
    }
    if u32::try_from(config.vocab_size).is_err() {
        return refuse("vocab_size", format!("{} does not fit 32 bits", config.vocab_size));
    }
    Ok(())
}

/// All distinct pre-tokens with their counts, ordered by their bytes so that threads leave no trace.
fn count_words<'a, S: AsRef<str> + Sync>(texts: &'a [S], pattern: Pattern) -> Vec<(&'a str, u64)> {
    let counts = texts
        .par_iter()
        .fold(QuickMap::<&'a str, u64>::default, |mut counts, text| {
            for word in pattern.split(text.as_ref()) {
                *counts.entry(word).or_default() += 1;
            }
            counts
        })
        .reduce(QuickMap::default, |left, right| {
            let (mut large, small) = if left.len() < right.len() { (right, left) } else { (left, right) };
            for (word, count) in small {
                *large.entry(word).or_default() += count;
            }
            large
        });
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.par_sort_unstable();
    counts
}

impl Words {
    fn new(counted: &[(&str, u64)], byte_tokens: &[u32; 256]) -> Self {
        let mut words = Words { tokens: Vec::new(), starts: Vec::new(), lengths: Vec::new(), counts: Vec::new() };
        // A word of one byte has no pair.
        for &(word, count) in counted.iter().filter(|(word, _)| word.len() > 1 && u32::try_from(word.len()).is_ok()) {
            words.starts.push(words.tokens.len());
            words.lengths.push(word.len() as u32);
            words.counts.push(count);
            words.tokens.extend(word.bytes().map(|byte| byte_tokens[usize::from(byte)]));
        }
        words
    }

    fn word(&self, index: usize) -> &[u32] {
        &self.tokens[self.starts[index]..][..self.lengths[index] as usize]
    }

    /// Join every `left` `right` of word `index` into `joined`, telling `change` each pair that came (+1) or went (-1)
    /// next to a join.
    fn join(&mut self, index: usize, (left, right): (u32, u32), joined: u32, mut change: impl FnMut(u64, i64)) {
        let length = self.lengths[index] as usize;
        let word = &mut self.tokens[self.starts[index]..][..length];
        let (mut read, mut write) = (0, 0);
        while read < length {
            if word[read] == left && read + 1 < length && word[read + 1] == right {
                if write > 0 {
                    change(pair_key(word[write - 1], left), -1);
                    change(pair_key(word[write - 1], joined), 1);
                }
                read += 2;
                if read < length {
                    change(pair_key(right, word[read]), -1);
                    change(pair_key(joined, word[read]), 1);
                }
                word[write] = joined;
            } else {
                word[write] = word[read];
                read += 1;
            }
            write += 1;
        }
        self.lengths[index] = write as u32;
    }
}

/// Join pairs until the vocabulary is full or none is frequent enough; gives the pairs in order with their tokens.
///
/// Two pairs can spell the same token (`ab`+`c`, `a`+`bc`), which then keeps its first id. A pair with such a token can
/// become a candidate a second time, and be joined a second time: that is how the reference behaves, and its merges
/// would not come out equal otherwise.
fn learn(
    words: &mut Words,
    config: &TrainConfig,
    vocabulary: &mut Vocabulary,
    progress: &mut dyn FnMut(usize, usize),
) -> Vec<Learnt> {
    let mut pair_counts: QuickMap<u64, i64> = QuickMap::default();
    let mut seen_in: Vec<(u64, u32)> = Vec::new();
    for index in 0..words.counts.len() {
        for pair in words.word(index).windows(2) {
            let key = pair_key(pair[0], pair[1]);
            *pair_counts.entry(key).or_default() += words.counts[index] as i64;
            seen_in.push((key, index as u32));
        }
    }
    let mut heap = BinaryHeap::new();
    let mut round = 0;
    enqueue(&mut heap, &mut seen_in, &pair_counts, round);
    seen_in.shrink_to(1 << 16);

    let mut learnt: Vec<Learnt> = Vec::new();
    while vocabulary.tokens.len() < config.vocab_size {
        let Some(mut top) = heap.pop() else { break };
        let count = pair_counts.get(&top.pair).copied().unwrap_or(0).max(0) as u64;
        if top.count != count {
            top.count = count;
            heap.push(top);
            continue;
        }
        if top.count < 1 || top.count < config.min_frequency {
            break;
        }
        let (left, right) = key_pair(top.pair);
        let joined = vocabulary.joined(left, right);
        learnt.push(Learnt { pair: top.pair, token: joined, count });
        for &index in &top.words {
            let count = words.counts[index as usize] as i64;
            words.join(index as usize, (left, right), joined, |pair, change| {
                *pair_counts.entry(pair).or_default() += change * count;
                if change > 0 {
                    seen_in.push((pair, index));
                }
            });
        }
        round += 1;
        enqueue(&mut heap, &mut seen_in, &pair_counts, round);
        if round % 64 == 0 {
            progress(vocabulary.tokens.len(), config.vocab_size);
        }
    }
    progress(vocabulary.tokens.len(), config.vocab_size);
    learnt
}

/// Make a candidate of each pair in `seen_in` (pair, word) that still counts, and empty it.
fn enqueue(
    heap: &mut BinaryHeap<Candidate>,
    seen_in: &mut Vec<(u64, u32)>,
    pair_counts: &QuickMap<u64, i64>,
    round: u32,
) {
    seen_in.sort_unstable();
    seen_in.dedup();
    for group in seen_in.chunk_by(|left, right| left.0 == right.0) {
        let pair = group[0].0;
        let count = pair_counts.get(&pair).copied().unwrap_or(0);
        if count > 0 {
            let words = group.iter().map(|&(_, word)| word).collect();
            heap.push(Candidate { count: count as u64, pair, round, words });
        }
    }
    seen_in.clear();
}
