//! JSON lines: one object a line with `text` and, where present, `id`, `source`, `url`, `date`, `lang`; every other
//! key goes to the metadata.

use lang::document::Document;
use serde_json::{Map, Value};

use super::lines::{Line, Lines};
use super::outcome::Outcome;
use super::source::Stream;
use super::unit::Unit;
use super::{Place, ReadOptions};
use crate::error::CorpusError;

/// Takes the documents of a unit of JSON lines, whose first line has the number `first`. Of a cut file the last, broken
/// line is not counted twice.
pub(super) fn read(
    stream: Stream,
    first: u64,
    unit: &Unit,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<(), CorpusError> {
    let mut lines = Lines::new(stream, options.max_record_bytes);
    let mut number = first;
    loop {
        let place = Place::Line(number);
        match lines.next() {
            Ok(None) => return Ok(()),
            Ok(Some(Line::Whole(line))) => {
                take(line, number, unit, outcome)?
                    .unwrap_or_else(|fault| outcome.problem(place, fault.kind, fault.what));
            }
            Ok(Some(Line::TooLong(bytes))) => outcome.problem(
                place,
                "long record",
                format!("a line of {bytes} bytes, longer than the limit of {}", options.max_record_bytes),
            ),
            Err(error) => {
                // A line that is whole but for its end is a document still; a broken one is told of by the cut.
                let rest = lines.rest().to_vec();
                let last = if rest.is_empty() { number.saturating_sub(1).max(first) } else { number };
                let _ = take(&rest, number, unit, outcome)?;
                outcome.problem(Place::Line(last), "cut file", error.to_string());
                return Ok(());
            }
        }
        number += 1;
    }
}

/// Takes the document of one line; the inner error says why it has none.
fn take(line: &[u8], number: u64, unit: &Unit, outcome: &mut Outcome<'_>) -> Result<Result<(), Fault>, CorpusError> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    if text.is_empty() {
        return Ok(Ok(()));
    }
    match document(text, &unit.relative, number) {
        Ok(document) => outcome.document(document, Place::Line(number)).map(Ok),
        Err(fault) => Ok(Err(fault)),
    }
}

/// Why a record is no document.
pub(super) struct Fault {
    pub(super) kind: &'static str,
    pub(super) what: String,
}

fn document(line: &str, relative: &str, number: u64) -> Result<Document, Fault> {
    let value: Value = serde_json::from_str(line).map_err(|error| Fault {
        kind: "bad JSON",
        what: format!("not JSON: {}", crate::text::excerpt(&error.to_string(), 200)),
    })?;
    let Value::Object(map) = value else {
        return Err(Fault { kind: "bad JSON", what: format!("{} where an object should be", kind_name(&value)) });
    };
    from_map(map, relative, number)
}

/// A document from the columns of a record; `number` names it where it has no id.
pub(super) fn from_map(map: Map<String, Value>, relative: &str, number: u64) -> Result<Document, Fault> {
    let mut document = Document::default();
    let mut text = None;
    for (key, value) in map {
        match key.as_str() {
            "text" => text = Some(value),
            "id" => document.id = scalar(value).unwrap_or_default(),
            "source" => document.source = scalar(value).unwrap_or_default(),
            "url" => document.url = scalar(value),
            "date" => document.date = scalar(value),
            "lang" => document.lang = scalar(value),
            _ => {
                document.meta.insert(key, value);
            }
        }
    }
    document.text = match text {
        None => return Err(Fault { kind: "no text", what: "record without `text`".to_string() }),
        Some(Value::String(text)) => text,
        Some(other) => {
            let what = format!("`text` is {}, not a string", kind_name(&other));
            return Err(Fault { kind: "text is no string", what });
        }
    };
    if document.id.is_empty() {
        document.id = format!("{relative}#{number}");
    }
    if document.source.is_empty() {
        document.source = relative.to_string();
    }
    Ok(document)
}

/// Strings as they are, numbers and booleans as they are written, null as nothing, structures as their JSON.
fn scalar(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
