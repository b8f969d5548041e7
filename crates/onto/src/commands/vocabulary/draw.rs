//! `onto tokenizer encode --dropout` and `--sample`: texts cut into tokens at random.

use std::io::BufRead as _;

use anyhow::{Context as _, Result};
use lang::tokenizer::{Regularization, Tokenizer};
use serde_json::{Value, json};

use super::input;
use crate::cli::TokenizerUseArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

/// Encodes the input, or every line of it; the number of a line is the number of its text, so that it is cut the same whatever stands
/// before it.
pub fn encode(
    session: &Session,
    arguments: &TokenizerUseArguments,
    tokenizer: &Tokenizer,
    how: Regularization,
) -> Result<()> {
    let seed = session.seed(0);
    let (before, after) = if arguments.add_special { tokenizer.template() } else { Default::default() };
    let draw = |text: &str, index: u64| -> Result<Vec<u32>> {
        let ids = tokenizer.encode_regularized(text, how, arguments.special, seed, index)?;
        Ok([before.as_slice(), &ids, &after].concat())
    };
    // Which part of the text a token stands for is known of plain encoding only.
    let described = |ids: &[u32]| -> Value {
        let tokens: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap_or_default()).collect();
        json!({"ids": ids, "tokens": tokens, "offsets": null})
    };
    if arguments.jsonl {
        for (number, line) in (0..).zip(std::io::stdin().lock().lines()) {
            let line = line.context("cannot read stdin")?;
            let place = || format!("line {} is no JSON string", number + 1);
            let text: String = serde_json::from_str(&line).with_context(place)?;
            line_to_stdout(&described(&draw(&text, number)?).to_string())?;
        }
        return Ok(());
    }
    let text = String::from_utf8(input(&arguments.input)?).context("the input is not UTF-8 text")?;
    let ids = draw(&text, 0)?;
    if session.global.json {
        return line_to_stdout(&described(&ids).to_string());
    }
    line_to_stdout(&ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
}
