//! JSON lines: one object a line with `text` and, where present, `id`, `source`, `url`, `date`, `lang`; every other
//! key goes to the metadata.

use std::borrow::Cow;

use lang::document::Document;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::lines::{Line, Lines};
use super::outcome::Outcome;
use super::source::Stream;
use super::unit::Unit;
use super::{Place, ReadOptions, dialogue};
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
                take(line, number, unit, options, outcome)?
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
                let _ = take(&rest, number, unit, options, outcome)?;
                outcome.problem(Place::Line(last), "cut file", error.to_string());
                return Ok(());
            }
        }
        number += 1;
    }
}

/// Takes the documents of one line; the inner error says why it has none.
fn take(
    line: &[u8],
    number: u64,
    unit: &Unit,
    options: &ReadOptions,
    outcome: &mut Outcome<'_>,
) -> Result<Result<(), Fault>, CorpusError> {
    // Nearly all lines are UTF-8, which is checked faster than it is mended.
    let text = simdutf8::basic::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
    let text = text.trim();
    if text.is_empty() {
        return Ok(Ok(()));
    }
    let record: Record = match serde_json::from_str(text) {
        Ok(record) => record,
        Err(error) => {
            let what = format!("not JSON: {}", crate::text::excerpt(&error.to_string(), 200));
            return Ok(Err(Fault { kind: "bad JSON", what }));
        }
    };
    let place = Place::Line(number);
    let mut document = record.document;
    match record.text {
        Text::Missing if dialogue::is_tree(&document.meta) => {
            for document in dialogue::documents(&document.meta, options.dialogues, &unit.relative, number) {
                outcome.document(document, place)?;
            }
            return Ok(Ok(()));
        }
        Text::Missing => return Ok(Err(Fault::no_text())),
        Text::Other(kind) => return Ok(Err(Fault::no_string(kind))),
        Text::String(text) => document.text = text,
    }
    name(&mut document, &unit.relative, number);
    outcome.document(document, place).map(Ok)
}

/// A record as it stands in a line. Read straight into a document: most of a corpus is its texts, and a tree of JSON values
/// in between would cost more than all else.
#[derive(Default)]
struct Record {
    document: Document,
    text: Text,
}

#[derive(Default)]
enum Text {
    #[default]
    Missing,
    String(String),
    /// Something else, in words.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let document = &mut record.document;
            match key.as_ref() {
                "text" => record.text = map.next_value()?,
                "id" => document.id = scalar(map.next_value()?).unwrap_or_default(),
                "source" => document.source = scalar(map.next_value()?).unwrap_or_default(),
                "url" => document.url = scalar(map.next_value()?),
                "date" => document.date = scalar(map.next_value()?),
                "lang" => document.lang = scalar(map.next_value()?),
                _ => {
                    document.meta.insert(key.into_owned(), map.next_value()?);
                }
            }
        }
        Ok(record)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::String(text.to_string()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Text, E> {
        Ok(Text::String(text))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Text, E> {
        Ok(Text::Other("a boolean"))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Text, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Text, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Text, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Text, E> {
        Ok(Text::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Other("an object"))
    }
}

/// Why a record is no document.
pub(super) struct Fault {
    pub(super) kind: &'static str,
    pub(super) what: String,
}

impl Fault {
    fn no_text() -> Self {
        Fault { kind: "no text", what: "record without `text`".to_string() }
    }

    fn no_string(kind: &str) -> Self {
        Fault { kind: "text is no string", what: format!("`text` is {kind}, not a string") }
    }
}

/// What a document is called and where it is from, when its record does not say.
fn name(document: &mut Document, relative: &str, number: u64) {
    if document.id.is_empty() {
        document.id = format!("{relative}#{number}");
    }
    if document.source.is_empty() {
        document.source = relative.to_string();
    }
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
        None => return Err(Fault::no_text()),
        Some(Value::String(text)) => text,
        Some(other) => return Err(Fault::no_string(kind_name(&other))),
    };
    name(&mut document, relative, number);
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
