//! Documents that contain evaluation items: an item counts as contained when a document has most of its runs of eight
//! tokens (fewer for short items), weighted by how rare they are in the corpus, and its rare words too.
//!
//! Plain n-gram matching (GPT-3: any 13-gram) cannot tell a leaked question from another question of the same form.
//! Three things do here: runs that stand in many documents are templates and count for nothing; the rest is weighted
//! by inverse document frequency (the idea of decon, OLMo 3); and the words in which the item differs from its form,
//! being its rarest, must be in the document. The item's prompt and answer are cut into runs apart, so that whatever
//! stands between question and answer in a document does not matter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use lang::instance::{EvalItem, Role};
use rayon::prelude::*;

use super::DecontaminationConfig;
use super::near::combine;
use super::stage::{Drop, Stage};
use crate::text::{HashKeyed, hashes};

/// Share of an item's words, weighted by rarity, that a document must contain.
const TOKEN_COVERAGE: f64 = 0.9;

/// What is looked for.
struct Index {
    targets: Vec<Target>,
    /// Run hash → number of the run.
    runs: HashKeyed<u32>,
    /// For each run, the targets it belongs to.
    targets_of: Vec<Vec<u32>>,
    /// Lengths of runs that occur.
    lengths: Vec<usize>,
    /// Items too short to look for.
    too_short: usize,
}

/// One item's prompt and answer, or its prompt alone.
struct Target {
    item: usize,
    runs: Vec<u32>,
    tokens: Vec<u64>,
}

impl Index {
    fn new(items: &[EvalItem], config: &DecontaminationConfig) -> Self {
        let mut index = Index {
            targets: Vec::new(),
            runs: HashKeyed::default(),
            targets_of: Vec::new(),
            lengths: Vec::new(),
            too_short: 0,
        };
        for (number, item) in items.iter().enumerate() {
            let asked = item.prompt.iter().rev().find(|message| message.role == Role::User);
            let prompt = hashes(asked.map_or("", |message| &message.content));
            let answer = hashes(&item.answer);
            let before = index.targets.len();
            if prompt.len() >= config.min_gram {
                index.add(number, &[&prompt], config);
                if answer.len() >= config.min_gram {
                    index.add(number, &[&prompt, &answer], config);
                }
            } else {
                let whole: Vec<u64> = prompt.iter().chain(&answer).copied().collect();
                if whole.len() >= config.min_gram {
                    index.add(number, &[&whole], config);
                }
            }
            index.too_short += usize::from(index.targets.len() == before);
        }
        index.lengths.sort_unstable();
        index
    }

    fn add(&mut self, item: usize, parts: &[&[u64]], config: &DecontaminationConfig) {
        let target = self.targets.len() as u32;
        let mut runs = Vec::new();
        for part in parts {
            let length = config.gram.min(part.len());
            if !self.lengths.contains(&length) {
                self.lengths.push(length);
            }
            for window in part.windows(length) {
                let next = self.runs.len() as u32;
                let run = *self.runs.entry(run_hash(window)).or_insert(next);
                if run == next {
                    self.targets_of.push(Vec::new());
                }
                runs.push(run);
            }
        }
        runs.sort_unstable();
        runs.dedup();
        for &run in &runs {
            self.targets_of[run as usize].push(target);
        }
        let mut tokens: Vec<u64> = parts.concat();
        tokens.sort_unstable();
        tokens.dedup();
        self.targets.push(Target { item, runs, tokens });
    }

