//! What differs between two corpora, two lists of decisions or two tables of signals, matched by id whatever their order, in bounded
//! memory: a hash of every document goes to sorted runs on disk, and equal ids meet in a merge. A second reading fetches the examples.

mod decisions;
mod documents;
mod join;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

pub use decisions::{CompareDecisions, DecisionFlips, Flip, RuleDiff, Totals};
pub use documents::{ChangedExample, CompareDocuments, DocumentsDiff, Key, OneSided, SourceDiff};
pub use tables::{ColumnDiff, CompareTables, RowExample, TablesDiff};

/// Which of the two things compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// Places, in the readings of both sides, of what the examples need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    sides: [BTreeSet<u64>; 2],
}

impl Places {
    /// Whether the reading of a side must bring the thing at this place.
    pub fn wants(&self, side: Side, place: u64) -> bool {
        self.sides[side as usize].contains(&place)
    }

    /// Whether the reading of a side can end before this place.
    pub fn done(&self, side: Side, place: u64) -> bool {
        self.sides[side as usize].last().is_none_or(|last| *last < place)
    }

    fn add(&mut self, side: Side, place: u64) {
        self.sides[side as usize].insert(place);
    }
}

/// Names as small numbers; names beyond the most share one.
#[derive(Debug, Default)]
struct Names {
    numbers: BTreeMap<String, u64>,
    names: Vec<String>,
}

/// More names than this are counted together.
const MOST_NAMES: usize = 4096;
const OTHER_NAMES: &str = "(others)";

impl Names {
    fn number(&mut self, name: &str) -> u64 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.names.len() >= MOST_NAMES && name != OTHER_NAMES {
            return self.number(OTHER_NAMES);
        }
        let number = self.names.len() as u64;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn name(&self, number: u64) -> &str {
        self.names.get(number as usize).map_or(OTHER_NAMES, String::as_str)
    }
}
