//! `onto bench …`: how fast this program is on this machine, as rates and as shares of what the machine can do.

mod corpus;
mod ops;
mod presets;
mod tokenizer;
mod train;
mod vocabulary;

use anyhow::Result;
use serde_json::{Value, json};
use tensor::peak::{self, Peak};

use super::Session;
use crate::cli::BenchCommand;

/// Bytes read to measure the bandwidth of memory: more than most caches hold, and little beside a model.
const BANDWIDTH_BYTES: usize = 256 << 20;

pub fn bench(session: &Session, command: &BenchCommand) -> Result<()> {
    match command {
        BenchCommand::Train(arguments) => train::train(session, arguments),
        BenchCommand::Ops(arguments) => ops::ops(session, arguments),
        BenchCommand::Tokenizer(arguments) => tokenizer::tokenizer(session, arguments),
        BenchCommand::Corpus(command) => corpus::corpus(session, command),
    }
}

/// Bytes a second that all threads read from memory.
fn read_bandwidth() -> f64 {
    peak::read_bandwidth(BANDWIDTH_BYTES)
}

fn peak_json(peak: &Peak) -> Value {
    json!({"instruction": peak.instruction, "flops_per_second": peak.flops_per_second})
}

/// `rate` operations or bytes a second, in billions.
fn giga(rate: f64) -> f64 {
    rate / 1e9
}
