//! What single bytes are, and runs of ASCII letters: the innermost loops of the pass over a text.

/// An ASCII letter.
pub const LETTER: u8 = 1;
/// A capital.
pub const UPPER: u8 = 2;
/// A digit.
pub const DIGIT: u8 = 4;
/// White space; such a byte is nothing else.
pub const SPACE: u8 = 8;
/// A byte of a character beyond ASCII; it is nothing else.
pub const HIGH: u8 = 16;
/// Anything else.
pub const MARK: u8 = 32;
/// A character that MADLAD calls technical, beside what else it is.
pub const TECHNICAL: u8 = 64;

/// The class of every byte.
pub static CLASSES: [u8; 256] = {
    let mut classes = [MARK; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_lowercase() {
            classes[byte] = LETTER;
        } else if b.is_ascii_uppercase() {
            classes[byte] = LETTER | UPPER;
        } else if b.is_ascii_digit() {
            classes[byte] = DIGIT | TECHNICAL;
        } else if matches!(b, b'{' | b'}' | b'+' | b'/' | b'(' | b')' | b'>') {
            classes[byte] = MARK | TECHNICAL;
        } else if b == b' ' || (b >= 9 && b <= 13) || (b >= 28 && b <= 31) {
            classes[byte] = SPACE;
        } else if byte >= 128 {
            classes[byte] = HIGH;
        }
        byte += 1;
    }
    classes
};

/// Where the run of ASCII letters ends that begins at `start`, and how many of them are capitals: eight bytes at a step, because the
/// ends of words cannot be foreseen byte by byte.
#[inline]
pub fn letters_from(bytes: &[u8], start: usize) -> (usize, u32) {
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (mut at, mut capitals) = (start, 0);
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let chunk = u64::from_le_bytes(*chunk);
        // The highest bit of each byte says whether it is a letter: lower case, at least a, and not beyond z. No sum carries over.
        let lower = (chunk | (0x20 * ONES)) & !HIGHS;
        let letters = (lower + (0x80 - 0x61) * ONES) & !(lower + (0x80 - 0x7b) * ONES) & !chunk & HIGHS;
        let run = (!letters & HIGHS).trailing_zeros() / 8;
        let inside = if run == 8 { HIGHS } else { HIGHS & ((1 << (8 * run)) - 1) };
        let upper = inside & !(chunk << 2);
        capitals += ((upper >> 7).wrapping_mul(ONES) >> 56) as u32;
        at += run as usize;
        if run < 8 {
            return (at, capitals);
        }
    }
    while at < bytes.len() && CLASSES[bytes[at] as usize] & LETTER != 0 {
        capitals += u32::from(CLASSES[bytes[at] as usize] & UPPER != 0);
        at += 1;
    }
    (at, capitals)
}

/// A run of at most four bytes as a number, the first byte the lowest; 0 for a longer one, and for one that ends in a byte of
/// zero, which would be the number of a shorter one.
#[inline]
pub fn short_word(bytes: &[u8], start: usize, end: usize) -> u32 {
    let length = end - start;
    if length > 4 || bytes[start..end].last() == Some(&0) {
        return 0;
    }
    match bytes[start..].first_chunk::<4>() {
        Some(window) => (u64::from(u32::from_le_bytes(*window)) & ((1 << (8 * length)) - 1)) as u32,
        None => bytes[start..end].iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte)),
    }
}

/// The bit of a stop word of Gopher's list, given by [`short_word`]; 0 for other words.
#[inline]
pub fn stop_word(word: u32) -> u32 {
    const fn word_of(bytes: &[u8; 4]) -> u32 {
        u32::from_le_bytes(*bytes)
    }
    const THE: u32 = word_of(b"the\0");
    const BE: u32 = word_of(b"be\0\0");
    const TO: u32 = word_of(b"to\0\0");
    const OF: u32 = word_of(b"of\0\0");
    const AND: u32 = word_of(b"and\0");
    const THAT: u32 = word_of(b"that");
    const HAVE: u32 = word_of(b"have");
    const WITH: u32 = word_of(b"with");
    match word {
        THE => 1,
        BE => 2,
        TO => 4,
        OF => 8,
        AND => 16,
        THAT => 32,
        HAVE => 64,
        WITH => 128,
        _ => 0,
    }
}

/// [`stop_word`] in any case. Only letters become letters of lower case by their sixth bit; the bytes behind the word stay 0.
#[inline]
pub fn stop_word_lowered(word: u32) -> u32 {
    let mask = if word >> 24 != 0 {
        0x2020_2020
    } else if word >> 16 != 0 {
        0x20_2020
    } else {
        0x2020
    };
    stop_word(word | mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stop_words_are_found_in_their_places() {
        let words = ["the", "be", "to", "of", "and", "that", "have", "with"];
        for (place, word) in words.iter().enumerate() {
            for text in [(*word).to_owned(), format!("{word} x"), format!("{word}more words")] {
                assert_eq!(stop_word(short_word(text.as_bytes(), 0, word.len())), 1 << place, "{text}");
            }
            let upper = word.to_uppercase();
            let short = short_word(upper.as_bytes(), 0, upper.len());
            assert_eq!((stop_word(short), stop_word_lowered(short)), (0, 1 << place), "{upper}");
        }
        for other in ["a", "th", "thee", "t\0", "be\0", "the\0", "B", "\u{14}he", "haven"] {
            let short = short_word(other.as_bytes(), 0, other.len());
            assert_eq!((stop_word(short), stop_word_lowered(short)), (0, 0), "{other}");
        }
    }

    proptest! {
        #[test]
        fn runs_of_letters_end_where_letters_end(text in "[a-zA-Z]{0,20}[@\\[`{é1 .Zz]{0,2}[a-zA-Z]{0,9}") {
            let run = text.bytes().take_while(u8::is_ascii_alphabetic).count();
            let capitals = text.bytes().take(run).filter(u8::is_ascii_uppercase).count() as u32;
            prop_assert_eq!(letters_from(text.as_bytes(), 0), (run, capitals));
        }
    }
}
