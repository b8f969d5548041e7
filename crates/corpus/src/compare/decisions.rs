//! Two lists of decisions: which documents would be kept instead of dropped and the other way round, by rule.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::join::{Join, Match};
use super::{Names, Places, Side};
use crate::decided::Decided;
use crate::error::CorpusError;

/// What one side decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Decisions.
    pub documents: u64,
    /// Kept documents.
    pub kept: u64,
    /// Dropped documents.
    pub dropped: u64,
}

/// Documents that one side treats in one way and the other in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flip {
    /// What the first says: `kept`, or the step or rule that drops it.
    pub from: String,
    /// What the second says.
    pub to: String,
    /// How many.
    pub documents: u64,
    /// Ids of some of them.
    pub examples: Vec<String>,
}

/// One rule on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleDiff {
    /// Documents it drops in the first.
    pub a: u64,
    /// Documents it drops in the second.
    pub b: u64,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionFlips {
    /// The first.
    pub a: Totals,
    /// The second.
    pub b: Totals,
    /// Documents only the first decided about.
    pub only_a: u64,
    /// Documents only the second decided about.
    pub only_b: u64,
    /// Kept by both.
    pub both_keep: u64,
    /// Dropped by both.
    pub both_drop: u64,
    /// Dropped by the first, kept by the second.
    pub newly_kept: u64,
    /// Kept by the first, dropped by the second.
    pub newly_dropped: u64,
    /// Every rule (of a build `step: test`) with what it drops first of all.
    pub rules: BTreeMap<String, RuleDiff>,
    /// Every pair of different answers, the most frequent first.
    pub flips: Vec<Flip>,
}

impl DecisionFlips {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.only_a + self.only_b == 0 && self.flips.is_empty()
    }
}

/// Takes the decisions of both sides; then, in a second reading, those its examples need.
pub struct CompareDecisions {
    most: usize,
    join: Option<Join<u64>>,
    names: Names,
    flips: DecisionFlips,
    places: Places,
    examples: BTreeMap<u64, (usize, usize)>,
}

impl CompareDecisions {
    /// Begins, with at most `most` examples of each pair of answers.
    ///
    /// # Errors
    /// A scratch folder that cannot be made.
    pub fn new(most: usize, memory: u64, scratch: &Path) -> Result<Self, CorpusError> {
        let mut names = Names::default();
        names.number("kept");
        Ok(CompareDecisions {
            most,
            join: Some(Join::new(memory, scratch)?),
            names,
            flips: DecisionFlips::default(),
            places: Places::default(),
            examples: BTreeMap::new(),
        })
    }

    /// First reading: the next decision of a side.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn add(&mut self, side: Side, decided: &Decided) -> Result<(), CorpusError> {
        // A rule that is called so would hide among the kept.
        let label = if decided.kept() { 0 } else { self.names.number(&format!(" {}", decided.label())) };
        let totals = if side == Side::A { &mut self.flips.a } else { &mut self.flips.b };
        totals.documents += 1;
        *(if decided.kept() { &mut totals.kept } else { &mut totals.dropped }) += 1;
        if !decided.kept() {
            let rule = self.flips.rules.entry(self.names.name(label).trim_start().to_owned()).or_default();
            *(if side == Side::A { &mut rule.a } else { &mut rule.b }) += 1;
        }
        let key = xxh3_128(decided.id.as_bytes());
        self.join.as_mut().map_or(Ok(()), |join| join.push(side, key, label))
    }

    /// End of the first reading: which decisions of the first side the second reading must bring.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn matched(&mut self) -> Result<&Places, CorpusError> {
        let Some(join) = self.join.take() else { return Ok(&self.places) };
        let mut pairs: BTreeMap<(u64, u64), (u64, Vec<u64>)> = BTreeMap::new();
        let (flips, most) = (&mut self.flips, self.most);
        join.finish(|one| match one {
            Match::OnlyA(_) => flips.only_a += 1,
            Match::OnlyB(_) => flips.only_b += 1,
            Match::Both((place, a), (_, b)) => {
                *(match (a, b) {
                    (0, 0) => &mut flips.both_keep,
                    (0, _) => &mut flips.newly_dropped,
                    (_, 0) => &mut flips.newly_kept,
                    _ => &mut flips.both_drop,
                }) += 1;
                if a != b {
                    let (count, examples) = pairs.entry((a, b)).or_default();
                    *count += 1;
                    if examples.len() < most {
                        examples.push(place);
                    }
                }
            }
        })?;
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_by_key(|((a, b), (count, _))| (std::cmp::Reverse(*count), *a, *b));
        for (number, ((a, b), (documents, examples))) in pairs.into_iter().enumerate() {
            let name = |label| self.names.name(label).trim_start().to_owned();
            let flip = Flip { from: name(a), to: name(b), documents, examples: vec![String::new(); examples.len()] };
            self.flips.flips.push(flip);
            for (at, place) in examples.into_iter().enumerate() {
                self.places.add(Side::A, place);
                self.examples.insert(place, (number, at));
            }
        }
        Ok(&self.places)
    }

    /// Second reading: a decision of the first side that [`CompareDecisions::matched`] asked for.
    pub fn bring(&mut self, place: u64, decided: Decided) {
        if let Some((flip, at)) = self.examples.get(&place) {
            self.flips.flips[*flip].examples[*at] = decided.id;
        }
    }

    /// The comparison.
    pub fn finish(self) -> DecisionFlips {
        self.flips
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_are_counted_by_pairs_of_rules() {
        let place = tempfile::tempdir().unwrap();
        let mut compare = CompareDecisions::new(1, 1 << 20, place.path()).unwrap();
        let built = |id: &str, rule: &str| {
            let line = match rule {
                "" => format!(r#"{{"id":"{id}","rule":null,"reason":""}}"#),
                rule => format!(r#"{{"id":"{id}","rule":"step","reason":"{rule}: 1"}}"#),
            };
            Decided::parse(line.as_bytes()).unwrap()
        };
        let a = [
            built("1", ""),
            built("2", "short"),
            built("3", "short"),
            built("4", "odd"),
            built("5", "kept"),
            built("6", ""),
        ];
        let b =
            [built("7", ""), built("1", "short"), built("4", "short"), built("3", ""), built("2", ""), built("5", "")];
        a.iter().for_each(|decided| compare.add(Side::A, decided).unwrap());
        b.iter().for_each(|decided| compare.add(Side::B, decided).unwrap());
        let places = compare.matched().unwrap().clone();
        for (place, decided) in (0..).zip(&a) {
            if places.wants(Side::A, place) {
                compare.bring(place, decided.clone());
            }
        }
        let flips = compare.finish();
        assert_eq!((flips.only_a, flips.only_b), (1, 1));
        assert_eq!((flips.newly_kept, flips.newly_dropped, flips.both_drop, flips.both_keep), (3, 1, 1, 0));
        assert_eq!(flips.rules["step: short"], RuleDiff { a: 2, b: 2 });
        let first = &flips.flips[0];
        assert_eq!((&*first.from, &*first.to, first.documents), ("step: short", "kept", 2));
        assert!(["2", "3"].contains(&&*first.examples[0]) && first.examples.len() == 1);
        assert!(flips.flips.iter().any(|flip| flip.from == "step: kept" && flip.to == "kept"));
        assert!(!flips.is_same());
    }
}
