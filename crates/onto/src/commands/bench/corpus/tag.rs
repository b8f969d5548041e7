//! `onto bench corpus tag`: how fast documents get all their signals, with and without their language.

use anyhow::Result;
use corpus::signals::{COLUMNS, Signals, TagOptions, Tagger};
use rayon::prelude::*;
use serde_json::json;

use super::{best, documents};
use crate::cli::BenchTagArguments;
use crate::commands::Session;
use crate::commands::corpora::tag::options;
use crate::terminal::line_to_stdout;

pub fn tag(session: &Session, arguments: &BenchTagArguments) -> Result<()> {
    let (documents, bytes) = documents(&arguments.paths)?;
    let options = options(&arguments.signals)?;
    let rate = |tagger: &Tagger| -> Result<f64> {
        let seconds = best(arguments.seconds, &mut || {
            std::hint::black_box(documents.par_iter().map(|document| tagger.tag(document)).collect::<Vec<Signals>>());
            Ok(())
        })?;
        Ok(bytes as f64 / seconds)
    };
    let without = rate(&Tagger::new(TagOptions { no_language: true, ..options.clone() }))?;
    let with = rate(&Tagger::new(options.clone()))?;
    // Which columns were filled says what the rate is of.
    let tagger = Tagger::new(options);
    let mut filled = vec![false; COLUMNS.len()];
    for signals in documents.iter().take(1000).map(|document| tagger.tag(document)) {
        for (place, (column, _)) in COLUMNS.iter().enumerate() {
            filled[place] |= !signals.numbers[place].is_nan() || signals.text(column.name).is_some();
        }
    }
    let columns = filled.iter().filter(|filled| **filled).count();
    let empty: Vec<&str> =
        COLUMNS.iter().zip(&filled).filter(|(_, filled)| !**filled).map(|((c, _), _)| c.name).collect();
    let threads = rayon::current_num_threads();
    let report = json!({
        "threads": threads, "documents": documents.len(), "text_bytes": bytes, "columns": columns, "empty_columns": empty,
        "statistics_bytes_per_second": without, "bytes_per_second": with,
    });
    if session.global.json {
        return line_to_stdout(&report.to_string());
    }
    line_to_stdout(&format!(
        "{} documents, {:.1} MB, {threads} threads, {columns} columns (not {})\n\
         all but the language {:>8.1} MB/s\n\
         all                  {:>8.1} MB/s",
        documents.len(),
        bytes as f64 / 1e6,
        empty.join(", "),
        without / 1e6,
        with / 1e6,
    ))
}
