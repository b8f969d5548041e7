//! Cutting text into pre-tokens by the published patterns, the pieces no merge may cross.
//!
//! The patterns are written out as hand-made scanners, because the `regex` crate has no look-ahead and a back-tracking engine
//! costs most of the encoding time. The Unicode classes are those of `\p{L}` and `\p{N}` in `regex-syntax` (Unicode 16,
//! equal to the engine inside Hugging Face `tokenizers` 0.23), not the differently defined `char::is_alphabetic` and
//! `char::is_numeric`.
//!
//! Optionally every Han character (`\p{Han}`, the Unicode property Script=Han) is cut out first, and the pattern runs
//! on each stretch between as on a text of its own: its look-ahead does not see the Han character, so that white space
//! before one is a piece of its own, as at the end of a text. Without this cut and with a small vocabulary, merges
//! across characters make the tokens of a Chinese name depend on what follows it, which keeps a model from copying
//! names.

use std::sync::LazyLock;

use super::classes::{self, CASELESS, LETTER, LOWER, NEWLINE, NUMBER, OTHER, SPACE, UPPER};

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
    /// GPT-4, as tiktoken has it: white space at the end of a text is one piece.
    Cl100k,
    /// GPT-4o: words are cut where small letters end.
    O200k,
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

/// tiktoken's expression of GPT-4, but for `{1,3}+`, which the engine of Hugging Face reads as a repetition.
pub(crate) const CL100K: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

/// tiktoken's expression of GPT-4o.
pub(crate) const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

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

/// Qwen2's expression.
pub(crate) const SINGLE_DIGITS: &str = llama_pattern!(r"\p{N}");
/// LLaMA 3's expression.
pub(crate) const DIGIT_TRIPLES: &str = llama_pattern!(r"\p{N}{1,3}");

