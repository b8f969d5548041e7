//! Inputs are cut into units by their shape alone, never by the number of workers: a small file is one unit, a large one
//! several byte ranges at record boundaries or several row groups. A document's id depends on the file and the record,
//! not on the unit, so the size of units changes no id.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::encoding::{SAMPLE, detect};
use super::plain::is_separator;
use super::report::ReadReport;
use super::walk::{self, Found};
use super::{ReadOptions, parquet, remote, warc};
use crate::error::CorpusError;

/// Packing around a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// As it is.
    None,
    /// gzip, of one or many members.
    Gzip,
    /// Zstandard, of one or many frames.
    Zstd,
    /// bzip2, of one or many streams.
    Bzip2,
}

/// What is inside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text and Markdown.
    Text,
    /// JSON lines.
    JsonLines,
    /// Parquet tables.
    Parquet,
    /// Web archives: WARC, WET.
    Warc,
    /// Dumps of MediaWiki in XML.
    MediaWiki,
    /// A page.
    Html,
    /// Source code.
    Code,
}

impl Format {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::JsonLines => "jsonl",
            Format::Parquet => "parquet",
            Format::Warc => "warc",
            Format::MediaWiki => "mediawiki",
            Format::Html => "html",
            Format::Code => "code",
        }
    }
}

/// A part of the inputs that is read by one worker from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// The file.
    pub path: PathBuf,
    /// Path below the folder that was given, with `/`: the stem of document ids, equal wherever the folder lies.
    pub relative: String,
    /// What is inside.
    pub format: Format,
    /// How it is packed.
    pub packing: Packing,
    /// Which part of it.
    pub part: Part,
    /// Bytes of the stored file that this unit covers.
    pub bytes: u64,
}

/// Which part of a file a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// All of it.
    Whole,
    /// Bytes `start..end`, whole records.
    Bytes {
        /// First byte.
        start: u64,
        /// One beyond the last byte.
        end: u64,
        /// Number of its first line, from 1.
        first_line: u64,
        /// Records (documents of a text file) before it.
        first_record: u64,
    },
    /// Row groups `start..end` of a table.
    Groups {
        /// First group.
        start: usize,
        /// One beyond the last group.
        end: usize,
        /// Rows before it.
        first_row: u64,
    },
}

