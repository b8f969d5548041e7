//! Every golden of this crate within its bound. The same entries make the table of `PARITY.md` at the root.
#![allow(missing_docs, clippy::unwrap_used)]

mod decoders;
#[path = "../../../tensor/tests/parity/ledger.rs"]
#[allow(dead_code, reason = "shared with the other crates")]
mod ledger;
mod recurrent_models;
#[path = "../support/tiny.rs"]
mod tiny;

#[test]
fn recurrent_models_are_those_of_pytorch() {
    ledger::check(&recurrent_models::entries());
}

#[test]
fn decoders_are_those_of_transformers() {
    ledger::check(&decoders::entries());
}
