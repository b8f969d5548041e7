//! The published patterns on ASCII text, 64 bytes at once: every class of bytes becomes one mask, and a few operations on
//! masks tell where pre-tokens begin. The scanners of `known` do the rest and are what this must agree with.
//!
//! Every pattern looks ahead only, so that a window which begins where a pre-token begins needs to know nothing of what
//! stands before it.

use wide::{i8x16, u8x16};

use super::known::{Digits, Pattern};

/// Bytes looked at together.
pub(crate) const WINDOW: usize = 64;

/// How many bytes a pattern looks beyond the place where a pre-token begins, if no white space stands there: to the end of
/// `'re`.
const AHEAD: u32 = 4;

/// The bytes, in four parts.
type Parts = [i8x16; WINDOW / 16];

/// The mask of a class: bit `i` says that byte `i` of the window is of it.
#[inline(always)]
fn mask(parts: &Parts, class: impl Fn(i8x16) -> i8x16) -> u64 {
    let bits = |part: usize| u64::from(class(parts[part]).to_bitmask() & 0xFFFF) << (16 * part);
    bits(0) | bits(1) | bits(2) | bits(3)
}

#[inline(always)]
fn letters(bytes: i8x16) -> i8x16 {
    between(bytes | i8x16::splat(0x20), b'a', b'z')
}

#[inline(always)]
fn numbers(bytes: i8x16) -> i8x16 {
    between(bytes, b'0', b'9')
}

/// White space, line breaks among it.
#[inline(always)]
fn whites(bytes: i8x16) -> i8x16 {
    between(bytes, b'\t', b'\r') | is(bytes, b' ')
}

/// The ASCII bytes from `first` to `last`; what is no ASCII is negative and not among them.
#[inline(always)]
fn between(bytes: i8x16, first: u8, last: u8) -> i8x16 {
    let splat = |byte: u8| i8x16::splat(byte as i8);
    bytes.simd_gt(splat(first - 1)) & bytes.simd_lt(splat(last + 1))
}

#[inline(always)]
fn is(bytes: i8x16, byte: u8) -> i8x16 {
    bytes.simd_eq(i8x16::splat(byte as i8))
}

/// The lowest `count` bits, at most 64.
#[inline(always)]
fn low(count: u32) -> u64 {
    if count >= 64 { !0 } else { (1 << count) - 1 }
}

/// The first of every run.
#[inline(always)]
fn firsts(run: u64) -> u64 {
    run & !(run << 1)
}

/// Where pre-tokens begin among the first `length` bytes of a window that begins with one, as far as that is certain: what
/// lies between two neighbouring bits is one pre-token. Bit 0 is always set; where it is the only one, the first pre-token is
/// not to be told from the window. What lies beyond the window is not looked at.
#[inline]
pub(crate) fn starts<const N: usize>(pattern: Pattern, bytes: &[u8; N], length: usize) -> u64 {
    let parts: Parts = std::array::from_fn(|part| {
        let sixteen = bytes[16 * part..].first_chunk::<16>().copied().unwrap_or_default();
        u8x16::new(sixteen).cast_signed()
    });
    // What is beyond the first byte that is no ASCII may be anything.
    let length = mask(&parts, |bytes| bytes).trailing_zeros().min(length.min(WINDOW) as u32);
    let seen = low(length);
    let (starts, white, certain) = match pattern {
        Pattern::Gpt2 => gpt2(bytes, &parts, seen),
        Pattern::Llama { digits: Digits::Single, .. } => lines::<false, false>(bytes, &parts, seen),
        Pattern::Llama { digits: Digits::Triples, .. } | Pattern::Cl100k => lines::<true, false>(bytes, &parts, seen),
        Pattern::O200k => lines::<true, true>(bytes, &parts, seen),
    };
    // White space at the end may go on, and what becomes of it depends on how.
    let last_white = 64 - (seen & !white).leading_zeros();
    let certain = certain.min(length.saturating_sub(AHEAD)).min(last_white);
    starts & low(certain + 1) | 1
}

