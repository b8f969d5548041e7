//! `onto corpus inspect`

use anyhow::Result;
use corpus::clean::CleanConfig;
use corpus::clean::language::Guess;
use serde_json::{Value, json};

use super::{clean_config, read_paths};
use crate::cli::PathsArguments;
use crate::commands::Session;
use crate::run::text::clean_documents;
use crate::terminal::line_to_stdout;

/// Runs the rules and prints what they would decide, a line a document.
pub fn inspect(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let config = clean_config(session)?;
    let looks: Vec<(Guess, Value)> = documents.iter().map(|document| look(&document.text, &config)).collect();
    let context = session.context(std::path::Path::new("."));
    let cleaned = clean_documents(&context, documents, &[], &config)?;
    for (decision, (guess, signals)) in cleaned.decisions.iter().zip(looks) {
        let kept = decision.rule.is_none();
        let mut reasons: Vec<String> = Vec::new();
        if !kept {
            reasons.push(decision.reason.clone());
        }
        line_to_stdout(
            &json!({
                "id": decision.id,
                "lang": guess.lang,
                "lang_confidence": (guess.confidence * 1e4).round() / 1e4,
                "signals": signals,
                "decision": if kept { "keep" } else { "drop" },
                "reasons": reasons,
                "removed_lines": decision.removed_lines,
                "duplicate_of": decision.duplicate_of,
            })
            .to_string(),
        )?;
    }
    Ok(())
}

/// The language of a text, and the numbers a person judges it by at a glance.
fn look(text: &str, config: &CleanConfig) -> (Guess, Value) {
    let guess = corpus::clean::language::identify(text, &config.language);
    let signals = json!({
        "bytes": text.len(),
        "characters": text.chars().count(),
        "words": text.split_whitespace().count(),
        "lines": text.lines().count(),
        "lang": guess.lang,
        "lang_evidence": guess.evidence,
        "noise": corpus::clean::statistics::noise(text, &config.statistics),
    });
    (guess, signals)
}
