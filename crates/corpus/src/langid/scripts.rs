//! Letters by script, each weighed by how much it says: a Han character stands for more than a letter.

use crate::text::{is_common_han, is_han, is_hangul, is_kana};

/// A script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Latin letters.
    Latin,
    /// Cyrillic letters.
    Cyrillic,
    /// Arabic letters.
    Arabic,
    /// Han characters with few kana.
    Han,
    /// Kana, with Han characters.
    Japanese,
    /// Hangul.
    Hangul,
    /// One of [`OTHERS`].
    Other(usize),
}

/// Blocks of scripts that (nearly) one language is written in.
const OTHERS: &[(u32, u32, &str)] = &[
    (0x370, 0x3ff, "el"),
    (0x1f00, 0x1fff, "el"),
    (0x531, 0x58f, "hy"),
    (0x591, 0x5f4, "he"),
    (0x900, 0x97f, "hi"),
    (0x980, 0x9ff, "bn"),
    (0xa00, 0xa7f, "pa"),
    (0xa80, 0xaff, "gu"),
    (0xb00, 0xb7f, "or"),
    (0xb80, 0xbff, "ta"),
    (0xc00, 0xc7f, "te"),
    (0xc80, 0xcff, "kn"),
    (0xd00, 0xd7f, "ml"),
    (0xd80, 0xdff, "si"),
    (0xe00, 0xe7f, "th"),
    (0xe80, 0xeff, "lo"),
    (0xf00, 0xfff, "bo"),
    (0x1000, 0x109f, "my"),
    (0x10a0, 0x10ff, "ka"),
    (0x1200, 0x137f, "am"),
    (0x1780, 0x17ff, "km"),
];

/// Whether a letter is Latin, Cyrillic or Arabic, of which the model knows words.
pub fn of_letter(c: char) -> Option<Script> {
    match u32::from(c) {
        0x41..=0x5a | 0x61..=0x7a => Some(Script::Latin),
        0xaa | 0xba | 0xc0..=0x24f | 0x300..=0x36f | 0x1e00..=0x1eff
            if c.is_alphabetic() || (0x300..0x370).contains(&u32::from(c)) =>
        {
            Some(Script::Latin)
        }
        0x400..=0x52f => Some(Script::Cyrillic),
        0x600..=0x77f | 0xfb50..=0xfeff if c.is_alphabetic() || (0x64b..0x660).contains(&u32::from(c)) => {
            Some(Script::Arabic)
        }
        _ => None,
    }
}

/// The language of a letter whose script is (nearly) its own: of [`OTHERS`].
pub fn language_of_letter(c: char) -> Option<&'static str> {
    other(c).map(|at| OTHERS[at].2)
}

fn other(c: char) -> Option<usize> {
    let code = u32::from(c);
    OTHERS.iter().position(|(low, high, _)| (*low..=*high).contains(&code))
}

/// Whether Han characters beside so many kana are Japanese: its texts are mostly a third kana or more, its headlines a tenth; Chinese
/// has kana in names of things only.
pub fn is_japanese(kana: usize, han: usize) -> bool {
    kana * 10 > han + kana
}

/// Letters by script.
#[derive(Default)]
pub struct Scripts {
    latin: usize,
    cyrillic: usize,
    arabic: usize,
    han: usize,
    kana: usize,
    hangul: usize,
    others: [usize; OTHERS.len()],
}

impl Scripts {
    /// Counts the letters of a text.
    pub fn count(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            // Most texts are ASCII for long stretches.
            if let Some(chunk) = bytes[at..].first_chunk::<32>()
                && chunk.is_ascii()
            {
                self.latin += chunk.iter().map(|byte| usize::from(byte.is_ascii_alphabetic())).sum::<usize>();
                at += chunk.len();
                continue;
            }
            if is_common_han(bytes[at]) {
                self.han += 1;
                at += 3;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            at += c.len_utf8();
            if c.is_ascii() {
                self.latin += usize::from(c.is_ascii_alphabetic());
                continue;
            }
            match of_letter(c) {
                Some(Script::Latin) => self.latin += 1,
                Some(Script::Cyrillic) => self.cyrillic += 1,
                Some(_) => self.arabic += 1,
                None if is_han(c) => self.han += 1,
                None if is_kana(c) => self.kana += 1,
                None if is_hangul(c) => self.hangul += 1,
                None => {
                    if let Some(at) = other(c) {
                        self.others[at] += 1;
                    }
                }
            }
        }
    }

    /// The scripts there are with their shares, the weightiest first.
    pub fn by_weight(&self) -> Vec<(Script, f64)> {
        let (han, japanese) =
            if is_japanese(self.kana, self.han) { (0, self.han + self.kana) } else { (self.han, self.kana) };
        let mut weights = vec![
            (Script::Latin, self.latin as f64),
            (Script::Cyrillic, self.cyrillic as f64),
            (Script::Arabic, self.arabic as f64),
            (Script::Han, 2.5 * han as f64),
            (Script::Japanese, 2.0 * japanese as f64),
            (Script::Hangul, 2.0 * self.hangul as f64),
        ];
        weights.extend(self.others.iter().enumerate().map(|(at, &count)| (Script::Other(at), count as f64)));
        weights.retain(|(_, weight)| *weight > 0.0);
        let all: f64 = weights.iter().map(|(_, weight)| weight).sum();
        weights.iter_mut().for_each(|(_, weight)| *weight /= all);
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        weights
    }

    /// The language of [`Script::Other`].
    pub fn other(&self, index: usize) -> &'static str {
        OTHERS.get(index).map_or("und", |(_, _, lang)| lang)
    }
}
