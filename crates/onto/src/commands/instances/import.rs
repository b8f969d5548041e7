//! `onto instances import`

use anyhow::Result;
use corpus::instances::import::{self, ImportOptions, Shape};
use serde_json::{Map, json};

use crate::cli::ImportArguments;
use crate::commands::Session;
use crate::commands::corpora::file_inputs;
use crate::run::lines::write_lines;
use crate::terminal::Usage;

/// Where the records are named that could not be used.
const FAULTS: &str = "faults.jsonl";

pub fn import(session: &Session, arguments: &ImportArguments) -> Result<()> {
    let shape = match &arguments.from {
        None => None,
        Some(name) => Some(Shape::ALL.into_iter().find(|shape| shape.name() == name).ok_or_else(|| {
            let known = Shape::ALL.map(Shape::name).join(", ");
            Usage(format!("`{name}` is no known shape of conversations\nhint: --from takes one of {known}"))
        })?),
    };
    let options = ImportOptions { shape, all_paths: arguments.all_paths };
    let inputs = file_inputs(&arguments.paths)?;
    let config = json!({"from": arguments.from, "all_paths": arguments.all_paths});
    super::write(session, config, inputs, |dir| {
        let (mut conversations, mut faults, mut records) = (Vec::new(), Vec::new(), 0);
        let mut shapes = Vec::new();
        for path in &arguments.paths {
            let found = import::import(path, &options)?;
            session.terminal.say(&format!(
                "{}: {}, {} conversations of {} records",
                path.display(),
                found.shape.name(),
                found.conversations.len(),
                found.records
            ));
            let named: Vec<String> = found.faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect();
            session.terminal.warn_of_bad(&named, named.len(), "records");
            faults.extend(found.faults.iter().map(
                |fault| json!({"path": path, "line": fault.line, "field": fault.field, "problem": fault.problem}),
            ));
            records += found.records;
            shapes.push(found.shape.name());
            conversations.extend(found.conversations);
        }
        write_lines(&dir.join(FAULTS), &faults)?;
        let mut metrics = Map::new();
        metrics.insert("records".into(), json!(records));
        metrics.insert("skipped".into(), json!(faults.len()));
        metrics.insert("shapes".into(), json!(shapes));
        Ok((conversations, metrics))
    })
}
