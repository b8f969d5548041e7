//! How this crate sees text: scripts, tokens (lower-cased words, single Han characters, numbers, operators), hashes of
//! tokens, sentences, excerpts, and the normalisation every reader applies.

pub mod sentences;
pub mod tokens;
pub mod words;

pub use sentences::sentences;
pub use tokens::{HashKeyed, HashSetKeyed, Token, TokenKind, hashes, tokens};

/// True for Han characters (ideographs and the iteration mark), not for kana, hangul or CJK punctuation.
pub fn is_han(c: char) -> bool {
    matches!(u32::from(c),
        0x3005 | 0x3007 | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_23af)
}

/// True for the first byte of the Han characters from U+5000 to U+9FFF, nearly all of running text: three bytes each.
#[inline]
pub fn is_common_han(byte: u8) -> bool {
    matches!(byte, 0xe5..=0xe9)
}

/// True for hiragana and katakana, half-width forms included.
pub fn is_kana(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x309f | 0x30a1..=0x30fa | 0x30fc..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f)
}

/// True for hangul syllables and jamo.
pub fn is_hangul(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7a3)
}

/// True for letters of the Latin script.
pub fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || (matches!(u32::from(c), 0xaa | 0xba | 0xc0..=0x24f | 0x1e00..=0x1eff) && c != '×' && c != '÷')
}

/// What [`normalise`] changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normalised {
    /// Control characters (NUL among them) left out.
    pub controls: u64,
    /// Replacement characters in the text: places where the bytes were not valid in the file's encoding.
    pub replaced: u64,
}

/// True when [`normalise`] would change nothing and count nothing.
pub fn is_normal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let odd = |b: u8| (b < 0x20 && b != b'\n' && b != b'\t') || b == 0x7f;
    // The control characters of Latin-1 begin with C2; the byte-order mark and the replacement character with EF.
    let two = |at: usize| bytes.get(at + 1).is_some_and(|next| *next < 0xa0);
    let three = |at: usize| matches!(bytes.get(at + 1..at + 3), Some([0xbb, 0xbf] | [0xbf, 0xbd]));
    // Whole chunks are looked at without a branch a byte.
    let any_odd = |bytes: &[u8]| bytes.iter().fold(false, |any, &byte| any | odd(byte));
    if bytes.chunks(256).any(any_odd) {
        return false;
    }
    !memchr::memchr2_iter(0xc2, 0xef, bytes).any(|at| if bytes[at] == 0xc2 { two(at) } else { three(at) })
}

/// Line ends become LF, byte-order marks and control characters except LF and TAB are left out.
pub fn normalise(text: &str) -> (String, Normalised) {
    let mut out = String::with_capacity(text.len());
    let mut counts = Normalised::default();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{feff}' => {}
            c if c.is_control() => counts.controls += 1,
            '\u{fffd}' => {
                counts.replaced += 1;
                out.push(c);
            }
            c => out.push(c),
        }
    }
    (out, counts)
}

/// The first `max_chars` characters of `text`, with an ellipsis when something was left out.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// True when Han characters outnumber Latin words: the text is handled by character, with Chinese punctuation.
pub fn is_chinese(text: &str) -> bool {
    let (mut han, mut latin) = (0usize, 0usize);
    let mut inside = false;
    for c in text.chars() {
        let letter = is_latin(c);
        latin += usize::from(letter && !inside);
        inside = letter;
        han += usize::from(is_han(c));
    }
    han > latin
}

/// The name nearest to `name` by edits, where one is near enough to be meant.
pub fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    let (near, edits) = names.map(|other| (other, distance(other))).min_by_key(|(_, edits)| *edits)?;
    (edits <= 3.max(name.chars().count() / 3)).then(|| near.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalising_keeps_lines_and_drops_controls() {
        let (text, counts) = normalise("\u{feff}a\r\nb\rc\0\u{7}\td\u{fffd}");
        assert_eq!(text, "a\nb\nc\td\u{fffd}");
        assert_eq!(counts, Normalised { controls: 2, replaced: 1 });
        // Every character alone: the quick look and the change agree.
        for c in (0..=0x1_ffff).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert_eq!(is_normal(&text), normalise(&text) == (text.clone(), Normalised::default()), "{c:?}");
            if u32::from(c) < 0x100 || matches!(c, '\u{feff}' | '\u{fffd}' | '\u{ff0c}') {
                for before in 60..70 {
                    let long = format!("{}{c}{}", "x".repeat(before), "é".repeat(70));
                    assert_eq!(is_normal(&long), is_normal(&text), "{c:?} after {before}");
                }
            }
        }
    }

    #[test]
    fn excerpts_cut_between_characters() {
        assert_eq!(excerpt("你好吗", 2), "你好…");
        assert_eq!(excerpt("ab", 2), "ab");
    }

    #[test]
    fn mostly_han_is_chinese() {
        assert!(is_chinese("我叫 Tom。今天天气很好。"));
        assert!(!is_chinese("The word 你好 means hello to most people."));
    }
}
