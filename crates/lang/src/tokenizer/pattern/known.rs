//! Cutting text into pre-tokens, the pieces no merge may cross.
//!
//! Three published patterns are written out as one hand-made scanner, because the `regex` crate has no look-ahead and a
//! back-tracking engine costs most of the encoding time. The Unicode classes are those of `\p{L}` and `\p{N}` in
//! `regex-syntax` (Unicode 16, equal to the engine inside Hugging Face `tokenizers` 0.23), not the differently defined
//! `char::is_alphabetic` and `char::is_numeric`.
//!
//! Optionally every Han character (`\p{Han}`, the Unicode property Script=Han) is cut out first, and the pattern runs
//! on each stretch between as on a text of its own: its look-ahead does not see the Han character, so that white space
//! before one is a piece of its own, as at the end of a text. Without this cut and with a small vocabulary, merges
//! across characters make the tokens of a Chinese name depend on what follows it, which keeps a model from copying
//! names.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Which published pattern cuts the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// GPT-2: the `ByteLevel` pre-tokenizer of Hugging Face with `use_regex`.
    Gpt2,
    /// The LLaMA 3 family.
    Llama {
        digits: Digits,
        /// Whether every Han character is cut out before.
        split_han: bool,
    },
}

/// How the LLaMA 3 family cuts numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// Qwen2: every digit alone.
    Single,
    /// LLaMA 3: groups of up to three.
    Triples,
}

/// GPT-2's expression, which is built into `ByteLevel`.
pub(crate) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The expression that cuts Han characters out, as `tokenizer.json` carries it.
pub(crate) const HAN: &str = r"\p{Han}";

macro_rules! llama_pattern {
    ($numbers:literal) => {
        concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|",
            $numbers,
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
    };
}

const SINGLE_DIGITS: &str = llama_pattern!(r"\p{N}");
const DIGIT_TRIPLES: &str = llama_pattern!(r"\p{N}{1,3}");

impl Pattern {
    /// The regular expressions as `tokenizer.json` carries them, each splitting what the one before leaves; none for
    /// GPT-2's, which is built into `ByteLevel`.
    pub(crate) fn regexes(self) -> &'static [&'static str] {
        match self {
            Pattern::Gpt2 => &[],
            Pattern::Llama { digits: Digits::Single, split_han: false } => &[SINGLE_DIGITS],
            Pattern::Llama { digits: Digits::Triples, split_han: false } => &[DIGIT_TRIPLES],
            Pattern::Llama { digits: Digits::Single, split_han: true } => &[HAN, SINGLE_DIGITS],
            Pattern::Llama { digits: Digits::Triples, split_han: true } => &[HAN, DIGIT_TRIPLES],
        }
    }

    /// The pattern written as `regexes`, if it is one of ours.
    pub(crate) fn from_regexes(regexes: &[&str]) -> Option<Pattern> {
        if regexes == [GPT2] {
            return Some(Pattern::Gpt2);
        }
        [Digits::Single, Digits::Triples]
            .into_iter()
            .flat_map(|digits| [false, true].map(|split_han| Pattern::Llama { digits, split_han }))
            .find(|pattern| pattern.regexes() == regexes)
    }

    /// The pre-tokens of `text`: adjacent, non-empty, together the whole text.
    pub(crate) fn split(self, text: &str) -> Pieces<'_> {
        let split_han = matches!(self, Pattern::Llama { split_han: true, .. });
        Pieces { pattern: self, text, position: 0, stretch_end: if split_han { 0 } else { text.len() } }
    }
}

/// Iterator over the pre-tokens of a text.
pub(crate) struct Pieces<'a> {
    pattern: Pattern,
    text: &'a str,
    position: usize,
    /// Where the stretch between Han characters ends that `position` is in; the end of the text where they are not cut.
    stretch_end: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.position;
        if start == self.text.len() {
            return None;
        }
        if start == self.stretch_end {
            let (end, han_end) = until_han(self.text, start);
            if end == start {
                (self.position, self.stretch_end) = (han_end, han_end);
                return Some(&self.text[start..han_end]);
            }
            self.stretch_end = end;
        }
        let scan = Scanner { text: &self.text[..self.stretch_end] };
        self.position = match self.pattern {
            Pattern::Gpt2 => scan.gpt2(start),
            Pattern::Llama { digits: Digits::Single, .. } => scan.llama(start, 1),
            Pattern::Llama { digits: Digits::Triples, .. } => scan.llama(start, 3),
        };
        Some(&self.text[start..self.position])
    }
}

/// `\p{Han}` as ascending ranges.
static HAN_RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let parsed = regex_syntax::parse(HAN).expect("a constant pattern that the tests parse");
    match parsed.kind() {
        regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(ranges)) => {
            ranges.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
});

fn is_han(character: char) -> bool {
    match character {
        // The block of the common characters, all of which are Han.
        '\u{4e00}'..='\u{9fff}' => true,
        // Nothing before the radicals is.
        ..'\u{2e80}' => false,
        _ => {
            let after = HAN_RANGES.partition_point(|&(first, _)| first <= character);
            after > 0 && character <= HAN_RANGES[after - 1].1
        }
    }
}

