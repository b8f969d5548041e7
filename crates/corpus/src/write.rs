//! Writing documents as JSON lines, plain or packed by the file's extension (`.gz`, `.zst`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lang::document::Document;

use crate::error::CorpusError;

/// Level of both packers: near their best ratio for the time.
const LEVEL: i32 = 6;

/// Documents as JSON lines, one after another; packed when the file's name ends in `.gz` or `.zst`. The bytes written depend
/// on the documents alone.
pub struct LinesWriter {
    path: PathBuf,
    out: Packer,
    bytes: u64,
}

enum Packer {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

impl LinesWriter {
    /// Starts the file. Call it inside an artifact writer: the file itself is not written atomically.
    ///
    /// # Errors
    /// [`CorpusError::Io`] when the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, CorpusError> {
        let fail = |error| CorpusError::io(path, "write", error);
        let file = BufWriter::new(File::create(path).map_err(fail)?);
        let out = match path.extension().and_then(|e| e.to_str()) {
            // The default header holds no time and no name, so equal documents give equal files.
            Some("gz") => {
                Packer::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::new(LEVEL.unsigned_abs())))
            }
            Some("zst") => Packer::Zstd(zstd::stream::write::Encoder::new(file, LEVEL).map_err(fail)?),
            _ => Packer::Plain(file),
        };
        Ok(LinesWriter { path: path.to_path_buf(), out, bytes: 0 })
    }

    /// The next document.
    ///
    /// # Errors
    /// [`CorpusError::Json`]; [`CorpusError::Io`] when the disk is full.
    pub fn push(&mut self, document: &Document) -> Result<(), CorpusError> {
        let mut line =
            serde_json::to_vec(document).map_err(|source| CorpusError::Json { id: document.id.clone(), source })?;
        line.push(b'\n');
        self.bytes += line.len() as u64;
        let out: &mut dyn Write = match &mut self.out {
            Packer::Plain(out) => out,
            Packer::Gzip(out) => out,
            Packer::Zstd(out) => out,
        };
        out.write_all(&line).map_err(|error| CorpusError::io(&self.path, "write", error))
    }

    /// Ends the file. Returns the number of bytes of JSON.
    ///
    /// # Errors
    /// [`CorpusError::Io`] when the disk is full.
    pub fn finish(self) -> Result<u64, CorpusError> {
        let file = match self.out {
            Packer::Plain(out) => Ok(out),
            Packer::Gzip(out) => out.finish(),
            Packer::Zstd(out) => out.finish(),
        };
        file.and_then(|mut file| file.flush()).map_err(|error| CorpusError::io(&self.path, "write", error))?;
        Ok(self.bytes)
    }
}

/// Writes documents with a [`LinesWriter`]. Returns the number of bytes of JSON.
///
/// # Errors
/// [`CorpusError::Io`] when the file cannot be made or the disk is full.
pub fn write_jsonl(path: &Path, documents: &[Document]) -> Result<u64, CorpusError> {
    let mut writer = LinesWriter::create(path)?;
    documents.iter().try_for_each(|document| writer.push(document))?;
    writer.finish()
}
