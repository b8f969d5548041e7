//! What a build did, in numbers and examples that can be added up: every batch keeps an account of its own, and the sum
//! does not depend on the order. Examples are the documents with the least hashes of their ids (bottom-k sampling), so
//! that they are spread over the corpus and the same for any number of workers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::text::excerpt;

/// Documents and bytes of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many documents.
    pub documents: u64,
    /// Bytes of their text, in UTF-8.
    pub bytes: u64,
}

impl Amount {
    /// One more document.
    pub fn add(&mut self, text: &str) {
        self.documents += 1;
        self.bytes += text.len() as u64;
    }

    fn merge(&mut self, other: Amount) {
        self.documents += other.documents;
        self.bytes += other.bytes;
    }
}

/// What came in and what stayed, of one group of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InOut {
    /// Before the build.
    pub before: Amount,
    /// After it.
    pub after: Amount,
}

/// One example, with what decides which examples are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The document's id.
    pub id: String,
    /// Language, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The beginning of its text, or what was removed from it.
    pub text: String,
    /// Why; empty for kept documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Examples with the least hashes of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    most: usize,
    /// Sorted by hash, then id.
    entries: Vec<(u64, Example)>,
}

impl Sample {
    /// A sample of at most `most` examples.
    pub fn new(most: usize) -> Self {
        Sample { most, entries: Vec::new() }
    }

    /// Offers a document; `make` is called only when it is taken.
    pub fn offer(&mut self, id: &str, make: impl FnOnce() -> Example) {
        let hash = xxh3_64(id.as_bytes());
        if self.most > 0 && (self.entries.len() < self.most || hash < self.entries[self.entries.len() - 1].0) {
            self.insert(hash, make());
        }
    }

    fn insert(&mut self, hash: u64, example: Example) {
        let place =
            self.entries.partition_point(|(h, e)| (*h, &e.id, &e.reason) < (hash, &example.id, &example.reason));
        self.entries.insert(place, (hash, example));
        self.entries.truncate(self.most);
    }

    fn merge(&mut self, other: Sample) {
        self.most = self.most.max(other.most);
        for (hash, example) in other.entries {
            self.insert(hash, example);
        }
    }

    /// The examples.
    pub fn examples(&self) -> impl Iterator<Item = &Example> {
        self.entries.iter().map(|(_, example)| example)
    }
}

/// Documents by length in bytes: bucket `k` holds lengths from 2^k to 2^(k+1) − 1, bucket 0 also the empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// Documents in each bucket.
    pub buckets: Vec<u64>,
}

impl Lengths {
    /// One more document of `bytes` bytes.
    pub fn add(&mut self, bytes: usize) {
        let bucket = bytes.max(1).ilog2() as usize;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
    }

    fn merge(&mut self, other: &Lengths) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
    }
}

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepAccount {
    /// Documents that came to the step.
    pub before: Amount,
    /// Documents that passed, with their text after the step's edits.
    pub after: Amount,
    /// Documents changed inside.
    pub edited: u64,
    /// Dropped documents by reason (the name before the colon), removed lines as `line`, masked pieces by kind.
    pub reasons: BTreeMap<String, u64>,
    /// Rules of a policy that could not be asked of a document, because a signal they read was not measured of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, u64>,
    /// Documents dropped, or what was removed from documents, by reason.
    pub dropped_examples: BTreeMap<String, Sample>,
    /// Documents that passed.
    pub kept_examples: Sample,
}

/// The account of a build, or of a batch of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// All documents.
    pub all: InOut,
    /// By step, in the order of the steps.
    pub steps: Vec<StepAccount>,
    /// By language code; `und`: not told.
    pub languages: BTreeMap<String, InOut>,
    /// By source.
    pub sources: BTreeMap<String, InOut>,
    /// Lengths of what came in.
    pub lengths_before: Lengths,
    /// Lengths of what stayed.
    pub lengths_after: Lengths,
    /// Pieces of personal data that were masked, by kind.
    pub personal: BTreeMap<String, u64>,
    /// Kept documents to look at.
    pub sample: Sample,
}

/// How many examples are kept and how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleLimits {
    /// Examples for each reason of each step.
    pub per_reason: usize,
    /// Kept documents in the sample.
    pub sample: usize,
    /// Characters of an example.
    pub characters: usize,
}

/// More sources than this are counted together, so that an account stays small when every page is a source.
const MOST_SOURCES: usize = 1000;
const OTHER_SOURCES: &str = "(other sources)";

