//! Parquet tables through the record API of the `parquet` crate (no Arrow): a row is a document, columns as in JSONL.
//!
//! The footer stands at the end of a Parquet file, so a cut file is a fault of the whole file.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value};

use super::outcome::Outcome;
use super::unit::{Part, Unit};
use super::{Place, ReadOptions, remote};
use crate::error::CorpusError;

/// Row groups of a file with their rows, as the footer has them; `None` when it cannot be read.
pub(super) fn groups(path: &Path) -> Option<Vec<u64>> {
    let reader = catch_unwind(|| SerializedFileReader::new(File::open(path).ok()?).ok()).ok()??;
    reader.metadata().row_groups().iter().map(|group| u64::try_from(group.num_rows()).ok()).collect()
}

/// Takes the documents of one unit of a Parquet file.
pub(super) fn read(unit: &Unit, options: &ReadOptions, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    if remote::is_remote(&unit.path) {
        // Tables are read from their end, so an object is taken whole.
        let mut bytes = Vec::new();
        return match remote::open(&unit.path, options).and_then(|mut object| object.read_to_end(&mut bytes)) {
            Ok(_) => read_from(bytes::Bytes::from(bytes), unit, outcome),
            Err(error) => {
                outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
                Ok(())
            }
        };
    }
    match File::open(&unit.path) {
        Ok(handle) => read_from(handle, unit, outcome),
        Err(error) => {
            outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
            Ok(())
        }
    }
}

fn read_from<R: ChunkReader + 'static>(handle: R, unit: &Unit, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    if handle.len() == 0 {
        outcome.problem(Place::Whole, "empty file", "file is empty");
        return Ok(());
    }
    // The library holds some damaged files for impossible and panics; here they are one more kind of bad file.
    // What was read before the panic is in `outcome` and is whole documents.
    let opened = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(handle)));
    let reader = match opened {
        Ok(Ok(reader)) => reader,
        Ok(Err(error)) => {
            outcome.problem(Place::Whole, "damaged file", format!("damaged or cut Parquet file: {error}"));
            return Ok(());
        }
        Err(_) => {
            outcome.problem(Place::Whole, "damaged file", CONTRADICTION);
            return Ok(());
        }
    };
    let schema = reader.metadata().file_metadata().schema();
    let columns: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    if !columns.contains(&"text") {
        let what = format!("no column `text`; columns: {}", columns.join(", "));
        outcome.problem(Place::Whole, "no text", what);
        return Ok(());
    }
    outcome.report.file.encoding = "UTF-8".to_string();
    let (groups, mut number) = match unit.part {
        Part::Groups { start, end, first_row } => (start..end, first_row),
        Part::Whole | Part::Bytes { .. } => (0..reader.num_row_groups(), 0),
    };
    for group in groups {
        if !read_group(&reader, group, &mut number, unit, outcome)? {
            break;
        }
    }
    Ok(())
}

const CONTRADICTION: &str = "damaged Parquet file (its pages contradict its footer)";

/// Takes the rows of one group; false when the file is damaged from here on.
fn read_group<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    group: usize,
    number: &mut u64,
    unit: &Unit,
    outcome: &mut Outcome<'_>,
) -> Result<bool, CorpusError> {
    let opened = catch_unwind(AssertUnwindSafe(|| reader.get_row_group(group)));
    let group = match opened {
        Ok(Ok(group)) => group,
        Ok(Err(error)) => {
            outcome.problem(Place::Row(*number + 1), "damaged file", format!("damaged from here on: {error}"));
            return Ok(false);
        }
        Err(_) => {
            outcome.problem(Place::Whole, "damaged file", CONTRADICTION);
            return Ok(false);
        }
    };
    let rows = catch_unwind(AssertUnwindSafe(|| group.get_row_iter(None)));
    let mut rows = match rows {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => {
            outcome.problem(Place::Whole, "damaged file", format!("damaged Parquet file: {error}"));
            return Ok(false);
        }
        Err(_) => {
            outcome.problem(Place::Whole, "damaged file", CONTRADICTION);
            return Ok(false);
        }
    };
    loop {
        let row = catch_unwind(AssertUnwindSafe(|| rows.next()));
        match row {
            Ok(None) => return Ok(true),
            Ok(Some(Ok(row))) => {
                *number += 1;
                let mut map = to_map(row);
                // A null is how a table says that a row lacks the column.
                map.retain(|_, value| !value.is_null());
                match super::jsonl::from_map(map, &unit.relative, *number) {
                    Ok(document) => outcome.document(document, Place::Row(*number))?,
                    Err(fault) => outcome.problem(Place::Row(*number), fault.kind, fault.what),
                }
            }
            Ok(Some(Err(error))) => {
                // The iterator gives the same error again and again; the rest of the file is lost.
                outcome.problem(Place::Row(*number + 1), "damaged file", format!("damaged from here on: {error}"));
                return Ok(false);
            }
            Err(_) => {
                outcome.problem(Place::Whole, "damaged file", CONTRADICTION);
                return Ok(false);
            }
        }
    }
}

fn to_map(row: Row) -> Map<String, Value> {
    row.into_columns().into_iter().map(|(name, field)| (name, to_json(field))).collect()
}

/// Numbers stay numbers, dates and times their integers as stored, decimals and half floats become what JSON can hold.
fn to_json(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(b) => b.into(),
        Field::Byte(n) => n.into(),
        Field::Short(n) => n.into(),
        Field::Int(n) | Field::Date(n) | Field::TimeMillis(n) => n.into(),
        Field::Long(n) | Field::TimeMicros(n) | Field::TimestampMillis(n) | Field::TimestampMicros(n) => n.into(),
        Field::UByte(n) => n.into(),
        Field::UShort(n) => n.into(),
        Field::UInt(n) => n.into(),
        Field::ULong(n) => n.into(),
        Field::Float16(x) => float(f64::from(x.to_f32())),
        Field::Float(x) => float(f64::from(x)),
        Field::Double(x) => float(x),
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned().into(),
        Field::Group(row) => to_map(row).into(),
        Field::ListInternal(list) => list.elements().iter().cloned().map(to_json).collect::<Vec<_>>().into(),
        other => other.to_string().into(),
    }
}

fn float(x: f64) -> Value {
    Number::from_f64(x).map_or(Value::Null, Value::Number)
}
