//! `onto tokenizer encode` and `decode`

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail};
use lang::tokenizer::{EncodeOptions, Tokenizer};
use rayon::prelude::*;
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
        return encode_lines(&tokenizer, options, arguments.count);
    }
    let bytes = input(&arguments.input)?;
    if arguments.count {
        return count(session, &tokenizer, &bytes, options);
    }
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

/// Says how many tokens the input has, without keeping them.
fn count(session: &Session, tokenizer: &Tokenizer, bytes: &[u8], options: EncodeOptions) -> Result<()> {
    let tokens = match std::str::from_utf8(bytes) {
        Ok(text) => tokenizer.count_tokens(text, options),
        Err(_) if options != EncodeOptions::default() => bail!("the input is not UTF-8 text"),
        Err(_) => tokenizer.encode_bytes(bytes)?.len(),
    };
    match session.global.json {
        true => line_to_stdout(&json!({"tokens": tokens, "bytes": bytes.len()}).to_string()),
        false => line_to_stdout(&tokens.to_string()),
    }
}

/// Lines that are encoded at once, on all threads.
const LINES_AT_ONCE: usize = 4096;

/// Encodes every line of stdin, a text as a JSON string.
fn encode_lines(tokenizer: &Tokenizer, options: EncodeOptions, count: bool) -> Result<()> {
    let mut lines = (1usize..).zip(std::io::stdin().lock().lines());
    loop {
        let mut texts: Vec<String> = Vec::new();
        let mut problem = None;
        for (number, line) in lines.by_ref().take(LINES_AT_ONCE) {
            let text = line.context("cannot read stdin").and_then(|line| {
                serde_json::from_str(&line).with_context(|| format!("line {number} is no JSON string"))
            });
            match text {
                Ok(text) => texts.push(text),
                Err(error) => {
                    problem = Some(error);
                    break;
                }
            }
        }
        let said: Vec<String> = texts.par_iter().map(|text| encoded(tokenizer, text, options, count)).collect();
        said.iter().try_for_each(|line| line_to_stdout(line))?;
        match problem {
            Some(error) => return Err(error),
            None if texts.len() < LINES_AT_ONCE => return Ok(()),
            None => {}
        }
    }
}

/// What is said of one text.
fn encoded(tokenizer: &Tokenizer, text: &str, options: EncodeOptions, count: bool) -> String {
    if count {
        return json!({"tokens": tokenizer.count_tokens(text, options), "bytes": text.len()}).to_string();
    }
    let tokens = tokenizer.encode_texts(text, None, options);
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let names: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap_or_default()).collect();
    let offsets: Vec<[usize; 2]> = tokens.iter().map(|token| [token.range.start, token.range.end]).collect();
    json!({"ids": ids, "tokens": names, "offsets": offsets}).to_string()
}

pub fn decode(arguments: &TokenizerUseArguments, json: bool) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
    if arguments.jsonl {
        return decode_lines(&tokenizer, arguments.special);
    }
    let text = String::from_utf8(input(&arguments.input)?).context("token ids are numbers; the input is not text")?;
    let mut ids = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
        let id: u32 = word.parse().with_context(|| format!("`{word}` is no token id"))?;
        ids.push(id);
    }
    check(&tokenizer, &ids)?;
    let text = tokenizer.decode(&ids, !arguments.special);
    if json { line_to_stdout(&json!({"text": text}).to_string()) } else { line_to_stdout(&text) }
}

fn check(tokenizer: &Tokenizer, ids: &[u32]) -> Result<()> {
    match ids.iter().find(|&&id| id as usize >= tokenizer.vocabulary_size()) {
        Some(id) => bail!("token id {id} is outside the vocabulary of {}", tokenizer.vocabulary_size()),
        None => Ok(()),
    }
}

/// Decodes every line of stdin, a JSON list of ids. Each answer is there before the next line is read.
fn decode_lines(tokenizer: &Tokenizer, special: bool) -> Result<()> {
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let line = line.context("cannot read stdin")?;
        let ids: Vec<u32> =
            serde_json::from_str(&line).with_context(|| format!("line {number} is no JSON list of ids"))?;
        check(tokenizer, &ids).with_context(|| format!("line {number}"))?;
        line_to_stdout(&json!({"text": tokenizer.decode(&ids, !special)}).to_string())?;
    }
    Ok(())
}
