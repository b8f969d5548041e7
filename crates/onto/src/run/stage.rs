//! One stage of a life: skip it when its artifact is already what it would make, else make it whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use lang::artifact::{self, Input, Manifest, Plan, Writer};
use serde_json::{Map, Value, json};

use crate::report::Stage as StageRecord;
use crate::terminal::{Interrupted, Terminal};

/// What every stage needs to know about the run it belongs to.
pub struct Context {
    /// Folder of the run.
    pub root: PathBuf,
    /// The command line, as the manifests record it.
    pub command: Vec<String>,
    /// Where talk goes.
    pub terminal: Terminal,
    /// Raised by Ctrl-C.
    pub interrupt: Arc<AtomicBool>,
    /// Refuse stages that would need more bytes than this.
    pub memory_limit: Option<u64>,
    /// Stages that are made again even when their artifact is there.
    pub redo: Vec<&'static str>,
}

/// What a stage is: its place, its configuration, and what it reads.
pub struct Stage<'a> {
    /// Name of the stage.
    pub name: &'static str,
    /// Kind of its artifact.
    pub kind: &'static str,
    /// Folder of the artifact.
    pub path: &'a Path,
    /// Everything its result depends on beside the inputs.
    pub config: Value,
    /// Seed of everything random in it.
    pub seed: u64,
    /// What it reads.
    pub inputs: Vec<Input>,
}

impl Context {
    /// Ends the run when Ctrl-C was pressed.
    pub fn check_interrupt(&self, place: &str) -> Result<()> {
        if self.interrupt.load(Ordering::SeqCst) {
            return Err(Interrupted(format!("stopped {place}; the same command goes on from here")).into());
        }
        Ok(())
    }

    /// Runs `stage` unless its artifact is already there. `make` writes files into the folder it is given and returns
    /// the metrics; `extra` is called with the plan's key for work that outlives a crash (checkpoints).
    pub fn stage(
        &self,
        stage: Stage<'_>,
        make: impl FnOnce(&Path, &str) -> Result<Map<String, Value>>,
    ) -> Result<(Manifest, StageRecord)> {
        self.check_interrupt(&format!("before stage {}", stage.name))?;
        let plan = Plan {
            kind: stage.kind.to_owned(),
            command: self.command.clone(),
            config: stage.config,
            seed: stage.seed,
            inputs: stage.inputs,
        };
        let key = plan.key();
        let redo = self.redo.contains(&stage.name);
        if !redo
            && let Some(manifest) = artifact::reusable(stage.path, &plan).with_context(|| {
                format!(
                    "stage {} cannot use its artifact\nhint: `onto run --redo {}` makes it again",
                    stage.name, stage.name
                )
            })?
        {
            let record = self.record(stage.name, stage.path, &manifest, true);
            return Ok((manifest, record));
        }
        let started = Instant::now();
        reset_peak_memory();
        self.terminal.say(&format!("{} {}", self.terminal.paint("1;36", "▸"), stage.name));
        let writer = Writer::create(stage.path, plan).with_context(|| {
            format!("stage {} has no place to write to\nhint: --out names another folder", stage.name)
        })?;
        let mut metrics = make(writer.dir(), &key).with_context(|| format!("stage {} failed", stage.name))?;
        metrics.insert("stage_seconds".into(), json!((started.elapsed().as_secs_f64() * 100.0).round() / 100.0));
        metrics.insert("stage_peak_rss_bytes".into(), json!(peak_memory()));
        // The next stage has other sizes.
        tensor::release_buffers();
        let manifest = writer.finish(metrics)?;
        let record = self.record(stage.name, stage.path, &manifest, false);
        self.terminal.say(&format!(
            "  {} {} in {:.1} s · sha256 {}",
            self.terminal.paint("32", "✓"),
            stage.name,
            record.seconds,
            &manifest.sha256[..manifest.sha256.len().min(12)]
        ));
        Ok((manifest, record))
    }

    fn record(&self, name: &str, path: &Path, manifest: &Manifest, skipped: bool) -> StageRecord {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        StageRecord {
            name: name.to_owned(),
            kind: manifest.kind.clone(),
            artifact: inside.display().to_string(),
            sha256: manifest.sha256.clone(),
            inputs: manifest.inputs.iter().map(|input| input.relation.clone()).collect(),
            seconds: manifest.metrics.get("stage_seconds").and_then(Value::as_f64).unwrap_or(0.0),
            peak_rss_bytes: manifest.metrics.get("stage_peak_rss_bytes").and_then(Value::as_u64).unwrap_or(0),
            skipped,
        }
    }
}

/// The input that an artifact is to a later stage; its relation is the name of the stage that made it.
pub fn input_of(path: &Path, stage: &str) -> Result<Input> {
    Ok(artifact::input(path, stage)?)
}

/// Largest resident memory of this process since the last reset, in bytes; 0 where the system does not say.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// Starts the measurement of peak memory afresh (Linux; elsewhere the peak is that of the whole process).
fn reset_peak_memory() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
