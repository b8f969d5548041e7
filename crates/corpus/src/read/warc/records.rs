//! The records of an archive, one after another, and the way back to them after damage.

use std::io::{BufRead, ErrorKind, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::read::source::Stream;

/// What begins every record; 0.17 to 1.1.
const MAGIC: &[u8] = b"WARC/";
/// Header lines and whole headers longer than this are not those of an archive.
const MAX_HEADER: usize = 1 << 20;

/// A record that may hold a document.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it begins in the unpacked data.
    pub(super) at: u64,
    /// `response`, `resource` or `conversion`.
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) url: Option<String>,
    pub(super) date: Option<String>,
    pub(super) content_type: String,
    pub(super) languages: Option<String>,
    pub(super) block: Vec<u8>,
}

/// What comes next in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record.
    Record(Record),
    /// A record of a kind that holds no document.
    Passed { kind: &'static str },
    /// Something that is wrong at a byte; the reading goes on behind it.
    Problem { at: u64, kind: &'static str, what: String },
    /// Nothing.
    End,
}

/// Reads records.
pub(super) struct Records {
    stream: Stream,
    /// Bytes given back, which come before the stream's.
    back: Vec<u8>,
    offset: u64,
    /// Where the packed member begins that the stream gives, where records are packed one by one.
    member: Option<Arc<AtomicU64>>,
    limit: usize,
    seen: u64,
    /// What is to be told before the next record.
    waiting: Vec<Next>,
    ended: bool,
}

/// The fields of a header that matter.
#[derive(Default)]
struct Header {
    record: Record,
    length: Option<u64>,
}

impl Records {
    /// Records of `stream`, whose first byte has the offset `start`; blocks are held up to `limit` bytes.
    pub(super) fn new(stream: Stream, start: u64, member: Option<Arc<AtomicU64>>, limit: usize) -> Self {
        let (back, waiting) = (Vec::new(), Vec::new());
        Records { stream, back, offset: start, member, limit, seen: 0, waiting, ended: false }
    }

    /// The place of what is read now: the byte of the data, or of the packed file where its member begins.
    fn place(&self) -> u64 {
        self.member.as_ref().map_or(self.offset, |member| member.load(Ordering::Relaxed))
    }

    /// How many records there were.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The next thing in the archive.
    pub(super) fn next(&mut self) -> Next {
        if !self.waiting.is_empty() {
            return self.waiting.remove(0);
        }
        if self.ended {
            return Next::End;
        }
        match self.record() {
            Ok(next) => next,
            Err(error) => {
                let at = self.place();
                let (kind, what) = self.failure(&error);
                Next::Problem { at, kind, what }
            }
        }
    }

    /// What an error of the stream means: damage within a packed member is passed over by the stream, which goes on with
    /// the next member; anything else is the end.
    fn failure(&mut self, error: &std::io::Error) -> (&'static str, String) {
        let passed_over = error.kind() == ErrorKind::InvalidData;
        self.ended |= !passed_over;
        (if passed_over { "damaged member" } else { "cut file" }, error.to_string())
    }

    fn record(&mut self) -> std::io::Result<Next> {
        let mut line = Vec::new();
        // Blank lines between records.
        let at = loop {
            let before = self.offset;
            line.clear();
            if !self.line(&mut line)? {
                self.ended = true;
                return Ok(Next::End);
            }
            if !line.trim_ascii().is_empty() {
                break if self.member.is_some() { self.place() } else { before };
            }
        };
        if !is_version(&line) {
            let shown = String::from_utf8_lossy(&line[..line.len().min(40)]).trim().to_string();
            self.find_record(None)?;
            let what = format!("{shown:?} where a record should begin; the next record is looked for");
            return Ok(Next::Problem { at, kind: "corrupt record", what });
        }
        self.seen += 1;
        let mut header = match self.header()? {
            Ok(header) => header,
            Err(what) => {
                self.find_record(None)?;
                return Ok(Next::Problem { at, kind: "corrupt record", what });
            }
        };
        header.record.at = at;
        let Some(length) = header.length else {
            self.find_record(None)?;
            let what = "record without a readable Content-Length; the next record is looked for".to_string();
            return Ok(Next::Problem { at, kind: "corrupt record", what });
        };
        let wanted = matches!(header.record.kind.as_str(), "response" | "resource" | "conversion");
        if length > self.limit as u64 {
            let read = self.skip(length)?;
            if read < length {
                self.ended = true;
                let what = format!("ends {read} bytes into a record of {length}");
                return Ok(Next::Problem { at, kind: "cut file", what });
            }
            return Ok(if wanted {
                let what = format!("a record of {length} bytes, longer than the limit of {}", self.limit);
                Next::Problem { at, kind: "long record", what }
            } else {
                passed(&header.record.kind)
            });
        }
        let complaint = self.block(&mut header.record.block, length)?;
        if let Some((kind, what)) = complaint {
            self.waiting.push(Next::Problem { at, kind, what });
        }
        let next = if wanted { Next::Record(header.record) } else { passed(&header.record.kind) };
        Ok(next)
    }

    /// Reads a block and finds out whether the next record stands behind it; if not, the block ends where the next record
    /// begins, and the complaint says so.
    fn block(&mut self, block: &mut Vec<u8>, length: u64) -> std::io::Result<Option<(&'static str, String)>> {
        let read = self.take(block, length);
        if let Err(error) = read {
            // What stands before the damage is kept.
            let (kind, what) = self.failure(&error);
            return Ok(Some((kind, format!("{what}, {} bytes into a record of {length}", block.len()))));
        }
        let cut = (block.len() as u64) < length;
        if !cut {
            match self.stands_before_record() {
                Ok(true) => return Ok(None),
                Ok(false) => {}
                // The next member is damaged, not this one.
                Err(error) => return Ok(Some(self.failure(&error))),
            }
        }
        // Too long a length has swallowed the records that follow: they are given back.
        if let Some(end) = find_boundary(block) {
            let rest = block.split_off(end);
            self.offset -= rest.len() as u64;
            let mut back = rest;
            back.append(&mut self.back);
            self.back = back;
            let what =
                format!("wrong Content-Length: {length} said, {} bytes stand before the next record", block.len());
            return Ok(Some(("wrong Content-Length", what)));
        }
        if cut {
            self.ended = true;
            return Ok(Some(("cut file", format!("ends {} bytes into a record of {length}", block.len()))));
        }
        // Too short a length: the block goes on to the next record.
        let room = self.limit;
        if let Err(error) = self.find_record(Some((block, room))) {
            return Ok(Some(self.failure(&error)));
        }
        let what = format!("wrong Content-Length: {length} said, {} bytes stand before the next record", block.len());
        Ok(Some(("wrong Content-Length", what)))
    }

    fn header(&mut self) -> std::io::Result<Result<Header, String>> {
        let mut header = Header::default();
        let mut line = Vec::new();
        let mut total = 0;
        let mut name = String::new();
        loop {
            line.clear();
            if !self.line(&mut line)? {
                return Ok(Err("ends within a record's header".to_string()));
            }
            total += line.len();
            if total > MAX_HEADER {
                return Ok(Err("a record's header longer than a MiB; the next record is looked for".to_string()));
            }
            let text = String::from_utf8_lossy(&line);
            if text.trim().is_empty() {
                return Ok(Ok(header));
            }
            if is_version(&line) {
                // The end of this header is lost and the next record begins.
                self.offset -= line.len() as u64;
                line.append(&mut self.back);
                self.back = line;
                return Ok(Err("a record's header breaks off".to_string()));
            }
            // A continued line belongs to the field before it; none of the fields that matter is ever continued.
            let (field, value) = match text.split_once(':') {
                Some((field, value)) if !text.starts_with([' ', '\t']) => (field.trim().to_lowercase(), value.trim()),
                _ => (std::mem::take(&mut name), ""),
            };
            if !value.is_empty() {
                header.set(&field, value);
            }
            name = field;
        }
    }

    /// One line with its line feed into `line`; false at the end.
    fn line(&mut self, line: &mut Vec<u8>) -> std::io::Result<bool> {
        loop {
            let chunk: &[u8] = if self.back.is_empty() { fill(&mut self.stream)? } else { &self.back };
            if chunk.is_empty() {
                return Ok(!line.is_empty());
            }
            let (used, fed) = memchr::memchr(b'\n', chunk).map_or((chunk.len(), false), |at| (at + 1, true));
            line.extend_from_slice(&chunk[..used.min(MAX_HEADER)]);
            self.consume(used);
            // A line without end is no header; its parts are taken for lines.
            if fed || line.len() >= MAX_HEADER {
                return Ok(true);
            }
        }
    }

    fn consume(&mut self, used: usize) {
        if self.back.is_empty() {
            self.stream.consume(used);
        } else {
            self.back.drain(..used);
        }
        self.offset += used as u64;
    }

    /// At most `length` bytes into `block`.
    fn take(&mut self, block: &mut Vec<u8>, length: u64) -> std::io::Result<()> {
        let mut missing = length;
        while missing > 0 {
            let chunk: &[u8] = if self.back.is_empty() { fill(&mut self.stream)? } else { &self.back };
            if chunk.is_empty() {
                return Ok(());
            }
            let used = usize::try_from(missing).unwrap_or(usize::MAX).min(chunk.len());
            block.extend_from_slice(&chunk[..used]);
            self.consume(used);
            missing -= used as u64;
        }
        Ok(())
    }

    fn skip(&mut self, length: u64) -> std::io::Result<u64> {
        let mut missing = length;
        while missing > 0 {
            let chunk: &[u8] = if self.back.is_empty() { fill(&mut self.stream)? } else { &self.back };
            if chunk.is_empty() {
                break;
            }
            let used = usize::try_from(missing).unwrap_or(usize::MAX).min(chunk.len());
            self.consume(used);
            missing -= used as u64;
        }
        Ok(length - missing)
    }

    /// Whether blank lines and then a record, or the end, follow; or the very two blank lines that end a record, whatever
    /// stands behind them. The blank lines are consumed, nothing else.
    fn stands_before_record(&mut self) -> std::io::Result<bool> {
        let (mut returns, mut feeds) = (0, 0);
        loop {
            if self.back.len() < MAGIC.len() {
                // Enough of the stream to look at, moved to what was given back.
                let chunk = fill(&mut self.stream)?;
                let used = chunk.len().min(64);
                self.back.extend_from_slice(&chunk[..used]);
                self.stream.consume(used);
                if used == 0 && self.back.is_empty() {
                    return Ok(true);
                }
                if used > 0 && self.back.len() < MAGIC.len() {
                    continue;
                }
            }
            match self.back[0] {
                b'\r' => {
                    returns += 1;
                    self.consume(1);
                }
                b'\n' => {
                    feeds += 1;
                    self.consume(1);
                }
                // A record without blank lines before it is a record still.
                _ => return Ok(is_version(&self.back) || (feeds == 2 && returns == 2)),
            }
        }
    }

    /// Reads on to the line that begins the next record and gives it back; what is passed over is added to `block` up to
    /// a number of bytes.
    fn find_record(&mut self, mut block: Option<(&mut Vec<u8>, usize)>) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if !self.line(&mut line)? {
                return Ok(());
            }
            if is_version(&line) {
                self.offset -= line.len() as u64;
                line.append(&mut self.back);
                self.back = line;
                return Ok(());
            }
            if let Some((block, room)) = &mut block {
                let free = room.saturating_sub(block.len());
                block.extend_from_slice(&line[..line.len().min(free)]);
            }
        }
    }
}