/// GPT-2's pattern: the starts, the white space, and up to where the starts are known as far as this pattern goes.
#[inline(always)]
fn gpt2(bytes: &[u8], parts: &Parts, seen: u64) -> (u64, u64, u32) {
    let (letter, number) = (mask(parts, letters) & seen, mask(parts, numbers) & seen);
    let white = mask(parts, whites) & seen;
    let space = mask(parts, |bytes| is(bytes, b' ')) & seen;
    let black = seen & !white;
    let other = black & !(letter | number);
    let begins = (firsts(letter) | firsts(number) | firsts(other)) & !(space << 1);
    // The last of a run of white space goes to what follows, or stands alone.
    let mut starts = begins | firsts(white) | white & (black >> 1);
    let mut quotes = mask(parts, |bytes| is(bytes, b'\'')) & starts;
    while quotes != 0 {
        let at = quotes.trailing_zeros() as usize;
        quotes &= quotes - 1;
        if let Some(length) = contraction(bytes, at, false) {
            starts = joined(starts, at, length);
        }
    }
    (starts, white, 64)
}

/// The patterns that heed line breaks: numbers are cut after three digits or one, words where small letters end or not.
#[inline(always)]
fn lines<const TRIPLES: bool, const BY_CASE: bool>(bytes: &[u8], parts: &Parts, seen: u64) -> (u64, u64, u32) {
    let (letter, number) = (mask(parts, letters) & seen, mask(parts, numbers) & seen);
    let white = mask(parts, whites) & seen;
    let line = mask(parts, |bytes| is(bytes, b'\n') | is(bytes, b'\r')) & seen;
    let slash = if BY_CASE { mask(parts, |bytes| is(bytes, b'/')) & seen } else { 0 };
    let black = seen & !white;
    let other = black & !(letter | number);
    let absorbed = absorbed(line, slash, line & (other << 1));
    let other = other & !absorbed;
    let free = white & !absorbed;
    let blank = free & !line;
    // White space before a line break goes to it, however much: seldom enough to be left to others.
    let certain = match (blank & (line >> 1)).trailing_zeros() {
        64 => 64,
        before_line => run_start(white, before_line),
    };
    let last_blank = blank & (black >> 1);
    // One sign, or one character of white space, goes to the word it stands before; a sign may have a space before it instead.
    let signs = firsts(other) & !((last_blank & mask(parts, |bytes| is(bytes, b' '))) << 1);
    let with_word = signs & (letter >> 1) | last_blank;
    let mut starts =
        firsts(letter) & !(with_word << 1) | signs | firsts(free) | blank & ((free & line) << 1) | last_blank;
    if TRIPLES {
        let mut third = firsts(number);
        let inside = number & (number << 1) & (number << 2);
        while third != 0 {
            starts |= third;
            third = (third << 3) & inside;
        }
    } else {
        starts |= number;
    }
    let apostrophe = mask(parts, |bytes| is(bytes, b'\''));
    if !BY_CASE {
        let mut quotes = apostrophe & starts;
        while quotes != 0 {
            let at = quotes.trailing_zeros() as usize;
            quotes &= quotes - 1;
            if let Some(length) = contraction(bytes, at, true) {
                starts = joined(starts, at, length);
            }
        }
        return (starts, white, certain);
    }
    let capital = mask(parts, |bytes| between(bytes, b'A', b'Z'));
    let small = mask(parts, |bytes| between(bytes, b'a', b'z'));
    starts |= capital & (small << 1) & seen;
    // Here such endings are part of the word before them, which has one at most.
    let mut quotes = apostrophe & (letter << 1);
    let mut end = 0;
    while quotes != 0 {
        let at = quotes.trailing_zeros() as usize;
        quotes &= quotes - 1;
        if at != end
            && let Some(length) = contraction(bytes, at, true)
        {
            end = at + length;
            starts = joined(starts, at, length) & !(1 << at);
        }
    }
    (starts, white, certain)
}

