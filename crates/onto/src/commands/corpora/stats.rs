//! `onto corpus stats`

use anyhow::Result;

use super::read_paths;
use crate::cli::PathsArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn stats(session: &Session, arguments: &PathsArguments) -> Result<()> {
    let (documents, _) = read_paths(session, &arguments.paths)?;
    let stats = corpus::stats::statistics(&documents);
    let text = if session.global.json { serde_json::to_string(&stats)? } else { serde_json::to_string_pretty(&stats)? };
    line_to_stdout(&text)
}
