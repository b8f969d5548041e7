//! `onto corpus convert`

use std::cell::RefCell;
use std::sync::Mutex;

use anyhow::Result;
use corpus::convert::{Target, convert as write};
use corpus::read::{self, ReadOptions};
use serde_json::{Map, json};

use super::file_inputs;
use super::warn_of_problems;
use crate::cli::ConvertArguments;
use crate::commands::{Session, finished};
use crate::run::lines::write_json;
use crate::run::stage::Stage;
use crate::terminal::Progress;

/// What was read, beside the documents.
const READ_REPORT: &str = "read.json";

/// Writes the documents of any readable inputs in another form, as an artifact.
pub fn convert(session: &Session, arguments: &ConvertArguments) -> Result<()> {
    let out = session.out()?;
    let target: Target = arguments.to.into();
    let mut options = ReadOptions { dialogues: arguments.dialogues.into(), ..ReadOptions::default() };
    options.extract.extractor = arguments.extractor.into();
    let inputs = file_inputs(&arguments.paths)?;
    let context = session.context(&out);
    let config = json!({"to": target.name(), "read": options});
    let stage = Stage { name: "convert", kind: "corpus", path: &out, config, seed: 0, inputs };
    let problems = RefCell::new(None);
    let (manifest, record) = context.stage(stage, |dir, _| {
        let (units, listed) = read::units(&arguments.paths, &options)?;
        let total: u64 = units.iter().map(|unit| unit.bytes).sum();
        let progress = Mutex::new(Progress::new(&session.terminal, "converting", 0));
        let interrupted = || context.check_interrupt("while converting");
        let advance = |done: usize| {
            if let Ok(mut progress) = progress.lock() {
                progress.set("documents", done, 0);
            }
            if interrupted().is_err() { Err(corpus::CorpusError::Stopped) } else { Ok(()) }
        };
        let file = dir.join(format!("documents.{}", target.name()));
        let result = write(&units, &options, target, rayon::current_num_threads(), &file, listed, &advance);
        interrupted()?;
        let report = result?;
        report.require_documents(&arguments.paths)?;
        let mut metrics = Map::new();
        metrics.insert("documents".into(), json!(report.documents));
        metrics.insert("bytes".into(), json!(report.bytes));
        metrics.insert("input_bytes".into(), json!(total));
        metrics.insert("problems".into(), json!(report.n_problems));
        write_json(&dir.join(READ_REPORT), &report)?;
        *problems.borrow_mut() = Some(report);
        Ok(metrics)
    })?;
    if let Some(report) = problems.take() {
        warn_of_problems(&session.terminal, &report);
    }
    finished(session, &out, &manifest, record.skipped)
}