    /// Numbers of the runs that stand in `tokens`, sorted.
    fn found(&self, tokens: &[u64]) -> Vec<u32> {
        let mut out = Vec::new();
        for &length in &self.lengths {
            let windows = tokens.windows(length);
            out.extend(windows.filter_map(|window| self.runs.get(&run_hash(window)).copied()));
        }
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// The length is part of the hash, so that runs of different lengths are never the same run.
fn run_hash(window: &[u64]) -> u64 {
    combine(window) ^ (window.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What one document has in common with the items.
pub(crate) struct Overlap {
    runs: Vec<u32>,
    tokens: Vec<u64>,
}

/// The items, and in how many documents each of their runs and words stands. First every document's overlap is
/// [counted](Search::count), in any order and by any number of threads; then documents are [judged](Search::judge).
pub(crate) struct Search<'s> {
    index: Index,
    items: &'s [EvalItem],
    config: &'s DecontaminationConfig,
    documents: AtomicUsize,
    documents_with_run: Vec<AtomicUsize>,
    documents_with_token: HashKeyed<AtomicUsize>,
}

/// How much each run counts, and how much a target's runs count together.
pub(crate) struct Weights {
    documents: f64,
    runs: Vec<f64>,
    totals: Vec<f64>,
}

impl<'s> Search<'s> {
    pub(crate) fn new(items: &'s [EvalItem], config: &'s DecontaminationConfig) -> Self {
        let index = Index::new(items, config);
        let documents_with_run = index.runs.values().map(|_| AtomicUsize::new(0)).collect();
        let tokens = index.targets.iter().flat_map(|target| target.tokens.iter().copied());
        let documents_with_token = tokens.map(|token| (token, AtomicUsize::new(0))).collect();
        Search { index, items, config, documents: AtomicUsize::new(0), documents_with_run, documents_with_token }
    }

    /// A remark about items that were not looked for.
    pub(crate) fn note(&self) -> Option<String> {
        (self.index.too_short > 0).then(|| {
            format!(
                "{} of {} evaluation items have fewer than {} tokens and were not looked for",
                self.index.too_short,
                self.items.len(),
                self.config.min_gram
            )
        })
    }

    pub(crate) fn overlap(&self, text: &str) -> Overlap {
        let tokens = hashes(text);
        let runs = self.index.found(&tokens);
        let mut tokens: Vec<u64> =
            tokens.into_iter().filter(|token| self.documents_with_token.contains_key(token)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        Overlap { runs, tokens }
    }

    pub(crate) fn count(&self, overlap: &Overlap) {
        self.documents.fetch_add(1, Ordering::Relaxed);
        for &run in &overlap.runs {
            self.documents_with_run[run as usize].fetch_add(1, Ordering::Relaxed);
        }
        for token in &overlap.tokens {
            if let Some(count) = self.documents_with_token.get(token) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// To be made when every document was counted.
    pub(crate) fn weights(&self) -> Weights {
        let documents = self.documents.load(Ordering::Relaxed) as f64;
        let template = (self.config.template_share * documents).max(self.config.template_documents as f64);
        let weight = |count: &AtomicUsize| {
            let count = count.load(Ordering::Relaxed);
            if count as f64 > template { 0.0 } else { rarity(documents, count) }
        };
        let runs: Vec<f64> = self.documents_with_run.iter().map(weight).collect();
        let total = |target: &Target| target.runs.iter().map(|&run| runs[run as usize]).sum();
        let totals = self.index.targets.iter().map(total).collect();
        Weights { documents, runs, totals }
    }

    /// Why a document is dropped, or `None`.
    pub(crate) fn judge(&self, overlap: &Overlap, weights: &Weights) -> Option<String> {
        let mut covered: HashMap<u32, f64> = HashMap::new();
        for &run in overlap.runs.iter().filter(|&&run| weights.runs[run as usize] > 0.0) {
            for &target in &self.index.targets_of[run as usize] {
                *covered.entry(target).or_default() += weights.runs[run as usize];
            }
        }
        let token_weight = |token: &u64| {
            let count = self.documents_with_token.get(token).map_or(0, |count| count.load(Ordering::Relaxed));
            rarity(weights.documents, count)
        };
        let mut best: Option<(f64, usize)> = None;
        for (number, weight) in covered {
            let share = weight / weights.totals[number as usize];
            let target = &self.index.targets[number as usize];
            // Ties go to the earlier item, whatever the order of the map.
            let better = best.is_none_or(|(b, item)| share > b || (share == b && target.item < item));
            if share >= self.config.coverage && better {
                let all: f64 = target.tokens.iter().map(token_weight).sum();
                let had = target.tokens.iter().filter(|token| overlap.tokens.binary_search(token).is_ok());
                if had.map(token_weight).sum::<f64>() >= TOKEN_COVERAGE * all {
                    best = Some((share, target.item));
                }
            }
        }
        best.map(|(share, item)| {
            format!(
                "evaluation_item: {:.2} of {} found, from {:.2} on",
                share,
                name(self.items, item),
                self.config.coverage
            )
        })
    }
}

/// Weight of what stands in `count` of the documents: inverse document frequency.
fn rarity(documents: f64, count: usize) -> f64 {
    ((documents + 1.0) / (count as f64 + 1.0)).ln() + 0.05
}

pub(super) fn apply(stage: &mut Stage<'_>) {
    if stage.held_out.is_empty() {
        stage.notes.push("no evaluation items were given".to_string());
        return;
    }
    let search = Search::new(stage.held_out, &stage.config.decontamination);
    stage.notes.extend(search.note());
    let overlaps = stage.map(|document| {
        let overlap = search.overlap(&document.text);
        search.count(&overlap);
        overlap
    });
    let weights = search.weights();
    let verdicts: Vec<(usize, Option<String>)> =
        overlaps.par_iter().map(|(index, overlap)| (*index, search.judge(overlap, &weights))).collect();
    for (index, verdict) in verdicts {
        if let Some(reason) = verdict {
            stage.drop(index, Drop { reason, duplicate_of: None });
        }
    }
}

fn name(items: &[EvalItem], item: usize) -> String {
    if items[item].id.is_empty() { format!("item {}", item + 1) } else { items[item].id.clone() }
}
