//! Prints `PARITY.md`: how far our numbers are from those of the reference programs, as the goldens have them.
//!
//!     cargo run -p train --example parity > PARITY.md
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "it is made of tests and prints a page")]

#[path = "../tests/parity/registry.rs"]
mod registry;

use ledger::Entry;
use registry::{GROUPS, attention_cases, ledger, support, tiny};

const HEADER: &str = "# Parity

How far the numbers of this program are from those of the programs it is measured against. Every row is made from goldens: files
of numbers that a reference program computed (the scripts are under `oracle/`, the versions in the files). Write this page
anew, without any of those programs, with

    cargo run -p train --example parity > PARITY.md

*Largest error* is the largest difference; *relative* is that over the largest value of the list it stands in. The tests of
the crates hold *relative* to the *bound* on every machine; what is measured here may differ in its last digits with the
instruction set. Everything is computed in f32, the references mostly in f64.
";

const COLUMNS: &str = "| what | values of | reference | values | largest error | relative | bound |
|---|---|---|---:|---:|---:|---:|";

fn main() {
    print!("{HEADER}");
    for (heading, groups) in GROUPS {
        println!("\n## {heading}\n\n{COLUMNS}");
        groups.iter().flat_map(|group| group()).for_each(|entry| print!("{}", row(&entry)));
    }
}

fn row(entry: &Entry) -> String {
    let Entry { subject, aspect, reference, values, absolute, relative, bound } = entry;
    format!("| {subject} | {aspect} | {reference} | {values} | {absolute:.1e} | {relative:.1e} | {bound:.0e} |\n")
}
