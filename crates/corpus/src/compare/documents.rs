//! Two corpora: documents that only one has, documents whose text or other fields changed, by source.

use std::collections::BTreeMap;
use std::path::Path;

use lang::document::Document;
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::join::{Join, Match};
use super::{Names, Places, Side};
use crate::build::account::Amount;
use crate::error::CorpusError;
use crate::text::excerpt;

/// By what documents are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// Their ids.
    #[default]
    Id,
    /// Their texts, whatever their ids.
    Text,
}

/// Documents of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceDiff {
    /// In both, with equal text and fields.
    pub same: u64,
    /// In both, with another text.
    pub changed: u64,
    /// In both, with equal text and other fields.
    pub other_fields: u64,
    /// In the first alone.
    pub only_a: u64,
    /// In the second alone.
    pub only_b: u64,
}

/// A document that one side has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OneSided {
    /// Its id.
    pub id: String,
    /// Its source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The beginning of its text.
    pub text: String,
}

/// A document whose text differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangedExample {
    /// Its id.
    pub id: String,
    /// Its source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Lines that only the first has, the first few.
    pub removed: Vec<String>,
    /// Lines that only the second has.
    pub added: Vec<String>,
    /// Bytes of both texts.
    pub bytes: (usize, usize),
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DocumentsDiff {
    /// What the first has.
    pub a: Amount,
    /// What the second has.
    pub b: Amount,
    /// All sources together.
    #[serde(flatten)]
    pub all: SourceDiff,
    /// By source (of the first, where both have the document).
    pub sources: BTreeMap<String, SourceDiff>,
    /// Examples of documents that only the first has.
    pub only_a_examples: Vec<OneSided>,
    /// Examples of documents that only the second has.
    pub only_b_examples: Vec<OneSided>,
    /// Examples of documents whose text differs.
    pub changed_examples: Vec<ChangedExample>,
}

impl DocumentsDiff {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        let SourceDiff { changed, other_fields, only_a, only_b, .. } = self.all;
        changed + other_fields + only_a + only_b == 0
    }
}

/// Lines of an example.
const LINES: usize = 4;
/// Texts of an example that are compared by line, in bytes.
const COMPARED: usize = 1 << 20;

/// Takes the documents of both sides; then, in a second reading, those its examples need.
pub struct CompareDocuments {
    key: Key,
    most: usize,
    characters: usize,
    join: Option<Join<(u64, u64)>>,
    names: Names,
    diff: DocumentsDiff,
    places: Places,
    only: [Vec<u64>; 2],
    changed: Vec<(u64, u64)>,
    brought: [BTreeMap<u64, Document>; 2],
}

impl CompareDocuments {
    /// Begins, with at most `most` examples of each kind, of `characters` characters.
    ///
    /// # Errors
    /// A scratch folder that cannot be made.
    pub fn new(key: Key, most: usize, characters: usize, memory: u64, scratch: &Path) -> Result<Self, CorpusError> {
        Ok(CompareDocuments {
            key,
            most,
            characters,
            join: Some(Join::new(memory, scratch)?),
            names: Names::default(),
            diff: DocumentsDiff::default(),
            places: Places::default(),
            only: Default::default(),
            changed: Vec::new(),
            brought: Default::default(),
        })
    }

    /// First reading: the next document of a side.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn add(&mut self, side: Side, document: &Document) -> Result<(), CorpusError> {
        let amount = if side == Side::A { &mut self.diff.a } else { &mut self.diff.b };
        amount.add(&document.text);
        let source = self.names.number(&document.source);
        let key = match self.key {
            Key::Id => xxh3_128(document.id.as_bytes()),
            Key::Text => xxh3_128(document.text.as_bytes()),
        };
        let fields = match self.key {
            Key::Id => fields(document),
            Key::Text => 0,
        };
        let carries = (xxh3_64(document.text.as_bytes()), (fields << 16) | source);
        self.join.as_mut().map_or(Ok(()), |join| join.push(side, key, carries))
    }

    /// End of the first reading: which documents the second must bring.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn matched(&mut self) -> Result<&Places, CorpusError> {
        let Some(join) = self.join.take() else { return Ok(&self.places) };
        let mut counts: BTreeMap<u64, SourceDiff> = BTreeMap::new();
        let (places, only, changed, most) = (&mut self.places, &mut self.only, &mut self.changed, self.most);
        join.finish(|one| {
            let source = |extra: u64| extra & 0xffff;
            let mut alone = |side: Side, place: u64| {
                if only[side as usize].len() < most {
                    only[side as usize].push(place);
                    places.add(side, place);
                }
            };
            match one {
                Match::OnlyA((place, (_, extra))) => {
                    counts.entry(source(extra)).or_default().only_a += 1;
                    alone(Side::A, place);
                }
                Match::OnlyB((place, (_, extra))) => {
                    counts.entry(source(extra)).or_default().only_b += 1;
                    alone(Side::B, place);
                }
                Match::Both((a, (text_a, extra_a)), (b, (text_b, extra_b))) => {
                    let count = counts.entry(source(extra_a)).or_default();
                    if text_a != text_b {
                        count.changed += 1;
                        if changed.len() < most {
                            changed.push((a, b));
                            places.add(Side::A, a);
                            places.add(Side::B, b);
                        }
                    } else if extra_a >> 16 != extra_b >> 16 {
                        count.other_fields += 1;
                    } else {
                        count.same += 1;
                    }
                }
            }
        })?;
        for (source, count) in counts {
            let all = &mut self.diff.all;
            all.same += count.same;
            all.changed += count.changed;
            all.other_fields += count.other_fields;
            all.only_a += count.only_a;
            all.only_b += count.only_b;
            self.diff.sources.insert(self.names.name(source).to_owned(), count);
        }
        Ok(&self.places)
    }

    /// Second reading: a document that [`CompareDocuments::matched`] asked for.
    pub fn bring(&mut self, side: Side, place: u64, document: Document) {
        self.brought[side as usize].insert(place, document);
    }

    /// The comparison.
    pub fn finish(mut self) -> DocumentsDiff {
        let characters = self.characters;
        let one_sided = |side: Side, documents: &BTreeMap<u64, Document>| -> Vec<OneSided> {
            let found = self.only[side as usize].iter().filter_map(|place| documents.get(place));
            found
                .map(|document| OneSided {
                    id: document.id.clone(),
                    source: document.source.clone(),
                    text: excerpt(&document.text, characters),
                })
                .collect()
        };
        self.diff.only_a_examples = one_sided(Side::A, &self.brought[0]);
        self.diff.only_b_examples = one_sided(Side::B, &self.brought[1]);
        let [a, b] = &self.brought;
        let pairs = self.changed.iter().filter_map(|(at_a, at_b)| Some((a.get(at_a)?, b.get(at_b)?)));
        self.diff.changed_examples = pairs.map(|(a, b)| changed(a, b, characters)).collect();
        self.diff
    }
}

