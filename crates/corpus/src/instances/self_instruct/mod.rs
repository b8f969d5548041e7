//! Instances that a model writes itself, after Self-Instruct (Wang et al. 2023): from a pool of tasks written by people,
//! a writer is asked for more; what is new enough and fit is kept; each new task gets instances of its own.
//!
//! The writer is any language model, or a command that answers in JSON lines. Every draw is taken from the seed and the
//! number of the request, so that a writer that is deterministic gives the same pool again.

mod filters;
mod requests;
mod writer;

use std::path::Path;

use lang::instance::{Conversation, Message};
use lang::rng::Rng;
use serde::{Deserialize, Serialize};

use super::rouge::Pool;
use crate::CorpusError;

pub use filters::{Rejection, unfit_instance, unfit_instruction};
pub use writer::{CommandWriter, ModelWriter, Request, Writer};

/// One input and output of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskInstance {
    /// What the instruction is applied to; may be empty.
    #[serde(default)]
    pub input: String,
    /// The answer.
    pub output: String,
}

/// A task, in the shape of the published seed tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Stable name inside its pool.
    #[serde(default)]
    pub id: String,
    /// A word for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is to be done.
    pub instruction: String,
    /// Solved examples.
    #[serde(default)]
    pub instances: Vec<TaskInstance>,
    /// Whether the answer is one of few labels.
    #[serde(default)]
    pub is_classification: bool,
    /// The task of the pool it is most like, with ROUGE-L; for tasks that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_like: Option<(String, f64)>,
}

impl Task {
    /// A conversation for every instance: the input on a line of its own under the instruction.
    pub fn conversations(&self) -> Vec<Conversation> {
        let conversation = |(at, instance): (usize, &TaskInstance)| Conversation {
            id: if at == 0 { self.id.clone() } else { format!("{}.{at}", self.id) },
            messages: vec![
                Message::user(match instance.input.is_empty() {
                    true => self.instruction.clone(),
                    false => format!("{}\n{}", self.instruction, instance.input),
                }),
                Message::assistant(instance.output.as_str()),
            ],
            task: self.name.clone(),
            ..Conversation::default()
        };
        self.instances.iter().enumerate().map(conversation).collect()
    }
}

/// How many tasks are made, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelfInstructConfig {
    /// New tasks wanted.
    pub tasks: usize,
    /// Requests for new tasks after which the work ends, wanted or not.
    pub requests: usize,
    /// Tasks of people shown in a request.
    pub seeds_shown: usize,
    /// Tasks that were made shown in a request, where there are some.
    pub made_shown: usize,
    /// A task at least as like one of the pool by ROUGE-L is not new; 0.7 in the paper.
    pub novelty: f64,
    /// Most tokens of an answer.
    pub max_tokens: usize,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for SelfInstructConfig {
    fn default() -> Self {
        SelfInstructConfig {
            tasks: 100,
            requests: 1000,
            seeds_shown: 6,
            made_shown: 2,
            novelty: 0.7,
            max_tokens: 512,
            seed: 0,
        }
    }
}

/// A draft that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dropped {
    /// Number of the request that gave it, from 0.
    pub request: usize,
    /// The instruction.
    pub instruction: String,
    /// Why.
    pub reason: Rejection,
    /// The task it is too much like, and how much by ROUGE-L.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_like: Option<(String, f64)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Made {
    /// The new tasks.
    pub tasks: Vec<Task>,
    /// Drafts that were not taken.
    pub dropped: Vec<Dropped>,
    /// Requests for new tasks.
    pub requests: usize,
}

/// Reads a pool of tasks, JSON lines or an array.
///
/// # Errors
/// The file cannot be read, or a record is no task; it is named with its line.
pub fn read_tasks(path: &Path) -> Result<Vec<Task>, CorpusError> {
    let records = super::import::records::read(path)?;
    let bad = |line: usize, problem: String| CorpusError::BadJson { path: path.to_owned(), line, problem };
    if let Some(fault) = records.faults.first() {
        return Err(bad(fault.line, fault.problem.clone()));
    }
    let task = |(line, record): (usize, serde_json::Value)| {
        serde_json::from_value::<Task>(record).map_err(|error| bad(line, format!("no task: {error}")))
    };
    let tasks = records.records.into_iter().map(task).collect::<Result<Vec<_>, _>>()?;
    match tasks.is_empty() {
        true => Err(bad(1, "there are no tasks in it".to_owned())),
        false => Ok(tasks),
    }
}

