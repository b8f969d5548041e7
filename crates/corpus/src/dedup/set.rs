//! Duplicates between a corpus and evaluation sets: which documents hold which items, where, and how much of them.
//!
//! An item's prompt and answer are cut into runs of words, and documents are scanned for these. Case, punctuation and white
//! space do not matter; an item is looked for both with its punctuation as spaces and without it. Sums of a few numbers,
//! which are nothing without their operators, are looked for with them. What counts as contained is the
//! rule's matter: any run (GPT-3's 13-grams, the janitor of lm-evaluation-harness, datatrove's 12-grams), a share of the runs (PaLM
//! and Llama 3's 8-grams), or a share weighted by how rare a run is among the items (the idea of decon, OLMo 3), which
//! is the default: what many items have in common is their form, not their content.
//!
//! The index holds the items only, so memory is a matter of the evaluation sets; documents are judged one at a time, on any thread.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::evaluation_items::EvaluationItem;
use super::plain_words::{hashes, plain_words, without_punctuation};
use crate::error::CorpusError;
use crate::text::{HashKeyed, TokenKind, tokens};

/// What is looked for, and what counts as found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetOptions {
    /// Name of the preset these started from.
    pub preset: String,
    /// Tokens in a run.
    pub gram: usize,
    /// What counts as contained.
    pub rule: Rule,
    /// Items of fewer tokens than a run are looked for as one shorter run, down to this many tokens; those below are
    /// counted as too short.
    pub min_tokens: usize,
    /// Runs that lie in the prompt alone count.
    pub prompts: bool,
}

/// What counts as contained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// One run.
    Any,
    /// This share of the item's runs.
    Share(f64),
    /// This share, each run weighted by its inverse document frequency among the items.
    Weighted(f64),
}

/// Names [`SetOptions::preset`] knows.
pub const SET_PRESETS: [&str; 6] = ["default", "gpt3", "palm", "janitor", "datatrove", "decon"];

impl SetOptions {
    /// The settings of this name; none when there are none.
    ///
    /// `default`: 8-grams, 0.7 of them weighted by rarity, short items whole. `gpt3`: any 13-gram. `palm`: 0.7 of the 8-grams. `janitor`:
    /// any 13-gram, short items not at all (lm-evaluation-harness). `datatrove`: any 12-gram of the answer or reaching into
    /// it. `decon`: 5-grams, 0.8 of them weighted, items below 20 tokens not at all.
    pub fn preset(name: &str) -> Option<SetOptions> {
        let make =
            |gram, rule, min_tokens, prompts| SetOptions { preset: name.to_string(), gram, rule, min_tokens, prompts };
        Some(match name {
            "default" => make(8, Rule::Weighted(0.7), 4, true),
            "gpt3" => make(13, Rule::Any, 8, true),
            "palm" => make(8, Rule::Share(0.7), 8, true),
            "janitor" => make(13, Rule::Any, 13, true),
            "datatrove" => make(12, Rule::Any, 12, false),
            "decon" => make(5, Rule::Weighted(0.8), 20, true),
            _ => return None,
        })
    }
}

/// One item found in one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Number of the item.
    pub item: usize,
    /// From the first to the last run found, in bytes of the document.
    pub span: Range<usize>,
    /// Share of the item's runs that was found, weighted where the rule says so.
    pub share: f64,
    /// Runs of the item that were found.
    pub grams_found: usize,
    /// Runs it has.
    pub grams: usize,
}

/// The items, indexed.
pub struct Decontaminator {
    options: SetOptions,
    /// Run → number of the run.
    runs: HashKeyed<u32>,
    /// For each run, its targets.
    targets_of: Vec<Vec<u32>>,
    /// Weight of each run.
    weights: Vec<f64>,
    targets: Vec<Target>,
    /// Lengths of runs that occur, by stream.
    lengths: [Vec<usize>; 2],
    too_short: Vec<usize>,
}

/// One text of an item: its prompt, or its prompt with the answer.
struct Target {
    item: usize,
    /// Distinct runs.
    runs: usize,
    weight: f64,
}

