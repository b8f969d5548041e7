//! `onto instances …`: one file a verb.

mod check;
mod import;
mod self_instruct;
mod template;

use std::path::Path;

use anyhow::Result;
use lang::artifact::Input;
use lang::instance::Conversation;
use serde_json::{Map, Value, json};

use super::{Session, finished};
use crate::cli::InstancesCommand;
use crate::run::lines::write_lines;
use crate::run::source::CONVERSATIONS;
use crate::run::stage::Stage;

pub fn instances(session: &Session, command: &InstancesCommand) -> Result<()> {
    match command {
        InstancesCommand::Import(arguments) => import::import(session, arguments),
        InstancesCommand::Template(arguments) => template::template(session, arguments),
        InstancesCommand::Invert(arguments) => template::invert(session, arguments),
        InstancesCommand::SelfInstruct(arguments) => self_instruct::self_instruct(session, arguments),
        InstancesCommand::Check(arguments) => check::check(session, arguments),
    }
}

/// Makes the artifact with the conversations that `make` gives; what else it writes goes into the folder it is given.
fn write(
    session: &Session,
    config: Value,
    inputs: Vec<Input>,
    make: impl FnOnce(&Path) -> Result<(Vec<Conversation>, Map<String, Value>)>,
) -> Result<()> {
    let out = session.out()?;
    let context = session.context(&out);
    let stage = Stage { name: "instances", kind: "instances", path: &out, config, seed: session.seed(0), inputs };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let (conversations, mut metrics) = make(dir)?;
        write_lines(&dir.join(CONVERSATIONS), &conversations)?;
        metrics.insert("conversations".into(), json!(conversations.len()));
        Ok(metrics)
    })?;
    finished(session, &out, &manifest, record.skipped)
}
