//! A uniform sample of a stream of documents, in bounded memory: the documents whose keyed hashes of (seed, place in the stream) are
//! the least (bottom-k sampling), so every set of k documents is equally likely, and a sample depends on the seed and the order of
//! the documents alone.
//!
//! The texts of the sample are held while they fit; when they do not, only places are, and a second reading brings the texts.

use std::collections::{BTreeMap, BTreeSet};

use lang::document::Document;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::decided::Decided;

/// More groups than this are sampled together.
const MOST_GROUPS: usize = 1000;
const OTHERS: &str = "(others)";

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many documents of every group, or all there are.
    Documents(usize),
    /// Every document with this chance, 0 to 1.
    Share(f64),
}

/// Which documents are asked for. Empty lists ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Sources; `*` stands for anything.
    pub sources: Vec<String>,
    /// Language codes, `und` where none is told.
    pub languages: Vec<String>,
    /// What the decision about it must be.
    pub decision: Wanted,
}

/// What a decision must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Anything, or there is none.
    #[default]
    Any,
    /// Kept.
    Kept,
    /// Dropped.
    Dropped,
    /// Dropped by one of these (see [`Decided::is_by`]).
    By(Vec<String>),
}

impl Filter {
    /// Whether the document is asked for. A document that does not say its language has it told by its text.
    pub fn takes(&self, document: &Document, decided: Option<&Decided>) -> bool {
        let decision = match (&self.decision, decided) {
            (Wanted::Any, _) => true,
            (_, None) => false,
            (Wanted::Kept, Some(decided)) => decided.kept(),
            (Wanted::Dropped, Some(decided)) => !decided.kept(),
            (Wanted::By(rules), Some(decided)) => rules.iter().any(|rule| decided.is_by(rule)),
        };
        decision
            && (self.sources.is_empty() || self.sources.iter().any(|pattern| is_like(&document.source, pattern)))
            && (self.languages.is_empty() || self.languages.iter().any(|lang| *lang == language(document)))
    }
}

/// The document's language, or what its text says.
pub fn language(document: &Document) -> String {
    document.lang.clone().unwrap_or_else(|| crate::langid::identify(&document.text).lang.unwrap_or("und").to_owned())
}

/// Whether `name` is what `pattern` says, in which `*` stands for anything.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut rest) = name.strip_prefix(head) else { return false };
    let mut parts = tail.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// One document of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Its place among all documents read, from 0.
    pub place: u64,
    /// The document.
    pub document: Document,
    /// What was decided about it, where that is known.
    pub decided: Option<Decided>,
}

/// The end of the first reading.
#[derive(Debug, PartialEq)]
pub enum Sampled {
    /// The sample, in the order of the stream.
    Documents(Vec<Chosen>),
    /// The places of the documents in the stream: their texts are more than memory holds.
    Places(BTreeSet<u64>),
}

/// Takes documents in order.
pub struct Sampler {
    amount: Amount,
    seed: u64,
    memory: usize,
    held: usize,
    /// Chosen (hash, place) of every group.
    groups: BTreeMap<String, BTreeSet<(u64, u64)>>,
    /// Their documents, while these are held.
    documents: Option<BTreeMap<u64, (Chosen, usize)>>,
}

impl Sampler {
    /// A sampler whose texts take at most about `memory` bytes.
    pub fn new(amount: Amount, seed: u64, memory: usize) -> Sampler {
        Sampler { amount, seed, memory, held: 0, groups: BTreeMap::new(), documents: Some(BTreeMap::new()) }
    }

    /// Whether a document at this place is taken whatever comes later; only shares can tell.
    pub fn takes_share(seed: u64, share: f64, place: u64) -> bool {
        // 2⁵³ steps are all that an f64 tells apart.
        ((hash(seed, place) >> 11) as f64 / (1u64 << 53) as f64) < share
    }

    /// Offers the document at `place`, a member of `group`; `make` is called when it is taken for now.
    pub fn offer(&mut self, place: u64, group: &str, make: impl FnOnce() -> Chosen) {
        let key = (hash(self.seed, place), place);
        let group = if self.groups.len() < MOST_GROUPS || self.groups.contains_key(group) { group } else { OTHERS };
        let chosen = self.groups.entry(group.to_owned()).or_default();
        match self.amount {
            Amount::Share(share) if !Self::takes_share(self.seed, share, place) => return,
            Amount::Documents(most) if chosen.len() >= most => {
                if chosen.last().is_none_or(|last| key > *last) {
                    return;
                }
                if let Some((_, gone)) = chosen.pop_last()
                    && let Some(documents) = &mut self.documents
                    && let Some((_, bytes)) = documents.remove(&gone)
                {
                    self.held -= bytes;
                }
            }
            _ => {}
        }
        chosen.insert(key);
        if let Some(documents) = &mut self.documents {
            let made = make();
            let bytes = size(&made.document);
            self.held += bytes;
            documents.insert(place, (made, bytes));
            if self.held > self.memory {
                self.documents = None;
            }
        }
    }

