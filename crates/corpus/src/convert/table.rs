//! Documents as a Parquet table: the columns of a corpus as strings, every other column of the record in `metadata` as
//! JSON. zstd, a row group for about 64 MiB of text.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use lang::document::Document;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::error::CorpusError;

const SCHEMA: &str = "message documents { required binary id (UTF8); required binary text (UTF8); \
                      required binary source (UTF8); optional binary url (UTF8); optional binary date (UTF8); \
                      optional binary lang (UTF8); optional binary metadata (UTF8); }";
/// Bytes of text after which a row group ends.
const GROUP_BYTES: usize = 64 << 20;

/// A table that is being written.
pub(crate) struct Table<'p> {
    writer: SerializedFileWriter<BufWriter<File>>,
    path: &'p Path,
    waiting: Vec<Document>,
    bytes: usize,
}

impl<'p> Table<'p> {
    pub(crate) fn new(file: BufWriter<File>, path: &'p Path) -> Result<Self, CorpusError> {
        let fail = |source| CorpusError::Table { path: path.to_path_buf(), source };
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(fail)?);
        let level = ZstdLevel::try_new(3).map_err(fail)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(fail)?;
        Ok(Table { writer, path, waiting: Vec::new(), bytes: 0 })
    }

    pub(crate) fn write(&mut self, documents: &[Document]) -> Result<(), CorpusError> {
        for document in documents {
            // What a document takes besides its text, or many short ones would wait without end.
            self.bytes += document.text.len() + document.id.len() + document.source.len() + size_of::<Document>();
            self.waiting.push(document.clone());
            if self.bytes >= GROUP_BYTES {
                self.group()?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), CorpusError> {
        if !self.waiting.is_empty() {
            self.group()?;
        }
        let path = self.path.to_path_buf();
        self.writer.close().map(drop).map_err(|source| CorpusError::Table { path, source })
    }

    fn group(&mut self) -> Result<(), CorpusError> {
        let rows = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        self.columns(&rows).map_err(|source| CorpusError::Table { path: self.path.to_path_buf(), source })
    }

    fn columns(&mut self, rows: &[Document]) -> Result<(), ParquetError> {
        let metadata: Vec<Option<String>> = rows
            .iter()
            .map(|row| (!row.meta.is_empty()).then(|| serde_json::Value::Object(row.meta.clone()).to_string()))
            .collect();
        type Column<'r> = Box<dyn Fn(usize) -> Option<&'r str> + 'r>;
        let columns: [(bool, Column<'_>); 7] = [
            (false, Box::new(|row| Some(rows[row].id.as_str()))),
            (false, Box::new(|row| Some(rows[row].text.as_str()))),
            (false, Box::new(|row| Some(rows[row].source.as_str()))),
            (true, Box::new(|row| rows[row].url.as_deref())),
            (true, Box::new(|row| rows[row].date.as_deref())),
            (true, Box::new(|row| rows[row].lang.as_deref())),
            (true, Box::new(|row| metadata[row].as_deref())),
        ];
        let mut group = self.writer.next_row_group()?;
        for (optional, value) in columns {
            let Some(mut column) = group.next_column()? else { break };
            let values: Vec<ByteArray> = (0..rows.len()).filter_map(|row| value(row).map(ByteArray::from)).collect();
            let levels: Vec<i16> = (0..rows.len()).map(|row| i16::from(value(row).is_some())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, optional.then_some(levels.as_slice()), None)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}
