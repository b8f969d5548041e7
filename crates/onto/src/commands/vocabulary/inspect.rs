//! `onto tokenizer inspect`

use anyhow::{Context as _, Result};
use lang::tokenizer::{EncodeOptions, Tokenizer};
use serde_json::json;

use super::{input, load_any, page, statistics};
use crate::cli::TokenizerInspectArguments;
use crate::commands::Session;
use crate::terminal::{line_to_stdout, to_stdout};

/// A stretch of the text and the tokens that stand for it: one, or several that share a character; none for what is
/// normalized away.
pub struct Shown {
    pub text: String,
    pub ids: Vec<u32>,
}

pub fn inspect(session: &Session, arguments: &TokenizerInspectArguments) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    if !arguments.stats.is_empty() {
        return statistics::statistics(session, &tokenizer, &arguments.stats);
    }
    let bytes = input(&arguments.input)?;
    let text = String::from_utf8_lossy(&bytes);
    let shown = stretches(&tokenizer, &text, arguments.special);
    if let Some(path) = &arguments.html {
        let name = arguments.tokenizer.display().to_string();
        std::fs::write(path, page::page(&tokenizer, &name, &text, &shown))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let ids: Vec<u32> = shown.iter().flat_map(|stretch| stretch.ids.iter().copied()).collect();
    if session.global.json {
        let pieces: Vec<String> = ids.iter().map(|&id| tokenizer.decode(&[id], false)).collect();
        return line_to_stdout(&json!({"ids": ids, "pieces": pieces, "bytes": text.len()}).to_string());
    }
    if arguments.html.is_some() {
        return Ok(());
    }
    to_stdout(&format!(
        "{}{} tokens, {} characters, {} bytes, {:.2} bytes a token\n",
        lines(session, &shown),
        ids.len(),
        text.chars().count(),
        text.len(),
        text.len() as f64 / ids.len().max(1) as f64
    ))
}

/// The text cut where tokens meet.
fn stretches(tokenizer: &Tokenizer, text: &str, special: bool) -> Vec<Shown> {
    let options = EncodeOptions { parse_special: special, add_special: false };
    let mut shown: Vec<Shown> = Vec::new();
    let mut end = 0;
    for token in tokenizer.encode_texts(text, None, options) {
        let range = token.range;
        match shown.last_mut() {
            // The same character, or a part of one.
            Some(last) if range.end <= end && !last.ids.is_empty() => last.ids.push(token.id),
            _ => {
                if range.start > end {
                    shown.push(Shown { text: text[end..range.start].to_owned(), ids: Vec::new() });
                }
                shown.push(Shown { text: text[range.start.max(end)..range.end].to_owned(), ids: vec![token.id] });
                end = range.end;
            }
        }
    }
    if end < text.len() {
        shown.push(Shown { text: text[end..].to_owned(), ids: Vec::new() });
    }
    shown
}

const COLOURS: [&str; 4] = ["30;46", "30;43", "30;42", "30;45"];
const ID_COLOURS: [&str; 4] = ["36", "33", "32", "35"];

/// Every line of the text in alternating colours, or between bars where there is no colour, and its ids below.
fn lines(session: &Session, shown: &[Shown]) -> String {
    let colour = session.terminal.colour;
    let (mut out, mut text, mut ids) = (String::new(), String::new(), Vec::new());
    let mut number = 0;
    for (at, stretch) in shown.iter().enumerate() {
        let piece = stretch.text.replace('\n', "⏎").replace('\t', "⇥").replace('\r', "␍");
        let joined = stretch.ids.iter().map(u32::to_string).collect::<Vec<_>>().join("+");
        if stretch.ids.is_empty() {
            text.push_str(&piece);
        } else if colour {
            text.push_str(&session.terminal.paint(COLOURS[number % 4], &piece));
            ids.push(session.terminal.paint(ID_COLOURS[number % 4], &joined));
            number += 1;
        } else {
            text.push_str(&piece);
            text.push('|');
            ids.push(joined);
        }
        if stretch.text.contains('\n') || at + 1 == shown.len() {
            out.push_str(&format!("{text}\n{}\n", ids.join(" ")));
            text.clear();
            ids.clear();
        }
    }
    out
}
