//! The first two passes: reading, and the steps that look at one document at a time.

use lang::document::Document;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::account::{Account, example};
use super::ids::Renamings;
use super::rules::{Counts, Fate, Found, Sight, by_policy};
use super::work::{LinesIn, LinesOut, Work};
use super::{Build, BuildConfig, Decision, Steps};
use crate::clean::statistics::{FEWEST_DOCUMENTS, TYPICAL_KNOWN, has_function_words};
use crate::error::CorpusError;
use crate::policy::Policy;
use crate::read::{Unit, UnitReport, read_unit};
use crate::signals::Tagger;

/// What reading a batch gave.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReadBatch {
    pub(super) units: Vec<UnitReport>,
    pub(super) documents: u64,
}

/// Reads every batch into a packed file of documents, with the hashes of their ids beside it.
pub(super) fn read(work: &Work<'_>, batches: &[&[Unit]], config: &BuildConfig) -> Result<Vec<ReadBatch>, CorpusError> {
    work.each("read", batches.len(), |batch| {
        let mut out = LinesOut::create(work.file("read", batch, "jsonl.zst"))?;
        let mut ids = Vec::new();
        let mut reports = Vec::with_capacity(batches[batch].len());
        for unit in batches[batch] {
            let report = read_unit(unit, &config.read, &mut |document| {
                ids.extend(xxh3_64(document.id.as_bytes()).to_le_bytes());
                out.push_document(&document)
            })?;
            reports.push(report);
        }
        out.finish()?;
        let path = work.file("ids", batch, "bin");
        std::fs::write(&path, &ids).map_err(|error| CorpusError::io(&path, "write", error))?;
        Ok(ReadBatch { units: reports, documents: (ids.len() / 8) as u64 })
    })
}

/// What the looks at a batch gave.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DecidedBatch {
    pub(super) account: Account,
    /// Documents with each share of known words, in thousandths.
    known: Vec<u64>,
}

/// A decision on its way, with what a later pass needs to know of the document.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Looked {
    pub(super) decision: Decision,
    /// Share of its words that other documents know, where that is too little for a corpus whose documents are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unknown: Option<f64>,
}

/// Applies the rules and policies to every batch.
pub(super) fn decide(
    work: &Work<'_>,
    steps: &Steps,
    build: &Build<'_>,
    documents: &[u64],
    renamings: &Renamings,
) -> Result<Vec<DecidedBatch>, CorpusError> {
    let config = build.config;
    let counts = Counts::new(!steps.own.is_empty());
    if !steps.own.is_empty() && !work.is_done("decide", documents.len()) {
        work.scan("count", documents.len(), |batch| {
            let mut input = LinesIn::open(work.file("read", batch, "jsonl.zst"))?;
            while let Some(document) = input.next::<Document>()? {
                counts.add(&document.text, &config.clean);
            }
            Ok(())
        })?;
    }
    let sight = Sight { config: &config.clean, counts: &counts, documents: documents.iter().sum() };
    // Personal data is looked for where a policy asks for it.
    let asked = build.policies.iter().any(|policy| policy.columns().contains(&"personal_spans"));
    let signals = build.signals.clone();
    let tagger = Tagger::new(if asked { signals.with_personal()? } else { signals });
    let look = Look { steps, sight, policies: build.policies, config, tagger };
    work.each("decide", documents.len(), |batch| look.batch(work, batch, renamings))
}

struct Look<'l> {
    steps: &'l Steps,
    sight: Sight<'l>,
    policies: &'l [Policy],
    config: &'l BuildConfig,
    tagger: Tagger,
}

