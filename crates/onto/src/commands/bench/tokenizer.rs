//! `onto bench tokenizer`: how fast texts are encoded, on one thread and on all.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lang::tokenizer::Tokenizer;
use serde_json::{Value, json};

use super::super::Session;
use super::vocabulary;
use crate::cli::{BenchTokenizerArguments, Model};
use crate::terminal::{line_to_stdout, to_stdout};

/// Bytes of the text of one repeated character.
const REPEATED_BYTES: usize = 1 << 20;
/// What is repeated: a character of every kind that patterns tell apart, and of every length in bytes.
const REPEATED: [(&str, &str); 10] = [
    ("letter", "a"),
    ("space", " "),
    ("line feed", "\n"),
    ("digit", "0"),
    ("punctuation mark", "!"),
    ("NUL", "\0"),
    ("accented letter", "é"),
    ("Han character", "河"),
    ("wide comma", "，"),
    ("emoji", "🙂"),
];
/// Bytes of a document, at most, where a text is encoded as many of them.
pub(super) const DOCUMENT_BYTES: usize = 1 << 16;

pub fn tokenizer(session: &Session, arguments: &BenchTokenizerArguments) -> Result<()> {
    let path = match (arguments.train, &arguments.tokenizer) {
        (None, Some(path)) => path,
        (model, _) => return vocabulary::train(session, arguments, model.unwrap_or(Model::Bpe)),
    };
    let started = Instant::now();
    let tokenizer =
        Tokenizer::load_any(path).with_context(|| format!("cannot use the tokenizer {}", path.display()))?;
    let load_seconds = started.elapsed().as_secs_f64();
    let mut texts = texts(&arguments.paths)?;
    for (name, character) in REPEATED {
        texts.push((format!("one {name} repeated"), character.repeat(REPEATED_BYTES / character.len())));
    }
    let rows: Vec<Value> =
        texts.iter().map(|(name, text)| measure(&tokenizer, name, text, arguments.seconds)).collect();
    let threads = rayon::current_num_threads();
    let report = json!({
        "tokenizer": path.to_string_lossy(),
        "vocabulary_size": tokenizer.vocabulary_size(),
        "load_seconds": load_seconds,
        "threads": threads,
        "texts": rows,
    });
    if session.global.json {
        return line_to_stdout(&report.to_string());
    }
    let mut out = format!(
        "{:>10} {:>10} {:>8} {:>10} {:>10}  text\n",
        "bytes",
        "tokens",
        "byte/tok",
        "MB/s",
        format!("MB/s ×{threads}")
    );
    for row in &rows {
        let number = |key: &str| row[key].as_f64().unwrap_or_default();
        out.push_str(&format!(
            "{:>10} {:>10} {:>8.2} {:>10.1} {:>10.1}  {}\n",
            number("bytes"),
            number("tokens"),
            number("bytes") / number("tokens").max(1.0),
            number("bytes_per_second") / 1e6,
            number("bytes_per_second_batch") / 1e6,
            row["text"].as_str().unwrap_or_default()
        ));
    }
    to_stdout(&format!("{out}loaded in {load_seconds:.3} s\n"))
}

/// The texts to measure on with their names.
fn texts(paths: &[PathBuf]) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for path in paths {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    if texts.iter().any(|(_, text)| text.is_empty()) {
        bail!("a text to measure on is empty");
    }
    Ok(texts)
}

/// The best of as many rounds as fit in `seconds`, after one that fills the caches.
fn measure(tokenizer: &Tokenizer, name: &str, text: &str, seconds: f64) -> Value {
    let documents = documents(text);
    let best = |work: &dyn Fn() -> usize| {
        let tokens = work();
        let begun = Instant::now();
        let mut fastest = f64::INFINITY;
        while begun.elapsed().as_secs_f64() < seconds || fastest.is_infinite() {
            let round = Instant::now();
            std::hint::black_box(work());
            fastest = fastest.min(round.elapsed().as_secs_f64());
        }
        (tokens, fastest)
    };
    let (tokens, one) = best(&|| documents.iter().map(|document| tokenizer.encode(document).len()).sum());
    let (_, all) = best(&|| tokenizer.encode_batch(&documents).iter().map(Vec::len).sum());
    let rate = |seconds: f64| text.len() as f64 / seconds;
    json!({
        "text": name,
        "bytes": text.len(),
        "tokens": tokens,
        "bytes_per_second": rate(one),
        "bytes_per_second_batch": rate(all),
    })
}

/// The text in documents that end with a line; a text without lines stays whole, and so does one of nothing but line feeds.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    if text.bytes().all(|byte| byte == b'\n') {
        return vec![text];
    }
    let mut rest = text;
    while rest.len() > DOCUMENT_BYTES {
        let near = rest.floor_char_boundary(DOCUMENT_BYTES);
        let Some(end) = rest[..near].rfind('\n') else { break };
        let (document, after) = rest.split_at(end + 1);
        documents.push(document);
        rest = after;
    }
    documents.push(rest);
    documents
}