/// Hash of everything but text and id, 48 bits.
fn fields(document: &Document) -> u64 {
    let rest = serde_json::to_vec(&(&document.source, &document.url, &document.date, &document.lang, &document.meta));
    // Strings and JSON values can always be written.
    xxh3_64(&rest.unwrap_or_default()) >> 16
}

fn changed(a: &Document, b: &Document, characters: usize) -> ChangedExample {
    let of = |document: &Document| -> Vec<String> {
        let text = &document.text[..document.text.floor_char_boundary(COMPARED)];
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    };
    let (lines_a, lines_b) = (of(a), of(b));
    let without = |lines: &[String], others: &[String]| -> Vec<String> {
        let others: std::collections::HashSet<&String> = others.iter().collect();
        lines.iter().filter(|line| !others.contains(line)).take(LINES).map(|line| excerpt(line, characters)).collect()
    };
    ChangedExample {
        id: a.id.clone(),
        source: a.source.clone(),
        removed: without(&lines_a, &lines_b),
        added: without(&lines_b, &lines_a),
        bytes: (a.text.len(), b.text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, text: &str, source: &str) -> Document {
        Document { id: id.to_owned(), text: text.to_owned(), source: source.to_owned(), ..Document::default() }
    }

    fn compare(key: Key, a: &[Document], b: &[Document], memory: u64) -> DocumentsDiff {
        let place = tempfile::tempdir().unwrap();
        let mut compare = CompareDocuments::new(key, 2, 40, memory, place.path()).unwrap();
        for (side, documents) in [(Side::A, a), (Side::B, b)] {
            documents.iter().for_each(|document| compare.add(side, document).unwrap());
        }
        let places = compare.matched().unwrap().clone();
        for (side, documents) in [(Side::A, a), (Side::B, b)] {
            for (place, document) in (0..).zip(documents) {
                if places.wants(side, place) {
                    compare.bring(side, place, document.clone());
                }
            }
        }
        compare.finish()
    }

    #[test]
    fn every_kind_of_difference_is_counted_by_source() {
        let a = [
            document("1", "stays\nas it is", "x"),
            document("2", "one\ntwo\nthree", "x"),
            document("3", "goes", "y"),
            document("4", "the same text", "y"),
        ];
        let mut other = document("4", "the same text", "y");
        other.lang = Some("en".to_owned());
        let b = [
            document("5", "comes", "z"),
            other,
            document("2", "one\n2\nthree", "x"),
            document("1", "stays\nas it is", "x"),
        ];
        let diff = compare(Key::Id, &a, &b, 1 << 20);
        assert_eq!(diff.all, SourceDiff { same: 1, changed: 1, other_fields: 1, only_a: 1, only_b: 1 });
        assert_eq!(diff.sources["x"], SourceDiff { same: 1, changed: 1, ..SourceDiff::default() });
        assert_eq!(diff.sources["y"], SourceDiff { other_fields: 1, only_a: 1, ..SourceDiff::default() });
        assert_eq!((diff.a.documents, diff.b.documents, diff.is_same()), (4, 4, false));
        assert_eq!((&*diff.only_a_examples[0].id, &*diff.only_b_examples[0].text), ("3", "comes"));
        let example = &diff.changed_examples[0];
        assert_eq!((&example.removed[..], &example.added[..]), (&["two".to_owned()][..], &["2".to_owned()][..]));
        assert!(compare(Key::Id, &a, &a, 1 << 20).is_same());
        // By text nobody asks for ids and fields.
        let renamed: Vec<Document> = a.iter().rev().map(|d| document(&format!("new {}", d.id), &d.text, "w")).collect();
        assert!(compare(Key::Text, &a, &renamed, 1 << 20).is_same());
        assert_eq!(compare(Key::Id, &a, &renamed, 1 << 20).all.only_b, 4);
    }

    #[test]
    fn budgets_change_nothing_and_repeated_ids_meet_in_turn() {
        let make = |count: u64, shift: u64| -> Vec<Document> {
            (0..count)
                .map(|n| document(&format!("d{}", n % 20_000), &format!("text {}", (n + shift) / 3), "s"))
                .collect()
        };
        let (a, b) = (make(30_000, 0), make(29_000, 1));
        let small = compare(Key::Id, &a, &b, 1);
        assert_eq!(small, compare(Key::Id, &a, &b, 1 << 30));
        assert_eq!(small.all.only_a, 1000);
        // Two of three texts stay the same when numbers move on by one.
        assert_eq!(small.all.changed, 29_000 / 3);
    }
}
