//! One pass over the bytes of a text: where are digits close together, at signs, capitalised words, Chinese characters?
//! Everything else of this module looks at those places only, which is what makes it fast on ordinary prose.

use super::words::{self, Flags};

/// Digits with at most three separators between neighbours, on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The first digit.
    pub start: usize,
    /// One past the last digit.
    pub end: usize,
    /// How many digits.
    pub digits: usize,
    /// How many points between them.
    pub dots: usize,
}

/// A capitalised word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// First byte.
    pub start: usize,
    /// One past the last byte; a genitive `'s` is left out.
    pub end: usize,
    /// What the lists know of it.
    pub flags: Flags,
}

/// The places of a text.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In order.
    pub windows: Vec<Window>,
    /// In order; empty when they were not asked for.
    pub words: Vec<Word>,
    /// Is there an at sign?
    pub ats: bool,
    /// Is there a colon next to a hexadecimal digit or a colon?
    pub colons: bool,
    /// Is there a Chinese character?
    pub han: bool,
}

/// What a byte may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    Digit,
    Upper,
    At,
    Colon,
    /// The lead byte of Latin, Greek, Cyrillic or Armenian letters.
    Lead,
    /// The lead byte of a CJK character.
    Han,
}

const CLASSES: [Class; 256] = {
    let mut table = [Class::Nothing; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            b'A'..=b'Z' => Class::Upper,
            b'@' => Class::At,
            b':' => Class::Colon,
            0xC3..=0xD5 => Class::Lead,
            0xE4..=0xE9 => Class::Han,
            _ => Class::Nothing,
        };
        byte += 1;
    }
    table
};

impl Scan {
    /// Looks through `text`; capitalised words only where `with_words` says so.
    pub fn of(text: &str, with_words: bool) -> Scan {
        let bytes = text.as_bytes();
        let mut scan = Scan::default();
        let mut at = 0;
        while at < bytes.len() {
            match CLASSES[usize::from(bytes[at])] {
                Class::Nothing => at += 1,
                Class::Digit => {
                    let window = window(bytes, at);
                    at = window.end;
                    scan.windows.push(window);
                }
                Class::At => {
                    scan.ats = true;
                    at += 1;
                }
                Class::Colon => {
                    let near = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_hexdigit() || *b == b':');
                    scan.colons |=
                        near(bytes.get(at + 1)) && (at == 0 || near(bytes.get(at - 1)) || bytes[at + 1] == b':');
                    at += 1;
                }
                Class::Han => {
                    scan.han = true;
                    at += 3;
                }
                Class::Upper | Class::Lead if !with_words => at += 1,
                Class::Upper | Class::Lead => {
                    let end = words::end_of_word(text, at);
                    // A word that begins small is stepped over as a whole, capitals inside it and all.
                    let first = text[at..].chars().next();
                    if first.is_some_and(char::is_uppercase) && !follows_a_letter(bytes, at) {
                        let end_of_name = words::without_genitive(text, at, end);
                        scan.words.push(Word {
                            start: at,
                            end: end_of_name,
                            flags: words::flags(&text[at..end_of_name]),
                        });
                    }
                    at = end.max(at + 1);
                    while !text.is_char_boundary(at) {
                        at += 1;
                    }
                }
            }
        }
        scan
    }
}

fn follows_a_letter(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| {
        let before = bytes[before];
        before.is_ascii_alphanumeric() || before == b'_' || before == b'@' || before == b'#'
    })
}

/// The window that begins with the digit at `start`.
fn window(bytes: &[u8], start: usize) -> Window {
    let mut window = Window { start, end: start + 1, digits: 1, dots: 0 };
    let (mut at, mut gap, mut dots) = (start + 1, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'0'..=b'9' => {
                window.digits += 1;
                window.dots += dots;
                at += 1;
                window.end = at;
                (gap, dots) = (0, 0);
                continue;
            }
            b'.' => dots += 1,
            b' ' | b'(' | b')' | b'+' | b'-' | b'/' => {}
            // A no-break space, a narrow one, a no-break hyphen, an en dash.
            0xC2 if bytes.get(at + 1) == Some(&0xA0) => at += 1,
            0xE2 if bytes.get(at + 1) == Some(&0x80) && matches!(bytes.get(at + 2), Some(0xAF | 0x90..=0x93)) => {
                at += 2
            }
            _ => break,
        }
        at += 1;
        gap += 1;
        if gap > 3 {
            break;
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_what_belongs_together() {
        let check = |text: &str, expected: &[&str]| {
            let scan = Scan::of(text, true);
            let found: Vec<&str> = scan.windows.iter().map(|w| &text[w.start..w.end]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("Call (212) 555-0147, or 7.", &["212) 555-0147", "7"]);
        check("06\u{a0}12\u{a0}34 电话13812345678", &["06\u{a0}12\u{a0}34", "13812345678"]);
        check("1\n2 3     4", &["1", "2 3", "4"]);
        check("GB82 WEST", &["82"]);
    }

    #[test]
    fn words_are_whole() {
        let text = "Anne-Marie O'Neil's café, Élodie iPhone McDonald 李Lee";
        let scan = Scan::of(text, true);
        let found: Vec<&str> = scan.words.iter().map(|w| &text[w.start..w.end]).collect();
        assert_eq!(found, ["Anne-Marie", "O'Neil", "Élodie", "McDonald", "Lee"]);
        assert!(scan.han && !scan.ats && !scan.colons);
    }
}
