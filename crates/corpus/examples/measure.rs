//! Reads and cleans a corpus, and says what was done and how fast. With `truth.jsonl` as second argument the decisions
//! are scored, with `evaluation.jsonl` as third the corpus is decontaminated.
//!
//! `cargo run --release -p corpus --example measure -- texts/ [truth.jsonl [evaluation.jsonl]]`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use corpus::clean::{CleanConfig, RuleName, clean};
use corpus::read::{ReadOptions, read};
use corpus::score::score;
use lang::truth::{DocumentKind, Truth};

fn lines<T: serde::de::DeserializeOwned>(path: &str) -> Result<Vec<T>, Box<dyn Error>> {
    Ok(std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("give a file or folder")?;
    let truth: Vec<Truth> = arguments.get(1).map_or(Ok(Vec::new()), |path| lines(path))?;
    let held_out = arguments.get(2).map_or(Ok(Vec::new()), |path| lines(path))?;
    let started = Instant::now();
    let (documents, report) = read(Path::new(path), &ReadOptions::default(), &|_, _, _| {})?;
    println!("read {} documents, {} bytes in {:.2?}", report.documents, report.bytes, started.elapsed());
    let before = std::cell::RefCell::new((String::new(), Instant::now()));
    let started = Instant::now();
    let cleaned = clean(documents, &held_out, &CleanConfig::default(), &|rule, _, _| {
        let mut before = before.borrow_mut();
        if before.0 != rule {
            println!("  {}: {:.2?}", before.0, before.1.elapsed());
            *before = (rule.to_string(), Instant::now());
        }
    })?;
    let elapsed = started.elapsed();
    println!("cleaned in {elapsed:.2?}: {:.1} MB/s", report.bytes as f64 / 1e6 / elapsed.as_secs_f64());
    for rule in &cleaned.report.rules {
        println!("{}: {} → {} {:?}", rule.rule.as_str(), rule.documents_before, rule.documents_after, rule.reasons);
    }
    if !truth.is_empty() {
        for (kind, score) in score(&cleaned.decisions, &truth) {
            println!("{kind}: {score:?}");
        }
        for decision in &cleaned.decisions {
            let label = truth.iter().find(|t| t.id == decision.id);
            let kind = label.map_or(DocumentKind::Clean, |t| t.kind);
            let expected = match kind {
                DocumentKind::Clean => decision.rule.is_none(),
                DocumentKind::ExactDuplicate | DocumentKind::NearDuplicate => {
                    matches!(decision.rule, Some(RuleName::ExactDuplicates | RuleName::NearDuplicates))
                }
                DocumentKind::Gibberish => decision.rule == Some(RuleName::Statistics),
                DocumentKind::WrongLanguage => decision.rule == Some(RuleName::Language),
                DocumentKind::TestLeak => decision.rule == Some(RuleName::Decontamination),
            };
            if decision.rule.is_none() {
                let planted = label.map_or(&[][..], |t| &t.boilerplate);
                for line in planted.iter().filter(|line| !decision.removed_lines.contains(line)) {
                    println!("missed line: {line}");
                }
            }
            if !expected {
                println!(
                    "{} {kind:?} {:?} {} {:?}",
                    decision.id, decision.rule, decision.reason, decision.duplicate_of
                );
            }
        }
    }
    Ok(())
}
