//! `onto corpus build`: from files of any size to a corpus, with a data card.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use corpus::build::report::BuildReport;
use corpus::build::{Build, BuildConfig, Decision};
use lang::artifact::{self, Input};
use lang::instance::EvalItem;
use lang::truth::Truth;
use serde_json::{Map, Value, json};

use super::budget::{fitting, memory};
use super::decide::{policy, policy_file};
use super::{file_inputs, tag};
use crate::cli::BuildArguments;
use crate::commands::{Session, finished};
use crate::recipe::build_plan;
use crate::report::Fact;
use crate::report::card;
use crate::run::lines::{read_lines, write_json};
use crate::run::stage::Stage;
use crate::run::text::{DECISIONS, SCORES};
use crate::terminal::{Interrupted, Progress};

/// The page to look at.
const CARD: &str = "card.html";

pub fn build(session: &Session, arguments: &BuildArguments) -> Result<()> {
    let out = session.out()?;
    let mut config = build_plan(arguments.plan.as_deref(), &session.global.set)?;
    config.policies.extend(arguments.policy.iter().cloned());
    if let Some(format) = &arguments.format {
        config.format = *format;
    }
    if arguments.duplicates.is_some() {
        config.duplicates.clone_from(&arguments.duplicates);
    }
    config.repeats.extend(arguments.repeats.iter().cloned());
    let signals = tag::options(&arguments.signals)?;
    config.read = fitting(session, &config.read);
    let policies = config.policies.iter().map(|name| policy(name)).collect::<Result<Vec<_>>>()?;
    let mut inputs = file_inputs(&arguments.paths)?;
    for file in config.policies.iter().filter_map(|name| policy_file(name)) {
        inputs.push(artifact::input(file, "policy")?);
    }
    for (name, path) in tag::named(&arguments.signals) {
        inputs.push(artifact::input(path, name)?);
    }
    let items: Vec<EvalItem> = labelled(&arguments.held_out, "held-out", &mut inputs)?;
    let truth: Vec<Truth> = labelled(&arguments.truth, "truth", &mut inputs)?;
    let context = session.context(&out);
    let stage =
        Stage { name: "corpus", kind: "corpus", path: &out, config: json!(config), seed: session.seed(0), inputs };
    let mut work_folder = None;
    let (manifest, record) = context.stage(stage, |dir, key| {
        let work = work_beside(&out, key);
        let progress = Mutex::new(Progress::new(&session.terminal, "corpus", 0));
        let watch = |step: &str, done: usize, total: usize| {
            if let Ok(mut progress) = progress.lock() {
                progress.set(step, done, total);
            }
        };
        let report = corpus::build::build(&Build {
            inputs: &arguments.paths,
            config: &config,
            policies: &policies,
            signals: &signals,
            held_out: &items,
            work: &work,
            out: dir,
            memory: memory(session),
            watch: &watch,
            interrupted: &|| session.interrupt.load(Ordering::SeqCst),
        })
        .map_err(|error| match error {
            corpus::CorpusError::Stopped => {
                Interrupted("stopped; the same command goes on from here".to_owned()).into()
            }
            other => anyhow::Error::from(other),
        })?;
        drop(progress);
        session.terminal.warn_of_bad(&report.problems, report.n_problems as usize, "problems in the files");
        report.unasked.iter().for_each(|unasked| session.terminal.warn(unasked));
        let title = out.file_name().map_or_else(|| "corpus".into(), |name| name.to_string_lossy().into_owned());
        std::fs::write(dir.join(CARD), card::render(&title, &facts(&report, &config), &report))
            .with_context(|| format!("cannot write {}", dir.join(CARD).display()))?;
        let mut metrics = metrics(&report);
        if !truth.is_empty() {
            score(dir, &truth, &mut metrics)?;
        }
        work_folder = Some(work);
        Ok(metrics)
    })?;
    if let Some(work) = work_folder {
        std::fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    finished(session, &out, &manifest, record.skipped)
}

/// The lines of a file that is an input too.
fn labelled<T: serde::de::DeserializeOwned>(
    path: &Option<PathBuf>,
    relation: &str,
    inputs: &mut Vec<Input>,
) -> Result<Vec<T>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    inputs.push(artifact::input(path, relation)?);
    read_lines(path)
}

/// The folder of unfinished work: beside the corpus, named after everything the result depends on.
fn work_beside(out: &Path, key: &str) -> PathBuf {
    let name = out.file_name().map_or_else(|| "corpus".into(), |name| name.to_string_lossy().into_owned());
    out.with_file_name(format!(".{name}.work-{}", &key[..key.len().min(16)]))
}

/// What stands under the heading of the card.
fn facts(report: &BuildReport, config: &BuildConfig) -> Vec<Fact> {
    let mut facts = vec![Fact::new(
        "languages",
        report.account.languages.values().filter(|at| at.after.documents > 0).count().to_string(),
    )];
    facts.push(Fact::new("sources", report.account.sources.len().to_string()));
    let rules = if config.own_rules() { "this program's".to_owned() } else { config.policies.join(", ") };
    facts.push(Fact::new("rules", rules));
    facts
}

fn metrics(report: &BuildReport) -> Map<String, Value> {
    let mut metrics = Map::new();
    let all = &report.account.all;
    metrics.insert("documents".into(), json!(all.after.documents));
    metrics.insert("bytes".into(), json!(all.after.bytes));
    metrics.insert("dropped".into(), json!(all.before.documents - all.after.documents));
    for (step, account) in report.steps.iter().zip(&report.account.steps) {
        let dropped = account.before.documents - account.after.documents;
        metrics.insert(format!("dropped.{}", step.name), json!(dropped));
    }
    metrics
}

/// Precision and recall against labels of planted noise.
fn score(dir: &Path, truth: &[Truth], metrics: &mut Map<String, Value>) -> Result<()> {
    let decisions: Vec<Decision> = read_lines(&dir.join(DECISIONS))?;
    let decisions: Vec<corpus::clean::Decision> = decisions.iter().map(Decision::as_cleaning).collect();
    let scores = corpus::score::score(&decisions, truth);
    for (kind, score) in &scores {
        metrics.insert(format!("clean.{kind}.precision"), json!(score.precision));
        metrics.insert(format!("clean.{kind}.recall"), json!(score.recall));
    }
    write_json(&dir.join(SCORES), &scores)
}
