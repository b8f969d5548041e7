//! Sorting more records than memory holds: sorted runs on disk, merged many at a time.
//!
//! The order of the result depends on the records alone, so neither the budget nor the number of threads can change it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use rayon::prelude::*;

use super::scratch::{BLOCK, BlockFile, BlockReader, BlockWriter, Scratch};
use crate::error::CorpusError;

/// Fewest bytes a sorter works in: a few blocks for merging.
pub(crate) const LEAST: u64 = 8 * BLOCK as u64;

/// What can be sorted: small values of a fixed size.
pub(crate) trait Record: Copy + Ord + Send + Sync {
    /// Bytes on disk.
    const BYTES: usize;
    /// Appends the record.
    fn put(self, out: &mut Vec<u8>);
    /// Reads it back from exactly [`Record::BYTES`] bytes.
    fn get(bytes: &[u8]) -> Self;
}

impl Record for u128 {
    const BYTES: usize = 16;

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn get(bytes: &[u8]) -> Self {
        let mut raw = [0u8; 16];
        raw.copy_from_slice(bytes);
        u128::from_le_bytes(raw)
    }
}

impl Record for u64 {
    const BYTES: usize = 8;

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn get(bytes: &[u8]) -> Self {
        let mut raw = [0u8; 8];
        raw.copy_from_slice(bytes);
        u64::from_le_bytes(raw)
    }
}

impl<A: Record, B: Record> Record for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn put(self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(bytes: &[u8]) -> Self {
        let (a, b) = bytes.split_at(A::BYTES);
        (A::get(a), B::get(b))
    }
}

/// Takes records in any order.
pub(crate) struct Sorter<R> {
    scratch: Arc<Scratch>,
    kind: &'static str,
    /// Records kept in memory.
    capacity: usize,
    /// Runs merged at once.
    fan_in: usize,
    buffer: Vec<R>,
    runs: Vec<Arc<BlockFile>>,
    unique: bool,
}

impl<R: Record> Sorter<R> {
    /// A sorter that stays within `memory` bytes; `kind` names its files.
    pub(crate) fn new(scratch: &Arc<Scratch>, kind: &'static str, memory: u64) -> Sorter<R> {
        let memory = memory.max(LEAST) as usize;
        Sorter {
            scratch: Arc::clone(scratch),
            kind,
            capacity: (memory / size_of::<R>()).max(16),
            // A reader holds a block and a little more.
            fan_in: (memory / (BLOCK + BLOCK / 4)).clamp(2, 512),
            buffer: Vec::new(),
            runs: Vec::new(),
            unique: false,
        }
    }

    /// Equal records come out once.
    pub(crate) fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(crate) fn push(&mut self, record: R) -> Result<(), CorpusError> {
        if self.buffer.len() == self.buffer.capacity() {
            if self.buffer.len() >= self.capacity {
                self.spill()?;
            } else {
                // Exactly doubled, and never beyond the budget.
                let more = self.buffer.len().max(1024).min(self.capacity - self.buffer.len());
                self.buffer.reserve_exact(more);
            }
        }
        self.buffer.push(record);
        Ok(())
    }

    fn sort(&mut self) {
        self.buffer.par_sort_unstable();
        if self.unique {
            self.buffer.dedup();
        }
    }

    fn spill(&mut self) -> Result<(), CorpusError> {
        self.sort();
        let mut writer = RecordWriter::create(&self.scratch, self.kind)?;
        for &record in &self.buffer {
            writer.put(record)?;
        }
        self.runs.push(writer.finish()?);
        self.buffer.clear();
        Ok(())
    }

    /// The records in order.
    pub(crate) fn finish(mut self) -> Result<Sorted<R>, CorpusError> {
        if self.runs.is_empty() {
            self.sort();
            let records = std::mem::take(&mut self.buffer);
            return Ok(Sorted { source: Source::Memory(records.into_iter()), unique: self.unique, last: None });
        }
        self.spill()?;
        self.buffer = Vec::new();
        while self.runs.len() > self.fan_in {
            // The oldest runs first, so that runs stay of similar sizes.
            let some: Vec<_> = self.runs.drain(..self.fan_in).collect();
            let mut merged: Sorted<R> =
                Sorted { source: Source::Disk(Merge::open(&some)?), unique: self.unique, last: None };
            drop(some);
            let mut writer = RecordWriter::create(&self.scratch, self.kind)?;
            while let Some(record) = merged.next()? {
                writer.put(record)?;
            }
            self.runs.push(writer.finish()?);
        }
        Ok(Sorted { source: Source::Disk(Merge::open(&self.runs)?), unique: self.unique, last: None })
    }
}

/// Records in order.
pub(crate) struct Sorted<R> {
    source: Source<R>,
    unique: bool,
    last: Option<R>,
}

enum Source<R> {
    Memory(std::vec::IntoIter<R>),
    Disk(Merge<R>),
}