/// How a text is read.
#[derive(Clone, Copy)]
enum Stream {
    /// Letters and digits alone.
    Words,
    /// With arithmetic signs.
    Operators,
}

/// Prompts of fewer tokens than this are looked for together with their answers only: "The capital of" leaks nothing.
const ALONE: usize = 6;

impl Decontaminator {
    /// Indexes the items.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] for rules that cannot work, [`CorpusError::Memory`] when the items need more than
    /// `memory` bytes.
    pub fn new(items: &[EvaluationItem], options: &SetOptions, memory: u64) -> Result<Decontaminator, CorpusError> {
        if !(1..=1000).contains(&options.gram) {
            let value = options.gram.to_string();
            return Err(CorpusError::Setting { key: "gram", value, expected: "from 1 to 1000 tokens".to_string() });
        }
        if let Rule::Share(share) | Rule::Weighted(share) = options.rule
            && !(share > 0.0 && share <= 1.0)
        {
            let expected = "above 0 and at most 1".to_string();
            return Err(CorpusError::Setting { key: "share", value: share.to_string(), expected });
        }
        // A run is an entry of the map, a list of targets and a weight; it begins at a token of four bytes or so.
        let text: usize = items.iter().map(|item| 2 * item.prompt.len() + item.answer.len()).sum();
        let needed = text as u64 / 4 * 80;
        if needed > memory {
            return Err(CorpusError::memory(format!("the index of {} evaluation items", items.len()), needed, memory));
        }
        let mut index = Decontaminator {
            options: options.clone(),
            runs: HashKeyed::default(),
            targets_of: Vec::new(),
            weights: Vec::new(),
            targets: Vec::new(),
            lengths: [Vec::new(), Vec::new()],
            too_short: Vec::new(),
        };
        for (number, item) in items.iter().enumerate() {
            let before = index.targets.len();
            index.add(number, item);
            if index.targets.len() == before {
                index.too_short.push(number);
            }
        }
        index.weigh(items.len());
        Ok(index)
    }

    fn add(&mut self, number: usize, item: &EvaluationItem) {
        let operators = |text: &str| -> Vec<u64> { tokens(text).map(|token| token.hash()).collect() };
        let texts = [&item.prompt, &item.answer];
        let plain = texts.map(|text| hashes(text));
        let has = |kind: TokenKind| texts.iter().any(|text| tokens(text).any(|token| token.kind == kind));
        // A hyphen between letters is no operator of anything.
        let is_sum = has(TokenKind::Operator) && has(TokenKind::Number);
        if plain[0].len() + plain[1].len() < ALONE && is_sum {
            self.parts(Stream::Operators, number, &texts.map(|text| operators(text)), self.options.min_tokens);
            return;
        }
        let bare = texts.map(|text| hashes(&without_punctuation(text)));
        let before = self.targets.len();
        self.parts(Stream::Words, number, &plain, self.options.min_tokens);
        if bare != plain && self.targets.len() > before {
            // Words that were joined by losing a hyphen may be one or two fewer.
            self.parts(Stream::Words, number, &bare, self.options.min_tokens.saturating_sub(2).max(2));
        }
    }

    fn parts(&mut self, stream: Stream, number: usize, [prompt, answer]: &[Vec<u64>; 2], least: usize) {
        let whole = [prompt.as_slice(), answer.as_slice()].concat();
        if !self.options.prompts {
            // The answer, and the runs that reach from the prompt into it.
            let from = prompt.len().saturating_sub(self.options.gram - 1);
            if !answer.is_empty() {
                self.target(stream, number, &whole[from..], least);
            }
            return;
        }
        let alone = prompt.len() >= ALONE.max(least);
        self.target(stream, number, if alone { prompt } else { &whole }, least);
    }

    fn target(&mut self, stream: Stream, item: usize, text: &[u64], least: usize) {
        if text.len() < least || text.is_empty() {
            return;
        }
        let length = self.options.gram.min(text.len());
        let lengths = &mut self.lengths[stream as usize];
        if !lengths.contains(&length) {
            lengths.push(length);
        }
        let target = self.targets.len() as u32;
        let mut distinct = 0;
        for window in text.windows(length) {
            let next = self.runs.len() as u32;
            let run = *self.runs.entry(hash_of(window, stream)).or_insert(next);
            if run == next {
                self.targets_of.push(Vec::new());
            }
            let targets = &mut self.targets_of[run as usize];
            if targets.last() != Some(&target) {
                targets.push(target);
                distinct += 1;
            }
        }
        self.targets.push(Target { item, runs: distinct, weight: 0.0 });
    }

