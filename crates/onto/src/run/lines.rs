//! JSON lines between stages: one value a line, in the field's file shapes.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes one value a line.
pub fn write_lines<T: Serialize>(path: &Path, values: &[T]) -> Result<()> {
    let writing = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(writing)?);
    for value in values {
        serde_json::to_writer(&mut file, value).with_context(writing)?;
        file.write_all(b"\n").with_context(writing)?;
    }
    file.flush().with_context(writing)
}

/// Writes one value as readable JSON.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what it should be", path.display()))
}

/// Reads one value a line of a file we wrote; any bad line is an error.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let (values, problems) = read_lines_lenient(path)?;
    if let Some(problem) = problems.first() {
        anyhow::bail!("{problem}");
    }
    Ok(values)
}

/// Reads one value a line of a file from outside: bad lines are named and skipped.
pub fn read_lines_lenient<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, Vec<String>)> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(value) => values.push(value),
            Err(error) => problems.push(format!("{}:{}: {error}", path.display(), index + 1)),
        }
    }
    Ok((values, problems))
}
