//! Tests of the engine through its public interface, one file an operation or promise.
#![allow(missing_docs, clippy::unwrap_used)]

mod attention;
mod attention_cases;
mod bf16;
mod determinism;
mod edges;
mod errors;
mod experts;
mod forward;
mod gradients;
mod keep;
mod optim;
mod optim_rules;
mod projection;
mod recurrent;
mod support;
mod values;
mod watch;
mod weights;