/// Start and end of the first Han character of `text` from `start`, both the end of the text where there is none.
fn until_han(text: &str, start: usize) -> (usize, usize) {
    for (at, character) in text[start..].char_indices() {
        if is_han(character) {
            return (start + at, start + at + character.len_utf8());
        }
    }
    (text.len(), text.len())
}

/// What the patterns ask about a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// `\p{L}`.
    Letter,
    /// `\p{N}`.
    Number,
    /// `\r` or `\n`.
    Newline,
    /// The rest of `\s`.
    Space,
    /// `[^\s\p{L}\p{N}]`.
    Other,
}

/// Classes of all code points in two levels: pages of 256, equal pages stored once.
struct Classes {
    page_of: Vec<u16>,
    pages: Vec<[Class; 256]>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    let mut flat = vec![Class::Other; 0x11_0000];
    for (pattern, class) in [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number)] {
        let parsed = regex_syntax::parse(pattern).expect("a constant pattern that the tests parse");
        if let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(ranges)) = parsed.kind() {
            for range in ranges.ranges() {
                flat[range.start() as usize..=range.end() as usize].fill(class);
            }
        }
    }
    for code in 0..0x11_0000u32 {
        if char::from_u32(code).is_some_and(char::is_whitespace) {
            let newline = code == u32::from(b'\n') || code == u32::from(b'\r');
            flat[code as usize] = if newline { Class::Newline } else { Class::Space };
        }
    }
    let mut classes = Classes { page_of: Vec::with_capacity(0x1100), pages: Vec::new() };
    let mut seen: HashMap<Vec<u8>, u16> = HashMap::new();
    for page in flat.chunks_exact(256) {
        let key: Vec<u8> = page.iter().map(|&class| class as u8).collect();
        let index = *seen.entry(key).or_insert_with(|| {
            classes.pages.push(std::array::from_fn(|i| page[i]));
            (classes.pages.len() - 1) as u16
        });
        classes.page_of.push(index);
    }
    classes
});

impl Classes {
    fn of(&self, character: char) -> Class {
        let code = character as usize;
        self.pages[usize::from(self.page_of[code >> 8])][code & 0xFF]
    }
}

/// Whether a character is one of `\p{L}`.
pub(crate) fn is_letter(character: char) -> bool {
    CLASSES.of(character) == Class::Letter
}

struct Scanner<'a> {
    text: &'a str,
}

