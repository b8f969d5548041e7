//! The records of a JSON array or of JSON lines, each with the line it begins on.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::Fault;
use crate::CorpusError;

/// Bytes of the largest file, unpacked; more does not fit the memory it takes as JSON.
const LARGEST: u64 = 8 << 30;

/// What a file has.
pub(in crate::instances) struct Records {
    /// The records with their lines, from 1.
    pub(in crate::instances) records: Vec<(usize, Value)>,
    /// Lines that are no JSON.
    pub(in crate::instances) faults: Vec<Fault>,
}

pub(in crate::instances) fn read(path: &Path) -> Result<Records, CorpusError> {
    let bytes = unpacked(path)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        // A line of JSON lines may be a list too, but then no list goes on over its end.
        Some(b'[') if !first_line_is_whole(bytes) => array(path, bytes),
        _ => Ok(lines(bytes)),
    }
}

fn unpacked(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let failed = |source| CorpusError::io(path, "read", source);
    let file = std::fs::File::open(path).map_err(failed)?;
    let name = path.to_string_lossy().to_lowercase();
    let source: Box<dyn Read> = match () {
        () if name.ends_with(".gz") => Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file))),
        () if name.ends_with(".zst") => Box::new(zstd::stream::read::Decoder::new(file).map_err(failed)?),
        () => Box::new(file),
    };
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(failed(std::io::Error::other(format!("it has more than {LARGEST} bytes")))),
        false => Ok(bytes),
    }
}

fn first_line_is_whole(bytes: &[u8]) -> bool {
    let mut filled = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let first = filled.next().is_some_and(|line| serde_json::from_slice::<Vec<Value>>(line).is_ok());
    first && filled.next().is_some()
}

fn lines(bytes: &[u8]) -> Records {
    let mut found = Records { records: Vec::new(), faults: Vec::new() };
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(record) => found.records.push((at + 1, record)),
            Err(error) => {
                let problem = match std::str::from_utf8(line) {
                    Ok(_) => format!("no JSON: {error}"),
                    Err(error) => format!("no UTF-8 at byte {} of the line", error.valid_up_to()),
                };
                found.faults.push(Fault { line: at + 1, field: String::new(), problem });
            }
        }
    }
    found
}

/// A broken array is broken as a whole: where its next record begins cannot be told.
fn array(path: &Path, bytes: &[u8]) -> Result<Records, CorpusError> {
    let mut records = Vec::new();
    let mut at = bytes.iter().position(|&byte| byte == b'[').map_or(0, |at| at + 1);
    let mut line = 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
    let mut counted = at;
    let failed = |line: usize, problem: String| CorpusError::BadJson { path: path.to_owned(), line, problem };
    loop {
        let skipped = bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
        at += skipped;
        line += bytes[counted..at].iter().filter(|&&byte| byte == b'\n').count();
        counted = at;
        match bytes.get(at) {
            None => return Err(failed(line, "the list is not closed".to_owned())),
            Some(b']') => return Ok(Records { records, faults: Vec::new() }),
            Some(_) => {}
        }
        let mut stream = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(record)) => records.push((line, record)),
            Some(Err(error)) => return Err(failed(line + error.line().saturating_sub(1), format!("no JSON: {error}"))),
            None => return Err(failed(line, "the list is not closed".to_owned())),
        }
        at += stream.byte_offset();
    }
}