    /// The sample.
    pub fn finish(self) -> Sampled {
        match self.documents {
            Some(documents) => Sampled::Documents(documents.into_values().map(|(chosen, _)| chosen).collect()),
            None => Sampled::Places(self.groups.into_values().flatten().map(|(_, place)| place).collect()),
        }
    }
}

fn hash(seed: u64, place: u64) -> u64 {
    xxh3_64_with_seed(&place.to_le_bytes(), seed ^ 0x6f6e_746f_7361_6d70)
}

/// Bytes that a document takes in memory, about.
fn size(document: &Document) -> usize {
    let meta: usize = document.meta.iter().map(|(key, value)| key.len() + value.to_string().len() + 64).sum();
    document.text.capacity() + document.id.len() + document.source.len() + meta + 400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str, source: &str) -> Document {
        Document { text: text.to_owned(), source: source.to_owned(), ..Document::default() }
    }

    fn chosen(place: u64) -> Chosen {
        Chosen { place, document: document("some text", "here"), decided: None }
    }

    fn places(amount: Amount, seed: u64, memory: usize, count: u64) -> Vec<u64> {
        let mut sampler = Sampler::new(amount, seed, memory);
        (0..count).for_each(|place| sampler.offer(place, "", || chosen(place)));
        match sampler.finish() {
            Sampled::Documents(documents) => documents.into_iter().map(|chosen| chosen.place).collect(),
            Sampled::Places(places) => places.into_iter().collect(),
        }
    }

    #[test]
    fn samples_are_uniform_and_depend_on_the_seed_alone() {
        let mut times = [0u32; 50];
        for seed in 0..2000 {
            let sample = places(Amount::Documents(5), seed, 1 << 20, 50);
            assert_eq!(sample.len(), 5);
            sample.iter().for_each(|place| times[*place as usize] += 1);
        }
        // 200 are expected of each, with a standard deviation of 13.4.
        assert!(times.iter().all(|times| (140..260).contains(times)), "{times:?}");
        assert_eq!(places(Amount::Documents(7), 3, 1 << 20, 900), places(Amount::Documents(7), 3, 0, 900));
        assert_eq!(places(Amount::Documents(70), 3, 1 << 20, 40), (0..40).collect::<Vec<_>>());
        assert_ne!(places(Amount::Documents(7), 3, 1 << 20, 900), places(Amount::Documents(7), 4, 1 << 20, 900));
    }

    #[test]
    fn shares_take_their_share() {
        assert_eq!(places(Amount::Share(1.0), 1, 1 << 30, 1000).len(), 1000);
        assert_eq!(places(Amount::Share(0.0), 1, 1 << 30, 1000).len(), 0);
        // Standard deviation 30.
        let taken = places(Amount::Share(0.1), 1, 1 << 30, 10_000).len();
        assert!((850..1150).contains(&taken), "{taken}");
    }

    #[test]
    fn every_group_has_its_documents() {
        let mut sampler = Sampler::new(Amount::Documents(2), 0, 1 << 20);
        for place in 0..90 {
            sampler.offer(place, if place % 30 == 0 { "rare" } else { "common" }, || chosen(place));
        }
        let Sampled::Documents(sample) = sampler.finish() else { panic!("it fits") };
        assert_eq!(sample.iter().filter(|chosen| chosen.place % 30 == 0).count(), 2);
        assert_eq!(sample.len(), 4);
        assert!(sample.is_sorted_by_key(|chosen| chosen.place));
    }

    #[test]
    fn filters_ask_for_sources_languages_and_decisions() {
        let filter = |sources: &[&str], languages: &[&str], decision| Filter {
            sources: sources.iter().map(ToString::to_string).collect(),
            languages: languages.iter().map(ToString::to_string).collect(),
            decision,
        };
        let english = document("The river is wide and the boat is small.", "wiki/en");
        assert!(filter(&[], &[], Wanted::Any).takes(&english, None));
        assert!(filter(&["news", "wiki/*"], &["en"], Wanted::Any).takes(&english, None));
        assert!(!filter(&["wiki"], &[], Wanted::Any).takes(&english, None));
        assert!(!filter(&[], &["de"], Wanted::Any).takes(&english, None));
        for (pattern, is) in
            [("*", true), ("w*en", true), ("*/*", true), ("w*k*n", true), ("*x*", false), ("wiki/en*en", false)]
        {
            assert_eq!(is_like("wiki/en", pattern), is, "{pattern}");
        }
        let dropped = Decided::parse(br#"{"id":"a","rule":"language","reason":"de: x"}"#).unwrap();
        assert!(filter(&[], &[], Wanted::Dropped).takes(&english, Some(&dropped)));
        assert!(filter(&[], &[], Wanted::By(vec!["de".to_owned()])).takes(&english, Some(&dropped)));
        assert!(!filter(&[], &[], Wanted::Kept).takes(&english, Some(&dropped)));
        assert!(!filter(&[], &[], Wanted::Kept).takes(&english, None));
    }
}
