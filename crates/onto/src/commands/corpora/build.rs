//! `onto corpus build`

use anyhow::Result;
use lang::artifact;
use lang::instance::EvalItem;
use lang::truth::Truth;
use serde_json::{Map, json};

use super::{clean_config, read_paths};
use crate::cli::BuildArguments;
use crate::commands::{Session, finished};
use crate::run::lines::{read_lines, write_json, write_lines};
use crate::run::source::DOCUMENTS;
use crate::run::stage::Stage;
use crate::run::text::{CLEAN_REPORT, DECISIONS, SCORES, clean_documents};

pub fn build(session: &Session, arguments: &BuildArguments) -> Result<()> {
    let out = session.out()?;
    let config = clean_config(session)?;
    let (documents, mut inputs) = read_paths(session, &arguments.paths)?;
    let items: Vec<EvalItem> = match &arguments.held_out {
        Some(path) => {
            inputs.push(artifact::input(path, "held-out")?);
            read_lines(path)?
        }
        None => Vec::new(),
    };
    let truth: Vec<Truth> = match &arguments.truth {
        Some(path) => {
            inputs.push(artifact::input(path, "truth")?);
            read_lines(path)?
        }
        None => Vec::new(),
    };
    let context = session.context(&out);
    let stage =
        Stage { name: "clean", kind: "corpus", path: &out, config: json!(config), seed: session.seed(0), inputs };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let cleaned = clean_documents(&context, documents, &items, &config)?;
        write_lines(&dir.join(DOCUMENTS), &cleaned.documents)?;
        write_lines(&dir.join(DECISIONS), &cleaned.decisions)?;
        write_json(&dir.join(CLEAN_REPORT), &cleaned.report)?;
        let mut metrics = Map::new();
        metrics.insert("documents".into(), json!(cleaned.documents.len()));
        metrics.insert("dropped".into(), json!(cleaned.decisions.len() - cleaned.documents.len()));
        for rule in &cleaned.report.rules {
            let name = serde_json::to_value(rule.rule)?;
            let name = name.as_str().unwrap_or_default();
            metrics.insert(format!("dropped.{name}"), json!(rule.documents_before - rule.documents_after));
        }
        if !truth.is_empty() {
            let scores = corpus::score::score(&cleaned.decisions, &truth);
            for (kind, score) in &scores {
                metrics.insert(format!("clean.{kind}.precision"), json!(score.precision));
                metrics.insert(format!("clean.{kind}.recall"), json!(score.recall));
            }
            write_json(&dir.join(SCORES), &scores)?;
        }
        Ok(metrics)
    })?;
    finished(session, &out, &manifest, record.skipped)
}