/// Lets `writer` add to the pool `seeds`. `progress` is told the tasks made, the tasks wanted and the requests, and ends
/// the work by `false`; what is made until then is given.
///
/// # Errors
/// The writer fails.
pub fn self_instruct(
    seeds: &[Task],
    writer: &mut dyn Writer,
    config: &SelfInstructConfig,
    progress: &mut dyn FnMut(usize, usize, usize) -> bool,
) -> Result<Made, CorpusError> {
    let mut pool = Pool::default();
    seeds.iter().for_each(|seed| pool.add(&seed.instruction));
    let mut made = Made::default();
    let is_chinese = seeds.iter().filter(|seed| crate::text::is_chinese(&seed.instruction)).count() * 2 > seeds.len();
    while made.tasks.len() < config.tasks && made.requests < config.requests {
        if !progress(made.tasks.len(), config.tasks, made.requests) {
            break;
        }
        let number = made.requests;
        made.requests += 1;
        let mut rng = Rng::for_item(config.seed, "self-instruct", number as u64);
        let shown = shown(seeds, &made.tasks, config, &mut rng);
        let answer = writer.write(&requests::for_tasks(&shown, is_chinese, config, rng.next_u64()))?;
        for instruction in requests::read_tasks(&answer, is_chinese) {
            let drop =
                |reason, most_like| Dropped { request: number, instruction: instruction.clone(), reason, most_like };
            if let Some(reason) = unfit_instruction(&instruction) {
                made.dropped.push(drop(reason, None));
                continue;
            }
            let nearest = pool.nearest(&instruction).map(|(at, score)| {
                let like = seeds.get(at).or_else(|| made.tasks.get(at - seeds.len()));
                (like.map(|task| task.id.clone()).unwrap_or_default(), score)
            });
            if nearest.as_ref().is_some_and(|(_, score)| *score >= config.novelty) {
                made.dropped.push(drop(Rejection::NotNew, nearest));
                continue;
            }
            let mut task = Task {
                id: format!("made_task_{}", made.tasks.len()),
                instruction: instruction.clone(),
                most_like: nearest,
                ..Task::default()
            };
            let ask = |kind: u64| Rng::for_item(config.seed, &instruction, kind).next_u64();
            let answer = writer.write(&requests::for_kind(&task, seeds, is_chinese, config, ask(0)))?;
            task.is_classification = requests::read_kind(&answer);
            let answer = writer.write(&requests::for_instances(&task, seeds, is_chinese, config, ask(1)))?;
            task.instances =
                fit_instances(requests::read_instances(&answer, task.is_classification, is_chinese), &task);
            if task.instances.is_empty() {
                made.dropped.push(drop(Rejection::NoInstance, None));
                continue;
            }
            pool.add(&task.instruction);
            made.tasks.push(task);
            if made.tasks.len() >= config.tasks {
                break;
            }
        }
    }
    progress(made.tasks.len(), config.tasks, made.requests);
    Ok(made)
}

/// The tasks of a request: of people and of the writer's own, in an order of their own.
fn shown<'a>(seeds: &'a [Task], made: &'a [Task], config: &SelfInstructConfig, rng: &mut Rng) -> Vec<&'a Task> {
    let mut shown = draw(made, config.made_shown, rng);
    let missing = config.made_shown - shown.len();
    shown.extend(draw(seeds, config.seeds_shown + missing, rng));
    for at in (1..shown.len()).rev() {
        shown.swap(at, rng.index(at + 1));
    }
    shown
}

/// Up to `count` of `tasks`, none twice.
fn draw<'a>(tasks: &'a [Task], count: usize, rng: &mut Rng) -> Vec<&'a Task> {
    let mut places: Vec<usize> = (0..tasks.len()).collect();
    let count = count.min(tasks.len());
    for at in 0..count {
        places.swap(at, at + rng.index(tasks.len() - at));
    }
    places[..count].iter().map(|&at| &tasks[at]).collect()
}

/// The instances that can be learnt from: fit ones, none twice, and none of an input that has two answers.
fn fit_instances(found: Vec<TaskInstance>, task: &Task) -> Vec<TaskInstance> {
    let fit: Vec<TaskInstance> = found.into_iter().filter(|found| unfit_instance(found, task).is_none()).collect();
    let mut kept: Vec<TaskInstance> = Vec::new();
    for instance in &fit {
        let torn = fit.iter().any(|other| other.input == instance.input && other.output != instance.output);
        if !torn && !kept.contains(instance) {
            kept.push(instance.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests;
