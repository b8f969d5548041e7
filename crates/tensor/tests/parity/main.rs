//! Every golden of this crate within its bound. The same entries make the table of `PARITY.md` at the root.
#![allow(missing_docs, clippy::unwrap_used)]

mod attention;
#[path = "../ops/attention_cases.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod attention_cases;
mod experts;
mod ledger;
mod losses;
mod operations;
mod optimizers;
mod recurrent;
#[path = "../ops/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use std::fs;

use ledger::Entry;

/// Operations that no golden is about yet. A name leaves this list when its golden comes.
const WITHOUT: &[&str] = &[];

/// The names that `src/ops/mod.rs` gives the operations, as errors show them.
fn names() -> Vec<String> {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops/mod.rs")).unwrap();
    let name =
        |line: &str| Some(line.trim().strip_prefix("Op::")?.split_once("=> \"")?.1.split('"').next()?.to_owned());
    source.lines().filter_map(name).filter(|name| name != "input").collect()
}

#[test]
fn every_operation_has_its_golden() {
    let groups =
        [operations::entries(), attention::entries(), losses::entries(), experts::entries(), recurrent::entries()];
    let entries: Vec<Entry> = groups.into_iter().flatten().collect();
    let names = names();
    assert!(names.len() >= 19, "{names:?}");
    for name in names {
        for aspect in ["forward", "gradient"] {
            let is_about =
                |entry: &Entry| entry.subject.split([',', ' ']).any(|word| word == name) && entry.aspect == aspect;
            let is_compared = entries.iter().any(is_about);
            let is_without = WITHOUT.contains(&name.as_str());
            assert!(is_compared || is_without, "{name}, {aspect}: no golden; see oracle/ops.py and tests/parity");
            assert!(!(is_compared && is_without), "{name} has a golden and needs no excuse");
        }
    }
}

#[test]
fn attention_is_that_of_pytorch_and_transformers() {
    ledger::check(&attention::entries());
}

#[test]
fn experts_are_those_of_mixtral() {
    ledger::check(&experts::entries());
}

#[test]
fn operations_are_those_of_pytorch() {
    ledger::check(&operations::entries());
}

#[test]
fn optimizers_take_the_steps_of_pytorch() {
    ledger::check(&optimizers::entries());
}

#[test]
fn recurrent_layers_are_those_of_pytorch() {
    ledger::check(&recurrent::entries());
}

#[test]
fn losses_are_those_of_pytorch() {
    ledger::check(&losses::entries());
}
