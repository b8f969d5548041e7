//! `onto bench corpus decide`: JSON lines read, decided over by a policy from the table of their signals, and those that stay written.

use std::path::Path;

use anyhow::{Result, bail};
use corpus::policy::Policy;
use corpus::read::{ReadOptions, Unit, read_unit, units};
use corpus::signals::table::{Reading, Table, TableWriter};
use corpus::signals::{Signals, TagOptions, Tagger};
use corpus::write::LinesWriter;
use lang::document::Document;
use serde_json::json;

use super::{Scratch, best};
use crate::cli::BenchDecideArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn decide(session: &Session, arguments: &BenchDecideArguments) -> Result<()> {
    let policy = Policy::preset(&arguments.policy)?;
    let options = ReadOptions::default();
    let (units, _) = units(&arguments.paths, &options)?;
    let scratch = Scratch::new()?;
    let table = scratch.0.join("signals.parquet");
    let tagger = Tagger::new(TagOptions::default());
    let mut writer = TableWriter::create(&table)?;
    for unit in &units {
        read_unit(unit, &options, &mut |document| writer.push(tagger.tag(&document)))?;
    }
    writer.finish()?;
    let bytes: u64 = units.iter().map(|unit| unit.bytes).sum();
    let out = scratch.0.join("kept.jsonl");
    let mut kept = 0;
    let seconds = best(arguments.seconds, &mut || {
        kept = once(&units, &options, &policy, &table, &out)?;
        Ok(())
    })?;
    let report = json!({
        "policy": policy.name, "threads": 1, "file_bytes": bytes, "kept": kept, "bytes_per_second": bytes as f64 / seconds,
    });
    if session.global.json {
        return line_to_stdout(&report.to_string());
    }
    line_to_stdout(&format!(
        "{:.1} MB of files, policy {}, {kept} documents stay\nread, decide, write {:>8.1} MB/s on one thread",
        bytes as f64 / 1e6,
        policy.name,
        bytes as f64 / seconds / 1e6,
    ))
}

/// One pass: documents and rows of signals go side by side.
fn once(units: &[Unit], options: &ReadOptions, policy: &Policy, table: &Path, out: &Path) -> Result<u64> {
    let table = Table::open(table)?;
    let columns = policy.columns();
    let reading = Reading { columns: Some(&columns), lines: policy.reads_lines(), spans: false };
    let mut groups = 0..table.groups();
    let mut rows = Vec::new().into_iter();
    let mut writer = LinesWriter::create(out)?;
    let mut kept = 0;
    for unit in units {
        let mut judge = |mut document: Document| {
            let row: Signals = loop {
                match (rows.next(), groups.len()) {
                    (Some(row), _) => break row,
                    (None, 0) => return Err(corpus::CorpusError::Stopped),
                    (None, _) => {
                        let group = groups.next().unwrap_or_default();
                        rows = table.group(group, reading)?.into_iter();
                    }
                }
            };
            let verdict = policy.decide(&row);
            if verdict.keep {
                if !verdict.cut.is_empty() {
                    document.text = policy.apply(&document.text, &verdict);
                }
                kept += 1;
                writer.push(&document)?;
            }
            Ok(())
        };
        read_unit(unit, options, &mut judge)?;
    }
    writer.finish()?;
    if rows.next().is_some() {
        bail!("the files changed while they were measured");
    }
    Ok(kept)
}
