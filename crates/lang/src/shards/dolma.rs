//! Token files of dolma and OLMo: `NAME.npy`, token ids without a header for all its name, and `NAME.csv.gz`, a line
//! `start,end,id,source,location` for every document (dolma 1.2.1, `tokenizer/memmap_writer.py`; read with `numpy.memmap`).

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::flat::{Flat, read_documents};
use super::write::refused;
use super::{ShardError, ShardInfo, with_ending};

/// A `.npy` file being written, with its index beside it.
#[derive(Debug)]
pub struct NpyWriter {
    flat: Flat,
    index: GzEncoder<BufWriter<File>>,
    index_path: PathBuf,
    documents: usize,
}

impl NpyWriter {
    /// Start `PREFIX.npy` and `PREFIX.csv.gz`.
    ///
    /// # Errors
    /// When a file cannot be made or the vocabulary does not fit 32 bits.
    pub fn create(prefix: &Path, vocabulary_size: usize) -> Result<NpyWriter, ShardError> {
        let flat = Flat::create(&with_ending(prefix, ".npy"), vocabulary_size)?;
        let index_path = with_ending(prefix, ".csv.gz");
        let file = File::create(&index_path).map_err(|error| refused(&index_path, error))?;
        // The default header holds no time and no name, so equal documents give equal files.
        let index = GzEncoder::new(BufWriter::new(file), Compression::default());
        Ok(NpyWriter { flat, index, index_path, documents: 0 })
    }

    /// Append one document, its name and where it came from.
    ///
    /// # Errors
    /// When an id is outside the vocabulary or the disk refuses.
    pub fn push(&mut self, document: &[u32], id: &str, source: &str, location: u64) -> Result<(), ShardError> {
        let start = self.flat.tokens();
        self.flat.push(self.documents, document)?;
        let end = self.flat.tokens();
        let line = format!("{start},{end},{},{},{location}\r\n", field(id), field(source));
        self.index.write_all(line.as_bytes()).map_err(|error| refused(&self.index_path, error))?;
        self.documents += 1;
        Ok(())
    }

    /// Flush both files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<ShardInfo, ShardError> {
        let info = ShardInfo { documents: self.documents, tokens: self.flat.tokens() };
        self.flat.finish()?;
        let flushed = self.index.finish().and_then(|mut file| file.flush());
        flushed.map_err(|error| refused(&self.index_path, error))?;
        Ok(info)
    }
}

/// A field of a table as Python's `csv` writes it: in quotation marks where it must be.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

/// Read the documents of `PREFIX.npy`, whose ids are of a vocabulary of `vocabulary_size`, with their names.
///
/// # Errors
/// When a file is missing, or the index does not fit the tokens.
pub fn read_npy(prefix: &Path, vocabulary_size: usize) -> Result<Vec<(String, Vec<u32>)>, ShardError> {
    let index_path = with_ending(prefix, ".csv.gz");
    let failed = |source| ShardError::Read { path: index_path.clone(), source };
    let mut reader = BufReader::new(MultiGzDecoder::new(File::open(&index_path).map_err(failed)?));
    let (mut ends, mut names) = (Vec::new(), Vec::new());
    let mut record = String::new();
    let mut read = 0u64;
    loop {
        let bytes = reader.read_line(&mut record).map_err(failed)?;
        read += bytes as u64;
        // A line break inside quotation marks belongs to the field.
        if bytes > 0 && record.matches('"').count() % 2 == 1 {
            continue;
        }
        if record.is_empty() {
            break;
        }
        let fields = split(record.trim_end_matches(['\r', '\n']));
        let numbers = fields.first().and_then(|start| start.parse::<u64>().ok());
        let end = fields.get(1).and_then(|end| end.parse::<u64>().ok());
        let expected = ends.last().copied().unwrap_or(0);
        match (numbers, end, fields.len()) {
            (Some(start), Some(end), 5) if start == expected => {
                ends.push(end);
                names.push(fields[2].clone());
            }
            _ => {
                let message = format!(
                    "line {} is no `start,end,id,source,location` that goes on from {expected}",
                    ends.len() + 1
                );
                return Err(ShardError::Format { path: index_path, byte: read, message });
            }
        }
        record.clear();
    }
    let width = if super::flat::narrow_enough(vocabulary_size) { 2 } else { 4 };
    let documents = read_documents(&with_ending(prefix, ".npy"), width, &ends, &index_path)?;
    Ok(names.into_iter().zip(documents).collect())
}

/// The fields of a line.
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                if let Some(field) = fields.last_mut() {
                    field.push('"');
                }
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}
