//! Ids that are given twice, found without a table of all ids: their hashes lie in files, and as many passes are made
//! over these as the memory asks for, each over one range of hashes.

use std::collections::{HashMap, HashSet};

use lang::document::Document;
use xxhash_rust::xxh3::xxh3_64;

use super::work::{LinesIn, Work};
use crate::error::CorpusError;

/// The documents that get another id.
#[derive(Debug, Default)]
pub(super) struct Renamings(HashMap<(usize, u64), String>);

impl Renamings {
    /// The new id of a document, by batch and place in it.
    pub(super) fn of(&self, batch: usize, index: u64) -> Option<&str> {
        self.0.get(&(batch, index)).map(String::as_str)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Bytes that a hash and its place take while they are sorted.
const ENTRY: u64 = 24;

/// The second and later documents of an id get the suffix `~2`, `~3`, …, or a longer one where that is taken.
pub(super) fn find(work: &Work<'_>, documents: &[u64], memory: u64) -> Result<Renamings, CorpusError> {
    let total: u64 = documents.iter().sum();
    let passes = (total * ENTRY).div_ceil(memory.max(1 << 20)).max(1);
    let range = u64::MAX / passes;
    // (batch, place) → which occurrence of its id it is, from 2.
    let mut later: HashMap<(usize, u64), u64> = HashMap::new();
    for pass in 0..passes {
        let (low, high) = (pass * range, if pass + 1 == passes { u64::MAX } else { (pass + 1) * range - 1 });
        let mut entries: Vec<(u64, usize, u64)> = Vec::new();
        for batch in 0..documents.len() {
            let hashes = hashes(work, batch)?;
            let here = (0..).zip(hashes).filter(|(_, hash)| (low..=high).contains(hash));
            entries.extend(here.map(|(index, hash)| (hash, batch, index)));
        }
        entries.sort_unstable();
        for same in entries.chunk_by(|a, b| a.0 == b.0) {
            later.extend((2..).zip(&same[1..]).map(|(number, &(_, batch, index))| ((batch, index), number)));
        }
    }
    if later.is_empty() {
        return Ok(Renamings::default());
    }
    name(work, documents, later)
}

fn hashes(work: &Work<'_>, batch: usize) -> Result<Vec<u64>, CorpusError> {
    let path = work.file("ids", batch, "bin");
    let bytes = std::fs::read(&path).map_err(|error| CorpusError::io(&path, "read", error))?;
    Ok(bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect())
}

fn name(work: &Work<'_>, documents: &[u64], later: HashMap<(usize, u64), u64>) -> Result<Renamings, CorpusError> {
    let mut names: HashMap<(usize, u64), String> = HashMap::with_capacity(later.len());
    let concerned: HashSet<usize> = later.keys().map(|(batch, _)| *batch).collect();
    for &batch in &concerned {
        let mut input = LinesIn::open(work.file("read", batch, "jsonl.zst"))?;
        let mut index = 0;
        while let Some(document) = input.next::<Document>()? {
            if let Some(number) = later.get(&(batch, index)) {
                names.insert((batch, index), format!("{}~{number}", document.id));
            }
            index += 1;
        }
    }
    // A new name may be another document's own.
    let wanted: HashSet<u64> = names.values().map(|name| xxh3_64(name.as_bytes())).collect();
    let mut taken: HashSet<u64> = HashSet::new();
    for batch in 0..documents.len() {
        taken.extend(hashes(work, batch)?.into_iter().filter(|hash| wanted.contains(hash)));
    }
    for ((batch, index), name) in &mut names {
        if taken.contains(&xxh3_64(name.as_bytes())) {
            name.push_str(&format!("~{batch}-{index}"));
        }
    }
    Ok(Renamings(names))
}
