//! Signals as Parquet: a row a document, `id` first, then every column of the registry (null where it was not measured), `line_facts` (the
//! facts about lines, as [`Lines::encode`] writes them) and `spans` (JSON lists of start, end and column).
//!
//! Reading takes only the columns that are asked for, so a policy over a few columns of a large corpus reads little.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{COLUMNS, Kind, Lines, Signals, Span, place};
use crate::error::CorpusError;

/// Documents of a row group: some megabytes of facts, so that reading needs little memory.
const GROUP: usize = 4096;

/// Writes a table.
pub struct TableWriter<W: Write + Send = BufWriter<File>> {
    writer: SerializedFileWriter<W>,
    path: PathBuf,
    waiting: Vec<Signals>,
}

fn schema() -> Result<Arc<Type>, parquet::errors::ParquetError> {
    let field = |name: &str, physical, repetition, logical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let mut fields = vec![field("id", Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String))?];
    for (column, _) in COLUMNS.iter() {
        fields.push(match column.kind {
            Kind::Integer => field(column.name, Physical::INT64, Repetition::OPTIONAL, None)?,
            Kind::Number => field(column.name, Physical::DOUBLE, Repetition::OPTIONAL, None)?,
            Kind::Text => field(column.name, Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String))?,
        });
    }
    fields.push(field("line_facts", Physical::BYTE_ARRAY, Repetition::REQUIRED, None)?);
    fields.push(field("spans", Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String))?);
    Type::group_type_builder("signals").with_fields(fields).build().map(Arc::new)
}

impl TableWriter {
    /// Begins the file at `path`. Call it inside an artifact writer: the file itself is not written atomically.
    ///
    /// # Errors
    /// [`CorpusError::Io`], [`CorpusError::Table`].
    pub fn create(path: &Path) -> Result<Self, CorpusError> {
        let file = File::create(path).map_err(|error| CorpusError::io(path, "write", error))?;
        Self::new(BufWriter::new(file), path)
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table that goes to `out`; `path` names it in errors.
    ///
    /// # Errors
    /// [`CorpusError::Table`].
    pub fn new(out: W, path: &Path) -> Result<Self, CorpusError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_created_by("onto".to_owned());
        let fail = |error| CorpusError::Table { path: path.to_path_buf(), source: error };
        let writer =
            SerializedFileWriter::new(out, schema().map_err(fail)?, Arc::new(properties.build())).map_err(fail)?;
        Ok(TableWriter { writer, path: path.to_path_buf(), waiting: Vec::new() })
    }

    /// One more row. The bytes of the file depend on the rows and their order alone.
    ///
    /// # Errors
    /// [`CorpusError::Table`] when the file cannot be written.
    pub fn push(&mut self, signals: Signals) -> Result<(), CorpusError> {
        self.waiting.push(signals);
        if self.waiting.len() == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), CorpusError> {
        let rows = std::mem::take(&mut self.waiting);
        self.group(&rows).map_err(|source| CorpusError::Table { path: self.path.clone(), source })
    }

