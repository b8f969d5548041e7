//! JSON lines: one object a line with `text` and, where present, `id`, `source`, `url`, `date`, `lang`; every other
//! key goes to the metadata.

use lang::document::Document;
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::walk::Found;
use super::{Outcome, Place};

/// Takes the documents of one file of JSON lines. Of a cut file the last, broken line is not counted twice.
pub(super) fn read(text: &str, cut: Option<&str>, file: &Found, outcome: &mut Outcome) {
    let lines: Vec<&str> = text.split('\n').collect();
    let parsed: Vec<Option<Result<Document, Fault>>> = lines
        .par_iter()
        .enumerate()
        .map(|(index, line)| {
            let line = line.trim();
            (!line.is_empty()).then(|| document(line, &file.relative, index as u64 + 1))
        })
        .collect();
    let last = parsed.iter().rposition(Option::is_some).unwrap_or(0);
    for (index, result) in parsed.into_iter().enumerate() {
        let place = Place::Line(index as u64 + 1);
        match result {
            None => {}
            Some(Ok(document)) => outcome.document(document, place),
            Some(Err(_)) if cut.is_some() && index == last => {}
            Some(Err(fault)) => outcome.problem(place, fault.kind, fault.what),
        }
    }
    if let Some(reason) = cut {
        outcome.problem(Place::Line(last as u64 + 1), "cut file", reason);
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
