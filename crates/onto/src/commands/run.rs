//! `onto run`: a whole life.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::Session;
use crate::cli::RunArguments;
use crate::recipe::Recipe;
use crate::run::{STAGES, live};
use crate::terminal::{Usage, line_to_stdout, to_stdout};

pub fn run(session: &Session, arguments: &RunArguments) -> Result<()> {
    let mut overrides = session.global.set.clone();
    if let Some(seed) = session.global.seed {
        overrides.push(format!("seed={seed}"));
    }
    let recipe = Recipe::load(arguments.recipe.as_deref(), &overrides)?;
    if arguments.dry_run {
        return to_stdout(&recipe.resolved()?);
    }
    let root = session.global.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let mut context = session.context(&root);
    if let Some(redo) = &arguments.redo {
        let Some(first) = STAGES.iter().position(|stage| stage == redo) else {
            return Err(Usage(format!("--redo {redo}: no such stage\nhint: stages are {}", STAGES.join(", "))).into());
        };
        context.redo = STAGES[first..].to_vec();
    }
    let terminal = &session.terminal;
    terminal.say(&format!("{} {}", terminal.paint("1", &recipe.name), recipe.title));
    terminal.say(&terminal.paint("2", &indented(&recipe.resolved()?)));
    let life = live(&recipe, &context)?;
    if session.global.json {
        line_to_stdout(
            &json!({
                "recipe": recipe.name,
                "report": life.report_json.to_string_lossy(),
                "report_html": life.report_html.to_string_lossy(),
                "model": life.model.to_string_lossy(),
                "seconds": life.seconds,
                "nothing_to_do": life.nothing_to_do,
                "stages": life.stages,
            })
            .to_string(),
        )?;
        return Ok(());
    }
    if life.nothing_to_do {
        line_to_stdout(&format!(
            "nothing to do: all {} stages of {} are up to date (checked in {:.2} s)",
            life.stages.len(),
            recipe.name,
            life.seconds
        ))?;
    } else {
        line_to_stdout(&format!("{} is done in {:.0} s", recipe.name, life.seconds))?;
    }
    line_to_stdout(&format!("report  {}", life.report_html.display()))?;
    line_to_stdout(&format!("talk    onto chat --model {}", life.model.display()))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
