//! The join that all comparisons are: records of two sides meet by key, outside memory, in the order of the keys.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::Side;
use crate::dedup::{Record, Scratch, Sorter};
use crate::error::CorpusError;

/// Place of a record in the reading of its side, and what it carries.
pub(super) type At<P> = (u64, P);

/// What came together.
pub(super) enum Match<P> {
    /// Only the first side has it.
    OnlyA(At<P>),
    /// Only the second side has it.
    OnlyB(At<P>),
    /// Both have it. The n-th of a key on one side meets the n-th on the other.
    Both(At<P>, At<P>),
}

/// Takes the records of both sides, in any order.
pub(super) struct Join<P> {
    sorter: Sorter<(u128, (u64, P))>,
    seen: [u64; 2],
    _scratch: Arc<Scratch>,
}

impl<P: Record> Join<P> {
    pub(super) fn new(memory: u64, scratch: &Path) -> Result<Join<P>, CorpusError> {
        let scratch = Scratch::create(scratch)?;
        Ok(Join { sorter: Sorter::new(&scratch, "compare", memory), seen: [0; 2], _scratch: scratch })
    }

    /// The next record of a side.
    pub(super) fn push(&mut self, side: Side, key: u128, carries: P) -> Result<(), CorpusError> {
        let place = self.seen[side as usize];
        self.seen[side as usize] += 1;
        self.sorter.push((key, (((side as u64) << 63) | place, carries)))
    }

    /// Calls `each` for everything, in the order of the keys, which are hashes: the first ones are a sample. What is held is the
    /// records of the first side with one key.
    pub(super) fn finish(self, mut each: impl FnMut(Match<P>)) -> Result<(), CorpusError> {
        let mut sorted = self.sorter.finish()?;
        let mut key = 0;
        let mut waiting: VecDeque<At<P>> = VecDeque::new();
        loop {
            let next = sorted.next()?;
            if next.is_none_or(|(next, _)| next != key) {
                waiting.drain(..).for_each(|at| each(Match::OnlyA(at)));
            }
            let Some((next, (place, carries))) = next else { return Ok(()) };
            key = next;
            let at = (place & !(1 << 63), carries);
            if place >> 63 == 0 {
                waiting.push_back(at);
            } else {
                each(match waiting.pop_front() {
                    Some(a) => Match::Both(a, at),
                    None => Match::OnlyB(at),
                });
            }
        }
    }
}

/// Hashes of the columns of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row(pub(super) [u32; COLUMNS_MOST]);

/// The tables of signals have fewer columns; a test holds it.
pub(super) const COLUMNS_MOST: usize = 160;

impl Record for Row {
    const BYTES: usize = 4 * COLUMNS_MOST;

    fn put(self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    }

    fn get(bytes: &[u8]) -> Self {
        let mut row = [0; COLUMNS_MOST];
        for (word, bytes) in row.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Row(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_meet_by_key_and_in_turn() {
        let place = tempfile::tempdir().unwrap();
        let mut join: Join<u64> = Join::new(1 << 20, place.path()).unwrap();
        for (key, carries) in [(5, 50), (7, 70), (5, 51), (9, 90)] {
            join.push(Side::A, key, carries).unwrap();
        }
        for (key, carries) in [(9, 91), (5, 52), (5, 53), (5, 54), (1, 10)] {
            join.push(Side::B, key, carries).unwrap();
        }
        let mut found = Vec::new();
        join.finish(|one| {
            found.push(match one {
                Match::OnlyA((at, p)) => format!("A {at} {p}"),
                Match::OnlyB((at, p)) => format!("B {at} {p}"),
                Match::Both((a, p), (b, q)) => format!("{a} {p} = {b} {q}"),
            });
        })
        .unwrap();
        assert_eq!(found, ["B 4 10", "0 50 = 1 52", "2 51 = 2 53", "B 3 54", "A 1 70", "3 90 = 0 91"]);
    }

    #[test]
    fn rows_come_back_and_hold_all_columns() {
        let mut row = Row([0; COLUMNS_MOST]);
        (row.0[0], row.0[COLUMNS_MOST - 1]) = (7, u32::MAX);
        let mut bytes = Vec::new();
        row.put(&mut bytes);
        assert_eq!(bytes.len(), Row::BYTES);
        assert_eq!(Row::get(&bytes), row);
        assert!(crate::signals::COLUMNS.len() <= COLUMNS_MOST);
    }
}
