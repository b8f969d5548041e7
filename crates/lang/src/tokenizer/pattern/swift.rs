//! The usual case of the published patterns: a short word of ASCII letters, perhaps with a space or a sign before it, told
//! from sixteen bytes at once. Everything else goes to the scanners of `known`, which this must agree with.

use super::known::Pattern;

/// A byte in all places.
const fn all(byte: u8) -> u128 {
    u128::from_le_bytes([byte; 16])
}

const HIGH: u128 = all(0x80);

/// The high bit of every byte of `word` that lies between the two, which are ASCII; `folded` has no high bits.
#[inline]
fn between(word: u128, folded: u128, first: u8, last: u8) -> u128 {
    let reaches = folded + all(0x80 - first);
    let passes = folded + all(0x7F - last);
    reaches & !passes & !word & HIGH
}

/// The high bits of the ASCII letters.
#[inline]
fn letters(word: u128) -> u128 {
    between(word, word & all(0x7F) | all(0x20), b'a', b'z')
}

/// Where the first byte stands whose high bit is set in `marks`; `None` if there is none, or if it is the last, or no ASCII
/// in `word`.
#[inline]
fn first(word: u128, marks: u128) -> Option<usize> {
    let lowest = marks & marks.wrapping_neg();
    // What is no ASCII may be a letter all the same; and what stands last may be followed by anything.
    if lowest & (word | 0x80 << 120) != 0 || lowest == 0 {
        return None;
    }
    Some(lowest.trailing_zeros() as usize / 8)
}

/// The length of the piece that begins with the sixteen bytes of `word`, if it is a short word.
#[inline]
pub(crate) fn piece(pattern: Pattern, word: u128) -> Option<usize> {
    let byte = word as u8;
    let is_letter = byte.is_ascii_alphabetic();
    if !is_letter && !may_begin(pattern, byte) {
        return None;
    }
    let (own, rest) = (letters(word), !0xFFu128);
    if let Pattern::O200k = pattern {
        return with_case(word, is_letter);
    }
    if !is_letter && own & 0x8000 == 0 {
        return None;
    }
    first(word, !own & HIGH & rest)
}

/// Whether a word may have this byte, which is no letter, before it.
#[inline]
fn may_begin(pattern: Pattern, byte: u8) -> bool {
    match pattern {
        Pattern::Gpt2 => byte == b' ',
        // An apostrophe may begin something else.
        _ => byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | b'\'' | b'0'..=b'9'),
    }
}

/// Capitals, then small letters; what may follow an apostrophe is left to others.
#[inline]
fn with_case(word: u128, is_letter: bool) -> Option<usize> {
    let low = word & all(0x7F);
    let (capitals, small) = (between(word, low, b'A', b'Z'), between(word, low, b'a', b'z'));
    let skipped: u128 = if is_letter { 0 } else { 0xFF };
    let end_of_capitals = first(word, !capitals & HIGH & !skipped)?;
    let before = (1u128 << (8 * end_of_capitals)) - 1;
    let end = first(word, !small & HIGH & !before & !skipped)?;
    let is_word = end > usize::from(!is_letter);
    let follower = (word >> (8 * end)) as u8;
    (is_word && follower != b'\'').then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::known::Digits;
    use super::*;

    #[test]
    fn agrees_with_the_scanners() {
        let mut rng = crate::rng::Rng::new(31);
        let pool: Vec<char> = "aaabzABZ   '.-_@[`{/09\n\t\0é中ſ\u{301}".chars().collect();
        let llama = |digits, split_han| Pattern::Llama { digits, split_han };
        let patterns = [
            Pattern::Gpt2,
            Pattern::Cl100k,
            Pattern::O200k,
            llama(Digits::Single, false),
            llama(Digits::Triples, true),
        ];
        let mut found = 0;
        for _ in 0..60_000 {
            let mut text: String = (0..14).map(|_| *rng.choose(&pool)).collect();
            text.push_str("bbbbbbbbbbbbbbbb");
            let sixteen = u128::from_le_bytes(text.as_bytes()[..16].try_into().unwrap());
            for pattern in patterns {
                if let Some(length) = piece(pattern, sixteen) {
                    assert_eq!(pattern.split(&text).next().unwrap().len(), length, "{pattern:?} {text:?}");
                    found += 1;
                }
            }
        }
        assert!(found > 20_000, "{found}");
    }
}