    fn weigh(&mut self, items: usize) {
        let weighted = matches!(self.options.rule, Rule::Weighted(_));
        self.weights = self
            .targets_of
            .iter()
            .map(|targets| {
                // An item may be there with and without punctuation: it counts once.
                let mut of: Vec<usize> = targets.iter().map(|&target| self.targets[target as usize].item).collect();
                of.dedup();
                let rarity = ((items as f64 + 1.0) / of.len() as f64).ln().max(0.0) + 0.05;
                if weighted { rarity } else { 1.0 }
            })
            .collect();
        for (run, targets) in self.targets_of.iter().enumerate() {
            for &target in targets {
                self.targets[target as usize].weight += self.weights[run];
            }
        }
    }

    /// Items that are too short to be looked for, by number.
    pub fn too_short(&self) -> &[usize] {
        &self.too_short
    }

    /// The items that a document contains, by number.
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        let mut found: HashMap<u32, Found> = HashMap::new();
        for stream in [Stream::Words, Stream::Operators] {
            if !self.lengths[stream as usize].is_empty() {
                self.scan(text, stream, &mut found);
            }
        }
        let mut best: HashMap<usize, Hit> = HashMap::new();
        for (number, found) in found {
            let target = &self.targets[number as usize];
            let share = found.weight / target.weight;
            let enough = match self.options.rule {
                Rule::Any => true,
                // Sums of the same weights in another order differ in the last bits.
                Rule::Share(least) | Rule::Weighted(least) => share >= least - 1e-9,
            };
            let Some(span) = found.span.filter(|_| enough) else { continue };
            let hit = Hit {
                item: target.item,
                span,
                share: share.min(1.0),
                grams_found: found.runs.len(),
                grams: target.runs,
            };
            match best.get(&hit.item) {
                Some(other) if other.share >= hit.share => {}
                _ => drop(best.insert(hit.item, hit)),
            }
        }
        let mut hits: Vec<Hit> = best.into_values().collect();
        hits.sort_by_key(|hit| hit.item);
        hits
    }
}

impl Decontaminator {
    /// Collects what of every target stands in a document, read in one way.
    fn scan(&self, text: &str, stream: Stream, found: &mut HashMap<u32, Found>) {
        let (mut hashes, mut places): (Vec<u64>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        let mut take = |hash, start, end| {
            hashes.push(hash);
            places.push((start, end));
        };
        match stream {
            Stream::Words => plain_words(text, take),
            Stream::Operators => {
                tokens(text).for_each(|token| take(token.hash(), token.start, token.start + token.text.len()));
            }
        }
        for &length in &self.lengths[stream as usize] {
            for (start, window) in hashes.windows(length).enumerate() {
                let Some(&run) = self.runs.get(&hash_of(window, stream)) else { continue };
                for &target in &self.targets_of[run as usize] {
                    let found = found.entry(target).or_default();
                    if !found.runs.contains(&run) {
                        found.runs.push(run);
                        found.weight += self.weights[run as usize];
                    }
                    let (from, to) = (places[start].0, places[start + length - 1].1);
                    found.span = match found.span.take() {
                        Some(span) => Some(span.start.min(from)..span.end.max(to)),
                        None => Some(from..to),
                    };
                }
            }
        }
    }
}

#[derive(Default)]
struct Found {
    runs: Vec<u32>,
    weight: f64,
    span: Option<Range<usize>>,
}

/// Hash of a run of word hashes; its length and how it was read are part of it.
fn hash_of(window: &[u64], stream: Stream) -> u64 {
    let mut state = (2 * window.len() as u64 + stream as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for &word in window {
        state = (state ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^= state >> 32;
    }
    // A map over hashes passes them through, so they must be spread well.
    xxh3_64(&state.to_le_bytes())
}