impl Scanner<'_> {
    /// The character at byte `position` with its class and the position after it.
    fn at(&self, position: usize) -> Option<(char, Class, usize)> {
        let character = self.text[position..].chars().next()?;
        Some((character, CLASSES.of(character), position + character.len_utf8()))
    }

    /// End of the run of characters from `position` whose class is in `wanted`.
    fn run(&self, mut position: usize, wanted: &[Class]) -> usize {
        let classes = &*CLASSES;
        for character in self.text[position..].chars() {
            if !wanted.contains(&classes.of(character)) {
                break;
            }
            position += character.len_utf8();
        }
        position
    }

    /// End of the run of numbers from `position`, at most `limit` characters long.
    fn numbers(&self, mut position: usize, limit: usize) -> usize {
        for _ in 0..limit {
            match self.at(position) {
                Some((_, Class::Number, next)) => position = next,
                _ => break,
            }
        }
        position
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d` at `start`, where the text has an apostrophe. Ignoring case also admits `ſ`, the long
    /// s, which folds to `s`.
    fn contraction(&self, start: usize, ignore_case: bool) -> Option<usize> {
        let fold = |character: char| match character {
            'A'..='Z' if ignore_case => character.to_ascii_lowercase(),
            'ſ' if ignore_case => 's',
            _ => character,
        };
        let mut rest = self.text[start + 1..].chars();
        let first = rest.next()?;
        let end = start + 1 + first.len_utf8();
        match fold(first) {
            's' | 't' | 'm' | 'd' => Some(end),
            first @ ('r' | 'v' | 'l') => {
                let second = fold(rest.next()?);
                matches!((first, second), ('r' | 'v', 'e') | ('l', 'l')).then_some(end + 1)
            }
            _ => None,
        }
    }

    /// `\s+(?!\S)|\s+` at `start`: the run of white space, less its last character when text follows and the run is
    /// longer than one.
    fn spaces(&self, start: usize) -> usize {
        let end = self.run(start, &[Class::Space, Class::Newline]);
        if end == self.text.len() {
            return end;
        }
        let last = self.text[start..end].chars().next_back().map_or(0, char::len_utf8);
        if end - last > start { end - last } else { end }
    }

    /// End of the pre-token of GPT-2's pattern that starts at `start`:
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    fn gpt2(&self, start: usize) -> usize {
        let Some((first, class, after)) = self.at(start) else {
            return start;
        };
        if first == '\''
            && let Some(end) = self.contraction(start, false)
        {
            return end;
        }
        let (class, body) = match self.at(after) {
            Some((_, next, _)) if first == ' ' && !matches!(next, Class::Space | Class::Newline) => (next, after),
            _ => (class, start),
        };
        match class {
            Class::Letter | Class::Number | Class::Other => self.run(body, &[class]),
            Class::Space | Class::Newline => self.spaces(start),
        }
    }

    /// End of the pre-token of the LLaMA 3 family of patterns that starts at `start`, numbers being cut after `digits`.
    fn llama(&self, start: usize, digits: usize) -> usize {
        let Some((first, class, after)) = self.at(start) else {
            return start;
        };
        if first == '\''
            && let Some(end) = self.contraction(start, true)
        {
            return end;
        }
        match class {
            Class::Letter => return self.run(after, &[Class::Letter]),
            Class::Number => return self.numbers(start, digits),
            Class::Space | Class::Other | Class::Newline => {}
        }
        let next = self.at(after).map(|(_, next, _)| next);
        if class != Class::Newline && next == Some(Class::Letter) {
            return self.run(after, &[Class::Letter]);
        }
        if class == Class::Other || (first == ' ' && next == Some(Class::Other)) {
            let end = self.run(after, &[Class::Other]);
            return self.run(end, &[Class::Newline]);
        }
        // `\s*[\r\n]+` gives white space back until it ends in a line break.
        let end = self.run(start, &[Class::Space, Class::Newline]);
        match self.text[start..end].rfind(['\r', '\n']) {
            Some(line_break) => start + line_break + 1,
            None => self.spaces(start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn llama(digits: Digits, split_han: bool) -> Pattern {
        Pattern::Llama { digits, split_han }
    }

    fn check(pattern: Pattern, text: &str, expected: &[&str]) {
        assert_eq!(pattern.split(text).collect::<Vec<_>>(), expected, "{pattern:?} {text:?}");
    }

    #[test]
    fn llama_family() {
        let check = |text, expected: &[&str]| check(llama(Digits::Single, false), text, expected);
        check("", &[]);
        check("It's 2024, isn't it?", &["It", "'s", " ", "2", "0", "2", "4", ",", " isn", "'t", " it", "?"]);
        check("WE'LL 'ſo", &["WE", "'LL", " '", "ſo"]);
        check("'ſo", &["'ſ", "o"]);
        check("a  b\t c", &["a", " ", " b", "\t", " c"]);
        check("a \n \n  b", &["a", " \n \n", " ", " b"]);
        check("x...\r\n\r\ny  ", &["x", "...\r\n\r\n", "y", "  "]);
        check("\"word\" $5", &["\"word", "\"", " $", "5"]);
        check("你好，世界！", &["你好", "，世界", "！"]);
        check("e\u{301}x", &["e", "\u{301}x"]);
        check("\u{3000}\u{3000}第", &["\u{3000}", "\u{3000}第"]);
        // Roman numeral twelve is \p{N}; the circled letter Ⓐ is \p{So} although `is_alphabetic` says yes.
        check("ⅫⒶx", &["Ⅻ", "Ⓐx"]);
        check("Ⓐ\u{b2}", &["Ⓐ", "\u{b2}"]);
    }

    #[test]
    fn digit_triples() {
        check(llama(Digits::Triples, false), "12345 67", &["123", "45", " ", "67"]);
    }

    #[test]
    fn han_characters_alone() {
        let check = |text, expected: &[&str]| check(llama(Digits::Triples, true), text, expected);
        check("", &[]);
        check("你好，世界！", &["你", "好", "，", "世", "界", "！"]);
        check("a  河 b", &["a", "  ", "河", " b"]);
        check("…\n河'灯s", &["…\n", "河", "'", "灯", "s"]);
        check("々〇〡1234河5かな", &["々", "〇", "〡", "123", "4", "河", "5", "かな"]);
    }

    #[test]
    fn gpt2() {
        let check = |text, expected: &[&str]| check(Pattern::Gpt2, text, expected);
        check("It's 2024, isn't IT'S", &["It", "'s", " 2024", ",", " isn", "'t", " IT", "'", "S"]);
        check("a  b\n\n c ", &["a", " ", " b", "\n\n", " c", " "]);
        check(" \t!", &[" ", "\t", "!"]);
    }

    /// `\s` of the engine is the White_Space property; the count of each class is that of Unicode 16.
    #[test]
    fn classes_are_those_of_unicode_16() {
        let count =
            |class| (0..=char::MAX as u32).filter_map(char::from_u32).filter(|&c| CLASSES.of(c) == class).count();
        assert_eq!(count(Class::Letter), 141_028);
        assert_eq!(count(Class::Number), 1_911);
        assert_eq!(count(Class::Space) + count(Class::Newline), 25);
        assert_eq!((0..=char::MAX as u32).filter_map(char::from_u32).filter(|&c| is_han(c)).count(), 99_030);
    }
}
