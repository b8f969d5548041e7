//! Connected components of a graph larger than memory, by sorting alone: alternating large-star and small-star steps
//! (Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii 2014, "Connected Components in MapReduce and Beyond").
//!
//! Every step regroups the edges by node and joins neighbours to the smallest one; after a few rounds every component is
//! a star around its smallest node. No array over all nodes is held, so the number of documents does not matter, only
//! the disk does. In-memory union-find is its oracle in the tests.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::scratch::Scratch;
use super::sorter::{Sorted, Sorter};
use crate::error::CorpusError;

/// Nodes are numbers below this.
pub(crate) const NODES: u64 = 1 << 48;

/// The edge between two nodes as a record, the larger node first.
pub(crate) fn edge(a: u64, b: u64) -> u128 {
    (u128::from(a.max(b)) << 64) | u128::from(a.min(b))
}

/// The two halves of a record.
pub(crate) fn ends(record: u128) -> (u64, u64) {
    ((record >> 64) as u64, record as u64)
}

/// Turns edges into (member, root) records sorted by member, for every member that is not the root (the smallest node)
/// of its component.
pub(crate) fn stars(scratch: &Arc<Scratch>, edges: Sorter<u128>, memory: u64) -> Result<Sorted<u128>, CorpusError> {
    // Two sorters are filled at a time at most; the one being read merges in its own share.
    let share = memory / 3;
    let fresh = || Sorter::<u128>::new(scratch, "edges", share).unique();
    let mut print = None;
    let mut sorted = edges.finish()?;
    loop {
        let mut both = fresh();
        let mut now = Fingerprint::default();
        while let Some(record) = sorted.next()? {
            let (a, b) = ends(record);
            if a != b {
                now.add(record);
                both.push(record)?;
                both.push(record.rotate_left(64))?;
            }
        }
        drop(sorted);
        // Large star: neighbours above a node are joined to the smallest of the node and its neighbours.
        let mut large = fresh();
        let mut groups = Groups::new(both.finish()?);
        groups.each(
            |node, least, neighbour| {
                if neighbour > node { large.push(edge(neighbour, least)) } else { Ok(()) }
            },
        )?;
        // Small star: a node and its neighbours below are joined to the smallest of these.
        let mut small = fresh();
        let mut groups = Groups::new(large.finish()?);
        groups.each(|node, least, neighbour| {
            if neighbour == least { small.push(edge(node, least)) } else { small.push(edge(neighbour, least)) }
        })?;
        sorted = small.finish()?;
        if print == Some(now) {
            return Ok(sorted);
        }
        print = Some(now);
    }
}

/// Identifies a set of records, in whatever order they are added.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Fingerprint {
    count: u64,
    sums: [u64; 2],
}

impl Fingerprint {
    fn add(&mut self, record: u128) {
        let hash = xxh3_64(&record.to_le_bytes());
        self.count += 1;
        self.sums[0] = self.sums[0].wrapping_add(hash);
        self.sums[1] = self.sums[1].wrapping_add(hash.wrapping_mul(hash | 1));
    }
}

/// Sorted (node, neighbour) records, node by node.
struct Groups {
    sorted: Sorted<u128>,
}

impl Groups {
    fn new(sorted: Sorted<u128>) -> Self {
        Groups { sorted }
    }

    /// Calls `visit(node, least of the node and its neighbours, neighbour)` for every record.
    fn each(&mut self, mut visit: impl FnMut(u64, u64, u64) -> Result<(), CorpusError>) -> Result<(), CorpusError> {
        let mut current = None;
        while let Some(record) = self.sorted.next()? {
            let (node, neighbour) = ends(record);
            let least = match current {
                Some((same, least)) if same == node => least,
                // The first neighbour is the smallest.
                _ => neighbour.min(node),
            };
            current = Some((node, least));
            visit(node, least, neighbour)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lang::rng::Rng;

    use super::*;

    fn union_find(edges: &[(u64, u64)]) -> BTreeMap<u64, u64> {
        let mut parent: BTreeMap<u64, u64> = BTreeMap::new();
        fn root(parent: &mut BTreeMap<u64, u64>, mut node: u64) -> u64 {
            while let Some(&up) = parent.get(&node).filter(|&&up| up != node) {
                node = up;
            }
            parent.entry(node).or_insert(node);
            node
        }
        for &(a, b) in edges {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent.insert(a.max(b), a.min(b));
        }
        let nodes: Vec<u64> = parent.keys().copied().collect();
        nodes.into_iter().map(|node| (node, root(&mut parent, node))).filter(|(node, root)| node != root).collect()
    }

    fn check(edges: &[(u64, u64)]) {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(place.path()).unwrap();
        let mut sorter = Sorter::new(&scratch, "edges", 0).unique();
        for &(a, b) in edges {
            sorter.push(edge(a, b)).unwrap();
        }
        let mut sorted = stars(&scratch, sorter, 0).unwrap();
        let mut found = BTreeMap::new();
        let mut last = None;
        while let Some(record) = sorted.next().unwrap() {
            assert!(last < Some(record), "sorted and unique");
            last = Some(record);
            let (member, root) = ends(record);
            found.insert(member, root);
        }
        assert_eq!(found, union_find(edges));
    }

    #[test]
    fn stars_agree_with_union_find() {
        check(&[]);
        check(&[(1, 1)]);
        check(&[(5, 2), (2, 9), (3, 7)]);
        // A long chain in a scrambled order is the hardest for label propagation.
        let chain: Vec<(u64, u64)> = (0..2000u64).map(|i| (i * 701 % 2001, (i + 1) * 701 % 2001)).collect();
        check(&chain);
        let straight: Vec<(u64, u64)> = (0..3000u64).map(|i| (i, i + 1)).collect();
        check(&straight);
        let mut rng = Rng::new(8);
        for nodes in [10u64, 100, 1000] {
            let edges: Vec<(u64, u64)> = (0..nodes * 6 / 10).map(|_| (rng.below(nodes), rng.below(nodes))).collect();
            check(&edges);
        }
        // Large numbers, as documents of the largest corpora have.
        check(&[(NODES - 1, 0), (NODES - 1, NODES - 2)]);
    }
}
