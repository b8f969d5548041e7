//! The linear model: for every hashed run of letters a weight a language.

use std::sync::LazyLock;

use super::scripts::{Script, of_letter};

/// Languages the model tells apart, by script.
pub const LANGUAGES: [(&str, Script); SIZE] = {
    use Script::{Arabic, Cyrillic, Latin};
    [
        ("en", Latin),
        ("de", Latin),
        ("fr", Latin),
        ("es", Latin),
        ("it", Latin),
        ("pt", Latin),
        ("nl", Latin),
        ("sv", Latin),
        ("da", Latin),
        ("no", Latin),
        ("fi", Latin),
        ("pl", Latin),
        ("cs", Latin),
        ("sk", Latin),
        ("sl", Latin),
        ("hr", Latin),
        ("hu", Latin),
        ("ro", Latin),
        ("tr", Latin),
        ("id", Latin),
        ("vi", Latin),
        ("ca", Latin),
        ("et", Latin),
        ("lt", Latin),
        ("lv", Latin),
        ("ru", Cyrillic),
        ("uk", Cyrillic),
        ("bg", Cyrillic),
        ("sr", Cyrillic),
        ("mk", Cyrillic),
        ("ar", Arabic),
        ("fa", Arabic),
    ]
};

/// Languages.
const SIZE: usize = 32;
/// Bits of a bucket.
const BITS: u32 = 16;
/// Longest run of letters.
const LONGEST: usize = 5;
/// Letters of a word that its hash takes in.
const WORD: usize = 24;

/// The packed file: per language a bias (32-bit float), one scale, then a byte a bucket and language.
static PACKED: &[u8] = include_bytes!("model.zst");

struct Model {
    bias: [f32; SIZE],
    scale: f32,
    weights: Vec<[i8; SIZE]>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    // The file is part of the program; the tests read it.
    let bytes = zstd::decode_all(PACKED).unwrap_or_default();
    let number =
        |at: usize| bytes.get(at * 4..at * 4 + 4).map_or(0.0, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let rows = bytes.get(4 * (SIZE + 1)..).unwrap_or_default();
    let mut weights = vec![[0i8; SIZE]; 1 << BITS];
    for (row, values) in weights.iter_mut().zip(rows.as_chunks::<SIZE>().0) {
        *row = values.map(|byte| byte as i8);
    }
    Model { bias: std::array::from_fn(number), scale: number(SIZE), weights }
});

fn step(hash: u32, letter: u32) -> u32 {
    (hash ^ letter).wrapping_mul(0x9e37_79b1).rotate_left(5)
}

fn bucket(mut hash: u32) -> usize {
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x2c1b_3c6d);
    hash ^= hash >> 12;
    (hash & ((1 << BITS) - 1)) as usize
}

/// Adds up the weights of the words of one script.
struct Sum<'m> {
    model: &'m Model,
    sums: [i32; SIZE],
    count: u32,
}

impl Sum<'_> {
    fn add(&mut self, hash: u32) {
        let row = &self.model.weights[bucket(hash)];
        for (sum, &weight) in self.sums.iter_mut().zip(row) {
            *sum += i32::from(weight);
        }
        self.count += 1;
    }

    /// A word with a zero at each end.
    fn word(&mut self, word: &[u32]) {
        for n in 1..=LONGEST.min(word.len()) {
            let first = 0x811c_9dc5u32.wrapping_add((n as u32).wrapping_mul(0x0100_0193));
            for run in word.windows(n) {
                // The ends alone say nothing.
                if n == 1 && run[0] == 0 {
                    continue;
                }
                self.add(run.iter().fold(first, |hash, &letter| step(hash, letter)));
            }
        }
        let letters = &word[1..word.len() - 1];
        self.add(letters.iter().take(WORD).fold(0x1234_5671, |hash, &letter| step(hash, letter)));
    }
}

/// The likeliest language of the words of one script, and its chance among the languages of that script.
pub fn best(script: Script, texts: &[&str]) -> (&'static str, f64) {
    let model = &*MODEL;
    let mut sum = Sum { model, sums: [0; SIZE], count: 0 };
    let mut word: Vec<u32> = vec![0];
    for text in texts {
        for c in text.chars().chain([' ']) {
            if of_letter(c) == Some(script) {
                // Only the first letter of what a lower case may be.
                word.push(c.to_lowercase().next().map_or(0, u32::from));
            } else if word.len() > 1 {
                word.push(0);
                sum.word(&word);
                word.truncate(1);
            }
        }
    }
    let scale = f64::from(model.scale) / f64::from(sum.count.max(1)).sqrt();
    let mut best = (0, f64::NEG_INFINITY);
    let mut values = [f64::NEG_INFINITY; SIZE];
    for (at, (_, of)) in LANGUAGES.iter().enumerate() {
        if *of == script {
            values[at] = f64::from(sum.sums[at]) * scale + f64::from(model.bias[at]);
            if values[at] > best.1 {
                best = (at, values[at]);
            }
        }
    }
    let all: f64 = values.iter().map(|value| (value - best.1).exp()).sum();
    (LANGUAGES[best.0].0, 1.0 / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_model_is_whole() {
        assert_eq!(zstd::decode_all(PACKED).unwrap().len(), 4 * (SIZE + 1) + (SIZE << BITS));
        assert!(MODEL.scale > 0.0 && MODEL.bias.iter().all(|bias| bias.is_finite()));
        assert!(MODEL.weights.iter().flatten().any(|&weight| weight != 0));
    }
}
