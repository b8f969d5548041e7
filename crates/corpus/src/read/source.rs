//! The bytes of a unit, unpacked, as a stream. A damaged or cut gzip or zstd stream gives what stands before the damage
//! and then an error whose message says so; data that unpack to far more than they are end likewise, so that a
//! decompression bomb costs bounded time.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, Read, Result, Seek, SeekFrom};

use super::ReadOptions;
use super::unit::{Packing, Part, Unit};

/// Bytes read ahead.
const BUFFER: usize = 1 << 18;
/// Below this many unpacked bytes any ratio is taken for honest.
const HONEST_BYTES: u64 = 64 << 20;

/// A stream of unpacked bytes.
pub(super) type Stream = Box<dyn BufRead + Send>;

/// Opens the bytes of `unit` and unpacks them.
pub(super) fn open(unit: &Unit, options: &ReadOptions) -> Result<Stream> {
    let mut file = File::open(&unit.path)?;
    let packed = file.metadata()?.len();
    let file: Box<dyn Read + Send> = match unit.part {
        Part::Bytes { start, end, .. } => {
            file.seek(SeekFrom::Start(start))?;
            Box::new(file.take(end - start))
        }
        Part::Whole | Part::Groups { .. } => Box::new(file),
    };
    let unpacked: Box<dyn Read + Send> = match unit.packing {
        Packing::None => file,
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file))),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    };
    let ratio_limit = packed.saturating_mul(options.max_ratio).max(HONEST_BYTES);
    let guard = Guard {
        inner: unpacked,
        packing: unit.packing,
        given: 0,
        limit: options.max_file_bytes,
        ratio_limit: if unit.packing == Packing::None { u64::MAX } else { ratio_limit },
        max_ratio: options.max_ratio,
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, guard)))
}

/// Counts what comes through and stops it at the limits.
struct Guard {
    inner: Box<dyn Read + Send>,
    packing: Packing,
    given: u64,
    limit: u64,
    ratio_limit: u64,
    max_ratio: u64,
}

impl Read for Guard {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let limit = self.limit.min(self.ratio_limit);
        if self.given >= limit {
            // Data that end exactly at the limit are whole.
            let mut one = [0u8];
            return match self.inner.read(&mut one) {
                Ok(0) => Ok(0),
                Ok(_) if self.limit <= self.ratio_limit => {
                    Err(Error::other(format!("longer than the limit of {limit} bytes, the rest is not read")))
                }
                Ok(_) => Err(Error::other(format!(
                    "unpacks to more than {} times its size, the rest is not read",
                    self.max_ratio
                ))),
                Err(error) => Err(self.explain(&error)),
            };
        }
        let room = usize::try_from(limit - self.given).unwrap_or(usize::MAX).min(buffer.len());
        match self.inner.read(&mut buffer[..room]) {
            Ok(read) => {
                self.given += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.explain(&error)),
        }
    }
}

impl Guard {
    fn explain(&self, error: &Error) -> Error {
        Error::other(match self.packing {
            Packing::None => format!("reading stopped: {error}"),
            Packing::Gzip | Packing::Zstd => format!("packed data is damaged or cut off: {error}"),
        })
    }
}
