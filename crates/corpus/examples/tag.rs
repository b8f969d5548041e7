//! Tags a JSONL of documents (`id`, `text`) and prints, a JSON line a document, its signals, its tokens and the verdict of a policy: the
//! half of the comparison with the peers (`oracle/signals.py`) that this program makes.
//!
//! `cargo run --release -p corpus --example tag -- FILE.jsonl POLICY [--tokens]`, or `--time` for the rate of tagging.

use std::io::Write;
use std::time::Instant;

use corpus::policy::Policy;
use corpus::read::{ReadOptions, read};
use corpus::signals::{TagOptions, Tagger, words::spacy};
use lang::document::Document;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("usage: tag FILE.jsonl [POLICY] [--tokens|--time|--raw]")?;
    let policy = Policy::preset(arguments.get(1).map_or("gopher", String::as_str))?;
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // Readers clean control characters; the comparison wants texts as they are.
    let documents: Vec<Document> = if has("--raw") {
        std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?
    } else {
        read(std::path::Path::new(path), &ReadOptions::default(), &|_, _, _| {})?.0
    };
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    let out = &mut std::io::BufWriter::new(std::io::stdout().lock());
    if has("--time") {
        for no_language in [true, false] {
            let tagger = Tagger::new(TagOptions { no_language, ..TagOptions::default() });
            let mut best = f64::MAX;
            for _ in 0..5 {
                let start = Instant::now();
                let sum: f64 =
                    documents.iter().map(|document| tagger.tag(document).number("words").unwrap_or(0.0)).sum();
                best = best.min(start.elapsed().as_secs_f64());
                assert!(sum >= 0.0);
            }
            let rate = bytes as f64 / best / 1e6;
            writeln!(out, "{} documents, {bytes} bytes, language {}: {rate:.1} MB/s", documents.len(), !no_language)?;
        }
        return Ok(());
    }
    let tagger = Tagger::new(TagOptions::default());
    for document in &documents {
        let signals = tagger.tag(document);
        let verdict = policy.decide(&signals);
        let tokens = has("--tokens").then(|| spacy::words(&document.text));
        let numbers: serde_json::Map<String, serde_json::Value> = corpus::signals::COLUMNS
            .iter()
            .zip(&signals.numbers)
            .filter(|(_, value)| !value.is_nan())
            .map(|((column, _), value)| (column.name.to_owned(), json!(value)))
            .collect();
        let line = json!({"id": document.id, "signals": numbers, "keep": verdict.keep, "reasons": verdict.reasons,
            "text": policy.apply(&document.text, &verdict), "tokens": tokens});
        writeln!(out, "{line}")?;
    }
    Ok(())
}
