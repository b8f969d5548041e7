//! Parquet tables through the record API of the `parquet` crate (no Arrow): a row is a document, columns as in JSONL.
//!
//! The footer stands at the end of a Parquet file, so a cut file is a fault of the whole file.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value};

use super::walk::Found;
use super::{Outcome, Place};

/// Takes the documents of one Parquet file.
pub(super) fn read(file: &Found, outcome: &mut Outcome) {
    let handle = match File::open(&file.path) {
        Ok(handle) => handle,
        Err(error) => {
            outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
            return;
        }
    };
    if handle.metadata().is_ok_and(|m| m.len() == 0) {
        outcome.problem(Place::Whole, "empty file", "file is empty");
        return;
    }
    // The library holds some damaged files for impossible and panics; here they are one more kind of bad file.
    // What was read before the panic is in `outcome` and is whole documents.
    let caught = catch_unwind(AssertUnwindSafe(|| read_rows(handle, file, outcome)));
    if caught.is_err() {
        outcome.problem(Place::Whole, "damaged file", "damaged Parquet file (its pages contradict its footer)");
    }
}

fn read_rows(handle: File, file: &Found, outcome: &mut Outcome) {
    let reader = match SerializedFileReader::new(handle) {
        Ok(reader) => reader,
        Err(error) => {
            outcome.problem(Place::Whole, "damaged file", format!("damaged or cut Parquet file: {error}"));
            return;
        }
    };
    let schema = reader.metadata().file_metadata().schema();
    let columns: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    if !columns.contains(&"text") {
        let what = format!("no column `text`; columns: {}", columns.join(", "));
        outcome.problem(Place::Whole, "no text", what);
        return;
    }
    let rows = match reader.get_row_iter(None) {
        Ok(rows) => rows,
        Err(error) => {
            outcome.problem(Place::Whole, "damaged file", format!("damaged Parquet file: {error}"));
            return;
        }
    };
    outcome.report.encoding = "UTF-8".to_string();
    for (index, row) in rows.enumerate() {
        let number = index as u64 + 1;
        match row {
            Ok(row) => {
                let mut map = to_map(row);
                // A null is how a table says that a row lacks the column.
                map.retain(|_, value| !value.is_null());
                match super::jsonl::from_map(map, &file.relative, number) {
                    Ok(document) => outcome.document(document, Place::Row(number)),
                    Err(fault) => outcome.problem(Place::Row(number), fault.kind, fault.what),
                }
            }
            Err(error) => {
                // The iterator gives the same error again and again; the rest of the file is lost.
                outcome.problem(Place::Row(number), "damaged file", format!("damaged from here on: {error}"));
                return;
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
