//! The documents of a batch after the looks: which are gone, which are noise or duplicates, which are still in and what of their text
//! was cut.

use std::collections::BTreeMap;

use lang::document::Document;

use super::Steps;
use super::duplicates::{self, Duplicate};
use super::look::{KnownWords, Looked, Survivors};
use super::parts::{self, Parted};
use super::work::Work;
use crate::error::CorpusError;

/// A document on its way through the last steps.
pub(super) enum Survivor {
    /// Dropped by an earlier step.
    Gone,
    /// Noise of words that no other document knows.
    Unknown(Document, f64),
    /// A duplicate.
    Same(Document, Duplicate),
    /// Still in, with what each level of repeated parts cuts out of it.
    In(Document, Vec<Parted>),
}

/// Reads batches of survivors.
#[derive(Clone, Copy)]
pub(super) struct Passed<'p> {
    pub(super) work: &'p Work<'p>,
    pub(super) steps: &'p Steps,
    pub(super) known: KnownWords,
}

impl Passed<'_> {
    /// Calls `one` for every document of a batch, in order; with the cuts of the first `levels` levels of repeated parts.
    pub(super) fn each(
        &self,
        batch: usize,
        levels: usize,
        mut one: impl FnMut(Looked, Survivor) -> Result<(), CorpusError>,
    ) -> Result<(), CorpusError> {
        let mut same: BTreeMap<u64, Duplicate> = match self.steps.duplicates {
            Some(_) => duplicates::of_batch(self.work, batch)?,
            None => BTreeMap::new(),
        };
        let mut cuts =
            (0..levels).map(|level| parts::of_batch(self.work, level, batch)).collect::<Result<Vec<_>, _>>()?;
        let mut survivors = Survivors::open(self.work, batch)?;
        let (mut compared, mut alive) = (0, 0);
        while let Some((looked, document)) = survivors.next()? {
            let survivor = match document {
                None => Survivor::Gone,
                Some(document) if self.known.drops(&looked) => {
                    Survivor::Unknown(document, looked.unknown.unwrap_or_default())
                }
                Some(document) => {
                    compared += 1;
                    match same.remove(&(compared - 1)) {
                        Some(duplicate) => Survivor::Same(document, duplicate),
                        None => {
                            alive += 1;
                            let of_level =
                                |cuts: &mut BTreeMap<u64, Parted>| cuts.remove(&(alive - 1)).unwrap_or_default();
                            Survivor::In(document, cuts.iter_mut().map(of_level).collect())
                        }
                    }
                }
            };
            one(looked, survivor)?;
        }
        Ok(())
    }
}
