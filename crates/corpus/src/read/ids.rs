//! Ids that are given twice: the second and later ones get a suffix, so that decisions and labels can be matched by id.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

/// Remembers the ids given so far, 24 bytes or so each, as hashes of 128 bits (two ids of a corpus of 10¹² documents fall
/// together with a chance of 10⁻¹⁵).
#[derive(Debug, Default)]
pub struct UniqueIds {
    seen: HashMap<u128, u64>,
    renamed: u64,
}

impl UniqueIds {
    /// Leaves a new id as it is; an id seen before gets the suffix `~2`, `~3`, ….
    pub fn make_unique(&mut self, id: &mut String) {
        let count = self.seen.entry(xxh3_128(id.as_bytes())).or_insert(0);
        *count += 1;
        if *count == 1 {
            return;
        }
        let mut number = *count;
        let name = loop {
            let name = format!("{id}~{number}");
            let taken = self.seen.entry(xxh3_128(name.as_bytes())).or_insert(0);
            if *taken == 0 {
                *taken = 1;
                break name;
            }
            number += 1;
        };
        // The next one goes on from here, so that a million equal ids cost a million steps.
        self.seen.insert(xxh3_128(id.as_bytes()), number);
        *id = name;
        self.renamed += 1;
    }

    /// How many ids were changed.
    pub fn renamed(&self) -> u64 {
        self.renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_an_id_is_renamed() {
        let mut ids = UniqueIds::default();
        let names: Vec<String> = ["a", "a~2", "a", "a", "b"]
            .into_iter()
            .map(|name| {
                let mut name = name.to_string();
                ids.make_unique(&mut name);
                name
            })
            .collect();
        assert_eq!(names, ["a", "a~2", "a~3", "a~4", "b"]);
        assert_eq!(ids.renamed(), 2);
    }
}
