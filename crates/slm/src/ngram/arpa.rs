//! The ARPA format: the field's text form of back-off n-gram models (Doug Paul, MIT Lincoln Laboratory; SRILM's
//! `ngram-format(5)`), which KenLM, SRILM and IRSTLM read.
//!
//! A line is the base-10 logarithm of the probability, a tab, the tokens with spaces between, and, where something
//! follows the n-gram, a tab and the base-10 logarithm of its back-off weight. Tokens are written as their ids in
//! decimal. Numbers have 7 decimals, and a file that was read is written back byte for byte.
//!
//! Reading is strict: the sections must stand in order and hold exactly what `\data\` announces, the unigrams must be
//! the ids 0 … V − 1, each once, and the context of every n-gram must be there.

use std::f64::consts::LN_10;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{Level, MAX_ORDER, MAX_VOCABULARY, NGram, TOKEN_BITS, estimate::unpack, link, low_tokens};
use crate::error::SlmError;

/// Name of the model inside an artifact folder.
pub const ARPA_FILE: &str = "lm.arpa";
/// Longer lines are no ARPA: six ids and two numbers take less.
const LONGEST_LINE: u64 = 1024;

impl NGram {
    /// Write the model as ARPA text: to `path`, or to `lm.arpa` inside it when it is a folder.
    pub fn save(&self, path: &Path) -> Result<(), SlmError> {
        self.write_arpa(&arpa_file(path))
    }

    /// Read an ARPA file, or the `lm.arpa` of a folder.
    pub fn load(path: &Path) -> Result<NGram, SlmError> {
        NGram::read_arpa(&arpa_file(path))
    }

    /// Write the model as ARPA text to exactly this file.
    pub fn write_arpa(&self, path: &Path) -> Result<(), SlmError> {
        let file = File::create(path).map_err(|e| SlmError::io("write", path, e))?;
        self.write_text(BufWriter::with_capacity(1 << 18, file)).map_err(|e| SlmError::io("write", path, e))
    }

    fn write_text(&self, mut out: impl Write) -> std::io::Result<()> {
        writeln!(out, "\\data\\")?;
        for (below, level) in self.levels.iter().enumerate() {
            writeln!(out, "ngram {}={}", below + 1, level.words.len())?;
        }
        let mut contexts: Vec<u128> = Vec::new();
        for (below, level) in self.levels.iter().enumerate() {
            writeln!(out, "\n\\{}-grams:", below + 1)?;
            let keys = self.keys(below, &contexts);
            let mut tokens = vec![0u32; below + 1];
            for (entry, &key) in keys.iter().enumerate() {
                unpack(key, &mut tokens);
                write!(out, "{}\t{}", decimals(level.log_probs[entry]), tokens[0])?;
                for token in &tokens[1..] {
                    write!(out, " {token}")?;
                }
                if level.children.get(entry) != level.children.get(entry + 1) {
                    write!(out, "\t{}", decimals(level.log_backoffs[entry]))?;
                }
                writeln!(out)?;
            }
            contexts = keys;
        }
        writeln!(out, "\n\\end\\")?;
        out.flush()
    }

    /// The packed n-grams of a level, from those of the level below it.
    fn keys(&self, level: usize, contexts: &[u128]) -> Vec<u128> {
        let words = &self.levels[level].words;
        if level == 0 {
            return words.iter().map(|&word| u128::from(word)).collect();
        }
        let mut keys = Vec::with_capacity(words.len());
        for (context, range) in contexts.iter().zip(self.levels[level - 1].children.windows(2)) {
            let continuations = &words[range[0] as usize..range[1] as usize];
            keys.extend(continuations.iter().map(|&word| (context << TOKEN_BITS) | u128::from(word)));
        }
        keys
    }

    /// Read ARPA text whose tokens are ids in decimal.
    ///
    /// # Errors
    /// Every error in the text names the file and the line.
    pub fn read_arpa(path: &Path) -> Result<NGram, SlmError> {
        let file = File::open(path).map_err(|e| SlmError::io("read", path, e))?;
        let lines =
            Lines { reader: BufReader::with_capacity(1 << 18, file), path: path.to_owned(), line: 0, buffer: vec![] };
        read_text(lines)
    }
}

fn arpa_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(ARPA_FILE) } else { path.to_owned() }
}

/// A natural logarithm as a base-10 logarithm with 7 decimals.
fn decimals(natural: f64) -> String {
    let text = format!("{:.7}", natural / LN_10);
    // A rounded-off zero has no sign, so that reading and writing again changes nothing.
    if text == "-0.0000000" { text[1..].to_owned() } else { text }
}

/// The lines of a file, counted.
struct Lines<R> {
    reader: R,
    path: PathBuf,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line that is not blank, without surrounding white space; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<&str>, SlmError> {
        loop {
            self.buffer.clear();
            let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|e| SlmError::io("read", &self.path, e))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 == LONGEST_LINE {
                return Err(self.error("the line is too long; this is not an ARPA file".to_owned()));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => Ok(Some(text.trim_ascii())),
            Err(_) => {
                let message = "the line is not UTF-8; this is not an ARPA file".to_owned();
                Err(SlmError::Arpa { path: self.path.clone(), line: self.line, message })
            }
        }
    }

    fn error(&self, message: String) -> SlmError {
        SlmError::Arpa { path: self.path.clone(), line: self.line, message }
    }

    /// The next line must be there.
    fn expect(&mut self, wanted: &str) -> Result<String, SlmError> {
        match self.next()? {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.error(format!("the file ends where {wanted} should come"))),
        }
    }
}

