//! `onto corpus decontaminate`: documents that hold evaluation items.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use corpus::dedup::{
    Budget, Decontaminator, EvaluationItem, Hit, Rule, SET_PRESETS, SetOptions, read_evaluation_items,
};
use lang::artifact;
use lang::document::Document;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::budget::{each_batch, memory};
use super::dedup::Lines;
use crate::cli::DecontaminateArguments;
use crate::commands::Session;
use crate::run::source::DOCUMENTS;
use crate::run::stage::Stage;
use crate::terminal::{Usage, line_to_stdout};

/// A line for every item found in a document, inside the artifact.
const HITS: &str = "hits.jsonl";
/// Hits that are printed; all are in the artifact, and all are counted.
const PRINTED: usize = 10_000;
/// Characters of a document that a hit shows.
const SHOWN: usize = 200;

pub fn decontaminate(session: &Session, arguments: &DecontaminateArguments) -> Result<()> {
    let name = &arguments.preset;
    let mut options = SetOptions::preset(name)
        .ok_or_else(|| Usage(format!("no preset `{name}`; there are {}", SET_PRESETS.join(", "))))?;
    if let Some(threshold) = arguments.threshold {
        options.rule = match options.rule {
            Rule::Any | Rule::Share(_) => Rule::Share(threshold),
            Rule::Weighted(_) => Rule::Weighted(threshold),
        };
    }
    let budget = Budget::of(memory(session))?;
    let mut found = Found::default();
    let (items, problems) = read_evaluation_items(&arguments.against, budget.work / 4)?;
    session.terminal.warn_of_bad(&problems, problems.len(), "problems in the evaluation sets");
    let finder = Decontaminator::new(&items, &options, budget.work / 2)?;
    let Some(out) = session.global.out.clone() else {
        scan(session, arguments, &budget, &items, &finder, &mut found, None)?;
        return print(session, found.report(&items, &finder), &found);
    };
    let inputs = |paths: &[std::path::PathBuf], relation| {
        paths.iter().map(|path| Ok(artifact::input(path, relation)?)).collect::<Result<Vec<_>>>()
    };
    let mut all = inputs(&arguments.paths, "files")?;
    all.extend(inputs(&arguments.against, "held-out")?);
    let stage = Stage {
        name: "decontaminate",
        kind: "corpus",
        path: &out,
        config: json!({"level": "set", "options": options}),
        seed: 0,
        inputs: all,
    };
    let context = session.context(&out);
    let (manifest, record) = context.stage(stage, |dir, _| {
        scan(session, arguments, &budget, &items, &finder, &mut found, Some(dir))?;
        Ok(found.report(&items, &finder))
    })?;
    if record.skipped {
        found.hits = crate::run::lines::read_lines(&out.join(HITS))?;
        found.hits.truncate(PRINTED);
    }
    let mut report = manifest.metrics.clone();
    report.retain(|key, _| !key.starts_with("stage_"));
    report.insert("artifact".into(), json!(out.to_string_lossy()));
    report.insert("sha256".into(), json!(manifest.sha256));
    print(session, report, &found)
}

/// What was found so far.
#[derive(Default)]
struct Found {
    documents: u64,
    dropped: u64,
    n_hits: u64,
    hits: Vec<Value>,
    items: BTreeSet<usize>,
}

impl Found {
    fn report(&self, items: &[EvaluationItem], finder: &Decontaminator) -> Map<String, Value> {
        let short: Vec<&str> = finder.too_short().iter().take(100).map(|&item| items[item].id.as_str()).collect();
        let report = json!({
            "documents": self.documents, "kept": self.documents - self.dropped, "dropped": self.dropped,
            "items": items.len(), "items_found": self.items.len(), "items_too_short": finder.too_short().len(),
            "too_short": short, "n_hits": self.n_hits,
        });
        report.as_object().cloned().unwrap_or_default()
    }
}

fn scan(
    session: &Session,
    arguments: &DecontaminateArguments,
    budget: &Budget,
    items: &[EvaluationItem],
    finder: &Decontaminator,
    found: &mut Found,
    dir: Option<&std::path::Path>,
) -> Result<()> {
    let paths = dir.map(|dir| (dir.join(DOCUMENTS), dir.join(HITS)));
    let mut files = match &paths {
        Some((documents, hits)) => Some((Lines::create(documents)?, Lines::create(hits)?)),
        None => None,
    };
    each_batch(session, "documents", &arguments.paths, budget, true, |batch| {
        let hits: Vec<Vec<Hit>> = batch.par_iter().map(|document| finder.hits(&document.text)).collect();
        for (document, hits) in batch.iter().zip(hits) {
            found.documents += 1;
            found.dropped += u64::from(!hits.is_empty());
            found.n_hits += hits.len() as u64;
            for hit in &hits {
                found.items.insert(hit.item);
                let line = describe(document, hit, &items[hit.item]);
                if let Some((_, file)) = &mut files {
                    file.put(&line)?;
                }
                if found.hits.len() < PRINTED {
                    found.hits.push(line);
                }
            }
            if let Some((file, _)) = files.as_mut().filter(|_| hits.is_empty()) {
                file.put(document)?;
            }
        }
        Ok(())
    })?;
    if let Some((documents, hits)) = files {
        documents.finish()?;
        hits.finish()?;
    }
    Ok(())
}

fn describe(document: &Document, hit: &Hit, item: &EvaluationItem) -> Value {
    json!({
        "document": document.id, "item": item.id, "start": hit.span.start, "end": hit.span.end,
        "share": (hit.share * 1e4).round() / 1e4, "grams_found": hit.grams_found, "grams": hit.grams,
        "text": corpus::text::excerpt(&document.text[hit.span.clone()], SHOWN),
    })
}

fn print(session: &Session, mut report: Map<String, Value>, found: &Found) -> Result<()> {
    if session.global.json {
        report.insert("hits".into(), json!(found.hits));
        return line_to_stdout(&Value::Object(report).to_string());
    }
    let mut by_item: BTreeMap<&str, usize> = BTreeMap::new();
    for hit in &found.hits {
        *by_item.entry(hit["item"].as_str().unwrap_or_default()).or_default() += 1;
    }
    report.insert("documents_by_item".into(), json!(by_item));
    line_to_stdout(&serde_json::to_string_pretty(&report)?)
}
