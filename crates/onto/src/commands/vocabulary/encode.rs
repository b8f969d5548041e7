//! `onto tokenizer encode` and `decode`

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail};
use lang::tokenizer::{EncodeOptions, Tokenizer};
use serde_json::json;

use super::{input, load_any};
use crate::cli::TokenizerUseArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn encode(session: &Session, arguments: &TokenizerUseArguments) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    if let Some(how) = arguments.random.how() {
        return super::draw::encode(session, arguments, &tokenizer, how);
    }
    let options = EncodeOptions { parse_special: arguments.special, add_special: arguments.add_special };
    if arguments.jsonl {
        return encode_lines(&tokenizer, options);
    }
    let bytes = input(arguments)?;
    let (ids, offsets) = match std::str::from_utf8(&bytes) {
        Ok(text) => {
            let tokens = tokenizer.encode_texts(text, None, options);
            let offsets: Vec<[usize; 2]> = tokens.iter().map(|token| [token.range.start, token.range.end]).collect();
            (tokens.into_iter().map(|token| token.id).collect(), Some(offsets))
        }
        Err(_) if arguments.special || arguments.add_special => bail!("the input is not UTF-8 text"),
        // Byte-level tokens take any bytes; offsets are given for text only.
        Err(_) => (tokenizer.encode_bytes(&bytes)?, None),
    };
    if session.global.json {
        let tokens: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap_or_default()).collect();
        line_to_stdout(&json!({"ids": ids, "tokens": tokens, "offsets": offsets}).to_string())
    } else {
        let words: Vec<String> = ids.iter().map(u32::to_string).collect();
        line_to_stdout(&words.join(" "))
    }
}

/// Encodes every line of stdin, a text as a JSON string.
fn encode_lines(tokenizer: &Tokenizer, options: EncodeOptions) -> Result<()> {
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let line = line.context("cannot read stdin")?;
        let text: String = serde_json::from_str(&line).with_context(|| format!("line {number} is no JSON string"))?;
        let tokens = tokenizer.encode_texts(&text, None, options);
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let names: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap_or_default()).collect();
        let offsets: Vec<[usize; 2]> = tokens.iter().map(|token| [token.range.start, token.range.end]).collect();
        line_to_stdout(&json!({"ids": ids, "tokens": names, "offsets": offsets}).to_string())?;
    }
    Ok(())
}

pub fn decode(arguments: &TokenizerUseArguments, json: bool) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    let text = String::from_utf8(input(arguments)?).context("token ids are numbers; the input is not text")?;
    let mut ids = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
        let id: u32 = word.parse().with_context(|| format!("`{word}` is no token id"))?;
        if id as usize >= tokenizer.vocabulary_size() {
            bail!("token id {id} is outside the vocabulary of {}", tokenizer.vocabulary_size());
        }
        ids.push(id);
    }
    let text = tokenizer.decode(&ids, !arguments.special);
    if json { line_to_stdout(&json!({"text": text}).to_string()) } else { line_to_stdout(&text) }
}
