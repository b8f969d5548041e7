//! `onto tokenizer convert`

use anyhow::Result;
use serde_json::json;

use super::load_any;
use crate::cli::TokenizerConvertArguments;
use crate::commands::Session;
use crate::terminal::line_to_stdout;

pub fn convert(session: &Session, arguments: &TokenizerConvertArguments) -> Result<()> {
    let out = session.out()?;
    let tokenizer = load_any(&arguments.tokenizer)?;
    let written = tokenizer.save_as(arguments.to, &out)?;
    for note in &written.notes {
        session.terminal.warn(note);
    }
    if session.global.json {
        return line_to_stdout(
            &json!({"format": arguments.to.name(), "files": written.files, "notes": written.notes}).to_string(),
        );
    }
    written.files.iter().try_for_each(|file| line_to_stdout(&file.display().to_string()))
}
