//! `onto corpus decide`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use corpus::policy::{Flips, Policy, Verdict};
use corpus::quality::Cutoffs;
use corpus::signals::Signals;
use corpus::signals::table::{Reading, Table};
use lang::artifact;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::cli::DecideArguments;
use crate::commands::{Session, finished};
use crate::run::lines::{write_json, write_lines};
use crate::run::stage::Stage;
use crate::terminal::line_to_stdout;

/// The file that a policy's name is; none: it is a preset.
pub fn policy_file(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    (name.ends_with(".toml") || path.is_file()).then_some(path)
}

/// A preset, or the policy in a file.
pub fn policy(name: &str) -> Result<Policy> {
    match policy_file(name) {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {name}"))?;
            Ok(Policy::parse(name, &text)?)
        }
        None => Ok(Policy::preset(name)?),
    }
}

/// The tables under a path, in order.
pub(super) fn tables(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        bail!("there is nothing at {}\nhint: `onto corpus tag` makes tables", path.display());
    }
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    found.sort();
    if found.is_empty() {
        bail!("no .parquet in {}\nhint: `onto corpus tag` makes tables", path.display());
    }
    Ok(found)
}

/// What is counted over all documents.
#[derive(Default)]
struct Counts {
    documents: u64,
    kept: u64,
    lines_cut: u64,
    by_rule: BTreeMap<String, u64>,
    first_rule: BTreeMap<String, u64>,
    undefined: BTreeMap<String, u64>,
    perplexities: Vec<f64>,
    flips: Flips,
}

impl Counts {
    fn add(&mut self, signals: &Signals, verdict: &Verdict, other: Option<&Verdict>) {
        self.documents += 1;
        self.kept += u64::from(verdict.keep);
        self.lines_cut += if verdict.keep { verdict.cut.len() as u64 } else { 0 };
        for reason in &verdict.reasons {
            *self.by_rule.entry(reason.clone()).or_default() += 1;
        }
        if let Some(first) = verdict.reasons.first() {
            *self.first_rule.entry(first.clone()).or_default() += 1;
        }
        for rule in &verdict.undefined {
            *self.undefined.entry(rule.clone()).or_default() += 1;
        }
        self.perplexities.extend(signals.number("perplexity"));
        if let Some(other) = other {
            self.flips.add(&signals.id, other, verdict);
        }
    }
}

pub fn decide(session: &Session, arguments: &DecideArguments) -> Result<()> {
    let first = policy(&arguments.policy)?;
    let against = arguments.against.as_deref().map(policy).transpose()?;
    let paths = tables(&arguments.table)?;
    let mut columns = first.columns();
    columns.extend(against.iter().flat_map(Policy::columns));
    let mut wanted = columns.clone();
    wanted.extend(["perplexity", "lang"]);
    let reading = Reading {
        columns: Some(&wanted),
        lines: first.reads_lines() || against.as_ref().is_some_and(Policy::reads_lines),
        spans: false,
    };
    // Columns are looked for before any work is done.
    let opened = paths.iter().map(|path| Ok(Table::open(path)?)).collect::<Result<Vec<_>>>()?;
    for table in &opened {
        let lines = if reading.lines { &["line_facts"][..] } else { &[] };
        table.require(&[&columns[..], lines].concat())?;
    }
    if let Some(id) = &arguments.explain {
        return explain(&first, &opened, id);
    }
    let mut counts = Counts::default();
    let policies = (&first, against.as_ref());
    let Some(out) = &session.global.out else {
        each(&opened, reading, policies, &mut counts, &mut |_| Ok(()))?;
        warn_of_unasked(session, &first, &counts);
        let summary = summary(&first, against.as_ref(), &counts, arguments.buckets);
        return line_to_stdout(&if session.global.json {
            summary.to_string()
        } else {
            serde_json::to_string_pretty(&summary)?
        });
    };
    let context = session.context(out);
    let stage = Stage {
        name: "decide",
        kind: "decisions",
        path: out,
        config: json!({"policy": format!("{first:?}"), "against": against.as_ref().map(|policy| format!("{policy:?}")),
            "buckets": arguments.buckets}),
        seed: session.seed(0),
        inputs: vec![artifact::input(&arguments.table, "signals")?],
    };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let mut lines: Vec<Value> = Vec::new();
        each(&opened, reading, policies, &mut counts, &mut |line| {
            lines.push(line);
            Ok(())
        })?;
        let cutoffs = Cutoffs::at(&counts.perplexities, arguments.buckets.0, arguments.buckets.1);
        for line in &mut lines {
            let bucket = line["perplexity"].as_f64().zip(cutoffs).map(|(value, cutoffs)| cutoffs.bucket(value).name());
            match (bucket, line.as_object_mut()) {
                (Some(bucket), _) => line["bucket"] = json!(bucket),
                (None, Some(map)) => drop(map.remove("perplexity")),
                (None, None) => {}
            }
        }
        write_lines(&dir.join("decisions.jsonl"), &lines)?;
        warn_of_unasked(session, &first, &counts);
        let summary = summary(&first, against.as_ref(), &counts, arguments.buckets);
        write_json(&dir.join("summary.json"), &summary)?;
        let mut metrics = Map::new();
        for key in ["documents", "kept", "dropped", "lines_cut", "by_rule", "flips"] {
            if !summary[key].is_null() {
                metrics.insert(key.to_owned(), summary[key].clone());
            }
        }
        Ok(metrics)
    })?;
    finished(session, out, &manifest, record.skipped)
}

