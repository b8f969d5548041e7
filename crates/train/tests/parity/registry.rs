//! The parity ledger: every group of goldens that `PARITY.md` is made of.
//!
//! A group is one file beside its goldens with a function that compares and returns entries; its crate's tests hold the
//! same entries to their bounds. A new one needs its file, a line among the modules and a line in [`GROUPS`].

use ledger::Entry;

#[path = "../../../tensor/tests/parity/attention.rs"]
pub mod attention;
#[path = "../../../tensor/tests/ops/attention_cases.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
pub mod attention_cases;
pub mod carried;
#[path = "../../../tensor/tests/parity/experts.rs"]
pub mod experts;
#[path = "../../../tensor/tests/parity/ledger.rs"]
#[allow(dead_code, reason = "shared with the tests of other crates")]
pub mod ledger;
#[path = "../../../tensor/tests/parity/losses.rs"]
pub mod losses;
#[path = "../../../nn/tests/parity/models.rs"]
#[allow(dead_code, reason = "shared with the tests of its crate")]
pub mod models;
#[path = "../../../tensor/tests/parity/operations.rs"]
pub mod operations;
#[path = "../../../tensor/tests/parity/optimizers.rs"]
pub mod optimizers;
#[path = "../../../tensor/tests/parity/recurrent.rs"]
pub mod recurrent;
#[path = "../../../nn/tests/parity/recurrent_models.rs"]
pub mod recurrent_models;
pub mod schedules;
#[path = "../../../tensor/tests/ops/support.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
pub mod support;
#[path = "../../../nn/tests/support/tiny.rs"]
pub mod tiny;
pub mod training;

/// What a group compares.
pub type Group = fn() -> Vec<Entry>;

/// A heading of the page and the groups under it.
pub const GROUPS: &[(&str, &[Group])] = &[
    ("Operations", &[operations::entries, attention::entries, losses::entries, experts::entries, recurrent::entries]),
    ("Models", &[models::entries, recurrent_models::entries]),
    ("Optimisers", &[optimizers::entries]),
    ("Schedules", &[schedules::entries]),
    ("Training", &[training::entries, carried::entries]),
];
