//! A 64-bit hash of short strings, made for words: eight bytes at a step, no set-up, two multiplications at the end. Its
//! output is part of no format but the line facts ([`super::Line::hash`]), so it must not change between versions.

const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd6e8_feb8_6659_fd93;

/// Multiplies to 128 bits and folds the halves.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mixes another value into a hash; order counts.
#[inline]
pub fn mix(hash: u64, value: u64) -> u64 {
    fold(hash ^ FIRST, value.wrapping_add(SECOND))
}

/// The hash of a run of bytes.
#[inline]
pub fn bytes(mut bytes: &[u8]) -> u64 {
    let mut hash = FIRST ^ bytes.len() as u64;
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        hash = fold(hash ^ u64::from_le_bytes(*head), SECOND);
        bytes = rest;
    }
    let mut last = 0u64;
    for (place, &byte) in bytes.iter().enumerate() {
        last |= u64::from(byte) << (8 * place);
    }
    fold(hash ^ last, SECOND ^ FIRST)
}

/// [`bytes`] of `text[start..end]`. What stands behind a short run is read with it and cut off: most words are shorter than sixteen
/// bytes, and a loop over the bytes of each would be mispredicted at every end.
#[inline]
pub fn part(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    let Some((window, _)) = text[start..].split_first_chunk::<16>() else { return bytes(&text[start..end]) };
    if length >= 16 {
        return bytes(&text[start..end]);
    }
    let window = u128::from_le_bytes(*window) & ((1 << (8 * length)) - 1);
    let mut hash = FIRST ^ length as u64;
    let mut last = window as u64;
    if length >= 8 {
        hash = fold(hash ^ last, SECOND);
        last = (window >> 64) as u64;
    }
    fold(hash ^ last, SECOND ^ FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_part_has_the_hash_of_its_bytes() {
        let text: Vec<u8> = (0u8..60).map(|n| n.wrapping_mul(37)).collect();
        for start in 0..text.len() {
            for end in start..=text.len() {
                assert_eq!(part(&text, start, end), bytes(&text[start..end]), "{start}..{end}");
            }
        }
    }

    #[test]
    fn short_strings_and_their_pairs_do_not_collide() {
        let words: Vec<String> = (0..60_000).map(|n| format!("{n:x}")).collect();
        let hashes: HashSet<u64> = words.iter().map(|word| bytes(word.as_bytes())).collect();
        assert_eq!(hashes.len(), words.len());
        assert_ne!(mix(1, 2), mix(2, 1));
        assert_ne!(bytes(b"ab\0"), bytes(b"ab"));
        let pairs: HashSet<u64> =
            (0..300).flat_map(|a| (0..300).map(move |b| (a, b))).map(|(a, b)| mix(bytes(&[a as u8, 1]), b)).collect();
        // The first of a pair is cut to a byte here: 256 values by 300.
        assert_eq!(pairs.len(), 256 * 300);
    }
}