/// Says on stderr which rules could not be asked, and what would help.
fn warn_of_unasked(session: &Session, policy: &Policy, counts: &Counts) {
    let unasked = corpus::policy::unasked(policy, &counts.undefined, counts.documents, TAG);
    unasked.iter().for_each(|unasked| session.terminal.warn(unasked));
}

/// What measures signals.
const TAG: &str = "onto corpus tag";

/// Decides over every row, a group of rows at a time; `write` gets a line of decision a document, in order.
fn each(
    tables: &[Table],
    reading: Reading<'_>,
    (first, against): (&Policy, Option<&Policy>),
    counts: &mut Counts,
    write: &mut dyn FnMut(Value) -> Result<()>,
) -> Result<()> {
    for table in tables {
        for group in 0..table.groups() {
            let rows = table.group(group, reading)?;
            let verdicts: Vec<(Verdict, Option<Verdict>)> =
                rows.par_iter().map(|row| (first.decide(row), against.map(|policy| policy.decide(row)))).collect();
            for (row, (verdict, other)) in rows.iter().zip(&verdicts) {
                counts.add(row, verdict, other.as_ref());
                let cut: Vec<usize> = verdict.cut.iter().map(|(line, _)| *line).collect();
                let decision = if verdict.keep { "keep" } else { "drop" };
                write(json!({"id": row.id, "decision": decision, "reasons": verdict.reasons, "cut_lines": cut,
                    "perplexity": row.number("perplexity")}))?;
            }
        }
    }
    Ok(())
}

fn summary(policy: &Policy, against: Option<&Policy>, counts: &Counts, buckets: (f64, f64)) -> Value {
    let cutoffs = Cutoffs::at(&counts.perplexities, buckets.0, buckets.1);
    json!({
        "policy": policy.name,
        "documents": counts.documents,
        "kept": counts.kept,
        "dropped": counts.documents - counts.kept,
        "lines_cut": counts.lines_cut,
        "by_rule": counts.by_rule,
        "by_first_rule": counts.first_rule,
        "undefined": counts.undefined,
        "unasked": corpus::policy::unasked(policy, &counts.undefined, counts.documents, TAG),
        "perplexity_cutoffs": cutoffs.map(|cutoffs| json!({"head": cutoffs.head, "middle": cutoffs.middle})),
        "against": against.map(|policy| policy.name.clone()),
        "flips": against.map(|_| json!(counts.flips)),
    })
}

/// Every rule of the policy on one document, with the values it reads.
fn explain(policy: &Policy, tables: &[Table], id: &str) -> Result<()> {
    let columns = policy.columns();
    let reading = Reading { columns: Some(&columns), lines: policy.reads_lines(), spans: false };
    for table in tables {
        for group in 0..table.groups() {
            let rows = table.group(group, reading)?;
            if let Some(row) = rows.iter().find(|row| row.id == id) {
                let verdict = policy.decide(row);
                let rules: Vec<Value> = policy
                    .rules
                    .iter()
                    .enumerate()
                    .map(|(index, rule)| {
                        let values: Map<String, Value> = rule
                            .columns()
                            .into_iter()
                            .map(|name| (name.to_owned(), row.text(name).map_or_else(|| json!(row.number(name)), |text| json!(text))))
                            .collect();
                        let cut = verdict.cut.iter().filter(|(_, by)| *by == index).count();
                        json!({"rule": rule.name, "when": rule.when, "values": values, "holds": verdict.reasons.contains(&rule.name),
                            "lines_cut": cut, "undefined": verdict.undefined.contains(&rule.name)})
                    })
                    .collect();
                let answer = json!({"id": id, "policy": policy.name, "decision": if verdict.keep { "keep" } else { "drop" },
                    "reasons": verdict.reasons, "rules": rules});
                return line_to_stdout(&serde_json::to_string_pretty(&answer)?);
            }
        }
    }
    bail!("no document has the id {id}");
}
