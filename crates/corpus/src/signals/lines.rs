//! Facts about every line, enough for the decisions of C4 and RefinedWeb (which cut lines) to be made again with other
//! thresholds, and for what they leave to be measured, without the text.
//!
//! In a table the facts of a document are one column of bytes: for each line a byte of length and numbers as varints (LEB128),
//! so that a reader of a later version can pass over facts it does not know.

use crate::error::CorpusError;

/// What was seen in a line; bits of [`Line::seen`].
pub mod seen {
    /// Ends in `.`, `?`, `!` or `"` (white space around the line and citation marks left out).
    pub const TERMINAL: u32 = 1;
    /// Ends in `'`.
    pub const APOSTROPHE: u32 = 1 << 1;
    /// Ends in `...`.
    pub const ELLIPSIS: u32 = 1 << 2;
    /// Ends in a terminal mark of any script.
    pub const ANY_TERMINAL: u32 = 1 << 3;
    /// Has "javascript" in it, in any case.
    pub const JAVASCRIPT: u32 = 1 << 4;
    /// Has "lorem ipsum" in it.
    pub const LOREM_IPSUM: u32 = 1 << 5;
    /// Has `{` in it.
    pub const CURLY_BRACKET: u32 = 1 << 6;
    /// Has a phrase of cookie notices and terms of use in it.
    pub const POLICY: u32 = 1 << 7;
    /// Had citation marks: `[3]`, `[edit]`, `[citation needed]`.
    pub const CITATION: u32 = 1 << 8;
    /// Is a counter of a social network: "3 likes".
    pub const COUNTER: u32 = 1 << 9;
    /// Has "items in cart" in it, ends in "read more..." or begins with "sign-in".
    pub const PHRASE: u32 = 1 << 10;
    /// Is nothing but such a phrase.
    pub const ONLY_PHRASE: u32 = 1 << 11;
    /// Ends in `.`, `?`, `!` or `"`, citation marks counted as text.
    pub const RAW_TERMINAL: u32 = 1 << 12;
    /// Has nothing but white space in it.
    pub const BLANK: u32 = 1 << 13;
}

/// Facts about one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Bits of [`seen`].
    pub seen: u32,
    /// Characters, white space at the ends included.
    pub characters: u32,
    /// Words that white space separates.
    pub words: u32,
    /// Words by Unicode's boundaries that begin with a letter or number.
    pub unicode_words: u32,
    /// Characters of the longest word that white space separates.
    pub longest_word: u32,
    /// Letters in upper case.
    pub uppercase: u32,
    /// Digits.
    pub digits: u32,
    /// Characters without white space at the ends and citation marks.
    pub clean_characters: u32,
    /// Tokens of spaCy's English rules, citation marks left out.
    pub tokens: u32,
    /// Sentences by spaCy's rule, citation marks left out.
    pub sentences: u32,
    /// Words by Unicode's boundaries that go with the phrases of [`seen::PHRASE`].
    pub phrase_words: u32,
    /// Hash of the line without white space at the ends and citation marks, cut to 32 bits.
    pub hash: u32,
}

/// Facts about the lines of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Lines as `\n` separates them.
    pub lines: Vec<Line>,
    /// Lines as every line break of Unicode separates them, where that differs.
    pub pieces: Option<Vec<Line>>,
}

const NUMBERS: usize = 12;

impl Line {
    fn numbers(&self) -> [u32; NUMBERS] {
        [
            self.seen,
            self.characters,
            self.words,
            self.unicode_words,
            self.longest_word,
            self.uppercase,
            self.digits,
            self.clean_characters,
            self.tokens,
            self.sentences,
            self.phrase_words,
            self.hash,
        ]
    }

    fn from_numbers(numbers: [u32; NUMBERS]) -> Self {
        let [
            seen,
            characters,
            words,
            unicode_words,
            longest_word,
            uppercase,
            digits,
            clean_characters,
            tokens,
            sentences,
            phrase_words,
            hash,
        ] = numbers;
        Line {
            seen,
            characters,
            words,
            unicode_words,
            longest_word,
            uppercase,
            digits,
            clean_characters,
            tokens,
            sentences,
            phrase_words,
            hash,
        }
    }

    /// Whether a bit of [`seen`] is set.
    pub fn has(&self, bit: u32) -> bool {
        self.seen & bit != 0
    }
}

fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

impl Lines {
    /// Lines as `str.splitlines` gives them: no line after a last line end.
    pub fn split_lines(&self) -> &[Line] {
        match &self.pieces {
            Some(pieces) => pieces,
            None => match self.lines.split_last() {
                // Text that ends in a line end has an empty last line by `\n`.
                Some((last, rest)) if last.characters == 0 => rest,
                _ => &self.lines,
            },
        }
    }

    /// The bytes of the table's column.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.lines.len() * 20 + 8);
        for list in [Some(&self.lines), self.pieces.as_ref()] {
            let Some(list) = list else {
                put(&mut out, 0);
                continue;
            };
            put(&mut out, list.len() as u32 + 1);
            for line in list {
                let at = out.len();
                out.push(0);
                line.numbers().into_iter().for_each(|number| put(&mut out, number));
                // Twelve varints of at most five bytes fit.
                out[at] = (out.len() - at - 1) as u8;
            }
        }
        out
    }

    /// The facts back from the bytes.
    ///
    /// # Errors
    /// [`CorpusError::DamagedTable`] when the bytes are not what [`Self::encode`] writes.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, CorpusError> {
        Self::parse(&mut bytes)
            .ok_or(CorpusError::DamagedTable { what: "facts about lines are cut or damaged".to_owned() })
    }

    fn parse(bytes: &mut &[u8]) -> Option<Self> {
        let lines = Self::list(bytes)??;
        let pieces = Self::list(bytes)?;
        bytes.is_empty().then_some(Lines { lines, pieces })
    }

    fn list(bytes: &mut &[u8]) -> Option<Option<Vec<Line>>> {
        let count = take(bytes)?;
        if count == 0 {
            return Some(None);
        }
        // A damaged count must not ask for memory that the bytes cannot fill.
        if count as usize - 1 > bytes.len() {
            return None;
        }
        let mut lines = Vec::with_capacity(count as usize - 1);
        for _ in 1..count {
            let (&length, rest) = bytes.split_first()?;
            let (mut line, rest) = rest.split_at_checked(usize::from(length))?;
            let mut numbers = [0; NUMBERS];
            for number in &mut numbers {
                *number = take(&mut line)?;
            }
            *bytes = rest;
            lines.push(Line::from_numbers(numbers));
        }
        Some(Some(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn facts_come_back_from_bytes(numbers in proptest::collection::vec(proptest::array::uniform12(any::<u32>()), 0..6), twice: bool) {
            let lines: Vec<Line> = numbers.into_iter().map(Line::from_numbers).collect();
            let lines = Lines { pieces: twice.then(|| lines.clone()), lines };
            prop_assert_eq!(Lines::decode(&lines.encode()).unwrap(), lines);
        }

        #[test]
        fn damage_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            drop(Lines::decode(&bytes));
        }
    }

    #[test]
    fn cut_facts_are_refused() {
        let bytes = Lines { lines: vec![Line { words: 700, ..Line::default() }], pieces: None }.encode();
        for cut in 0..bytes.len() {
            assert!(Lines::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
