//! The bytes of a unit, unpacked, as a stream. A damaged or cut gzip, zstd or bzip2 stream gives what stands before
//! the damage
//! and then an error whose message says so; data that unpack to far more than they are end likewise, so that a
//! decompression bomb costs bounded time.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, Read, Result, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::unit::{Packing, Part, Unit};
use super::warc::Members;
use super::{ReadOptions, remote};

/// Bytes read ahead.
const BUFFER: usize = 1 << 18;
/// Below this many unpacked bytes any ratio is taken for honest.
const HONEST_BYTES: u64 = 64 << 20;

/// A stream of unpacked bytes.
pub(super) type Stream = Box<dyn BufRead + Send>;

/// Opens the bytes of `unit` and unpacks them.
pub(super) fn open(unit: &Unit, options: &ReadOptions) -> Result<Stream> {
    let mut packed = unit.bytes;
    let file: Box<dyn Read + Send> = if remote::is_remote(&unit.path) {
        remote::open(&unit.path, options)?
    } else {
        let mut file = File::open(&unit.path)?;
        packed = file.metadata()?.len();
        match unit.part {
            Part::Bytes { start, end, .. } => {
                file.seek(SeekFrom::Start(start))?;
                Box::new(file.take(end - start))
            }
            Part::Whole | Part::Groups { .. } => Box::new(file),
        }
    };
    let unpacked: Box<dyn Read + Send> = match unit.packing {
        Packing::None => file,
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file))),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(BufReader::with_capacity(BUFFER, file))),
    };
    let ratio_limit = honest(packed, options);
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

/// Bytes to which `packed` bytes may unpack.
fn honest(packed: u64, options: &ReadOptions) -> u64 {
    packed.saturating_mul(options.max_ratio).max(HONEST_BYTES).min(options.max_file_bytes)
}

/// Opens a web archive, and says where the member that is being read begins: records packed one by one are named by it,
/// and damage to one of them is passed over.
pub(super) fn open_archive(unit: &Unit, options: &ReadOptions) -> Result<(Stream, u64, Option<Arc<AtomicU64>>)> {
    let (start, end) = match unit.part {
        Part::Bytes { start, end, .. } => (start, end),
        Part::Whole | Part::Groups { .. } => (0, u64::MAX),
    };
    if unit.packing != Packing::Gzip || remote::is_remote(&unit.path) {
        return Ok((open(unit, options)?, start, None));
    }
    let file = File::open(&unit.path)?;
    let size = file.metadata()?.len();
    let members = Members::new(file, start, end.min(size), honest(size, options));
    let place = members.place();
    Ok((Box::new(BufReader::with_capacity(BUFFER, members)), start, Some(place)))
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
            Packing::Gzip | Packing::Zstd | Packing::Bzip2 => format!("packed data is damaged or cut off: {error}"),
        })
    }
}
