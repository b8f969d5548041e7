//! Every golden of this crate within its bound. The same entries make the table of `PARITY.md` at the root.
#![allow(missing_docs, clippy::unwrap_used)]

mod experts;
mod ledger;
mod losses;
mod operations;
mod optimizers;
mod recurrent;
#[path = "../ops/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

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
