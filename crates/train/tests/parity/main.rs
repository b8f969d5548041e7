//! `PARITY.md` says what the goldens say: an entry that is missing, gone or beyond its bound fails.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

#[path = "registry.rs"]
mod registry;

use tensor::{available_isas, set_isa};

use ledger::Entry;
use registry::{GROUPS, attention_cases, ledger, support, tiny};

/// Where the page stands.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../PARITY.md");
/// How to mend it.
const HINT: &str = "write it anew: cargo run -p train --example parity > PARITY.md";

fn entries() -> Vec<Entry> {
    GROUPS.iter().flat_map(|(_, groups)| groups.iter()).flat_map(|group| group()).collect()
}

/// The rows of the page: name of the entry, number of values, error told, bound told.
fn rows() -> BTreeMap<String, (usize, f64, f64)> {
    let text = fs::read_to_string(PAGE).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [subject, aspect, reference, values, _, relative, bound] = cells[..] else { panic!("{line}") };
        let numbers = (values.parse().unwrap(), relative.parse().unwrap(), bound.parse().unwrap());
        let before = rows.insert(format!("{subject}, {aspect}, {reference}"), numbers);
        assert!(before.is_none(), "two rows are called {subject}, {aspect}, {reference}");
    }
    rows
}

#[test]
fn every_comparison_is_within_its_bound_on_every_instruction_set() {
    for isa in available_isas() {
        set_isa(isa).unwrap();
        ledger::check(&entries());
    }
}

#[test]
fn the_page_has_every_comparison_and_no_other() {
    let mut rows = rows();
    for entry in entries() {
        let name = entry.name();
        let Some((values, relative, bound)) = rows.remove(&name) else { panic!("PARITY.md lacks {name}; {HINT}") };
        assert_eq!(values, entry.values, "{name}: PARITY.md tells another number of values; {HINT}");
        assert_eq!(bound, entry.bound, "{name}: PARITY.md tells another bound; {HINT}");
        assert!(relative <= bound, "{name}: PARITY.md tells an error of {relative:e} beyond {bound:e}");
        assert!(entry.relative <= bound, "{name}: {:e} is beyond the bound {bound:e} of PARITY.md", entry.relative);
    }
    let gone: Vec<&String> = rows.keys().collect();
    assert!(gone.is_empty(), "PARITY.md names what is not compared: {gone:?}; {HINT}");
}
