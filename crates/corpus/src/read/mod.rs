//! Readers: files and folders become documents in path order. Known by their names are `.txt`, `.md`, `.jsonl`, web
//! archives (`.warc`, `.wet`), dumps of MediaWiki (`.xml`), `.html` (each also `.gz`, `.zst` or `.bz2`), `.parquet`, and
//! source code. Bad records are counted, named by file and place, and skipped; a damaged file keeps what stands before the
//! damage; only a missing path or a corpus without any document is an error.
//!
//! Paths may be URLs of object stores (features `s3`, `gcs`, `azure`; see [`use_stores`]). Of a corpus that this program made only the
//! documents are read, not what lies beside them.
//!
//! [`units()`] cuts the inputs by shape, [`read_unit`] reads one of the parts as a stream; [`read`] collects all of a small
//! corpus. Any number of workers reading units, put together in order, gives the same documents.

mod batches;
mod code;
mod dialogue;
mod encoding;
mod html;
mod ids;
mod jsonl;
mod lines;
pub mod mediawiki;
mod ordered;
mod outcome;
mod parquet;
mod plain;
mod remote;
mod report;
mod source;
mod unit;
mod walk;
mod warc;

use std::path::Path;

use lang::document::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::extract::ExtractOptions;

pub use batches::batches;
pub use dialogue::Paths;
pub use html::page_of;
pub use ids::UniqueIds;
pub use ordered::{Batch, in_order};
use outcome::Outcome;
pub use outcome::Sink;
pub use remote::{identity, is_remote, use_stores};
pub use report::{FileReport, Place, Problem, ReadReport, UnitReport};
pub use unit::{Format, Packing, Part, Unit, units};

/// Called with what is being done, how much of it is done, and how much there is.
pub type Progress<'p> = &'p dyn Fn(&str, usize, usize);

/// How files become documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// In `.txt` and `.md` files a line that is exactly this ends a document; empty: one file is one document.
    pub separator: String,
    /// Documents of `.txt` and `.md` files longer than this many bytes are cut at paragraph ends, so that one book is
    /// many documents; 0: never.
    pub split_bytes: usize,
    /// Files larger than this are cut into units of about this many (stored) bytes where their format allows it.
    pub unit_bytes: u64,
    /// A record (a line of JSON, a page, a table's row) longer than this is named and skipped; a longer plain text is cut
    /// into several documents. This bounds the memory of a worker.
    pub max_record_bytes: usize,
    /// What stands beyond this many (unpacked) bytes of one file is not read.
    pub max_file_bytes: u64,
    /// A packed file that unpacks to more than so many times its size (and more than 64 MiB) is a decompression bomb:
    /// reading stops there.
    pub max_ratio: u64,
    /// How pages become text.
    pub extract: ExtractOptions,
    /// Which paths of a dialogue tree become documents.
    pub dialogues: Paths,
    /// Settings and credentials of object stores, as the `object_store` crate names them (`aws_region`, …).
    #[serde(skip)]
    pub store: Vec<(String, String)>,
    /// At most this many problems are listed (all are counted).
    pub max_problems: usize,
    /// Texts are left as they are: line ends, control characters and white space at the ends stay.
    #[serde(skip)]
    pub as_is: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            separator: "<|endoftext|>".to_string(),
            split_bytes: 0,
            unit_bytes: 64 << 20,
            max_record_bytes: 64 << 20,
            max_file_bytes: 1 << 44,
            max_ratio: 400,
            extract: ExtractOptions::default(),
            dialogues: Paths::default(),
            store: Vec::new(),
            max_problems: 1000,
            as_is: false,
        }
    }
}

/// Reads one unit from its beginning to its end, in bounded memory, and gives its documents to `sink` in order. What is
/// wrong in the data is counted and named in the report.
///
/// # Errors
/// Only those of `sink`.
pub fn read_unit(unit: &Unit, options: &ReadOptions, sink: Sink<'_>) -> Result<UnitReport, CorpusError> {
    let mut outcome = Outcome::new(unit, options, sink);
    match unit.format {
        Format::Parquet => parquet::read(unit, options, &mut outcome)?,
        Format::Warc => warc::read(unit, options, &mut outcome)?,
        _ => read_stream(unit, options, &mut outcome)?,
    }
    Ok(outcome.report)
}

