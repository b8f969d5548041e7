//! `onto corpus redact`

use anyhow::Result;
use serde_json::{Value, json};

use super::{clean_config, read_paths};
use crate::cli::PathsArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn redact(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let config = clean_config(session)?;
    for document in &documents {
        let masked = corpus::clean::personal::find(&document.text, &config.personal_data);
        let text = corpus::clean::personal::mask(&document.text, &masked);
        let spans: Vec<Value> =
            masked.iter().map(|m| json!({"start": m.start, "end": m.end, "kind": m.kind, "text": m.text})).collect();
        line_to_stdout(&json!({"id": document.id, "text": text, "spans": spans}).to_string())?;
    }
    Ok(())
}
