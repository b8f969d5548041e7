//! SHA-256 over numbers and names, for telling data, weights and files apart.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Result, TrainError};

/// A running hash. Every part is preceded by its length, so that neighbouring parts cannot run into each other.
pub(crate) struct Digest(Sha256);

impl Digest {
    /// An empty hash for things of kind `kind`.
    pub(crate) fn new(kind: &str) -> Self {
        let mut digest = Digest(Sha256::new());
        digest.bytes(kind.as_bytes());
        digest
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub(crate) fn ids(&mut self, ids: &[u32]) {
        self.words(ids, u32::to_le_bytes);
    }

    pub(crate) fn floats(&mut self, values: &[f32]) {
        self.words(values, f32::to_le_bytes);
    }

    fn words<T: Copy>(&mut self, words: &[T], to_bytes: impl Fn(T) -> [u8; 4]) {
        self.number(words.len() as u64);
        let mut buffer = Vec::with_capacity(4 * words.len().min(4096));
        for block in words.chunks(4096) {
            buffer.clear();
            buffer.extend(block.iter().flat_map(|&word| to_bytes(word)));
            self.0.update(&buffer);
        }
    }

    /// The hash in hexadecimal.
    pub(crate) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// SHA-256 of a file's bytes, as `sha256sum` prints it.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(TrainError::io(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(TrainError::io(path))?;
        if read == 0 {
            return Ok(hexadecimal(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
