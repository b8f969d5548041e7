//! Two tables of signals: which columns say something else of how many documents.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::join::{COLUMNS_MOST, Join, Match, Row};
use super::{Places, Side};
use crate::error::CorpusError;
use crate::signals::{COLUMNS, Signals};

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ColumnDiff {
    /// Its name.
    pub column: String,
    /// Documents of which both sides say different things, or only one says something.
    pub changed: u64,
    /// Mean over the first, of the documents it was measured on; none for text.
    pub mean_a: Option<f64>,
    /// Mean over the second.
    pub mean_b: Option<f64>,
    /// Documents that only the first measured.
    pub only_measured_a: u64,
    /// Documents that only the second measured.
    pub only_measured_b: u64,
}

/// One document of which the tables say different things.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RowExample {
    /// Its id.
    pub id: String,
    /// Columns that differ with both values; null where it was not measured.
    pub values: Vec<(String, Value, Value)>,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TablesDiff {
    /// Rows of the first.
    pub a: u64,
    /// Rows of the second.
    pub b: u64,
    /// Documents that only the first has.
    pub only_a: u64,
    /// Documents that only the second has.
    pub only_b: u64,
    /// Documents of which all columns are equal.
    pub same: u64,
    /// Documents of which some column differs.
    pub changed: u64,
    /// The columns that differ, those of the most documents first.
    pub columns: Vec<ColumnDiff>,
    /// Some documents that differ.
    pub examples: Vec<RowExample>,
}

impl TablesDiff {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.only_a + self.only_b + self.changed == 0
    }
}

/// Takes the rows of both sides; then, in a second reading, those its examples need.
pub struct CompareTables {
    most: usize,
    join: Option<Join<Row>>,
    /// Of every column: sum and count of both sides.
    sums: Vec<[(f64, u64); 2]>,
    diff: TablesDiff,
    places: Places,
    pairs: Vec<(u64, u64)>,
    brought: [std::collections::BTreeMap<u64, Signals>; 2],
}

impl CompareTables {
    /// Begins, with at most `most` examples.
    ///
    /// # Errors
    /// A scratch folder that cannot be made.
    pub fn new(most: usize, memory: u64, scratch: &Path) -> Result<Self, CorpusError> {
        Ok(CompareTables {
            most,
            join: Some(Join::new(memory, scratch)?),
            sums: vec![Default::default(); COLUMNS.len()],
            diff: TablesDiff::default(),
            places: Places::default(),
            pairs: Vec::new(),
            brought: Default::default(),
        })
    }

