//! `onto corpus redact`

use std::path::Path;

use anyhow::{Context as _, Result};
use corpus::personal::presets::{PRESETS, Redactor};
use corpus::personal::{Finder, Found, KINDS, Placeholder, mask};
use lang::document::Document;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::stream_paths;
use crate::cli::RedactArguments;
use crate::commands::Session;
use crate::terminal::{Usage, line_to_stdout};

/// Prints a line a document: its text with placeholders, and the pieces that were replaced.
pub fn redact(session: &Session, arguments: &RedactArguments) -> Result<()> {
    if let Some(name) = &arguments.preset {
        let preset = PRESETS.iter().find(|(known, _)| known == name).map(|(_, preset)| *preset);
        let names: Vec<&str> = PRESETS.iter().map(|(known, _)| *known).collect();
        let preset = preset.ok_or_else(|| Usage(unknown("preset", name, &names)))?;
        let mut redactor = Redactor::new(preset);
        // The circles of replacements go on from document to document, so this is work for one thread.
        return stream_paths(session, &arguments.paths, &mut |documents| {
            documents.iter().try_for_each(|document| {
                let redacted = redactor.redact(&document.text);
                line_to_stdout(&answer(document, &redacted.text, &redacted.found))
            })
        });
    }
    let kinds: Vec<&str> = match &arguments.kinds {
        Some(kinds) => kinds.iter().map(String::as_str).collect(),
        None => KINDS.to_vec(),
    };
    let mut finder = Finder::new(kinds).map_err(|kind| Usage(unknown("kind", &kind, &KINDS)))?;
    finder.public_ip_only = arguments.public_ip_only;
    let key = arguments.key_file.as_deref().map(read_key).transpose()?.unwrap_or_default();
    let placeholder = Placeholder::new(&arguments.placeholder, &key).map_err(|error| Usage(error.to_string()))?;
    stream_paths(session, &arguments.paths, &mut |documents| {
        let lines: Vec<String> = documents
            .par_iter()
            .map(|document| {
                let found = finder.find(&document.text);
                answer(document, &mask(&document.text, &found, &placeholder), &found)
            })
            .collect();
        lines.iter().try_for_each(|line| line_to_stdout(line))
    })
}

fn answer(document: &Document, text: &str, found: &[Found]) -> String {
    let span = |piece: &Found| {
        let value = &document.text[piece.start..piece.end];
        json!({"start": piece.start, "end": piece.end, "kind": piece.kind, "text": value, "reason": piece.reason})
    };
    let spans: Vec<Value> = found.iter().map(span).collect();
    json!({"id": document.id, "text": text, "spans": spans}).to_string()
}

fn read_key(path: &Path) -> Result<Vec<u8>> {
    let key = std::fs::read(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    if key.is_empty() {
        return Err(Usage(format!("{} is empty, and an empty key protects nothing", path.display())).into());
    }
    Ok(key)
}

/// Names what exists, and the nearest of it.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(known, &name.to_lowercase()), *known)).min();
    let near = near.filter(|(distance, _)| *distance <= 3).map(|(_, known)| format!(", nearest is `{known}`"));
    format!("there is no {what} `{name}`{}\nhint: there are {}", near.unwrap_or_default(), known.join(", "))
}
