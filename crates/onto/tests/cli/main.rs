//! The command line as a person meets it: commands, what they print where, exit codes, and what they leave behind.

// Helpers of tests are tests too, which clippy's own exception does not see.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod bad_training;
mod bench;
mod commands;
mod dedup;
mod edges;
mod families;
mod instances;
mod life;
mod looking;
mod mixing;
mod privacy;
mod safety;
mod signals;
mod support;
mod tidy;
mod tokenizers;
mod vocabularies;
#[path = "../../../infer/tests/support/wordpiece.rs"]
mod wordpiece;