/// Line breaks that belong to the signs before them, the first of which are `first`, and slashes after such line breaks.
#[inline(always)]
fn absorbed(line: u64, slash: u64, first: u64) -> u64 {
    if slash & (line << 1) == 0 {
        return line & !line.wrapping_add(first);
    }
    let (mut absorbed, mut next) = (0, first);
    while next != absorbed {
        absorbed = next;
        next |= (next << 1) & (line | slash);
    }
    absorbed
}

/// Where the run of ones of `mask` begins that ends right before bit `before`, or holds it.
#[inline(always)]
fn run_start(mask: u64, before: u32) -> u32 {
    let gaps = !mask & low(before);
    64 - gaps.leading_zeros()
}

/// `starts` with one pre-token of `length` bytes at `at`.
#[inline]
fn joined(starts: u64, at: usize, length: usize) -> u64 {
    let end = at + length;
    let inside = low(end as u32) & !low(at as u32 + 1);
    let after = if end < 64 { 1 << end } else { 0 };
    starts & !inside | after
}

/// The length of `'s|'t|'re|'ve|'m|'ll|'d` at the apostrophe at `at`.
fn contraction(bytes: &[u8], at: usize, ignore_case: bool) -> Option<usize> {
    let fold = |byte: u8| if ignore_case { byte.to_ascii_lowercase() } else { byte };
    let next = |ahead: usize| bytes.get(at + ahead).map(|&byte| fold(byte));
    match (next(1)?, next(2)) {
        (b's' | b't' | b'm' | b'd', _) => Some(2),
        (b'r' | b'v', Some(b'e')) | (b'l', Some(b'l')) => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pre-tokens the window tells of must be those of the scanners, and it must tell of most.
    #[test]
    fn agrees_with_the_scanners() {
        let mut rng = crate::rng::Rng::new(31);
        let pools = [
            "aaabzABZ   '.-_@[`{/09\n\t\0",
            "aaaabbbb  eeeeeorstvlmdRSTVLMD''  ..,/\n\r",
            "aB'sS'tl //..\n\n\r\t  ",
            "0123456789 a.",
            "aaaa   '.-_\n\té中ſ\u{301}\u{3000}",
        ];
        let llama = |digits, split_han| Pattern::Llama { digits, split_han };
        let patterns = [
            Pattern::Gpt2,
            Pattern::Cl100k,
            Pattern::O200k,
            llama(Digits::Single, false),
            llama(Digits::Triples, true),
        ];
        let (mut found, mut bytes_told, mut bytes_seen) = (0usize, 0usize, 0usize);
        for round in 0..60_000 {
            let pool: Vec<char> = pools[round % pools.len()].chars().collect();
            let text: String = (0..90).map(|_| *rng.choose(&pool)).collect();
            let mut window = [0; WINDOW];
            let length = if round % 3 == 0 { rng.below(65) as usize } else { 64 };
            window[..length].copy_from_slice(&text.as_bytes()[..length]);
            for pattern in patterns {
                let bits = starts(pattern, &window, length);
                let mut expected = pattern.split(&text);
                let mut at = 0;
                let mut rest = bits & !1;
                while rest != 0 {
                    let end = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    let piece = expected.next().unwrap();
                    assert_eq!(&text[at..end], piece, "{pattern:?} {text:?} at {at}");
                    at = end;
                    found += 1;
                }
                if round % pools.len() == 1 {
                    (bytes_told, bytes_seen) = (bytes_told + at, bytes_seen + length);
                }
            }
        }
        assert!(found > 2_000_000, "{found}");
        assert!(bytes_told * 4 > bytes_seen * 3, "{bytes_told} of {bytes_seen}");
    }
}