impl Unit {
    /// A file that is a page, whatever its name ends in.
    pub fn page(path: &Path) -> Unit {
        Unit {
            path: path.to_path_buf(),
            relative: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            format: Format::Html,
            packing: Packing::None,
            part: Part::Whole,
            bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }

    /// A name that tells the unit from all others of the same inputs: the relative path and, of a cut file, its part.
    pub fn name(&self) -> String {
        match self.part {
            Part::Whole => self.relative.clone(),
            Part::Bytes { start, end, .. } => format!("{}@{start}-{end}", self.relative),
            Part::Groups { start, end, .. } => format!("{}@groups-{start}-{end}", self.relative),
        }
    }
}

/// Cuts the files under `paths` into units, in the order of the paths and, below a folder, in path order. The report
/// names what could not even be listed.
///
/// # Errors
/// [`CorpusError::Missing`], [`CorpusError::NotAFile`], [`CorpusError::UnknownFormat`] (a file given by name whose kind
/// no reader knows), [`CorpusError::Io`] when a folder given cannot be listed.
pub fn units(paths: &[PathBuf], options: &ReadOptions) -> Result<(Vec<Unit>, ReadReport), CorpusError> {
    let mut units = Vec::new();
    let mut report = ReadReport::default();
    let mut taken = HashSet::new();
    for path in paths {
        let found =
            if remote::is_remote(path) { remote::files(path, options)? } else { walk::files(&remote::local(path))? };
        if found.other_files > 0 {
            *report.counts.entry("files of other kinds skipped".to_string()).or_default() += found.other_files;
        }
        for problem in found.problems {
            report.problem(problem, options.max_problems);
        }
        for mut file in found.files {
            // Two folders may hold files of one name; ids tell them apart by the name of the folder.
            if !taken.insert(file.relative.clone()) {
                file.relative = distinct(&file.path, &file.relative, &taken);
                taken.insert(file.relative.clone());
            }
            cut(file, options, &mut units);
        }
    }
    Ok((units, report))
}

/// A name for a file whose relative path is taken: with as many of the folders above as it needs, else with a number.
fn distinct(path: &Path, relative: &str, taken: &HashSet<String>) -> String {
    let names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let below = relative.split('/').count();
    let longer = (below + 1..=names.len()).map(|count| names[names.len() - count..].join("/"));
    let numbered = (2u64..).map(|number| format!("{relative}~{number}"));
    longer.chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

/// The units of one file.
fn cut(file: Found, options: &ReadOptions, units: &mut Vec<Unit>) {
    let size = file.size;
    let unit = |part, bytes| Unit {
        path: file.path.clone(),
        relative: file.relative.clone(),
        format: file.format,
        packing: file.packing,
        part,
        bytes,
    };
    // An object of a store is read front to back.
    let parts = if size <= options.unit_bytes || remote::is_remote(&file.path) {
        None
    } else {
        match (file.format, file.packing) {
            (Format::JsonLines, Packing::None) => byte_ranges(&file.path, size, options, b""),
            (Format::Text, Packing::None) if options.split_bytes == 0 && !options.separator.is_empty() => {
                byte_ranges(&file.path, size, options, options.separator.as_bytes())
            }
            (Format::Parquet, _) => row_groups(&file.path, size, options),
            (Format::Warc, Packing::None | Packing::Gzip) => archive_ranges(&file, size, options),
            _ => None,
        }
    };
    match parts {
        Some(parts) if parts.len() > 1 => units.extend(parts.into_iter().map(|(part, bytes)| unit(part, bytes))),
        _ => units.push(unit(Part::Whole, size)),
    }
}

/// Ranges of about `unit_bytes`, each ended by a line feed, or by a separator line where there is one. The whole file is
/// read once for it, because a record's name has the number of its line, whatever the units; `None` when the file is
/// written in 16-bit characters, whose line feeds are not bytes, or cannot be read.
fn byte_ranges(path: &Path, size: u64, options: &ReadOptions, separator: &[u8]) -> Option<Vec<(Part, u64)>> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(SAMPLE).read_to_end(&mut head).ok()?;
    // The encoding is decided for the whole file, by its beginning; a part of a file in another one cannot know it, and
    // the line feeds of 16-bit characters are no bytes.
    if detect(&head).ok()?.encoding != encoding_rs::UTF_8 {
        return None;
    }
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
    let (mut start, mut at, mut line, mut record) = (0u64, 0u64, 1u64, 0u64);
    let (mut first_line, mut first_record) = (1, 0);
    let mut parts = Vec::new();
    // The beginning of the line that is being read, as much as a separator may have.
    let mut beginning: Vec<u8> = Vec::new();
    let room = separator.len() + 3;
    loop {
        let chunk = reader.fill_buf().ok()?;
        if chunk.is_empty() {
            break;
        }
        let used = chunk.len();
        let mut from = 0;
        for feed in memchr::memchr_iter(b'\n', chunk) {
            line += 1;
            let record_ends = if separator.is_empty() {
                true
            } else {
                extend(&mut beginning, &chunk[from..=feed], room);
                let ends = is_separator(&beginning, separator);
                beginning.clear();
                ends
            };
            from = feed + 1;
            if record_ends {
                record += 1;
                let end = at + feed as u64 + 1;
                if end - start >= options.unit_bytes && end < size {
                    parts.push((Part::Bytes { start, end, first_line, first_record }, end - start));
                    (start, first_line, first_record) = (end, line, record);
                }
            }
        }
        if !separator.is_empty() {
            extend(&mut beginning, &chunk[from..], room);
        }
        reader.consume(used);
        at += used as u64;
    }
    parts.push((Part::Bytes { start, end: at, first_line, first_record }, at - start));
    Some(parts)
}

fn extend(beginning: &mut Vec<u8>, more: &[u8], room: usize) {
    let free = room.saturating_sub(beginning.len());
    beginning.extend_from_slice(&more[..more.len().min(free)]);
}

/// Ranges of about `unit_bytes` that begin with a record (plain archives) or a packed member (of one record each).
fn archive_ranges(file: &Found, size: u64, options: &ReadOptions) -> Option<Vec<(Part, u64)>> {
    let mut handle = File::open(&file.path).ok()?;
    let starts = match file.packing {
        Packing::Gzip => warc::member_boundaries(&mut handle, size, options.unit_bytes)?,
        _ => warc::boundaries(&mut handle, size, options.unit_bytes)?,
    };
    let ends = starts.iter().skip(1).copied().chain([size]);
    let parts = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| (Part::Bytes { start, end, first_line: 1, first_record: 0 }, end - start));
    Some(parts.collect())
}

/// Runs of row groups of about `unit_bytes`.
fn row_groups(path: &Path, size: u64, options: &ReadOptions) -> Option<Vec<(Part, u64)>> {
    let groups = parquet::groups(path)?;
    let share = size / (groups.len() as u64).max(1);
    let at_once = usize::try_from(options.unit_bytes / share.max(1)).unwrap_or(usize::MAX).max(1);
    let mut first_row = 0;
    let parts = groups.chunks(at_once).enumerate().map(|(index, chunk)| {
        let start = index * at_once;
        let part = Part::Groups { start, end: start + chunk.len(), first_row };
        first_row += chunk.iter().sum::<u64>();
        (part, share * chunk.len() as u64)
    });
    Some(parts.collect())
}
