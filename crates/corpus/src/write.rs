//! Writing documents as JSON lines, plain or packed by the file's extension (`.gz`, `.zst`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use lang::document::Document;

use crate::error::CorpusError;

/// Level of both packers: near their best ratio for the time.
const LEVEL: i32 = 6;

/// Writes one JSON object a line to `path`; packed when the name ends in `.gz` or `.zst`. Returns the number of bytes
/// of JSON. The bytes written depend on the documents alone. Call it inside an artifact writer: the file itself is
/// not written atomically.
///
/// # Errors
/// [`CorpusError::Io`] when the file cannot be made or the disk is full.
pub fn write_jsonl(path: &Path, documents: &[Document]) -> Result<u64, CorpusError> {
    let fail = |error| CorpusError::io(path, "write", error);
    let file = BufWriter::new(File::create(path).map_err(fail)?);
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => {
            // The default header holds no time and no name, so equal documents give equal files.
            let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::new(LEVEL.unsigned_abs()));
            let bytes = write_lines(&mut packer, documents, path)?;
            packer.finish().and_then(|mut file| file.flush()).map_err(fail)?;
            Ok(bytes)
        }
        Some("zst") => {
            let mut packer = zstd::stream::write::Encoder::new(file, LEVEL).map_err(fail)?;
            let bytes = write_lines(&mut packer, documents, path)?;
            packer.finish().and_then(|mut file| file.flush()).map_err(fail)?;
            Ok(bytes)
        }
        _ => {
            let mut file = file;
            let bytes = write_lines(&mut file, documents, path)?;
            file.flush().map_err(fail)?;
            Ok(bytes)
        }
    }
}

fn write_lines(out: &mut dyn Write, documents: &[Document], path: &Path) -> Result<u64, CorpusError> {
    let mut total = 0;
    for document in documents {
        let mut line =
            serde_json::to_vec(document).map_err(|source| CorpusError::Json { id: document.id.clone(), source })?;
        line.push(b'\n');
        out.write_all(&line).map_err(|error| CorpusError::io(path, "write", error))?;
        total += line.len() as u64;
    }
    Ok(total)
}
