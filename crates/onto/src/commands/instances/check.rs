//! `onto instances check`

use anyhow::{Context as _, Result, bail};
use lang::chat::{ChatOptions, ChatTemplate, LossOptions, TrainOn};
use serde_json::{Value, json};

use crate::cli::CheckArguments;
use crate::commands::{Session, vocabulary};
use crate::run::lines::read_lines_lenient;
use crate::terminal::line_to_stdout;

/// Refused conversations that are named.
const NAMED: usize = 20;

pub fn check(session: &Session, arguments: &CheckArguments) -> Result<()> {
    let tokenizer = vocabulary::load(&arguments.tokenizer)?;
    let template = ChatTemplate::load(&arguments.tokenizer)?;
    let train_on = if arguments.last { TrainOn::Last } else { TrainOn::All };
    let loss = LossOptions { train_on, max_tokens: arguments.max_tokens, waive_stop: false };
    let (mut checked, mut tokens, mut targets, mut longest) = (0usize, 0usize, 0usize, 0usize);
    let mut refused = Vec::new();
    for path in &arguments.paths {
        let (values, bad): (Vec<Value>, Vec<String>) = read_lines_lenient(path)?;
        refused.extend(bad);
        for (at, value) in values.iter().enumerate() {
            checked += 1;
            let messages = value["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
            let tools = value["tools"].as_array().filter(|tools| !tools.is_empty()).cloned();
            let options = ChatOptions { tools, ..ChatOptions::default() };
            match template.encode_training(&tokenizer, messages, &options, &loss) {
                Ok(encoded) => {
                    tokens += encoded.ids.len();
                    longest = longest.max(encoded.ids.len());
                    targets += encoded.is_target.iter().filter(|&&is_target| is_target).count();
                }
                Err(error) => refused.push(format!("{}: conversation {}: {error}", path.display(), at + 1)),
            }
        }
    }
    if session.global.json {
        let report = json!({"conversations": checked, "tokens": tokens, "targets": targets, "longest": longest,
                            "refused": refused});
        line_to_stdout(&report.to_string())?;
    } else {
        let share = 100.0 * targets as f64 / tokens.max(1) as f64;
        line_to_stdout(&format!(
            "{checked} conversations, {tokens} tokens, {targets} of them learnt ({share:.1} %), the longest has {longest}"
        ))?;
    }
    for problem in refused.iter().take(NAMED) {
        session.terminal.warn(problem);
    }
    if !refused.is_empty() {
        bail!("{} of {checked} conversations cannot be learnt whole", refused.len());
    }
    if checked == 0 {
        return Err(anyhow::anyhow!("there are no conversations")).context("nothing was checked");
    }
    Ok(())
}