impl Header {
    fn set(&mut self, field: &str, value: &str) {
        let record = &mut self.record;
        let value_of = || Some(value.to_string());
        match field {
            "content-length" => self.length = value.parse().ok(),
            "warc-type" => record.kind = value.to_lowercase(),
            "warc-record-id" => record.id = value.to_string(),
            "warc-target-uri" => record.url = Some(value.trim_matches(['<', '>']).to_string()),
            "warc-date" => record.date = value_of(),
            "content-type" => record.content_type = value.to_lowercase(),
            "warc-identified-content-language" => record.languages = value_of(),
            _ => {}
        }
    }
}

fn fill(stream: &mut Stream) -> std::io::Result<&[u8]> {
    loop {
        match stream.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // The borrow checker wants the buffer asked for again; it costs nothing.
            Ok(_) => break,
        }
    }
    stream.fill_buf()
}

fn passed(kind: &str) -> Next {
    const KINDS: [&str; 5] = ["warcinfo", "request", "metadata", "revisit", "continuation"];
    Next::Passed { kind: KINDS.iter().find(|known| **known == kind).copied().unwrap_or("unknown") }
}

/// `WARC/` and a version.
fn is_version(line: &[u8]) -> bool {
    line.starts_with(MAGIC) && line.get(MAGIC.len()).is_some_and(u8::is_ascii_digit)
}