    fn group(&mut self, rows: &[Signals]) -> Result<(), parquet::errors::ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut writer) = group.next_column()? {
            let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
            let levels =
                |there: &dyn Fn(&Signals) -> bool| rows.iter().map(|row| i16::from(there(row))).collect::<Vec<_>>();
            if index == 0 {
                let values: Vec<ByteArray> = rows.iter().map(|row| bytes(&row.id)).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            } else if index == COLUMNS.len() + 1 {
                let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row.lines.encode())).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            } else if index == COLUMNS.len() + 2 {
                let values: Vec<ByteArray> = rows
                    .iter()
                    .filter(|row| !row.spans.is_empty())
                    .map(|row| bytes(&spans_to_json(&row.spans)))
                    .collect();
                writer.typed::<ByteArrayType>().write_batch(
                    &values,
                    Some(&levels(&|row| !row.spans.is_empty())),
                    None,
                )?;
            } else {
                let at = index - 1;
                let (column, _) = COLUMNS[at];
                let number = |row: &Signals| row.numbers.get(at).copied().filter(|value| value.is_finite());
                match column.kind {
                    Kind::Integer => {
                        let values: Vec<i64> = rows.iter().filter_map(number).map(|value| value as i64).collect();
                        let levels = levels(&|row| number(row).is_some());
                        writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
                    }
                    Kind::Number => {
                        let values: Vec<f64> = rows.iter().filter_map(number).collect();
                        let levels = levels(&|row| number(row).is_some());
                        writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
                    }
                    Kind::Text => {
                        let values: Vec<ByteArray> =
                            rows.iter().filter_map(|row| row.text(column.name)).map(bytes).collect();
                        let levels = levels(&|row| row.text(column.name).is_some());
                        writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
                    }
                }
            }
            writer.close()?;
            index += 1;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`CorpusError::Table`] when the file cannot be written.
    pub fn finish(mut self) -> Result<W, CorpusError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        self.writer.into_inner().map_err(|source| CorpusError::Table { path: self.path, source })
    }
}

fn spans_to_json(spans: &[Span]) -> String {
    let list: Vec<(usize, usize, &str)> = spans.iter().map(|span| (span.start, span.end, span.kind)).collect();
    // Numbers and strings can always be written.
    serde_json::to_string(&list).unwrap_or_default()
}

fn spans_from_json(text: &[u8]) -> Option<Vec<Span>> {
    let list: Vec<(usize, usize, String)> = serde_json::from_slice(text).ok()?;
    list.into_iter().map(|(start, end, kind)| Some(Span { start, end, kind: COLUMNS[place(&kind)?].0.name })).collect()
}

/// What of a table is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// Columns, by name; all where it is `None`.
    pub columns: Option<&'a [&'static str]>,
    /// Whether the facts about lines are read.
    pub lines: bool,
    /// Whether spans are read.
    pub spans: bool,
}

/// A table that can be read.
pub struct Table {
    reader: SerializedFileReader<File>,
    path: PathBuf,
    /// Where each wanted column stands in the file.
    names: Vec<String>,
}

impl Table {
    /// Opens a table.
    ///
    /// # Errors
    /// [`CorpusError::Io`], [`CorpusError::Table`] for a file that is cut or no Parquet, [`CorpusError::DamagedTable`] for one without `id`.
    pub fn open(path: &Path) -> Result<Self, CorpusError> {
        let file = File::open(path).map_err(|error| CorpusError::io(path, "read", error))?;
        let reader = SerializedFileReader::new(file)
            .map_err(|source| CorpusError::Table { path: path.to_path_buf(), source })?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        let table = Table { reader, path: path.to_path_buf(), names };
        table.require(&[])?;
        Ok(table)
    }

    /// Documents there are.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Checks that columns are there.
    ///
    /// # Errors
    /// [`CorpusError::MissingColumns`] with the names of all that are not.
    pub fn require(&self, columns: &[&str]) -> Result<(), CorpusError> {
        let missing: Vec<&str> = ["id"]
            .iter()
            .chain(columns)
            .filter(|name| !self.names.iter().any(|found| found == *name))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(CorpusError::MissingColumns { path: self.path.clone(), columns: missing.join(", ") })
    }

    /// Calls `each` with every row, in order, a group of rows at a time in memory.
    ///
    /// # Errors
    /// Those of reading, and those of `each`.
    pub fn read(
        &self,
        reading: Reading<'_>,
        each: &mut dyn FnMut(Signals) -> Result<(), CorpusError>,
    ) -> Result<(), CorpusError> {
        for group in 0..self.reader.num_row_groups() {
            for row in self.group(group, reading)? {
                each(row)?;
            }
        }
        Ok(())
    }

