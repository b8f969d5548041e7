//! `onto instances self-instruct`

use std::sync::atomic::Ordering;

use anyhow::Result;
use corpus::instances::self_instruct::{
    self as pool, CommandWriter, ModelWriter, SelfInstructConfig, Task, Writer, read_tasks,
};
use lang::artifact;
use lang::sampling::SamplingConfig;
use serde_json::{Map, json};

use crate::cli::SelfInstructArguments;
use crate::commands::{Session, open};
use crate::run::lines::write_lines;
use crate::terminal::{Interrupted, Progress, Usage};

const TASKS: &str = "tasks.jsonl";
const DROPPED: &str = "dropped.jsonl";

pub fn self_instruct(session: &Session, arguments: &SelfInstructArguments) -> Result<()> {
    if !(arguments.novelty > 0.0 && arguments.novelty <= 1.0) {
        return Err(
            Usage(format!("--novelty is {}, but a likeness is above 0 and at most 1", arguments.novelty)).into()
        );
    }
    let config = SelfInstructConfig {
        tasks: arguments.tasks,
        requests: arguments.requests,
        novelty: arguments.novelty,
        max_tokens: arguments.max_tokens,
        seed: session.seed(0),
        ..SelfInstructConfig::default()
    };
    let mut inputs = vec![artifact::input(&arguments.seeds, "seeds")?];
    if let Some(model) = &arguments.model {
        inputs.push(artifact::input(model, "model")?);
    }
    let recorded = json!({"config": config, "command": arguments.command, "temperature": arguments.temperature});
    super::write(session, recorded, inputs, |dir| {
        let seeds = read_tasks(&arguments.seeds)?;
        let model = arguments.model.as_deref().map(|path| open::open(path, None)).transpose()?;
        let mut progress = Progress::new(&session.terminal, "tasks", config.tasks as u64);
        let mut tell = |made: usize, wanted: usize, requests: usize| {
            progress.set(&format!("{requests} requests"), made, wanted);
            !session.interrupt.load(Ordering::SeqCst)
        };
        let mut writer: Box<dyn Writer + '_> = match (&model, &arguments.command) {
            (Some(open), _) => Box::new(ModelWriter {
                model: &*open.model,
                tokenizer: &open.tokenizer,
                sampling: SamplingConfig {
                    temperature: arguments.temperature,
                    top_p: 0.95,
                    ..SamplingConfig::default()
                },
            }),
            (None, command) => Box::new(CommandWriter::start(command.as_deref().unwrap_or_default())?),
        };
        let made = pool::self_instruct(&seeds, &mut *writer, &config, &mut tell)?;
        drop(progress);
        if session.interrupt.load(Ordering::SeqCst) {
            return Err(
                Interrupted("stopped while tasks were written; the same command begins again".to_owned()).into()
            );
        }
        write_lines(&dir.join(TASKS), &made.tasks)?;
        write_lines(&dir.join(DROPPED), &made.dropped)?;
        let mut metrics = Map::new();
        metrics.insert("tasks".into(), json!(made.tasks.len()));
        metrics.insert("requests".into(), json!(made.requests));
        for dropped in &made.dropped {
            let name = format!("dropped.{}", json!(dropped.reason).as_str().unwrap_or_default());
            let count = metrics.get(&name).and_then(serde_json::Value::as_u64).unwrap_or(0);
            metrics.insert(name, json!(count + 1));
        }
        if made.tasks.len() < config.tasks {
            let (found, wanted, requests) = (made.tasks.len(), config.tasks, made.requests);
            session.terminal.warn(&format!("{found} of {wanted} tasks after {requests} requests"));
        }
        Ok((made.tasks.iter().flat_map(Task::conversations).collect(), metrics))
    })
}