/// Where a block ends whose length is too long: before the blank lines that stand before the next record.
fn find_boundary(block: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(block, MAGIC).find_map(|at| {
        let before = &block[..at];
        let line_begins = before.ends_with(b"\n") || before.is_empty();
        let end = before.len() - before.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        (line_begins && at - end >= 2 && is_version(&block[at..])).then_some(end)
    })
}

/// Offsets of records, each at least `unit_bytes` behind the one before: the header of every record is read and its block
/// leapt over. `None` when a record is damaged or the file cannot be read; such a file is read as one.
pub(in crate::read) fn boundaries(file: &mut std::fs::File, size: u64, unit_bytes: u64) -> Option<Vec<u64>> {
    let mut starts = vec![0u64];
    let mut at = 0;
    let mut head = Vec::new();
    while at < size {
        file.seek(SeekFrom::Start(at)).ok()?;
        head.clear();
        file.by_ref().take(8192).read_to_end(&mut head).ok()?;
        let skipped = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if skipped == head.len() {
            break;
        }
        let header = &head[skipped..];
        let end = memchr::memmem::find(header, b"\r\n\r\n").map(|at| at + 4)?;
        if !is_version(header) {
            return None;
        }
        at += skipped as u64;
        if at - starts.last()? >= unit_bytes {
            starts.push(at);
        }
        let text = String::from_utf8_lossy(&header[..end]);
        let length = text.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim().eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<u64>().ok())?
        })?;
        at = at.checked_add(end as u64)?.checked_add(length)?;
    }
    // The last record must end in the file, and every one where the next begins; the loop has seen the rest.
    (at <= size).then_some(starts)
}
