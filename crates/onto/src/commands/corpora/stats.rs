//! `onto corpus stats`

use anyhow::Result;
use corpus::dedup::Budget;
use corpus::stats::Counter;

use super::budget::{each_batch, memory};
use crate::cli::PathsArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn stats(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let budget = Budget::of(memory(session))?;
    let mut counter = Counter::default();
    each_batch(session, "counting", &arguments.paths, &budget, true, |batch| {
        counter.add(&batch);
        Ok(())
    })?;
    let stats = counter.finish();
    let text = if session.global.json { serde_json::to_string(&stats)? } else { serde_json::to_string_pretty(&stats)? };
    line_to_stdout(&text)
}
