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
    line: Vec<u8>,
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
        Ok(LinesWriter { path: path.to_path_buf(), out, bytes: 0, line: Vec::new() })
    }

    /// The next document.
    ///
    /// # Errors
    /// [`CorpusError::Json`]; [`CorpusError::Io`] when the disk is full.
    pub fn push(&mut self, document: &Document) -> Result<(), CorpusError> {
        self.line.clear();
        push_line(&mut self.line, document)?;
        self.bytes += self.line.len() as u64;
        let out: &mut dyn Write = match &mut self.out {
            Packer::Plain(out) => out,
            Packer::Gzip(out) => out,
            Packer::Zstd(out) => out,
        };
        out.write_all(&self.line).map_err(|error| CorpusError::io(&self.path, "write", error))
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

/// Appends the line of a document: the bytes that `serde_json` writes for it, and a line feed. Most of them are one long string, of which
/// whole chunks without anything to escape are copied.
///
/// # Errors
/// [`CorpusError::Json`].
pub fn push_line(out: &mut Vec<u8>, document: &Document) -> Result<(), CorpusError> {
    // All fields are named here, so that a new one cannot be forgotten.
    let Document { id, text, source, url, date, lang, meta } = document;
    out.reserve(text.len() + text.len() / 32 + 256);
    out.extend_from_slice(b"{\"id\":");
    push_string(out, id);
    out.extend_from_slice(b",\"text\":");
    push_string(out, text);
    let source = (!source.is_empty()).then_some(source);
    for (name, value) in [("source", source), ("url", url.as_ref()), ("date", date.as_ref()), ("lang", lang.as_ref())] {
        if let Some(value) = value {
            out.push(b',');
            push_string(out, name);
            out.push(b':');
            push_string(out, value);
        }
    }
    for (name, value) in meta {
        out.push(b',');
        push_string(out, name);
        out.push(b':');
        serde_json::to_writer(&mut *out, value)
            .map_err(|source| CorpusError::Json { id: document.id.clone(), source })?;
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(chunk) = bytes[at..].first_chunk::<32>()
            && !chunk.iter().fold(false, |any, &byte| any | is_special(byte))
        {
            out.extend_from_slice(chunk);
            at += chunk.len();
            continue;
        }
        let end = bytes.len().min(at + 32);
        for &byte in &bytes[at..end] {
            if is_special(byte) { escape(out, byte) } else { out.push(byte) }
        }
        at = end;
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn lines_are_those_of_serde(
            text in "([ -~]|[\\x00-\\x1f\\x7f\"\\\\é中👍\u{2028}]){0,90}", id in "\\PC{0,9}",
            source in "[a\"]{0,2}", url in proptest::option::of("[a-z\\n]{0,40}"), lang in proptest::option::of("en|zh")
        ) {
            let mut document = Document { id, text: text.clone(), source, url, lang, ..Document::default() };
            document.meta.insert(text.clone(), json!({"a": [1, 2.5, null, text], "b": true}));
            document.meta.insert("n".to_owned(), json!(3));
            let mut line = Vec::new();
            push_line(&mut line, &document).unwrap();
            prop_assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&document).unwrap() + "\n");
        }
    }
}
