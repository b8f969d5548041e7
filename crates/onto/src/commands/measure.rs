//! `onto score` and `onto eval`: how good a model is.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use eval::{HarnessResults, exact_match};
use lang::instance::EvalItem;
use serde_json::json;

use super::Session;
use super::open::open;
use crate::cli::{EvalArguments, ScoreArguments};
use crate::run::source::from_file;
use crate::terminal::{Usage, line_to_stdout};

pub fn score(session: &Session, arguments: &ScoreArguments) -> Result<()> {
    let open = open(&arguments.model, arguments.tokenizer.as_deref())?;
    let (text, name) = match arguments.text.as_deref() {
        None => (stdin()?, "stdin".to_owned()),
        Some(path) if path == Path::new("-") => (stdin()?, "stdin".to_owned()),
        Some(path) => (
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
            path.display().to_string(),
        ),
    };
    if text.is_empty() {
        bail!("{name} is empty: there is nothing to score");
    }
    let text = utf8(text, &name)?;
    let score = lang::text::score(open.model.as_ref(), &open.tokenizer, &text)?;
    if session.global.json {
        let mut value = serde_json::to_value(score)?;
        value["model"] = json!(arguments.model.to_string_lossy());
        return line_to_stdout(&value.to_string());
    }
    line_to_stdout(&format!("log-probability  {:.4} nats", score.log_prob))?;
    line_to_stdout(&format!("tokens           {}", score.tokens))?;
    line_to_stdout(&format!("words            {}", score.words))?;
    line_to_stdout(&format!("bytes            {}", score.bytes))?;
    line_to_stdout(&format!("perplexity       {:.4} a token", score.perplexity))?;
    line_to_stdout(&format!("bits per byte    {:.4}", score.bits_per_byte))
}

/// The text that bytes are, or the place where they are none.
pub fn utf8(bytes: Vec<u8>, name: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not UTF-8: byte {at} is invalid\nhint: `onto corpus build` reads other encodings")
    })
}

/// Everything on stdin.
pub fn stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
    Ok(bytes)
}

pub fn eval(session: &Session, arguments: &EvalArguments) -> Result<()> {
    let open = open(&arguments.model, None)?;
    let items: Vec<EvalItem> = match &arguments.tasks {
        Some(path) => from_file(&session.terminal, &path.to_string_lossy())
            .context("there is nothing to ask\nhint: --tasks takes JSON lines of `id`, `task`, `prompt`, `answer`, as in RUN/instances/evaluation.jsonl")?,
        // Another seed than the recipe's: fresh people, fresh questions, still held out.
        None => microworld::evaluation(session.seed(20_000), arguments.items, 0.3),
    };
    if items.is_empty() {
        return Err(Usage("--items 0: expected at least 1".to_owned()).into());
    }
    if let Some(out) = &session.global.out {
        std::fs::create_dir_all(out)
            .with_context(|| format!("cannot create {}\nhint: --out names another folder", out.display()))?;
    }
    let progress = std::sync::Mutex::new(crate::terminal::Progress::new(&session.terminal, "questions", 0));
    let result = exact_match(
        open.model.as_ref(),
        &open.tokenizer,
        &open.template,
        &items,
        Some(arguments.max_tokens),
        &|done, total| {
            if let Ok(mut progress) = progress.lock() {
                progress.set("", done, total);
            }
        },
    )?;
    drop(progress);
    let mut harness = HarnessResults::new("onto", &arguments.model.display().to_string());
    harness.add_exact_match(&result);
    if let Some(out) = &session.global.out {
        harness.write(out)?;
    }
    if session.global.json {
        return line_to_stdout(&harness.to_json().to_string());
    }
    let rows = result.tasks.iter().chain(&result.languages).chain(std::iter::once(&result.total));
    for score in rows {
        let name = if score.task.is_empty() { "all" } else { &score.task };
        let name = format!("{name} {}", score.language);
        line_to_stdout(&format!(
            "{name:<20} {:>6.1} %   ({:.1} to {:.1})   n = {}",
            100.0 * score.score,
            100.0 * score.low,
            100.0 * score.high,
            score.n
        ))?;
    }
    Ok(())
}
