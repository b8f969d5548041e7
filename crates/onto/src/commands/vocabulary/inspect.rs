//! `onto tokenizer inspect`

use anyhow::Result;
use serde_json::json;

use super::{input, load_any};
use crate::cli::TokenizerUseArguments;
use crate::commands::Session;
use crate::terminal::{line_to_stdout, to_stdout};

/// The text with its tokens in alternating colours, or between bars where there is no colour.
pub fn inspect(session: &Session, arguments: &TokenizerUseArguments) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    let bytes = input(arguments)?;
    let text = String::from_utf8_lossy(&bytes);
    let ids = if arguments.special { tokenizer.encode_with_special(&text) } else { tokenizer.encode(&text) };
    if session.global.json {
        let pieces: Vec<String> = ids.iter().map(|&id| tokenizer.decode(&[id], false)).collect();
        return line_to_stdout(&json!({"ids": ids, "pieces": pieces, "bytes": text.len()}).to_string());
    }
    let mut out = String::new();
    for (index, &id) in ids.iter().enumerate() {
        let piece = tokenizer.decode(&[id], false);
        if session.terminal.colour {
            out.push_str(&session.terminal.paint(["30;46", "30;43", "30;42", "30;45"][index % 4], &piece));
        } else {
            out.push_str(&piece);
            out.push('|');
        }
    }
    to_stdout(&format!(
        "{out}\n{} tokens, {} bytes, {:.2} bytes a token\n",
        ids.len(),
        text.len(),
        text.len() as f64 / ids.len().max(1) as f64
    ))
}