    /// Groups of rows there are.
    pub fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// The rows of one group.
    ///
    /// # Errors
    /// [`CorpusError::Table`], and [`CorpusError::DamagedTable`] for columns of another type than theirs.
    pub fn group(&self, group: usize, reading: Reading<'_>) -> Result<Vec<Signals>, CorpusError> {
        let fail = |source| CorpusError::Table { path: self.path.clone(), source };
        let damaged = |name: &str, what: &str| CorpusError::DamagedTable {
            what: format!("{}: column `{name}` {what}", self.path.display()),
        };
        let group = self.reader.get_row_group(group).map_err(fail)?;
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut rows: Vec<Signals> =
            (0..count).map(|_| Signals { numbers: vec![f64::NAN; COLUMNS.len()], ..Signals::default() }).collect();
        for (index, name) in self.names.iter().enumerate() {
            let at = place(name);
            let wanted = match name.as_str() {
                "id" => true,
                "line_facts" => reading.lines,
                "spans" => reading.spans,
                _ => at.is_some() && reading.columns.is_none_or(|columns| columns.contains(&name.as_str())),
            };
            if !wanted {
                continue;
            }
            let kind = at.map_or(Kind::Text, |at| COLUMNS[at].0.kind);
            let (mut levels, optional) = (Vec::new(), self.is_optional(index));
            let there = |levels: &[i16], row: usize| !optional || levels.get(row) == Some(&1);
            let mut numbers = |values: &mut dyn Iterator<Item = f64>, levels: &[i16]| {
                for (row, signals) in rows.iter_mut().enumerate() {
                    if there(levels, row)
                        && let (Some(value), Some(at)) = (values.next(), at)
                    {
                        signals.numbers[at] = value;
                    }
                }
            };
            match (group.get_column_reader(index).map_err(fail)?, kind) {
                (ColumnReader::Int64ColumnReader(mut reader), Kind::Integer) => {
                    let mut values = Vec::new();
                    all(count, &mut |n| reader.read_records(n, optional.then_some(&mut levels), None, &mut values))
                        .map_err(fail)?;
                    numbers(&mut values.into_iter().map(|value: i64| value as f64), &levels);
                }
                (ColumnReader::DoubleColumnReader(mut reader), Kind::Number) => {
                    let mut values = Vec::new();
                    all(count, &mut |n| reader.read_records(n, optional.then_some(&mut levels), None, &mut values))
                        .map_err(fail)?;
                    numbers(&mut values.into_iter(), &levels);
                }
                (ColumnReader::ByteArrayColumnReader(mut reader), Kind::Text) => {
                    let mut values: Vec<ByteArray> = Vec::new();
                    all(count, &mut |n| reader.read_records(n, optional.then_some(&mut levels), None, &mut values))
                        .map_err(fail)?;
                    let mut values = values.into_iter();
                    for (row, signals) in rows.iter_mut().enumerate() {
                        if !there(&levels, row) {
                            continue;
                        }
                        let Some(value) = values.next() else { continue };
                        match (name.as_str(), at) {
                            ("id", _) => signals.id = String::from_utf8_lossy(value.data()).into_owned(),
                            ("line_facts", _) => signals.lines = Lines::decode(value.data())?,
                            ("spans", _) => {
                                signals.spans = spans_from_json(value.data())
                                    .ok_or_else(|| damaged(name, "is not as written here"))?;
                            }
                            (_, Some(at)) => {
                                signals
                                    .texts
                                    .push((COLUMNS[at].0.name, String::from_utf8_lossy(value.data()).into_owned()));
                            }
                            _ => {}
                        }
                    }
                }
                _ => return Err(damaged(name, &format!("is not of the type {}", kind.name()))),
            }
        }
        Ok(rows)
    }

    fn is_optional(&self, index: usize) -> bool {
        self.reader.metadata().file_metadata().schema_descr().column(index).max_def_level() > 0
    }
}

/// Reads until `count` records are there: a call gives at most those of a page.
fn all(
    count: usize,
    read: &mut dyn FnMut(usize) -> parquet::errors::Result<(usize, usize, usize)>,
) -> parquet::errors::Result<()> {
    let mut done = 0;
    while done < count {
        let (records, _, _) = read(count - done)?;
        if records == 0 {
            break;
        }
        done += records;
    }
    Ok(())
}
