//! `onto instances template` and `invert`

use std::path::Path;

use anyhow::{Result, bail};
use corpus::instances::templates::{self, Applied, Library, TaskTemplate, with_examples};
use lang::artifact::{self, Input};
use lang::instance::Conversation;
use lang::rng::Rng;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::{InvertArguments, TemplateArguments};
use crate::commands::Session;
use crate::run::lines::{read_lines_lenient, write_lines};
use crate::run::source::from_file;

/// Where each instance keeps what its template knows of it.
const DETAILS: &str = "details.jsonl";

/// What a conversation does not say: where it came from and how its answer is measured.
#[derive(Serialize)]
struct Details<'a> {
    id: &'a str,
    dataset: &'a str,
    template: &'a str,
    metrics: &'a [String],
    targets: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'a [String]>,
}

pub fn template(session: &Session, arguments: &TemplateArguments) -> Result<()> {
    let inputs = inputs(&[(&arguments.data, "records"), (&arguments.templates, "templates")])?;
    let config = json!({"dataset": arguments.dataset, "name": arguments.name, "examples": arguments.examples});
    super::write(session, config, inputs, |dir| {
        let library = library(session, &arguments.templates)?;
        let filled = Filled::new(session, &library, &arguments.data, &arguments.dataset, arguments.name.as_deref())?;
        let (mut conversations, mut details) = (Vec::new(), Vec::new());
        for (at, instance) in filled.instances.iter().enumerate() {
            let examples = filled.examples(at, arguments.examples, session.seed(0));
            let applied = with_examples(&instance.applied, &examples);
            let Some(mut conversation) = applied.conversation() else { continue };
            conversation.id = instance.id.clone();
            conversation.task = instance.template.name.clone();
            details.push(json!(Details {
                id: &instance.id,
                dataset: &instance.template.dataset,
                template: &instance.template.name,
                metrics: &instance.template.metrics,
                targets: &applied.targets,
                choices: applied.choices.as_deref(),
            }));
            conversations.push(conversation);
        }
        write_lines(&dir.join(DETAILS), &details)?;
        Ok((conversations, filled.metrics()))
    })
}

pub fn invert(session: &Session, arguments: &InvertArguments) -> Result<()> {
    let mut named = vec![(arguments.data.as_path(), "records")];
    named.extend(arguments.templates.as_deref().map(|path| (path, "templates")));
    let config = json!({"invert": true, "dataset": arguments.dataset, "name": arguments.name});
    super::write(session, config, inputs(&named)?, |_| {
        let Some(path) = &arguments.templates else {
            let conversations: Vec<Conversation> = from_file(&session.terminal, &arguments.data.to_string_lossy())?;
            let inverted: Vec<Conversation> = conversations.iter().filter_map(templates::invert).collect();
            if inverted.is_empty() {
                bail!("{} has no conversation of one question and one answer", arguments.data.display());
            }
            let mut metrics = Map::new();
            metrics.insert("left_out".into(), json!(conversations.len() - inverted.len()));
            return Ok((inverted, metrics));
        };
        let library = library(session, path)?;
        let filled = Filled::new(session, &library, &arguments.data, &arguments.dataset, arguments.name.as_deref())?;
        let inverted = filled.instances.iter().filter_map(|instance| {
            let inverted = instance.applied.inverted()?;
            Some(Conversation {
                id: instance.id.clone(),
                task: format!("{} inverted", instance.template.name),
                ..inverted
            })
        });
        let inverted: Vec<Conversation> = inverted.collect();
        if inverted.is_empty() {
            bail!("no instance could be turned round: no field of a record stands in a prompt as it is");
        }
        Ok((inverted, filled.metrics()))
    })
}

fn inputs(paths: &[(impl AsRef<Path>, &'static str)]) -> Result<Vec<Input>> {
    paths.iter().map(|(path, relation)| Ok(artifact::input(path.as_ref(), relation)?)).collect()
}

fn library(session: &Session, path: &Path) -> Result<Library> {
    let library = Library::load(path)?;
    session.terminal.warn_of_bad(&library.faults, library.faults.len(), "templates");
    Ok(library)
}

/// A record through a template.
struct Instance<'a> {
    id: String,
    template: &'a TaskTemplate,
    applied: Applied,
}

/// Every record through every template that is meant.
struct Filled<'a> {
    instances: Vec<Instance<'a>>,
    templates: usize,
    failed: usize,
}

impl<'a> Filled<'a> {
    fn new(
        session: &Session,
        library: &'a Library,
        data: &Path,
        dataset: &'a str,
        name: Option<&'a str>,
    ) -> Result<Self> {
        let (records, bad): (Vec<Map<String, Value>>, Vec<String>) = read_lines_lenient(data)?;
        session.terminal.warn_of_bad(&bad, bad.len(), "bad lines");
        let templates: Vec<&TaskTemplate> = library.of(dataset, name).collect();
        if templates.is_empty() {
            let mut known: Vec<&str> = library.templates.iter().map(|template| template.dataset.as_str()).collect();
            known.dedup();
            let shown = known.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            bail!(
                "the library has no template of this data set and name\nhint: --dataset is one of {shown}{}",
                if known.len() > 8 { ", …" } else { "" }
            );
        }
        let (mut instances, mut problems) = (Vec::new(), Vec::new());
        for template in &templates {
            for (at, record) in records.iter().enumerate() {
                let rng = Rng::for_item(session.seed(0), &template.name, at as u64);
                match template.apply(record, &rng) {
                    Ok(Some(applied)) if applied.conversation().is_some() => {
                        let id = format!("{}/{}-{at}", template.dataset, template.name);
                        instances.push(Instance { id, template, applied });
                    }
                    Ok(_) => {}
                    Err(error) => problems.push(format!("template {}, record {}: {error}", template.name, at + 1)),
                }
            }
        }
        session.terminal.warn_of_bad(&problems, problems.len(), "records");
        if instances.is_empty() {
            bail!("{} records and {} templates gave no instance", records.len(), templates.len());
        }
        Ok(Filled { instances, templates: templates.len(), failed: problems.len() })
    }

    /// Solved instances of the same template for instance `at`, none of them itself.
    fn examples(&self, at: usize, count: usize, seed: u64) -> Vec<Applied> {
        let own = &self.instances[at];
        let same = |other: &&Instance| std::ptr::eq(other.template, own.template) && other.id != own.id;
        let mut others: Vec<&Instance> = match count {
            0 => Vec::new(),
            _ => self.instances.iter().filter(same).collect(),
        };
        let mut rng = Rng::for_item(seed, "instances/examples", at as u64);
        let count = count.min(others.len());
        for place in 0..count {
            let other = place + rng.index(others.len() - place);
            others.swap(place, other);
        }
        others[..count].iter().map(|instance| instance.applied.clone()).collect()
    }

    fn metrics(&self) -> Map<String, Value> {
        let mut metrics = Map::new();
        metrics.insert("templates".into(), json!(self.templates));
        metrics.insert("failed".into(), json!(self.failed));
        metrics
    }
}
