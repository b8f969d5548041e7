//! Sorted runs of words on the disk: written when memory is full, merged when all is read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::tokenizer::TokenizerError;

/// Runs that are merged into one before there are more, so that not too many files are open at once.
const MOST_RUNS: usize = 64;
/// Bytes that are read or written at once.
const BUFFER: usize = 1 << 16;

/// A folder of runs, which goes when this goes. A record is the length of the word (32 bits), its bytes, and its count (64 bits).
pub(super) struct Runs {
    folder: PathBuf,
    files: Vec<PathBuf>,
    written: u64,
}

impl Runs {
    pub(super) fn create(folder: &Path) -> Result<Runs, TokenizerError> {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        Ok(Runs { folder: folder.to_owned(), files: Vec::new(), written: 0 })
    }

    /// How many runs were written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes a run of `words`, which are ordered by their bytes.
    pub(super) fn write<'a>(&mut self, words: impl Iterator<Item = (&'a str, u64)>) -> Result<(), TokenizerError> {
        if self.files.len() == MOST_RUNS {
            let mut run = Run::create(self.folder.join(format!("merged-{}", self.written)))?;
            self.merge_into(|word, count| run.push(word, count))?;
            let merged = run.finish()?;
            for file in std::mem::replace(&mut self.files, vec![merged]) {
                std::fs::remove_file(&file).map_err(failed(&file))?;
            }
        }
        let mut run = Run::create(self.folder.join(format!("run-{}", self.written)))?;
        for (word, count) in words {
            run.push(word, count)?;
        }
        self.files.push(run.finish()?);
        self.written += 1;
        Ok(())
    }

    /// Calls `visit` with every word and its count in all runs, ordered by the bytes of the words.
    pub(super) fn merge(&self, mut visit: impl FnMut(&str, u64)) -> Result<(), TokenizerError> {
        self.merge_into(|word, count| {
            visit(word, count);
            Ok(())
        })
    }

    fn merge_into(&self, mut visit: impl FnMut(&str, u64) -> Result<(), TokenizerError>) -> Result<(), TokenizerError> {
        let mut readers = self.files.iter().map(|file| Reader::open(file)).collect::<Result<Vec<_>, _>>()?;
        let mut heads: BinaryHeap<Reverse<(String, usize, u64)>> = BinaryHeap::new();
        for (number, reader) in readers.iter_mut().enumerate() {
            heads.extend(reader.next(String::new())?.map(|(word, count)| Reverse((word, number, count))));
        }
        let mut current = String::new();
        let mut total = 0;
        while let Some(Reverse((word, number, count))) = heads.pop() {
            if word == current {
                total += count;
            } else {
                if total > 0 {
                    visit(&current, total)?;
                }
                current.clone_from(&word);
                total = count;
            }
            heads.extend(readers[number].next(word)?.map(|(word, count)| Reverse((word, number, count))));
        }
        if total > 0 {
            visit(&current, total)?;
        }
        Ok(())
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        // What cannot be removed is no reason to fail: the work is done or lost already.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> TokenizerError {
    let path = path.to_owned();
    move |source| TokenizerError::Io { path, source }
}

/// A run being written.
struct Run {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Run {
    fn create(path: PathBuf) -> Result<Run, TokenizerError> {
        let file = File::create(&path).map_err(failed(&path))?;
        Ok(Run { file: BufWriter::with_capacity(BUFFER, file), path })
    }

    fn push(&mut self, word: &str, count: u64) -> Result<(), TokenizerError> {
        let mut write = || {
            self.file.write_all(&(word.len() as u32).to_le_bytes())?;
            self.file.write_all(word.as_bytes())?;
            self.file.write_all(&count.to_le_bytes())
        };
        write().map_err(failed(&self.path))
    }

    fn finish(mut self) -> Result<PathBuf, TokenizerError> {
        self.file.flush().map_err(failed(&self.path))?;
        Ok(self.path)
    }
}

/// A run being read.
struct Reader {
    path: PathBuf,
    file: BufReader<File>,
}

impl Reader {
    fn open(path: &Path) -> Result<Reader, TokenizerError> {
        let file = File::open(path).map_err(failed(path))?;
        Ok(Reader { path: path.to_owned(), file: BufReader::with_capacity(BUFFER, file) })
    }

    /// The next word, in the memory of `word`, with its count.
    fn next(&mut self, word: String) -> Result<Option<(String, u64)>, TokenizerError> {
        let mut bytes = word.into_bytes();
        let mut length = [0; 4];
        match self.file.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(failed(&self.path)(error)),
        }
        bytes.clear();
        bytes.resize(u32::from_le_bytes(length) as usize, 0);
        let mut count = [0; 8];
        let read = self.file.read_exact(&mut bytes).and_then(|()| self.file.read_exact(&mut count));
        read.map_err(failed(&self.path))?;
        let word = String::from_utf8(bytes)
            .map_err(|error| failed(&self.path)(std::io::Error::new(ErrorKind::InvalidData, error)))?;
        Ok(Some((word, u64::from_le_bytes(count))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rng::Rng;

    #[test]
    fn many_runs_merge_into_the_sums() {
        let dir = tempfile::tempdir().unwrap();
        let mut runs = Runs::create(&dir.path().join("runs")).unwrap();
        let mut rng = Rng::new(8);
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..3 * MOST_RUNS {
            let run: BTreeMap<String, u64> =
                (0..20).map(|_| (format!("{}", rng.below(60)), 1 + rng.below(1 << 40))).collect();
            run.iter().for_each(|(word, count)| *expected.entry(word.clone()).or_default() += count);
            runs.write(run.iter().map(|(word, count)| (word.as_str(), *count))).unwrap();
        }
        assert!(std::fs::read_dir(&runs.folder).unwrap().count() <= MOST_RUNS);
        let mut found = Vec::new();
        runs.merge(|word, count| found.push((word.to_owned(), count))).unwrap();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}
