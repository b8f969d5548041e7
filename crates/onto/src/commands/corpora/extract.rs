//! `onto corpus extract`

use std::path::PathBuf;

use anyhow::Result;
use corpus::extract::{ExtractOptions, Extracted};
use corpus::read::{self, Format, ReadOptions, Unit};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::warn_of_problems;
use crate::cli::ExtractArguments;
use crate::commands::Session;
use crate::terminal::{Progress, line_to_stdout};

/// Files that are worked on before their lines are printed.
const AT_ONCE: usize = 64;

/// Prints the main text of pages, a JSON line a page.
pub fn extract(session: &Session, arguments: &ExtractArguments) -> Result<()> {
    let mut options = ReadOptions::default();
    options.extract.extractor = arguments.extractor.into();
    let (units, mut report) = units(&arguments.paths, &options)?;
    let mut progress = Progress::new(&session.terminal, "extracting", units.len() as u64);
    for (index, chunk) in units.chunks(AT_ONCE).enumerate() {
        let found: Vec<Result<(Vec<Value>, read::UnitReport)>> =
            chunk.par_iter().map(|unit| lines(unit, &options)).collect();
        for result in found {
            let (lines, unit_report) = result?;
            report.absorb(unit_report, options.max_problems);
            for line in lines {
                line_to_stdout(&line.to_string())?;
            }
        }
        progress.set("", (index * AT_ONCE + chunk.len()).min(units.len()), units.len());
    }
    drop(progress);
    warn_of_problems(&session.terminal, &report);
    Ok(())
}

/// The inputs; a file given by its name is a page, whatever its name ends in, unless it is an archive or a dump.
fn units(paths: &[PathBuf], options: &ReadOptions) -> Result<(Vec<Unit>, read::ReadReport)> {
    let mut units = Vec::new();
    let mut report = read::ReadReport::default();
    for path in paths {
        let named = std::slice::from_ref(path);
        match read::units(named, options) {
            Ok((found, listed)) => {
                let page =
                    path.is_file() && found.iter().all(|unit| matches!(unit.format, Format::Text | Format::Code));
                for mut unit in found {
                    if page {
                        unit.format = Format::Html;
                    }
                    units.push(unit);
                }
                for problem in listed.problems {
                    report.problems.push(problem);
                }
                report.n_problems += listed.n_problems;
            }
            Err(corpus::CorpusError::UnknownFormat { .. }) => units.push(Unit::page(path)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((units, report))
}

/// The lines of one unit. A page has one, also when no text was found in it.
fn lines(unit: &Unit, options: &ReadOptions) -> Result<(Vec<Value>, read::UnitReport)> {
    let mut lines = Vec::new();
    let report = read::read_unit(unit, options, &mut |document| {
        let title = document.meta.get("title").cloned().unwrap_or(Value::Null);
        let found = json!({"id": document.id, "title": title, "date": document.date, "text": document.text});
        lines.push(found);
        Ok(())
    })?;
    if lines.is_empty() && unit.format == Format::Html {
        let Extracted { title, date, .. } = title_and_date(unit, &options.extract);
        lines.push(json!({"id": unit.relative, "title": title, "date": date, "text": ""}));
    }
    Ok((lines, report))
}

/// What a page without text tells of itself.
fn title_and_date(unit: &Unit, options: &ExtractOptions) -> Extracted {
    std::fs::read(&unit.path).ok().and_then(|bytes| read::page_of(&bytes, options).ok()).unwrap_or_default()
}
