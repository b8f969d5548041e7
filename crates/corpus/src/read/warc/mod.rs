//! Web archives (WARC 0.17 to 1.1, ISO 28500): the pages of `response` and `resource` records and the texts of
//! `conversion` records (WET).
//!
//! A damaged archive is read on: after a broken header or a wrong Content-Length the next record is looked for, and what
//! was wrong is named by the byte at which the record begins.

mod http;
mod members;
mod records;

use lang::document::Document;

pub(super) use members::{Members, boundaries as member_boundaries};
pub(super) use records::boundaries;
use records::{Next, Record, Records};

use super::outcome::Outcome;
use super::unit::Unit;
use super::{Place, ReadOptions, html, source};
use crate::error::CorpusError;

/// Takes the documents of a unit of a web archive.
pub(super) fn read(unit: &Unit, options: &ReadOptions, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    let (stream, start, member) = match source::open_archive(unit, options) {
        Ok(opened) => opened,
        Err(error) => {
            outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
            return Ok(());
        }
    };
    let mut records = Records::new(stream, start, member, options.max_record_bytes);
    loop {
        match records.next() {
            Next::End => break,
            Next::Record(record) => take(record, unit, options, outcome)?,
            Next::Passed { kind } => outcome.count(&format!("{kind} records passed over"), 1),
            Next::Problem { at, kind, what } => outcome.problem(Place::Byte(at), kind, what),
        }
    }
    if records.seen() == 0 && outcome.report.n_problems == 0 {
        outcome.problem(Place::Whole, "empty file", "no WARC record in it");
    }
    Ok(())
}

fn take(record: Record, unit: &Unit, options: &ReadOptions, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    let place = Place::Byte(record.at);
    let mut document = Document {
        id: record.id.trim_start_matches("<urn:uuid:").trim_matches(['<', '>']).to_string(),
        source: unit.relative.clone(),
        url: record.url.clone(),
        date: record.date,
        ..Document::default()
    };
    if document.id.is_empty() {
        document.id = format!("{}@{}", unit.relative, record.at);
    }
    if let Some(languages) = record.languages {
        document.meta.insert("content_language".to_string(), languages.into());
    }
    let content = match record.kind.as_str() {
        "conversion" => http::Content { body: record.block, charset: None, is_html: false },
        _ => match http::content(&record.kind, &record.content_type, record.block, options.max_record_bytes) {
            Ok(content) => content,
            Err(http::NoPage::Other(why)) => {
                outcome.count(why, 1);
                return Ok(());
            }
            Err(http::NoPage::Broken(what)) => {
                outcome.problem(place, "broken response", what);
                return Ok(());
            }
        },
    };
    if content.is_html {
        return html::page(&content.body, content.charset.as_deref(), document, place, options, outcome);
    }
    match html::decode(&content.body, content.charset.as_deref(), false) {
        Ok(text) => {
            document.text = text;
            outcome.document(document, place)
        }
        Err(what) => {
            outcome.problem(place, "binary record", what);
            Ok(())
        }
    }
}