fn read_text(mut lines: Lines<impl BufRead>) -> Result<NGram, SlmError> {
    let first = lines.expect("`\\data\\`")?;
    if first != "\\data\\" {
        return Err(lines.error(format!("expected `\\data\\`, found `{first}`")));
    }
    let mut announced: Vec<usize> = Vec::new();
    let mut heading = loop {
        let text = lines.expect("`\\1-grams:`")?;
        let Some(rest) = text.strip_prefix("ngram ") else {
            break text;
        };
        let parsed = rest.split_once('=').and_then(|(order, count)| {
            Some((order.trim().parse::<usize>().ok()?, count.trim().parse::<usize>().ok()?))
        });
        match parsed {
            Some((order, count)) if order == announced.len() + 1 && count < u32::MAX as usize => announced.push(count),
            _ => {
                return Err(lines.error(format!("expected `ngram {}=COUNT`, found `{text}`", announced.len() + 1)));
            }
        }
    };
    if !(1..=MAX_ORDER).contains(&announced.len()) {
        return Err(lines.error(format!("the order is {}, expected 1 to {MAX_ORDER}", announced.len())));
    }
    let vocabulary_size = announced[0];
    if !(1..=MAX_VOCABULARY).contains(&vocabulary_size) {
        return Err(lines.error(format!("{vocabulary_size} unigrams, expected 1 to {MAX_VOCABULARY}")));
    }
    let mut model = NGram { vocabulary_size, levels: Vec::new(), discounts: Vec::new() };
    let mut contexts: Vec<u128> = Vec::new();
    for (below, &count) in announced.iter().enumerate() {
        let order = below + 1;
        if heading != format!("\\{order}-grams:") {
            return Err(lines.error(format!("expected `\\{order}-grams:`, found `{heading}`")));
        }
        let highest = order == announced.len();
        let mut entries = read_section(&mut lines, order, count, vocabulary_size, highest)?;
        entries.sort_unstable_by_key(|entry| entry.key);
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].key == pair[1].key) {
            lines.line = pair[0].line.max(pair[1].line);
            return Err(lines.error(format!("the {order}-gram stands here for the second time")));
        }
        let keys: Vec<u128> = entries.iter().map(|entry| entry.key).collect();
        if let Some(shorter) = model.levels.last_mut() {
            shorter.children = link(contexts.into_iter(), &keys).map_err(|orphan| {
                lines.line = entries[orphan].line;
                lines.error(format!("the {below}-gram that this {order}-gram begins with is not in the file"))
            })?;
        }
        model.levels.push(Level {
            words: keys.iter().map(|key| (key & low_tokens(1)) as u32).collect(),
            log_probs: entries.iter().map(|entry| entry.log_prob).collect(),
            log_backoffs: if highest { Vec::new() } else { entries.iter().map(|entry| entry.log_backoff).collect() },
            children: Vec::new(),
        });
        contexts = keys;
        heading = lines.expect("`\\end\\`")?;
    }
    if heading != "\\end\\" {
        return Err(lines.error(format!("expected `\\end\\`, found `{heading}`")));
    }
    match lines.next()? {
        None => Ok(model),
        Some(_) => Err(lines.error("text after `\\end\\`".to_owned())),
    }
}

/// One line of a section.
struct Entry {
    key: u128,
    log_prob: f64,
    log_backoff: f64,
    line: u64,
}

fn read_section(
    lines: &mut Lines<impl BufRead>,
    order: usize,
    count: usize,
    vocabulary_size: usize,
    highest: bool,
) -> Result<Vec<Entry>, SlmError> {
    // The announced count is not trusted with memory before the lines have come.
    let mut entries = Vec::with_capacity(count.min(1 << 16));
    for index in 0..count {
        let wanted = "more n-grams";
        let Some(text) = lines.next()? else {
            return Err(lines.error(format!("the file ends where {wanted} should come")));
        };
        if text.starts_with('\\') {
            let message = format!("the section ends after {index} of {count} {order}-grams");
            return Err(lines.error(message));
        }
        match parse_entry(text, order, vocabulary_size, highest) {
            Ok((key, log_prob, log_backoff)) => {
                entries.push(Entry { key, log_prob, log_backoff, line: lines.line });
            }
            Err(message) => return Err(lines.error(message)),
        }
    }
    Ok(entries)
}

/// Packed tokens, ln p and ln back-off of one line.
fn parse_entry(text: &str, order: usize, vocabulary_size: usize, highest: bool) -> Result<(u128, f64, f64), String> {
    let mut fields = text.split_ascii_whitespace();
    let log_prob = fields.next().and_then(|field| field.parse::<f64>().ok());
    let Some(log_prob) = log_prob.filter(|log_prob| *log_prob <= 0.0) else {
        return Err(format!("`{}` is not the logarithm of a probability", text.split('\t').next().unwrap_or(text)));
    };
    let mut key = 0u128;
    for position in 0..order {
        let Some(field) = fields.next() else {
            return Err(format!("{position} tokens, expected {order}"));
        };
        let id = field.parse::<u32>().ok().filter(|&id| (id as usize) < vocabulary_size);
        let Some(id) = id else {
            return Err(format!("`{field}` is not a token id below {vocabulary_size}"));
        };
        key = (key << TOKEN_BITS) | u128::from(id);
    }
    let log_backoff = match fields.next() {
        None => 0.0,
        Some(field) if highest => {
            return Err(format!("`{field}` after the last token of an n-gram of the highest order"));
        }
        Some(field) => match field.parse::<f64>().ok().filter(|weight| weight.is_finite()) {
            Some(weight) => weight,
            None => return Err(format!("`{field}` is not a back-off weight")),
        },
    };
    match fields.next() {
        Some(field) => Err(format!("`{field}` after the back-off weight")),
        None => Ok((key, log_prob * LN_10, log_backoff * LN_10)),
    }
}
