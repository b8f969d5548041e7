//! From any readable form to one file of documents: JSON lines (plain, gzip, Zstandard), a Parquet table, or text with
//! separator lines. Streams: what is held is a few batches a worker. The packed forms are cut where batches end, one gzip
//! member or Zstandard frame each, so packing too is shared by all workers and the file can be read in parallel again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use lang::document::Document;
use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::read::{ReadOptions, ReadReport, UniqueIds, Unit, in_order};
use crate::write::push_line;

mod table;

pub(crate) use table::Table;

/// Level of both packers.
const LEVEL: i32 = 6;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// JSON lines.
    #[serde(rename = "jsonl")]
    JsonLines,
    /// JSON lines, gzip.
    #[serde(rename = "jsonl.gz")]
    JsonLinesGzip,
    /// JSON lines, Zstandard.
    #[serde(rename = "jsonl.zst")]
    JsonLinesZstd,
    /// A Parquet table.
    #[serde(rename = "parquet")]
    Parquet,
    /// Texts, each ended by a separator line.
    #[serde(rename = "txt")]
    Text,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 5] =
        [Target::JsonLines, Target::JsonLinesGzip, Target::JsonLinesZstd, Target::Parquet, Target::Text];

    /// The extension, which is also its name.
    pub fn name(self) -> &'static str {
        match self {
            Target::JsonLines => "jsonl",
            Target::JsonLinesGzip => "jsonl.gz",
            Target::JsonLinesZstd => "jsonl.zst",
            Target::Parquet => "parquet",
            Target::Text => "txt",
        }
    }
}

/// A batch made ready by a worker.
struct Ready {
    documents: Vec<Document>,
    packed: Vec<u8>,
}

/// Writes the documents of `units` to the file `out`, in order, and returns what was read. Ids become unique. The bytes
/// depend on the units alone, not on the number of `workers`. `progress` gets the stored bytes that are done.
///
/// # Errors
/// [`CorpusError::Io`] when the file cannot be written, [`CorpusError::Json`], [`CorpusError::Table`].
pub fn convert(
    units: &[Unit],
    options: &ReadOptions,
    target: Target,
    workers: usize,
    out: &Path,
    mut report: ReadReport,
    progress: &(dyn Fn(usize) -> Result<(), CorpusError> + Sync),
) -> Result<ReadReport, CorpusError> {
    let fail = |error| CorpusError::io(out, "write", error);
    let file = BufWriter::with_capacity(1 << 20, File::create(out).map_err(fail)?);
    let mut sink = match target {
        Target::Parquet => Out::Table(Box::new(Table::new(file, out)?)),
        _ => Out::Bytes(file),
    };
    let separator = options.separator.as_str();
    let mut ids = UniqueIds::default();
    let mut written = 0;
    in_order(
        units,
        options,
        workers,
        &mut report,
        |batch| {
            let packed = pack(&batch.documents, target, separator)?;
            Ok::<_, CorpusError>(Ready { documents: batch.documents, packed })
        },
        |mut ready| {
            let before = ids.renamed();
            for document in &mut ready.documents {
                ids.make_unique(&mut document.id);
            }
            written += ready.documents.len();
            match &mut sink {
                Out::Table(table) => table.write(&ready.documents)?,
                Out::Bytes(file) => {
                    // Equal ids are rare; then the batch is written anew.
                    let again = ids.renamed() > before;
                    let bytes = if again { pack(&ready.documents, target, separator)? } else { ready.packed };
                    file.write_all(&bytes).map_err(fail)?;
                }
            }
            progress(written)
        },
    )?;
    match sink {
        Out::Table(table) => table.finish()?,
        Out::Bytes(mut file) => file.flush().map_err(fail)?,
    }
    if ids.renamed() > 0 {
        report.counts.insert("duplicate ids renamed".to_string(), ids.renamed());
    }
    Ok(report)
}

enum Out<'p> {
    Bytes(BufWriter<File>),
    Table(Box<Table<'p>>),
}

fn pack(documents: &[Document], target: Target, separator: &str) -> Result<Vec<u8>, CorpusError> {
    let mut plain = Vec::new();
    match target {
        Target::Parquet => return Ok(plain),
        Target::Text => {
            for document in documents {
                // A line of the text that is a separator would make two texts of it.
                for line in document.text.lines().filter(|line| line.trim_end() != separator) {
                    plain.extend_from_slice(line.as_bytes());
                    plain.push(b'\n');
                }
                plain.extend_from_slice(separator.as_bytes());
                plain.push(b'\n');
            }
            return Ok(plain);
        }
        Target::JsonLines | Target::JsonLinesGzip | Target::JsonLinesZstd => {
            documents.iter().try_for_each(|document| push_line(&mut plain, document))?;
        }
    }
    let memory = |error| CorpusError::io(Path::new("a batch in memory"), "pack", error);
    match target {
        Target::JsonLinesGzip => {
            let level = flate2::Compression::new(LEVEL.unsigned_abs());
            let mut packer = flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 2), level);
            packer.write_all(&plain).and_then(|()| packer.finish()).map_err(memory)
        }
        Target::JsonLinesZstd => zstd::bulk::compress(&plain, LEVEL).map_err(memory),
        _ => Ok(plain),
    }
}