impl<R: Record> Sorted<R> {
    pub(crate) fn next(&mut self) -> Result<Option<R>, CorpusError> {
        loop {
            let record = match &mut self.source {
                Source::Memory(records) => return Ok(records.next()),
                Source::Disk(merge) => merge.next()?,
            };
            if !self.unique || record.is_none() || record != self.last {
                self.last = record;
                return Ok(record);
            }
        }
    }
}

struct Merge<R> {
    runs: Vec<RecordReader<R>>,
    heap: BinaryHeap<Reverse<(R, usize)>>,
}

impl<R: Record> Merge<R> {
    fn open(files: &[Arc<BlockFile>]) -> Result<Merge<R>, CorpusError> {
        let mut runs: Vec<RecordReader<R>> = files.iter().map(RecordReader::open).collect::<Result<_, _>>()?;
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for (index, run) in runs.iter_mut().enumerate() {
            if let Some(record) = run.next()? {
                heap.push(Reverse((record, index)));
            }
        }
        Ok(Merge { runs, heap })
    }

    fn next(&mut self) -> Result<Option<R>, CorpusError> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(None) };
        let Reverse((record, run)) = *top;
        match self.runs[run].next()? {
            Some(next) => *top = Reverse((next, run)),
            None => drop(PeekMut::pop(top)),
        }
        Ok(Some(record))
    }
}

/// Writes records in the order given.
pub(crate) struct RecordWriter<R> {
    blocks: BlockWriter,
    bytes: Vec<u8>,
    kind: std::marker::PhantomData<R>,
}

impl<R: Record> RecordWriter<R> {
    pub(crate) fn create(scratch: &Arc<Scratch>, kind: &str) -> Result<Self, CorpusError> {
        let blocks = BlockWriter::create(scratch, kind)?;
        Ok(RecordWriter { blocks, bytes: Vec::with_capacity(R::BYTES), kind: std::marker::PhantomData })
    }

    pub(crate) fn put(&mut self, record: R) -> Result<(), CorpusError> {
        self.bytes.clear();
        record.put(&mut self.bytes);
        self.blocks.put(&self.bytes)
    }

    pub(crate) fn finish(self) -> Result<Arc<BlockFile>, CorpusError> {
        self.blocks.finish()
    }
}

/// Reads them back.
pub(crate) struct RecordReader<R> {
    blocks: BlockReader,
    block: Vec<u8>,
    at: usize,
    kind: std::marker::PhantomData<R>,
}

impl<R: Record> RecordReader<R> {
    pub(crate) fn open(file: &Arc<BlockFile>) -> Result<Self, CorpusError> {
        let blocks = BlockReader::open(file)?;
        Ok(RecordReader { blocks, block: Vec::new(), at: 0, kind: std::marker::PhantomData })
    }

    pub(crate) fn next(&mut self) -> Result<Option<R>, CorpusError> {
        if self.at == self.block.len() {
            self.at = 0;
            if !self.blocks.next(&mut self.block)? {
                return Ok(None);
            }
        }
        let end = self.at + R::BYTES;
        // A checked block holds whole records.
        let record = R::get(&self.block[self.at..end]);
        self.at = end;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use lang::rng::Rng;

    use super::*;

    fn drain<R: Record>(mut sorted: Sorted<R>) -> Vec<R> {
        let mut out = Vec::new();
        while let Some(record) = sorted.next().unwrap() {
            out.push(record);
        }
        out
    }

    /// With sixteen records in memory and two runs a merge, every path is taken; the standard sort is the oracle.
    #[test]
    fn any_budget_gives_the_order_of_a_plain_sort() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let mut rng = Rng::new(3);
        for (count, capacity, fan_in) in [(0, 16, 2), (15, 16, 2), (16, 16, 2), (5000, 16, 2), (5000, 100, 7)] {
            for unique in [false, true] {
                let records: Vec<(u128, u64)> =
                    (0..count).map(|_| (u128::from(rng.below(300)) << 90, rng.below(3))).collect();
                let mut sorter: Sorter<(u128, u64)> = Sorter::new(&scratch, "test", 0);
                (sorter.capacity, sorter.fan_in, sorter.unique) = (capacity, fan_in, unique);
                for &record in &records {
                    sorter.push(record).unwrap();
                }
                assert_eq!(sorter.runs.is_empty(), count <= capacity as u64, "{count}");
                let mut expected = records;
                expected.sort_unstable();
                if unique {
                    expected.dedup();
                }
                assert_eq!(drain(sorter.finish().unwrap()), expected);
            }
        }
        assert!(scratch.written() > 0);
        drop(scratch);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_buffer_never_outgrows_the_budget() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let mut sorter: Sorter<u128> = Sorter::new(&scratch, "test", 1 << 20);
        for i in 0..200_000u128 {
            sorter.push(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1000).unwrap();
            assert!(sorter.buffer.capacity() * 16 <= 1 << 20);
        }
        assert_eq!(drain(sorter.finish().unwrap()).len(), 200_000);
    }
}
