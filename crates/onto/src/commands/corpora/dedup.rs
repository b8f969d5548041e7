//! `onto corpus dedup`

use anyhow::Result;
use serde_json::json;

use super::{clean_config, read_paths};
use crate::cli::PathsArguments;
use crate::commands::Session;
use crate::run::text::clean_documents;
use crate::terminal::line_to_stdout;

pub fn dedup(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let mut config = clean_config(session)?;
    config.boilerplate.enabled = false;
    config.language.enabled = false;
    config.statistics.enabled = false;
    config.decontamination.enabled = false;
    config.personal_data.enabled = false;
    let total = documents.len();
    let context = session.context(std::path::Path::new("."));
    let cleaned = clean_documents(&context, documents, &[], &config)?;
    // Representatives come first: they are the documents the others name.
    let mut clusters: Vec<Vec<String>> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for decision in &cleaned.decisions {
        if let Some(original) = &decision.duplicate_of {
            let index = *place.entry(original.clone()).or_insert_with(|| {
                clusters.push(vec![original.clone()]);
                clusters.len() - 1
            });
            clusters[index].push(decision.id.clone());
        }
    }
    let kept = cleaned.documents.len();
    let answer = json!({"documents": total, "kept": kept, "dropped": total - kept, "clusters": clusters});
    line_to_stdout(&if session.global.json { answer.to_string() } else { serde_json::to_string_pretty(&answer)? })
}