    /// First reading: the next row of a side.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn add(&mut self, side: Side, row: &Signals) -> Result<(), CorpusError> {
        *(if side == Side::A { &mut self.diff.a } else { &mut self.diff.b }) += 1;
        let mut hashes = [0; COLUMNS_MOST];
        for (at, hash) in hashes.iter_mut().enumerate().take(COLUMNS.len()) {
            *hash = value_hash(row, at);
            let value = row.numbers.get(at).copied().unwrap_or(f64::NAN);
            if !value.is_nan() {
                let (sum, count) = &mut self.sums[at][side as usize];
                *sum += value;
                *count += 1;
            }
        }
        let key = xxh3_128(row.id.as_bytes());
        self.join.as_mut().map_or(Ok(()), |join| join.push(side, key, Row(hashes)))
    }

    /// End of the first reading: which rows the second must bring.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn matched(&mut self) -> Result<&Places, CorpusError> {
        let Some(join) = self.join.take() else { return Ok(&self.places) };
        let mut columns: Vec<ColumnDiff> = COLUMNS
            .iter()
            .zip(&self.sums)
            .map(|((column, _), [a, b])| {
                let mean = |(sum, count): (f64, u64)| (count > 0).then(|| sum / count as f64);
                ColumnDiff {
                    column: column.name.to_owned(),
                    mean_a: mean(*a),
                    mean_b: mean(*b),
                    ..ColumnDiff::default()
                }
            })
            .collect();
        let (diff, pairs, places, most) = (&mut self.diff, &mut self.pairs, &mut self.places, self.most);
        join.finish(|one| match one {
            Match::OnlyA(_) => diff.only_a += 1,
            Match::OnlyB(_) => diff.only_b += 1,
            Match::Both((_, Row(a)), (_, Row(b))) if a == b => diff.same += 1,
            Match::Both((at_a, Row(a)), (at_b, Row(b))) => {
                diff.changed += 1;
                for (column, (a, b)) in columns.iter_mut().zip(a.into_iter().zip(b)) {
                    column.changed += u64::from(a != b);
                    column.only_measured_a += u64::from(a != 0 && b == 0);
                    column.only_measured_b += u64::from(a == 0 && b != 0);
                }
                if pairs.len() < most {
                    pairs.push((at_a, at_b));
                    places.add(Side::A, at_a);
                    places.add(Side::B, at_b);
                }
            }
        })?;
        columns.retain(|column| column.changed > 0);
        columns.sort_by(|x, y| y.changed.cmp(&x.changed).then_with(|| x.column.cmp(&y.column)));
        self.diff.columns = columns;
        Ok(&self.places)
    }

    /// Second reading: a row that [`CompareTables::matched`] asked for.
    pub fn bring(&mut self, side: Side, place: u64, row: Signals) {
        self.brought[side as usize].insert(place, row);
    }

    /// The comparison.
    pub fn finish(mut self) -> TablesDiff {
        let [a, b] = &self.brought;
        let pairs = self.pairs.iter().filter_map(|(at_a, at_b)| Some((a.get(at_a)?, b.get(at_b)?)));
        self.diff.examples = pairs
            .map(|(a, b)| {
                let differs = (0..COLUMNS.len()).filter(|&at| value_hash(a, at) != value_hash(b, at));
                let (flat_a, flat_b) = (a.flat(), b.flat());
                let value =
                    |flat: &serde_json::Map<String, Value>, name: &str| flat.get(name).cloned().unwrap_or(Value::Null);
                let values = differs.map(|at| COLUMNS[at].0.name);
                let values = values.map(|name| (name.to_owned(), value(&flat_a, name), value(&flat_b, name)));
                RowExample { id: a.id.clone(), values: values.collect() }
            })
            .collect();
        self.diff
    }
}

/// What a row says in a column; 0: nothing.
fn value_hash(row: &Signals, at: usize) -> u32 {
    let number = row.numbers.get(at).copied().unwrap_or(f64::NAN);
    let hash = if number.is_nan() {
        row.text(COLUMNS[at].0.name).map(|text| xxh3_64(text.as_bytes()))
    } else {
        // 0 and −0 are the same number.
        Some(xxh3_64(&(number + 0.0).to_le_bytes()))
    };
    hash.map_or(0, |hash| (hash as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_differ_are_named_with_their_values() {
        let row = |id: &str, words: f64, lang: &str| {
            let mut row = Signals { id: id.to_owned(), numbers: vec![f64::NAN; COLUMNS.len()], ..Signals::default() };
            row.set("words", words).unwrap();
            row.texts.push(("lang", lang.to_owned()));
            row
        };
        let place = tempfile::tempdir().unwrap();
        let mut compare = CompareTables::new(3, 1, place.path()).unwrap();
        let a = [row("1", 10.0, "en"), row("2", 20.0, "en"), row("3", 30.0, "en"), row("4", 0.0, "de")];
        let b = [row("4", -0.0, "de"), row("3", 60.0, "fr"), row("1", f64::NAN, "en"), row("5", 2.0, "en")];
        a.iter().for_each(|row| compare.add(Side::A, row).unwrap());
        b.iter().for_each(|row| compare.add(Side::B, row).unwrap());
        let places = compare.matched().unwrap().clone();
        for (side, rows) in [(Side::A, &a), (Side::B, &b)] {
            for (place, row) in (0..).zip(rows.iter()) {
                if places.wants(side, place) {
                    compare.bring(side, place, row.clone());
                }
            }
        }
        let diff = compare.finish();
        assert_eq!((diff.same, diff.changed, diff.only_a, diff.only_b), (1, 2, 1, 1));
        let words = &diff.columns[0];
        assert_eq!((&*words.column, words.changed, words.only_measured_a), ("words", 2, 1));
        assert_eq!((words.mean_a, words.mean_b), (Some(15.0), Some(62.0 / 3.0)));
        assert_eq!((&*diff.columns[1].column, diff.columns[1].mean_a), ("lang", None));
        let three = diff.examples.iter().find(|example| example.id == "3").unwrap();
        assert!(three.values.contains(&("words".to_owned(), Value::from(30), Value::from(60))));
        assert_eq!(three.values.len(), 2);
    }
}
