//! The bytes of a file, unpacked. A damaged or cut gzip or zstd stream gives what stands before the damage.

use std::fs::File;
use std::io::Read;

use super::walk::{Found, Packing};
use super::{Outcome, Place};

/// Unpacked bytes and, when they are not all of the file, why.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    pub(super) cut: Option<String>,
}

/// Reads and unpacks `file`, at most `limit` bytes of it; `None` (with the problem named) when nothing can be read.
pub(super) fn unpack(file: &Found, limit: u64, outcome: &mut Outcome) -> Option<Unpacked> {
    let handle = match File::open(&file.path) {
        Ok(handle) => handle,
        Err(error) => {
            outcome.problem(Place::Whole, "unreadable file", format!("cannot be read: {error}"));
            return None;
        }
    };
    let source: Box<dyn Read> = match file.packing {
        Packing::None => Box::new(handle),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(handle))),
        Packing::Zstd => match zstd::stream::read::Decoder::new(handle) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => {
                outcome.problem(Place::Whole, "unreadable file", format!("cannot be unpacked: {error}"));
                return None;
            }
        },
    };
    let mut bytes = Vec::new();
    // read_to_end keeps what it has read when it fails.
    let error = source.take(limit.saturating_add(1)).read_to_end(&mut bytes).err();
    let mut cut = error.map(|error| match file.packing {
        Packing::None => format!("reading stopped: {error}"),
        Packing::Gzip | Packing::Zstd => format!("packed data is damaged or cut off: {error}"),
    });
    if bytes.len() as u64 > limit {
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        cut = Some(format!("longer than the limit of {limit} bytes, the rest is not read"));
    }
    if bytes.is_empty() {
        match cut {
            Some(reason) => outcome.problem(Place::Byte(0), "cut file", reason),
            None => outcome.problem(Place::Whole, "empty file", "file is empty"),
        }
        return None;
    }
    Some(Unpacked { bytes, cut })
}
