//! The linear model: for every hashed run of letters a weight a language.

use std::cell::RefCell;
use std::sync::LazyLock;

use super::scripts::{Script, of_letter};
use crate::signals::bytes::letters_from;

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

/// Calls `run` with the hash of every run of letters of a word with a zero at each end, and with that of the whole word.
#[inline]
fn each_run(word: &[u32], mut run: impl FnMut(u32)) {
    for n in 1..=LONGEST.min(word.len()) {
        let first = 0x811c_9dc5u32.wrapping_add((n as u32).wrapping_mul(0x0100_0193));
        for letters in word.windows(n) {
            // The ends alone say nothing.
            if n == 1 && letters[0] == 0 {
                continue;
            }
            run(letters.iter().fold(first, |hash, &letter| step(hash, letter)));
        }
    }
    let letters = &word[1..word.len() - 1];
    run(letters.iter().take(WORD).fold(0x1234_5671, |hash, &letter| step(hash, letter)));
}

/// Adds up the weights of the words of one script.
struct Sum<'m> {
    model: &'m Model,
    sums: [i32; SIZE],
    count: u32,
}

impl Sum<'_> {
    /// A word with a zero at each end.
    fn word(&mut self, word: &[u32]) {
        each_run(word, |hash| {
            for (sum, &weight) in self.sums.iter_mut().zip(&self.model.weights[bucket(hash)]) {
                *sum += i32::from(weight);
            }
            self.count += 1;
        });
    }
}

/// The sums of a word, kept: words of a text repeat, and each costs some thirty rows of the table.
#[derive(Clone, Copy)]
struct Kept {
    /// The word, packed; 0 where there is none.
    word: u128,
    sums: [i16; SIZE],
    count: u16,
}

/// Words that are kept, each in the one place its hash says.
const KEPT: usize = 1 << 13;

thread_local! {
    static WORDS: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// Letters of a word packed into one number: one byte each where all are ASCII, two otherwise; `None` where they do not fit. Two
/// different words never give the same number: a letter of two bytes has one that no ASCII letter has.
fn packed(letters: &[u32]) -> Option<u128> {
    let ascii = letters.iter().all(|&letter| letter < 0x80);
    let (most, bits) = if ascii { (16, 8) } else { (8, 16) };
    if letters.len() > most || letters.iter().any(|&letter| letter > 0xffff) {
        return None;
    }
    Some(letters.iter().rev().fold(0, |word, &letter| word << bits | u128::from(letter)))
}

/// Where a word is kept.
fn place_of(word: u128) -> usize {
    let hash = (word as u64 ^ (word >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 51) as usize
}

impl Sum<'_> {
    /// Adds the sums of a word of ASCII letters where it was seen before.
    fn known_ascii(&mut self, letters: &[u8], kept: &[Kept]) -> bool {
        let mut key = [0u8; 16];
        let Some(head) = key.get_mut(..letters.len()) else { return false };
        head.copy_from_slice(letters);
        // No letter's bit beside the sixth changes, and what stands behind the word stays 0.
        head.iter_mut().for_each(|letter| *letter |= 0x20);
        let key = u128::from_le_bytes(key);
        match kept.get(place_of(key)) {
            Some(place) if place.word == key => {
                self.add(place);
                true
            }
            _ => false,
        }
    }

    fn add(&mut self, kept: &Kept) {
        for (sum, &more) in self.sums.iter_mut().zip(&kept.sums) {
            *sum += i32::from(more);
        }
        self.count += u32::from(kept.count);
    }

    /// [`Sum::word`], looked up where it was seen before.
    fn known_word(&mut self, word: &[u32], kept: &mut [Kept]) {
        let letters = &word[1..word.len() - 1];
        let Some(key) = packed(letters).filter(|&key| key != 0) else { return self.word(word) };
        let Some(place) = kept.get_mut(place_of(key)) else { return self.word(word) };
        if place.word != key {
            // A word that fits has some ninety runs at most, whose bytes add up within sixteen bits.
            *place = Kept { word: key, sums: [0; SIZE], count: 0 };
            let model = self.model;
            each_run(word, |hash| {
                for (sum, &weight) in place.sums.iter_mut().zip(&model.weights[bucket(hash)]) {
                    *sum += i16::from(weight);
                }
                place.count += 1;
            });
        }
        self.add(place);
    }
}

/// The likeliest language of the words of one script, and its chance among the languages of that script.
pub fn best(script: Script, texts: &[&str]) -> (&'static str, f64) {
    WORDS.with_borrow_mut(|kept| {
        kept.resize(KEPT, Kept { word: 0, sums: [0; SIZE], count: 0 });
        best_with(script, texts, kept)
    })
}

fn best_with(script: Script, texts: &[&str], kept: &mut [Kept]) -> (&'static str, f64) {
    let model = &*MODEL;
    let mut sum = Sum { model, sums: [0; SIZE], count: 0 };
    let mut word: Vec<u32> = vec![0];
    for text in texts {
        let mut at = 0;
        let bytes = text.as_bytes();
        loop {
            // A whole word of ASCII letters needs no list of letters where it is known.
            if script == Script::Latin && word.len() == 1 {
                let (end, _) = letters_from(bytes, at);
                if end > at && bytes.get(end).is_none_or(u8::is_ascii) {
                    if !sum.known_ascii(&bytes[at..end], kept) {
                        word.extend(bytes[at..end].iter().map(|&letter| u32::from(letter | 0x20)));
                        word.push(0);
                        sum.known_word(&word, kept);
                        word.truncate(1);
                    }
                    at = end;
                }
            }
            let next = text[at..].chars().next();
            let c = next.unwrap_or(' ');
            at += c.len_utf8();
            if c.is_ascii_alphabetic() && script == Script::Latin {
                word.push(u32::from(c) | 0x20);
            } else if !c.is_ascii() && of_letter(c) == Some(script) {
                // Only the first letter of what a lower case may be.
                word.push(c.to_lowercase().next().map_or(0, u32::from));
            } else if word.len() > 1 {
                word.push(0);
                sum.known_word(&word, kept);
                word.truncate(1);
            }
            if next.is_none() {
                break;
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
    fn words_that_are_kept_have_the_sums_of_words() {
        let texts = [
            "The Ship left the harbour",
            "à côté de là où l'été était",
            "Extraordinarily-antidisestablishmentarianism ſ K ß",
        ];
        let mut kept = vec![Kept { word: 0, sums: [0; SIZE], count: 0 }; KEPT];
        for _ in 0..2 {
            for text in texts {
                assert_eq!(
                    best_with(Script::Latin, &[text], &mut kept),
                    best_with(Script::Latin, &[text], &mut []),
                    "{text}"
                );
            }
        }
        assert_eq!(packed(&[0x61, 0x62]), Some(0x6261));
        assert_eq!(packed(&[0x61; 17]), None);
        assert_ne!(packed(&[0xe9, 0x61]), packed(&[0xe9]));
    }

    #[test]
    fn the_packed_model_is_whole() {
        assert_eq!(zstd::decode_all(PACKED).unwrap().len(), 4 * (SIZE + 1) + (SIZE << BITS));
        assert!(MODEL.scale > 0.0 && MODEL.bias.iter().all(|bias| bias.is_finite()));
        assert!(MODEL.weights.iter().flatten().any(|&weight| weight != 0));
    }
}
