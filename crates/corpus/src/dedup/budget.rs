//! How a memory budget is shared between reading a corpus and finding its duplicates.

use crate::error::CorpusError;
use crate::read::ReadOptions;

/// How a memory budget is shared between reading and finding duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text in a batch, about.
    pub batch: usize,
    /// For the work on them.
    pub work: u64,
    /// Longest record that is read.
    pub record: usize,
}

/// What the program holds before it does anything, generously.
pub(super) const PROGRAM: u64 = 40 << 20;
/// The least budget for reading and finding duplicates together.
const LEAST: u64 = 96 << 20;

impl Budget {
    /// Shares `memory` bytes.
    ///
    /// # Errors
    /// [`CorpusError::Memory`] when it is less than 96 MiB.
    pub fn of(memory: u64) -> Result<Budget, CorpusError> {
        if memory < LEAST {
            return Err(CorpusError::memory("reading a corpus and finding its duplicates", LEAST, memory));
        }
        let left = memory - PROGRAM;
        // Three batches are under way at a time, and a record takes its length a few times over while it is read.
        let batch = (left / 48).clamp(256 << 10, 16 << 20);
        Ok(Budget {
            batch: batch as usize,
            work: (left - 6 * batch) * 3 / 4,
            record: (left / 16).min(64 << 20) as usize,
        })
    }

    /// The least budget in which `work` bytes are left for the work.
    pub(super) fn least(work: u64) -> u64 {
        (PROGRAM + work * 8 / 5).max(LEAST)
    }

    /// Reading options whose records fit.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions { max_record_bytes: self.record, ..ReadOptions::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_shared_or_refused() {
        for memory in [96u64 << 20, 200 << 20, 512 << 20, 8 << 30] {
            let budget = Budget::of(memory).unwrap();
            assert!(budget.work >= super::super::LEAST_MEMORY);
            assert!(budget.work + 6 * budget.batch as u64 + PROGRAM < memory);
        }
        assert!(Budget::of(95 << 20).unwrap_err().to_string().contains("--memory 96MiB"));
    }
}