impl Account {
    /// An empty account of `steps` steps.
    pub fn new(steps: usize, limits: ExampleLimits) -> Self {
        let step = StepAccount { kept_examples: Sample::new(limits.per_reason), ..StepAccount::default() };
        Account { steps: vec![step; steps], sample: Sample::new(limits.sample), ..Account::default() }
    }

    /// The group of a source.
    pub fn source(&mut self, source: &str) -> &mut InOut {
        let name =
            if self.sources.len() < MOST_SOURCES || self.sources.contains_key(source) { source } else { OTHER_SOURCES };
        self.sources.entry(name.to_owned()).or_default()
    }

    /// The group of a language.
    pub fn language(&mut self, lang: Option<&str>) -> &mut InOut {
        self.languages.entry(lang.unwrap_or("und").to_owned()).or_default()
    }

    /// Adds the account of another batch.
    pub fn merge(&mut self, other: Account) {
        merge_in_out(&mut self.all, other.all);
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), StepAccount::default());
        }
        for (mine, theirs) in self.steps.iter_mut().zip(other.steps) {
            mine.merge(theirs);
        }
        for (name, amounts) in other.languages {
            merge_in_out(self.languages.entry(name).or_default(), amounts);
        }
        for (name, amounts) in other.sources {
            merge_in_out(self.source(&name), amounts);
        }
        self.lengths_before.merge(&other.lengths_before);
        self.lengths_after.merge(&other.lengths_after);
        for (kind, count) in other.personal {
            *self.personal.entry(kind).or_default() += count;
        }
        self.sample.merge(other.sample);
    }
}

fn merge_in_out(mine: &mut InOut, other: InOut) {
    mine.before.merge(other.before);
    mine.after.merge(other.after);
}

impl StepAccount {
    /// A document was dropped, or something removed from it.
    pub fn note(&mut self, reason: &str, limits: ExampleLimits, id: &str, make: impl FnOnce() -> Example) {
        let name = reason.split_once(':').map_or(reason, |(name, _)| name);
        *self.reasons.entry(name.to_owned()).or_default() += 1;
        let sample = self.dropped_examples.entry(name.to_owned()).or_insert_with(|| Sample::new(limits.per_reason));
        sample.offer(id, make);
    }

    fn merge(&mut self, other: StepAccount) {
        self.before.merge(other.before);
        self.after.merge(other.after);
        self.edited += other.edited;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (rule, count) in other.undefined {
            *self.undefined.entry(rule).or_default() += count;
        }
        for (reason, sample) in other.dropped_examples {
            self.dropped_examples.entry(reason).or_default().merge(sample);
        }
        self.kept_examples.merge(other.kept_examples);
    }
}

/// An example of a document.
pub fn example(document: &lang::document::Document, text: &str, reason: &str, limits: ExampleLimits) -> Example {
    Example {
        id: document.id.clone(),
        lang: document.lang.clone(),
        source: document.source.clone(),
        text: excerpt(text, limits.characters),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ExampleLimits = ExampleLimits { per_reason: 3, sample: 4, characters: 40 };

    fn account_of(range: std::ops::Range<u32>) -> Account {
        let mut account = Account::new(1, LIMITS);
        for number in range {
            let (id, text) = (format!("doc {number}"), "x".repeat(number as usize));
            let document = lang::document::Document { id, text, ..Default::default() };
            account.all.before.add(&document.text);
            account.language(None).before.add(&document.text);
            account.source("here").before.add(&document.text);
            account.lengths_before.add(document.text.len());
            account.sample.offer(&document.id, || example(&document, &document.text, "", LIMITS));
            if number % 2 == 0 {
                let reason = format!("even: {number}");
                account.steps[0].note(&reason, LIMITS, &document.id, || example(&document, "", &reason, LIMITS));
            }
        }
        account
    }

    #[test]
    fn batches_add_up_to_the_whole_in_any_order() {
        let whole = account_of(0..100);
        let mut backwards = Account::new(1, LIMITS);
        for start in [70, 30, 0] {
            backwards.merge(account_of(
                start..(start + 40).min(if start == 70 { 100 } else { start + if start == 0 { 30 } else { 40 } }),
            ));
        }
        assert_eq!(backwards, whole);
        assert_eq!(whole.sample.examples().count(), 4);
        assert_eq!(whole.steps[0].reasons["even"], 50);
        assert_eq!(whole.steps[0].dropped_examples["even"].examples().count(), 3);
        assert_eq!(whole.all.before, Amount { documents: 100, bytes: 4950 });
        // 0 and 1 byte; 2 and 3; 4 to 7; …
        assert_eq!(whole.lengths_before.buckets, [2, 2, 4, 8, 16, 32, 36]);
    }
}