impl Look<'_> {
    fn batch(&self, work: &Work<'_>, batch: usize, renamings: &Renamings) -> Result<DecidedBatch, CorpusError> {
        let limits = self.config.limits();
        let mut input = LinesIn::open(work.file("read", batch, "jsonl.zst"))?;
        let mut kept = LinesOut::create(work.file("kept", batch, "jsonl.zst"))?;
        let mut looked = LinesOut::create(work.file("looked", batch, "jsonl.zst"))?;
        let mut account = Account::new(self.steps.names.len(), limits);
        let mut known = vec![0; 1001];
        let mut index = 0;
        while let Some(mut document) = input.next::<Document>()? {
            if let Some(id) = renamings.of(batch, index) {
                document.id = id.to_owned();
            }
            index += 1;
            account.all.before.add(&document.text);
            account.lengths_before.add(document.text.len());
            account.source(&document.source).before.add(&document.text);
            let bytes_before = document.text.len() as u64;
            let mut found = Found::default();
            let dropped = self.steps_of(&mut document, &mut account, &mut found);
            let lang = document.lang.clone().or(found.lang.take());
            let group = account.language(lang.as_deref());
            group.before.documents += 1;
            group.before.bytes += bytes_before;
            let mut decision =
                Decision { id: document.id.clone(), removed_lines: found.removed_lines, ..Decision::default() };
            let mut unknown = None;
            if let Some((step, reason)) = dropped {
                decision.rule = Some(self.steps.names[step].name.clone());
                decision.reason = reason;
            } else {
                if self.steps.unknown_words.is_some()
                    && let Some(share) = self.sight.counts.known(&document.text)
                {
                    known[(share * 1000.0) as usize] += 1;
                    let limit = self.config.clean.statistics.min_known_units;
                    unknown = (share < limit && !has_function_words(&document.text)).then_some(share);
                }
                document.lang = lang;
                kept.push_document(&document)?;
            }
            looked.push(&Looked { decision, unknown })?;
        }
        kept.finish()?;
        looked.finish()?;
        Ok(DecidedBatch { account, known })
    }

    /// Takes the document through the steps; the step that drops it and why, or nothing.
    fn steps_of(&self, document: &mut Document, account: &mut Account, found: &mut Found) -> Option<(usize, String)> {
        let limits = self.config.limits();
        let mut signals = None;
        for place in 0..self.steps.own.len() + self.policies.len() {
            account.steps[place].before.add(&document.text);
            let removed_before = found.removed_lines.len();
            let fate = match self.steps.own.get(place) {
                Some(own) => own.judge(document, &self.sight, found),
                None => {
                    let signals = signals.get_or_insert_with(|| self.tagger.tag(document));
                    by_policy(&self.policies[place - self.steps.own.len()], document, signals, found)
                }
            };
            let step = &mut account.steps[place];
            for rule in found.undefined.drain(..) {
                *step.undefined.entry(rule).or_default() += 1;
            }
            for line in &found.removed_lines[removed_before..] {
                step.note("line", limits, &document.id, || example(document, line, "line", limits));
            }
            match fate {
                Fate::Keep => {}
                Fate::Edit(text) => {
                    step.edited += 1;
                    document.text = text;
                    signals = None;
                }
                Fate::Drop(reason) => {
                    step.note(&reason, limits, &document.id, || example(document, &document.text, &reason, limits));
                    return Some((place, reason));
                }
            }
            step.after.add(&document.text);
            step.kept_examples.offer(&document.id, || example(document, &document.text, "", limits));
        }
        None
    }
}

/// Whether documents whose words no other document knows are noise here: they are where most documents know each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownWords {
    typical: bool,
}

impl KnownWords {
    pub(super) fn gather(batches: &[DecidedBatch]) -> Self {
        let mut shares = vec![0u64; 1001];
        for batch in batches {
            for (sum, count) in shares.iter_mut().zip(&batch.known) {
                *sum += count;
            }
        }
        let all: u64 = shares.iter().sum();
        let mut below = 0;
        let middle = shares.iter().position(|count| {
            below += count;
            below * 2 > all
        });
        let typical = middle.is_some_and(|middle| middle as f64 / 1000.0 >= TYPICAL_KNOWN);
        KnownWords { typical: typical && all as usize >= FEWEST_DOCUMENTS }
    }

    /// True when the document is dropped.
    pub(super) fn drops(self, looked: &Looked) -> bool {
        self.typical && looked.unknown.is_some()
    }
}

/// The documents of a batch that passed the looks, with their decisions; the decisions of the others between them.
pub(super) struct Survivors {
    looked: LinesIn,
    kept: LinesIn,
}

impl Survivors {
    pub(super) fn open(work: &Work<'_>, batch: usize) -> Result<Self, CorpusError> {
        Ok(Survivors {
            looked: LinesIn::open(work.file("looked", batch, "jsonl.zst"))?,
            kept: LinesIn::open(work.file("kept", batch, "jsonl.zst"))?,
        })
    }

    /// The next decision, with its document where that was not dropped.
    pub(super) fn next(&mut self) -> Result<Option<(Looked, Option<Document>)>, CorpusError> {
        let Some(looked) = self.looked.next::<Looked>()? else { return Ok(None) };
        let document = if looked.decision.rule.is_none() { self.kept.next()? } else { None };
        Ok(Some((looked, document)))
    }
}
