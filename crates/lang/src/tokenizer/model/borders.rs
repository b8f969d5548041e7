//! Where a long piece can be cut before it is encoded: between two characters that no token has side by side.
//!
//! Whatever joins the two would be a token over both, so the encoding of the whole is that of the parts. Chinese in a
//! vocabulary for English comes apart into characters like this, and a text whose spaces are made visible into words; the
//! parts are short and come again, which makes them worth keeping.

use super::repeats::long_agreeing;

/// Pairs of bytes that stand side by side in a token, the second beginning a character: by one byte after the border where it
/// is below `0xE0`, by two where a character of three or four bytes begins.
pub(crate) struct Borders {
    narrow: Vec<u64>,
    wide: Vec<u64>,
}

/// First byte of the characters of three bytes.
const WIDE: u8 = 0xE0;

impl Borders {
    /// Of the bytes all tokens stand for.
    pub(crate) fn new<'a>(contents: impl Iterator<Item = &'a [u8]>) -> Borders {
        let mut borders = Borders { narrow: vec![0; 1 << 10], wide: vec![0; 1 << 13] };
        for content in contents {
            for at in 1..content.len() {
                let (before, after) = (content[at - 1], content[at]);
                if after < WIDE {
                    let place = Borders::narrow(before, after);
                    borders.narrow[place >> 6] |= 1 << (place & 63);
                    continue;
                }
                // A token that ends after the first byte may have any other after it.
                let seconds = content.get(at + 1).map_or(0x80..=0xBF, |&second| second..=second);
                for second in seconds {
                    let place = Borders::wide(before, after, second);
                    borders.wide[place >> 6] |= 1 << (place & 63);
                }
            }
        }
        borders
    }

    fn narrow(before: u8, after: u8) -> usize {
        usize::from(before) << 8 | usize::from(after)
    }

    fn wide(before: u8, after: u8, second: u8) -> usize {
        usize::from(before) << 11 | usize::from(after & 0x1F) << 6 | usize::from(second & 0x3F)
    }

    /// Whether no token has what stands on either side of byte `at` of `text`, where a character begins.
    #[inline]
    fn is_safe(&self, text: &[u8], at: usize) -> bool {
        let (before, after) = (text[at - 1], text[at]);
        let (table, place) = match text.get(at + 1) {
            Some(&second) if after >= WIDE => (&self.wide, Borders::wide(before, after, second)),
            _ => (&self.narrow, Borders::narrow(before, after)),
        };
        table[place >> 6] >> (place & 63) & 1 == 0
    }

    /// Calls `visit` with the parts of `text`, in order, as bytes from and to. Parts that repeat are left together, to be encoded
    /// as one that repeats.
    #[inline]
    pub(crate) fn parts(&self, text: &str, mut visit: impl FnMut(usize, usize)) {
        let bytes = text.as_bytes();
        let (mut start, mut at) = (0, 1);
        while at < bytes.len() {
            // Inside a character no border is asked for.
            if bytes[at] & 0xC0 == 0x80 || !self.is_safe(bytes, at) {
                at += 1;
                continue;
            }
            if bytes[at] == bytes[start]
                && let Some(repeated) = long_agreeing(bytes, start, at)
            {
                at += repeated;
                continue;
            }
            visit(start, at);
            start = at;
            at += 1;
        }
        if start < text.len() {
            visit(start, text.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::repeats::LONG;
    use super::*;

    #[test]
    fn parts_end_where_no_token_goes_on() {
        let tokens: [&[u8]; 6] = [b"ab", "船过".as_bytes(), b"x\xE5", b"\x83\xE5\x8E", "▁b".as_bytes(), "é".as_bytes()];
        let borders = Borders::new(tokens.into_iter());
        let parts = |text: &'static str| {
            let mut parts = Vec::new();
            borders.parts(text, |start, end| parts.push(&text[start..end]));
            parts
        };
        assert_eq!(parts(""), Vec::<&str>::new());
        assert_eq!(parts("abba"), ["ab", "b", "a"]);
        assert_eq!(parts("小船过河"), ["小", "船过", "河"]);
        assert_eq!(parts("x小x河a▁b▁"), ["x小", "x", "河", "a", "▁b", "▁"]);
        assert_eq!(parts("bé"), ["b", "é"]);
        for length in [1, 2, LONG, LONG + 1, LONG + 2, 1000] {
            let text: &str = format!("小{}bab", "x".repeat(length)).leak();
            let run = if length > LONG { length } else { 1 };
            let mut expected = vec!["小"];
            expected.extend((0..length / run).map(|at| &text[3 + at * run..3 + (at + 1) * run]));
            assert_eq!(parts(text), [expected, vec!["b", "ab"]].concat(), "{length}");
        }
        // A character and the beginning of another: 厃 ends in 0x83.
        assert_eq!(parts("厃厃小"), ["厃厃", "小"]);
    }
}