impl Pattern {
    /// The regular expressions as `tokenizer.json` carries them, each splitting what the one before leaves.
    pub(crate) fn regexes(self) -> &'static [&'static str] {
        match self {
            Pattern::Gpt2 => &[GPT2],
            Pattern::Llama { digits: Digits::Single, split_han: false } => &[SINGLE_DIGITS],
            Pattern::Llama { digits: Digits::Triples, split_han: false } => &[DIGIT_TRIPLES],
            Pattern::Llama { digits: Digits::Single, split_han: true } => &[HAN, SINGLE_DIGITS],
            Pattern::Llama { digits: Digits::Triples, split_han: true } => &[HAN, DIGIT_TRIPLES],
            Pattern::Cl100k => &[CL100K],
            Pattern::O200k => &[O200K],
        }
    }

    /// The pattern written as `regexes`, if it is one of ours.
    pub(crate) fn from_regexes(regexes: &[&str]) -> Option<Pattern> {
        [Digits::Single, Digits::Triples]
            .into_iter()
            .flat_map(|digits| [false, true].map(|split_han| Pattern::Llama { digits, split_han }))
            .chain([Pattern::Gpt2, Pattern::Cl100k, Pattern::O200k])
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

impl Pieces<'_> {
    /// Go on at byte `position`, up to which pieces have been found otherwise.
    #[inline]
    pub(crate) fn skip_to(&mut self, position: usize) {
        self.position = position;
        self.stretch_end = self.stretch_end.max(position);
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    #[inline]
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
            Pattern::Llama { digits: Digits::Single, .. } => scan.llama(start, 1, false),
            Pattern::Llama { digits: Digits::Triples, .. } => scan.llama(start, 3, false),
            Pattern::Cl100k => scan.llama(start, 3, true),
            Pattern::O200k => scan.o200k(start),
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

/// Whether a character is one of `\p{L}`.
pub(crate) fn is_letter(character: char) -> bool {
    classes::of(character) & LETTER != 0
}

struct Scanner<'a> {
    text: &'a str,
}

impl Scanner<'_> {
    /// The classes of the character at byte `position` and the position after it; none at the end.
    #[inline]
    fn at(&self, position: usize) -> (u8, usize) {
        match self.text.as_bytes().get(position) {
            None => (0, position),
            Some(&byte) if byte < 0x80 => (classes::ASCII[usize::from(byte)], position + 1),
            Some(_) => {
                let character = self.text[position..].chars().next().unwrap_or_default();
                (classes::of(character), position + character.len_utf8())
            }
        }
    }

    /// End of the run of characters from `position` that are of a class in `wanted`.
    #[inline]
    fn run(&self, mut position: usize, wanted: u8) -> usize {
        let mut length = 0u32;
        loop {
            // All characters from U+4E00 to U+9FFF are letters without case.
            if wanted & (LETTER | CASELESS) != 0 {
                let bytes = self.text.as_bytes();
                while let Some(&[first, second]) = bytes.get(position..).and_then(<[u8]>::first_chunk)
                    && (matches!(first, 0xE5..=0xE9) || first == 0xE4 && second >= 0xB8)
                {
                    position += 3;
                }
            }
            let (class, next) = self.at(position);
            if class & wanted == 0 {
                return position;
            }
            position = next;
            length += 1;
            if length.is_multiple_of(16) {
                position = self.same(position);
            }
        }
    }

    /// Where whole blocks of the byte before `position` end, if that is ASCII: of a long run it is gone through at once.
    fn same(&self, mut position: usize) -> usize {
        let bytes = self.text.as_bytes();
        let byte = bytes[position - 1];
        while let Some(block) = bytes[position..].first_chunk::<32>()
            && byte.is_ascii()
            && block.iter().fold(true, |same, &next| same & (next == byte))
        {
            position += block.len();
        }
        position
    }

    /// End of the run of numbers from `position`, at most `limit` characters long.
    fn numbers(&self, mut position: usize, limit: usize) -> usize {
        for _ in 0..limit {
            match self.at(position) {
                (class, next) if class & NUMBER != 0 => position = next,
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

    fn is_apostrophe(&self, position: usize) -> bool {
        self.text.as_bytes().get(position) == Some(&b'\'')
    }

    /// `\s+(?!\S)|\s+` at `start`: the run of white space, less its last character when text follows and the run is
    /// longer than one.
    fn spaces(&self, start: usize) -> usize {
        let end = self.run(start, SPACE | NEWLINE);
        if end == self.text.len() {
            return end;
        }
        let last = self.text[start..end].chars().next_back().map_or(0, char::len_utf8);
        if end - last > start { end - last } else { end }
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+` at `start`; with `whole_end`, `\s++$` goes first.
    fn lines(&self, start: usize, whole_end: bool) -> usize {
        // `\s*[\r\n]+` gives white space back until it ends in a line break.
        let end = self.run(start, SPACE | NEWLINE);
        if whole_end && end == self.text.len() {
            return end;
        }
        match self.text.as_bytes()[start..end].iter().rposition(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(line_break) => start + line_break + 1,
            None => self.spaces(start),
        }
    }

    /// End of the pre-token of GPT-2's pattern that starts at `start`.
    #[inline]
    fn gpt2(&self, start: usize) -> usize {
        let (class, after) = self.at(start);
        let byte = self.text.as_bytes()[start];
        if byte == b'\''
            && let Some(end) = self.contraction(start, false)
        {
            return end;
        }
        if byte == b' ' {
            let (next, body) = self.at(after);
            let wanted = next & (LETTER | NUMBER | OTHER);
            return if wanted != 0 { self.run(body, wanted) } else { self.spaces(start) };
        }
        match class & (LETTER | NUMBER | OTHER) {
            0 => self.spaces(start),
            wanted => self.run(after, wanted),
        }
    }

    /// End of the pre-token of the LLaMA 3 family of patterns that starts at `start`, numbers being cut after `digits`.
    #[inline]
    fn llama(&self, start: usize, digits: usize, whole_end: bool) -> usize {
        let (class, after) = self.at(start);
        let byte = self.text.as_bytes()[start];
        if byte == b'\''
            && let Some(end) = self.contraction(start, true)
        {
            return end;
        }
        if class & LETTER != 0 {
            return self.run(after, LETTER);
        }
        if class & NUMBER != 0 {
            return self.numbers(start, digits);
        }
        let (next, _) = self.at(after);
        if class & NEWLINE == 0 && next & LETTER != 0 {
            return self.run(after, LETTER);
        }
        if class & OTHER != 0 || (byte == b' ' && next & OTHER != 0) {
            let end = self.run(after, OTHER);
            return self.run(end, NEWLINE);
        }
        self.lines(start, whole_end)
    }

    /// End of the pre-token of GPT-4o's pattern that starts at `start`.
    fn o200k(&self, start: usize) -> usize {
        let (class, after) = self.at(start);
        // A word may begin with one character that is no letter, number or line break.
        let has_prefix = class & (LETTER | NUMBER | NEWLINE) == 0;
        let with_prefix = has_prefix.then(|| self.small_word(after)).flatten();
        // Marks are such characters and parts of words at once.
        let word = with_prefix.or_else(|| self.small_word(start)).or_else(|| {
            let capitals = |from: usize| Some(self.run(from, UPPER | CASELESS)).filter(|&end| end > from);
            let end = has_prefix.then(|| capitals(after)).flatten().or_else(|| capitals(start))?;
            Some(self.run(end, LOWER | CASELESS))
        });
        if let Some(end) = word {
            return if self.is_apostrophe(end) { self.contraction(end, true).unwrap_or(end) } else { end };
        }
        if class & NUMBER != 0 {
            return self.numbers(start, 3);
        }
        let is_space = self.text.as_bytes()[start] == b' ';
        if class & OTHER != 0 || (is_space && self.at(after).0 & OTHER != 0) {
            let end = self.run(after, OTHER);
            let tail = self.text.as_bytes()[end..].iter();
            return end + tail.take_while(|byte| matches!(byte, b'\r' | b'\n' | b'/')).count();
        }
        self.lines(start, false)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` at `start`. Where no small letter follows the first
    /// part, it gives back letters until one of neither case is at its end.
    fn small_word(&self, start: usize) -> Option<usize> {
        let capitals = self.run(start, UPPER | CASELESS);
        let end = self.run(capitals, LOWER | CASELESS);
        if end > capitals {
            return Some(end);
        }
        let given_back = self.text[start..capitals].char_indices().rev();
        let mut caseless = given_back.filter(|(_, letter)| classes::of(*letter) & CASELESS != 0);
        caseless.next().map(|(at, letter)| start + at + letter.len_utf8())
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
        let all = || (0..=char::MAX as u32).filter_map(char::from_u32);
        let count = |class| all().filter(|&c| classes::of(c) & class != 0).count();
        assert_eq!(count(LETTER), 141_028);
        assert_eq!(count(NUMBER), 1_911);
        assert_eq!(count(SPACE) + count(NEWLINE), 25);
        assert!(('\u{4e00}'..='\u{9fff}').all(|character| classes::of(character) == LETTER | CASELESS));
        for character in (0..0x80).map(char::from) {
            assert_eq!(classes::ASCII[character as usize], classes::of(character));
        }
        assert_eq!((0..=char::MAX as u32).filter_map(char::from_u32).filter(|&c| is_han(c)).count(), 99_030);
    }

    /// Against the expressions themselves, on the engine for all others.
    #[test]
    fn scanners_equal_the_expressions() {
        let mut rng = crate::rng::Rng::new(17);
        let pool: Vec<char> = "aaBſs'lLtreVE  \t\n\r19½.!/-中ǅʰé\u{301}\u{345}Ⅻ\u{a0}\u{3000}🙂".chars().collect();
        for pattern in [
            Pattern::Gpt2,
            Pattern::Cl100k,
            Pattern::O200k,
            llama(Digits::Single, false),
            llama(Digits::Triples, false),
        ] {
            // `$` of the engine of Hugging Face stands at every line, but what goes before it here takes all lines.
            let regex = fancy_regex::Regex::new(&pattern.regexes()[0].replace('$', r"\z")).unwrap();
            for _ in 0..4000 {
                let text: String = (0..rng.below(14)).map(|_| *rng.choose(&pool)).collect();
                let expected: Vec<&str> = regex.find_iter(&text).map(|found| found.unwrap().as_str()).collect();
                check(pattern, &text, &expected);
            }
            // Long runs are gone through in blocks.
            for _ in 0..400 {
                let runs = (0..1 + rng.below(3)).map(|_| rng.choose(&pool).to_string().repeat(rng.below(120) as usize));
                let text: String = runs.collect();
                let expected: Vec<&str> = regex.find_iter(&text).map(|found| found.unwrap().as_str()).collect();
                check(pattern, &text, &expected);
            }
        }
    }
}
