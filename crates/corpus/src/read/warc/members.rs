//! A gzip file of one member a record, as web archives are packed: it can be cut between members, and read on behind a
//! damaged one.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

/// What begins a member that holds a record: the gzip mark with method "deflate".
const MARK: [u8; 3] = [0x1f, 0x8b, 8];
/// Enough of a member to unpack its first line.
const LOOK: usize = 4096;
const BUFFER: usize = 1 << 18;

/// Unpacks members that begin in `start..end`. Damage gives an error of kind `InvalidData` once; the next read goes on
/// with the next member that holds a record.
pub(in crate::read) struct Members {
    file: File,
    /// Where the member that is being read begins.
    member: u64,
    /// The same, for those who read what comes out.
    place: Arc<AtomicU64>,
    end: u64,
    decoder: Option<GzDecoder<Counted>>,
    /// Bytes that the member has given.
    given: u64,
    max_member: u64,
}

impl Members {
    /// Members of `file`, none of which is unpacked beyond `max_member` bytes.
    pub(in crate::read) fn new(file: File, start: u64, end: u64, max_member: u64) -> Self {
        let place = Arc::new(AtomicU64::new(start));
        Members { file, member: start, place, end, decoder: None, given: 0, max_member }
    }

    /// Where the member begins from which the last bytes read have come.
    pub(in crate::read) fn place(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.place)
    }

    fn open(&mut self, at: u64) -> Result<()> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        let reader = match self.decoder.take() {
            Some(decoder) => decoder.into_inner().restart(file, at),
            None => Counted { inner: BufReader::with_capacity(BUFFER, file), offset: at },
        };
        self.begin(reader);
        Ok(())
    }

    fn begin(&mut self, reader: Counted) {
        self.member = reader.offset;
        self.given = 0;
        self.decoder = Some(GzDecoder::new(reader));
    }

    /// After damage: the next member behind the beginning of this one.
    fn leap(&mut self) -> Result<bool> {
        let from = self.member + 1;
        match next_member(&mut self.file, from, self.end)? {
            Some(at) => {
                self.open(at)?;
                Ok(true)
            }
            None => {
                self.member = self.end;
                self.decoder = None;
                Ok(false)
            }
        }
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if self.decoder.is_none() {
                if self.member >= self.end {
                    return Ok(0);
                }
                self.open(self.member)?;
            }
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let (member, given) = (self.member, self.given);
            let failure = match decoder.read(buffer) {
                Ok(0) => {
                    // The member is whole; the next one follows, perhaps behind zeros that fill a block.
                    let Some(decoder) = self.decoder.take() else { return Ok(0) };
                    let mut reader = decoder.into_inner();
                    reader.skip_zeros()?;
                    if reader.offset >= self.end || reader.fill_buf()?.is_empty() {
                        self.member = self.end;
                        return Ok(0);
                    }
                    self.begin(reader);
                    continue;
                }
                Ok(read) if given + read as u64 <= self.max_member => {
                    self.given += read as u64;
                    self.place.store(member, Ordering::Relaxed);
                    return Ok(read);
                }
                Ok(_) => format!("packed member at byte {member} unpacks to more than {} bytes", self.max_member),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => format!("packed member at byte {member} is damaged or cut off: {error}"),
            };
            let more = self.leap()?;
            return Err(Error::new(if more { ErrorKind::InvalidData } else { ErrorKind::UnexpectedEof }, failure));
        }
    }
}

/// A reader that knows where it is.
struct Counted {
    inner: BufReader<File>,
    offset: u64,
}

impl Counted {
    fn restart(self, file: File, offset: u64) -> Self {
        drop(self);
        Counted { inner: BufReader::with_capacity(BUFFER, file), offset }
    }

    fn skip_zeros(&mut self) -> Result<()> {
        loop {
            let zeros = self.inner.fill_buf()?.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                return Ok(());
            }
            self.consume(zeros);
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.offset += amount as u64;
        self.inner.consume(amount);
    }
}

/// The first member in `from..end` that unpacks to the beginning of a record. Three bytes fall together by chance once in
/// 16 MiB; that they then unpack to `WARC/` does not happen by chance.
fn next_member(file: &mut File, from: u64, end: u64) -> Result<Option<u64>> {
    let mut at = from;
    let mut window = Vec::new();
    while at < end {
        file.seek(SeekFrom::Start(at))?;
        window.clear();
        file.by_ref().take((BUFFER + LOOK) as u64).read_to_end(&mut window)?;
        let searched = window.len().min(BUFFER);
        for found in memchr::memmem::find_iter(&window[..searched.min(window.len())], &MARK) {
            if at + found as u64 >= end {
                return Ok(None);
            }
            if begins_record(&window[found..(found + LOOK).min(window.len())]) {
                return Ok(Some(at + found as u64));
            }
        }
        if window.len() < BUFFER {
            return Ok(None);
        }
        // A mark may lie across the border.
        at += (searched - MARK.len() + 1) as u64;
    }
    Ok(None)
}

fn begins_record(packed: &[u8]) -> bool {
    let mut line = [0u8; 6];
    GzDecoder::new(packed).read_exact(&mut line).is_ok() && line.starts_with(b"WARC/") && line[5].is_ascii_digit()
}

/// Members at least `unit_bytes` apart, found without unpacking what lies between; `None` when the file cannot be read.
pub(in crate::read) fn boundaries(file: &mut File, size: u64, unit_bytes: u64) -> Option<Vec<u64>> {
    let mut starts = vec![0u64];
    loop {
        let from = starts.last()?.checked_add(unit_bytes.max(1))?;
        match next_member(file, from, size).ok()? {
            Some(at) => starts.push(at),
            None => return Some(starts),
        }
    }
}