/// Reads a unit of a format that is read from its first byte to its last.
fn read_stream(unit: &Unit, options: &ReadOptions, outcome: &mut Outcome<'_>) -> Result<(), CorpusError> {
    let stream = match source::open(unit, options) {
        Ok(stream) => stream,
        Err(error) => {
            outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
            return Ok(());
        }
    };
    match unit.format {
        Format::Html => return html::read(stream, unit, options, outcome),
        Format::Code => return code::read(stream, unit, options, outcome),
        // Dumps are UTF-8 always.
        Format::MediaWiki => {
            outcome.report.file.encoding = "UTF-8".to_string();
            return mediawiki::read(stream, 0, unit, options, outcome);
        }
        Format::Text | Format::JsonLines | Format::Parquet | Format::Warc => {}
    }
    // A part of a file was cut as UTF-8 and is not looked at again.
    let (stream, first_line) = match unit.part {
        Part::Bytes { first_line, .. } => {
            outcome.report.file.encoding = "UTF-8".to_string();
            (stream, first_line)
        }
        Part::Whole | Part::Groups { .. } => match encoding::transcode(stream) {
            Ok(Ok(found)) if found.empty => {
                outcome.problem(Place::Whole, "empty file", "file is empty");
                return Ok(());
            }
            Ok(Ok(found)) => {
                outcome.report.file.encoding = found.encoding.to_string();
                (found.stream, 1)
            }
            Ok(Err(binary)) => {
                outcome.problem(Place::Byte(binary.at), "binary file", binary.what);
                return Ok(());
            }
            Err(error) => {
                outcome.problem(Place::Byte(0), "cut file", error.to_string());
                return Ok(());
            }
        },
    };
    match unit.format {
        Format::JsonLines => jsonl::read(stream, first_line, unit, options, outcome),
        _ => plain::read(stream, unit, options, outcome),
    }
}

/// Most bytes of one file that [`read`] takes into memory.
const IN_MEMORY: u64 = 4 << 30;

/// Reads every document under `path`, a file or a folder (recursively, in path order; hidden files are skipped), into
/// memory. Ids become unique.
///
/// # Errors
/// [`CorpusError::Missing`], [`CorpusError::NotAFile`], [`CorpusError::UnknownFormat`] (a single file of an unknown kind),
/// [`CorpusError::NoDocuments`], [`CorpusError::Io`] when the folder itself cannot be listed.
pub fn read(
    path: &Path,
    options: &ReadOptions,
    progress: Progress<'_>,
) -> Result<(Vec<Document>, ReadReport), CorpusError> {
    let options = ReadOptions { max_file_bytes: options.max_file_bytes.min(IN_MEMORY), ..options.clone() };
    let (units, mut report) = units(&[path.to_path_buf()], &options)?;
    let mut documents = Vec::new();
    progress("read", 0, units.len());
    // A chunk of units at a time: parallel, in order, and with a word of progress in between.
    for (chunk_index, chunk) in units.chunks(UNITS_AT_ONCE).enumerate() {
        let read: Vec<Result<(Vec<Document>, UnitReport), CorpusError>> = chunk
            .par_iter()
            .map(|unit| {
                let mut documents = Vec::new();
                let report = read_unit(unit, &options, &mut |document| {
                    documents.push(document);
                    Ok(())
                })?;
                Ok((documents, report))
            })
            .collect();
        for result in read {
            let (found, unit_report) = result?;
            report.absorb(unit_report, options.max_problems);
            documents.extend(found);
        }
        progress("read", (chunk_index * UNITS_AT_ONCE + chunk.len()).min(units.len()), units.len());
    }
    let mut ids = UniqueIds::default();
    for document in &mut documents {
        ids.make_unique(&mut document.id);
    }
    if ids.renamed() > 0 {
        report.counts.insert("duplicate ids renamed".to_string(), ids.renamed());
    }
    report.require_documents(&[path.to_path_buf()])?;
    Ok((documents, report))
}

const UNITS_AT_ONCE: usize = 64;
