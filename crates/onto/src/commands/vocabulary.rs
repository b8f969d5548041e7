//! `onto tokenizer …`

use std::io::{BufRead as _, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lang::tokenizer::{EncodeOptions, Tokenizer, TrainConfig};
use serde_json::{Map, json};

use super::Session;
use super::corpora::read_paths;
use crate::cli::{TokenizerCommand, TokenizerTrainArguments, TokenizerUseArguments};
use crate::terminal::{Progress, line_to_stdout, to_stdout};

pub fn tokenizer(session: &Session, command: &TokenizerCommand) -> Result<()> {
    match command {
        TokenizerCommand::Train(arguments) => train(session, arguments),
        TokenizerCommand::Encode(arguments) => encode(session, arguments),
        TokenizerCommand::Decode(arguments) => decode(arguments, session.global.json),
        TokenizerCommand::Inspect(arguments) => inspect(session, arguments),
    }
}

fn train(session: &Session, arguments: &TokenizerTrainArguments) -> Result<()> {
    let out = session.out()?;
    let (documents, inputs) = read_paths(session, &arguments.paths)?;
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    let settings = TrainConfig {
        vocab_size: arguments.vocab_size,
        min_frequency: arguments.min_frequency,
        split_han: arguments.split_han,
        space_last: arguments.space_last,
        ..TrainConfig::default()
    };
    let context = session.context(&out);
    let config = json!({"vocab_size": settings.vocab_size, "min_frequency": settings.min_frequency,
                        "split_han": settings.split_han, "space_last": settings.space_last});
    let stage = crate::run::stage::Stage {
        name: "tokenizer",
        kind: "tokenizer",
        path: &out,
        config,
        seed: session.seed(0),
        inputs,
    };
    let (manifest, record) = context.stage(stage, |dir, _| {
        let mut progress = Progress::new(&session.terminal, "merging", settings.vocab_size as u64);
        let tokenizer = Tokenizer::train(&texts, &settings, &mut |done, total| progress.set("", done, total))?;
        tokenizer.save(dir)?;
        let mut metrics = Map::new();
        metrics.insert("vocab_size".into(), json!(tokenizer.vocabulary_size()));
        Ok(metrics)
    })?;
    if session.global.json {
        line_to_stdout(
            &json!({"tokenizer": out.to_string_lossy(), "sha256": manifest.sha256, "skipped": record.skipped})
                .to_string(),
        )
    } else {
        line_to_stdout(&format!("tokenizer {}", out.display()))
    }
}

/// What went wrong with the tokenizer that `--tokenizer` names.
fn cannot_use(path: &Path) -> String {
    format!(
        "cannot use the tokenizer {}\nhint: --tokenizer takes tokenizer.json, a .model, .tiktoken or vocab file, or a \
         folder with one",
        path.display()
    )
}

/// The tokenizer that `--tokenizer` names.
pub fn load(path: &Path) -> Result<Tokenizer> {
    Tokenizer::load(path).with_context(|| cannot_use(path))
}

/// The words typed, or stdin.
fn input(arguments: &TokenizerUseArguments) -> Result<Vec<u8>> {
    if arguments.input.is_empty() || arguments.input == ["-"] {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
        Ok(bytes)
    } else {
        Ok(arguments.input.join(" ").into_bytes())
    }
}

/// The tokenizer that `--tokenizer` names, for looking at text only: a model would need a token that ends a text.
fn load_any(path: &Path) -> Result<Tokenizer> {
    Tokenizer::load_any(path).with_context(|| cannot_use(path))
}

fn encode(session: &Session, arguments: &TokenizerUseArguments) -> Result<()> {
    let tokenizer = load_any(&arguments.tokenizer)?;
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

fn decode(arguments: &TokenizerUseArguments, json: bool) -> Result<()> {
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

/// The text with its tokens in alternating colours, or between bars where there is no colour.
fn inspect(session: &Session, arguments: &TokenizerUseArguments) -> Result<()> {
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
